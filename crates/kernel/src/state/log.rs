//! The log of a key: prefix sums of all counts and sums of a section, and the extremes of what
//! happened since the row before, one row a bucket in which something happened. Row i sums up
//! everything up to and including its bucket, so it answers the boundaries in (bucket of i, bucket
//! of i + 1]; before the first row stands an implicit zero. A row that is dropped leaves its
//! extremes to its successor.
//! Rows are narrow until something does not fit, then the whole log is rewritten wider. The newest
//! row is in the key's header; here it is moved out of it and into it.

use std::hint::select_unpredictable;

use super::boundaries::Needed;
use super::header::{self, CLOSED, OPEN_LEVEL};
use super::log_row::{
    Delta, LEVEL_MAX, Prepared, Row, Shape, clear_extremes, raise, row_extreme, row_time,
    set_row_time, take_back, try_add, write_row,
};
use super::pool::{NOWHERE, Pool, class_words};
use super::thin;

/// The part of a key's header that describes the rows in its block.
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

/// Rows of the least block: most keys that come twice come again.
const ROWS_MIN: usize = 2;

/// Adds a prepared row in the bucket of the newest row or, where the block has room for that one,
/// in a later bucket (below [`CLOSED`]). False: nothing is lost, and [`add_slowly`] will do it.
#[inline(always)]
pub(crate) fn add_newest(
    pool: &mut Pool,
    header: &mut [u32],
    shape: Shape,
    bucket: u32,
    add: Prepared,
) -> bool {
    let newest = header::bucket_of(header);
    if bucket != newest {
        if bucket < newest || !append_newest(pool, header, shape) {
            return false;
        }
        header::begin(header, shape, bucket);
    }
    // A closed header has no row to add to; a bucket that no header holds finds it closed, too.
    bucket != CLOSED && header::add(header, shape, add)
}

/// Puts the newest row behind those of the block; false when there is no room or it is too wide.
#[inline(always)]
fn append_newest(pool: &mut Pool, header: &mut [u32], shape: Shape) -> bool {
    let head = header::head_of(header);
    let (row, rows) = (header::newest(header, shape), head.rows as usize);
    let stride = shape.stride(if head.level == 0 { 0 } else { OPEN_LEVEL });
    if (rows + 1) * stride > class_words(head.class) {
        return false;
    }
    let Some(to) = pool.part_mut(head.at, rows * stride, stride) else { return false };
    let done = head.level != 0 || header::write_narrow(row, shape, to);
    if head.level != 0 {
        to.copy_from_slice(row);
    }
    if done {
        header::put_rows(header, head.rows + 1);
    }
    done
}

/// [`add_newest`] for what it leaves: a new key, a full block, an event that is late, a row that
/// must be wider.
#[inline(never)]
pub(crate) fn add_slowly(
    pool: &mut Pool,
    header: &mut [u32],
    shape: Shape,
    bucket: i64,
    add: Prepared,
    needed: &Needed,
) {
    let narrow = u32::try_from(bucket).ok().filter(|&bucket| bucket != CLOSED);
    let (newest, mut head) = (header::bucket_of(header), header::head_of(header));
    match narrow {
        Some(bucket) if newest == CLOSED && head.rows == 0 => {
            header::newest_mut(header, shape).fill(0);
            header::begin(header, shape, bucket);
            if header::add(header, shape, add) {
                return;
            }
        }
        Some(bucket) if bucket > newest => {
            Log { pool, head: &mut head, shape }.make_room(needed);
            header::put_head(header, head);
            if add_newest(pool, header, shape, bucket, add) {
                return;
            }
        }
        Some(bucket)
            if newest != CLOSED && add_late_near(pool, header, shape, bucket, add, needed) =>
        {
            return;
        }
        _ => {}
    }
    settled(pool, header, shape, |log| log.add(bucket, add, needed));
}

/// [`Log::add_late`] on a narrow block with room, the newest row staying where it is. False:
/// nothing of meaning was changed, and the long way will do it.
fn add_late_near(
    pool: &mut Pool,
    header: &mut [u32],
    shape: Shape,
    bucket: u32,
    add: Prepared,
    needed: &Needed,
) -> bool {
    let head = header::head_of(header);
    let (stride, rows) = (shape.stride(0), head.rows as usize);
    let has_room = head.at != NOWHERE && (rows + 1) * stride <= class_words(head.class);
    if head.level != 0 || !has_room {
        return false;
    }
    let words = &mut pool.block_mut(head.at)[..(rows + 1) * stride];
    let later = words[..rows * stride].rchunks_exact(stride).take_while(|row| row[0] >= bucket);
    let position = rows - later.count();
    let successor =
        if position < rows { words[position * stride] } else { header::bucket_of(header) };
    let mut end = rows;
    if successor != bucket && needed.in_range(i64::from(bucket), i64::from(successor)) {
        insert_row(words, position, rows, stride);
        set_row_time(&mut words[position * stride..], 0, i64::from(bucket));
        clear_extremes(&mut words[position * stride..], 0, shape);
        end += 1;
        header::put_rows(header, end as u32);
    }
    // An inserted row without events changes no answer, if the rest is left to the long way.
    if !add_to_rows(&mut words[..end * stride], position, 0, shape, add) {
        return false;
    }
    let in_header = position == end;
    let done = match in_header {
        true => header::add(header, shape, add),
        false => header::add_before(header, shape, add),
    };
    if !done {
        let rows = words[..end * stride].chunks_exact_mut(stride);
        rows.skip(position).for_each(|row| take_back(row, 0, shape, add));
    } else if !in_header {
        raise(&mut words[position * stride..(position + 1) * stride], 0, shape, add);
    }
    done
}

