//! Min and max: a semilattice. Of numbers the rows of the log keep the extremes between them, of
//! strings a staircase is kept, entries that no later one dominates: only windows that end at `t`
//! are answered (suffix).

use std::cmp::Ordering;

use super::{Event, Mergeable, Shape};
use crate::error::Result;
use crate::order::{f64_of_ordered, ordered_f64};
use crate::state::boundaries::Needed;
use crate::state::bytes::{Reader, put_i64, put_u8, put_u32, put_value, read_value};
use crate::value::{DataType, Value};

/// Least or greatest value.
#[derive(Clone, Debug, PartialEq)]
pub struct Extreme {
    /// Greatest, or least?
    pub greatest: bool,
    /// The value; `None` when empty.
    pub best: Option<Value>,
}

impl Extreme {
    /// The extreme of nothing.
    pub fn empty(greatest: bool) -> Extreme {
        Extreme { greatest, best: None }
    }

    pub(super) fn read(&mut self, reader: &mut Reader) -> Result<()> {
        self.best = if reader.u8()? == 0 { None } else { Some(read_value(reader)?) };
        Ok(())
    }

    fn offer(&mut self, value: &Value) {
        let better = match &self.best {
            None => true,
            Some(best) => {
                let order = compare(value, best);
                if self.greatest { order == Ordering::Greater } else { order == Ordering::Less }
            }
        };
        if better {
            self.best = Some(value.clone());
        }
    }
}

impl Mergeable for Extreme {
    const SHAPE: Shape = Shape::Suffix;

    fn update(&mut self, event: &Event) {
        self.offer(event.value);
    }

    fn merge(&mut self, other: Self) {
        if let Some(value) = &other.best {
            self.offer(value);
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        put_u8(out, u8::from(self.best.is_some()));
        if let Some(value) = &self.best {
            put_value(out, value);
        }
    }
}

/// Order of two values of one scalar type: numbers by value, false before true, strings by bytes.
pub fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Timestamp(left), Value::Timestamp(right)) => left.cmp(right),
        (Value::Float(left), Value::Float(right)) => left.total_cmp(right),
        (Value::Str(left), Value::Str(right)) => left.as_bytes().cmp(right.as_bytes()),
        _ => unreachable!("values of one scalar type"),
    }
}

/// A scalar other than a string as an integer that compares as the value does.
pub fn ordered(value: &Value) -> u64 {
    match value {
        Value::Bool(value) => u64::from(*value),
        Value::Int(value) | Value::Timestamp(value) => ordered_i64(*value),
        Value::Float(value) => ordered_f64(*value),
        _ => unreachable!("strings are kept as they are"),
    }
}

/// An integer that compares, unsigned, as the signed one does.
#[inline]
pub fn ordered_i64(value: i64) -> u64 {
    (value as u64) ^ (1 << 63)
}

/// The value that an integer of [`ordered`] stands for.
#[inline]
pub fn of_ordered(ordered: u64, data_type: DataType) -> Value {
    match data_type {
        DataType::Bool => Value::Bool(ordered != 0),
        DataType::Int => Value::Int((ordered ^ (1 << 63)) as i64),
        DataType::Timestamp => Value::Timestamp((ordered ^ (1 << 63)) as i64),
        DataType::Float => Value::Float(f64_of_ordered(ordered)),
        DataType::Str => unreachable!("strings are kept as they are"),
    }
}

/// The staircase of a string part under one key (extremes of numbers are in the rows of the log).
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    greatest: bool,
    /// (bucket, value), both in order; each value is better than all later ones.
    steps: Vec<(i64, Value)>,
}

impl Column {
    /// No events yet.
    pub fn empty(greatest: bool) -> Column {
        Column { greatest, steps: Vec::new() }
    }

    fn beats(&self, left: &Value, right: &Value) -> bool {
        let order = compare(left, right);
        order != if self.greatest { Ordering::Less } else { Ordering::Greater }
    }

    /// Adds a value in a bucket, late or not.
    pub fn insert(&mut self, bucket: i64, value: &Value) {
        let at = self.steps.partition_point(|(other, _)| *other < bucket);
        // The steps fall: the first one at or after the bucket is the best of these.
        if at < self.steps.len() && self.beats(&self.steps[at].1, value) {
            return;
        }
        let end = if self.steps.get(at).is_some_and(|step| step.0 == bucket) { at + 1 } else { at };
        let start = self.steps[..at].partition_point(|step| !self.beats(value, &step.1));
        self.steps.splice(start..end, [(bucket, value.clone())]);
    }

    /// Drops steps that answer no boundary which is still needed.
    pub fn thin(&mut self, needed: &Needed) {
        let mut previous = i64::MIN;
        self.steps.retain(|(bucket, _)| {
            let keep = needed.in_range(previous, *bucket);
            previous = *bucket;
            keep
        });
    }

    /// The same in other buckets; `bucket` never reorders them. Of those that become one the first
    /// is the best.
    pub(crate) fn rebucketed(mut self, bucket: impl Fn(i64) -> i64) -> Column {
        self.steps.iter_mut().for_each(|step| step.0 = bucket(step.0));
        self.steps.dedup_by_key(|step| step.0);
        self
    }

    /// The extreme of the events at or after a needed boundary (in buckets).
    pub fn read_from(&self, bucket: i64) -> Extreme {
        let at = self.steps.partition_point(|(other, _)| *other < bucket);
        let best = self.steps.get(at).map(|(_, value)| value.clone());
        Extreme { greatest: self.greatest, best }
    }

    /// Is nothing kept?
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(crate) fn bytes_used(&self) -> usize {
        let text = |value: &Value| if let Value::Str(text) = value { text.len() + 16 } else { 0 };
        self.steps.capacity() * size_of::<(i64, Value)>()
            + self.steps.iter().map(|(_, value)| text(value)).sum::<usize>()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_u32(out, self.steps.len() as u32);
        for (bucket, value) in &self.steps {
            put_i64(out, *bucket);
            put_value(out, value);
        }
    }

    pub(crate) fn read(&mut self, reader: &mut Reader) -> Result<()> {
        let count = reader.count(9)?;
        let step = |_| Ok((reader.i64()?, read_value(reader)?));
        self.steps = (0..count).map(step).collect::<Result<_>>()?;
        Ok(())
    }
}
