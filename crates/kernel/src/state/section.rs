//! The state of one section: for each key a header, a log, columns and the events that wait. Here it is made, aged, cleared, loaded and measured; `fold` changes it, `read` reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::batch::Chunk;
use super::column::Column;
use super::header::{self, header_words};
use super::layout::{Layout, Place, Reach};
use super::log::{self, Log};
use super::log_row::{Row, Shape};
use super::pool::{NOWHERE, Pool, class_words};
use super::read_short::Reading;
use super::words::Words;
use crate::aggregates::raw::RawEvent;
use crate::plan::{Plan, Section};
use crate::prefetch::prefetch;

/// State of one section, by key id.
pub(crate) struct SectionState {
    pub(crate) plan: Arc<Plan>,
    pub(crate) index: usize,
    pub(crate) layout: Arc<Layout>,
    pub(crate) shape: Shape,
    pub(crate) sealed_at: i64,
    pub(crate) reach: Reach,
    /// How each view of the section is read.
    pub(super) readings: Vec<Reading>,
    pub(super) headers: Words,
    pub(super) stride: usize,
    pub(crate) pool: Pool,
    pub(crate) columns: Vec<Option<Box<[Column]>>>,
    pub(crate) waiting: BTreeMap<u32, Vec<RawEvent>>,
    pub(super) chunk: Chunk,
}

impl SectionState {
    pub(crate) fn new(plan: &Arc<Plan>, index: usize) -> SectionState {
        let section = &plan.sections[index];
        let layout = Arc::new(Layout::of(section));
        let reach = layout.reach(plan, section, i64::MIN);
        let (counts, sums) = (layout.counts.len(), layout.sums.len());
        let shape = Shape { counts, sums, extremes: layout.extremes.len() };
        SectionState {
            plan: Arc::clone(plan),
            index,
            shape,
            sealed_at: i64::MIN,
            reach,
            readings: section
                .views
                .iter()
                .map(|&view| Reading::of(&plan.views[view], &layout))
                .collect(),
            headers: Words::default(),
            stride: header_words(shape),
            pool: Pool::default(),
            columns: Vec::new(),
            waiting: BTreeMap::new(),
            chunk: Chunk::new(&layout),
            layout,
        }
    }

    pub(crate) fn section(&self) -> &Section {
        &self.plan.sections[self.index]
    }

    /// Moves the sealed instant; it never goes back.
    pub(crate) fn seal(&mut self, sealed_at: i64) {
        if sealed_at > self.sealed_at {
            self.sealed_at = sealed_at;
            self.reach = self.layout.reach(&self.plan, &self.plan.sections[self.index], sealed_at);
        }
    }

    /// Makes sure that the headers of all ids below `end` exist.
    #[inline]
    pub(super) fn reserve(&mut self, end: usize) {
        if end * self.stride > self.headers.len() {
            self.reserve_slowly(end);
        }
    }

    #[cold]
    fn reserve_slowly(&mut self, end: usize) {
        while self.headers.len() < end * self.stride {
            let at = self.headers.len();
            self.headers.extend(self.stride, 0);
            header::clear(&mut self.headers[at..]);
        }
        if !self.layout.columns.is_empty() && self.columns.len() < end {
            self.columns.resize(end, None);
        }
    }

    #[inline]
    pub(crate) fn header(&self, id: u32) -> Option<&[u32]> {
        let at = id as usize * self.stride;
        self.headers.get(at..at + self.stride)
    }

    /// The header of an id that has one.
    #[inline]
    fn header_mut(&mut self, id: u32) -> &mut [u32] {
        let at = id as usize * self.stride;
        &mut self.headers[at..at + self.stride]
    }

    /// Events of a key that wait.
    #[inline]
    pub(crate) fn waiting_of(&self, id: u32) -> &[RawEvent] {
        match self.header(id) {
            Some(header) if header::is_waiting(header) => {
                self.waiting.get(&id).map_or(&[], Vec::as_slice)
            }
            _ => &[],
        }
    }

    pub(super) fn set_waiting(&mut self, id: u32, waiting: bool) {
        header::put_waiting(self.header_mut(id), waiting);
    }

