//! The fold: 64 rows at a time, what they will touch is brought near before it is touched. The way
//! of most events is short: a row behind the last one of the log or the last one itself; everything
//! else takes the long way and gives the same.

use std::sync::Arc;

use super::ahead::{Ahead, Rows, bits_of};
use super::batch::{Batch, CHUNK, Chunk, ExactDelta, RawDelta};
use super::boundaries::Needed;
use super::column::{Column, Incoming, input_of, raw_of};
use super::directory::Directory;
use super::dirty::Dirty;
use super::header;
use super::layout::Layout;
use super::log::{add_newest, add_slowly};
use super::log_row::{Prepared, Shape};
use super::pool::Pool;
use super::section::SectionState;
use crate::aggregates::Event;
use crate::aggregates::raw::RawEvent;
use crate::fold::{FoldBatch, FoldReport};
use crate::plan::Section;

/// What adding to any log takes.
struct Ways<'a> {
    batch: &'a Batch<'a>,
    layout: &'a Layout,
    needed: &'a Needed,
}

impl Ways<'_> {
    /// Adds a row to the log behind a header, the short way or the long one.
    #[inline(always)]
    fn add(
        &self,
        pool: &mut Pool,
        header: &mut [u32],
        (shape, first): (Shape, &Prepared),
        (rows, bit): (&Rows, usize),
    ) {
        if !add_newest(pool, header, shape, rows.narrow[bit], first.of(bit)) {
            self.add_slowly(pool, header, (shape, first), (rows, bit));
        }
    }

    #[cold]
    #[inline(never)]
    fn add_slowly(
        &self,
        pool: &mut Pool,
        header: &mut [u32],
        (shape, first): (Shape, &Prepared),
        (rows, bit): (&Rows, usize),
    ) {
        let bucket = self.layout.bucket(self.batch.batch.times[rows.from + bit]);
        add_slowly(pool, header, shape, bucket, first.of(bit), self.needed);
    }
}

