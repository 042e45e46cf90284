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

/// Bytes of the rows as they came; of Arrow, of the buffers behind them.
pub fn size(rows: &Payload) -> usize {
    match rows {
        Payload::JsonArray(bytes) | Payload::Ndjson(bytes) | Payload::ArrowStream(bytes) => {
            bytes.len()
        }
        Payload::Batches(batches) => batches.iter().map(|b| b.get_array_memory_size()).sum(),
    }
}
