//! JSON bodies: an array of rows, or a row a line. The good case is one pass without copies; what
//! a bad row costs (finding its bytes again, parsing rows one by one) is paid only where one is
//! met. Must never accept a part of a body whose end is not there.

use arrow_array::{Array, ArrayRef, RecordBatch, TimestampMicrosecondArray};
use bytes::Bytes;
use headwater_kernel::error::{Error, Kind, Result};
use serde::de::DeserializeSeed;
use serde_json::value::RawValue;

use super::row::Rows;
use super::words::{Covered, covered, end_of_element};
use super::{BODY_BYTES_MAX, Decoded, malformed_body, missing_arrivals};
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
    let mut rejected = Vec::new();
    match walk(text, &mut rows, &mut rejected, &body) {
        Some(total) => finish(rows, total, rejected, contract),
        None => Err(broken(text)),
    }
}

/// Walks over the elements of an array: their number, or none where the array is broken.
fn walk(
    text: &str,
    rows: &mut Rows<'_>,
    rejected: &mut Vec<Rejection>,
    body: &Bytes,
) -> Option<u32> {
    let mut at = skip_space(text, 0);
    let mut number = 0_u32;
    at = skip_space(text, after(text, at, b'[')?);
    if let Some(end) = after(text, at, b']') {
        return (skip_space(text, end) == text.len()).then_some(0);
    }
    loop {
        at = match rows.quick_row(text, at) {
            Some(end) => end,
            None => {
                let (original, end) = element(text, at)?;
                if let Some((cause, message)) = parse_row(rows, original) {
                    let original = body.slice_ref(original.as_bytes());
                    rejected.push(Rejection { row: number, cause, message, original });
                }
                end
            }
        };
        number = number.checked_add(1)?;
        at = skip_space(text, at);
        match after(text, at, b',') {
            Some(next) => at = skip_space(text, next),
            None => break,
        }
    }
    let end = after(text, at, b']')?;
    (skip_space(text, end) == text.len()).then_some(number)
}

/// The element that begins at `at`, and where it ends; none where it is no JSON, words aside.
fn element(text: &str, at: usize) -> Option<(&str, usize)> {
    let mut elements = serde_json::Deserializer::from_str(&text[at..]).into_iter();
    if let Some(Ok(element)) = elements.next() {
        let element: &RawValue = element;
        return Some((element.get(), at + elements.byte_offset()));
    }
    let end = end_of_element(text, at)?;
    let known = covered(&text[at..end])?;
    serde_json::from_str::<&RawValue>(&known.text).ok()?;
    Some((text[at..end].trim_ascii_end(), end))
}

fn skip_space(text: &str, mut at: usize) -> usize {
    while matches!(text.as_bytes().get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The place after `wanted`, if that stands at `at`.
fn after(text: &str, at: usize, wanted: u8) -> Option<usize> {
    (text.as_bytes().get(at) == Some(&wanted)).then_some(at + 1)
}

/// Decodes a row a line; lines of white space are no rows.
pub(super) fn decode_lines(body: &Bytes, contract: &Contract) -> Result<Decoded> {
    let body = without_mark(body)?;
    let text = std::str::from_utf8(&body).ok();
    let mut rows = Rows::new(contract, body.len() / ROW_BYTES_EXPECTED + 1);
    let mut rejected = Vec::new();
    let mut number = 0_u32;
    let mut start = 0;
    while start < body.len() {
        let end = memchr::memchr(b'\n', &body[start..]).map_or(body.len(), |at| start + at);
        let line = body[start..end].trim_ascii();
        if !line.is_empty() {
            let known = text.and_then(|text| text.get(start..end)).map(str::trim_ascii);
            let failed = match known.map_or_else(|| std::str::from_utf8(line), Ok) {
                Ok(line) if rows.quick_line(line) => None,
                Ok(line) => parse_row(&mut rows, line),
                Err(error) => {
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
pub(super) fn parse_row(rows: &mut Rows<'_>, text: &str) -> Option<(Cause, String)> {
    let before = rows.begin_row();
    let mut parser = serde_json::Deserializer::from_str(text);
    let mut parsed = rows.seed().deserialize(&mut parser).and_then(|()| parser.end());
    if let (Err(_), Some(Covered { text, places })) = (&parsed, covered(text)) {
        rows.drop_row();
        rows.forget_row(before);
        let mut parser = serde_json::Deserializer::from_str(&text);
        parsed = rows.seed_with(places).deserialize(&mut parser).and_then(|()| parser.end());
    }
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

/// The error of a body that is no whole array.
fn broken(text: &str) -> Error {
    if !text.trim_ascii_start().starts_with('[') {
        return malformed_body("the body is not a JSON array")
            .with_hint("send an array of objects, or NDJSON with its content type");
    }
    let error = malformed_body("the body is not a whole JSON array");
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Err(found) => error.with_detail(found.to_string()),
        Ok(elements) => error.with_detail(format!("it has {} elements", elements.len())),
    }
}

fn without_mark(body: &Bytes) -> Result<Bytes> {
    if body.len() > BODY_BYTES_MAX {
        return Err(malformed_body(format!("a body of {} bytes is too large", body.len()))
            .with_hint(format!("send at most {BODY_BYTES_MAX} bytes at once")));
    }
    let skip = if body.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    Ok(body.slice(skip..))
}

fn finish(
    rows: Rows<'_>,
    total: u32,
    rejected: Vec<Rejection>,
    contract: &Contract,
) -> Result<Decoded> {
    check_arrivals(&rows, &rejected, contract)?;
    let finished = rows.finish();
    let columns = finished.builders.into_iter().map(|builder| builder.finish()).collect();
    assemble(columns, accepted_rows(total, &rejected), rejected, contract).map(|decoded| Decoded {
        quality: finished.quality,
        rows_total: total,
        ..decoded
    })
}

/// Refuses rows as a whole where none has the arrivals that were named: rows that can be read, and
/// each of which would be refused for it alone.
fn check_arrivals(rows: &Rows<'_>, rejected: &[Rejection], contract: &Contract) -> Result<()> {
    let Arrivals::Column(column) = contract.arrivals() else { return Ok(()) };
    let readable = rejected.iter().any(|row| row.cause != Cause::Malformed);
    if column < contract.declared() || !readable || !rows.never_seen(column) {
        return Ok(());
    }
    let declared = contract.columns()[..contract.declared()].iter().map(|c| c.name.as_str());
    let unknown = rows.unknown_names().map(String::as_str);
    Err(missing_arrivals(&contract.columns()[column].name, unknown.chain(declared)))
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
