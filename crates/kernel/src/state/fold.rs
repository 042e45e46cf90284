//! The fold: 64 rows at a time, what they will touch is brought near before it is touched. The way
//! of most events is short: a row behind the last one of the log or the last one itself, a step at
//! the end of a staircase; everything else takes the long way and gives the same.

use std::ops::Range;
use std::sync::Arc;

use super::batch::{Batch, CHUNK, Chunk, ExactDelta, RawDelta, StairRows};
use super::column::{Column, Incoming, input_of, raw_of};
use super::directory::{Directory, Probe};
use super::dirty::Dirty;
use super::header::{self, CLOSED};
use super::layout::Layout;
use super::log::{add_newest, add_slowly};
use super::log_row::{LEVEL_MAX, Shape};
use super::section::SectionState;
use super::stairs::STEP_WORDS;
use super::top::{self, TOP_WORDS};
use crate::aggregates::Event;
use crate::aggregates::raw::RawEvent;
use crate::fold::{FoldBatch, FoldReport};
use crate::plan::Section;
use crate::prefetch::prefetch;

/// The rows of a chunk: the first one, their number, and by place how their keys are looked for,
/// their ids and their buckets, both whole and in 32 bits ([`CLOSED`] where one does not fit).
struct Rows {
    from: usize,
    length: usize,
    /// The rows that take part: those with a key that some view can reach.
    taken: u64,
    probes: [Probe; CHUNK],
    ids: [u32; CHUNK],
    buckets: [i64; CHUNK],
    narrow: [u32; CHUNK],
}

impl Rows {
    fn new() -> Rows {
        Rows {
            from: 0,
            length: 0,
            taken: 0,
            probes: [Probe::default(); CHUNK],
            ids: [0; CHUNK],
            buckets: [0; CHUNK],
            narrow: [0; CHUNK],
        }
    }

    fn range(&self) -> Range<usize> {
        self.from..self.from + self.length
    }

    /// Takes the next rows and starts loading what finding their ids will touch.
    #[inline(never)]
    fn begin(&mut self, from: usize, batch: &Batch, directory: &Directory) {
        (self.from, self.length) = (from, CHUNK.min(batch.batch.keys.len() - from));
        let (keys, mut taken) = (batch.batch.keys.rows(from, self.length), 0u64);
        for (bit, ((hash, key), probe)) in keys.zip(&mut self.probes).enumerate() {
            *probe = Probe::of(hash, key);
            taken |= u64::from(!key.is_empty()) << bit;
            directory.prefetch(hash);
        }
        self.taken = taken;
    }
}

/// Any number of counts and sums.
const ANY: usize = usize::MAX;

/// Calls with the place of each bit, ascending.
#[inline(always)]
fn bits_of(mut mask: u64, mut call: impl FnMut(usize)) {
    while mask != 0 {
        call(mask.trailing_zeros() as usize % CHUNK);
        mask &= mask - 1;
    }
}

impl SectionState {
    /// Folds a batch; `dirty` is told every id whose row changes.
    ///
    /// Chunk after chunk, each begun while the one before is still under way: every load has the
    /// work of another chunk to hide behind.
    pub(crate) fn fold(
        &mut self,
        batch: &FoldBatch,
        sealed_at: i64,
        directory: &mut Directory,
        dirty: &mut Dirty,
    ) -> FoldReport {
        self.seal(sealed_at);
        let plan = Arc::clone(&self.plan);
        let section = &plan.sections[self.index];
        let batch = Batch::new(section, batch);
        let mut report = FoldReport::default();
        let (mut one, mut other) = (Rows::new(), Rows::new());
        let (mut rows, mut next) = (&mut one, &mut other);
        let mut chunk = std::mem::take(&mut self.chunk);
        next.begin(0, &batch, directory);
        self.resolve(&batch, next, directory, dirty, &mut report);
        while next.length > 0 {
            std::mem::swap(&mut rows, &mut next);
            next.begin(rows.range().end, &batch, directory);
            let ready = self.locate(&batch, rows, &mut report);
            chunk.prepare(section, &self.layout, &batch, rows.from, rows.length);
            self.resolve(&batch, next, directory, dirty, &mut report);
            self.apply(section, &batch, &chunk, rows, ready);
        }
        self.chunk = chunk;
        report
    }

