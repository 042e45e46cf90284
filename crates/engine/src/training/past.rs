//! A read before the sealed instant: the same sweep as of event time, for a few keys at one `t`.

use std::sync::atomic::AtomicBool;

use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::fold::FoldBatch;
use headwater_kernel::key::KeyColumn;
use headwater_kernel::plan::Source;
use headwater_kernel::sweep::{SweepEvents, SweepLabels, SweepOptions, sweep};
use headwater_kernel::value::{Cell, Status, Value};
use headwater_kernel::window;

use super::chunks::{Wanted, chunks};
use super::history::HistoryBatch;
use crate::transform::{Transform, value_at};

/// What view `view` (of a stream) says of `keys` at `t`, from all events of `history`, whenever
/// they arrived: cells row by row, each row the view's features, and found a row.
///
/// `keys` are canonical bytes; none stands for a key with a null part. `history` holds the accepted
/// events of the view's stream; batches out of the view's reach cost a look at their times.
pub fn history_read(
    transform: &Transform,
    view: usize,
    keys: &[Option<Vec<u8>>],
    t: i64,
    history: &[HistoryBatch],
    cancelled: &AtomicBool,
) -> Result<(Vec<Cell>, Vec<bool>)> {
    let plan = transform.plan();
    let view_plan = &plan.views[view];
    let Source::Section(section) = view_plan.source else {
        let message = format!("view {} is of a table, which keeps its past", view_plan.name);
        return Err(Error::new(Kind::Internal, "history_view", message));
    };
    let span = (view_plan.reach_start(t), window::end(t, view_plan.include_current));
    let chunks = chunks(history, &Wanted { transform, section, span, threads: 1, cancelled })?;
    let batches: Vec<FoldBatch<'_>> =
        chunks.iter().map(|chunk| chunk.input.as_fold_batch()).collect();
    let mut asked = KeyColumn::with_capacity(keys.len());
    for key in keys {
        match key {
            Some(key) => asked.push_bytes(key),
            None => asked.push_left_out(),
        }
    }
    let times = vec![t; keys.len()];
    let labels = SweepLabels { keys: &asked, times: &times };
    let options = SweepOptions { threads: 1, cancelled };
    let swept = sweep(plan, view, &SweepEvents { chunks: &batches }, &labels, &options)?;
    let features = view_plan.features.len();
    let mut cells = vec![Cell::default(); keys.len() * features];
    for (feature, column) in swept.columns.iter().enumerate() {
        for row in 0..keys.len() {
            cells[row * features + feature] = Cell::ok(value_at(column, row));
        }
    }
    for (row, feature, status) in &swept.statuses {
        let cell = &mut cells[*row as usize * features + *feature as usize];
        debug_assert!(cell.value == Value::Null && *status != Status::Ok, "a status is of a null");
        cell.status = *status;
    }
    Ok((cells, swept.found.iter().collect()))
}
