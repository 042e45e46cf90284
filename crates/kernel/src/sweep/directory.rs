//! The directory of label keys: which dense number a key of the question has.
//!
//! Built once over the labels, then asked once for every event (the semi-join that drops events of
//! keys nobody asks about). A word alone never decides where it is a hash: columns are compared.

use super::dense::Dense;
use super::keys::{Keys, mixed};
use super::parallel;
use crate::memory;
use crate::prefetch::prefetch;

/// The number of "no such key".
pub(super) const NONE: u32 = u32::MAX;

/// Probes under way at one time.
pub(super) const PROBES: usize = 64;

/// Places of an empty table; it doubles once three in four are taken.
const SLOTS_MIN: usize = 1 << 10;

/// One place of the open-addressing table: 16 bytes, four a cache line.
#[derive(Clone, Copy)]
struct Slot {
    /// The word of the key.
    word: u64,
    /// Dense number of the key, or [`NONE`] where the slot is free.
    id: u32,
}

const FREE: Slot = Slot { word: 0, id: NONE };

/// A label row that has a key, and the number of its key.
pub(super) type Numbered = (u32, u32);

/// Dense numbers of the distinct keys of a column, in parts by hash that are built side by side.
pub(super) struct Directory<'a> {
    keys: Keys<'a>,
    parts: Vec<Part>,
    /// The same numbers by place, where the keys are whole numbers close together.
    dense: Option<Dense>,
    /// The first number of each part; one more at the end: the number of keys.
    pub(super) first_ids: Vec<u32>,
}

impl<'a> Directory<'a> {
    /// Numbers the keys of `keys`; gives the rows of each part, ascending, with their numbers.
    pub(super) fn build(keys: Keys<'a>, threads: usize) -> (Self, Vec<Vec<Numbered>>) {
        let parts = threads.max(1);
        let tasks: Vec<usize> = (0..parts).collect();
        let built = parallel::each(tasks, |_, part| Part::build(&keys, part, parts));
        let (parts, mut lists): (Vec<_>, Vec<_>) = built.into_iter().unzip();
        let mut first_ids = vec![0_u32];
        for (part, list) in parts.iter().zip(&mut lists) {
            let first = first_ids[first_ids.len() - 1];
            list.iter_mut().for_each(|(_, id)| *id += first);
            first_ids.push(first + part.first_rows.len() as u32);
        }
        let mut built = Self { keys, parts, dense: None, first_ids };
        built.dense = built.keys.whole().and_then(|_| Dense::new(built.numbered()));
        (built, lists)
    }

    /// The words of the keys, with their numbers.
    fn numbered(&self) -> impl Iterator<Item = (i64, u32)> + Clone + '_ {
        self.parts.iter().zip(&self.first_ids).flat_map(|(part, first)| {
            let taken = part.slots.iter().filter(|slot| slot.id != NONE);
            taken.map(move |slot| (slot.word as i64, first + slot.id))
        })
    }

    /// The numbers by place, where there are, and the values of `keys` to look up there.
    pub(super) fn dense<'k>(&self, keys: &Keys<'k>) -> Option<(&Dense, &'k [i64])> {
        self.dense.as_ref().zip(keys.whole())
    }

    /// How many distinct keys there are.
    pub(super) fn len(&self) -> usize {
        self.first_ids[self.parts.len()] as usize
    }

    /// The number of the key of a row of `keys` that has one, by its word and the word's hash;
    /// [`NONE`] if no label asks about it.
    #[inline]
    pub(super) fn find(&self, word: u64, hash: u64, keys: &Keys<'_>, row: usize) -> u32 {
        let part = part_of(hash, self.parts.len());
        match self.parts[part].find(&self.keys, word, hash, keys, row) {
            NONE => NONE,
            id => self.first_ids[part] + id,
        }
    }

    /// Brings the slot of a key near, ahead of [`Directory::find`].
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        self.parts[part_of(hash, self.parts.len())].prefetch(hash);
    }
}

/// The part that a key belongs to.
#[inline]
fn part_of(hash: u64, parts: usize) -> usize {
    (((hash >> 32) * parts as u64) >> 32) as usize
}

/// The keys of one part, numbered 0, 1, 2, ... in order of first use.
struct Part {
    slots: Vec<Slot>,
    mask: usize,
    /// The label row in which each key was seen first.
    first_rows: Vec<u32>,
}

