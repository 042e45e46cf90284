//! One evaluation: the batch, and the rows found bad so far.
//!
//! The first failure of a row, in the order of evaluation, is the one reported; that order is the
//! same however rows are batched. A row that is not needed never fails.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_buffer::BooleanBuffer;

/// Which rows an operation must be computed for; none: all.
pub(crate) type Needed<'a> = Option<&'a BooleanBuffer>;

/// What an evaluation reads and what it has found.
pub(crate) struct Context<'a> {
    /// The rows.
    pub batch: &'a RecordBatch,
    /// How many.
    pub rows: usize,
    bad: BTreeMap<usize, String>,
}

impl<'a> Context<'a> {
    pub fn new(batch: &'a RecordBatch) -> Self {
        Self { batch, rows: batch.num_rows(), bad: BTreeMap::new() }
    }

    /// Report that a row has no value, unless it is not needed or has failed before.
    pub fn fail(&mut self, row: usize, needed: Needed, message: impl FnOnce() -> String) {
        if needed.is_none_or(|needed| needed.value(row)) {
            self.bad.entry(row).or_insert_with(message);
        }
    }

    /// The bad rows, ascending.
    pub fn into_bad(self) -> Vec<(usize, String)> {
        self.bad.into_iter().collect()
    }
}

/// The rows of `needed` for which `bit` is set.
pub(crate) fn narrow(needed: Needed, bit: &BooleanBuffer) -> BooleanBuffer {
    match needed {
        Some(needed) => needed & bit,
        None => bit.clone(),
    }
}
