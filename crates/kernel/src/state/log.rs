//! The log of a key: prefix sums of all counts and sums of a section, one row a bucket in which
//! something happened. Row i holds everything up to and including its bucket, so it answers the
//! boundaries in (bucket of i, bucket of i + 1]; before the first row stands an implicit zero.
//! Rows are narrow until something does not fit, then the whole log is rewritten wider.

use std::cell::Cell;

use super::boundaries::Needed;
use super::log_row::{
    Delta, LEVEL_MAX, Prepared, Row, Shape, row_time, set_row_time, take_back, try_add, write_row,
};
use super::pool::{NOWHERE, Pool, class_words, start};

/// The part of a key's header that describes its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) at: u32,
    pub(crate) rows: u32,
    pub(crate) class: u8,
    pub(crate) level: u8,
}

impl Head {
    pub(crate) const EMPTY: Head = Head { at: NOWHERE, rows: 0, class: 0, level: 0 };
}

/// Rows of the least block: most keys that come at all come again.
const ROWS_MIN: usize = 2;

/// Adds a prepared row whose bucket is the last one of a log, or a later one where there is room
/// for it: returns its rows. `None`: nothing was changed, and [`Log::add`] will do it.
#[inline(always)]
pub(crate) fn add_behind(
    words: &mut [u32],
    head: Head,
    shape: Shape,
    bucket: i64,
    add: Prepared,
) -> Option<u32> {
    match head.level {
        _ if head.rows == 0 => None,
        0 => add_behind_at::<false>(words, head, shape, bucket, add),
        1 => add_behind_at::<true>(words, head, shape, bucket, add),
        _ => None,
    }
}

#[inline(always)]
fn add_behind_at<const WIDE: bool>(
    words: &mut [u32],
    head: Head,
    shape: Shape,
    bucket: i64,
    add: Prepared,
) -> Option<u32> {
    let stride = shape.stride(u8::from(WIDE));
    let rows = head.rows as usize;
    let last = start(head.at) + (rows - 1) * stride;
    let row = &mut words[last..last + stride];
    let time = i64::from(row[0]);
    if bucket == time {
        let cells = &Cell::from_mut(&mut row[1..]).as_slice_of_cells();
        if add.add::<WIDE>(cells, cells) {
            return Some(head.rows);
        }
        take_back(row, u8::from(WIDE), shape, add);
        return None;
    }
    let room = (rows + 1) * stride <= class_words(head.class);
    if bucket < time || bucket > i64::from(u32::MAX) || !room {
        return None;
    }
    let pair = Cell::from_mut(&mut words[last..last + 2 * stride]).as_slice_of_cells();
    let (from, to) = pair.split_at(stride);
    to[0].set(bucket as u32);
    add.add::<WIDE>(&from[1..], &to[1..]).then_some(head.rows + 1)
}

/// One key's log, to be changed.
pub(crate) struct Log<'a> {
    pub(crate) pool: &'a mut Pool,
    pub(crate) head: &'a mut Head,
    pub(crate) shape: Shape,
}

