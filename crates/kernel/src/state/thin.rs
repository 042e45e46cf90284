//! Thinning the rows of a log: a row goes when no boundary between it and its successor can be
//! asked for any more, and leaves its extremes to that one. In place, in one walk.

use super::boundaries::Needed;
use super::log_row::{LEVEL_MAX, raise_by_row, raise_extreme, row_time};

/// Thins narrow rows of so many words, of which the last ones are extremes; returns how many rows
/// are left. There must be one.
pub(super) fn narrow(words: &mut [u32], stride: usize, extremes: usize, needed: &Needed) -> usize {
    match (stride, extremes) {
        (3, 0) => of_length::<3, 0>(words, needed),
        (4, 0) => of_length::<4, 0>(words, needed),
        (5, 0) => of_length::<5, 0>(words, needed),
        (6, 0) => of_length::<6, 0>(words, needed),
        (7, 0) => of_length::<7, 0>(words, needed),
        (6, 1) => of_length::<6, 1>(words, needed),
        (7, 1) => of_length::<7, 1>(words, needed),
        (8, 1) => of_length::<8, 1>(words, needed),
        (9, 2) => of_length::<9, 2>(words, needed),
        _ => of_any_length(words, stride, extremes, needed),
    }
}

/// Thins narrow rows of a length that is common; returns how many are left. Each row is moved to
/// the end of those kept, and counts there if it is needed: nothing waits for a guess.
fn of_length<const STRIDE: usize, const EXTREMES: usize>(
    words: &mut [u32],
    needed: &Needed,
) -> usize {
    let rows = words.as_chunks_mut::<STRIDE>().0;
    let mut walk = needed.narrow_walk(rows[0][0]);
    let (mut kept, mut before) = (0, rows[0]);
    for index in 1..rows.len() {
        let mut row = rows[index];
        // The successor decides on the row before it.
        let is_needed = walk.next(row[0]);
        if walk.keeps_all() {
            rows[kept] = before;
            rows.copy_within(index.., kept + 1);
            return kept + 1 + rows.len() - index;
        }
        rows[kept] = before;
        kept += usize::from(is_needed);
        // All ones where the row before goes: its extremes are then of this one's interval.
        let goes = u64::from(is_needed).wrapping_sub(1);
        for extreme in 0..EXTREMES {
            let at = STRIDE - 2 * (EXTREMES - extreme);
            let left = u64::from(before[at]) | u64::from(before[at + 1]) << 32;
            let mut words = [row[at], row[at + 1]];
            raise_extreme(&mut words, left & goes);
            [row[at], row[at + 1]] = words;
        }
        before = row;
    }
    rows[kept] = before;
    kept + 1
}

/// [`of_length`] for rows of any length.
fn of_any_length(words: &mut [u32], stride: usize, extremes: usize, needed: &Needed) -> usize {
    let mut walk = needed.narrow_walk(words[0]);
    rows(words, stride, extremes, |row| walk.next(row[0]))
}

/// [`narrow`] for the widest rows.
pub(super) fn wide(words: &mut [u32], stride: usize, extremes: usize, needed: &Needed) -> usize {
    let mut walk = needed.walk(row_time(words, LEVEL_MAX));
    rows(words, stride, extremes, |row| walk.next(row_time(row, LEVEL_MAX)))
}

fn rows(
    words: &mut [u32],
    stride: usize,
    extremes: usize,
    mut needs: impl FnMut(&[u32]) -> bool,
) -> usize {
    let mut kept = 0;
    for from in (stride..words.len()).step_by(stride) {
        let (before, row) = words.split_at_mut(from);
        let (before, row) = (&before[from - stride..], &mut row[..stride]);
        if needs(row) {
            words.copy_within(from - stride..from, kept * stride);
            kept += 1;
        } else {
            raise_by_row(row, before, extremes);
        }
    }
    words.copy_within(words.len() - stride.., kept * stride);
    kept + 1
}
