//! The log of a key: prefix sums of all counts and sums of a section, one row a bucket in which
//! something happened. Row i holds everything up to and including its bucket, so it answers the
//! boundaries in (bucket of i, bucket of i + 1]; before the first row stands an implicit zero.
//! Rows are narrow until something does not fit, then the whole log is rewritten wider.

use super::boundaries::Needed;
use super::pool::{NOWHERE, Pool, class_words, start};

/// Numbers of counts and sums in a row, and how a row is laid out at each level:
/// 0: time u32, counts u32, sums i64; 1: sums i128; 2: time i64, counts u64, sums i128.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) counts: usize,
    pub(crate) sums: usize,
}

/// The widest level.
pub(crate) const LEVEL_MAX: u8 = 2;

impl Shape {
    /// Words of a row.
    #[inline]
    pub(crate) fn stride(self, level: u8) -> usize {
        match level {
            0 => 1 + self.counts + 2 * self.sums,
            1 => 1 + self.counts + 4 * self.sums,
            _ => 2 + 2 * self.counts + 4 * self.sums,
        }
    }
}

/// What an event adds.
pub(crate) trait Delta: Copy {
    fn count(self, index: usize) -> u32;
    fn sum(self, index: usize) -> i128;
    /// The sum where it fits 64 bits.
    fn sum_narrow(self, index: usize) -> Option<i64> {
        i64::try_from(self.sum(index)).ok()
    }
}

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

#[inline]
fn get_u64(words: &[u32], at: usize) -> u64 {
    u64::from(words[at]) | u64::from(words[at + 1]) << 32
}

#[inline]
fn set_u64(words: &mut [u32], at: usize, value: u64) {
    words[at] = value as u32;
    words[at + 1] = (value >> 32) as u32;
}

#[inline]
fn get_u128(words: &[u32], at: usize) -> u128 {
    u128::from(get_u64(words, at)) | u128::from(get_u64(words, at + 2)) << 64
}

#[inline]
fn set_u128(words: &mut [u32], at: usize, value: u128) {
    set_u64(words, at, value as u64);
    set_u64(words, at + 2, (value >> 64) as u64);
}

/// The bucket of a row.
#[inline]
pub(crate) fn row_time(row: &[u32], level: u8) -> i64 {
    if level < 2 { i64::from(row[0]) } else { get_u64(row, 0) as i64 }
}

fn set_row_time(row: &mut [u32], level: u8, bucket: i64) {
    if level < 2 {
        row[0] = u32::try_from(bucket).expect("the log was widened for this bucket");
    } else {
        set_u64(row, 0, bucket as u64);
    }
}

/// Count number i of a row.
#[inline]
pub(crate) fn row_count(row: &[u32], level: u8, index: usize) -> u64 {
    if level < 2 { u64::from(row[1 + index]) } else { get_u64(row, 2 + 2 * index) }
}

/// Sum number i of a row.
#[inline]
pub(crate) fn row_sum(row: &[u32], level: u8, shape: Shape, index: usize) -> i128 {
    match level {
        0 => i128::from(get_u64(row, 1 + shape.counts + 2 * index) as i64),
        1 => get_u128(row, 1 + shape.counts + 4 * index) as i128,
        _ => get_u128(row, 2 + 2 * shape.counts + 4 * index) as i128,
    }
}

/// Adds (or takes back) a delta; false when something overflowed, and the row is as it was.
#[inline(always)]
fn try_add<D: Delta>(row: &mut [u32], level: u8, shape: Shape, delta: D) -> bool {
    match level {
        0 => {
            let row = &mut row[1..1 + shape.counts + 2 * shape.sums];
            let mut overflow = false;
            for index in 0..shape.counts {
                let (next, over) = row[index].overflowing_add(delta.count(index));
                row[index] = next;
                overflow |= over;
            }
            for index in 0..shape.sums {
                let at = shape.counts + 2 * index;
                let Some(add) = delta.sum_narrow(index) else {
                    overflow = true;
                    continue;
                };
                let (next, over) = (get_u64(row, at) as i64).overflowing_add(add);
                set_u64(row, at, next as u64);
                overflow |= over;
            }
            if overflow {
                take_back_narrow(row, shape, delta);
            }
            !overflow
        }
        1 => {
            let row = &mut row[1..1 + shape.counts + 4 * shape.sums];
            let mut overflow = false;
            for index in 0..shape.counts {
                let (next, over) = row[index].overflowing_add(delta.count(index));
                row[index] = next;
                overflow |= over;
            }
            if overflow {
                for index in 0..shape.counts {
                    row[index] = row[index].wrapping_sub(delta.count(index));
                }
                return false;
            }
            add_sums_wide(row, shape.counts, shape.sums, delta);
            true
        }
        _ => {
            for index in 0..shape.counts {
                let at = 2 + 2 * index;
                let next = get_u64(row, at) + u64::from(delta.count(index));
                set_u64(row, at, next);
            }
            add_sums_wide(row, 2 + 2 * shape.counts, shape.sums, delta);
            true
        }
    }
}

#[inline(always)]
fn add_sums_wide<D: Delta>(row: &mut [u32], from: usize, sums: usize, delta: D) {
    for index in 0..sums {
        let at = from + 4 * index;
        // Prefix sums wrap: a difference of two is right as long as itself fits 128 bits.
        let next = get_u128(row, at).wrapping_add(delta.sum(index) as u128);
        set_u128(row, at, next);
    }
}

