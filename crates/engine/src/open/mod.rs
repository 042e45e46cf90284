//! Opening: who owns the folder, what the log and the checkpoint hold, what the definitions change.
//!
//! State is the newest checkpoint plus the epochs after it, applied again verbatim; what the
//! definitions added or changed is filled from the whole log, part by part. Nothing is accepted
//! before the end, and nothing of it is durable before the switch.

mod backfill;
mod carried;
mod changes;
mod parts;
mod progress;
mod replay;
mod report;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::Plan;
use headwater_store::online::EpochId;
use parking_lot::{Condvar, Mutex, RwLock};

pub use self::progress::{Progress, Watch};
pub use self::report::{OpenReport, PartAction, PartReport};

use self::carried::Carried;

use crate::checkpoint::store::Store;
use crate::files::Files;
use crate::files::disk::Disk;
use crate::files::memory::Memory;
use crate::intake::form::Source;
use crate::intake::idempotency::Idempotency;
use crate::intake::ids::Ids;
use crate::intake::stamps::Stamps;
use crate::letters::Letters;
use crate::log::header::{Identity, Op, RecordKind};
use crate::log::record::{GenerationMeta, encode_meta};
use crate::log::recover::{Recovered, recover, storage};
use crate::log::write::{Group, Log};
use crate::options::OpenOptions;
use crate::ownership::Ownership;
use crate::shared::Shared;
use crate::sources::{Definition, Sources};
use crate::state::State;
use crate::state::facts::SourceFacts;
use crate::transform::Transform;
use crate::writer::{Unsaved, Writer};

/// File with the definitions in force.
const DEFINITIONS: &str = "definitions.json";

/// An engine's parts, ready to be started.
pub struct Opened {
    /// The common ground.
    pub shared: Arc<Shared>,
    /// The writer, not started.
    pub writer: Writer,
    /// The checkpoints, where anything survives.
    pub store: Option<Store>,
    /// The epoch that the newest checkpoint covers.
    pub covered: EpochId,
    /// Must the next checkpoint replace all that was saved?
    pub full_next: bool,
    /// The ownership of the folder.
    pub ownership: Ownership,
    /// What opening did.
    pub report: OpenReport,
}

/// What is built up while opening.
struct Opening {
    plan: Arc<Plan>,
    sources: Sources,
    transform: Transform,
    files: Arc<dyn Files>,
    recovered: Recovered,
    state: State,
    letters: Letters,
    acceptance: Vec<Source>,
    idempotency: Idempotency,
    orphans: BTreeMap<String, SourceFacts>,
    unsaved: Unsaved,
    /// When the newest definitions that the log has after the checkpoint came into force.
    in_force_at: Option<i64>,
    report: OpenReport,
}

/// Opens what the options name.
///
/// # Errors
/// `owned` and `schema_changed` (conflict), `archive_damaged` (data), `storage_failed`.
pub fn open(options: &OpenOptions) -> Result<Opened> {
    open_parts(options).map_err(|error| match &options.path {
        Some(path) if error.code == "storage_failed" => {
            let detail = format!("{}: {}", path.display(), error.detail);
            error.with_detail(detail)
        }
        _ => error,
    })
}

fn open_parts(options: &OpenOptions) -> Result<Opened> {
    let files = files(options)?;
    let mut ownership = Ownership::take(&*files)?;
    let plan = Arc::new(Plan::new(options.blueprint.clone())?);
    let namespace = xxhash_rust::xxh3::xxh3_64(options.namespace.as_bytes());
    let recovered = recover(&*files, namespace)?;
    let json = serde_json::to_string(&*plan.blueprint).expect("a blueprint becomes JSON");
    let former = changes::former(&*files, DEFINITIONS)?;
    if recovered.next_sequence > 1 {
        changes::check_schemas(former.as_ref(), &plan.blueprint)?;
    }
    let term = recovered.term.max(ownership.last_term()) + 1;
    ownership.declare(&*files, term, options.address.as_deref())?;
    let fingerprint = xxhash_rust::xxh3::xxh3_128(json.as_bytes());
    let identity = Identity { namespace, fingerprint, term };
    let store = files.durable().then(|| Store::open(&files)).transpose()?;

    let mut opening = Opening::new(plan, Arc::clone(&files), recovered, options)?;
    let meta = store.as_ref().map(|store| store.meta(namespace)).transpose()?.flatten();
    let carried = meta.map(|meta| Carried::compare(&opening.plan, meta));
    let covered = carried.as_ref().map_or(EpochId::default(), Carried::covered);
    if covered.sequence >= opening.recovered.next_sequence {
        return Err(shorter(covered.sequence, opening.recovered.next_sequence - 1));
    }
    let changed = former.as_ref() != Some(&*opening.plan.blueprint);
    let mut mended = Vec::new();
    if let (Some(store), Some(carried)) = (&store, &carried) {
        opening.carry(store, carried)?;
        mended = opening.backfill(store, carried, options)?;
    }
    opening.replay(covered)?;
    // Definitions that a former opening switched to mended at that instant.
    let wall_at = match opening.in_force_at {
        Some(wall_at) if !changed => wall_at,
        _ => options.clock.now_us(),
    };
    opening.letters.mend(mended, wall_at);
    opening.report.finish(former.as_ref(), &opening.plan.blueprint);
    let full_next = changed || !carried.is_none_or(|carried| carried.is_everything());
    let mut opened = opening.finish(options, identity, ownership, store, covered)?;
    opened.full_next = full_next;
    if changed {
        switch(&mut opened, &files, &json, wall_at)?;
    }
    Ok(opened)
}

