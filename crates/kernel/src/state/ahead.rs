//! Rows of a batch on their way to the fold, 64 at a time, and what is brought near ahead of them:
//! the place of a key three chunks before its row is folded, its header two, the end of its log
//! one. The steps of four chunks are taken in turn, a row of each, so that no burst of loads has to
//! wait for a free place and every load has the work of a chunk to hide behind.

use std::ops::Range;

use super::batch::{Batch, CHUNK};
use super::directory::Directory;
use super::header;
use super::layout::Layout;
use super::log_row::Shape;
use super::pool::{Pool, class_words};
use super::words::LINE_WORDS;
use crate::prefetch::prefetch;

/// Lines of a log that are brought near when it is about to be thinned; the rest follows in order.
const THINNED_LINES: usize = 8;

/// The rows of a chunk: the first one, their number, and by place their ids and their buckets in 32
/// bits (`CLOSED` where one does not fit).
pub(super) struct Rows {
    pub(super) from: usize,
    pub(super) length: usize,
    /// The rows that take part: those with a key that some view can reach.
    pub(super) taken: u64,
    pub(super) ids: [u32; CHUNK],
    pub(super) narrow: [u32; CHUNK],
}

impl Rows {
    pub(super) const fn new() -> Rows {
        Rows { from: 0, length: 0, taken: 0, ids: [0; CHUNK], narrow: [0; CHUNK] }
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.from..self.from + self.length
    }

    /// Takes the rows from one on; none behind the last one.
    pub(super) fn begin(&mut self, from: usize, batch: &Batch, layout: &Layout) {
        let keys = batch.batch.keys;
        self.from = from.min(keys.len());
        self.length = CHUNK.min(keys.len() - self.from);
        self.taken = keys.taken(self.from, self.length);
        layout.narrow_buckets(&batch.batch.times[self.range()], &mut self.narrow);
    }

    pub(super) fn hashes<'a>(&self, batch: &Batch<'a>) -> &'a [u64] {
        batch.batch.keys.hashes(self.from, self.length)
    }

    /// Finds the ids of the rows that take part; keys that are new get theirs.
    #[inline(never)]
    pub(super) fn find(&mut self, batch: &Batch, directory: &mut Directory) {
        let keys = batch.batch.keys;
        let mut missing = 0u64;
        for bit in 0..self.length.min(CHUNK) {
            let row = self.from + bit;
            let near = directory.find_near(keys.hash(row), keys.key(row));
            missing |= u64::from(near.is_none()) << bit;
            self.ids[bit] = near.unwrap_or(0);
        }
        bits_of(missing & self.taken, |bit| {
            let row = self.from + bit;
            self.ids[bit] = directory.find_or_insert(keys.hash(row), keys.key(row));
        });
    }
}

/// Calls with the place of each bit, ascending.
#[inline(always)]
pub(super) fn bits_of(mut mask: u64, mut call: impl FnMut(usize)) {
    while mask != 0 {
        call(mask.trailing_zeros() as usize % CHUNK);
        mask &= mask - 1;
    }
}

/// The chunks that follow the one which is folded.
pub(super) struct Ahead<'a> {
    /// Their headers are near: the ends of their logs come next.
    pub(super) next: &'a Rows,
    /// Their ids are known: their headers come next.
    pub(super) second: &'a Rows,
    /// Hashes of the keys whose places come next.
    pub(super) third: &'a [u64],
    pub(super) directory: &'a Directory,
}

impl Ahead<'_> {
    /// Brings near what comes next of one row of each chunk; headers lie `stride` words apart.
    #[inline(always)]
    pub(super) fn step(
        &self,
        bit: usize,
        (headers, stride): (&[u32], usize),
        pool: &Pool,
        shape: Shape,
    ) {
        if let Some(&hash) = self.third.get(bit) {
            self.directory.prefetch(hash);
        }
        prefetch(headers, self.second.ids[bit] as usize * stride);
        let at = self.next.ids[bit] as usize * stride;
        let Some(header) = headers.get(at..).and_then(<[u32]>::first_chunk) else { return };
        bring_end(header, self.next.narrow[bit], pool, shape);
    }
}

/// Brings near the words behind the last row of a log and, where these are none and a row will be
/// put there, the whole log, which is then thinned.
#[inline(always)]
fn bring_end(header: &header::Start, bucket: u32, pool: &Pool, shape: Shape) {
    let head = header::head_of(header);
    let stride = shape.stride(head.level);
    let end = head.rows as usize * stride;
    pool.prefetch(head.at, end);
    if end + stride > class_words(head.class) && bucket != header::bucket_of(header) {
        let lines = (0..end).step_by(LINE_WORDS).take(THINNED_LINES);
        lines.for_each(|word| pool.prefetch(head.at, word));
    }
}
