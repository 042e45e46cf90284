//! The one writer: it takes what is pushed, forms epochs, makes them durable and then visible.
//!
//! One thread, one bounded queue. Whatever waits is written together: one write, one sync, then
//! each epoch is applied and its pushes are answered. After a failed write it refuses everything
//! until the engine is opened again.

mod group;
mod upkeep;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use headwater_kernel::error::{Error, Kind, Result};
use headwater_store::online::EpochId;
use parking_lot::Mutex;

use crate::intake::Push;
use crate::intake::form::Source;
use crate::intake::idempotency::{Idempotency, Remembered};
use crate::intake::ids::Ids;
use crate::letters::LetterKey;
use crate::log::header::Identity;
use crate::log::write::Log;
use crate::receipt::Receipt;
use crate::shared::{Shared, closed};

/// Most pushes that are written together.
const GROUP_PUSHES_MAX: usize = 1_024;

/// Decoded bytes after which a group takes no further push: joined, their text stays far below
/// what 32-bit offsets reach.
const GROUP_BYTES_MAX: usize = 64 << 20;

/// Decoded rows after which a group takes no further push.
const GROUP_ROWS_MAX: usize = 262_144;

/// Decoded rows that may wait; a push is taken whatever its size when none waits.
pub const QUEUE_ROWS_MAX: usize = 4_000_000;

/// What the writer is asked to do.
pub enum Job {
    /// Accept rows, make them durable and visible.
    Push(Box<Push>, SyncSender<Result<Receipt>>),
    /// Give a dead letter up.
    Discard(LetterKey, SyncSender<Result<Receipt>>),
    /// Call this between two groups, with everything that only the writer knows.
    Between(Box<dyn FnOnce(&mut Writer) + Send>),
    /// End after what came before.
    Stop,
}

/// What only the writer thread touches.
pub struct Writer {
    /// The common ground.
    pub shared: Arc<Shared>,
    /// The end of the log.
    pub log: Log,
    /// By whom records are written.
    pub identity: Identity,
    /// Sequence of the next record.
    pub next_sequence: u64,
    /// Acceptance by source index.
    pub sources: Vec<Source>,
    /// Pushes known by key.
    pub idempotency: Idempotency,
    /// What changed for the next checkpoint.
    pub unsaved: Unsaved,
    /// How long closed segments are kept; none: for ever.
    pub retention_us: Option<i64>,
    /// Asked after each group whether a checkpoint is due.
    pub after_group: Box<dyn Fn(u64) + Send>,
}

/// What acceptance remembers and no checkpoint has yet.
#[derive(Debug, Default)]
pub struct Unsaved {
    /// (source, arrival, id) of accepted ids.
    pub ids: Vec<(usize, i64, u128)>,
    /// (source, key) of remembered pushes.
    pub keys: Vec<(String, String)>,
    /// (source, key) of forgotten ones.
    pub forgotten: Vec<(String, String)>,
}

impl Unsaved {
    /// Is there nothing to save?
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.keys.is_empty() && self.forgotten.is_empty()
    }
}

/// The way to the writer thread.
#[derive(Debug)]
pub struct Handle {
    queue: SyncSender<Job>,
    waiting_rows: Arc<AtomicUsize>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    /// Starts the thread; at most `queue_max` jobs wait for it.
    pub fn start(writer: Writer, queue_max: usize) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(queue_max.max(1));
        let builder = std::thread::Builder::new().name("headwater-writer".into());
        let waiting_rows = Arc::new(AtomicUsize::new(0));
        let taken = Arc::clone(&waiting_rows);
        let thread = builder.spawn(move || run(writer, &jobs, &taken))?;
        Ok(Self { queue, waiting_rows, thread: Mutex::new(Some(thread)) })
    }

    /// Hands a job over.
    ///
    /// # Errors
    /// `queue_full` (unavailable) when too many wait; kind `closed` after the end.
    pub fn send(&self, job: Job) -> Result<()> {
        let rows = rows_of(&job);
        let before = self.waiting_rows.fetch_add(rows, Ordering::AcqRel);
        let sent = match before > 0 && before + rows > QUEUE_ROWS_MAX {
            true => Err(queue_full()),
            false => self.queue.try_send(job).map_err(|error| match error {
                TrySendError::Full(_) => queue_full(),
                TrySendError::Disconnected(_) => closed(),
            }),
        };
        if sent.is_err() {
            self.waiting_rows.fetch_sub(rows, Ordering::AcqRel);
        }
        sent
    }

    /// Hands a job over, waiting for room.
    pub fn send_waiting(&self, job: Job) -> Result<()> {
        self.queue.send(job).map_err(|_| closed())
    }

    /// Ends the thread after everything that was handed over.
    pub fn stop(&self) {
        if let Some(thread) = self.thread.lock().take() {
            let _ = self.queue.send(Job::Stop);
            assert!(thread.join().is_ok(), "the writer never panics");
        }
    }
}

fn rows_of(job: &Job) -> usize {
    match job {
        Job::Push(push, _) => push.decoded.rows_total as usize,
        _ => 0,
    }
}

fn queue_full() -> Error {
    Error::new(Kind::Unavailable, "queue_full", "too many pushes are waiting")
        .with_hint("push again in a moment, with fewer and larger batches")
}

fn run(mut writer: Writer, jobs: &Receiver<Job>, waiting_rows: &AtomicUsize) {
    let mut held = None;
    loop {
        let Some(first) = held.take().or_else(|| jobs.recv().ok()) else { return };
        let mut group = Vec::new();
        let (mut rows, mut bytes) = (0, 0);
        let mut next = Some(first);
        while let Some(job) = next.take() {
            match job {
                Job::Push(push, reply) => {
                    rows += push.decoded.rows_total as usize;
                    bytes += push.decoded.batch.get_array_memory_size();
                    group.push(group::Asked::Push(push, reply));
                }
                Job::Discard(letter, reply) => group.push(group::Asked::Discard(letter, reply)),
                other => {
                    held = Some(other);
                    break;
                }
            }
            let full = rows >= GROUP_ROWS_MAX || bytes >= GROUP_BYTES_MAX;
            if group.len() < GROUP_PUSHES_MAX && !full {
                next = jobs.try_recv().ok();
            }
        }
        if !group.is_empty() {
            waiting_rows.fetch_sub(rows, Ordering::AcqRel);
            writer.write(group);
            writer.expire_keys();
        }
        match held.take() {
            Some(Job::Between(call)) => call(&mut writer),
            Some(Job::Stop) => return,
            other => held = other,
        }
    }
}

impl Writer {
    /// Every id held: (source, arrival, id).
    pub fn all_ids(&self) -> Vec<(usize, i64, u128)> {
        let mut out = Vec::new();
        for (index, source) in self.sources.iter().enumerate() {
            out.extend(source.ids.iter().flat_map(Ids::iter).map(|(at, id)| (index, at, id)));
        }
        out
    }

    /// Keys as a checkpoint takes them: remembered ones with their push, forgotten ones without.
    pub fn remembered(
        &self,
        keys: Vec<(String, String)>,
        forgotten: Vec<(String, String)>,
    ) -> Vec<(String, String, Option<Remembered>)> {
        keys.into_iter()
            .chain(forgotten)
            .map(|(source, key)| {
                let push = self.idempotency.find(&source, &key).cloned();
                (source, key, push)
            })
            .collect()
    }

    /// The epoch id of a record.
    pub fn epoch(&self, sequence: u64) -> EpochId {
        EpochId { term: self.identity.term, sequence }
    }
}
