//! What is handed to the kernel to fold, and what it reports back.
//!
//! A batch belongs to one section. Its rows are taken in any order: no value depends on it.

use arrow_array::ArrayRef;
use arrow_buffer::BooleanBuffer;

use crate::key::KeyColumn;
use crate::order::Tie;

/// Events of one section, column by column; all columns have one length.
#[derive(Clone, Copy, Debug)]
pub struct FoldBatch<'a> {
    /// Keys; a row without one is left out.
    pub keys: &'a KeyColumn,
    /// Event times, UTC microseconds.
    pub times: &'a [i64],
    /// Ties; needed when [`crate::plan::Section::ordered`].
    pub ties: Option<&'a [Tie]>,
    /// Parallel to [`crate::plan::Section::inputs`], in the canonical Arrow types.
    pub inputs: &'a [ArrayRef],
    /// Parallel to [`crate::plan::Section::filters`].
    pub filters: &'a [BooleanBuffer],
}

/// What came of folding a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoldReport {
    /// (index of the view, events that it keeps but that none of its windows can reach).
    pub beyond_windows: Vec<(usize, u64)>,
    /// Events that wait raw for the sealed instant to pass them.
    pub waiting: u64,
}
