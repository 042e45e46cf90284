//! Taking a checkpoint while pushes and reads go on.
//!
//! Between two groups the writer marks what changed and copies the small things; the rows follow in
//! slices under the read lock. After a failure nothing is known to be saved: the next one is full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use headwater_kernel::error::Result;
use headwater_store::online::EpochId;
use parking_lot::Mutex;

use super::store::{Store, Writing};
use super::{CheckpointMeta, FORMAT};
use crate::intake::idempotency::Remembered;
use crate::letters::{Letter, LetterKey};
use crate::log::header::Identity;
use crate::shared::{Shared, closed};
use crate::state::State;
use crate::state::saving::{Owner, SavedRow, Saving};
use crate::writer::{Handle, Job, Writer};

/// Rows copied under one read lock: 256, some tenths of a millisecond.
const SLICE_ROWS: usize = 256;

/// Takes checkpoints, one at a time.
pub struct Checkpointer {
    shared: Arc<Shared>,
    store: Store,
    writer: Arc<Handle>,
    full_next: AtomicBool,
    running: Mutex<EpochId>,
}

/// Everything of a checkpoint but the rows, as of one epoch.
struct Snapshot {
    identity: Identity,
    epoch: EpochId,
    meta: CheckpointMeta,
    ids: Vec<(usize, i64, u128)>,
    expired_ids: Vec<(usize, i64)>,
    keys: Vec<(String, String, Option<Remembered>)>,
    letters: Vec<(LetterKey, Option<Letter>)>,
    expired_rows: Vec<(usize, Box<[u8]>)>,
}

impl Checkpointer {
    /// For a writer that runs already; `covered` is the newest checkpoint's epoch, `full_next`
    /// asks that the next one replaces all that was saved.
    pub fn new(
        shared: Arc<Shared>,
        store: Store,
        writer: Arc<Handle>,
        covered: EpochId,
        full_next: bool,
    ) -> Self {
        let full_next = AtomicBool::new(full_next);
        Self { shared, store, writer, full_next, running: Mutex::new(covered) }
    }

    /// Starts a thread that takes one whenever `due` asks for it.
    pub fn start(self: &Arc<Self>, due: Receiver<()>) -> std::io::Result<JoinHandle<()>> {
        let runner = Arc::clone(self);
        let builder = std::thread::Builder::new().name("headwater-checkpoint".into());
        builder.spawn(move || {
            while due.recv().is_ok() {
                // A failure is kept in `Shared::failure` and told to everyone who pushes.
                let _ = runner.run();
            }
        })
    }

    /// The epoch that the newest checkpoint covers.
    pub fn covered(&self) -> EpochId {
        *self.running.lock()
    }

    /// Takes a checkpoint now; returns the epoch covered.
    ///
    /// # Errors
    /// `storage_failed` when the disk refuses; pushes are refused from then on.
    pub fn run(&self) -> Result<EpochId> {
        let mut covered = self.running.lock();
        if let Some(error) = self.shared.failure.read().clone() {
            return Err(error);
        }
        let full = self.full_next.swap(true, Ordering::SeqCst);
        let (sender, begun) = sync_channel(1);
        let begin = move |writer: &mut Writer| {
            let _ = sender.send(begin(writer, full));
        };
        self.writer.send_waiting(Job::Between(Box::new(begin)))?;
        let snapshot = begun.recv().map_err(|_| closed())?;
        let saved = self.save(&snapshot, full);
        *self.shared.state.write().saving.get_mut() = None;
        saved.inspect_err(|error| {
            self.shared.fail(&std::io::Error::other(error.detail.clone()));
        })?;
        self.full_next.store(false, Ordering::SeqCst);
        *covered = snapshot.epoch;
        let sequence = snapshot.epoch.sequence;
        let retain = move |writer: &mut Writer| {
            // A failure is kept in `Shared::failure`; damage is told where it is read.
            let _ = writer.retain(sequence);
        };
        self.writer.send_waiting(Job::Between(Box::new(retain)))?;
        Ok(snapshot.epoch)
    }

    fn save(&self, snapshot: &Snapshot, full: bool) -> Result<()> {
        let writing = self.store.begin(full)?;
        let plan = &self.shared.plan;
        let spaces: Vec<&str> = plan.spaces.iter().map(|space| space.name.as_str()).collect();
        let expired = snapshot.expired_rows.iter();
        writing.remove_rows(&mut expired.map(|(space, key)| (spaces[*space], &**key)))?;
        loop {
            let state = self.shared.state.read();
            let slice = slice(&state);
            drop(state);
            if slice.is_empty() {
                break;
            }
            self.save_rows(&writing, snapshot, &slice)?;
        }
        self.save_rest(&writing, snapshot)?;
        writing.commit(&snapshot.meta)
    }

