//! JSON bodies: an array of rows, or a row a line. The good case is one pass without copies; what
//! a bad row costs (finding its bytes again, parsing rows one by one) is paid only where one is
//! met. Must never accept a part of a body whose end is not there.

use arrow_array::{Array, ArrayRef, RecordBatch, TimestampMicrosecondArray};
use bytes::Bytes;
use headwater_kernel::error::{Error, Kind, Result};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

use super::row::Rows;
use super::{BODY_BYTES_MAX, Decoded, malformed_body};
use crate::contract::{Arrivals, Cause, Contract, Rejection};

/// A guess at the bytes of a row, for the first allocation only.
const ROW_BYTES_EXPECTED: usize = 100;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Decodes a JSON array of objects.
pub(super) fn decode_array(body: &Bytes, contract: &Contract) -> Result<Decoded> {
    let body = without_mark(body)?;
    let text = std::str::from_utf8(&body).map_err(|error| {
        malformed_body("the body is not UTF-8")
            .with_detail(format!("the first bad byte is at offset {}", error.valid_up_to()))
    })?;
    let mut rows = Rows::new(contract, body.len() / ROW_BYTES_EXPECTED + 1);
    let mut failures = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seed = ArraySeed { rows: &mut rows, failures: &mut failures };
    let whole = seed.deserialize(&mut deserializer).and_then(|total| {
        deserializer.end()?;
        Ok(total)
    });
    let Ok(total) = whole else {
        return decode_one_by_one(&body, text, contract);
    };
    let rejected = if failures.is_empty() {
        Vec::new()
    } else {
        let parts = split(text)?;
        failures.into_iter().map(|failure| rejection(&body, failure, &parts)).collect()
    };
    finish(rows, total, rejected, contract)
}

/// Decodes an array of which a row does not parse: if it can be taken apart, the row fails alone.
fn decode_one_by_one(body: &Bytes, text: &str, contract: &Contract) -> Result<Decoded> {
    let parts = split(text)?;
    let mut rows = Rows::new(contract, parts.len());
    let mut rejected = Vec::new();
    for (number, part) in (0_u32..).zip(&parts) {
        if let Some((cause, message)) = parse_row(&mut rows, part) {
            rejected.push(rejection(body, Failure { row: number, cause, message }, &parts));
        }
    }
    finish(rows, row_count(parts.len())?, rejected, contract)
}

/// Decodes a row a line; lines of white space are no rows.
pub(super) fn decode_lines(body: &Bytes, contract: &Contract) -> Result<Decoded> {
    let body = without_mark(body)?;
    let valid = std::str::from_utf8(&body).is_ok();
    let mut rows = Rows::new(contract, body.len() / ROW_BYTES_EXPECTED + 1);
    let mut rejected = Vec::new();
    let mut number = 0_u32;
    let mut start = 0;
    while start < body.len() {
        let end = memchr::memchr(b'\n', &body[start..]).map_or(body.len(), |at| start + at);
        let line = body[start..end].trim_ascii();
        if !line.is_empty() {
            let failed = match std::str::from_utf8(line) {
                Ok(line) => parse_row(&mut rows, line),
                Err(error) => {
                    debug_assert!(!valid, "a body of UTF-8 has only lines of UTF-8");
                    rows.drop_row();
                    let message = format!("not UTF-8 from byte {} on", error.valid_up_to());
                    Some((Cause::Malformed, message))
                }
            };
            if let Some((cause, message)) = failed {
                let original = body.slice_ref(line);
                rejected.push(Rejection { row: number, cause, message, original });
            }
            number += 1;
        }
        start = end + 1;
    }
    finish(rows, number, rejected, contract)
}

/// Parses one row standing alone; tells why it is not accepted.
fn parse_row(rows: &mut Rows<'_>, text: &str) -> Option<(Cause, String)> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = rows.seed().deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match parsed {
        Ok(()) => rows.end_row(),
        Err(error) => {
            rows.drop_row();
            Some(syntax_failure(&error))
        }
    }
}

fn syntax_failure(error: &serde_json::Error) -> (Cause, String) {
    let text = error.to_string();
    if text.starts_with("number out of range") {
        let message = format!("a number is too large for a double, at byte {}", error.column());
        return (Cause::ValueOutOfRange, message);
    }
    // serde_json appends " at line L column C"; the row is one line of its own.
    let what = text.split(" at line ").next().unwrap_or(&text);
    (Cause::Malformed, format!("not JSON: {what} at byte {}", error.column()))
}

