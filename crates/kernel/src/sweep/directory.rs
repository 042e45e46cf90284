//! The directory of label keys: which dense number a key of the question has.
//!
//! Built once over the labels, then asked once for every event (the semi-join that drops events of
//! keys nobody asks about). A hash alone never decides: key bytes are always compared.

use super::parallel;
use crate::key::KeyColumn;
use crate::memory;
use crate::prefetch::prefetch;

/// The number of "no such key".
pub(super) const NONE: u32 = u32::MAX;

/// Key bytes up to this length lie in the slot itself, so that a probe touches one cache line.
const INLINE_BYTES: usize = 20;

/// Probes under way at one time.
pub(super) const PROBES: usize = 64;

/// Places of an empty table; it doubles once three in four are taken.
const SLOTS_MIN: usize = 1 << 10;

/// One place of the open-addressing table: 32 bytes, two a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Slot {
    /// Upper half of the hash; the lower half chose the place.
    tag: u32,
    /// Dense number of the key, or [`NONE`] where the slot is free.
    id: u32,
    /// Length of the key in bytes.
    length: u32,
    /// The key, where it is short enough; zero after its end.
    bytes: [u8; INLINE_BYTES],
}

const FREE: Slot = Slot { tag: 0, id: NONE, length: 0, bytes: [0; INLINE_BYTES] };

/// A label row that has a key, and the number of its key.
pub(super) type Numbered = (u32, u32);

/// Dense numbers of the distinct keys of a column, in parts by hash that are built side by side.
pub(super) struct Directory<'a> {
    parts: Vec<Part<'a>>,
    /// The first number of each part; one more at the end: the number of keys.
    pub(super) first_ids: Vec<u32>,
}

impl<'a> Directory<'a> {
    /// Numbers the keys of `keys`; gives the rows of each part, ascending, with their numbers.
    pub(super) fn build(keys: &'a KeyColumn, threads: usize) -> (Self, Vec<Vec<Numbered>>) {
        let parts = threads.max(1);
        let tasks: Vec<usize> = (0..parts).collect();
        let built = parallel::each(tasks, |_, part| Part::build(keys, part, parts));
        let (parts, mut lists): (Vec<_>, Vec<_>) = built.into_iter().unzip();
        let mut first_ids = vec![0_u32];
        for (part, list) in parts.iter().zip(&mut lists) {
            let first = first_ids[first_ids.len() - 1];
            list.iter_mut().for_each(|(_, id)| *id += first);
            first_ids.push(first + part.first_rows.len() as u32);
        }
        (Self { parts, first_ids }, lists)
    }

    /// How many distinct keys there are.
    pub(super) fn len(&self) -> usize {
        self.first_ids[self.parts.len()] as usize
    }

    /// The number of a key, or [`NONE`] if no label asks about it.
    #[inline]
    pub(super) fn find(&self, hash: u64, bytes: &[u8]) -> u32 {
        let part = part_of(hash, self.parts.len());
        match self.parts[part].find(hash, bytes) {
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
struct Part<'a> {
    keys: &'a KeyColumn,
    slots: Vec<Slot>,
    mask: usize,
    /// The row in which each key was seen first.
    first_rows: Vec<u32>,
}

impl<'a> Part<'a> {
    fn build(keys: &'a KeyColumn, part: usize, parts: usize) -> (Self, Vec<Numbered>) {
        let slots = vec![FREE; SLOTS_MIN];
        let mut built = Self { keys, slots, mask: SLOTS_MIN - 1, first_rows: Vec::new() };
        let mut list = Vec::with_capacity(keys.len() / parts);
        for first in (0..keys.len()).step_by(PROBES) {
            let rows = first..keys.len().min(first + PROBES);
            let own = rows.filter(|&row| part_of(keys.hash(row), parts) == part);
            own.clone().for_each(|row| built.prefetch(keys.hash(row)));
            for row in own {
                if let Some(bytes) = keys.get(row) {
                    list.push((row as u32, built.insert(row, keys.hash(row), bytes)));
                }
            }
        }
        (built, list)
    }

    #[inline]
    fn find(&self, hash: u64, bytes: &[u8]) -> u32 {
        let mut place = hash as usize & self.mask;
        loop {
            let slot = &self.slots[place];
            if slot.id == NONE || (slot.tag == tag(hash) && self.holds(slot, bytes)) {
                return slot.id;
            }
            place = (place + 1) & self.mask;
        }
    }

    #[inline]
    fn prefetch(&self, hash: u64) {
        prefetch(&self.slots, hash as usize & self.mask);
    }

    #[inline]
    fn holds(&self, slot: &Slot, bytes: &[u8]) -> bool {
        if slot.length as usize != bytes.len() {
            return false;
        }
        if bytes.len() <= INLINE_BYTES {
            return same_short(&slot.bytes, bytes);
        }
        self.keys.get(self.first_rows[slot.id as usize] as usize) == Some(bytes)
    }

    fn insert(&mut self, row: usize, hash: u64, bytes: &[u8]) -> u32 {
        if self.first_rows.len() * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let mut place = hash as usize & self.mask;
        loop {
            let slot = &self.slots[place];
            if slot.id == NONE {
                break;
            }
            if slot.tag == tag(hash) && self.holds(slot, bytes) {
                return slot.id;
            }
            place = (place + 1) & self.mask;
        }
        let id = self.first_rows.len() as u32;
        assert!(id != NONE, "label rows are fewer than u32::MAX");
        let mut slot = Slot { tag: tag(hash), id, length: bytes.len() as u32, ..FREE };
        if let Some(inline) = slot.bytes.get_mut(..bytes.len()) {
            inline.copy_from_slice(bytes);
        }
        self.slots[place] = slot;
        self.first_rows.push(row as u32);
        id
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, memory::filled(size, FREE));
        self.mask = size - 1;
        for slot in old.into_iter().filter(|slot| slot.id != NONE) {
            let row = self.first_rows[slot.id as usize] as usize;
            let mut place = self.keys.hash(row) as usize & self.mask;
            while self.slots[place].id != NONE {
                place = (place + 1) & self.mask;
            }
            self.slots[place] = slot;
        }
    }
}

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Does `stored` begin with `bytes`, at most [`INLINE_BYTES`] of them? Three words, not a call.
#[inline]
fn same_short(stored: &[u8; INLINE_BYTES], bytes: &[u8]) -> bool {
    let stored = &stored[..bytes.len()];
    let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) else {
        return stored == bytes;
    };
    let middle = bytes.len() <= 16 || stored[8..16] == bytes[8..16];
    stored.first_chunk::<8>() == Some(first) && stored.last_chunk::<8>() == Some(last) && middle
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The comparison in words equals the comparison of slices, at every length and difference.
    #[test]
    fn short_keys_compare_as_slices() {
        let stored: [u8; INLINE_BYTES] = std::array::from_fn(|index| index as u8);
        for length in 0..=INLINE_BYTES {
            let same = stored[..length].to_vec();
            assert!(same_short(&stored, &same), "{length} bytes");
            for wrong in 0..length {
                let mut other = same.clone();
                other[wrong] ^= 0x80;
                assert!(!same_short(&stored, &other), "byte {wrong} of {length}");
            }
        }
    }
}
