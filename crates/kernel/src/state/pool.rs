//! Blocks of 32-bit words in size classes: where the logs of all keys of a section live.
//! They lie in segments of a fixed size, so that growth moves nothing: no copy, no pause, and no
//! address that changes. A block never leaves its segment.

use super::words::Words;
use crate::prefetch::prefetch;

/// Words of the unit of addresses and sizes: 16 bytes, so that addresses of 32 bits reach
/// 64 GiB.
pub(crate) const UNIT_WORDS: usize = 4;

/// Address of no block.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// Units of a segment, as a power of two: 16 MiB.
const SEGMENT_BITS: u32 = 20;
const SEGMENT_UNITS: usize = 1 << SEGMENT_BITS;

/// Blocks by size class, with free lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    /// Segment number i holds the addresses from `i << SEGMENT_BITS`; one that holds a single
    /// block above the size of a segment is followed by empty ones.
    segments: Vec<Words>,
    free: Vec<Vec<u32>>,
}

/// Units of a class: 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, ...: four steps a doubling.
const fn class_units(class: u8) -> usize {
    let class = class as usize;
    if class < 4 { class + 1 } else { (5 + (class - 4) % 4) << ((class - 4) / 4) }
}

/// The least class with so many words.
fn class_for(words: usize) -> u8 {
    let units = words.div_ceil(UNIT_WORDS).max(1);
    let mut class = if units <= 4 {
        units as u8 - 1
    } else {
        // 5..=8 is the first group of four, 9..=16 the second.
        let group = (units - 1).ilog2() as u8 - 2;
        4 + 4 * group
    };
    while class_units(class) < units {
        class += 1;
    }
    class
}

/// Classes: the largest block is of 2^32 words and more than a pool can hold.
const CLASSES: usize = 112;

/// By class: its words, so that looking at a block costs a load.
static CLASS_WORDS: [u64; CLASSES] = {
    let mut words = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        words[class] = (class_units(class as u8) * UNIT_WORDS) as u64;
        class += 1;
    }
    words
};

/// Words that a block of this class holds.
#[inline]
pub(crate) fn class_words(class: u8) -> usize {
    CLASS_WORDS[class as usize] as usize
}

/// Segment of an address, and the first word there.
#[inline(always)]
fn place(at: u32) -> (usize, usize) {
    let unit = at as usize & (SEGMENT_UNITS - 1);
    ((at >> SEGMENT_BITS) as usize, unit * UNIT_WORDS)
}

impl Pool {
    /// The words from the beginning of a block to the end of its segment; none at [`NOWHERE`].
    #[inline(always)]
    pub(crate) fn block(&self, at: u32) -> &[u32] {
        let (segment, first) = place(at);
        self.segments.get(segment).and_then(|words| words.get(first..)).unwrap_or_default()
    }

    /// [`Pool::block`], to be changed.
    #[inline(always)]
    pub(crate) fn block_mut(&mut self, at: u32) -> &mut [u32] {
        let (segment, first) = place(at);
        let words = self.segments.get_mut(segment);
        words.and_then(|words| words.get_mut(first..)).unwrap_or_default()
    }

    /// Starts loading a word of a block.
    #[inline(always)]
    pub(crate) fn prefetch(&self, at: u32, word: usize) {
        let (segment, first) = place(at);
        if let Some(words) = self.segments.get(segment) {
            prefetch(words, first + word);
        }
    }

    /// Words `from..from + length` of a block; `None` where it does not reach so far.
    #[inline(always)]
    pub(crate) fn part_mut(&mut self, at: u32, from: usize, length: usize) -> Option<&mut [u32]> {
        let (segment, first) = place(at);
        self.segments.get_mut(segment)?.get_mut(first + from..)?.get_mut(..length)
    }

    /// A block of at least so many words, with any content: its address and class.
    pub(crate) fn allocate(&mut self, words: usize) -> (u32, u8) {
        let class = class_for(words);
        if let Some(at) = self.free.get_mut(class as usize).and_then(Vec::pop) {
            return (at, class);
        }
        (self.extend(class_words(class)), class)
    }

