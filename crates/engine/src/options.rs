//! What opening an engine and its verbs take. Plain data; every bound is here with its default.

use std::path::PathBuf;
use std::sync::Arc;

use headwater_kernel::blueprint::Blueprint;

use crate::clock::{Clock, SystemClock};
use crate::files::Files;
use crate::log::SEGMENT_BYTES;
use crate::open::Watch;

/// How long pushes are known by their key: 24 h.
pub const IDEMPOTENCY_US: i64 = 86_400_000_000;

/// Jobs that may wait for the writer.
pub const QUEUE_MAX: usize = 4_096;

/// Bytes of log after which a checkpoint is due: 64 MiB, below a second of folding.
pub const CHECKPOINT_BYTES: u64 = 64 << 20;

/// Longest idempotency key, bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;

/// What opening takes.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The definitions.
    pub blueprint: Blueprint,
    /// The data folder; none: all in memory, nothing survives.
    pub path: Option<PathBuf>,
    /// Files to use instead of the path's; for tests and other disks.
    pub files: Option<Arc<dyn Files>>,
    /// Project and environment: data of another one is refused.
    pub namespace: String,
    /// Where the process answers, for whoever finds the folder owned.
    pub address: Option<String>,
    /// How long pushes are known by their key, microseconds.
    pub idempotency_us: i64,
    /// How long closed segments are kept, microseconds; none: for ever.
    pub retention_us: Option<i64>,
    /// Jobs that may wait for the writer; more are refused with `queue_full`.
    pub queue_max: usize,
    /// Bytes of log after which a checkpoint is taken; none: only on close.
    pub checkpoint_bytes: Option<u64>,
    /// Bytes after which a segment is closed.
    pub segment_bytes: u64,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Is told how far filling from the archive has come.
    pub watch: Option<Watch>,
}

impl OpenOptions {
    /// These definitions, all in memory, with every default.
    pub fn new(blueprint: Blueprint) -> Self {
        Self {
            blueprint,
            path: None,
            files: None,
            namespace: "default".into(),
            address: None,
            idempotency_us: IDEMPOTENCY_US,
            retention_us: None,
            queue_max: QUEUE_MAX,
            checkpoint_bytes: Some(CHECKPOINT_BYTES),
            segment_bytes: SEGMENT_BYTES,
            clock: Arc::new(SystemClock),
            watch: None,
        }
    }
}

/// What goes with a push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushOptions {
    /// The column with each row's own arrival, or `event_time`; none: the clock stamps it.
    pub arrived_at: Option<String>,
    /// A repeat with the same key is answered with the first positions and applied no more.
    pub idempotency_key: Option<String>,
}
