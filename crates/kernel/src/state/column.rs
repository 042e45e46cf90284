//! Columns: the state of parts that are not numbers in a row: extremes of strings, first, last,
//! raw. Each is a family's own structure; here they are only told apart.

use super::layout::Reach;
use crate::aggregates::raw::RawEvent;
use crate::aggregates::{Event, Mergeable, extreme, first, last, raw};
use crate::error::Result;
use crate::plan::{Family, Part, Section};
use crate::state::bytes::Reader;
use crate::value::Value;

/// The state of one such part under one key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Column {
    Text(extreme::Column),
    First(first::Column),
    Last(last::Last),
    Raw(raw::Column),
}

/// An event as it comes to a column: from a batch or from those that waited.
pub(crate) struct Incoming<'a> {
    pub(crate) event: Event<'a>,
    pub(crate) bucket: i64,
}

impl Column {
    pub(crate) fn empty(part: &Part) -> Column {
        match &part.family {
            Family::Min => Column::Text(extreme::Column::empty(false)),
            Family::Max => Column::Text(extreme::Column::empty(true)),
            Family::First => Column::First(first::Column::default()),
            Family::Last { n } => Column::Last(last::Last::empty(*n)),
            Family::Raw { events_max, .. } => Column::Raw(raw::Column::empty(*events_max)),
            Family::Count | Family::Sum => unreachable!("counts and sums are in the log"),
        }
    }

    /// Adds an event that the part takes. `raw` makes the event that a raw column keeps.
    pub(crate) fn insert(
        &mut self,
        part: usize,
        incoming: &Incoming,
        reach: &Reach,
        raw: impl FnOnce() -> RawEvent,
    ) {
        let start = reach.part_starts[part];
        let needed = &reach.parts[part];
        match self {
            Column::Text(column) => {
                column.insert(incoming.bucket, incoming.event.value);
                column.thin(needed);
            }
            Column::First(column) => column.insert(&incoming.event, needed),
            Column::Last(column) if incoming.event.time >= start => {
                column.update(&incoming.event);
            }
            Column::Raw(column) if incoming.event.time >= start => {
                column.insert(raw());
                column.thin(start);
            }
            Column::Last(_) | Column::Raw(_) => {}
        }
    }

    /// Drops what no read at or after the sealed instant can ask for; is nothing left?
    pub(crate) fn thin(&mut self, part: usize, reach: &Reach) -> bool {
        match self {
            Column::Text(column) => {
                column.thin(&reach.parts[part]);
                column.is_empty()
            }
            Column::First(column) => {
                column.thin(&reach.parts[part]);
                column.entries().is_empty()
            }
            Column::Last(column) => {
                column.thin(reach.part_starts[part]);
                column.entries().is_empty()
            }
            Column::Raw(column) => {
                column.thin(reach.part_starts[part]);
                column.is_empty()
            }
        }
    }

    pub(crate) fn bytes_used(&self) -> usize {
        match self {
            Column::Text(column) => column.bytes_used(),
            Column::First(column) => column.bytes_used(),
            Column::Last(column) => column.bytes_used(),
            Column::Raw(column) => column.bytes_used(),
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Column::Text(column) => column.write(out),
            Column::First(column) => column.write(out),
            Column::Last(column) => column.write(out),
            Column::Raw(column) => column.write(out),
        }
    }

    pub(crate) fn read(part: &Part, reader: &mut Reader) -> Result<Column> {
        let mut column = Column::empty(part);
        match &mut column {
            Column::Text(column) => column.read(reader)?,
            Column::First(column) => column.read(reader)?,
            Column::Last(column) => column.read(reader)?,
            Column::Raw(column) => {
                let Family::Raw { inputs, filters, .. } = &part.family else {
                    unreachable!("a raw column belongs to a raw part")
                };
                column.read_bytes(reader, inputs.len(), filters.len())?;
            }
        }
        Ok(column)
    }
}

/// The event that a raw part keeps of one with all inputs and filters of the section.
pub(crate) fn raw_of(part: &Part, event: &RawEvent) -> RawEvent {
    let Family::Raw { inputs, filters, .. } = &part.family else {
        unreachable!("raw events belong to a raw part")
    };
    let mut words = vec![0u64; filters.len().div_ceil(64)];
    for (position, &filter) in filters.iter().enumerate() {
        words[position / 64] |= u64::from(event.passes(Some(filter))) << (position % 64);
    }
    RawEvent {
        time: event.time,
        tie: event.tie.clone(),
        inputs: inputs.iter().map(|&input| event.inputs[input].clone()).collect(),
        filters: words.into(),
    }
}

/// The input of a part in an event with all inputs of the section; null for a part without one.
pub(crate) fn input_of<'a>(section: &Section, part: usize, event: &'a RawEvent) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    section.parts[part].input.map_or(NOTHING, |input| &event.inputs[input])
}