    /// New words at the end of the last segment or, where they do not fit, in a new one.
    fn extend(&mut self, words: usize) -> u32 {
        const SEGMENT_WORDS: usize = SEGMENT_UNITS * UNIT_WORDS;
        let fits = self.segments.last().is_some_and(|last| last.len() + words <= SEGMENT_WORDS);
        if !fits {
            // The first one grows from nothing: most sections are small.
            let room = if self.segments.is_empty() { 0 } else { SEGMENT_WORDS.max(words) };
            self.segments.push(Words::with_capacity(room));
        }
        let segment = self.segments.len() - 1;
        let first = self.segments[segment].len();
        self.segments[segment].extend(words, 0);
        // A block above the size of a segment takes the addresses of several.
        let taken = words.div_ceil(SEGMENT_WORDS).max(1);
        self.segments.resize_with(segment + taken, Words::default);
        let unit = segment * SEGMENT_UNITS + first / UNIT_WORDS;
        let at = u32::try_from(unit).expect("below 64 GiB a section");
        assert!(at != NOWHERE, "below 64 GiB a section");
        at
    }

    /// Gives a block back.
    pub(crate) fn release(&mut self, at: u32, class: u8) {
        if at == NOWHERE {
            return;
        }
        if self.free.len() <= class as usize {
            self.free.resize(class as usize + 1, Vec::new());
        }
        self.free[class as usize].push(at);
    }

    /// Moves `used` words of a block to a new one of at least `words` words.
    pub(crate) fn resize(&mut self, at: u32, class: u8, used: usize, words: usize) -> (u32, u8) {
        let (new, new_class) = self.allocate(words);
        if at != NOWHERE {
            self.copy(at, new, used);
            self.release(at, class);
        }
        (new, new_class)
    }

    /// Copies the first words of a block to those of another.
    fn copy(&mut self, from: u32, to: u32, words: usize) {
        let ((source, first), (target, to)) = (place(from), place(to));
        match self.segments.get_disjoint_mut([source, target]) {
            Ok([source, target]) => {
                target[to..to + words].copy_from_slice(&source[first..first + words]);
            }
            // The same segment.
            Err(_) => self.segments[source].copy_within(first..first + words, to),
        }
    }

    /// Bytes held, capacity and free blocks included.
    pub(crate) fn bytes_used(&self) -> usize {
        self.segments.iter().map(Words::bytes_used).sum::<usize>()
            + self.free.iter().map(|list| list.capacity() * 4).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_grow_and_fit() {
        for words in 1..5_000 {
            let class = class_for(words);
            assert!(class_words(class) >= words);
            assert!(class == 0 || class_words(class - 1) < words, "{words} fits a smaller class");
        }
    }

    #[test]
    fn a_released_block_is_used_again() {
        let mut pool = Pool::default();
        let (at, class) = pool.allocate(10);
        let (other, _) = pool.allocate(10);
        assert_ne!(at, other);
        pool.release(at, class);
        assert_eq!(pool.allocate(9), (at, class));
    }

    #[test]
    fn blocks_keep_their_words_over_segments_and_sizes() {
        let mut pool = Pool::default();
        let sizes = [3, 70_000, 1 << 22, 5, (1 << 22) + 1, 9_000_000, 40];
        let mut blocks = Vec::new();
        for (number, words) in sizes.into_iter().enumerate() {
            let (at, class) = pool.allocate(words);
            pool.block_mut(at)[..words].fill(number as u32);
            blocks.push((at, class, words));
        }
        for (number, &(at, class, words)) in blocks.iter().enumerate() {
            assert!(pool.block(at)[..words].iter().all(|&word| word == number as u32));
            let (at, _) = pool.resize(at, class, words, words + 1);
            assert!(pool.block(at)[..words].iter().all(|&word| word == number as u32));
        }
        assert!(pool.block(NOWHERE).is_empty());
    }
}
