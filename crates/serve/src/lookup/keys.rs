//! Keys of a question, typed: from rows of JSON scalars or from Arrow to canonical key bytes.
//!
//! Null part, missing column and wrong type are three different things: the first is an answer
//! (the empty window's), the others are errors that name row and column. Extra columns are ignored.

use headwater_kernel::blueprint::RequestKey;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::value::DataType;

use super::arrow_keys;
use super::rows::{Rows, Scalar};
use crate::instant;

/// Most rows of one question: what a client needs more of is a training set.
pub const ROWS_MAX: usize = 100_000;

/// The keys of a question, as they came.
#[derive(Debug)]
pub enum Keys<'a> {
    /// Objects of JSON.
    Rows(&'a Rows<'a>),
    /// One batch with a column for each key.
    Arrow(&'a arrow_array::RecordBatch),
}

/// One typed part of a key; `Null` makes the key of its row no key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part<'a> {
    /// No value.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A string.
    Str(&'a str),
    /// An instant, microseconds.
    Timestamp(i64),
}

impl<'a> Keys<'a> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Keys::Rows(rows) => rows.len(),
            Keys::Arrow(batch) => batch.num_rows(),
        }
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The parts of all rows, row-major: `columns.len()` a row.
    ///
    /// # Errors
    /// Kind `invalid`, each with its row: `missing_key_column`, `wrong_type`, and what
    /// [`instant`] refuses; `too_many_keys` above [`ROWS_MAX`] rows.
    pub fn parts(&self, columns: &[RequestKey]) -> Result<Vec<Part<'a>>> {
        if self.len() > ROWS_MAX {
            return Err(Error::new(
                Kind::Invalid,
                "too_many_keys",
                format!("{} rows of keys are more than {ROWS_MAX}", self.len()),
            )
            .with_hint("ask in several requests, or build a training set"));
        }
        match self {
            Keys::Rows(rows) => parts_of_rows(rows, columns),
            Keys::Arrow(batch) => arrow_keys::parts(batch, columns),
        }
    }
}

/// The parts of all rows, row-major, however many rows there are.
///
/// # Errors
/// As [`Keys::parts`].
pub fn parts_of_rows<'a>(rows: &'a Rows<'a>, columns: &[RequestKey]) -> Result<Vec<Part<'a>>> {
    let mut parts = Vec::with_capacity(rows.len() * columns.len());
    for row in 0..rows.len() {
        for column in columns {
            let scalar = rows
                .find(row, &column.name)
                .ok_or_else(|| missing(&column.name, rows.names(row)).at_row(row as u64))?;
            let part = typed(scalar, column).map_err(|error| error.at_row(row as u64))?;
            parts.push(part);
        }
    }
    Ok(parts)
}

/// The error of a key column that is not there.
pub(super) fn missing<'a>(column: &str, present: impl Iterator<Item = &'a str>) -> Error {
    let present: Vec<&str> = present.collect();
    Error::new(Kind::Invalid, "missing_key_column", format!("key column {column:?} is missing"))
        .with_hint(match present.is_empty() {
            true => format!("every row of keys needs {column:?}"),
            false => headwater_kernel::near::hint(column, present.into_iter()),
        })
}

/// The error of a key of another type.
pub(super) fn wrong_type(column: &RequestKey, given: &str) -> Error {
    Error::new(
        Kind::Invalid,
        "wrong_type",
        format!("key column {:?} is {given}, not {}", column.name, article(column.data_type)),
    )
    .with_hint("nothing is coerced: send keys in the type that the entity declares")
}

fn article(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Bool => "a bool",
        DataType::Int => "an int",
        DataType::Float => "a float",
        DataType::Str => "a str",
        DataType::Timestamp => "a timestamp",
    }
}

fn typed<'a>(scalar: &'a Scalar<'_>, column: &RequestKey) -> Result<Part<'a>> {
    match (scalar, column.data_type) {
        (Scalar::Null, _) => Ok(Part::Null),
        (Scalar::Bool(value), DataType::Bool) => Ok(Part::Bool(*value)),
        (Scalar::Int(value), DataType::Int) => Ok(Part::Int(*value)),
        (Scalar::Str(value), DataType::Str) => Ok(Part::Str(value)),
        (Scalar::Int(value), DataType::Timestamp) => {
            instant::checked(*value).map(Part::Timestamp).map_err(|error| of_column(error, column))
        }
        (Scalar::Str(value), DataType::Timestamp) => {
            instant::parse(value).map(Part::Timestamp).map_err(|error| of_column(error, column))
        }
        (other, _) => Err(wrong_type(column, other.kind())),
    }
}

/// The same error, naming the key column.
pub(super) fn of_column(mut error: Error, column: &RequestKey) -> Error {
    error.message = format!("key column {:?}: {}", column.name, error.message);
    error
}

/// Writes the canonical bytes of the key that `places` pick out of a row's parts; false where a
/// part is null, and then `out` holds nothing of use.
pub fn encode(parts: &[Part<'_>], places: &[usize], out: &mut Vec<u8>) -> bool {
    out.clear();
    for &place in places {
        match parts[place] {
            Part::Null => return false,
            Part::Bool(value) => out.extend_from_slice(&[1, u8::from(value)]),
            Part::Int(value) => tagged(2, value, out),
            Part::Str(value) => {
                out.push(4);
                let length = u32::try_from(value.len()).expect("a body is below 4 GiB");
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(value.as_bytes());
            }
            Part::Timestamp(value) => tagged(5, value, out),
        }
    }
    true
}

fn tagged(tag: u8, value: i64, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&value.to_le_bytes());
}
