//! Canonical key bytes and their 64-bit hash, from Arrow columns and from values.
//!
//! The same tuple always gives the same bytes, wherever it comes from; a tuple with a null part
//! has none. Encoding of a part: bool `01`+u8, int `02`+i64 LE, str `04`+u32 LE length+bytes,
//! timestamp `05`+i64 LE; a tuple is the concatenation.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as ArrowType;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Kind, Result};
use crate::value::Value;

pub(crate) const TAG_NULL: u8 = 0;
pub(crate) const TAG_BOOL: u8 = 1;
pub(crate) const TAG_INT: u8 = 2;
pub(crate) const TAG_FLOAT: u8 = 3;
pub(crate) const TAG_STR: u8 = 4;
pub(crate) const TAG_TIMESTAMP: u8 = 5;

/// Longest key, bytes.
pub const KEY_BYTES_MAX: usize = 1 << 20;

/// The 64-bit hash that places a key.
pub fn hash_key(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// Appends the canonical bytes of a tuple; false (and nothing appended) when a part is null.
///
/// # Panics
/// On a float or a list: the plan admits no such key.
pub fn encode_key(parts: &[Value], out: &mut Vec<u8>) -> bool {
    if parts.iter().any(Value::is_null) {
        return false;
    }
    for part in parts {
        match part {
            Value::Bool(value) => out.extend_from_slice(&[TAG_BOOL, u8::from(*value)]),
            Value::Int(value) => encode_i64(TAG_INT, *value, out),
            Value::Timestamp(value) => encode_i64(TAG_TIMESTAMP, *value, out),
            Value::Str(text) => encode_str(text, out),
            Value::Null | Value::Float(_) | Value::List(_) => {
                unreachable!("a key part is never null, a float or a list")
            }
        }
    }
    true
}

fn encode_i64(tag: u8, value: i64, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&value.to_le_bytes());
}

fn encode_str(text: &str, out: &mut Vec<u8>) {
    let length = u32::try_from(text.len()).expect("a string is below 4 GiB");
    out.push(TAG_STR);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// The tuple that canonical bytes stand for.
pub fn decode_key(bytes: &[u8]) -> Result<Vec<Value>> {
    let damaged = || Error::new(Kind::Data, "damaged", "key bytes are damaged");
    let mut rest = bytes;
    let mut parts = Vec::new();
    while let Some((&tag, tail)) = rest.split_first() {
        let (part, tail) = match tag {
            TAG_BOOL => {
                let (&byte, tail) = tail.split_first().ok_or_else(damaged)?;
                (Value::Bool(byte != 0), tail)
            }
            TAG_INT | TAG_TIMESTAMP => {
                let (number, tail) = tail.split_first_chunk::<8>().ok_or_else(damaged)?;
                let number = i64::from_le_bytes(*number);
                let value =
                    if tag == TAG_INT { Value::Int(number) } else { Value::Timestamp(number) };
                (value, tail)
            }
            TAG_STR => {
                let (length, tail) = tail.split_first_chunk::<4>().ok_or_else(damaged)?;
                let length = u32::from_le_bytes(*length) as usize;
                let (text, tail) = tail.split_at_checked(length).ok_or_else(damaged)?;
                let text = std::str::from_utf8(text).map_err(|_| damaged())?;
                (Value::Str(text.into()), tail)
            }
            _ => return Err(damaged()),
        };
        parts.push(part);
        rest = tail;
    }
    Ok(parts)
}

/// Keys of the rows of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyColumn {
    bytes: Vec<u8>,
    /// Row r is `bytes[offsets[r]..offsets[r + 1]]`; empty: left out (a key is never empty).
    offsets: Vec<usize>,
    hashes: Vec<u64>,
    /// Rows without a key.
    left_out: usize,
}

impl KeyColumn {
    /// Builds the keys of a batch from its key columns (Boolean, Int64, Utf8, Timestamp(us)).
    ///
    /// A row with a null part gets no key. All columns must be of one length.
    pub fn from_arrays(columns: &[ArrayRef]) -> Result<KeyColumn> {
        let parts: Vec<Part> = columns.iter().map(Part::new).collect::<Result<_>>()?;
        let rows = columns.first().map_or(0, |column| column.len());
        assert!(columns.iter().all(|column| column.len() == rows), "columns of one length");
        let mut keys = KeyColumn::with_capacity(rows);
        for row in 0..rows {
            if parts.iter().all(|part| part.is_valid(row)) {
                for part in &parts {
                    part.encode(row, &mut keys.bytes);
                }
            }
            keys.finish_row();
        }
        Ok(keys)
    }

    /// An empty column with room for so many rows.
    pub fn with_capacity(rows: usize) -> KeyColumn {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        let (bytes, hashes) = (Vec::with_capacity(rows * 9), Vec::with_capacity(rows));
        KeyColumn { bytes, offsets, hashes, left_out: 0 }
    }

    /// Adds a row: a tuple of values; a null part leaves the row out.
    pub fn push(&mut self, parts: &[Value]) {
        encode_key(parts, &mut self.bytes);
        self.finish_row();
    }

