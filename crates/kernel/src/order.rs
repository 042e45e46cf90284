//! The order of events of one instant: by the stream's `order` column, then its `id`, then the
//! 128-bit hash of the canonical event. Position never takes part.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use xxhash_rust::xxh3::xxh3_128;

use crate::blueprint::Stream;
use crate::error::{Error, Kind, Result};
use crate::key::{TAG_BOOL, TAG_FLOAT, TAG_INT, TAG_NULL, TAG_STR, TAG_TIMESTAMP};
use crate::value::DataType;

/// Orders events of one instant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tie {
    /// Memcomparable bytes of (order, id); `None` when the stream declares neither.
    declared: Option<Arc<[u8]>>,
    /// Hash of the canonical event, big-endian.
    hash: [u8; 16],
}

impl Tie {
    /// A tie of given parts: what `order` and `id` give, and the hash of the canonical event.
    pub fn new(declared: Option<&[u8]>, hash: u128) -> Tie {
        Tie { declared: declared.map(Arc::from), hash: hash.to_be_bytes() }
    }

    /// The declared part.
    pub fn declared(&self) -> Option<&[u8]> {
        self.declared.as_deref()
    }

    /// The hash of the canonical event.
    pub fn hash(&self) -> u128 {
        u128::from_be_bytes(self.hash)
    }
}

/// The ties of a batch that holds the stream's columns by name in their canonical types.
pub fn ties_of_batch(stream: &Stream, batch: &RecordBatch) -> Result<Vec<Tie>> {
    let mut columns = Vec::with_capacity(stream.columns.len());
    for column in &stream.columns {
        let array = batch.column_by_name(&column.name).ok_or_else(|| {
            let message = format!("a batch of {} without column {}", stream.name, column.name);
            Error::new(Kind::Internal, "missing_column", message)
        })?;
        columns.push(Arc::clone(array));
    }
    ties(stream, &columns)
}

/// The ties of rows whose columns are given in the stream's order of declaration.
pub fn ties(stream: &Stream, columns: &[ArrayRef]) -> Result<Vec<Tie>> {
    assert_eq!(columns.len(), stream.columns.len(), "a column for each one declared");
    let index = |name: &Option<String>| {
        name.as_ref().and_then(|name| stream.columns.iter().position(|c| c.name == *name))
    };
    let declared: Vec<usize> =
        [index(&stream.order), index(&stream.id)].into_iter().flatten().collect();
    let views: Vec<View> = stream
        .columns
        .iter()
        .zip(columns)
        .map(|(column, array)| View::new(column.data_type, array))
        .collect::<Result<_>>()?;
    let rows = columns.first().map_or(0, |column| column.len());
    let mut canonical = Vec::new();
    let mut prefix = Vec::new();
    let mut ties = Vec::with_capacity(rows);
    for row in 0..rows {
        canonical.clear();
        for view in &views {
            view.canonical(row, &mut canonical);
        }
        prefix.clear();
        for &column in &declared {
            views[column].memcomparable(row, &mut prefix);
        }
        let declared = (!declared.is_empty()).then_some(prefix.as_slice());
        ties.push(Tie::new(declared, xxh3_128(&canonical)));
    }
    Ok(ties)
}

