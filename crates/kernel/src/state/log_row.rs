//! A row of the log: a bucket, then prefix sums of counts and sums, then the extremes of what
//! happened since the row before. Rows are narrow until something does not fit; an addition that
//! overflows leaves the row as it was and says so, so that nothing is ever lost by it.
//!
//! An extreme is an integer that compares as the value does, turned round where the least counts:
//! the greatest wins, and 0 stands where nothing is. Whether something is tells the count of the
//! same inputs, never the 0.

use super::batch::CHUNK;

/// Numbers of counts, sums and extremes in a row, and how a row is laid out at each level:
/// 0: time u32, counts u32, sums i64; 1: sums i128; 2: time i64, counts u64, sums i128; extremes
/// are u64 at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) counts: usize,
    pub(crate) sums: usize,
    pub(crate) extremes: usize,
}

/// The widest level.
pub(crate) const LEVEL_MAX: u8 = 2;

impl Shape {
    /// Words of a row.
    #[inline(always)]
    pub(crate) fn stride(self, level: u8) -> usize {
        self.extremes_at(level) + 2 * self.extremes
    }

    /// Words before the extremes of a row.
    #[inline(always)]
    pub(crate) fn extremes_at(self, level: u8) -> usize {
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
    /// 0 where there is nothing.
    fn extreme(self, index: usize) -> u64;
    /// The sum where it fits 64 bits.
    fn sum_narrow(self, index: usize) -> Option<i64> {
        i64::try_from(self.sum(index)).ok()
    }
}

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

pub(crate) fn set_row_time(row: &mut [u32], level: u8, bucket: i64) {
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

/// Extreme number i of a row.
#[inline(always)]
pub(crate) fn row_extreme(row: &[u32], level: u8, shape: Shape, index: usize) -> u64 {
    get_u64(row, shape.extremes_at(level) + 2 * index)
}

/// The extremes of a row become those of both.
#[inline(always)]
pub(crate) fn raise_extreme(words: &mut [u32; 2], value: u64) {
    let held = u64::from(words[0]) | u64::from(words[1]) << 32;
    let value = held.max(value);
    *words = [value as u32, (value >> 32) as u32];
}

/// Offers the extremes of a delta to a row.
#[inline]
pub(crate) fn raise<D: Delta>(row: &mut [u32], level: u8, shape: Shape, delta: D) {
    let extremes = row[shape.extremes_at(level)..].as_chunks_mut::<2>().0;
    for (index, words) in extremes[..shape.extremes].iter_mut().enumerate() {
        raise_extreme(words, delta.extreme(index));
    }
}

/// Offers the extremes of a row to another one of the same level.
#[inline]
pub(crate) fn raise_by_row(row: &mut [u32], other: &[u32], extremes: usize) {
    let from = row.len() - 2 * extremes;
    let others = other[from..].as_chunks::<2>().0;
    for (words, other) in row[from..].as_chunks_mut::<2>().0.iter_mut().zip(others) {
        raise_extreme(words, u64::from(other[0]) | u64::from(other[1]) << 32);
    }
}

/// Nothing happened since the row before.
#[inline(always)]
pub(crate) fn clear_extremes(row: &mut [u32], level: u8, shape: Shape) {
    let from = shape.extremes_at(level);
    row[from..from + 2 * shape.extremes].fill(0);
}

/// Adds (or takes back) the counts and sums of a delta; false when something overflowed, and the row is as it was.
#[inline]
#[allow(clippy::needless_range_loop)] // the index is the delta's as well
pub(crate) fn try_add<D: Delta>(row: &mut [u32], level: u8, shape: Shape, delta: D) -> bool {
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
#[allow(clippy::needless_range_loop)] // as for `try_add`
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
pub(crate) fn take_back<D: Delta>(row: &mut [u32], level: u8, shape: Shape, delta: D) {
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

/// What a prepared row adds; its sums fit 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Prepared<'a> {
    /// By count: the rows of the chunk that it takes.
    pub(crate) counts: &'a [u64],
    /// By sum: the numbers of the rows of the chunk.
    pub(crate) sums: &'a [[i64; CHUNK]],
    /// By extreme: 0 where the row has none.
    pub(crate) extremes: &'a [[u64; CHUNK]],
    /// The row.
    pub(crate) bit: usize,
}

impl Delta for Prepared<'_> {
    #[inline]
    fn count(self, index: usize) -> u32 {
        (self.counts[index] >> (self.bit % CHUNK) & 1) as u32
    }

    #[inline]
    fn sum(self, index: usize) -> i128 {
        i128::from(self.sums[index][self.bit % CHUNK])
    }

    #[inline]
    fn extreme(self, index: usize) -> u64 {
        self.extremes[index][self.bit % CHUNK]
    }

    #[inline]
    fn sum_narrow(self, index: usize) -> Option<i64> {
        Some(self.sums[index][self.bit % CHUNK])
    }
}

impl Prepared<'_> {
    /// Another row of the chunk.
    #[inline(always)]
    pub(crate) fn of(&self, bit: usize) -> Self {
        Prepared { bit, ..*self }
    }

    /// Adds to the counts, the 128-bit sums and the extremes of a row; false when a count has
    /// reached 2^31, far enough from overflowing: the row is as it was.
    #[inline(always)]
    pub(crate) fn add_wide(
        self,
        counts: &mut [u32],
        sums: &mut [[u32; 4]],
        extremes: &mut [[u32; 2]],
    ) -> bool {
        let bit = self.bit % CHUNK;
        let mut all = 0;
        for (count, rows) in counts.iter_mut().zip(self.counts) {
            all |= *count;
            *count = count.wrapping_add((rows >> bit & 1) as u32);
        }
        if all >> 31 != 0 {
            for (count, rows) in counts.iter_mut().zip(self.counts) {
                *count = count.wrapping_sub((rows >> bit & 1) as u32);
            }
            return false;
        }
        for (sum, numbers) in sums.iter_mut().zip(self.sums) {
            // Prefix sums wrap: a difference of two is right as long as itself fits 128 bits.
            let next = get_u128(sum, 0).wrapping_add(i128::from(numbers[bit]) as u128);
            *sum = words_of(next);
        }
        for (words, values) in extremes.iter_mut().zip(self.extremes) {
            raise_extreme(words, values[bit]);
        }
        true
    }
}

/// The words of a number, lowest first.
#[inline(always)]
fn words_of(value: u128) -> [u32; 4] {
    #[cfg(target_endian = "little")]
    {
        // Two stores; word by word the compiler shuffles vectors.
        // SAFETY: both are 16 bytes of which every pattern is a value.
        unsafe { std::mem::transmute::<u128, [u32; 4]>(value) }
    }
    #[cfg(not(target_endian = "little"))]
    {
        [0, 32, 64, 96].map(|shift| (value >> shift) as u32)
    }
}

/// A row in its widest form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) time: i64,
    pub(crate) counts: Vec<u64>,
    pub(crate) sums: Vec<i128>,
    pub(crate) extremes: Vec<u64>,
}

impl Row {
    pub(crate) fn of(words: &[u32], level: u8, shape: Shape) -> Row {
        Row {
            time: row_time(words, level),
            counts: (0..shape.counts).map(|index| row_count(words, level, index)).collect(),
            sums: (0..shape.sums).map(|index| row_sum(words, level, shape, index)).collect(),
            extremes: (0..shape.extremes)
                .map(|index| row_extreme(words, level, shape, index))
                .collect(),
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

pub(crate) fn write_row(target: &mut [u32], level: u8, shape: Shape, row: &Row) {
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
    for (index, &extreme) in row.extremes.iter().enumerate() {
        set_u64(target, shape.extremes_at(level) + 2 * index, extreme);
    }
}
