//! Keys of label rows and events as the sweep compares them: columns and a word a row, never bytes
//! that have to be written first. Equal keys have equal words; where equal words do not yet mean
//! equal keys, the columns are compared. A row with a null part has no key.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Kind, Result};

/// Strings up to this length are their own word, with the length in the uppermost byte.
const PACKED_BYTES: usize = 7;

/// Set in the word of a longer string, whose other bits are a hash.
const HASHED: u64 = 1 << 63;

/// Key columns of one length.
pub(super) struct Keys<'a> {
    parts: Vec<Part<'a>>,
    valid: Option<NullBuffer>,
    deciding: Deciding,
    rows: usize,
}

/// Which words stand for one key alone.
#[derive(Clone, Copy)]
enum Deciding {
    /// All: they are the values themselves.
    Every,
    /// Those of short strings.
    Packed,
    /// Of several columns, none.
    None,
}

enum Part<'a> {
    Bits(&'a BooleanBuffer),
    Whole(&'a [i64]),
    Text(&'a StringArray),
}

impl<'a> Keys<'a> {
    /// The keys of some rows (Boolean, Int64, Utf8, Timestamp(us) columns).
    pub(super) fn new(columns: &'a [ArrayRef], rows: usize) -> Result<Self> {
        assert!(!columns.is_empty(), "a key has at least one column");
        assert!(columns.iter().all(|column| column.len() == rows), "key columns of one length");
        let parts: Vec<Part<'_>> = columns.iter().map(Part::new).collect::<Result<_>>()?;
        let deciding = match parts.as_slice() {
            [Part::Text(_)] => Deciding::Packed,
            [_] => Deciding::Every,
            _ => Deciding::None,
        };
        let valid = columns.iter().fold(None, |valid: Option<NullBuffer>, column| {
            NullBuffer::union(valid.as_ref(), column.nulls())
        });
        let valid = valid.filter(|valid| valid.null_count() > 0);
        Ok(Self { parts, valid, deciding, rows })
    }

    /// The values, where the key is one column of whole numbers or instants.
    pub(super) fn whole(&self) -> Option<&'a [i64]> {
        match self.parts.as_slice() {
            [Part::Whole(values)] => Some(values),
            _ => None,
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Has the row a key?
    #[inline]
    pub(super) fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid.is_valid(row))
    }

    /// The words of the rows from `first` on, of no meaning where there is no key.
    pub(super) fn words(&self, first: usize, words: &mut [u64]) {
        let rows = first..first + words.len();
        let (part, rest) = self.parts.split_first().expect("a key has at least one column");
        match part {
            Part::Whole(values) => {
                words.iter_mut().zip(&values[rows]).for_each(|(word, &value)| *word = value as u64);
            }
            _ => words.iter_mut().zip(rows).for_each(|(word, row)| *word = part.word(row)),
        }
        for part in rest {
            for (word, row) in words.iter_mut().zip(first..) {
                *word = mixed(*word).wrapping_add(part.word(row));
            }
        }
    }

    /// The word of one row.
    pub(super) fn word(&self, row: usize) -> u64 {
        let mut word = [0];
        self.words(row, &mut word);
        word[0]
    }

    /// Does an equal word, this one, mean an equal key?
    #[inline(always)]
    pub(super) fn decided(&self, word: u64) -> bool {
        match self.deciding {
            Deciding::Every => true,
            Deciding::Packed => word & HASHED == 0,
            Deciding::None => false,
        }
    }

    /// Is the key of a row that of a row of `other`? Both have one.
    pub(super) fn equal(&self, row: usize, other: &Keys<'_>, other_row: usize) -> bool {
        let mut pairs = self.parts.iter().zip(&other.parts);
        pairs.all(|pair| match pair {
            (Part::Bits(left), Part::Bits(right)) => left.value(row) == right.value(other_row),
            (Part::Whole(left), Part::Whole(right)) => left[row] == right[other_row],
            (Part::Text(left), Part::Text(right)) => left.value(row) == right.value(other_row),
            _ => unreachable!("keys of one view have one type"),
        })
    }
}

impl<'a> Part<'a> {
    fn new(column: &'a ArrayRef) -> Result<Self> {
        match column.data_type() {
            ArrowType::Boolean => Ok(Part::Bits(column.as_boolean().values())),
            ArrowType::Int64 => Ok(Part::Whole(column.as_primitive::<Int64Type>().values())),
            ArrowType::Utf8 => Ok(Part::Text(column.as_string::<i32>())),
            ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
                Ok(Part::Whole(column.as_primitive::<TimestampMicrosecondType>().values()))
            }
            other => {
                let message = format!("a key column of type {other}");
                Err(Error::new(Kind::Internal, "key_type", message))
            }
        }
    }

    #[inline]
    fn word(&self, row: usize) -> u64 {
        match self {
            Part::Bits(bits) => u64::from(bits.value(row)),
            Part::Whole(values) => values[row] as u64,
            Part::Text(texts) => word_of_text(texts.value(row).as_bytes()),
        }
    }
}

