//! Gives a column of words its Arrow type: numbers, bits, strings by their address, lists.
//!
//! Nothing is computed here but defaults, which replace an empty window's null and no other.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, BooleanArray, ListArray, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::Field;

use super::answers::EMPTY;
use super::output::Answers;
use super::run::{Texts, text};
use crate::error::{Error, Kind, Result};
use crate::plan::{FeatureCompute, FeaturePlan};
use crate::value::{DataType, FeatureType, Value};

/// One column on its way to its type.
pub(super) struct Column<'a> {
    /// A word a label row.
    pub(super) words: Vec<u64>,
    /// A bit for null a label row.
    pub(super) nulls: Vec<u64>,
    /// The feature.
    pub(super) feature: &'a FeaturePlan,
    /// Where its lists lie.
    pub(super) answers: &'a Answers,
    /// Where its strings lie.
    pub(super) texts: &'a Texts<'a>,
}

impl Column<'_> {
    /// The column in its type.
    pub(super) fn finish(self) -> Result<ArrayRef> {
        match self.feature.data_type {
            FeatureType::Scalar(kind) => self.scalar(kind),
            FeatureType::List(kind) => self.list(kind),
        }
    }

    #[inline]
    fn is_null(&self, row: usize) -> bool {
        self.nulls[row / 64] >> (row % 64) & 1 == 1
    }

    /// Is the answer null for want of an event, so that a default replaces it?
    fn is_empty(&self, row: usize) -> bool {
        self.is_null(row) && self.words[row] == EMPTY
    }

    fn scalar(mut self, kind: DataType) -> Result<ArrayRef> {
        if kind == DataType::Str {
            return self.strings(&self.feature.default);
        }
        if let Some(word) = word_of(&self.feature.default) {
            self.fill(word);
        }
        let nulls = null_buffer(self.nulls, self.words.len());
        Ok(word_array(self.words, nulls, kind))
    }

    /// Replaces the nulls of empty windows.
    fn fill(&mut self, word: u64) {
        for row in 0..self.words.len() {
            if self.is_empty(row) {
                self.words[row] = word;
                self.nulls[row / 64] &= !(1 << (row % 64));
            }
        }
    }

    fn strings(&self, default: &Value) -> Result<ArrayRef> {
        let mut builder = StringBuilder::new();
        for (row, &word) in self.words.iter().enumerate() {
            match (self.is_null(row), default) {
                (false, _) => builder.append_value(self.text(word)?),
                (true, Value::Str(text)) if self.is_empty(row) => builder.append_value(text),
                (true, _) => builder.append_null(),
            }
        }
        Ok(Arc::new(builder.finish()))
    }

    fn text(&self, address: u64) -> Result<&str> {
        let input = input_of(self.feature).expect("checked by the plan: only count has no input");
        let bytes = text(self.texts, input, address);
        std::str::from_utf8(bytes).map_err(|error| {
            Error::new(Kind::Internal, "sweep_text", "a string that is not UTF-8")
                .with_detail(error.to_string())
        })
    }

    fn list(self, kind: DataType) -> Result<ArrayRef> {
        let default = match &self.feature.default {
            Value::List(items) => Some(items),
            _ => None,
        };
        let mut items = Items::new(kind);
        let mut offsets: Vec<i32> = Vec::with_capacity(self.words.len() + 1);
        offsets.push(0);
        let mut nulls = self.nulls.clone();
        for (row, &word) in self.words.iter().enumerate() {
            if !self.is_null(row) {
                for &item in self.answers.list(row, word) {
                    items.push(&self, item)?;
                }
            } else if let (true, Some(default)) = (self.is_empty(row), default) {
                default.iter().try_for_each(|item| items.push_value(item))?;
                nulls[row / 64] &= !(1 << (row % 64));
            }
            offsets.push(i32::try_from(items.len()).map_err(|_| too_long())?);
        }
        let nulls = null_buffer(nulls, self.words.len());
        let child = items.finish();
        let field = Arc::new(Field::new_list_field(child.data_type().clone(), true));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Ok(Arc::new(ListArray::new(field, offsets, child, nulls)))
    }
}

