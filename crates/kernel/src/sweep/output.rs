//! Turns rows of answers, in order of key, into Arrow columns in the order of the label rows.
//!
//! One pass gathers words (each row is read once, each column written in order); then each column
//! takes its type. Nothing is computed here but defaults, which replace an empty window's null.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, BooleanArray, ListArray, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::Field;

use super::answers::{EMPTY, RowShape};
use super::memory;
use super::parallel;
use super::prefetch::prefetch;
use super::questions::NO_ANSWER;
use super::run::{Texts, text};
use crate::error::{Error, Kind, Result};
use crate::plan::{FeatureCompute, FeaturePlan};
use crate::value::{DataType, FeatureType, Value};

/// Rows gathered at one time: a cache line of each column is then written at once, and columns that
/// lie a multiple of the page size apart do not push each other out of the cache.
const BLOCK_ROWS: usize = 8;

/// Rows of answers of all keys, with the lists that they point to.
pub(super) struct Answers {
    /// The words of all rows, in order of key.
    pub(super) words: Vec<u64>,
    /// The shape of a row.
    pub(super) shape: RowShape,
    /// The answers of no event at all.
    pub(super) empty: Vec<u64>,
    /// The row of each label row; [`NO_ANSWER`] for one without a key.
    pub(super) places: Vec<u32>,
    /// For each range of keys, the end of its rows, and its lists.
    pub(super) lists: Vec<(u32, Vec<u64>)>,
}

/// The words of all features by column, label row by label row.
pub(super) struct Gathered {
    columns: Vec<Vec<u64>>,
    /// Bits for null of each column, then those of `found`.
    marks: Vec<Vec<u64>>,
    rows: usize,
}

impl Answers {
    /// Brings the answers into the order of the label rows, on `threads` threads.
    pub(super) fn gather(&self, threads: usize) -> Gathered {
        let rows = self.places.len();
        let features = self.shape.features;
        let mut columns: Vec<Vec<u64>> = (0..features).map(|_| memory::zeros(rows)).collect();
        let mut marks: Vec<Vec<u64>> = (0..=features).map(|_| vec![0; rows.div_ceil(64)]).collect();
        // Whole words of marks: no two threads write into one.
        let step = rows.div_ceil(threads).next_multiple_of(64).max(64);
        let mut tasks: Vec<Task<'_>> = (self.places.chunks(step))
            .map(|places| Task { places, columns: Vec::new(), marks: Vec::new() })
            .collect();
        for column in &mut columns {
            for (task, part) in tasks.iter_mut().zip(column.chunks_mut(step)) {
                task.columns.push(part);
            }
        }
        for column in &mut marks {
            for (task, part) in tasks.iter_mut().zip(column.chunks_mut(step / 64)) {
                task.marks.push(part);
            }
        }
        parallel::each(tasks, |_, task| self.gather_part(task));
        Gathered { columns, marks, rows }
    }

    fn gather_part(&self, mut task: Task<'_>) {
        let features = self.shape.features;
        let width = self.shape.width();
        let mut rows: [&[u64]; BLOCK_ROWS] = [&[]; BLOCK_ROWS];
        for (block, places) in task.places.chunks(BLOCK_ROWS).enumerate() {
            let first = block * BLOCK_ROWS;
            let ahead = task.places.get(first + 2 * BLOCK_ROWS..).unwrap_or_default();
            for &place in ahead.iter().take(BLOCK_ROWS) {
                let row = place as usize * width;
                (row..row + width).step_by(8).for_each(|word| prefetch(&self.words, word));
            }
            for (row, &place) in rows.iter_mut().zip(places) {
                *row = match place {
                    NO_ANSWER => self.empty.as_slice(),
                    place => &self.words[place as usize * width..][..width],
                };
            }
            let rows = &rows[..places.len()];
            for (feature, column) in task.columns.iter_mut().enumerate() {
                let column = &mut column[first..first + rows.len()];
                column.iter_mut().zip(rows).for_each(|(word, row)| *word = row[feature]);
            }
            for (offset, words) in rows.iter().enumerate() {
                let row = first + offset;
                for (group, &marks) in words[features..].iter().enumerate() {
                    let mut set = marks;
                    while set != 0 {
                        let feature = group * 64 + set.trailing_zeros() as usize;
                        task.marks[feature][row / 64] |= 1 << (row % 64);
                        set &= set - 1;
                    }
                }
            }
        }
    }

    /// The words of the list that the answer of a label row points to.
    fn list(&self, row: usize, word: u64) -> &[u64] {
        let place = self.places[row];
        let range = self.lists.partition_point(|&(end, _)| end <= place);
        let lists = &self.lists[range].1;
        let start = word as usize;
        &lists[start + 1..start + 1 + lists[start] as usize]
    }
}

/// A range of label rows with its parts of all columns.
struct Task<'a> {
    places: &'a [u32],
    columns: Vec<&'a mut [u64]>,
    marks: Vec<&'a mut [u64]>,
}

impl Gathered {
    /// Which label rows found their key.
    pub(super) fn found(&self) -> BooleanBuffer {
        let marks = &self.marks[self.marks.len() - 1];
        BooleanBuffer::new(Buffer::from_vec(marks.clone()), 0, self.rows)
    }

    /// The columns of a view's features.
    pub(super) fn columns(
        mut self,
        features: &[FeaturePlan],
        answers: &Answers,
        texts: &Texts<'_>,
    ) -> Result<Vec<ArrayRef>> {
        let mut arrays = Vec::with_capacity(features.len());
        for (index, feature) in features.iter().enumerate() {
            let words = std::mem::take(&mut self.columns[index]);
            let nulls = std::mem::take(&mut self.marks[index]);
            let column = Column { words, nulls, input: input_of(feature), answers, texts };
            let array = match feature.data_type {
                FeatureType::Scalar(kind) => column.scalar(kind, feature)?,
                FeatureType::List(kind) => column.list(kind, feature)?,
            };
            arrays.push(array);
        }
        Ok(arrays)
    }
}

/// One column on its way to its type.
struct Column<'a> {
    words: Vec<u64>,
    nulls: Vec<u64>,
    input: Option<usize>,
    answers: &'a Answers,
    texts: &'a Texts<'a>,
}

impl Column<'_> {
    #[inline]
    fn is_null(&self, row: usize) -> bool {
        self.nulls[row / 64] >> (row % 64) & 1 == 1
    }

    /// Is the answer null for want of an event, so that a default replaces it?
    fn is_empty(&self, row: usize) -> bool {
        self.is_null(row) && self.words[row] == EMPTY
    }

    fn scalar(mut self, kind: DataType, feature: &FeaturePlan) -> Result<ArrayRef> {
        if kind == DataType::Str {
            return self.strings(&feature.default);
        }
        if let Some(word) = word_of(&feature.default) {
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
        let input = self.input.expect("checked by the plan: only count has no input");
        let bytes = text(self.texts, input, address);
        std::str::from_utf8(bytes).map_err(|error| {
            Error::new(Kind::Internal, "sweep_text", "a string that is not UTF-8")
                .with_detail(error.to_string())
        })
    }

    fn list(self, kind: DataType, feature: &FeaturePlan) -> Result<ArrayRef> {
        let default = match &feature.default {
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
