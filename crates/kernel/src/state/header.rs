//! The header of a key in a section: where its log is, and the newest row of the log itself, so
//! that most events touch nothing else of it. The newest row is held in the widest form that has a
//! bucket of 32 bits, whatever the level of the others: adding to it overflows only in a count.
//!
//! A header whose log is at the widest level, or is empty, is closed: it holds no row.

use super::log::Head;
use super::log_row::{Prepared, Shape};
use super::words::LINE_WORDS;

/// Words before the newest row: the address of the log's block, its rows there,
/// class | level << 8 | waiting << 16.
const HEAD_WORDS: usize = 3;
/// The word of the newest row's bucket; [`CLOSED`] when there is no such row.
const BUCKET: usize = HEAD_WORDS;
/// A bucket that no newest row has.
pub(super) const CLOSED: u32 = u32::MAX;
/// Does the key have events that wait? In the third word.
const WAITING: u32 = 1 << 16;
/// The level of the newest row: what a log of that level holds it holds as well.
pub(super) const OPEN_LEVEL: u8 = 1;

/// Words that a header of this shape uses.
#[inline(always)]
pub(super) fn used_words(shape: Shape) -> usize {
    HEAD_WORDS + shape.stride(OPEN_LEVEL)
}

/// Words between headers: a divisor or a multiple of a cache line, so that one touches no line
/// more than it must.
pub(super) fn header_words(shape: Shape) -> usize {
    let words = used_words(shape);
    if words <= LINE_WORDS { words.next_power_of_two() } else { words.next_multiple_of(LINE_WORDS) }
}

/// A log without rows.
pub(super) fn clear(header: &mut [u32]) {
    header.fill(0);
    put_head(header, Head::EMPTY);
    close(header);
}

/// The part of the log that is in its block.
#[inline(always)]
pub(super) fn head_of(header: &[u32]) -> Head {
    Head { at: header[0], rows: header[1], class: header[2] as u8, level: (header[2] >> 8) as u8 }
}

#[inline(always)]
pub(super) fn put_head(header: &mut [u32], head: Head) {
    let waiting = header[2] & WAITING;
    header[0] = head.at;
    header[1] = head.rows;
    header[2] = waiting | u32::from(head.class) | u32::from(head.level) << 8;
}

#[inline(always)]
pub(super) fn put_rows(header: &mut [u32], rows: u32) {
    header[1] = rows;
}

/// Words that say where a log is.
pub(super) type Start = [u32; HEAD_WORDS + 1];

/// Has the key events that wait?
#[inline(always)]
pub(super) fn is_waiting(header: &[u32]) -> bool {
    header[2] & WAITING != 0
}

pub(super) fn put_waiting(header: &mut [u32], waiting: bool) {
    header[2] = header[2] & !WAITING | if waiting { WAITING } else { 0 };
}

/// The bucket of the newest row, or [`CLOSED`].
#[inline(always)]
pub(super) fn bucket_of(header: &[u32]) -> u32 {
    header[BUCKET]
}

#[inline(always)]
pub(super) fn close(header: &mut [u32]) {
    header[BUCKET] = CLOSED;
}

/// The newest row, at [`OPEN_LEVEL`]; of no meaning when closed.
#[inline(always)]
pub(super) fn newest(header: &[u32], shape: Shape) -> &[u32] {
    &header[BUCKET..BUCKET + shape.stride(OPEN_LEVEL)]
}

/// [`newest`], to be changed.
#[inline(always)]
pub(super) fn newest_mut(header: &mut [u32], shape: Shape) -> &mut [u32] {
    &mut header[BUCKET..BUCKET + shape.stride(OPEN_LEVEL)]
}

/// Adds a prepared row to the newest one; false when a count has become as large as one may be
/// here: nothing was added.
#[inline(always)]
pub(super) fn add(header: &mut [u32], shape: Shape, row: Prepared) -> bool {
    let (counts, sums, extremes) = numbers_mut(header, shape);
    row.add_wide(counts, sums, extremes)
}

/// [`add`] of what happened before the newest row's own time: its extremes stay.
pub(super) fn add_before(header: &mut [u32], shape: Shape, row: Prepared) -> bool {
    let (counts, sums, _) = numbers_mut(header, shape);
    row.add_wide(counts, sums, &mut [])
}

/// Counts, sums and extremes of the newest row.
#[inline(always)]
fn numbers_mut(header: &mut [u32], shape: Shape) -> (&mut [u32], &mut [[u32; 4]], &mut [[u32; 2]]) {
    let numbers = &mut header[BUCKET + 1..BUCKET + shape.stride(OPEN_LEVEL)];
    let (counts, rest) = numbers.split_at_mut(shape.counts);
    let (sums, extremes) = rest.split_at_mut(4 * shape.sums);
    (counts, sums.as_chunks_mut().0, extremes.as_chunks_mut().0)
}

/// Begins a newest row in a later bucket: its sums go on, its extremes begin anew.
#[inline(always)]
pub(super) fn begin(header: &mut [u32], shape: Shape, bucket: u32) {
    header[BUCKET] = bucket;
    let at = BUCKET + shape.extremes_at(OPEN_LEVEL);
    header[at..at + 2 * shape.extremes].fill(0);
}

/// Writes the newest row behind others of a narrow block (level 0); false, and nothing of meaning
/// written, when a sum does not fit there.
#[inline(always)]
pub(super) fn write_narrow(newest: &[u32], shape: Shape, to: &mut [u32]) -> bool {
    let counts = 1 + shape.counts;
    to[..counts].copy_from_slice(&newest[..counts]);
    let (sums, extremes) = newest[counts..].split_at(4 * shape.sums);
    let (sums_to, extremes_to) = to[counts..].split_at_mut(2 * shape.sums);
    extremes_to.copy_from_slice(extremes);
    let mut fits = true;
    for (sum, to) in sums.as_chunks::<4>().0.iter().zip(sums_to.as_chunks_mut::<2>().0) {
        // The upper half is the sign of the lower one, or the sum is wider.
        let sign = ((sum[1] as i32) >> 31) as u32;
        fits &= sum[2] == sign && sum[3] == sign;
        *to = [sum[0], sum[1]];
    }
    fits
}
