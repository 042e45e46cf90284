//! Arrow IPC streams: batches out of bytes and bytes out of batches.

use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_select::concat::concat_batches;
use headwater_kernel::error::{Error, Kind, Result};

use crate::lookup::request::malformed;

/// Reads a whole stream into one batch.
///
/// # Errors
/// `malformed` (invalid) where it is no Arrow stream or ends early.
pub fn read(bytes: &[u8]) -> Result<RecordBatch> {
    let refused = |error: arrow_schema::ArrowError| {
        malformed(error.to_string()).with_hint("send a whole Arrow IPC stream (not a file)")
    };
    let reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(refused)?;
    let schema = reader.schema();
    let batches = reader.collect::<std::result::Result<Vec<_>, _>>().map_err(refused)?;
    concat_batches(&schema, &batches).map_err(refused)
}

/// Writes a batch as a stream.
///
/// # Errors
/// Kind `internal` where a batch cannot be written.
pub fn write(batch: &RecordBatch) -> Result<Vec<u8>> {
    let fault = |error: arrow_schema::ArrowError| {
        Error::new(Kind::Internal, "unwritable_batch", "a batch cannot be written as Arrow")
            .with_detail(error.to_string())
    };
    let mut writer = StreamWriter::try_new(Vec::new(), batch.schema_ref()).map_err(fault)?;
    writer.write(batch).map_err(fault)?;
    writer.into_inner().map_err(fault)
}
