//! A growing buffer of 32-bit words that begins at a cache line, wherever it is moved: a block of
//! 64 bytes at a multiple of 16 words is then one line, not two.

use std::ops::{Deref, DerefMut};

use crate::memory::reserve;

/// Words of a cache line.
pub(crate) const LINE_WORDS: usize = 16;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u32; LINE_WORDS]);

/// The buffer; its length is counted in words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    lines: Vec<Line>,
    length: usize,
}

impl Words {
    /// No words, and room for so many.
    pub(crate) fn with_capacity(words: usize) -> Words {
        let mut lines = Vec::new();
        reserve(&mut lines, words.div_ceil(LINE_WORDS));
        Words { lines, length: 0 }
    }

    /// Adds words of this value at the end.
    pub(crate) fn extend(&mut self, words: usize, value: u32) {
        let from = self.length;
        self.length += words;
        let lines = self.length.div_ceil(LINE_WORDS);
        if lines > self.lines.len() {
            reserve(&mut self.lines, lines);
            self.lines.resize(lines, Line([0; LINE_WORDS]));
        }
        if value != 0 {
            self[from..].fill(value);
        }
    }

    /// Bytes held, capacity included.
    pub(crate) fn bytes_used(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
    }
}

impl Deref for Words {
    type Target = [u32];

    #[inline]
    fn deref(&self) -> &[u32] {
        debug_assert!(self.length <= self.lines.len() * LINE_WORDS);
        // SAFETY: a Line is 16 words without padding (repr C, size 64), the lines are contiguous
        // and initialised, and `length` never exceeds their words.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for Words {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u32] {
        debug_assert!(self.length <= self.lines.len() * LINE_WORDS);
        // SAFETY: as for `deref`; the exclusive borrow of self covers the lines.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_in_place_and_stays_aligned() {
        let mut words = Words::default();
        for round in 0..1000u32 {
            words.extend(7, round);
        }
        assert_eq!(words.len(), 7000);
        assert_eq!(words.as_ptr() as usize % 64, 0);
        assert!((0..7000).all(|index| words[index] == (index / 7) as u32));
    }
}