/// The elements of a list column.
enum Items {
    Words { words: Vec<u64>, nulls: Vec<bool>, kind: DataType },
    Texts { builder: StringBuilder, count: usize },
}

impl Items {
    fn new(kind: DataType) -> Self {
        if kind == DataType::Str {
            return Items::Texts { builder: StringBuilder::new(), count: 0 };
        }
        Items::Words { words: Vec::new(), nulls: Vec::new(), kind }
    }

    fn len(&self) -> usize {
        match self {
            Items::Words { words, .. } => words.len(),
            Items::Texts { count, .. } => *count,
        }
    }

    fn push(&mut self, column: &Column<'_>, word: u64) -> Result<()> {
        match self {
            Items::Words { words, nulls, .. } => {
                words.push(word);
                nulls.push(false);
            }
            Items::Texts { builder, count } => {
                builder.append_value(column.text(word)?);
                *count += 1;
            }
        }
        Ok(())
    }

    fn push_value(&mut self, value: &Value) -> Result<()> {
        match self {
            Items::Words { words, nulls, .. } => {
                words.push(word_of(value).unwrap_or(0));
                nulls.push(value.is_null());
            }
            Items::Texts { builder, count } => {
                match value {
                    Value::Str(text) => builder.append_value(text),
                    _ => builder.append_null(),
                }
                *count += 1;
            }
        }
        Ok(())
    }

    fn finish(self) -> ArrayRef {
        match self {
            Items::Texts { mut builder, .. } => Arc::new(builder.finish()),
            Items::Words { words, nulls, kind } => {
                let valid = BooleanBuffer::from_iter(nulls.into_iter().map(|null| !null));
                let nulls = NullBuffer::new(valid);
                word_array(words, (nulls.null_count() > 0).then_some(nulls), kind)
            }
        }
    }
}

/// Words as an array of a scalar type other than string.
pub(super) fn word_array(words: Vec<u64>, nulls: Option<NullBuffer>, kind: DataType) -> ArrayRef {
    let rows = words.len();
    match kind {
        DataType::Bool => {
            let bits = BooleanBuffer::collect_bool(rows, |row| words[row] != 0);
            Arc::new(BooleanArray::new(bits, nulls))
        }
        DataType::Int => {
            let values = ScalarBuffer::new(Buffer::from_vec(words), 0, rows);
            Arc::new(PrimitiveArray::<Int64Type>::new(values, nulls))
        }
        DataType::Float => {
            let values = ScalarBuffer::new(Buffer::from_vec(words), 0, rows);
            Arc::new(PrimitiveArray::<Float64Type>::new(values, nulls))
        }
        DataType::Timestamp => {
            let values = ScalarBuffer::new(Buffer::from_vec(words), 0, rows);
            let array = PrimitiveArray::<TimestampMicrosecondType>::new(values, nulls);
            Arc::new(array.with_timezone("UTC"))
        }
        DataType::Str => unreachable!("strings are built from texts, not from words"),
    }
}

fn null_buffer(nulls: Vec<u64>, rows: usize) -> Option<NullBuffer> {
    if nulls.iter().all(|&word| word == 0) {
        return None;
    }
    let valid: Vec<u64> = nulls.into_iter().map(|word| !word).collect();
    Some(NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(valid), 0, rows)))
}

/// A scalar other than a string as a word.
pub(super) fn word_of(value: &Value) -> Option<u64> {
    match value {
        Value::Bool(value) => Some(u64::from(*value)),
        Value::Int(value) | Value::Timestamp(value) => Some(*value as u64),
        Value::Float(value) => Some(value.to_bits()),
        Value::Null | Value::Str(_) | Value::List(_) => None,
    }
}

fn input_of(feature: &FeaturePlan) -> Option<usize> {
    match &feature.compute {
        FeatureCompute::Aggregate(aggregate) => aggregate.input,
        FeatureCompute::Column(_) => None,
    }
}

/// The error of a list column that Arrow's 32-bit offsets cannot hold.
pub(super) fn too_long() -> Error {
    let message = "a feature has over 2^31 list elements in one training set";
    Error::new(Kind::Invalid, "too_many_values", message).with_hint("ask for fewer label rows")
}
