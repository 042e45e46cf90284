//! The engine as its users see it: open, push, put, ask for history, look at dead letters, close.
//!
//! Verbs may be called from any thread. A push is durable and visible when it returns; after
//! [`Engine::close`] everything is refused.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow_array::RecordBatch;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::Plan;
use headwater_store::online::{EpochId, Online, Positions};
use parking_lot::Mutex;
use serde_json::Value as Json;

use crate::archive::history_of_all;
use crate::checkpoint::runner::Checkpointer;
use crate::contract::Arrivals;
use crate::decode::{Payload, decode};
use crate::intake::Push;
use crate::open::{OpenReport, Opened, open};
use crate::options::{IDEMPOTENCY_KEY_BYTES_MAX, OpenOptions, PushOptions};
use crate::ownership::{Owner, Ownership, owner};
use crate::pending::Pending;
use crate::receipt::Receipt;
use crate::shared::{Shared, closed};
use crate::training::{TrainingOptions, TrainingSet, point_in_time, select};
use crate::writer::{Handle, Job};

/// A durable log with the state that it folds to; or all in memory.
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Arc<Handle>,
    pub(crate) checkpoints: Option<Arc<Checkpointer>>,
    checkpoint_thread: Mutex<Option<JoinHandle<()>>>,
    ownership: Mutex<Option<Ownership>>,
    report: OpenReport,
}

impl Engine {
    /// Opens the folder of the options, or an empty engine in memory.
    ///
    /// # Errors
    /// `owned` (conflict) while another process has the folder, with its address;
    /// `schema_changed` (conflict); `archive_damaged` (data) with file and offset;
    /// `storage_failed` (unavailable).
    pub fn open(options: &OpenOptions) -> Result<Self> {
        let Opened { shared, mut writer, store, covered, full_next, ownership, report } =
            open(options)?;
        let (due, asked) = sync_channel(1);
        writer.after_group = after_group(due, writer.log.bytes(), options.checkpoint_bytes);
        writer.retention_us = options.retention_us;
        let spawn = |error: std::io::Error| {
            Error::new(Kind::Unavailable, "no_thread", "a thread of the engine cannot start")
                .with_detail(error.to_string())
        };
        let writer = Arc::new(Handle::start(writer, options.queue_max).map_err(spawn)?);
        let checkpoints = store.map(|store| {
            let (shared, writer) = (Arc::clone(&shared), Arc::clone(&writer));
            Arc::new(Checkpointer::new(shared, store, writer, covered, full_next))
        });
        let thread = match &checkpoints {
            Some(checkpoints) => Some(checkpoints.start(asked).map_err(spawn)?),
            None => None,
        };
        let engine = Self {
            shared,
            writer,
            checkpoints,
            checkpoint_thread: Mutex::new(thread),
            ownership: Mutex::new(Some(ownership)),
            report,
        };
        if full_next {
            engine.checkpoint()?;
        }
        Ok(engine)
    }

    /// Who has the folder at `path` open; `None` when nobody has.
    pub fn owner(path: &Path) -> Result<Option<Owner>> {
        owner(path)
    }

    /// Says where this process answers, for whoever finds the folder owned.
    pub fn announce(&self, address: Option<&str>) -> Result<()> {
        let mut ownership = self.ownership.lock();
        let ownership = ownership.as_mut().ok_or_else(closed)?;
        let term = ownership.owner().term;
        ownership.declare(&*self.shared.files, term, address)
    }

    /// What opening did.
    pub fn report(&self) -> &OpenReport {
        &self.report
    }

