//! What records say: an epoch's rows and what became of each, decisions on dead letters, the
//! definitions in force. Metadata is postcard, the rows are an Arrow IPC stream.
//!
//! A field is only ever added together with a new [`super::header::FORMAT`].

use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_ipc::MetadataVersion;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use headwater_kernel::error::{Error, Kind, Result};
use serde::{Deserialize, Serialize};

/// Most events in one epoch.
pub const EPOCH_EVENTS_MAX: usize = 8_192;

/// Name of the column of an epoch's body that holds each row's own arrival, where rows have one.
/// No declared column can have this name.
pub const ARRIVED_AT: &str = "__arrived_at";

/// Alignment of buffers in a body: small pushes would pay for more, and nothing is mapped.
const ALIGNMENT_BYTES: usize = 8;

/// Rows of one stream or table that became visible together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochMeta {
    /// A table, not a stream?
    pub table: bool,
    /// Its name.
    pub source: String,
    /// Partition of the positions below; 0 for what is pushed.
    pub partition: u32,
    /// Offset of the first row.
    pub first_offset: u64,
    /// Rows that took an offset: accepted, duplicates and rejected.
    pub rows: u32,
    /// When it became visible; the greatest arrival where rows have their own.
    pub visible_at: i64,
    /// The clock when the record was made.
    pub wall_at: i64,
    /// Were arrivals taken from event times?
    pub simulated: bool,
    /// Accepted rows, those of the body in its order: runs of (first row, rows) within the epoch.
    pub accepted: Vec<(u32, u32)>,
    /// Rows dropped because their id had been there.
    pub duplicates: Vec<(u32, u32)>,
    /// Rows refused, with the reason.
    pub rejected: Vec<RejectedRow>,
    /// The pushes that this epoch is made of, in order of rows.
    pub pushes: Vec<PushMeta>,
    /// What was tolerated in decoding.
    pub quality: QualityMeta,
    /// The dead letter whose event this is, pushed again.
    pub replays: Option<String>,
}

/// What was tolerated while a push was decoded; of the pushes that begin in the epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QualityMeta {
    /// NaN and infinities read as null.
    pub not_finite: u64,
    /// Values of columns that the definitions do not have.
    pub unknown_values: u64,
    /// Names of such columns.
    pub unknown_names: Vec<String>,
    /// Floats that are no multiple of their scale.
    pub rounded: u64,
    /// The most that one of them loses.
    pub rounding_max: f64,
}

/// A row refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// Row within the epoch.
    pub row: u32,
    /// Name of the cause.
    pub cause: String,
    /// What was wrong.
    pub message: String,
    /// The row as it came.
    pub original: Vec<u8>,
}

/// A push, or the part of one that is in this epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushMeta {
    /// Key under which a repeat is known.
    pub idempotency_key: Option<String>,
    /// Offset of its first row, which may lie in a former epoch.
    pub first_offset: u64,
    /// Rows of it up to the end of this epoch.
    pub rows: u64,
    /// Does it go on in the next record? Then neither is valid without the other.
    pub more: bool,
}

/// What was decided about a dead letter without pushing anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionMeta {
    /// Id of the letter.
    pub letter: String,
    /// The clock then.
    pub wall_at: i64,
}

/// Definitions in force from this record on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationMeta {
    /// The blueprint as JSON.
    pub blueprint: String,
    /// The clock then.
    pub wall_at: i64,
}

impl EpochMeta {
    /// Accepted rows within the epoch, in the order of the body.
    pub fn accepted_rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.accepted.iter().flat_map(|(first, rows)| *first..*first + *rows)
    }

    /// How many rows were accepted.
    pub fn accepted_count(&self) -> u64 {
        self.accepted.iter().map(|(_, rows)| u64::from(*rows)).sum()
    }

    /// How many rows were dropped as repeated.
    pub fn duplicate_count(&self) -> u64 {
        self.duplicates.iter().map(|(_, rows)| u64::from(*rows)).sum()
    }
}

/// Ascending rows as runs of (first, length).
pub fn runs(rows: impl IntoIterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut out: Vec<(u32, u32)> = Vec::new();
    for row in rows {
        match out.last_mut() {
            Some((first, length)) if *first + *length == row => *length += 1,
            _ => out.push((row, 1)),
        }
    }
    out
}

/// Bytes of metadata.
pub fn encode_meta<T: Serialize>(meta: &T) -> Vec<u8> {
    postcard::to_stdvec(meta).expect("metadata of records has only types that postcard can write")
}

/// Metadata of bytes whose checksum is right.
pub fn decode_meta<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(|error| unreadable(&error.to_string()))
}

/// The rows of a body; `None` for an empty one.
pub fn decode_body(bytes: &[u8]) -> Result<Option<RecordBatch>> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let read = || StreamReader::try_new(Cursor::new(bytes), None)?.next().transpose();
    let batch = read().map_err(|error: arrow_schema::ArrowError| unreadable(&error.to_string()))?;
    batch.map(Some).ok_or_else(|| unreadable("no batch in the body"))
}

/// The body of accepted rows; empty for none.
pub fn encode_body(batch: &RecordBatch) -> Vec<u8> {
    if batch.num_rows() == 0 {
        return Vec::new();
    }
    let write = || {
        let options = IpcWriteOptions::try_new(ALIGNMENT_BYTES, false, MetadataVersion::V5)?;
        let schema = batch.schema();
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options)?;
        writer.write(batch)?;
        writer.into_inner()
    };
    write().expect("canonical batches can be written as an Arrow stream to memory")
}

fn unreadable(reason: &str) -> Error {
    Error::new(Kind::Data, "archive_damaged", "a record of the log cannot be read")
        .with_detail(reason)
}