    /// Finds the ids of a chunk and starts loading the headers; leaves out the rows that no view
    /// can reach.
    #[inline(never)]
    fn resolve(
        &mut self,
        batch: &Batch,
        rows: &mut Rows,
        directory: &mut Directory,
        dirty: &mut Dirty,
        report: &mut FoldReport,
    ) {
        rows.taken &= !self.find_beyond(batch, rows, report);
        let keys = batch.batch.keys;
        let (probes, ids, from) = (&rows.probes, &mut rows.ids, rows.from);
        bits_of(rows.taken, |bit| {
            ids[bit] = match directory.look_up(&probes[bit], || keys.key(from + bit)) {
                Some(id) => id,
                None => directory.find_or_insert(keys.hash(from + bit), keys.key(from + bit)),
            };
        });
        dirty.reserve(directory.ids_end());
        self.reserve(directory.ids_end());
        bits_of(rows.taken, |bit| {
            dirty.mark(rows.ids[bit]);
            prefetch(&self.headers, rows.ids[bit] as usize * self.stride);
        });
        for tops in &self.tops {
            bits_of(rows.taken, |bit| prefetch(tops, rows.ids[bit] as usize * TOP_WORDS));
        }
    }

    /// The rows of a chunk that no view can reach.
    #[inline]
    fn find_beyond(&self, batch: &Batch, rows: &Rows, report: &mut FoldReport) -> u64 {
        // Instants begin in 1971, so that nothing is lost by 0, and a difference never overflows.
        let start = self.reach.start_of_all.max(0);
        let times = &batch.batch.times[rows.range()];
        if times.iter().fold(0, |signs, &time| signs | (time - start)) >= 0 {
            return 0;
        }
        let mut is_beyond = |&bit: &usize| {
            let row = rows.from + bit;
            rows.taken >> bit & 1 == 1
                && times[bit] < start
                && !self.count_beyond(batch, row, report)
        };
        (0..rows.length).filter(|bit| is_beyond(bit)).fold(0, |mask, bit| mask | 1 << bit)
    }

    /// Finds the buckets of a chunk.
    fn find_buckets(&mut self, batch: &Batch, rows: &mut Rows) {
        let times = &batch.batch.times[rows.range()];
        let mut last = self.last_bucket;
        for ((&time, bucket), narrow) in times.iter().zip(&mut rows.buckets).zip(&mut rows.narrow) {
            *bucket = self.layout.bucket_near(&mut last, time);
            *narrow = u32::try_from(*bucket).unwrap_or(CLOSED);
        }
        self.last_bucket = last;
    }

    /// Finds the buckets of a chunk and starts loading the ends of the logs that will grow; events
    /// that wait and are past the sealed instant are folded, rows that must wait are put with them.
    /// Returns the rows that need not.
    #[inline(never)]
    fn locate(&mut self, batch: &Batch, rows: &mut Rows, report: &mut FoldReport) -> u64 {
        self.find_buckets(batch, rows);
        let mut waiting = 0u64;
        let strides = [0, 1, 2].map(|level| self.shape.stride(level));
        let headers = &*self.headers;
        bits_of(rows.taken, |bit| {
            let at = rows.ids[bit] as usize * self.stride;
            let header: &header::Start =
                headers[at..].first_chunk().expect("a reserved header is whole");
            waiting |= u64::from(header::is_waiting(header)) << bit;
            let head = header::head_of(header);
            let end = head.rows as usize * strides[usize::from(head.level.min(LEVEL_MAX))];
            self.pool.prefetch(head.at, end);
        });
        for tops in &self.tops {
            bits_of(rows.taken, |bit| {
                let line = tops[rows.ids[bit] as usize * TOP_WORDS..].first_chunk();
                let block = top::block_of(line.expect("a reserved id has a line"));
                self.pool.prefetch(block.at, block.steps as usize * STEP_WORDS);
            });
        }
        bits_of(waiting, |bit| self.move_waiting(rows.ids[bit]));
        let times = &batch.batch.times[rows.range()];
        // As in `find_beyond`: nothing is before 0.
        let sealed_at = self.sealed_at.max(0);
        if times.iter().fold(-1, |signs, &time| signs & (time - sealed_at)) < 0 {
            return rows.taken;
        }
        let mut open = 0u64;
        bits_of(rows.taken, |bit| open |= u64::from(times[bit] >= self.sealed_at) << bit);
        bits_of(open, |bit| self.wait(rows.ids[bit], batch.raw_event(rows.from + bit)));
        report.waiting += u64::from(open.count_ones());
        rows.taken & !open
    }

