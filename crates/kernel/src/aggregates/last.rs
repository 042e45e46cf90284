//! Last and last-n: the latest values in the order of events. Kept: the n latest of all (suffix);
//! a window has those of them that fall in it.

use super::first::{ENTRY_BYTES_MIN, Entry};
use super::{Event, Mergeable, Shape};
use crate::error::Result;
use crate::state::bytes::{Reader, put_u32};
use crate::value::Value;

/// The n latest values, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Last {
    n: u32,
    entries: Vec<Entry>,
}

impl Last {
    /// The latest of nothing.
    pub fn empty(n: u32) -> Last {
        Last { n, entries: Vec::new() }
    }

    /// The list, oldest first, or the one value; null when empty.
    pub fn finish(mut self, list: bool) -> Value {
        if self.entries.is_empty() {
            return Value::Null;
        }
        if !list {
            return self.entries.pop().map_or(Value::Null, |entry| entry.value);
        }
        Value::List(self.entries.into_iter().map(|entry| entry.value).collect())
    }

    /// Adds an entry in its place; drops the earliest when there are more than n.
    pub fn insert(&mut self, entry: Entry) {
        let at = self.entries.partition_point(|other| other.place() <= entry.place());
        let full = self.entries.len() >= self.n as usize;
        if full && at == 0 {
            return;
        }
        self.entries.insert(at, entry);
        if full {
            self.entries.remove(0);
        }
    }

    /// Those of the kept events at or after `start` (an instant).
    pub fn read_from(&self, start: i64) -> Last {
        let at = self.entries.partition_point(|entry| entry.time < start);
        Last { n: self.n, entries: self.entries[at..].to_vec() }
    }

    /// Drops entries before `start`, the first instant that any window can still reach.
    pub fn thin(&mut self, start: i64) {
        let at = self.entries.partition_point(|entry| entry.time < start);
        self.entries.drain(..at);
    }

    /// The kept entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn bytes_used(&self) -> usize {
        self.entries.iter().map(Entry::bytes_used).sum()
    }

    pub(crate) fn read(&mut self, reader: &mut Reader) -> Result<()> {
        let count = reader.count(ENTRY_BYTES_MIN)?;
        self.entries = (0..count).map(|_| Entry::read(reader)).collect::<Result<_>>()?;
        Ok(())
    }
}

impl Mergeable for Last {
    const SHAPE: Shape = Shape::Suffix;

    fn update(&mut self, event: &Event) {
        // Most events are too early to matter: look before making an entry of one.
        let full = self.entries.len() >= self.n as usize;
        let tie = event.tie.expect("first and last are given ties");
        let early = self.entries.first().is_some_and(|first| (event.time, tie) < first.place());
        if !(full && early) {
            self.insert(Entry::of(event));
        }
    }

    fn merge(&mut self, other: Self) {
        for entry in other.entries {
            self.insert(entry);
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        put_u32(out, self.entries.len() as u32);
        self.entries.iter().for_each(|entry| entry.write(out));
    }
}
