//! The state of one section: for each key a header, a log, staircases, columns and the events that
//! wait. The fold takes 64 rows at a time and loads what it will touch before it touches it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::batch::{Batch, CHUNK, Chunk, NarrowDelta, RawDelta, WideDelta};
use super::column::{Column, Incoming, input_of, raw_of};
use super::directory::Directory;
use super::layout::{Layout, Place, Reach};
use super::log::{Head, Log, Shape};
use super::pool::{NOWHERE, Pool, class_words, prefetch, start};
use super::stairs::{STEP_WORDS, StairHead, Stairs};
use super::words::{LINE_WORDS, Words};
use crate::aggregates::Event;
use crate::aggregates::raw::RawEvent;
use crate::fold::{FoldBatch, FoldReport};
use crate::plan::{Plan, Section};

/// Header words: log address, rows, class | level << 8 | waiting << 16; then 3 a staircase.
const HEADER_WORDS: usize = 3;

/// Words of a header: a divisor or a multiple of a cache line, so that it touches no line more
/// than it must.
fn header_stride(stairs: usize) -> usize {
    let words = HEADER_WORDS + 3 * stairs;
    if words <= LINE_WORDS { words.next_power_of_two() } else { words.next_multiple_of(LINE_WORDS) }
}

/// State of one section, by key id.
pub(crate) struct SectionState {
    pub(crate) plan: Arc<Plan>,
    pub(crate) index: usize,
    pub(crate) layout: Arc<Layout>,
    pub(crate) shape: Shape,
    pub(crate) sealed_at: i64,
    pub(crate) reach: Reach,
    headers: Words,
    stride: usize,
    pub(crate) pool: Pool,
    pub(crate) columns: Vec<Option<Box<[Column]>>>,
    pub(crate) waiting: BTreeMap<u32, Vec<RawEvent>>,
    chunk: Chunk,
    /// First instant and number of the bucket of the last event.
    last_bucket: (i64, i64),
}

