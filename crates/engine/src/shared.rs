//! What the writer, the readers and the checkpoint have in common.
//!
//! Locks are taken in this order, never the other way round: `applied`, `state`, stamps; and
//! `letters`, `segments` and `failure` alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::Plan;
use parking_lot::{Condvar, Mutex, RwLock};

use crate::clock::Clock;
use crate::files::Files;
use crate::intake::stamps::Stamps;
use crate::letters::Letters;
use crate::log::Segment;
use crate::sources::Sources;
use crate::state::State;
use crate::state::facts::SourceFacts;
use crate::transform::Transform;

/// One engine's common ground.
pub struct Shared {
    /// The plan in force; it never changes while open.
    pub plan: Arc<Plan>,
    /// Its sources.
    pub sources: Sources,
    /// Its expressions.
    pub transform: Transform,
    /// State at the newest visible epoch.
    pub state: RwLock<State>,
    /// Stamps of epochs and instants of reads at now.
    pub stamps: Stamps,
    /// Project and environment.
    pub namespace: String,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// The data folder.
    pub files: Arc<dyn Files>,
    /// Segments of the log up to the newest visible epoch.
    pub segments: RwLock<Vec<Segment>>,
    /// Facts of sources that the definitions have no more, by name: their positions go on.
    pub orphans: BTreeMap<String, SourceFacts>,
    /// Dead letters.
    pub letters: RwLock<Letters>,
    /// Held for a moment by whoever waits for, or tells of, an epoch made visible.
    pub applied: Mutex<()>,
    /// Told when an epoch was made visible, and at the end.
    pub applied_changed: Condvar,
    /// Why pushes are refused until the engine is opened again.
    pub failure: RwLock<Option<Error>>,
    /// Was it closed?
    pub closed: AtomicBool,
}

impl Shared {
    /// An error once the engine was closed.
    pub fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        Ok(())
    }

    /// An error when pushes are refused.
    pub fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        match &*self.failure.read() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Refuses pushes from here on: what the disk holds is unknown.
    pub fn fail(&self, cause: &std::io::Error) -> Error {
        let error = Error::new(
            Kind::Unavailable,
            "storage_failed",
            "the disk refused a write: pushes are refused, reads go on",
        )
        .with_detail(cause.to_string())
        .with_hint("mend the disk or make room, then open again");
        self.failure.write().get_or_insert_with(|| error.clone());
        error
    }

    /// Tells those who wait that an epoch was made visible.
    pub fn tell_applied(&self) {
        drop(self.applied.lock());
        self.applied_changed.notify_all();
    }
}

/// The error after the end.
pub fn closed() -> Error {
    Error::new(Kind::Closed, "closed", "the workspace was closed").with_hint("open it again")
}
