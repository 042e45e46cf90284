//! What a server stands on: state that can be asked, and the verbs that change it.
//!
//! It exists so that the server knows no engine: the embedded engine implements it by delegation
//! only. Calls may block for as long as a disk takes; the server makes them from threads meant for
//! that, so an implementation must be callable from many threads at once.

use std::sync::atomic::AtomicBool;

use arrow_array::RecordBatch;
use bytes::Bytes;
use headwater_kernel::error::Result;
use headwater_store::online::Online;

/// How the bytes of a payload are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON array of objects; it parses as a whole or not at all.
    JsonArray,
    /// One JSON object a line; lines fail alone.
    Ndjson,
    /// An Arrow IPC stream.
    ArrowStream,
}

/// Rows as they came, not decoded yet.
#[derive(Clone, Debug)]
pub struct Payload {
    /// How to read them.
    pub format: Format,
    /// The whole body.
    pub bytes: Bytes,
}

/// What goes with a push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushOptions {
    /// The column that holds each row's own arrival: history; none: the clock stamps it.
    pub arrived_at: Option<String>,
    /// A repeat with the same key is answered with the first positions and applied no more.
    pub idempotency_key: Option<String>,
}

/// What became of a push; durable and visible when it is returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Rows applied by this push.
    pub accepted: u64,
    /// Rows seen before.
    pub duplicates: u64,
    /// Number of rejected rows by cause, for the metrics.
    pub rejected: Vec<(String, u64)>,
    /// The receipt as JSON: `{"accepted", "duplicates", "rejected": [...], "positions": {...}}`.
    pub body: Vec<u8>,
}

/// Whose knowledge a training set holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AsOf {
    /// All events now known: the truth.
    #[default]
    EventTime,
    /// What had arrived by each label's instant: what production knew.
    Arrival,
}

/// What goes with a training set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingOptions {
    /// The label column that holds `t`.
    pub time: String,
    /// Whose knowledge.
    pub as_of: AsOf,
    /// The labels are a further part of a larger set: the number of the epoch that it was answered
    /// from, as its metadata tells it.
    pub epoch: Option<u64>,
}

/// Which dead letters to list: at most `limit`, those after the id `after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Most letters in the answer.
    pub limit: i64,
    /// The id after which to begin; none: from the first.
    pub after: Option<String>,
}

/// State and verbs behind a server. All JSON is UTF-8 and is passed on as it is.
pub trait Backend: Send + Sync + 'static {
    /// The state that lookups read.
    fn online(&self) -> &dyn Online;

    /// Nothing when requests may come, else why not (kind `unavailable` or `closed`).
    ///
    /// # Errors
    /// While recovering, after a failed disk and once closed. Answers at once, never waits.
    fn ready(&self) -> Result<()>;

    /// Pushes rows of a stream; durable and visible when it returns.
    ///
    /// # Errors
    /// `unknown_stream` (not found), a payload that does not parse as a whole (invalid,
    /// `malformed_body`), `arrival_backwards`, and kind `unavailable` where the disk refuses.
    fn push(&self, stream: &str, rows: Payload, options: &PushOptions) -> Result<Receipt>;

    /// Puts rows of a table; durable and visible when it returns.
    ///
    /// # Errors
    /// As [`Backend::push`], with `unknown_table`.
    fn put(&self, table: &str, rows: Payload, options: &PushOptions) -> Result<Receipt>;

    /// The label rows in their own order and number with the features of a service, or of a view
    /// of that name, after them. Stops soon after `cancelled` turns true.
    ///
    /// # Errors
    /// Unknown names, labels without a key or time column, name clashes; kind `unavailable`, code
    /// `cancelled`, when told to stop.
    fn training_set(
        &self,
        service: &str,
        labels: RecordBatch,
        options: &TrainingOptions,
        cancelled: &AtomicBool,
    ) -> Result<RecordBatch>;

    /// Dead letters of a stream or table as JSON: `{"letters": [...], "next": id or null}`.
    ///
    /// # Errors
    /// `unknown_stream` (not found), `wrong_parameter` (invalid) for a limit out of bounds.
    fn dead_letters(&self, stream: &str, page: &Page) -> Result<Vec<u8>>;

    /// One dead letter, whole, as JSON.
    ///
    /// # Errors
    /// `unknown_dead_letter` (not found).
    fn dead_letter(&self, stream: &str, id: &str) -> Result<Vec<u8>>;

    /// Pushes a dead letter again, exactly once; the receipt as JSON.
    ///
    /// # Errors
    /// `unknown_dead_letter` (not found), kind `conflict` where it was replayed or discarded.
    fn replay_dead_letter(&self, stream: &str, id: &str) -> Result<Vec<u8>>;

    /// Gives a dead letter up, on record; what was recorded as JSON.
    ///
    /// # Errors
    /// As [`Backend::replay_dead_letter`].
    fn discard_dead_letter(&self, stream: &str, id: &str) -> Result<Vec<u8>>;

    /// The state of all of it as JSON: streams, tables, epoch, quality, sizes.
    ///
    /// # Errors
    /// Kind `closed` after the end.
    fn status(&self) -> Result<Vec<u8>>;
}