impl SectionState {
    pub(crate) fn new(plan: &Arc<Plan>, index: usize) -> SectionState {
        let section = &plan.sections[index];
        let layout = Arc::new(Layout::of(section));
        let reach = layout.reach(plan, section, i64::MIN);
        let shape = Shape { counts: layout.counts.len(), sums: layout.sums.len() };
        SectionState {
            plan: Arc::clone(plan),
            index,
            shape,
            sealed_at: i64::MIN,
            reach,
            headers: Words::default(),
            stride: header_stride(layout.stairs.len()),
            pool: Pool::default(),
            columns: Vec::new(),
            waiting: BTreeMap::new(),
            chunk: Chunk::new(&layout),
            last_bucket: (i64::MIN, 0),
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

    /// Makes sure that the header of an id exists.
    fn reserve(&mut self, id: u32) {
        let wanted = (id as usize + 1) * self.stride;
        while self.headers.len() < wanted {
            let at = self.headers.len();
            self.headers.extend(self.stride, 0);
            let heads = 1 + self.layout.stairs.len();
            (0..heads).for_each(|head| self.headers[at + 3 * head] = NOWHERE);
        }
        if !self.layout.columns.is_empty() && self.columns.len() <= id as usize {
            self.columns.resize(id as usize + 1, None);
        }
    }

    #[inline]
    fn header(&self, id: u32) -> Option<&[u32]> {
        let at = id as usize * self.stride;
        self.headers.get(at..at + self.stride)
    }

    #[inline]
    pub(crate) fn head(&self, id: u32) -> Head {
        self.header(id).map_or(Head::EMPTY, head_of)
    }

    #[inline]
    pub(crate) fn stair(&self, id: u32, index: usize) -> StairHead {
        self.header(id).map_or(StairHead::EMPTY, |header| stair_of(header, index))
    }

    #[inline]
    fn has_waiting(&self, id: u32) -> bool {
        self.header(id).is_some_and(|header| header[2] >> 16 & 1 == 1)
    }

    /// Events of a key that wait.
    #[inline]
    pub(crate) fn waiting_of(&self, id: u32) -> &[RawEvent] {
        if !self.has_waiting(id) {
            return &[];
        }
        self.waiting.get(&id).map_or(&[], Vec::as_slice)
    }

    fn set_waiting(&mut self, id: u32, waiting: bool) {
        let word = &mut self.headers[id as usize * self.stride + 2];
        *word = *word & 0xffff | u32::from(waiting) << 16;
    }

    /// The log of a key, and what else the change of it needs.
    #[inline]
    fn with_log<R>(&mut self, id: u32, change: impl FnOnce(&mut Log, &Reach) -> R) -> R {
        let at = id as usize * self.stride;
        let mut head = head_of(&self.headers[at..at + HEADER_WORDS]);
        let before = head;
        let mut log = Log { pool: &mut self.pool, head: &mut head, shape: self.shape };
        let result = change(&mut log, &self.reach);
        if head != before {
            let header = &mut self.headers[at..at + HEADER_WORDS];
            header[0] = head.at;
            header[1] = head.rows;
            header[2] = header[2] & 0x1_0000 | u32::from(head.class) | u32::from(head.level) << 8;
        }
        result
    }

    #[inline]
    fn with_stairs<R>(
        &mut self,
        id: u32,
        index: usize,
        change: impl FnOnce(&mut Stairs, &Reach) -> R,
    ) -> R {
        let at = id as usize * self.stride + HEADER_WORDS + 3 * index;
        let mut head = stair_of(&self.headers[id as usize * self.stride..], index);
        let before = head;
        let mut stairs = Stairs { pool: &mut self.pool, head: &mut head };
        let result = change(&mut stairs, &self.reach);
        if head != before {
            self.headers[at..at + 3].copy_from_slice(&[head.at, head.steps, head.class]);
        }
        result
    }

    /// Folds a batch; `touched` is told every id whose row changes.
    pub(crate) fn fold(
        &mut self,
        batch: &FoldBatch,
        sealed_at: i64,
        directory: &mut Directory,
        mut touched: impl FnMut(u32),
    ) -> FoldReport {
        self.seal(sealed_at);
        let plan = Arc::clone(&self.plan);
        let section = &plan.sections[self.index];
        let batch = Batch::new(section, batch);
        let rows = batch.batch.keys.len();
        let mut report = FoldReport::default();
        let mut ids = [0u32; CHUNK];
        for from in (0..rows).step_by(CHUNK) {
            let length = CHUNK.min(rows - from);
            let mut chunk = std::mem::take(&mut self.chunk);
            chunk.prepare(section, &self.layout, &batch, from, length);
            let taken = self.resolve(&batch, from, length, directory, &mut ids, &mut report);
            for bit in 0..length {
                if taken >> bit & 1 == 1 {
                    touched(ids[bit]);
                    self.apply(section, &batch, &chunk, from + bit, bit, ids[bit], &mut report);
                }
            }
            self.chunk = chunk;
        }
        report
    }

    /// Finds the ids of a chunk and starts loading what applying will touch; returns the rows that
    /// take part: those with a key that some view can reach.
    fn resolve(
        &mut self,
        batch: &Batch,
        from: usize,
        length: usize,
        directory: &mut Directory,
        ids: &mut [u32; CHUNK],
        report: &mut FoldReport,
    ) -> u64 {
        let keys = batch.batch.keys;
        for row in from..from + length {
            directory.prefetch(keys.hash(row));
        }
        let mut taken = 0u64;
        let mut id_max = None;
        for bit in 0..length {
            let row = from + bit;
            let Some(key) = keys.get(row) else { continue };
            let time = batch.batch.times[row];
            if time < self.reach.start_of_all && !self.count_beyond(batch, row, report) {
                continue;
            }
            let id = directory.find_or_insert(keys.hash(row), key);
            ids[bit] = id;
            id_max = id_max.max(Some(id));
            taken |= 1 << bit;
            prefetch(&self.headers, id as usize * self.stride);
        }
        if let Some(id) = id_max {
            self.reserve(id);
        }
        for (bit, &id) in ids[..length].iter().enumerate() {
            if taken >> bit & 1 == 1 {
                self.prefetch_tails(id);
            }
        }
        taken
    }

    /// Counts an event for the views that keep it but cannot reach it; can any view reach it?
    #[cold]
    fn count_beyond(&self, batch: &Batch, row: usize, report: &mut FoldReport) -> bool {
        let time = batch.batch.times[row];
        for &(view, start) in &self.reach.view_starts {
            if time >= start || !batch.passes(self.plan.views[view].filter, row) {
                continue;
            }
            match report.beyond_windows.iter_mut().find(|entry| entry.0 == view) {
                Some(entry) => entry.1 += 1,
                None => report.beyond_windows.push((view, 1)),
            }
        }
        time >= self.reach.start
    }

    #[inline]
    fn prefetch_tails(&self, id: u32) {
        let head = self.head(id);
        if head.at != NOWHERE {
            let stride = self.shape.stride(head.level);
            let end = start(head.at) + head.rows as usize * stride;
            prefetch(&self.pool.words, end - stride);
            prefetch(&self.pool.words, end + stride - 1);
        }
        for index in 0..self.layout.stairs.len() {
            let stair = self.stair(id, index);
            if stair.at != NOWHERE {
                let end = start(stair.at) + stair.steps as usize * STEP_WORDS;
                prefetch(&self.pool.words, end.saturating_sub(STEP_WORDS));
            }
        }
    }

    /// Folds one row of a chunk.
    #[inline]
    #[allow(clippy::too_many_arguments)] // one row needs its batch, its chunk and its place in both
    fn apply(
        &mut self,
        section: &Section,
        batch: &Batch,
        chunk: &Chunk,
        row: usize,
        bit: usize,
        id: u32,
        report: &mut FoldReport,
    ) {
        let time = batch.batch.times[row];
        if self.has_waiting(id) {
            self.move_waiting(id);
        }
        if time >= self.sealed_at {
            self.waiting.entry(id).or_default().push(batch.raw_event(row));
            self.set_waiting(id, true);
            report.waiting += 1;
            return;
        }
        let bucket = self.layout.bucket_near(&mut self.last_bucket, time);
        if chunk.logged >> bit & 1 == 1 {
            let delta = NarrowDelta { chunk, bit };
            if chunk.wide >> bit & 1 == 0 {
                self.with_log(id, |log, reach| log.add(bucket, delta, &reach.log));
            } else {
                let layout = Arc::clone(&self.layout);
                let delta = WideDelta { narrow: delta, section, layout: &layout, batch, row };
                self.with_log(id, |log, reach| log.add(bucket, delta, &reach.log));
            }
        }
        for index in 0..chunk.stairs.len() {
            let part = self.layout.stairs[index].part;
            if chunk.masks[part] >> bit & 1 == 1 {
                let value = chunk.stairs[index][bit];
                self.with_stairs(id, index, |stairs, reach| {
                    stairs.add(bucket, value, &reach.parts[part]);
                });
            }
        }
        if !self.layout.columns.is_empty() {
            self.apply_columns(section, batch, chunk, row, bit, id);
        }
    }

    fn apply_columns(
        &mut self,
        section: &Section,
        batch: &Batch,
        chunk: &Chunk,
        row: usize,
        bit: usize,
        id: u32,
    ) {
        let time = batch.batch.times[row];
        let bucket = self.layout.bucket(time);
        let tie = batch.batch.ties.map(|ties| &ties[row]);
        let columns = columns_of(&mut self.columns, section, &self.layout, id);
        for (column, &part) in columns.iter_mut().zip(&self.layout.columns) {
            if chunk.masks[part] >> bit & 1 == 0 {
                continue;
            }
            let value = match section.parts[part].input {
                Some(input) => batch.inputs[input].value(row),
                None => crate::value::Value::Null,
            };
            let event = Event { time, tie, value: &value };
            let incoming = Incoming { event, bucket };
            column.insert(part, &incoming, &self.reach, || {
                raw_of(&section.parts[part], &batch.raw_event(row))
            });
        }
    }

    /// Folds the events of a key that the sealed instant has passed.
    #[cold]
    pub(crate) fn move_waiting(&mut self, id: u32) {
        let plan = Arc::clone(&self.plan);
        let section = &plan.sections[self.index];
        let Some(waiting) = self.waiting.remove(&id) else { return };
        let (passed, still): (Vec<RawEvent>, Vec<RawEvent>) =
            waiting.into_iter().partition(|event| event.time < self.sealed_at);
        self.set_waiting(id, !still.is_empty());
        if !still.is_empty() {
            self.waiting.insert(id, still);
        }
        let layout = Arc::clone(&self.layout);
        for event in &passed {
            let delta = RawDelta { section, layout: &layout, event };
            let bucket = layout.bucket(event.time);
            if delta.logged() {
                self.with_log(id, |log, reach| log.add(bucket, delta, &reach.log));
            }
            for (index, stair) in layout.stairs.iter().enumerate() {
                if !delta.takes(stair.part) {
                    continue;
                }
                let value =
                    crate::aggregates::extreme::ordered(input_of(section, stair.part, event));
                let value = if stair.greatest { value } else { !value };
                self.with_stairs(id, index, |stairs, reach| {
                    stairs.add(bucket, value, &reach.parts[stair.part]);
                });
            }
            if layout.columns.is_empty() {
                continue;
            }
            let columns = columns_of(&mut self.columns, section, &layout, id);
            for (column, &part) in columns.iter_mut().zip(&layout.columns) {
                if delta.takes(part) {
                    let value = input_of(section, part, event);
                    let event_of = Event { time: event.time, tie: event.tie.as_ref(), value };
                    let incoming = Incoming { event: event_of, bucket };
                    column.insert(part, &incoming, &self.reach, || {
                        raw_of(&section.parts[part], event)
                    });
                }
            }
        }
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
        for (index, stair) in layout.stairs.iter().enumerate() {
            empty &= self.with_stairs(id, index, |stairs, reach| {
                stairs.thin(&reach.parts[stair.part]);
                stairs.head.steps == 0
            });
        }
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
        let head = self.head(id);
        self.pool.release(head.at, head.class);
        for index in 0..self.layout.stairs.len() {
            let stair = self.stair(id, index);
            self.pool.release(stair.at, stair.class as u8);
        }
        let at = id as usize * self.stride;
        for head in 0..1 + self.layout.stairs.len() {
            let at = at + 3 * head;
            self.headers[at..at + 3].copy_from_slice(&[NOWHERE, 0, 0]);
        }
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
        if self.header(id).is_none() {
            return 0;
        }
        let block = |at: u32, class: u8| if at == NOWHERE { 0 } else { class_words(class) * 4 };
        let head = self.head(id);
        let stairs = (0..self.layout.stairs.len()).map(|index| self.stair(id, index));
        let columns = self.columns.get(id as usize).and_then(Option::as_deref).unwrap_or(&[]);
        self.stride * 4
            + block(head.at, head.class)
            + stairs.map(|stair| block(stair.at, stair.class as u8)).sum::<usize>()
            + size_of_val(columns)
            + columns.iter().map(Column::bytes_used).sum::<usize>()
            + self.waiting_of(id).iter().map(RawEvent::bytes_used).sum::<usize>()
    }

    /// For loading a row: the log, the staircases, the columns and the waiting events, all empty.
    pub(crate) fn start_loading(&mut self, id: u32) {
        self.reserve(id);
        self.clear(id);
    }

    pub(crate) fn load_log(&mut self, id: u32, rows: &[super::log::Row]) {
        self.with_log(id, |log, _| rows.iter().for_each(|row| log.push_row(row)));
    }

    pub(crate) fn load_stairs(&mut self, id: u32, index: usize, steps: &[(i64, u64)]) {
        self.with_stairs(id, index, |stairs, _| {
            steps.iter().for_each(|&(bucket, value)| stairs.push(bucket, value));
        });
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

fn columns_of<'a>(
    columns: &'a mut [Option<Box<[Column]>>],
    section: &Section,
    layout: &Layout,
    id: u32,
) -> &'a mut [Column] {
    columns[id as usize].get_or_insert_with(|| {
        layout.columns.iter().map(|&part| Column::empty(&section.parts[part])).collect()
    })
}

#[inline]
fn head_of(header: &[u32]) -> Head {
    Head { at: header[0], rows: header[1], class: header[2] as u8, level: (header[2] >> 8) as u8 }
}

#[inline]
fn stair_of(header: &[u32], index: usize) -> StairHead {
    let at = HEADER_WORDS + 3 * index;
    StairHead { at: header[at], steps: header[at + 1], class: header[at + 2] }
}
