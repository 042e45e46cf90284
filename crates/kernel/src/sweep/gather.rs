//! The columns of chosen events, in the order chosen: what is folded in runs.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType as ArrowType;

use super::SweepEvents;
use super::narrow::Narrowed;
use super::replay::Arrival;
use crate::error::{Error, Kind, Result};
use crate::fold::FoldBatch;
use crate::key::KeyColumn;
use crate::order::Tie;
use crate::state::SpaceState;

/// Columns of one length, as the narrow section has them.
pub(super) struct Gathered {
    keys: KeyColumn,
    times: Vec<i64>,
    ties: Option<Vec<Tie>>,
    inputs: Vec<ArrayRef>,
    filters: Vec<BooleanBuffer>,
}

/// Allocations of one run, used again for the next.
#[derive(Default)]
pub(super) struct Scratch {
    keys: KeyColumn,
    inputs: Vec<ArrayRef>,
    filters: Vec<BooleanBuffer>,
}

impl Gathered {
    /// Gathers the columns of `rows`.
    pub(super) fn new(
        narrowed: &Narrowed,
        events: &SweepEvents<'_>,
        rows: &[Arrival],
    ) -> Result<Self> {
        let mut keys = KeyColumn::with_capacity(rows.len());
        if rows.is_empty() {
            let (times, inputs, filters) = (Vec::new(), Vec::new(), Vec::new());
            return Ok(Self { keys, times, ties: None, inputs, filters });
        }
        let columns = events.chunks.iter().map(|chunk| KeyColumn::from_arrays(chunk.keys));
        let columns: Vec<KeyColumn> = columns.collect::<Result<_>>()?;
        for row in rows {
            keys.push_row(&columns[row.chunk as usize], row.row as usize);
        }
        let chunk = |row: &Arrival| &events.chunks[row.chunk as usize];
        let ordered = narrowed.section().ordered;
        let tie = |row: &Arrival| {
            let ties = chunk(row).ties.expect("an ordered section comes with ties");
            ties[row.row as usize].clone()
        };
        let inputs = narrowed.inputs.iter().map(|&input| {
            let columns: Vec<&ArrayRef> =
                events.chunks.iter().map(|chunk| &chunk.inputs[input]).collect();
            gather(&columns, rows)
        });
        let filters = narrowed.filters.iter().map(|&filter| {
            BooleanBuffer::collect_bool(rows.len(), |index| {
                let row = &rows[index];
                chunk(row).filters[filter].value(row.row as usize)
            })
        });
        Ok(Self {
            keys,
            times: rows.iter().map(|row| chunk(row).times[row.row as usize]).collect(),
            ties: ordered.then(|| rows.iter().map(tie).collect()),
            inputs: inputs.collect::<Result<_>>()?,
            filters: filters.collect(),
        })
    }

    /// Folds a run of rows.
    pub(super) fn fold(
        &self,
        state: &mut SpaceState,
        run: Range<usize>,
        sealed_at: i64,
        scratch: &mut Scratch,
    ) {
        scratch.keys.clear();
        run.clone().for_each(|row| scratch.keys.push_row(&self.keys, row));
        let slice = |input: &ArrayRef| input.slice(run.start, run.len());
        scratch.inputs.clear();
        scratch.inputs.extend(self.inputs.iter().map(slice));
        scratch.filters.clear();
        let slice = |filter: &BooleanBuffer| filter.slice(run.start, run.len());
        scratch.filters.extend(self.filters.iter().map(slice));
        let batch = FoldBatch {
            keys: &scratch.keys,
            times: &self.times[run.clone()],
            ties: self.ties.as_ref().map(|ties| &ties[run.clone()]),
            inputs: &scratch.inputs,
            filters: &scratch.filters,
        };
        state.fold(Narrowed::SECTION, &batch, sealed_at);
    }
}

/// One column of the chosen rows.
fn gather(columns: &[&ArrayRef], rows: &[Arrival]) -> Result<ArrayRef> {
    let Some(first) = columns.first() else {
        return Err(Error::new(Kind::Internal, "replay_input", "no chunk to gather from"));
    };
    match first.data_type() {
        ArrowType::Boolean => {
            let columns: Vec<&BooleanArray> = columns.iter().map(|c| c.as_boolean()).collect();
            Ok(Arc::new(BooleanArray::from_iter(rows.iter().map(|row| {
                let (column, row) = (columns[row.chunk as usize], row.row as usize);
                column.is_valid(row).then(|| column.value(row))
            }))))
        }
        ArrowType::Int64 => Ok(Arc::new(numbers::<Int64Type>(columns, rows))),
        ArrowType::Float64 => Ok(Arc::new(numbers::<Float64Type>(columns, rows))),
        ArrowType::Timestamp(..) => {
            let array = numbers::<TimestampMicrosecondType>(columns, rows);
            Ok(Arc::new(array.with_timezone("UTC")))
        }
        ArrowType::Utf8 => {
            let mut builder = StringBuilder::new();
            for row in rows {
                let (column, row) = (columns[row.chunk as usize], row.row as usize);
                builder.append_option(
                    column.is_valid(row).then(|| column.as_string::<i32>().value(row)),
                );
            }
            Ok(Arc::new(builder.finish()))
        }
        other => {
            let message = format!("an input of type {other} is none of ours");
            Err(Error::new(Kind::Internal, "replay_input", message))
        }
    }
}

fn numbers<T: ArrowPrimitiveType>(columns: &[&ArrayRef], rows: &[Arrival]) -> PrimitiveArray<T> {
    let columns: Vec<&PrimitiveArray<T>> =
        columns.iter().map(|column| column.as_primitive::<T>()).collect();
    PrimitiveArray::from_iter(rows.iter().map(|row| {
        let (column, row) = (columns[row.chunk as usize], row.row as usize);
        column.is_valid(row).then(|| column.value(row))
    }))
}
