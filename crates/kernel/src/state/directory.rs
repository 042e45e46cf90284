//! From key bytes to a dense id: open addressing with slots of half a cache line, which hold short
//! keys themselves; longer ones are verified in an arena. An id stays with its key until the key
//! is removed; then it is given to the next new key.

use std::hint::select_unpredictable;

use crate::memory::filled;
use crate::prefetch::prefetch;

const EMPTY: u32 = u32::MAX;

/// Longest key that a slot holds.
const SHORT_BYTES_MAX: usize = 16;

/// A key as it is looked for: its hash, and a key of at most 16 bytes whole: its first and its last
/// bytes, which overlap, and its length. Two short keys are equal exactly when these are. Of a
/// longer key (length 0) they are the hash, and the bytes are compared.
#[derive(Clone, Copy, Debug)]
struct Probe {
    first: u64,
    last: u64,
    length: u32,
}

impl Probe {
    #[inline(always)]
    fn of(hash: u64, key: &[u8]) -> Probe {
        let length = key.len();
        if length > SHORT_BYTES_MAX {
            return Probe { first: hash, last: 0, length: 0 };
        }
        let (first, last) = if let (Some(first), Some(last)) =
            (key.first_chunk::<8>(), key.last_chunk::<8>())
        {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        } else if let (Some(first), Some(last)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
            (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
        } else {
            (key.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)), 0)
        };
        Probe { first, last, length: length as u32 }
    }

    fn is_long(&self) -> bool {
        self.length == 0
    }
}

/// Half a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct Slot {
    hash: u64,
    first: u64,
    last: u64,
    length: u32,
    id: u32,
}

impl Slot {
    #[inline(always)]
    fn holds(&self, probe: &Probe) -> bool {
        let differ = (self.first ^ probe.first) | (self.last ^ probe.last);
        differ | u64::from(self.length ^ probe.length) == 0
    }
}

/// The slots of a cache line: a key is looked for in both of its own line before it is in the next.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([Slot; 2]);

/// Keys of a space.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    lines: Vec<Line>,
    /// Keys as length (u32 LE) and bytes, padded to 4 bytes.
    arena: Vec<u8>,
    /// By id; [`EMPTY`] for an id that is free.
    key_at: Vec<u32>,
    free: Vec<u32>,
    dead_bytes: usize,
}

const VACANT: Slot = Slot { hash: 0, first: 0, last: 0, length: 0, id: EMPTY };
const _: () = assert!(size_of::<Slot>() == 32);

impl Directory {
    pub(crate) fn new() -> Directory {
        Directory {
            lines: vec![Line([VACANT; 2]); 8],
            arena: Vec::new(),
            key_at: Vec::new(),
            free: Vec::new(),
            dead_bytes: 0,
        }
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        self.key_at.len() - self.free.len()
    }

    /// One past the greatest id ever given.
    pub(crate) fn ids_end(&self) -> usize {
        self.key_at.len()
    }

    /// Is this id in use?
    pub(crate) fn is_live(&self, id: u32) -> bool {
        self.key_at.get(id as usize).is_some_and(|&at| at != EMPTY)
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        2 * (hash as usize & (self.lines.len() - 1))
    }

    /// Of the places of slots, whose number is a power of two.
    #[inline]
    fn mask(&self) -> usize {
        2 * self.lines.len() - 1
    }

    #[inline]
    fn slot(&self, at: usize) -> &Slot {
        &self.lines[at / 2].0[at % 2]
    }

    #[inline]
    fn slot_mut(&mut self, at: usize) -> &mut Slot {
        &mut self.lines[at / 2].0[at % 2]
    }

    /// Starts loading where a key is looked for first.
    #[inline(always)]
    pub(crate) fn prefetch(&self, hash: u64) {
        prefetch(&self.lines, self.home(hash) / 2);
    }

    #[inline]
    fn stored(&self, key_at: u32) -> &[u8] {
        let at = key_at as usize * 4;
        let bytes = &self.arena[at..];
        let (length, rest) = bytes.split_first_chunk::<4>().expect("an arena entry has a length");
        &rest[..u32::from_le_bytes(*length) as usize]
    }

    /// The key of an id in use.
    pub(crate) fn key(&self, id: u32) -> &[u8] {
        assert!(self.is_live(id), "key of an id in use");
        self.stored(self.key_at[id as usize])
    }

    /// The id of a short key where it is in the line in which it is looked for first; no branch
    /// depends on which of the two slots has it.
    #[inline(always)]
    pub(crate) fn find_near(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let [slot, other] = &self.lines[self.home(hash) / 2].0;
        let slot = select_unpredictable(slot.hash == hash, slot, other);
        let probe = Probe::of(hash, key);
        (slot.holds(&probe) && !probe.is_long()).then_some(slot.id)
    }

