//! The ids whose rows changed since they were last asked for: a bit each, so that marking one costs
//! next to nothing in the fold.

/// A set of ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dirty {
    words: Vec<u64>,
}

impl Dirty {
    /// Makes room for ids below `end`.
    #[inline]
    pub(crate) fn reserve(&mut self, end: usize) {
        if end > self.words.len() * 64 {
            self.words.resize(end.div_ceil(64).next_power_of_two(), 0);
        }
    }

    /// Adds an id for which there is room.
    #[inline(always)]
    pub(crate) fn mark(&mut self, id: u32) {
        self.words[id as usize / 64] |= 1 << (id % 64);
    }

    /// Empties the set; its ids, ascending.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter_mut().enumerate().flat_map(|(index, word)| {
            let mut bits = std::mem::take(word);
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros())?;
                bits &= bits - 1;
                Some((index * 64) as u32 + bit)
            })
        })
    }

    /// Bytes held, capacity included.
    pub(crate) fn bytes_used(&self) -> usize {
        self.words.capacity() * 8
    }
}
