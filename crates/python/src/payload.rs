//! Rows as Python hands them over: NDJSON bytes, or a `Frame`.

use bytes::Bytes;
use headwater_engine::decode::Payload;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{Failure, invalid};
use crate::frame::Frame;

/// Takes rows, so that they can go to another thread.
pub fn payload(rows: &Bound<'_, PyAny>) -> Result<Payload, Failure> {
    if let Ok(frame) = rows.cast::<Frame>() {
        return Ok(Payload::Batches(frame.get().batches()));
    }
    if let Ok(lines) = rows.cast::<PyBytes>() {
        return Ok(Payload::Ndjson(Bytes::copy_from_slice(lines.as_bytes())));
    }
    let kind = rows.get_type().name()?.to_string();
    Err(invalid("not_rows", format!("rows are bytes of NDJSON or a Frame, not {kind}")).into())
}
