//! The header of a key in a section: where its log and its staircases are, in a few words, so that
//! one cache line tells all that the fold must load next.

use super::log::Head;
use super::stairs::StairHead;
use super::words::LINE_WORDS;

/// Words of the log: its address, its rows, class | level << 8 | waiting << 16.
pub(super) const LOG_WORDS: usize = 3;
/// Words of a staircase: its address, its steps, its class.
pub(super) const STAIR_WORDS: usize = 3;

/// Does the key have events that wait? In the third word of the log.
const WAITING: u32 = 1 << 16;

/// Words of a header: a divisor or a multiple of a cache line, so that it touches no line more
/// than it must.
pub(super) fn header_words(stairs: usize) -> usize {
    let words = LOG_WORDS + STAIR_WORDS * stairs;
    if words <= LINE_WORDS { words.next_power_of_two() } else { words.next_multiple_of(LINE_WORDS) }
}

/// The words of the log and those of the staircases (and some that are not used).
#[inline(always)]
pub(super) fn split(header: &[u32]) -> (&[u32; LOG_WORDS], &[[u32; STAIR_WORDS]]) {
    let (log, stairs) = header.split_first_chunk().expect("a header begins with the log");
    (log, stairs.as_chunks().0)
}

/// [`split`], to be changed.
#[inline(always)]
pub(super) fn split_mut(header: &mut [u32]) -> (&mut [u32; LOG_WORDS], &mut [[u32; STAIR_WORDS]]) {
    let (log, stairs) = header.split_first_chunk_mut().expect("a header begins with the log");
    (log, stairs.as_chunks_mut().0)
}

#[inline(always)]
pub(super) fn log_of(words: &[u32; LOG_WORDS]) -> Head {
    Head { at: words[0], rows: words[1], class: words[2] as u8, level: (words[2] >> 8) as u8 }
}

#[inline(always)]
pub(super) fn put_log(words: &mut [u32; LOG_WORDS], head: Head) {
    let waiting = words[2] & WAITING;
    *words = [head.at, head.rows, waiting | u32::from(head.class) | u32::from(head.level) << 8];
}

#[inline(always)]
pub(super) fn is_waiting(words: &[u32; LOG_WORDS]) -> bool {
    words[2] & WAITING != 0
}

pub(super) fn put_waiting(words: &mut [u32; LOG_WORDS], waiting: bool) {
    words[2] = words[2] & !WAITING | if waiting { WAITING } else { 0 };
}

#[inline(always)]
pub(super) fn stair_of(words: &[u32; STAIR_WORDS]) -> StairHead {
    StairHead { at: words[0], steps: words[1], class: words[2] }
}

#[inline(always)]
pub(super) fn put_stair(words: &mut [u32; STAIR_WORDS], head: StairHead) {
    *words = [head.at, head.steps, head.class];
}
