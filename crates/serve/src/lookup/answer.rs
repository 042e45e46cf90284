//! An answer: features of every row of keys in the order asked, and what stands behind them.
//!
//! It holds values only; `write` turns it into JSON and `batch` into Arrow. Keys are not repeated.

use std::sync::Arc;

use headwater_kernel::value::{Cell, Status};
use headwater_store::online::{EpochId, Positions};

use super::question::Question;

/// The answer to a query.
#[derive(Debug)]
pub struct Answer {
    /// What was asked: names and types of the columns.
    pub question: Arc<Question>,
    /// Row-major: `question.names.len()` a row.
    pub cells: Vec<Cell>,
    /// One a row: does any view know the row's key?
    pub found: Vec<bool>,
    /// The instant read at.
    pub t: i64,
    /// What stands behind the answer, where it was asked for.
    pub metadata: Option<Metadata>,
}

/// What stands behind an answer.
#[derive(Debug)]
pub struct Metadata {
    /// One a view of the question, in its order.
    pub views: Vec<ViewMetadata>,
    /// What a reader should know; e.g. that every event is older than every window.
    pub notes: Vec<String>,
}

/// What stands behind one view of an answer.
#[derive(Debug)]
pub struct ViewMetadata {
    /// `role.View`, or `View` without a role.
    pub label: String,
    /// Fingerprint of the view's meaning.
    pub version: String,
    /// The epoch read.
    pub epoch: EpochId,
    /// What of its stream or table was visible.
    pub positions: Positions,
    /// Highest event time seen minus the lateness; none before the first event.
    pub watermark: Option<i64>,
    /// `t` minus the last arrival visible, milliseconds, never negative; none before the first.
    pub staleness_ms: Option<i64>,
    /// One a row: does this view know the row's key?
    pub found: Vec<bool>,
}

impl Answer {
    /// Number of rows.
    pub fn row_count(&self) -> usize {
        self.found.len()
    }

    /// The cells of a row.
    pub fn row(&self, row: usize) -> &[Cell] {
        let width = self.question.names.len();
        &self.cells[row * width..(row + 1) * width]
    }

    /// Row, column and status of every cell that has something to report.
    pub fn statuses(&self) -> impl Iterator<Item = (usize, &str, Status)> {
        // A question without columns has no cells, and then the divisor is not used.
        let width = self.question.names.len().max(1);
        self.cells.iter().enumerate().filter(|(_, cell)| cell.status != Status::Ok).map(
            move |(at, cell)| (at / width, self.question.names[at % width].as_str(), cell.status),
        )
    }
}
