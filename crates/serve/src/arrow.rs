//! Arrow IPC streams: batches out of bytes and bytes out of batches.

use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_select::concat::concat_batches;
use headwater_kernel::error::{Error, Kind, Result};

use crate::lookup::request::malformed;

/// The end mark of a stream: a continuation marker and no bytes. Readers also take a stream without
/// one, which cannot be told from one cut short.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// Reads a whole stream into one batch.
///
/// # Errors
/// `malformed_body` (invalid) where it is no Arrow stream or ends early.
pub fn read(bytes: &[u8]) -> Result<RecordBatch> {
    if !bytes.ends_with(&END) {
        return Err(malformed("the Arrow stream has no end mark").with_hint("send all of it"));
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    use super::*;

    fn batch() -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        RecordBatch::try_from_iter([("n", column)]).unwrap()
    }

    /// What was written reads back as the same batch.
    #[test]
    fn streams_read_back() {
        assert_eq!(read(&write(&batch()).unwrap()).unwrap(), batch());
    }

    /// A stream cut anywhere is refused, also where batches end.
    #[test]
    fn a_cut_stream_is_refused() {
        let bytes = write(&batch()).unwrap();
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]).unwrap_err().code, "malformed_body", "cut at {end}");
        }
    }
}