impl Log<'_> {
    #[inline]
    fn row_at(&self, row: usize) -> usize {
        start(self.head.at) + row * self.shape.stride(self.head.level)
    }

    #[inline]
    fn row(&self, row: usize) -> &[u32] {
        let at = self.row_at(row);
        &self.pool.words[at..at + self.shape.stride(self.head.level)]
    }

    #[inline]
    fn row_mut(&mut self, row: usize) -> &mut [u32] {
        let at = self.row_at(row);
        let stride = self.shape.stride(self.head.level);
        &mut self.pool.words[at..at + stride]
    }

    #[inline]
    fn time(&self, row: usize) -> i64 {
        row_time(self.row(row), self.head.level)
    }

    fn rows(&self) -> usize {
        self.head.rows as usize
    }

    /// Adds an event in a bucket, late or not.
    #[inline]
    pub(crate) fn add<D: Delta>(&mut self, bucket: i64, delta: D, needed: &Needed) {
        loop {
            let rows = self.rows();
            let last = if rows == 0 { i64::MIN } else { self.time(rows - 1) };
            let done = if bucket == last {
                let (level, shape) = (self.head.level, self.shape);
                try_add(self.row_mut(rows - 1), level, shape, delta)
            } else if bucket > last {
                self.append(bucket, delta, needed)
            } else {
                self.add_late(bucket, delta, needed)
            };
            if done {
                return;
            }
            self.widen();
        }
    }

    #[inline]
    fn fits(&self, bucket: i64) -> bool {
        self.head.level == LEVEL_MAX || u32::try_from(bucket).is_ok()
    }

    fn append<D: Delta>(&mut self, bucket: i64, delta: D, needed: &Needed) -> bool {
        if !self.fits(bucket) {
            return false;
        }
        self.make_room(needed);
        let (level, shape) = (self.head.level, self.shape);
        let (stride, rows) = (shape.stride(level), self.rows());
        let at = self.row_at(rows);
        let words = &mut self.pool.words;
        if rows == 0 {
            words[at..at + stride].fill(0);
        } else {
            let (before, row) = words[at - stride..at + stride].split_at_mut(stride);
            row.iter_mut().zip(before).for_each(|(to, from)| *to = *from);
        }
        let row = &mut words[at..at + stride];
        set_row_time(row, level, bucket);
        if !try_add(row, level, shape, delta) {
            return false;
        }
        self.head.rows += 1;
        true
    }

    /// An event before the last bucket: a row of its own if a boundary between it and its
    /// successor is still needed, then it is added to every row from its bucket on.
    #[cold]
    fn add_late<D: Delta>(&mut self, bucket: i64, delta: D, needed: &Needed) -> bool {
        if !self.fits(bucket) {
            return false;
        }
        let mut position = self.first_row_from(bucket);
        let successor = self.time(position);
        if successor != bucket && needed.in_range(bucket, successor) {
            position = self.insert_row(bucket, position, needed);
        }
        let (level, shape, rows) = (self.head.level, self.shape, self.rows());
        for row in position..rows {
            if !try_add(self.row_mut(row), level, shape, delta) {
                // Take it back from those that had it; then the log is widened.
                for done in position..row {
                    take_back(self.row_mut(done), level, shape, delta);
                }
                return false;
            }
        }
        true
    }

    /// Inserts a row with its predecessor's content: what happened up to its bucket. When earlier
    /// rows were dropped and there is no predecessor, the boundaries that it would answer are
    /// not needed, so that zero stands for it rightly. Takes and gives its place.
    fn insert_row(&mut self, bucket: i64, mut position: usize, needed: &Needed) -> usize {
        if self.make_room(needed) {
            position = self.first_row_from(bucket);
        }
        let level = self.head.level;
        let stride = self.shape.stride(level);
        let at = self.row_at(position);
        let end = self.row_at(self.rows());
        let words = &mut self.pool.words;
        words.copy_within(at..end, at + stride);
        if position == 0 {
            words[at..at + stride].fill(0);
        } else {
            words.copy_within(at - stride..at, at);
        }
        set_row_time(&mut words[at..at + stride], level, bucket);
        self.head.rows += 1;
        position
    }

    /// The first row whose bucket is at or after this one.
    fn first_row_from(&self, bucket: i64) -> usize {
        first_row_from(&self.pool.words, *self.head, self.shape, bucket)
    }

    /// Room for one more row: thins first, grows when that freed too little. Did rows change?
    #[inline]
    fn make_room(&mut self, needed: &Needed) -> bool {
        let stride = self.shape.stride(self.head.level);
        let words = if self.head.at == NOWHERE { 0 } else { class_words(self.head.class) };
        let full = (self.rows() + 1) * stride > words;
        if full {
            self.make_room_slowly(needed, stride, words / stride);
        }
        full
    }

    #[cold]
    fn make_room_slowly(&mut self, needed: &Needed, stride: usize, capacity: usize) {
        self.thin(needed);
        let rows = self.rows();
        // Grow unless thinning freed half: else the next thinning, which reads the whole log, would
        // come too soon.
        if rows * 2 > capacity || capacity == 0 {
            self.resize((rows * 2).max(ROWS_MIN) * stride);
        } else if (rows + 1) * 5 < capacity && capacity > 16 {
            self.resize(rows * 3 * stride);
        }
    }

    fn resize(&mut self, words: usize) {
        let used = self.rows() * self.shape.stride(self.head.level);
        let (at, class) = self.pool.resize(self.head.at, self.head.class, used, words);
        self.head.at = at;
        self.head.class = class;
    }

    /// Drops rows that answer no boundary which is still needed; the last is the total and stays.
    pub(crate) fn thin(&mut self, needed: &Needed) {
        let rows = self.rows();
        if rows == 0 {
            return;
        }
        // Rows are moved in runs: `run` is the first of those kept since the last one dropped.
        let (mut kept, mut run) = (0, 0);
        let (level, stride) = (self.head.level, self.shape.stride(self.head.level));
        let mut walk = needed.walk(self.time(0));
        let base = self.row_at(0);
        let mut row = 1;
        while row < rows {
            // As long as rows are kept, only reading is to be done.
            let dropped = self.pool.words[base + row * stride..base + rows * stride]
                .chunks_exact(stride)
                .position(|words| !walk.next(row_time(words, level)) || walk.keeps_all());
            let Some(distance) = dropped else { break };
            row += distance;
            if walk.keeps_all() {
                break;
            }
            kept = self.move_rows(run, row - 1, kept);
            run = row;
            row += 1;
        }
        self.head.rows = self.move_rows(run, rows, kept) as u32;
    }

    /// Moves rows `from..to` to row `kept`; returns the end of them there.
    #[inline]
    fn move_rows(&mut self, from: usize, to: usize, kept: usize) -> usize {
        if from != kept && from < to {
            let (first, end, target) = (self.row_at(from), self.row_at(to), self.row_at(kept));
            self.pool.words.copy_within(first..end, target);
        }
        kept + (to - from)
    }

    /// Is every boundary from `lowest` on behind the last row, so that all windows are empty?
    pub(crate) fn is_behind(&self, lowest: i64) -> bool {
        self.rows() == 0 || self.time(self.rows() - 1) < lowest
    }

    /// Rewrites the log at the next level.
    #[cold]
    fn widen(&mut self) {
        let from = *self.head;
        assert!(from.level < LEVEL_MAX, "the widest level holds everything");
        let shape = self.shape;
        let level = from.level + 1;
        let (old, new) = (shape.stride(from.level), shape.stride(level));
        let rows = from.rows as usize;
        let (at, class) = self.pool.allocate((rows + 1) * new);
        for row in 0..rows {
            let source = start(from.at) + row * old;
            let source: Vec<u32> = self.pool.words[source..source + old].to_vec();
            let target = start(at) + row * new;
            let target = &mut self.pool.words[target..target + new];
            write_row(target, level, shape, &Row::of(&source, from.level, shape));
        }
        self.pool.release(from.at, from.class);
        *self.head = Head { at, rows: from.rows, class, level };
    }

    /// Puts a whole row behind the last one; the level must hold it.
    pub(crate) fn push_row(&mut self, row: &Row) {
        while self.head.level < LEVEL_MAX && !row.fits(self.head.level) {
            self.widen();
        }
        let stride = self.shape.stride(self.head.level);
        let rows = self.rows();
        let full = self.head.at == NOWHERE || class_words(self.head.class) / stride == rows;
        if full {
            self.resize((rows + rows / 2).max(rows + 1) * stride);
        }
        let (level, shape) = (self.head.level, self.shape);
        self.head.rows += 1;
        write_row(self.row_mut(rows), level, shape, row);
    }
}

/// The first row of a log whose bucket is at or after this one.
#[inline]
pub(crate) fn first_row_from(words: &[u32], head: Head, shape: Shape, bucket: i64) -> usize {
    let stride = shape.stride(head.level);
    let at = if head.at == NOWHERE { 0 } else { start(head.at) };
    let time = |row: usize| row_time(&words[at + row * stride..], head.level);
    // Without a branch on what is found: half of these would be guessed wrongly.
    let (mut low, mut count) = (0, head.rows as usize);
    while count > 1 {
        let half = count / 2;
        low = if time(low + half - 1) < bucket { low + half } else { low };
        count -= half;
    }
    low + usize::from(count == 1 && time(low) < bucket)
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
