//! Arrow bodies: IPC streams and record batches to canonical columns. Columns that are canonical
//! already are taken as they are, without a copy. Must never trust a length or an offset that the
//! stream states: arrow-ipc validates, and a panic in it is a malformed body.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, new_null_array};
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_schema::ArrowError;
use bytes::Bytes;
use headwater_kernel::error::{Error, Kind, Result};

use super::arrow_column::{Converted, convert, too_large};
use super::columns::ColumnBuilder;
use super::json::assemble;
use super::original::row_as_json;
use super::{BODY_BYTES_MAX, Decoded, malformed_body, missing_arrivals};
use crate::contract::{Cause, Contract, Fault, Quality, Rejection, canonical_type};

/// Decodes an Arrow IPC stream with its end mark.
pub(super) fn decode_stream(body: Bytes, contract: &Contract) -> Result<Decoded> {
    let batches = catch_unwind(AssertUnwindSafe(|| read_stream(body)))
        .unwrap_or_else(|_| Err(ArrowError::IpcError("a length or an offset is wrong".into())))
        .map_err(|error| {
            malformed_body("the body is not a whole Arrow IPC stream")
                .with_detail(error.to_string())
        })?;
    decode_batches(&batches, 0, contract)
}

fn read_stream(body: Bytes) -> std::result::Result<Vec<RecordBatch>, ArrowError> {
    let mut buffer = Buffer::from(body);
    let mut decoder = StreamDecoder::new();
    let mut batches = Vec::new();
    while !buffer.is_empty() {
        batches.extend(decoder.decode(&mut buffer)?);
    }
    decoder.finish()?;
    // A decoder past the end mark refuses one more byte; one that waits for a message takes it.
    let ended = decoder.decode(&mut Buffer::from(&[0_u8])).is_err();
    if !ended || decoder.schema().is_none() {
        return Err(ArrowError::IpcError("the end mark of the stream is missing".into()));
    }
    Ok(batches)
}

/// Rows of batches, as many as row numbers can tell apart.
pub(crate) fn row_count(batches: &[RecordBatch]) -> Result<u32> {
    let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
    u32::try_from(total)
        .map_err(|_| malformed_body(format!("{total} rows in one push are too many")))
}

/// Decodes record batches; rows are numbered through all of them, from `first` on.
pub(crate) fn decode_batches(
    batches: &[RecordBatch],
    mut first: u32,
    contract: &Contract,
) -> Result<Decoded> {
    let rows_total = row_count(batches)?;
    let mut parts = Vec::with_capacity(batches.len());
    let mut quality = Quality::default();
    let mut rejected = Vec::new();
    let mut rows = Vec::with_capacity(rows_total as usize);
    for batch in batches {
        let part = decode_batch(batch, first, contract, &mut quality)?;
        rows.extend(part.rows);
        rejected.extend(part.rejected);
        parts.push(part.columns);
        first += u32::try_from(batch.num_rows()).expect("the sum of all fits 32 bits");
    }
    let decoded = assemble(joined(parts, contract)?, rows, rejected, contract)?;
    Ok(Decoded { quality, rows_total, ..decoded })
}

/// The accepted rows of one batch.
struct Part {
    columns: Vec<ArrayRef>,
    rows: Vec<u32>,
    rejected: Vec<Rejection>,
}

fn decode_batch(
    batch: &RecordBatch,
    first: u32,
    contract: &Contract,
    quality: &mut Quality,
) -> Result<Part> {
    let height = batch.num_rows();
    let mut columns = Vec::with_capacity(contract.columns().len());
    let mut failures: Vec<Option<(Cause, String)>> = Vec::new();
    let mut missing = None;
    check_names(batch, contract)?;
    for (index, column) in contract.columns().iter().enumerate() {
        let Some(found) = batch.column_by_name(&column.name) else {
            if let Err(fault) = ColumnBuilder::new(contract, index, 1).push_absent() {
                missing.get_or_insert_with(|| fault.in_column(&column.name));
            }
            columns.push(new_null_array(&canonical_type(column.data_type), height));
            continue;
        };
        let Converted { array, faults } = convert(found, contract, index, quality)?;
        columns.push(array);
        note(&mut failures, faults, &column.name, height);
    }
    if let (Some(missing), true) = (missing, height > 0) {
        failures.resize(height, None);
        for failure in &mut failures {
            failure.get_or_insert_with(|| missing.clone());
        }
    }
    count_unknown(batch, contract, quality);
    Ok(split_rows(batch, first, columns, failures))
}