impl SectionState {
    /// Folds a batch; `dirty` is told every id whose row changes.
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
        let mut chunk = std::mem::take(&mut self.chunk);
        let mut chunks = [const { Rows::new() }; 4];
        let [mut rows, mut next, mut second, mut third] = chunks.each_mut();
        let mut froms = (0..).step_by(CHUNK);
        for rows in [&mut *rows, &mut *next, &mut *second] {
            rows.begin(froms.next().expect("numbers do not end"), &batch, &self.layout);
        }
        self.resolve(&batch, rows, directory, dirty, &mut report);
        self.resolve(&batch, next, directory, dirty, &mut report);
        while rows.length > 0 {
            third.begin(froms.next().expect("numbers do not end"), &batch, &self.layout);
            self.resolve(&batch, second, directory, dirty, &mut report);
            let taken = self.settle_waiting(&batch, rows, &mut report);
            chunk.prepare(section, &self.layout, &batch, rows.from, rows.length);
            let ahead = Ahead { next, second, third: third.hashes(&batch), directory };
            self.apply((section, &batch, &chunk), (rows, taken), &ahead);
            (rows, next, second, third) = (next, second, third, rows);
        }
        self.chunk = chunk;
        report
    }

    /// Finds the ids of a chunk; leaves out the rows that no view can reach.
    fn resolve(
        &mut self,
        batch: &Batch,
        rows: &mut Rows,
        directory: &mut Directory,
        dirty: &mut Dirty,
        report: &mut FoldReport,
    ) {
        rows.taken &= !self.find_beyond(batch, rows, report);
        rows.find(batch, directory);
        dirty.reserve(directory.ids_end());
        self.reserve(directory.ids_end());
        bits_of(rows.taken, |bit| dirty.mark(rows.ids[bit]));
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

    /// Folds events that wait and are past the sealed instant, and puts the rows that must wait
    /// with those that do. Returns the rows that need not.
    fn settle_waiting(&mut self, batch: &Batch, rows: &Rows, report: &mut FoldReport) -> u64 {
        if !self.waiting.is_empty() {
            bits_of(rows.taken, |bit| {
                if self.header(rows.ids[bit]).is_some_and(header::is_waiting) {
                    self.move_waiting(rows.ids[bit]);
                }
            });
        }
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

    /// Folds rows of a chunk that need not wait, and brings near what the next ones will touch.
    fn apply(
        &mut self,
        (section, batch, chunk): (&Section, &Batch, &Chunk),
        (rows, taken): (&Rows, u64),
        ahead: &Ahead,
    ) {
        let logged = taken & chunk.logged;
        self.add_to_logs((batch, chunk), (rows, logged & !chunk.wide), ahead);
        bits_of(logged & chunk.wide, |bit| {
            let layout = Arc::clone(&self.layout);
            let row = rows.from + bit;
            let delta = ExactDelta { chunk, bit, section, layout: &layout, batch, row };
            let bucket = layout.bucket(batch.batch.times[row]);
            self.with_log(rows.ids[bit], |log, reach| log.add(bucket, delta, &reach.log));
        });
        if !self.layout.columns.is_empty() {
            bits_of(taken, |bit| self.apply_columns(section, batch, chunk, rows, bit));
        }
    }

    /// Adds rows whose sums fit 64 bits to the logs of their keys: made for the shapes that are
    /// common, of which a header has so many words.
    fn add_to_logs(&mut self, from: (&Batch, &Chunk), rows: (&Rows, u64), ahead: &Ahead) {
        match (self.shape.counts, self.shape.sums, self.shape.extremes) {
            (1, 0, 0) => self.add_common::<1, 0, 0, 8>(from, rows, ahead),
            (2, 0, 0) => self.add_common::<2, 0, 0, 8>(from, rows, ahead),
            (1, 1, 0) => self.add_common::<1, 1, 0, 16>(from, rows, ahead),
            (2, 1, 0) => self.add_common::<2, 1, 0, 16>(from, rows, ahead),
            (3, 1, 0) => self.add_common::<3, 1, 0, 16>(from, rows, ahead),
            (1, 0, 1) => self.add_common::<1, 0, 1, 8>(from, rows, ahead),
            (2, 1, 1) => self.add_common::<2, 1, 1, 16>(from, rows, ahead),
            (3, 1, 1) => self.add_common::<3, 1, 1, 16>(from, rows, ahead),
            (2, 1, 2) => self.add_common::<2, 1, 2, 16>(from, rows, ahead),
            _ => self.add_any(from, rows, ahead),
        }
    }

    fn add_common<
        const COUNTS: usize,
        const SUMS: usize,
        const EXTREMES: usize,
        const WORDS: usize,
    >(
        &mut self,
        (batch, chunk): (&Batch, &Chunk),
        (rows, taken): (&Rows, u64),
        ahead: &Ahead,
    ) {
        let shape = Shape { counts: COUNTS, sums: SUMS, extremes: EXTREMES };
        assert_eq!(self.stride, WORDS, "headers of this shape");
        let (headers, pool) = (&mut *self.headers, &mut self.pool);
        let ways = Ways { batch, layout: &self.layout, needed: &self.reach.log };
        let first = chunk.prepared(shape);
        for bit in 0..CHUNK {
            if taken >> bit & 1 == 1 {
                let header = &mut headers.as_chunks_mut::<WORDS>().0[rows.ids[bit] as usize];
                ways.add(pool, header, (shape, &first), (rows, bit));
            }
            ahead.step(bit, (headers, WORDS), pool, shape);
        }
    }

    /// [`SectionState::add_common`] for any shape.
    fn add_any(
        &mut self,
        (batch, chunk): (&Batch, &Chunk),
        (rows, taken): (&Rows, u64),
        ahead: &Ahead,
    ) {
        let (shape, stride) = (self.shape, self.stride);
        let (headers, pool) = (&mut *self.headers, &mut self.pool);
        let ways = Ways { batch, layout: &self.layout, needed: &self.reach.log };
        let first = chunk.prepared(shape);
        for bit in 0..CHUNK {
            if taken >> bit & 1 == 1 {
                let at = rows.ids[bit] as usize * stride;
                let header = &mut headers[at..at + header::used_words(shape)];
                ways.add(pool, header, (shape, &first), (rows, bit));
            }
            ahead.step(bit, (headers, stride), pool, shape);
        }
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
        let (row, id) = (rows.from + bit, rows.ids[bit]);
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
