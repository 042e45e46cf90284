//! Raw: the events of a view themselves, for its exact windows. Bounded: past `events_max` the
//! earliest are dropped and a window that held a dropped one is saturated, never silently short.

use crate::error::Result;
use crate::order::Tie;
use crate::state::bytes::{
    Reader, put_i64, put_tie, put_u8, put_u32, put_u64, put_value, read_tie, read_value,
};
use crate::value::Value;

/// An event as it is kept: its place, some inputs, some filters.
#[derive(Clone, Debug, PartialEq)]
pub struct RawEvent {
    /// Event time, UTC microseconds.
    pub time: i64,
    /// Orders events of one instant.
    pub tie: Option<Tie>,
    /// Inputs, in an order that the owner knows.
    pub inputs: Box<[Value]>,
    /// Bit i: filter i is true; words of 64, in an order that the owner knows.
    pub filters: Box<[u64]>,
}

impl RawEvent {
    /// Place in the order of events.
    pub fn place(&self) -> (i64, Option<&Tie>) {
        (self.time, self.tie.as_ref())
    }

    /// Is a filter true for it? `None` takes every event.
    pub fn passes(&self, filter: Option<usize>) -> bool {
        filter.is_none_or(|index| self.filters[index / 64] >> (index % 64) & 1 == 1)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_i64(out, self.time);
        put_u8(out, u8::from(self.tie.is_some()));
        if let Some(tie) = &self.tie {
            put_tie(out, tie);
        }
        self.inputs.iter().for_each(|value| put_value(out, value));
        self.filters.iter().for_each(|word| put_u64(out, *word));
    }

    pub(crate) fn read(reader: &mut Reader, inputs: usize, filters: usize) -> Result<RawEvent> {
        let time = reader.i64()?;
        let tie = if reader.u8()? == 0 { None } else { Some(read_tie(reader)?) };
        let inputs: Result<_> = (0..inputs).map(|_| read_value(reader)).collect();
        let filters: Result<_> = (0..filters.div_ceil(64)).map(|_| reader.u64()).collect();
        Ok(RawEvent { time, tie, inputs: inputs?, filters: filters? })
    }

    pub(crate) fn bytes_used(&self) -> usize {
        let value = |value: &Value| {
            size_of::<Value>() + if let Value::Str(text) = value { text.len() + 16 } else { 0 }
        };
        let tie = self.tie.as_ref().and_then(Tie::declared).map_or(0, |tie| tie.len() + 16);
        size_of::<RawEvent>()
            + tie
            + self.inputs.iter().map(value).sum::<usize>()
            + self.filters.len() * 8
    }
}

/// Fewest bytes of a written event.
pub(crate) const EVENT_BYTES_MIN: usize = 9;

/// The kept events of one view under one key, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    events_max: usize,
    events: std::collections::VecDeque<RawEvent>,
    /// Time of the latest event dropped for want of room.
    dropped_at: Option<i64>,
}

impl Column {
    /// No events yet.
    pub fn empty(events_max: u64) -> Column {
        let events_max = usize::try_from(events_max).unwrap_or(usize::MAX);
        Column { events_max, events: Default::default(), dropped_at: None }
    }

    /// Adds an event, late or not; drops the earliest past `events_max`.
    pub fn insert(&mut self, event: RawEvent) {
        let at = self.events.partition_point(|other| other.place() <= event.place());
        self.events.insert(at, event);
        if self.events.len() > self.events_max
            && let Some(dropped) = self.events.pop_front()
        {
            self.dropped_at = self.dropped_at.max(Some(dropped.time));
        }
    }

    /// Drops events before `start`, the first instant that any window can still reach.
    pub fn thin(&mut self, start: i64) {
        let at = self.events.partition_point(|event| event.time < start);
        self.events.drain(..at);
        if self.dropped_at.is_some_and(|time| time < start) {
            self.dropped_at = None;
        }
    }

    /// The kept events in `[start, end)`, and whether one of that interval was dropped.
    pub fn read(&self, start: i64, end: i64) -> (impl Iterator<Item = &RawEvent> + Clone, bool) {
        let from = self.events.partition_point(|event| event.time < start);
        let to = self.events.partition_point(|event| event.time < end);
        let dropped = self.dropped_at.is_some_and(|time| time >= start && time < end);
        (self.events.range(from..to.max(from)), dropped)
    }

    /// Most events kept.
    pub fn events_max(&self) -> usize {
        self.events_max
    }

    /// Is nothing kept, nor anything dropped that a window could reach?
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.dropped_at.is_none()
    }

    pub(crate) fn bytes_used(&self) -> usize {
        self.events.iter().map(RawEvent::bytes_used).sum()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_u8(out, u8::from(self.dropped_at.is_some()));
        if let Some(time) = self.dropped_at {
            put_i64(out, time);
        }
        put_u32(out, self.events.len() as u32);
        self.events.iter().for_each(|event| event.write(out));
    }

    pub(crate) fn read_bytes(
        &mut self,
        reader: &mut Reader,
        inputs: usize,
        filters: usize,
    ) -> Result<()> {
        self.dropped_at = if reader.u8()? == 0 { None } else { Some(reader.i64()?) };
        let count = reader.count(EVENT_BYTES_MIN)?;
        let event = |_| RawEvent::read(reader, inputs, filters);
        self.events = (0..count).map(event).collect::<Result<_>>()?;
        Ok(())
    }
}
