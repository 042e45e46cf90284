//! Blocks of 32-bit words in size classes: where logs and staircases of all keys of a section
//! live. One growing buffer, so that a block is an index of 32 bits and nothing is ever scattered.

use super::words::Words;

/// Words of the unit of addresses and sizes: 16 bytes, so that a staircase step never straddles a
/// cache line.
pub(crate) const UNIT_WORDS: usize = 4;

/// Address of no block.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// Blocks by size class, with free lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    pub(crate) words: Words,
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

impl Pool {
    /// A block of at least so many words, with any content: its address and class.
    pub(crate) fn allocate(&mut self, words: usize) -> (u32, u8) {
        let class = class_for(words);
        if let Some(at) = self.free.get_mut(class as usize).and_then(Vec::pop) {
            return (at, class);
        }
        let at = u32::try_from(self.words.len() / UNIT_WORDS).expect("below 64 GiB a section");
        assert!(at != NOWHERE, "below 64 GiB a section");
        self.words.extend(class_words(class), 0);
        (at, class)
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
            let (from, to) = (start(at), start(new));
            self.words.copy_within(from..from + used, to);
            self.release(at, class);
        }
        (new, new_class)
    }

    /// Bytes held, capacity and free blocks included.
    pub(crate) fn bytes_used(&self) -> usize {
        self.words.bytes_used() + self.free.iter().map(|list| list.capacity() * 4).sum::<usize>()
    }
}

/// Index of the first word of a block.
#[inline]
pub(crate) fn start(at: u32) -> usize {
    at as usize * UNIT_WORDS
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
}