    /// Adds a row by its canonical bytes, as [`KeyColumn::get`] gives them.
    pub fn push_bytes(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.finish_row();
    }

    /// Adds a row that is left out.
    pub fn push_left_out(&mut self) {
        self.finish_row();
    }

    /// Adds a row of another column.
    pub fn push_row(&mut self, other: &KeyColumn, row: usize) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        let key = other.get(row).unwrap_or_default();
        self.bytes.extend_from_slice(key);
        self.hashes.push(other.hashes[row]);
        self.offsets.push(self.bytes.len());
        self.left_out += usize::from(key.is_empty());
    }

    /// Removes all rows; keeps the allocations.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.offsets.clear();
        self.hashes.clear();
        self.left_out = 0;
    }

    fn finish_row(&mut self) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        let start = self.offsets[self.offsets.len() - 1];
        self.hashes.push(hash_key(&self.bytes[start..]));
        self.offsets.push(self.bytes.len());
        self.left_out += usize::from(start == self.bytes.len());
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Has it no row?
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The key of a row; `None`: left out.
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        let key = &self.bytes[self.offsets[row]..self.offsets[row + 1]];
        (!key.is_empty()).then_some(key)
    }

    /// Hashes of `length` rows from one on.
    pub(crate) fn hashes(&self, from: usize, length: usize) -> &[u64] {
        &self.hashes[from..from + length]
    }

    /// Of at most 64 rows from one on, a bit for each that has a key.
    pub(crate) fn taken(&self, from: usize, length: usize) -> u64 {
        if self.left_out == 0 {
            return u64::MAX.checked_shr(64 - length as u32).unwrap_or(0);
        }
        let has_key = |bit: usize| u64::from(!self.key(from + bit).is_empty());
        (0..length).fold(0, |taken, bit| taken | has_key(bit) << bit)
    }

    /// The key of a row; empty: left out.
    #[inline(always)]
    pub(crate) fn key(&self, row: usize) -> &[u8] {
        &self.bytes[self.offsets[row]..self.offsets[row + 1]]
    }

    /// The hash of a row's key (of no meaning for a row left out).
    #[inline(always)]
    pub fn hash(&self, row: usize) -> u64 {
        self.hashes[row]
    }
}

enum Part<'a> {
    Bool(&'a arrow_array::BooleanArray),
    Int(&'a arrow_array::Int64Array),
    Str(&'a arrow_array::StringArray),
    Timestamp(&'a arrow_array::TimestampMicrosecondArray),
}

impl<'a> Part<'a> {
    fn new(column: &'a ArrayRef) -> Result<Self> {
        Ok(match column.data_type() {
            ArrowType::Boolean => Part::Bool(column.as_boolean()),
            ArrowType::Int64 => Part::Int(column.as_primitive::<Int64Type>()),
            ArrowType::Utf8 => Part::Str(column.as_string::<i32>()),
            ArrowType::Timestamp(arrow_schema::TimeUnit::Microsecond, _) => {
                Part::Timestamp(column.as_primitive::<TimestampMicrosecondType>())
            }
            other => {
                let message = format!("a key column of type {other}");
                return Err(Error::new(Kind::Internal, "key_type", message));
            }
        })
    }

    fn is_valid(&self, row: usize) -> bool {
        match self {
            Part::Bool(column) => column.is_valid(row),
            Part::Int(column) => column.is_valid(row),
            Part::Str(column) => column.is_valid(row),
            Part::Timestamp(column) => column.is_valid(row),
        }
    }

    fn encode(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Part::Bool(column) => out.extend_from_slice(&[TAG_BOOL, u8::from(column.value(row))]),
            Part::Int(column) => encode_i64(TAG_INT, column.value(row), out),
            Part::Str(column) => encode_str(column.value(row), out),
            Part::Timestamp(column) => encode_i64(TAG_TIMESTAMP, column.value(row), out),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn arrays_and_values_give_the_same_bytes() {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(arrow_array::StringArray::from(vec![Some("JFK"), None, Some("")])),
            Arc::new(arrow_array::Int64Array::from(vec![Some(-1), Some(2), Some(3)])),
        ];
        let keys = KeyColumn::from_arrays(&columns).unwrap();
        let mut expected = Vec::new();
        assert!(encode_key(&[Value::Str("JFK".into()), Value::Int(-1)], &mut expected));
        assert_eq!(keys.get(0), Some(expected.as_slice()));
        assert_eq!(keys.hash(0), hash_key(&expected));
        assert_eq!(keys.get(1), None);
        let tuple = decode_key(keys.get(2).unwrap()).unwrap();
        assert_eq!(tuple, vec![Value::Str("".into()), Value::Int(3)]);
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        for bytes in [&[9u8][..], &[2, 0, 0], &[4, 9, 0, 0, 0, 65], &[4, 1, 0, 0, 0, 0xff]] {
            assert_eq!(decode_key(bytes).unwrap_err().code, "damaged");
        }
    }
}
