//! First: the earliest value in the order of events. Kept: for each boundary still needed, the
//! first event at or after it (suffix); a late event may take a place, never free one.

use super::{Event, Mergeable, Shape};
use crate::error::Result;
use crate::order::Tie;
use crate::state::boundaries::Needed;
use crate::state::bytes::{
    Reader, put_i64, put_tie, put_u8, put_u32, put_value, read_tie, read_value,
};
use crate::value::Value;

/// A value with its place in the order of events.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Event time, UTC microseconds.
    pub time: i64,
    /// Orders entries of one instant.
    pub tie: Tie,
    /// The input.
    pub value: Value,
}

impl Entry {
    pub(super) fn of(event: &Event) -> Entry {
        let tie = event.tie.expect("first and last are given ties").clone();
        Entry { time: event.time, tie, value: event.value.clone() }
    }

    /// Place in the order of events.
    pub fn place(&self) -> (i64, &Tie) {
        (self.time, &self.tie)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_i64(out, self.time);
        put_tie(out, &self.tie);
        put_value(out, &self.value);
    }

    pub(crate) fn read(reader: &mut Reader) -> Result<Entry> {
        Ok(Entry { time: reader.i64()?, tie: read_tie(reader)?, value: read_value(reader)? })
    }

    pub(crate) fn bytes_used(&self) -> usize {
        let text = if let Value::Str(text) = &self.value { text.len() + 16 } else { 0 };
        size_of::<Entry>() + text + self.tie.declared().map_or(0, |tie| tie.len() + 16)
    }
}

/// Fewest bytes of a written entry.
pub(crate) const ENTRY_BYTES_MIN: usize = 26;

/// Earliest value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct First(pub Option<Entry>);

impl First {
    /// The value; null when empty.
    pub fn finish(self) -> Value {
        self.0.map_or(Value::Null, |entry| entry.value)
    }

    pub(super) fn read(&mut self, reader: &mut Reader) -> Result<()> {
        self.0 = if reader.u8()? == 0 { None } else { Some(Entry::read(reader)?) };
        Ok(())
    }
}

fn place<'a>(event: &Event<'a>) -> (i64, &'a Tie) {
    (event.time, event.tie.expect("first and last are given ties"))
}

impl Mergeable for First {
    const SHAPE: Shape = Shape::Suffix;

    fn update(&mut self, event: &Event) {
        if self.0.as_ref().is_none_or(|first| place(event) < first.place()) {
            self.0 = Some(Entry::of(event));
        }
    }

    fn merge(&mut self, other: Self) {
        if let Some(entry) = other.0
            && self.0.as_ref().is_none_or(|first| entry.place() < first.place())
        {
            self.0 = Some(entry);
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        put_u8(out, u8::from(self.0.is_some()));
        if let Some(entry) = &self.0 {
            entry.write(out);
        }
    }
}

/// What is kept of a part under one key, in the order of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    entries: Vec<Entry>,
    /// Length at which it is thinned again.
    thin_at: usize,
}

impl Column {
    /// Adds an event, late or not; thins when it has grown.
    pub fn insert(&mut self, event: &Event, needed: &Needed) {
        let at = self.entries.partition_point(|entry| entry.place() < place(event));
        let previous = if at == 0 { i64::MIN } else { self.entries[at - 1].time };
        if !needed.in_range(previous, event.time) {
            return;
        }
        self.entries.insert(at, Entry::of(event));
        if self.entries.len() > self.thin_at {
            self.thin(needed);
            self.thin_at = (self.entries.len() + self.entries.len() / 2).max(8);
        }
    }

    /// Drops entries that are the first of no boundary which is still needed.
    pub fn thin(&mut self, needed: &Needed) {
        let mut previous = i64::MIN;
        self.entries.retain(|entry| {
            let keep = needed.in_range(previous, entry.time);
            previous = entry.time;
            keep
        });
    }

    /// The first event at or after a needed boundary (an instant).
    pub fn read_from(&self, start: i64) -> First {
        let at = self.entries.partition_point(|entry| entry.time < start);
        First(self.entries.get(at).cloned())
    }

    /// The kept entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn bytes_used(&self) -> usize {
        self.entries.iter().map(Entry::bytes_used).sum()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_u32(out, self.entries.len() as u32);
        self.entries.iter().for_each(|entry| entry.write(out));
    }

    pub(crate) fn read(&mut self, reader: &mut Reader) -> Result<()> {
        let count = reader.count(ENTRY_BYTES_MIN)?;
        self.entries = (0..count).map(|_| Entry::read(reader)).collect::<Result<_>>()?;
        Ok(())
    }
}