    /// The log of a key, and what else the change of it needs.
    pub(super) fn with_log<R>(&mut self, id: u32, change: impl FnOnce(&mut Log, &Reach) -> R) -> R {
        let at = id as usize * self.stride;
        let header = &mut self.headers[at..at + self.stride];
        log::settled(&mut self.pool, header, self.shape, |log| change(log, &self.reach))
    }

    /// Drops what the sealed instant leaves behind; can no read find the key here any more?
    pub(crate) fn age(&mut self, id: u32) -> bool {
        if self.header(id).is_none() {
            return true;
        }
        self.move_waiting(id);
        let mut empty = self.waiting_of(id).is_empty();
        let layout = Arc::clone(&self.layout);
        empty &= self.with_log(id, |log, reach| {
            log.thin(&reach.log);
            // The last row is the total: dead once every boundary still needed lies behind it.
            log.is_behind(reach.log.lowest())
        });
        if let Some(Some(columns)) = self.columns.get_mut(id as usize) {
            for (column, &part) in columns.iter_mut().zip(&layout.columns) {
                empty &= column.thin(part, &self.reach);
            }
        }
        empty
    }

    /// Forgets what is held of a key.
    pub(crate) fn clear(&mut self, id: u32) {
        if self.header(id).is_none() {
            return;
        }
        let at = id as usize * self.stride;
        let header = &mut self.headers[at..at + self.stride];
        let head = header::head_of(header);
        self.pool.release(head.at, head.class);
        header::clear(header);
        if let Some(columns) = self.columns.get_mut(id as usize) {
            *columns = None;
        }
        self.waiting.remove(&id);
    }

    /// Bytes held, capacity included.
    pub(crate) fn bytes_used(&self) -> usize {
        let events =
            |events: &Vec<RawEvent>| events.iter().map(RawEvent::bytes_used).sum::<usize>();
        let columns = |columns: &[Column]| {
            size_of_val(columns) + columns.iter().map(Column::bytes_used).sum::<usize>()
        };
        self.headers.bytes_used()
            + self.pool.bytes_used()
            + self.columns.capacity() * size_of::<Option<Box<[Column]>>>()
            + self.columns.iter().flatten().map(|boxed| columns(boxed)).sum::<usize>()
            + self.waiting.values().map(events).sum::<usize>()
    }

    /// Bytes held of one key: blocks at their full size.
    pub(crate) fn bytes_used_of(&self, id: u32) -> usize {
        let Some(header) = self.header(id) else { return 0 };
        let head = header::head_of(header);
        let block = if head.at == NOWHERE { 0 } else { class_words(head.class) };
        let columns = self.columns.get(id as usize).and_then(Option::as_deref).unwrap_or(&[]);
        (self.stride + block) * 4
            + size_of_val(columns)
            + columns.iter().map(Column::bytes_used).sum::<usize>()
            + self.waiting_of(id).iter().map(RawEvent::bytes_used).sum::<usize>()
    }

    /// For loading a row: the log, the columns and the waiting events, all empty.
    pub(crate) fn start_loading(&mut self, id: u32) {
        self.reserve(id as usize + 1);
        self.clear(id);
    }

    pub(crate) fn load_log(&mut self, id: u32, rows: &[Row]) {
        self.with_log(id, |log, _| rows.iter().for_each(|row| log.push_row(row)));
    }

    pub(crate) fn load_columns(&mut self, id: u32, columns: Box<[Column]>) {
        if !columns.is_empty() {
            self.columns[id as usize] = Some(columns);
        }
    }

    pub(crate) fn load_waiting(&mut self, id: u32, events: Vec<RawEvent>) {
        if !events.is_empty() {
            self.waiting.insert(id, events);
            self.set_waiting(id, true);
        }
    }

    /// The place of a part.
    #[inline]
    pub(crate) fn place(&self, part: usize) -> Place {
        self.layout.places[part]
    }

    #[inline]
    pub(crate) fn prefetch(&self, id: u32) {
        prefetch(&self.headers, id as usize * self.stride);
    }
}
