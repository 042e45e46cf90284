//! A read before the sealed instant: the same sweep as of event time, for a few keys at one `t`.

use std::sync::atomic::AtomicBool;

use arrow_array::ArrayRef;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::key::decode_key;
use headwater_kernel::plan::{Source, Space};
use headwater_kernel::sweep::{EventColumns, SweepEvents, SweepLabels, SweepOptions, sweep};
use headwater_kernel::value::{Cell, FeatureType, Status, Value};
use headwater_kernel::window;

use super::cells::array_of;
use super::chunks::{Wanted, chunks};
use super::history::HistoryBatch;
use super::threads::Hands;
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
    let hands = Hands { threads: 1, cancelled };
    let chunks = chunks(history, &Wanted { transform, section, span, hands }, |_| Ok(()))?;
    let events: Vec<EventColumns<'_>> =
        chunks.iter().map(|chunk| chunk.columns.as_events()).collect();
    let columns = key_columns(&plan.spaces[plan.sections[section].space], keys)?;
    let times = vec![t; keys.len()];
    let labels = SweepLabels { keys: &columns, times: &times };
    let options = SweepOptions { threads: 1, cancelled };
    let swept = sweep(plan, view, &SweepEvents { chunks: &events }, &labels, &options)?;
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

/// Keys by their bytes as columns.
fn key_columns(space: &Space, keys: &[Option<Vec<u8>>]) -> Result<Vec<ArrayRef>> {
    let mut parts: Vec<Vec<Value>> = space.keys.iter().map(|_| Vec::new()).collect();
    for key in keys {
        let mut values = key.as_ref().map_or(Ok(Vec::new()), |key| decode_key(key))?.into_iter();
        parts.iter_mut().for_each(|part| part.push(values.next().unwrap_or(Value::Null)));
    }
    let types = space.keys.iter().map(|(_, data_type)| FeatureType::Scalar(*data_type));
    types.zip(&parts).map(|(data_type, values)| array_of(data_type, values)).collect()
}