impl Part {
    fn build(keys: &Keys<'_>, part: usize, parts: usize) -> (Self, Vec<Numbered>) {
        let slots = vec![FREE; SLOTS_MIN];
        let mut built = Self { slots, mask: SLOTS_MIN - 1, first_rows: Vec::new() };
        let mut list = Vec::with_capacity(keys.len() / parts);
        let mut words = [0; PROBES];
        let mut own = [(0, 0); PROBES];
        for first in (0..keys.len()).step_by(PROBES) {
            let words = &mut words[..PROBES.min(keys.len() - first)];
            keys.words(first, words);
            let mut count = 0;
            for (offset, &word) in words.iter().enumerate() {
                let hash = mixed(word);
                built.prefetch(hash);
                own[count] = (offset, hash);
                count += usize::from(part_of(hash, parts) == part);
            }
            for &(offset, hash) in &own[..count] {
                let row = first + offset;
                if keys.is_valid(row) {
                    list.push((row as u32, built.insert(keys, row, words[offset], hash)));
                }
            }
        }
        (built, list)
    }

    /// The number of a key of other columns.
    #[inline]
    fn find(&self, own: &Keys<'_>, word: u64, hash: u64, keys: &Keys<'_>, row: usize) -> u32 {
        let mut place = hash as usize & self.mask;
        loop {
            let slot = &self.slots[place];
            if slot.id == NONE || (slot.word == word && self.holds(own, slot, keys, row)) {
                return slot.id;
            }
            place = (place + 1) & self.mask;
        }
    }

    #[inline]
    fn prefetch(&self, hash: u64) {
        prefetch(&self.slots, hash as usize & self.mask);
    }

    /// Is the key of a slot that of a row with the same word?
    #[inline(always)]
    fn holds(&self, own: &Keys<'_>, slot: &Slot, keys: &Keys<'_>, row: usize) -> bool {
        own.decided(slot.word) || own.equal(self.first_rows[slot.id as usize] as usize, keys, row)
    }

    fn insert(&mut self, keys: &Keys<'_>, row: usize, word: u64, hash: u64) -> u32 {
        if self.first_rows.len() * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let mut place = hash as usize & self.mask;
        loop {
            let slot = &self.slots[place];
            if slot.id == NONE {
                break;
            }
            if slot.word == word && self.holds(keys, slot, keys, row) {
                return slot.id;
            }
            place = (place + 1) & self.mask;
        }
        let id = self.first_rows.len() as u32;
        assert!(id != NONE, "label rows are fewer than u32::MAX");
        self.slots[place] = Slot { word, id };
        self.first_rows.push(row as u32);
        id
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, memory::filled(size, FREE));
        self.mask = size - 1;
        for slot in old.into_iter().filter(|slot| slot.id != NONE) {
            let mut place = mixed(slot.word) as usize & self.mask;
            while self.slots[place].id != NONE {
                place = (place + 1) & self.mask;
            }
            self.slots[place] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    /// Past several doublings, on one part and on three: every key has one number, its own.
    #[test]
    fn every_key_has_its_number() {
        let values: Vec<i64> = (0..5_000).map(|row| row * row % 3_001 - 1_500).collect();
        let texts = values.iter().map(|value| format!("{value} is a long name"));
        let whole: ArrayRef = Arc::new(Int64Array::from(values.clone()));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
        for columns in [vec![whole.clone()], vec![texts.clone()], vec![whole, texts]] {
            for threads in [1, 3] {
                let keys = || Keys::new(&columns, values.len()).unwrap();
                let (directory, lists) = Directory::build(keys(), threads);
                let mut numbers = HashMap::new();
                for (row, id) in lists.into_iter().flatten() {
                    let value = values[row as usize];
                    assert_eq!(*numbers.entry(value).or_insert(id), id, "{value}");
                    let (asked, row) = (keys(), row as usize);
                    let word = asked.word(row);
                    assert_eq!(directory.find(word, mixed(word), &asked, row), id);
                }
                let mut ids: Vec<u32> = numbers.into_values().collect();
                ids.sort_unstable();
                assert_eq!(ids, (0..directory.len() as u32).collect::<Vec<u32>>());
            }
        }
    }
}
