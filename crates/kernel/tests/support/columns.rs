//! Events as the columns that the engine's transform would make of them.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::BooleanBuffer;
use headwater_kernel::fold::FoldBatch;
use headwater_kernel::key::KeyColumn;
use headwater_kernel::order::Tie;
use headwater_kernel::plan::Section;
use headwater_kernel::sweep::EventColumns;
use headwater_kernel::value::{DataType, Value};

use super::{CONDITIONS, Event, INPUTS, KeyParts};

/// The columns of some events for a section.
pub struct Columns {
    keys: KeyColumn,
    key_columns: Vec<ArrayRef>,
    times: Vec<i64>,
    /// Where the section is ordered.
    ties: Option<Vec<Tie>>,
    inputs: Vec<ArrayRef>,
    filters: Vec<BooleanBuffer>,
    /// When each event arrived.
    pub arrived_at: Vec<i64>,
}

impl Columns {
    /// The columns that a transform makes for a section of numbers, or of pairs.
    pub fn new(events: &[Event], section: &Section) -> Self {
        let place = |text: &str| INPUTS.iter().position(|(name, _)| *name == text);
        let inputs = section.inputs.iter().map(|input| {
            let column = place(&input.text).expect("a known input");
            array(events.iter().map(|event| &event.inputs[column]), input.data_type)
        });
        let filters = section.filters.iter().map(|filter| {
            BooleanBuffer::collect_bool(events.len(), |row| {
                let event = &events[row];
                let fails = filter.admission.is_some() && event.bad;
                !fails
                    && filter.conditions.iter().all(|condition| {
                        let column = CONDITIONS.iter().position(|name| *name == condition.text);
                        event.conditions[column.expect("a known condition")] == Some(true)
                    })
            })
        });
        Self {
            keys: key_column(events.iter().map(|event| event.key), section.key_columns.len()),
            key_columns: key_columns(events.iter().map(|event| event.key)),
            times: events.iter().map(|event| event.time).collect(),
            ties: section
                .ordered
                .then(|| events.iter().map(|event| Tie::new(None, event.tie)).collect()),
            inputs: inputs.collect(),
            filters: filters.collect(),
            arrived_at: events.iter().map(|event| event.arrived_at).collect(),
        }
    }

    /// As the sweep takes them.
    pub fn events(&self) -> EventColumns<'_> {
        EventColumns {
            keys: &self.key_columns,
            times: &self.times,
            ties: self.ties.as_deref(),
            inputs: &self.inputs,
            filters: &self.filters,
        }
    }

    /// As a batch to fold.
    pub fn batch(&self) -> FoldBatch<'_> {
        FoldBatch {
            keys: &self.keys,
            times: &self.times,
            ties: self.ties.as_deref(),
            inputs: &self.inputs,
            filters: &self.filters,
        }
    }
}

/// Keys as a column, of their number or of both parts.
pub fn key_column(keys: impl Iterator<Item = Option<KeyParts>>, parts: usize) -> KeyColumn {
    let mut column = KeyColumn::with_capacity(0);
    for key in keys {
        match key {
            Some((number, region)) => {
                let values = [Value::Int(number), Value::Str(region.into())];
                column.push(&values[..parts]);
            }
            None => column.push_left_out(),
        }
    }
    column
}

/// Keys as columns; of a null key it is the region that is null.
pub fn key_columns(keys: impl Iterator<Item = Option<KeyParts>>) -> Vec<ArrayRef> {
    let (numbers, regions): (Vec<_>, Vec<_>) =
        keys.map(|key| (key.map_or(0, |key| key.0), key.map(|key| key.1))).unzip();
    vec![Arc::new(Int64Array::from(numbers)), Arc::new(StringArray::from(regions))]
}

fn array<'a>(values: impl Iterator<Item = &'a Value>, kind: DataType) -> ArrayRef {
    match kind {
        DataType::Bool => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }))),
        DataType::Int => Arc::new(Int64Array::from_iter(values.map(|value| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        }))),
        DataType::Float => Arc::new(Float64Array::from_iter(values.map(|value| match value {
            Value::Float(value) => Some(*value),
            _ => None,
        }))),
        DataType::Str => Arc::new(StringArray::from_iter(values.map(|value| match value {
            Value::Str(text) => Some(text.to_string()),
            _ => None,
        }))),
        DataType::Timestamp => {
            let array = TimestampMicrosecondArray::from_iter(values.map(|value| match value {
                Value::Timestamp(value) => Some(*value),
                _ => None,
            }));
            Arc::new(array.with_timezone("UTC"))
        }
    }
}

/// Cuts events into batches of the lengths given, the rest last.
pub fn chunks<'a>(events: &'a [Event], lengths: &[usize]) -> Vec<&'a [Event]> {
    let mut chunks = Vec::new();
    let mut rest = events;
    for &length in lengths {
        let (chunk, tail) = rest.split_at(length.min(rest.len()));
        chunks.push(chunk);
        rest = tail;
    }
    chunks.push(rest);
    chunks
}