    #[cold]
    fn wait(&mut self, id: u32, event: RawEvent) {
        self.waiting.entry(id).or_default().push(event);
        self.set_waiting(id, true);
    }

    /// Folds rows of a chunk that need not wait: part by part, so that each loop is small.
    fn apply(&mut self, section: &Section, batch: &Batch, chunk: &Chunk, rows: &Rows, taken: u64) {
        let logged = taken & chunk.logged;
        self.add_to_logs(chunk, rows, logged & !chunk.wide);
        bits_of(logged & chunk.wide, |bit| {
            let layout = Arc::clone(&self.layout);
            let row = rows.from + bit;
            let delta = ExactDelta { chunk, bit, section, layout: &layout, batch, row };
            self.with_log(rows.ids[bit], |log, reach| {
                log.add(rows.buckets[bit], delta, &reach.log);
            });
        });
        for (index, stair) in chunk.stairs.iter().enumerate() {
            self.add_to_stairs(index, stair, rows, taken & stair.mask);
        }
        if !self.layout.columns.is_empty() {
            bits_of(taken, |bit| self.apply_columns(section, batch, chunk, rows, bit));
        }
    }

    /// [`SectionState::add_prepared`], made for the shapes that are common.
    fn add_to_logs(&mut self, chunk: &Chunk, rows: &Rows, taken: u64) {
        match (self.shape.counts, self.shape.sums) {
            (1, 0) => self.add_prepared::<1, 0>(chunk, rows, taken),
            (2, 0) => self.add_prepared::<2, 0>(chunk, rows, taken),
            (1, 1) => self.add_prepared::<1, 1>(chunk, rows, taken),
            (2, 1) => self.add_prepared::<2, 1>(chunk, rows, taken),
            (3, 1) => self.add_prepared::<3, 1>(chunk, rows, taken),
            (4, 1) => self.add_prepared::<4, 1>(chunk, rows, taken),
            (3, 2) => self.add_prepared::<3, 2>(chunk, rows, taken),
            _ => self.add_prepared::<ANY, ANY>(chunk, rows, taken),
        }
    }

    /// Adds rows whose sums fit 64 bits to the logs of their keys.
    fn add_prepared<const COUNTS: usize, const SUMS: usize>(
        &mut self,
        chunk: &Chunk,
        rows: &Rows,
        taken: u64,
    ) {
        let shape = match COUNTS {
            ANY => self.shape,
            _ => Shape { counts: COUNTS, sums: SUMS },
        };
        let (stride, needed, first) = (self.stride, &self.reach.log, chunk.prepared(shape));
        let (headers, pool) = (&mut *self.headers, &mut self.pool);
        bits_of(taken, |bit| {
            let at = rows.ids[bit] as usize * stride;
            let header = &mut headers[at..at + header::used_words(shape)];
            let bucket = rows.narrow[bit];
            if !add_newest(pool, header, shape, bucket, first.of(bit)) {
                add_slowly(pool, header, shape, rows.buckets[bit], first.of(bit), needed);
            }
        });
    }

    fn add_to_stairs(&mut self, index: usize, stair: &StairRows, rows: &Rows, taken: u64) {
        let needed = &self.reach.parts[self.layout.stairs[index].part];
        let (tops, pool) = (&mut *self.tops[index], &mut self.pool);
        bits_of(taken, |bit| {
            let line = tops[rows.ids[bit] as usize * TOP_WORDS..].first_chunk_mut();
            let line = line.expect("a reserved id has a line");
            if !top::add(line, rows.narrow[bit], stair.values[bit]) {
                top::add_slowly(pool, line, rows.buckets[bit], stair.values[bit], needed);
            }
        });
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

    fn apply_columns(
        &mut self,
        section: &Section,
        batch: &Batch,
        chunk: &Chunk,
        rows: &Rows,
        bit: usize,
    ) {
        let (row, id, bucket) = (rows.from + bit, rows.ids[bit], rows.buckets[bit]);
        let time = batch.batch.times[row];
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
        let passed = |event: &RawEvent| event.time < self.sealed_at;
        if !self.waiting.get(&id).is_some_and(|events| events.iter().any(passed)) {
            return;
        }
        let waiting = self.waiting.remove(&id).unwrap_or_default();
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