/// One column, downcast once.
enum View<'a> {
    Bool(&'a arrow_array::BooleanArray),
    Int(&'a arrow_array::Int64Array),
    Float(&'a arrow_array::Float64Array),
    Str(&'a arrow_array::StringArray),
    Timestamp(&'a arrow_array::TimestampMicrosecondArray),
}

impl<'a> View<'a> {
    fn new(data_type: DataType, array: &'a ArrayRef) -> Result<Self> {
        let found = match data_type {
            DataType::Bool => array.as_boolean_opt().map(View::Bool),
            DataType::Int => array.as_primitive_opt::<Int64Type>().map(View::Int),
            DataType::Float => array.as_primitive_opt::<Float64Type>().map(View::Float),
            DataType::Str => array.as_string_opt::<i32>().map(View::Str),
            DataType::Timestamp => {
                array.as_primitive_opt::<TimestampMicrosecondType>().map(View::Timestamp)
            }
        };
        found.ok_or_else(|| {
            let message = format!("a column of {data_type:?} as {}", array.data_type());
            Error::new(Kind::Internal, "column_type", message)
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            View::Bool(column) => column.is_null(row),
            View::Int(column) => column.is_null(row),
            View::Float(column) => column.is_null(row),
            View::Str(column) => column.is_null(row),
            View::Timestamp(column) => column.is_null(row),
        }
    }

    /// Appends the canonical bytes of a value: what the event's hash is taken of.
    fn canonical(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.push(TAG_NULL);
            return;
        }
        let mut fixed = |tag: u8, bytes: [u8; 8]| {
            out.push(tag);
            out.extend_from_slice(&bytes);
        };
        match self {
            View::Bool(column) => out.extend_from_slice(&[TAG_BOOL, u8::from(column.value(row))]),
            View::Int(column) => fixed(TAG_INT, column.value(row).to_le_bytes()),
            View::Float(column) => {
                // The decode step gives no -0.0; adding 0.0 makes sure of it.
                fixed(TAG_FLOAT, (column.value(row) + 0.0).to_bits().to_le_bytes());
            }
            View::Timestamp(column) => fixed(TAG_TIMESTAMP, column.value(row).to_le_bytes()),
            View::Str(column) => {
                let text = column.value(row).as_bytes();
                let length = u32::try_from(text.len()).expect("a string is below 4 GiB");
                out.push(TAG_STR);
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(text);
            }
        }
    }

    /// Appends bytes that compare as the values do: null first, numbers by value, strings by
    /// bytes (0x00 escaped as 00 ff, ended by 00 00, so that no value is a prefix of another).
    fn memcomparable(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.push(0);
            return;
        }
        out.push(1);
        match self {
            View::Bool(column) => out.push(u8::from(column.value(row))),
            View::Int(column) => out.extend_from_slice(&ordered_i64(column.value(row))),
            View::Timestamp(column) => out.extend_from_slice(&ordered_i64(column.value(row))),
            View::Float(column) => {
                out.extend_from_slice(&ordered_f64(column.value(row) + 0.0).to_be_bytes());
            }
            View::Str(column) => {
                for &byte in column.value(row).as_bytes() {
                    out.push(byte);
                    if byte == 0 {
                        out.push(0xff);
                    }
                }
                out.extend_from_slice(&[0, 0]);
            }
        }
    }
}

fn ordered_i64(value: i64) -> [u8; 8] {
    ((value as u64) ^ (1 << 63)).to_be_bytes()
}

/// An integer that compares as the finite double does (-0.0 and 0.0 differ: normalise before).
#[inline]
pub(crate) fn ordered_f64(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

/// The inverse of [`ordered_f64`].
#[inline]
pub(crate) fn f64_of_ordered(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(column: ArrayRef, data_type: DataType) -> Vec<Vec<u8>> {
        let view = View::new(data_type, &column).unwrap();
        let encode = |row| {
            let mut out = Vec::new();
            view.memcomparable(row, &mut out);
            out
        };
        (0..column.len()).map(encode).collect()
    }

    #[test]
    fn memcomparable_bytes_sort_as_values() {
        let ints = [None, Some(i64::MIN), Some(-1), Some(0), Some(7), Some(i64::MAX)];
        let floats = [None, Some(-1e300), Some(-0.5), Some(0.0), Some(1e-300), Some(3.0)];
        let texts = [None, Some(""), Some("\0"), Some("\0a"), Some("a"), Some("a\0"), Some("ab")];
        for sorted in [
            encoded(Arc::new(arrow_array::Int64Array::from(ints.to_vec())), DataType::Int),
            encoded(Arc::new(arrow_array::Float64Array::from(floats.to_vec())), DataType::Float),
            encoded(Arc::new(arrow_array::StringArray::from(texts.to_vec())), DataType::Str),
        ] {
            assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]), "{sorted:?}");
        }
    }

    #[test]
    fn ordered_doubles_go_both_ways() {
        for x in [-1e300, -1.5, 0.0, 1e-308, 2.0, f64::MAX] {
            assert_eq!(f64_of_ordered(ordered_f64(x)), x);
        }
    }
}