/// A row of an array that failed, before its bytes are looked up.
struct Failure {
    row: u32,
    cause: Cause,
    message: String,
}

fn rejection(body: &Bytes, failure: Failure, parts: &[&str]) -> Rejection {
    let part = parts[failure.row as usize];
    Rejection {
        row: failure.row,
        cause: failure.cause,
        message: failure.message,
        original: body.slice_ref(part.as_bytes()),
    }
}

/// The text of each element of an array.
fn split(text: &str) -> Result<Vec<&str>> {
    let parts: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| broken(text, &error))?;
    Ok(parts.into_iter().map(RawValue::get).collect())
}

fn broken(text: &str, error: &serde_json::Error) -> Error {
    if !text.trim_ascii_start().starts_with('[') {
        return malformed_body("the body is not a JSON array")
            .with_hint("send an array of objects, or NDJSON with its content type");
    }
    malformed_body("the body is not a whole JSON array").with_detail(error.to_string())
}

fn without_mark(body: &Bytes) -> Result<Bytes> {
    if body.len() > BODY_BYTES_MAX {
        return Err(malformed_body(format!("a body of {} bytes is too large", body.len()))
            .with_hint(format!("send at most {BODY_BYTES_MAX} bytes at once")));
    }
    let skip = if body.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    Ok(body.slice(skip..))
}

fn row_count(rows: usize) -> Result<u32> {
    u32::try_from(rows).map_err(|_| malformed_body("the body has more than 2^32 rows"))
}

fn finish(
    rows: Rows<'_>,
    total: u32,
    rejected: Vec<Rejection>,
    contract: &Contract,
) -> Result<Decoded> {
    let finished = rows.finish();
    let columns = finished.builders.into_iter().map(|builder| builder.finish()).collect();
    assemble(columns, accepted_rows(total, &rejected), rejected, contract).map(|decoded| Decoded {
        quality: finished.quality,
        rows_total: total,
        ..decoded
    })
}

/// The numbers of the rows that are not rejected.
fn accepted_rows(total: u32, rejected: &[Rejection]) -> Vec<u32> {
    let mut rows = Vec::with_capacity(total as usize - rejected.len());
    let mut from = 0;
    for rejection in rejected {
        rows.extend(from..rejection.row);
        from = rejection.row + 1;
    }
    rows.extend(from..total);
    rows
}

/// Puts canonical columns of the accepted rows together; quality is filled in by the caller.
pub(super) fn assemble(
    mut columns: Vec<ArrayRef>,
    rows: Vec<u32>,
    rejected: Vec<Rejection>,
    contract: &Contract,
) -> Result<Decoded> {
    let arrived_at = match contract.arrivals() {
        Arrivals::Stamped => None,
        Arrivals::Column(column) => Some(instants(&columns[column])),
        Arrivals::EventTime => contract.time().map(|column| instants(&columns[column])),
    };
    columns.truncate(contract.declared());
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let schema = contract.schema().clone();
    let batch = RecordBatch::try_new_with_options(schema, columns, &options).map_err(|error| {
        Error::new(Kind::Internal, "columns_disagree", "decoded columns do not make a batch")
            .with_detail(error.to_string())
    })?;
    let rows_total = 0;
    let quality = crate::contract::Quality::default();
    Ok(Decoded { batch, rows, arrived_at, rejected, quality, rows_total })
}

fn instants(column: &ArrayRef) -> Vec<i64> {
    let column = column.as_any().downcast_ref::<TimestampMicrosecondArray>();
    column.expect("columns of arrivals are instants").values().to_vec()
}

/// Parses a whole array into rows; its value is their number.
struct ArraySeed<'r, 'c> {
    rows: &'r mut Rows<'c>,
    failures: &'r mut Vec<Failure>,
}

impl<'de> DeserializeSeed<'de> for ArraySeed<'_, '_> {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<u32, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ArraySeed<'_, '_> {
    type Value = u32;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<u32, A::Error> {
        let mut number = 0;
        while seq.next_element_seed(self.rows.seed())?.is_some() {
            if let Some((cause, message)) = self.rows.end_row() {
                self.failures.push(Failure { row: number, cause, message });
            }
            number += 1;
        }
        Ok(number)
    }
}