/// Makes a place for a row before others, with the content of its predecessor: what happened up to
/// its bucket. When earlier rows were dropped and there is no predecessor, the boundaries that it
/// would answer are not needed, so that zero stands for it rightly.
fn insert_row(words: &mut [u32], position: usize, rows: usize, stride: usize) {
    let (at, end) = (position * stride, rows * stride);
    words.copy_within(at..end, at + stride);
    if position == 0 {
        words[..stride].fill(0);
    } else {
        words.copy_within(at - stride..at, at);
    }
}

/// Adds counts and sums to all rows from one on; false when something overflowed, and all rows are
/// as they were.
fn add_to_rows<D: Delta>(
    words: &mut [u32],
    position: usize,
    level: u8,
    shape: Shape,
    delta: D,
) -> bool {
    let stride = shape.stride(level);
    let rows = || words.len() / stride;
    for row in position..rows() {
        if !try_add(&mut words[row * stride..(row + 1) * stride], level, shape, delta) {
            for done in position..row {
                take_back(&mut words[done * stride..(done + 1) * stride], level, shape, delta);
            }
            return false;
        }
    }
    true
}

/// The log with its newest row in the block as well, to be changed; then the newest one goes back
/// to the header.
pub(crate) fn settled<R>(
    pool: &mut Pool,
    header: &mut [u32],
    shape: Shape,
    change: impl FnOnce(&mut Log) -> R,
) -> R {
    let mut head = header::head_of(header);
    let mut log = Log { pool, head: &mut head, shape };
    if header::bucket_of(header) != CLOSED {
        log.push_newest(header::newest(header, shape));
        header::close(header);
    }
    let result = change(&mut log);
    log.pop_newest(header::newest_mut(header, shape));
    header::put_head(header, head);
    result
}

/// One key's log, to be changed.
pub(crate) struct Log<'a> {
    pub(crate) pool: &'a mut Pool,
    pub(crate) head: &'a mut Head,
    pub(crate) shape: Shape,
}

