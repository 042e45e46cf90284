//! Answers of one feature, collected value by value and turned into a column at the end.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, ListArray};
use arrow_buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::Field;

use super::columns::{too_long, word_array, word_of};
use crate::error::Result;
use crate::value::{DataType, FeatureType, Value};

/// The values of one feature in the order in which they were given.
pub(super) enum Store {
    /// All scalars but strings.
    Words { words: Vec<u64>, nulls: Vec<bool>, kind: DataType },
    /// Strings.
    Texts(Vec<Value>),
    /// Lists: their elements one after the other, and where each list ends.
    Lists { items: Box<Store>, ends: Vec<usize>, nulls: Vec<bool> },
}

impl Store {
    /// An empty store of a feature's type.
    pub(super) fn new(data_type: FeatureType) -> Self {
        match data_type {
            FeatureType::Scalar(DataType::Str) => Store::Texts(Vec::new()),
            FeatureType::Scalar(kind) => {
                Store::Words { words: Vec::new(), nulls: Vec::new(), kind }
            }
            FeatureType::List(kind) => Store::Lists {
                items: Box::new(Store::new(FeatureType::Scalar(kind))),
                ends: Vec::new(),
                nulls: Vec::new(),
            },
        }
    }

    /// Adds a value of the feature's type, or null.
    pub(super) fn push(&mut self, value: Value) {
        match self {
            Store::Words { words, nulls, .. } => {
                words.push(word_of(&value).unwrap_or(0));
                nulls.push(value.is_null());
            }
            Store::Texts(values) => values.push(value),
            Store::Lists { items, ends, nulls } => {
                nulls.push(value.is_null());
                if let Value::List(values) = value {
                    values.iter().for_each(|item| items.push(item.clone()));
                }
                ends.push(items.len());
            }
        }
    }

    /// How many values it holds.
    fn len(&self) -> usize {
        match self {
            Store::Words { words, .. } => words.len(),
            Store::Texts(values) => values.len(),
            Store::Lists { ends, .. } => ends.len(),
        }
    }

    /// Adds the values of a store of the same feature.
    pub(super) fn append(&mut self, other: Store) {
        match (self, other) {
            (Store::Words { words, nulls, .. }, Store::Words { words: more, nulls: marks, .. }) => {
                words.extend(more);
                nulls.extend(marks);
            }
            (Store::Texts(values), Store::Texts(more)) => values.extend(more),
            (
                Store::Lists { items, ends, nulls },
                Store::Lists { items: more, ends: other_ends, nulls: marks },
            ) => {
                let before = items.len();
                ends.extend(other_ends.into_iter().map(|end| before + end));
                nulls.extend(marks);
                items.append(*more);
            }
            _ => unreachable!("stores of one feature are of one kind"),
        }
    }

    /// The column whose row `i` is the value given as number `places[i]`.
    pub(super) fn finish(&self, places: &[usize]) -> Result<ArrayRef> {
        match self {
            Store::Words { words, nulls, kind } => {
                let sorted = places.iter().map(|&place| words[place]).collect();
                Ok(word_array(sorted, validity(places, nulls), *kind))
            }
            Store::Texts(values) => {
                let mut builder = StringBuilder::new();
                for &place in places {
                    match &values[place] {
                        Value::Str(text) => builder.append_value(text),
                        _ => builder.append_null(),
                    }
                }
                Ok(Arc::new(builder.finish()))
            }
            Store::Lists { items, ends, nulls } => {
                let mut chosen = Vec::with_capacity(items.len());
                let mut offsets = Vec::with_capacity(places.len() + 1);
                offsets.push(0_i32);
                for &place in places {
                    let start = if place == 0 { 0 } else { ends[place - 1] };
                    chosen.extend(start..ends[place]);
                    offsets.push(i32::try_from(chosen.len()).map_err(|_| too_long())?);
                }
                let child = items.finish(&chosen)?;
                let field = Arc::new(Field::new_list_field(child.data_type().clone(), true));
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Ok(Arc::new(ListArray::new(field, offsets, child, validity(places, nulls))))
            }
        }
    }
}

/// Which rows are valid; none where all are.
fn validity(places: &[usize], nulls: &[bool]) -> Option<NullBuffer> {
    let valid = BooleanBuffer::collect_bool(places.len(), |row| !nulls[places[row]]);
    let valid = NullBuffer::new(valid);
    (valid.null_count() > 0).then_some(valid)
}