fn files(options: &OpenOptions) -> Result<Arc<dyn Files>> {
    if let Some(files) = &options.files {
        return Ok(Arc::clone(files));
    }
    match &options.path {
        Some(path) => Ok(Arc::new(Disk::new(path).map_err(|error| storage(&error))?)),
        None => Ok(Arc::new(Memory::default())),
    }
}

fn shorter(covered: u64, last: u64) -> Error {
    let message = format!("the log ends at record {last}, its checkpoint covers {covered}");
    Error::new(Kind::Data, "archive_damaged", message)
        .with_hint("restore the log's files from a copy")
}

/// Records durably that these definitions are in force from here on.
fn switch(opened: &mut Opened, files: &Arc<dyn Files>, json: &str, wall_at: i64) -> Result<()> {
    let writer = &mut opened.writer;
    let meta = encode_meta(&GenerationMeta { blueprint: json.to_string(), wall_at });
    let mut group = Group::new(writer.identity, writer.next_sequence);
    let sequence = group.push(RecordKind::Generation, Op::None, &meta, &[]);
    writer.log.append(&group).map_err(|error| storage(&error))?;
    writer.next_sequence = group.next_sequence();
    opened.shared.state.write().epoch = writer.epoch(sequence);
    *opened.shared.segments.write() = writer.log.segments().to_vec();
    crate::files::replace(&**files, "", DEFINITIONS, json.as_bytes())
        .map_err(|error| storage(&error))
}

impl Opening {
    fn new(
        plan: Arc<Plan>,
        files: Arc<dyn Files>,
        recovered: Recovered,
        options: &OpenOptions,
    ) -> Result<Self> {
        let sources = Sources::new(&plan.blueprint);
        let transform = Transform::new(Arc::clone(&plan))?;
        let acceptance = (0..sources.len()).map(|index| acceptance(&sources.get(index))).collect();
        Ok(Self {
            state: State::new(&plan, &sources),
            letters: Letters::default(),
            acceptance,
            idempotency: Idempotency::new(options.idempotency_us),
            orphans: BTreeMap::new(),
            unsaved: Unsaved::default(),
            in_force_at: None,
            report: OpenReport { cut_bytes: recovered.cut_bytes, ..OpenReport::default() },
            plan,
            sources,
            transform,
            files,
            recovered,
        })
    }

    fn finish(
        mut self,
        options: &OpenOptions,
        identity: Identity,
        ownership: Ownership,
        store: Option<Store>,
        covered: EpochId,
    ) -> Result<Opened> {
        let facts = &self.state.sources;
        for (source, facts) in self.acceptance.iter_mut().zip(facts) {
            source.next_offset = facts.next_offset;
            source.last_arrival = facts.sealed_at;
        }
        let last = facts.iter().map(|facts| facts.visible_at.unwrap_or(i64::MIN)).collect();
        let segments = self.recovered.segments;
        let log = Log::new(Arc::clone(&self.files), identity, segments, options.segment_bytes)
            .map_err(|error| storage(&error))?;
        let shared = Arc::new(Shared {
            plan: self.plan,
            sources: self.sources,
            transform: self.transform,
            state: RwLock::new(self.state),
            stamps: Stamps::new(last),
            namespace: options.namespace.clone(),
            clock: Arc::clone(&options.clock),
            files: self.files,
            segments: RwLock::new(log.segments().to_vec()),
            orphans: self.orphans,
            letters: RwLock::new(self.letters),
            applied: Mutex::new(()),
            applied_changed: Condvar::new(),
            failure: RwLock::new(None),
            closed: AtomicBool::new(false),
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
            log,
            identity,
            next_sequence: self.recovered.next_sequence,
            sources: self.acceptance,
            idempotency: self.idempotency,
            unsaved: self.unsaved,
            retention_us: None,
            after_group: Box::new(|_| ()),
        };
        let report = self.report;
        Ok(Opened { shared, writer, store, covered, full_next: false, ownership, report })
    }
}

fn acceptance(definition: &Definition) -> Source {
    let columns = definition.columns();
    let position = |name: &str| columns.iter().position(|column| column.name == name);
    let (stream, id) = match definition {
        Definition::Stream(stream) => (Some(Arc::clone(stream)), stream.id.as_deref()),
        Definition::Table(_) => (None, None),
    };
    let horizon = stream.as_ref().and_then(|stream| stream.dedup_us);
    Source {
        name: definition.name().to_string(),
        time: definition.time().and_then(position),
        id: id.and_then(position),
        ids: horizon.filter(|_| id.is_some()).map(Ids::new),
        stream,
        next_offset: 0,
        last_arrival: None,
    }
}