impl Log<'_> {
    /// The first word of a row in the block.
    #[inline]
    fn row_at(&self, row: usize) -> usize {
        row * self.shape.stride(self.head.level)
    }

    #[inline]
    fn words(&self) -> &[u32] {
        self.pool.block(self.head.at)
    }

    #[inline]
    fn words_mut(&mut self) -> &mut [u32] {
        self.pool.block_mut(self.head.at)
    }

    #[inline]
    fn row(&self, row: usize) -> &[u32] {
        let stride = self.shape.stride(self.head.level);
        &self.words()[row * stride..(row + 1) * stride]
    }

    #[inline]
    fn row_mut(&mut self, row: usize) -> &mut [u32] {
        let stride = self.shape.stride(self.head.level);
        &mut self.words_mut()[row * stride..(row + 1) * stride]
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
                self.add_at(rows - 1, delta)
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

    /// Adds what happened in the bucket of a row.
    fn add_at<D: Delta>(&mut self, position: usize, delta: D) -> bool {
        let (level, shape, rows) = (self.head.level, self.shape, self.rows());
        let words = &mut self.words_mut()[..rows * shape.stride(level)];
        let done = add_to_rows(words, position, level, shape, delta);
        if done {
            raise(self.row_mut(position), level, shape, delta);
        }
        done
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
        let words = self.words_mut();
        if rows == 0 {
            words[at..at + stride].fill(0);
        } else {
            words.copy_within(at - stride..at, at);
        }
        let row = &mut words[at..at + stride];
        set_row_time(row, level, bucket);
        clear_extremes(row, level, shape);
        if !try_add(row, level, shape, delta) {
            return false;
        }
        raise(row, level, shape, delta);
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
        self.add_at(position, delta)
    }

    /// Inserts a row in which nothing happened yet. Takes and gives its place.
    fn insert_row(&mut self, bucket: i64, mut position: usize, needed: &Needed) -> usize {
        if self.make_room(needed) {
            position = self.first_row_from(bucket);
        }
        let (level, shape, rows) = (self.head.level, self.shape, self.rows());
        insert_row(self.words_mut(), position, rows, shape.stride(level));
        self.head.rows += 1;
        let row = self.row_mut(position);
        set_row_time(row, level, bucket);
        clear_extremes(row, level, shape);
        position
    }

    /// The first row whose bucket is at or after this one, from the last row backwards: all rows
    /// from there on are to be changed anyway, and an event is seldom late by many of them.
    fn first_row_from(&self, bucket: i64) -> usize {
        let after = (0..self.rows()).rev().take_while(|&row| self.time(row) >= bucket);
        self.rows() - after.count()
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
        let (rows, level) = (self.rows(), self.head.level);
        if rows < 2 {
            return;
        }
        let stride = self.shape.stride(level);
        let extremes = self.shape.extremes;
        let words = &mut self.words_mut()[..rows * stride];
        let kept = match level {
            LEVEL_MAX => thin::wide(words, stride, extremes, needed),
            _ => thin::narrow(words, stride, extremes, needed),
        };
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
            let source = &self.pool.block(from.at)[row * old..(row + 1) * old];
            let source = Row::of(source, from.level, shape);
            let target = &mut self.pool.block_mut(at)[row * new..(row + 1) * new];
            write_row(target, level, shape, &source);
        }
        self.pool.release(from.at, from.class);
        *self.head = Head { at, rows: from.rows, class, level };
    }

    /// Room for one more row without thinning.
    fn reserve_row(&mut self) {
        let (rows, stride) = (self.rows(), self.shape.stride(self.head.level));
        let full = self.head.at == NOWHERE || class_words(self.head.class) < (rows + 1) * stride;
        if full {
            self.resize((rows + rows / 2).max(rows + 1) * stride);
        }
    }

    /// Puts a whole row behind the last one.
    pub(crate) fn push_row(&mut self, row: &Row) {
        while self.head.level < LEVEL_MAX && !row.fits(self.head.level) {
            self.widen();
        }
        self.reserve_row();
        let (rows, level, shape) = (self.rows(), self.head.level, self.shape);
        self.head.rows += 1;
        write_row(self.row_mut(rows), level, shape, row);
    }

    /// Puts the row of a header behind the last one.
    fn push_newest(&mut self, newest: &[u32]) {
        self.reserve_row();
        let (rows, shape) = (self.rows(), self.shape);
        self.head.rows += 1;
        let to = self.row_mut(rows);
        match to.len() == newest.len() {
            true => to.copy_from_slice(newest),
            false if header::write_narrow(newest, shape, to) => {}
            false => {
                self.head.rows -= 1;
                self.push_row(&Row::of(newest, OPEN_LEVEL, shape));
            }
        }
    }

    /// Moves the last row to a header, which is closed, where the header can hold it. A block
    /// without rows is given back.
    fn pop_newest(&mut self, newest: &mut [u32]) {
        let (rows, level, shape) = (self.rows(), self.head.level, self.shape);
        if rows > 0 && level < LEVEL_MAX && self.time(rows - 1) < i64::from(CLOSED) {
            let row = self.row(rows - 1);
            if level == OPEN_LEVEL {
                newest.copy_from_slice(row);
            } else {
                write_row(newest, OPEN_LEVEL, shape, &Row::of(row, level, shape));
            }
            self.head.rows -= 1;
        }
        if self.head.rows == 0 {
            self.pool.release(self.head.at, self.head.class);
            (self.head.at, self.head.class) = (NOWHERE, 0);
        }
    }
}

/// The best of extreme number i in the rows of a block from one on; 0 where there is none.
#[inline(always)]
pub(crate) fn best_of(rows: &[u32], level: u8, shape: Shape, index: usize) -> u64 {
    let rows = rows.chunks_exact(shape.stride(level));
    rows.fold(0, |best, row| best.max(row_extreme(row, level, shape, index)))
}

/// The first row of a block whose bucket is at or after this one.
pub(crate) fn first_row_from(words: &[u32], head: Head, shape: Shape, bucket: i64) -> usize {
    let (stride, rows) = (shape.stride(head.level), head.rows as usize);
    if head.level < LEVEL_MAX {
        return match u32::try_from(bucket) {
            Ok(bucket) => rows_before(words, stride, rows, bucket),
            Err(_) if bucket < 0 => 0,
            Err(_) => rows,
        };
    }
    let rows = words[..rows * stride].chunks_exact(stride);
    rows.map(|row| row_time(row, LEVEL_MAX)).take_while(|&time| time < bucket).count()
}

/// Rows of a block, of the first `rows`, whose 32-bit bucket is before this one.
#[inline(always)]
pub(crate) fn rows_before(words: &[u32], stride: usize, rows: usize, bucket: u32) -> usize {
    let words = &words[..rows * stride];
    // Without a branch on what is found: half of these would be guessed wrongly.
    let (mut low, mut count) = (0, rows);
    while count > 0 {
        let half = count.div_ceil(2);
        let is_before = words[(low + half - 1) * stride] < bucket;
        low = select_unpredictable(is_before, low + half, low);
        count -= half;
    }
    low
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