    /// The id of a key.
    pub(crate) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let (probe, mask) = (Probe::of(hash, key), self.mask());
        let mut at = self.home(hash);
        loop {
            let slot = self.slot(at & mask);
            if slot.id == EMPTY {
                return None;
            }
            if slot.holds(&probe) && (!probe.is_long() || self.is(slot.id, key)) {
                return Some(slot.id);
            }
            at += 1;
        }
    }

    #[cold]
    fn is(&self, id: u32, key: &[u8]) -> bool {
        self.stored(self.key_at[id as usize]) == key
    }

    /// The id of a key, given now if it is new.
    #[inline(never)]
    pub(crate) fn find_or_insert(&mut self, hash: u64, key: &[u8]) -> u32 {
        match self.find(hash, key) {
            Some(id) => id,
            None => self.insert(hash, key),
        }
    }

    #[cold]
    fn insert(&mut self, hash: u64, key: &[u8]) -> u32 {
        // At most 5/8 full: short probes.
        if (self.len() + 1) * 8 > self.lines.len() * 10 {
            self.grow();
        }
        let key_at = u32::try_from(self.arena.len() / 4).expect("below 16 GiB of keys a space");
        let length = u32::try_from(key.len()).expect("a key is below 4 GiB");
        self.arena.extend_from_slice(&length.to_le_bytes());
        self.arena.extend_from_slice(key);
        self.arena.resize(self.arena.len().next_multiple_of(4), 0);
        let id = match self.free.pop() {
            Some(id) => {
                self.key_at[id as usize] = key_at;
                id
            }
            None => {
                let id = u32::try_from(self.key_at.len()).expect("below 2^32 keys a space");
                assert!(id != EMPTY, "below 2^32 keys a space");
                self.key_at.push(key_at);
                id
            }
        };
        let Probe { first, last, length } = Probe::of(hash, key);
        self.place(Slot { hash, first, last, length, id });
        id
    }

    fn place(&mut self, slot: Slot) {
        let mask = self.mask();
        let mut at = self.home(slot.hash);
        while self.slot(at).id != EMPTY {
            at = (at + 1) & mask;
        }
        *self.slot_mut(at) = slot;
    }

    fn grow(&mut self) {
        let larger = filled(self.lines.len() * 2, Line([VACANT; 2]));
        for slot in std::mem::replace(&mut self.lines, larger).into_iter().flat_map(|line| line.0) {
            if slot.id != EMPTY {
                self.place(slot);
            }
        }
    }

    /// Forgets a key; its id is free from now on.
    pub(crate) fn remove(&mut self, id: u32) {
        let key_at = self.key_at[id as usize];
        let key = self.stored(key_at);
        let (hash, length) = (crate::key::hash_key(key), key.len());
        self.dead_bytes += (length + 4).next_multiple_of(4);
        let mut at = self.home(hash);
        let mask = self.mask();
        while self.slot(at).id != id {
            at = (at + 1) & mask;
        }
        // Shift back what probed past the hole, so that no tombstone is needed.
        let mut next = (at + 1) & mask;
        while self.slot(next).id != EMPTY {
            let home = self.home(self.slot(next).hash);
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(at) & mask) {
                *self.slot_mut(at) = *self.slot(next);
                at = next;
            }
            next = (next + 1) & mask;
        }
        *self.slot_mut(at) = VACANT;
        self.key_at[id as usize] = EMPTY;
        self.free.push(id);
        if self.dead_bytes * 2 > self.arena.len() {
            self.compact();
        }
    }

    fn compact(&mut self) {
        let mut arena = Vec::with_capacity(self.arena.len() - self.dead_bytes);
        for id in 0..self.key_at.len() {
            if self.key_at[id] == EMPTY {
                continue;
            }
            let from = self.key_at[id] as usize * 4;
            let length = (self.stored(self.key_at[id]).len() + 4).next_multiple_of(4);
            self.key_at[id] = (arena.len() / 4) as u32;
            arena.extend_from_slice(&self.arena[from..from + length]);
        }
        self.arena = arena;
        self.dead_bytes = 0;
    }

    /// Bytes held, capacity included.
    pub(crate) fn bytes_used(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
            + self.arena.capacity()
            + (self.key_at.capacity() + self.free.capacity()) * 4
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::key::hash_key;

    #[test]
    fn agrees_with_a_map_under_insertions_and_removals() {
        let mut directory = Directory::new();
        let mut model: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut state = 7u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = format!("key-{}", (state >> 33) % 700).into_bytes();
            if (state >> 20).is_multiple_of(3) {
                if let Some(id) = model.remove(&key) {
                    directory.remove(id);
                }
            } else {
                let id = directory.find_or_insert(hash_key(&key), &key);
                assert_eq!(*model.entry(key.clone()).or_insert(id), id);
            }
            assert_eq!(directory.len(), model.len());
        }
        for number in 0..700 {
            let key = format!("key-{number}").into_bytes();
            assert_eq!(directory.find(hash_key(&key), &key), model.get(&key).copied());
        }
        assert!(directory.arena.len() < 700 * 16 * 3, "dead keys are swept out");
    }
}