/// Refuses a frame as a whole where its columns cannot be what is meant: one that is read is there
/// twice, or the arrivals that were named are not there at all.
fn check_names(batch: &RecordBatch, contract: &Contract) -> Result<()> {
    let names = || batch.schema_ref().fields().iter().map(|field| field.name().as_str());
    for (index, column) in contract.columns().iter().enumerate() {
        let name = &column.name;
        let error = match names().filter(|found| found == name).count() {
            0 if index >= contract.declared() && batch.num_rows() > 0 => {
                missing_arrivals(name, names())
            }
            0 | 1 => continue,
            _ => {
                let message = format!("column \"{name}\" occurs twice");
                Error::new(Kind::Invalid, "duplicate_column", message)
                    .with_hint("rename or drop one of the two")
            }
        };
        return Err(error);
    }
    Ok(())
}

/// Keeps each row's first failure in the order of columns.
fn note(
    failures: &mut Vec<Option<(Cause, String)>>,
    faults: Vec<(usize, Fault)>,
    column: &str,
    height: usize,
) {
    if !faults.is_empty() {
        failures.resize(height, None);
    }
    for (row, fault) in faults {
        failures[row].get_or_insert_with(|| fault.in_column(column));
    }
}

fn split_rows(
    batch: &RecordBatch,
    first: u32,
    columns: Vec<ArrayRef>,
    failures: Vec<Option<(Cause, String)>>,
) -> Part {
    let height = u32::try_from(batch.num_rows()).expect("checked by decode_batches");
    if failures.is_empty() {
        return Part { columns, rows: (first..first + height).collect(), rejected: Vec::new() };
    }
    let accepted: BooleanArray = failures.iter().map(|failure| Some(failure.is_none())).collect();
    let columns = columns
        .iter()
        .map(|column| arrow_select::filter::filter(column, &accepted))
        .collect::<std::result::Result<_, _>>()
        .expect("mask and columns have the height of the batch");
    let mut part = Part { columns, rows: Vec::new(), rejected: Vec::new() };
    for (row, failure) in (first..).zip(failures) {
        let Some((cause, message)) = failure else {
            part.rows.push(row);
            continue;
        };
        let original = row_as_json(batch, (row - first) as usize);
        part.rejected.push(Rejection { row, cause, message, original });
    }
    part
}

fn count_unknown(batch: &RecordBatch, contract: &Contract, quality: &mut Quality) {
    for (field, values) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if !contract.columns().iter().any(|column| column.name == *field.name()) {
            quality.unknown(field.name(), values.len() as u64);
        }
    }
}

/// The columns of all parts, one after the other.
fn joined(mut parts: Vec<Vec<ArrayRef>>, contract: &Contract) -> Result<Vec<ArrayRef>> {
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    let columns = contract.columns().iter().enumerate().map(|(at, column)| {
        let pieces: Vec<&dyn Array> = parts.iter().map(|part| part[at].as_ref()).collect();
        if pieces.is_empty() {
            return Ok(new_null_array(&canonical_type(column.data_type), 0));
        }
        let text: usize = pieces.iter().map(|piece| piece.get_array_memory_size()).sum();
        if text > BODY_BYTES_MAX && pieces.iter().any(|piece| piece.data_type().is_string()) {
            return Err(too_large(&column.name));
        }
        arrow_select::concat::concat(&pieces).map_err(|error| {
            Error::new(Kind::Internal, "columns_disagree", "batches cannot be joined")
                .with_detail(error.to_string())
        })
    });
    columns.collect()
}
