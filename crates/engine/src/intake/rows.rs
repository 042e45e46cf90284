//! The rows of pushes in the order in which they take their offsets.
//!
//! Pushes that the clock stamps keep their order and may share an epoch; a push of history is
//! ordered by its own arrivals (stable). Refused rows stand where they came, and take offsets too.

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use headwater_kernel::error::{Error, Kind, Result};

use super::Push;

/// Where a row lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Row of the joined batch.
    Decoded(u32),
    /// Index into the push's rejected rows.
    Rejected(u32),
}

/// One row of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Index of its push.
    pub push: u32,
    /// Its number in the push.
    pub number: u32,
    /// Where it lies.
    pub slot: Slot,
}

/// Pushes of one source joined.
#[derive(Debug)]
pub struct Rows {
    /// The decoded rows of all, in the order of the pushes.
    pub batch: RecordBatch,
    /// All rows in the order of their offsets.
    pub rows: Vec<Row>,
    /// The arrival of each row of `batch`, for history.
    pub arrivals: Option<Vec<i64>>,
}

/// Joins pushes of one source: any number that the clock stamps, or one of history.
pub fn join(pushes: &[Push]) -> Result<Rows> {
    assert!(pushes.len() == 1 || !pushes.iter().any(Push::is_history), "history comes alone");
    let batch = match pushes {
        [push] => push.decoded.batch.clone(),
        _ => {
            let schema = pushes[0].decoded.batch.schema();
            let batches = pushes.iter().map(|push| &push.decoded.batch);
            concat_batches(&schema, batches).map_err(|error| {
                Error::new(Kind::Internal, "batches_differ", "pushes of a source cannot be joined")
                    .with_detail(error.to_string())
            })?
        }
    };
    let mut rows = Vec::with_capacity(batch.num_rows());
    let mut before = 0;
    for (index, push) in pushes.iter().enumerate() {
        number(push, index as u32, before, &mut rows);
        before += push.decoded.batch.num_rows() as u32;
    }
    let arrivals = pushes.first().and_then(|push| push.decoded.arrived_at.clone());
    if let Some(arrivals) = &arrivals {
        rows = by_arrival(rows, arrivals);
    }
    Ok(Rows { batch, rows, arrivals })
}

/// Appends the rows of a push by number; its decoded rows begin at `before` in the joined batch.
fn number(push: &Push, index: u32, before: u32, out: &mut Vec<Row>) {
    let decoded = &push.decoded;
    let (mut next, mut refused) = (0, 0);
    for number in 0..decoded.rows_total {
        let slot = if decoded.rows.get(next) == Some(&number) {
            next += 1;
            Slot::Decoded(before + next as u32 - 1)
        } else {
            refused += 1;
            Slot::Rejected(refused - 1)
        };
        out.push(Row { push: index, number, slot });
    }
    assert_eq!(next, decoded.rows.len(), "decoded rows are numbered in order");
    assert_eq!(refused as usize, decoded.rejected.len(), "every other row is rejected");
}

/// Rows ordered by arrival; a refused one goes with the row before it.
fn by_arrival(rows: Vec<Row>, arrivals: &[i64]) -> Vec<Row> {
    let mut last = i64::MIN;
    let mut keyed: Vec<(i64, Row)> = rows
        .into_iter()
        .map(|row| {
            if let Slot::Decoded(at) = row.slot {
                last = arrivals[at as usize];
            }
            (last, row)
        })
        .collect();
    keyed.sort_by_key(|(arrived_at, _)| *arrived_at);
    keyed.into_iter().map(|(_, row)| row).collect()
}