    /// The plan in force.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.shared.plan
    }

    /// The read contract.
    pub fn online(&self) -> &dyn Online {
        &*self.shared
    }

    /// Pushes events of a stream; durable and visible when it returns.
    ///
    /// # Errors
    /// `unknown_stream` (not found), `malformed_body` (invalid), `arrival_backwards` (conflict)
    /// with the row, `queue_full` and `storage_failed` (unavailable), kind `closed`.
    pub fn push(&self, stream: &str, rows: Payload, options: &PushOptions) -> Result<Receipt> {
        self.begin_push(stream, rows, options)?.wait()
    }

    /// The same without waiting for the disk: decoded and handed over when it returns.
    ///
    /// # Errors
    /// As [`Engine::push`].
    pub fn begin_push(
        &self,
        stream: &str,
        rows: Payload,
        options: &PushOptions,
    ) -> Result<Pending> {
        let source = self.shared.sources.stream(stream)?;
        self.push_to(source, rows, options, None)
    }

    /// Puts rows of a table; durable and visible when it returns.
    ///
    /// # Errors
    /// As [`Engine::push`], with `unknown_table`.
    pub fn put(&self, table: &str, rows: Payload, options: &PushOptions) -> Result<Receipt> {
        self.begin_put(table, rows, options)?.wait()
    }

    /// The same without waiting for the disk: decoded and handed over when it returns.
    ///
    /// # Errors
    /// As [`Engine::put`].
    pub fn begin_put(&self, table: &str, rows: Payload, options: &PushOptions) -> Result<Pending> {
        let source = self.shared.sources.table(table)?;
        self.push_to(source, rows, options, None)
    }

    pub(crate) fn push_to(
        &self,
        source: usize,
        rows: Payload,
        options: &PushOptions,
        replays: Option<String>,
    ) -> Result<Pending> {
        self.shared.check_writable()?;
        check_key(options.idempotency_key.as_deref())?;
        let definition = self.shared.sources.get(source);
        let contract = definition.contract(options.arrived_at.as_deref())?;
        let decoded = decode(rows, &contract)?;
        if decoded.rows_total == 0 {
            return Ok(Pending::known(self.empty_receipt(source)));
        }
        if let (Some(_), Some(refused)) = (&replays, decoded.rejected.first()) {
            return Err(still_refused(refused.cause.name(), &refused.message));
        }
        let push = Push {
            source,
            decoded,
            simulated: contract.arrivals() == Arrivals::EventTime,
            idempotency_key: options.idempotency_key.clone(),
            replays,
        };
        let (reply, answer) = sync_channel(1);
        self.writer.send(Job::Push(Box::new(push), reply))?;
        Ok(Pending::coming(answer))
    }

    fn empty_receipt(&self, source: usize) -> Receipt {
        let next = self.shared.state.read().sources[source].next_offset;
        let name = self.shared.sources.get(source).name().to_string();
        let positions = Positions::from([(name, [(0, (next, next))].into())]);
        Receipt { positions, ..Receipt::default() }
    }

    /// The features of a service, or of a view, at each label row, from all that is in the log at
    /// the newest visible epoch, or at the one of the set that this one continues.
    ///
    /// # Errors
    /// As [`point_in_time`], `unknown_epoch` (conflict), `archive_damaged` (data), kind `closed`.
    pub fn training_set(
        &self,
        target: &str,
        labels: &[RecordBatch],
        options: &TrainingOptions<'_>,
    ) -> Result<TrainingSet> {
        self.shared.check_open()?;
        let plan = &self.shared.plan;
        let service = select(plan, target)?;
        let mut wanted = vec![false; self.shared.sources.len()];
        for input in &service.inputs {
            wanted[self.shared.sources.of_view(plan, input.view)] = true;
        }
        let newest = self.shared.state.read().epoch;
        let epoch = match options.continues {
            Some(sequence) if sequence > newest.sequence => {
                return Err(unknown_epoch(sequence, newest));
            }
            // The number says it all; the term tells who wrote it, and is of the newest.
            Some(sequence) => EpochId { sequence, ..newest },
            None => newest,
        };
        let wanted = |source: usize| wanted[source];
        let (history, known) = history_of_all(&self.shared, &wanted, epoch, options.cancelled)?;
        let set = point_in_time(&self.shared.transform, target, labels, &history, options)?;
        Ok(TrainingSet { known: Some(known), ..set })
    }

    /// Takes a checkpoint now; the epoch that it covers. Nothing to do in memory.
    ///
    /// # Errors
    /// `storage_failed` (unavailable), kind `closed`.
    pub fn checkpoint(&self) -> Result<EpochId> {
        match &self.checkpoints {
            Some(checkpoints) => checkpoints.run(),
            None => Ok(EpochId::default()),
        }
    }

    /// Answers what was handed over, takes a last checkpoint and gives the folder up. A second call
    /// does nothing.
    ///
    /// # Errors
    /// `storage_failed` when the checkpoint cannot be written: the log has everything.
    pub fn close(&self) -> Result<()> {
        if self.shared.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let saved = match self.shared.failure.read().is_some() {
            true => Ok(()),
            false => self.checkpoint().map(drop),
        };
        self.end();
        saved
    }

    /// Ends the threads and lets go of the folder.
    fn end(&self) {
        self.writer.stop();
        if let Some(thread) = self.checkpoint_thread.lock().take() {
            let _ = thread.join();
        }
        self.shared.tell_applied();
        self.ownership.lock().take();
    }

    /// `Ok` while pushes are taken, else why not.
    ///
    /// # Errors
    /// `storage_failed` (unavailable) after a failed disk, kind `closed` after the end.
    pub fn ready(&self) -> Result<()> {
        self.shared.check_writable()
    }

    /// The state of all of it.
    ///
    /// # Errors
    /// Kind `closed` after the end.
    pub fn status(&self) -> Result<Json> {
        self.shared.check_open()?;
        let covered = self.checkpoints.as_ref().map(|checkpoints| checkpoints.covered());
        let owner = self.ownership.lock().as_ref().map(|o| o.owner().clone()).unwrap_or_default();
        Ok(crate::status::status(&self.shared, covered, &owner, &self.report))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if !self.shared.closed.swap(true, Ordering::AcqRel) {
            self.end();
        }
    }
}

/// The error for a letter whose event is refused again.
pub(crate) fn still_refused(cause: &str, message: &str) -> Error {
    Error::new(Kind::Data, "still_refused", "the event is refused again; the letter stays open")
        .with_detail(format!("{cause}: {message}"))
}

fn unknown_epoch(sequence: u64, newest: EpochId) -> Error {
    let message = format!("there is no epoch {sequence}: the newest is {}", newest.sequence);
    Error::new(Kind::Conflict, "unknown_epoch", message)
        .with_hint("ask for all parts of the training set anew")
}

fn check_key(key: Option<&str>) -> Result<()> {
    match key {
        Some(key) if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX => {
            let message = format!("an idempotency key of {} bytes", key.len());
            Err(Error::new(Kind::Invalid, "wrong_idempotency_key", message)
                .with_hint(format!("1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes")))
        }
        _ => Ok(()),
    }
}

/// Asks for a checkpoint whenever the log has grown by `every` bytes.
fn after_group(due: SyncSender<()>, bytes: u64, every: Option<u64>) -> Box<dyn Fn(u64) + Send> {
    let last = std::sync::atomic::AtomicU64::new(bytes);
    Box::new(move |now| {
        let Some(every) = every else { return };
        // A segment that was removed makes the log shorter.
        let before = last.load(Ordering::Relaxed).min(now);
        if now - before >= every {
            last.store(now, Ordering::Relaxed);
            let _ = due.try_send(());
        } else {
            last.store(before, Ordering::Relaxed);
        }
    })
}

/// A flag for calls that nobody stops.
pub static NEVER: AtomicBool = AtomicBool::new(false);