#[cold]
fn take_back_narrow<D: Delta>(row: &mut [u32], shape: Shape, delta: D) {
    for index in 0..shape.counts {
        row[index] = row[index].wrapping_sub(delta.count(index));
    }
    for index in 0..shape.sums {
        let at = shape.counts + 2 * index;
        let add = delta.sum_narrow(index).unwrap_or(0);
        set_u64(row, at, get_u64(row, at).wrapping_sub(add as u64));
    }
}

/// Takes back a delta that `try_add` added; at the widest level nothing is ever taken back.
#[cold]
fn take_back<D: Delta>(row: &mut [u32], level: u8, shape: Shape, delta: D) {
    assert!(level < LEVEL_MAX, "nothing overflows at the widest level");
    if level == 0 {
        take_back_narrow(&mut row[1..], shape, delta);
        return;
    }
    for index in 0..shape.counts {
        row[1 + index] = row[1 + index].wrapping_sub(delta.count(index));
    }
    for index in 0..shape.sums {
        let at = 1 + shape.counts + 4 * index;
        let next = get_u128(row, at).wrapping_sub(delta.sum(index) as u128);
        set_u128(row, at, next);
    }
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
        let position = self.first_row_from(bucket);
        let successor = self.time(position);
        if successor != bucket && needed.in_range(bucket, successor) {
            self.insert_row(bucket, needed);
        }
        let position = self.first_row_from(bucket);
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
    /// not needed, so that zero stands for it rightly.
    fn insert_row(&mut self, bucket: i64, needed: &Needed) {
        self.make_room(needed);
        let position = self.first_row_from(bucket);
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
    }

    /// The first row whose bucket is at or after this one.
    fn first_row_from(&self, bucket: i64) -> usize {
        first_row_from(&self.pool.words, *self.head, self.shape, bucket)
    }

    /// Room for one more row: thins first, grows when that freed too little.
    #[inline]
    fn make_room(&mut self, needed: &Needed) {
        let stride = self.shape.stride(self.head.level);
        let capacity =
            if self.head.at == NOWHERE { 0 } else { class_words(self.head.class) / stride };
        if self.rows() == capacity {
            self.make_room_slowly(needed, stride, capacity);
        }
    }

    #[cold]
    fn make_room_slowly(&mut self, needed: &Needed, stride: usize, capacity: usize) {
        self.thin(needed);
        let rows = self.rows();
        // Grow unless thinning freed 3/8: else the next thinning, which reads the whole log, would
        // come too soon.
        if rows * 8 + 8 > capacity * 5 {
            self.resize((rows + rows * 3 / 4 + 1) * stride);
        } else if (rows + 1) * 4 < capacity && capacity > 16 {
            self.resize((rows * 2 + 1) * stride);
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
        let stride = self.shape.stride(self.head.level);
        let mut kept = 0;
        for row in 0..rows {
            let keep = row + 1 == rows || needed.in_range(self.time(row), self.time(row + 1));
            if keep {
                if kept != row {
                    let (from, to) = (self.row_at(row), self.row_at(kept));
                    self.pool.words.copy_within(from..from + stride, to);
                }
                kept += 1;
            }
        }
        self.head.rows = kept as u32;
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

/// A row in its widest form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) time: i64,
    pub(crate) counts: Vec<u64>,
    pub(crate) sums: Vec<i128>,
}

impl Row {
    pub(crate) fn of(words: &[u32], level: u8, shape: Shape) -> Row {
        Row {
            time: row_time(words, level),
            counts: (0..shape.counts).map(|index| row_count(words, level, index)).collect(),
            sums: (0..shape.sums).map(|index| row_sum(words, level, shape, index)).collect(),
        }
    }

    /// Does a level hold this row?
    pub(crate) fn fits(&self, level: u8) -> bool {
        let narrow = u32::try_from(self.time).is_ok()
            && self.counts.iter().all(|&count| u32::try_from(count).is_ok());
        match level {
            0 => narrow && self.sums.iter().all(|&sum| i64::try_from(sum).is_ok()),
            1 => narrow,
            _ => true,
        }
    }
}

fn write_row(target: &mut [u32], level: u8, shape: Shape, row: &Row) {
    set_row_time(target, level, row.time);
    for (index, &count) in row.counts.iter().enumerate() {
        if level < 2 {
            target[1 + index] = u32::try_from(count).expect("the level was chosen for the row");
        } else {
            set_u64(target, 2 + 2 * index, count);
        }
    }
    for (index, &sum) in row.sums.iter().enumerate() {
        match level {
            0 => set_u64(target, 1 + shape.counts + 2 * index, sum as i64 as u64),
            1 => set_u128(target, 1 + shape.counts + 4 * index, sum as u128),
            _ => set_u128(target, 2 + 2 * shape.counts + 4 * index, sum as u128),
        }
    }
}

/// The first row of a log whose bucket is at or after this one.
#[inline]
pub(crate) fn first_row_from(words: &[u32], head: Head, shape: Shape, bucket: i64) -> usize {
    let stride = shape.stride(head.level);
    let at = if head.at == NOWHERE { 0 } else { start(head.at) };
    let (mut low, mut high) = (0, head.rows as usize);
    while low < high {
        let middle = (low + high) / 2;
        if row_time(&words[at + middle * stride..], head.level) < bucket {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
