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
    /// Lists of a scalar.
    Lists { lists: Vec<Value>, kind: DataType },
}

impl Store {
    /// An empty store of a feature's type.
    pub(super) fn new(data_type: FeatureType) -> Self {
        match data_type {
            FeatureType::Scalar(DataType::Str) => Store::Texts(Vec::new()),
            FeatureType::Scalar(kind) => {
                Store::Words { words: Vec::new(), nulls: Vec::new(), kind }
            }
            FeatureType::List(kind) => Store::Lists { lists: Vec::new(), kind },
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
            Store::Lists { lists, .. } => lists.push(value),
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
            (Store::Lists { lists, .. }, Store::Lists { lists: more, .. }) => lists.extend(more),
            _ => unreachable!("stores of one feature are of one kind"),
        }
    }

    /// The column whose row `i` is the value given as number `places[i]`.
    pub(super) fn finish(&self, places: &[u32]) -> Result<ArrayRef> {
        match self {
            Store::Words { words, nulls, kind } => {
                let sorted = places.iter().map(|&place| words[place as usize]).collect();
                let null = |row: usize| nulls[places[row] as usize];
                Ok(word_array(sorted, validity(places.len(), null), *kind))
            }
            Store::Texts(values) => Ok(texts(places.iter().map(|&place| &values[place as usize]))),
            Store::Lists { lists, kind } => {
                self::lists(&places.iter().map(|&p| &lists[p as usize]).collect::<Vec<_>>(), *kind)
            }
        }
    }
}

fn validity(rows: usize, null: impl Fn(usize) -> bool) -> Option<NullBuffer> {
    let nulls = NullBuffer::new(BooleanBuffer::collect_bool(rows, |row| !null(row)));
    (nulls.null_count() > 0).then_some(nulls)
}

fn texts<'a>(values: impl Iterator<Item = &'a Value>) -> ArrayRef {
    let mut builder = StringBuilder::new();
    for value in values {
        match value {
            Value::Str(text) => builder.append_value(text),
            _ => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

fn lists(lists: &[&Value], kind: DataType) -> Result<ArrayRef> {
    let mut items: Vec<&Value> = Vec::new();
    let mut offsets = Vec::with_capacity(lists.len() + 1);
    offsets.push(0_i32);
    for list in lists {
        if let Value::List(values) = list {
            items.extend(values.iter());
        }
        offsets.push(i32::try_from(items.len()).map_err(|_| too_long())?);
    }
    let child = if kind == DataType::Str {
        texts(items.iter().copied())
    } else {
        let words = items.iter().map(|item| word_of(item).unwrap_or(0)).collect();
        word_array(words, validity(items.len(), |item| items[item].is_null()), kind)
    };
    let field = Arc::new(Field::new_list_field(child.data_type().clone(), true));
    let nulls = validity(lists.len(), |row| lists[row].is_null());
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Arc::new(ListArray::new(field, offsets, child, nulls)))
}
