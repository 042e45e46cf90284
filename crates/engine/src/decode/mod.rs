//! From what was pushed to columns: JSON array, NDJSON, Arrow IPC stream and record batches, all
//! under one contract. A row that breaks the contract fails alone and keeps its bytes; a body that
//! cannot be taken apart is one error and nothing of it is used. No clock, no disk, no views here.

mod arrow;
mod arrow_column;
mod columns;
mod json;
pub(crate) mod original;
mod quick;
mod row;
mod words;

use arrow_array::RecordBatch;
use bytes::Bytes;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::near;

use crate::contract::{Contract, Quality, Rejection};

pub(crate) use arrow::{decode_batches, row_count};
pub(crate) use original::row_as_json;

/// Most bytes of text in one body, so that 32-bit string offsets suffice: 2^31 - 1.
pub const BODY_BYTES_MAX: usize = 0x7fff_ffff;

/// What was pushed, undecoded.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A JSON array of objects.
    JsonArray(Bytes),
    /// JSON objects, a line each; empty lines are skipped.
    Ndjson(Bytes),
    /// An Arrow IPC stream with its end mark.
    ArrowStream(Bytes),
    /// Arrow record batches, of one schema or several.
    Batches(Vec<RecordBatch>),
}

/// A payload under its contract.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The accepted rows, in their order, in [`Contract::schema`].
    pub batch: RecordBatch,
    /// For each accepted row its number in the payload, from 0.
    pub rows: Vec<u32>,
    /// For each accepted row its arrival, if the contract says where arrivals come from.
    pub arrived_at: Option<Vec<i64>>,
    /// The rows that were not accepted, by number.
    pub rejected: Vec<Rejection>,
    /// What was tolerated.
    pub quality: Quality,
    /// Rows in the payload: accepted and rejected.
    pub rows_total: u32,
}

/// Decodes `payload` under `contract`.
///
/// # Errors
/// `malformed_body` (invalid) when the body cannot be taken apart into rows: a broken JSON array,
/// an array that is not UTF-8, a cut or damaged Arrow stream; `wrong_type` (invalid) when a column
/// of Arrow data has a type that cannot be what the contract declares. Nothing is accepted then.
///
/// NDJSON lines stand alone: one that is no JSON object, or not UTF-8, is rejected as `malformed`
/// and the rest goes on, and so is a last line without its newline that does not parse. (Whether a
/// body is whole is for the transport to know, by its length.) A row that names a declared column
/// twice is `malformed`: which of the two was meant cannot be known. `NaN`, `Infinity` and
/// `-Infinity` are read, as Python writes them, though they are no JSON.
///
/// Arrivals that were named and that no row has are `missing_arrivals` (invalid), of the whole.
pub fn decode(payload: Payload, contract: &Contract) -> Result<Decoded> {
    match payload {
        Payload::JsonArray(body) => json::decode_array(&body, contract),
        Payload::Ndjson(body) => json::decode_lines(&body, contract),
        Payload::ArrowStream(body) => arrow::decode_stream(body, contract),
        Payload::Batches(batches) => arrow::decode_batches(&batches, 0, contract),
    }
}

fn malformed_body(message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, "malformed_body", message)
}

/// The error of rows without the column of arrivals that was named.
fn missing_arrivals<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let message = format!("there is no column \"{name}\" with the arrivals");
    Error::new(Kind::Invalid, "missing_arrivals", message).with_hint(near::hint(name, names))
}

#[cfg(test)]
mod bad_input_tests;
#[cfg(test)]
mod equality_tests;
#[cfg(test)]
mod fixtures;