    fn save_rows(&self, writing: &Writing, snapshot: &Snapshot, rows: &[SavedRow]) -> Result<()> {
        let plan = &self.shared.plan;
        let (identity, epoch) = (snapshot.identity, snapshot.epoch);
        let mut of_spaces = rows.iter().filter_map(|row| match row.owner {
            Owner::Space(space) => {
                Some((plan.spaces[space].name.as_str(), &*row.key, row.bytes.as_slice()))
            }
            Owner::Table(_) => None,
        });
        writing.rows(identity, epoch, &mut of_spaces)?;
        let mut of_tables = rows.iter().filter_map(|row| match row.owner {
            Owner::Table(table) => {
                let name = plan.blueprint.tables[table].name.as_str();
                Some((name, &*row.key, row.bytes.as_slice()))
            }
            Owner::Space(_) => None,
        });
        writing.table_rows(identity, epoch, &mut of_tables)
    }

    fn save_rest(&self, writing: &Writing, snapshot: &Snapshot) -> Result<()> {
        let streams = &self.shared.plan.blueprint.streams;
        let mut ids = snapshot.ids.iter().map(|(s, at, id)| (streams[*s].name.as_str(), *at, *id));
        let expired = snapshot.expired_ids.iter();
        let mut expired = expired.map(|(stream, before)| (streams[*stream].name.as_str(), *before));
        writing.ids(&mut ids, &mut expired)?;
        let keys = snapshot.keys.iter();
        let mut keys = keys.map(|(source, key, push)| (&**source, &**key, push.clone()));
        writing.keys(&mut keys)?;
        writing.letters(&snapshot.letters)
    }
}

fn slice(state: &State) -> Vec<SavedRow> {
    let mut saving = state.saving.lock();
    let saving = saving.as_mut().expect("a checkpoint is under way");
    saving.slice(&state.spaces, &state.tables, SLICE_ROWS)
}

/// Marks what is to be saved. Called on the writer's thread between two groups.
fn begin(writer: &mut Writer, full: bool) -> Snapshot {
    let shared = Arc::clone(&writer.shared);
    let mut state = shared.state.write();
    let mut expired_rows = Vec::new();
    for (space, keys) in state.expired.iter_mut().enumerate() {
        expired_rows.extend(keys.drain().map(|key| (space, key)));
    }
    let spaces = state.spaces.iter_mut().map(|space| {
        let dirty = space.take_dirty();
        if full { space.ids().collect() } else { dirty }
    });
    let spaces: Vec<Vec<u32>> = spaces.collect();
    let mut tables: Vec<_> = state.dirty_tables.iter_mut().map(std::mem::take).collect();
    if full {
        let all = state.tables.iter();
        tables = all.map(|table| table.keys().map(Box::from).collect()).collect();
    }
    *state.saving.get_mut() = Some(Saving::new(spaces, tables));
    let epoch = state.epoch;
    let meta = meta(writer, &state);
    drop(state);
    let letters = match full {
        true => shared.letters.write().take_all(),
        false => shared.letters.write().take_changed(),
    };
    let unsaved = std::mem::take(&mut writer.unsaved);
    let (ids, keys) = match full {
        true => (writer.all_ids(), writer.idempotency.all()),
        false => (unsaved.ids, writer.remembered(unsaved.keys, unsaved.forgotten)),
    };
    let horizons = writer.sources.iter().enumerate();
    let expired_ids = horizons
        .filter_map(|(index, source)| Some((index, source.ids.as_ref()?.oldest()?)))
        .collect();
    let identity = writer.identity;
    Snapshot { identity, epoch, meta, ids, expired_ids, keys, letters, expired_rows }
}

fn meta(writer: &Writer, state: &State) -> CheckpointMeta {
    let (shared, plan) = (&writer.shared, &writer.shared.plan);
    let blueprint = &plan.blueprint;
    let source = |(index, facts): (usize, &_)| {
        let facts: &crate::state::facts::SourceFacts = facts;
        (shared.sources.get(index).name().to_string(), facts.clone())
    };
    let orphans = shared.orphans.iter().map(|(name, facts)| (name.clone(), facts.clone()));
    let view = |(view, facts): (&headwater_kernel::blueprint::View, &_)| {
        let facts: &crate::state::facts::ViewFacts = facts;
        (view.name.clone(), view.version.clone(), facts.clone())
    };
    CheckpointMeta {
        format: FORMAT,
        namespace: writer.identity.namespace,
        term: state.epoch.term,
        sequence: state.epoch.sequence,
        blueprint: serde_json::to_string(&**blueprint).expect("a blueprint becomes JSON"),
        sections: plan.sections.iter().map(|s| (s.name.clone(), s.fingerprint)).collect(),
        tables: blueprint.tables.iter().map(|t| (t.name.clone(), t.version.clone())).collect(),
        sources: state.sources.iter().enumerate().map(source).chain(orphans).collect(),
        views: blueprint.views.iter().zip(&state.views).map(view).collect(),
    }
}