#[inline]
fn word_of_text(text: &[u8]) -> u64 {
    if text.len() > PACKED_BYTES {
        return xxh3_64(text) | HASHED;
    }
    let packed = text.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
    packed | (text.len() as u64) << 56
}

/// A word with its bits spread: what places a key in a table.
#[inline]
pub(super) fn mixed(word: u64) -> u64 {
    // Digits of pi: odd, without pattern.
    let product = u128::from(word ^ 0x2438_6a88_85a3_08d3) * 0x1319_8a2e_0370_7345_a409_3822;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{BooleanArray, Int64Array, TimestampMicrosecondArray};
    use proptest::prelude::*;

    use super::*;

    type Row = (Option<bool>, Option<i64>, Option<String>, Option<i64>);

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let text =
            prop::sample::select(vec!["", "\0", "a", "seven b", "seven bt", "seven bz", "é"]);
        let row = (
            prop::option::weighted(0.9, any::<bool>()),
            prop::option::weighted(0.9, -1_i64..2),
            prop::option::weighted(0.9, text.prop_map(str::to_owned)),
            prop::option::weighted(0.9, 0_i64..2),
        );
        prop::collection::vec(row, 1..40)
    }

    fn columns(rows: &[Row]) -> Vec<ArrayRef> {
        vec![
            Arc::new(BooleanArray::from_iter(rows.iter().map(|row| row.0))),
            Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.1))),
            Arc::new(StringArray::from_iter(rows.iter().map(|row| row.2.clone()))),
            Arc::new(TimestampMicrosecondArray::from_iter(rows.iter().map(|row| row.3))),
        ]
    }

    /// The values of a row in the columns chosen; none where one is null.
    fn values(row: &Row, chosen: &[bool]) -> Option<Vec<String>> {
        let all = [
            row.0.map(|value| value.to_string()),
            row.1.map(|value| value.to_string()),
            row.2.clone(),
            row.3.map(|value| value.to_string()),
        ];
        all.into_iter().zip(chosen).filter(|(_, chosen)| **chosen).map(|(value, _)| value).collect()
    }

    proptest! {
        /// Whatever the columns: rows are the same key exactly where their values are equal, and
        /// a row has one exactly where none is null.
        #[test]
        fn equal_values_are_the_same_key(
            left in rows(),
            right in rows(),
            chosen in prop::collection::vec(any::<bool>(), 4)
                .prop_filter("a column", |chosen| chosen.contains(&true)),
        ) {
            let pick = |rows: &[Row]| -> Vec<ArrayRef> {
                let columns = columns(rows).into_iter().zip(&chosen);
                columns.filter(|(_, chosen)| **chosen).map(|(column, _)| column).collect()
            };
            let (left_columns, right_columns) = (pick(&left), pick(&right));
            let ours = Keys::new(&left_columns, left.len()).unwrap();
            let theirs = Keys::new(&right_columns, right.len()).unwrap();
            for (row, expected) in left.iter().map(|row| values(row, &chosen)).enumerate() {
                prop_assert_eq!(ours.is_valid(row), expected.is_some());
                for (other, right) in right.iter().map(|row| values(row, &chosen)).enumerate() {
                    if expected.is_none() || right.is_none() {
                        continue;
                    }
                    let word = ours.word(row);
                    let same = word == theirs.word(other)
                        && (ours.decided(word) || ours.equal(row, &theirs, other));
                    prop_assert_eq!(same, expected == right, "rows {} and {}", row, other);
                }
            }
        }
    }
}
