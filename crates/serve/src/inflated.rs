//! How large an Arrow stream becomes when its buffers are decompressed, read off its messages.
//!
//! It exists so that a small body cannot ask for a large memory: the sizes that it states are
//! compared with the bound of a body before anything is allocated. It decodes no values.

use arrow_ipc::{Message, RecordBatch, root_as_message};
use headwater_kernel::error::Result;

use crate::lookup::request::malformed;

/// Begins a message; older writers leave it out.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// A compressed buffer begins with its size before compression.
const SIZE_BYTES: usize = size_of::<i64>();

/// Bytes of all buffers after decompression; as many as they have where they are not compressed.
///
/// # Errors
/// `malformed_body` (invalid) where the bytes are no messages, or a buffer is outside its message.
pub fn inflated(mut stream: &[u8]) -> Result<usize> {
    let mut total = 0_usize;
    while let Some(length) = next_length(&mut stream)? {
        let head = take(&mut stream, length)?;
        let message = root_as_message(head).map_err(|error| malformed(error.to_string()))?;
        let length = usize::try_from(message.bodyLength()).map_err(|_| cut())?;
        let body = take(&mut stream, length)?;
        total = total.saturating_add(match batch_of(&message) {
            Some(batch) if batch.compression().is_some() => buffers(&batch, body)?,
            _ => body.len(),
        });
    }
    Ok(total)
}

fn batch_of<'a>(message: &Message<'a>) -> Option<RecordBatch<'a>> {
    let dictionary = || message.header_as_dictionary_batch()?.data();
    message.header_as_record_batch().or_else(dictionary)
}

/// The length of the next message's head; none at the end of the stream.
fn next_length(stream: &mut &[u8]) -> Result<Option<usize>> {
    if stream.is_empty() {
        return Ok(None);
    }
    if stream.starts_with(&CONTINUATION) {
        take(stream, CONTINUATION.len())?;
    }
    let length = take(stream, size_of::<u32>())?.try_into().map_err(|_| cut())?;
    match u32::from_le_bytes(length) {
        0 => Ok(None),
        length => Ok(Some(length as usize)),
    }
}

fn buffers(batch: &RecordBatch<'_>, body: &[u8]) -> Result<usize> {
    let mut total = 0_usize;
    for buffer in batch.buffers().into_iter().flatten() {
        let start = usize::try_from(buffer.offset()).map_err(|_| cut())?;
        let length = usize::try_from(buffer.length()).map_err(|_| cut())?;
        let bytes = body.get(start..).and_then(|rest| rest.get(..length)).ok_or_else(cut)?;
        let stated = bytes.first_chunk::<SIZE_BYTES>().map(|size| i64::from_le_bytes(*size));
        // Below zero: stored as it is, since compression would not have made it smaller.
        let size = stated.and_then(|size| usize::try_from(size).ok()).unwrap_or(length);
        total = total.saturating_add(size);
    }
    Ok(total)
}

fn take<'a>(stream: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, rest) = stream.split_at_checked(length).ok_or_else(cut)?;
    *stream = rest;
    Ok(taken)
}

fn cut() -> headwater_kernel::error::Error {
    malformed("a message of the Arrow stream is cut short").with_hint("send all of it")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch as Batch, StringArray};
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};

    use super::*;

    fn written(compression: Option<CompressionType>) -> Vec<u8> {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7; 1_000]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a text"; 1_000]));
        let batch = Batch::try_from_iter([("n", numbers), ("t", texts)]).unwrap();
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let schema = batch.schema();
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
        writer.write(&batch).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    /// Compressed or not, a stream of the same rows is as large, but for padding.
    #[test]
    fn a_stream_is_as_large_as_its_rows() {
        let plain = inflated(&written(None)).unwrap();
        assert!(plain >= 2 * (8_000 + 6_000 + 4_004), "{plain}");
        for codec in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
            let stream = written(Some(codec));
            assert!(stream.len() < 12_000, "{}", stream.len());
            assert!(plain.abs_diff(inflated(&stream).unwrap()) < 512);
        }
    }

    /// A stated size is believed whatever it is: it is compared with a bound, nothing more.
    #[test]
    fn a_stated_size_is_counted() {
        let mut stream = written(Some(CompressionType::ZSTD));
        let size = 8_000_i64.to_le_bytes();
        let at = stream.windows(SIZE_BYTES).position(|bytes| bytes == size).unwrap();
        stream[at..at + SIZE_BYTES].copy_from_slice(&i64::MAX.to_le_bytes());
        assert!(inflated(&stream).unwrap() >= i64::MAX as usize);
    }

    /// A stream cut anywhere but between messages is refused, never read past its end.
    #[test]
    fn a_cut_stream_is_refused_or_shorter() {
        let stream = written(Some(CompressionType::LZ4_FRAME));
        let whole = inflated(&stream).unwrap();
        for end in 0..stream.len() {
            match inflated(&stream[..end]) {
                Ok(size) => assert!(size <= whole),
                Err(error) => assert_eq!(error.code, "malformed_body", "cut at {end}"),
            }
        }
    }
}
