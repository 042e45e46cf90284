//! What a checkpoint holds beside the rows of spaces, and everything after it: each record of the
//! log that it does not cover is applied again as it was recorded.

use arrow_array::RecordBatch;
use headwater_kernel::blueprint::Blueprint;
use headwater_kernel::error::Result;
use headwater_store::online::EpochId;

use super::Opening;
use super::carried::Carried;
use crate::archive::conform;
use crate::checkpoint::CheckpointMeta;
use crate::checkpoint::store::Store;
use crate::contract::canonical_schema;
use crate::intake::idempotency::Remembered;
use crate::intake::ids::ids_of;
use crate::letters::{LetterKey, Status};
use crate::log::header::RecordKind;
use crate::log::read::{Record, for_each};
use crate::log::record::{DecisionMeta, EpochMeta, GenerationMeta, decode_body, decode_meta};
use crate::sources::Sources;
use crate::state::apply::{Prepared, Scope, prepare};
use crate::transform::Transform;

impl Opening {
    /// Takes from the checkpoint what is no row of a space: facts, acceptance, letters, tables.
    pub(super) fn carry(&mut self, store: &Store, carried: &Carried) -> Result<()> {
        let meta = &carried.meta;
        self.report.checkpoint_sequence = meta.sequence;
        self.carry_facts(carried);
        let (tables, plan) = (&mut self.state.tables, &self.plan);
        store.each_table_row(
            meta.namespace,
            carried.covered(),
            &mut |name, key, bytes| match plan
                .table_index(name)
                .filter(|table| carried.tables.contains(table))
            {
                Some(table) => tables[table].load_row(key, bytes),
                None => Ok(()),
            },
        )?;
        self.state.epoch = carried.covered();
        self.carry_acceptance(store, meta)?;
        let letters = &mut self.letters;
        store.each_letter(&mut |key, letter| {
            letters.load(key, letter);
            Ok(())
        })
    }

    fn carry_facts(&mut self, carried: &Carried) {
        for (name, facts) in &carried.meta.sources {
            match self.sources.find(name) {
                Some(source) => self.state.sources[source] = facts.clone(),
                None => drop(self.orphans.insert(name.clone(), facts.clone())),
            }
        }
        for (facts, kept) in self.state.views.iter_mut().zip(&carried.facts) {
            if let Some(kept) = kept {
                *facts = kept.clone();
            }
        }
    }

    fn carry_acceptance(&mut self, store: &Store, meta: &CheckpointMeta) -> Result<()> {
        let (sources, acceptance) = (&self.sources, &mut self.acceptance);
        let former: Option<Blueprint> = serde_json::from_str(&meta.blueprint).ok();
        let same_id = |name: &str| {
            let id = |blueprint: &Blueprint| {
                blueprint.streams.iter().find(|stream| stream.name == name)?.id.clone()
            };
            former.as_ref().and_then(id) == id(&self.plan.blueprint)
        };
        store.each_id(&mut |name, arrived_at, id| {
            let source = sources.find(name).filter(|_| same_id(name));
            if let Some(ids) = source.and_then(|source| acceptance[source].ids.as_mut()) {
                ids.accept(id, arrived_at);
            }
            Ok(())
        })?;
        let idempotency = &mut self.idempotency;
        store.each_key(&mut |source, key, push| {
            idempotency.remember(source, key, push);
            Ok(())
        })
    }

    /// Applies every record after `covered` again, as it was recorded.
    pub(super) fn replay(&mut self, covered: EpochId) -> Result<()> {
        let (files, segments) = (self.files.clone(), self.recovered.segments.clone());
        for_each(&*files, &segments, (covered.sequence + 1, u64::MAX), |record| {
            let (term, sequence) = (record.header.identity.term, record.header.sequence);
            match record.header.kind {
                RecordKind::Epoch => self.replay_epoch(&record, EpochId { term, sequence })?,
                RecordKind::Decision => self.replay_decision(&record)?,
                RecordKind::Generation => {
                    let meta: GenerationMeta = decode_meta(&record.metadata)?;
                    self.in_force_at = Some(meta.wall_at);
                }
                RecordKind::Segment => {}
            }
            self.state.epoch = EpochId { term, sequence };
            Ok(())
        })
    }

    fn replay_epoch(&mut self, record: &Record, epoch: EpochId) -> Result<()> {
        let meta = record.epoch()?;
        self.remember_pushes(&meta);
        self.letters.add_refused(&meta, record.location);
        if let Some(id) = &meta.replays
            && let Some(key) = LetterKey::parse(&meta.source, id)
        {
            self.letters.decide(&key, Status::Replayed(meta.wall_at));
        }
        let Some((source, prepared)) = self.prepare(record, &meta)? else {
            self.orphans.entry(meta.source.clone()).or_default().add(&meta, None);
            return Ok(());
        };
        self.state.apply(&self.plan, epoch, &meta, (source, prepared.as_ref()));
        if let Some(prepared) = &prepared {
            self.add_left_out(record, &meta, prepared);
        }
        self.report.replayed_epochs += 1;
        self.report.replayed_events += meta.accepted_count();
        Ok(())
    }

    fn replay_decision(&mut self, record: &Record) -> Result<()> {
        let meta: DecisionMeta = decode_meta(&record.metadata)?;
        let key = meta.letter.split_once('/').and_then(|(s, id)| LetterKey::parse(s, id));
        if let Some(key) = key {
            self.letters.decide(&key, Status::Discarded(meta.wall_at));
        }
        Ok(())
    }

    /// The source of an epoch and its rows, ready to be folded; `None` for a source that the
    /// definitions have no more.
    fn prepare(
        &mut self,
        record: &Record,
        meta: &EpochMeta,
    ) -> Result<Option<(usize, Option<Prepared>)>> {
        let Some(source) = self.sources.find(&meta.source) else { return Ok(None) };
        let Some(body) = decode_body(&record.body)? else { return Ok(Some((source, None))) };
        self.accept_ids(source, &body, meta.visible_at);
        let prepared = prepared_of(&self.transform, &self.sources, source, &body, Scope::All)?;
        Ok(Some((source, Some(prepared))))
    }

    /// Notes ids again; they have passed already.
    fn accept_ids(&mut self, source: usize, body: &RecordBatch, visible_at: i64) {
        let spec = &mut self.acceptance[source];
        let (Some(column), Some(ids), Some(stream)) = (spec.id, &mut spec.ids, &spec.stream) else {
            return;
        };
        let name = &stream.columns[column].name;
        let Ok(column) = body.schema_ref().index_of(name) else { return };
        for (arrived_at, id) in ids_of(body, column, visible_at) {
            ids.expire(arrived_at);
            ids.accept(id, arrived_at);
            self.unsaved.ids.push((source, arrived_at, id));
        }
    }

    fn remember_pushes(&mut self, meta: &EpochMeta) {
        for push in &meta.pushes {
            if let (Some(key), false) = (&push.idempotency_key, push.more) {
                let remembered = Remembered {
                    first_offset: push.first_offset,
                    rows: push.rows,
                    wall_at: meta.wall_at,
                };
                self.idempotency.remember(&meta.source, key, remembered);
                self.unsaved.keys.push((meta.source.clone(), key.clone()));
            }
        }
    }

    pub(super) fn add_left_out(&mut self, record: &Record, meta: &EpochMeta, prepared: &Prepared) {
        let plan = &self.plan;
        let name = |view: usize| plan.views[view].name.clone();
        self.letters.add_left_out(meta, record.location, &prepared.left_out, &name);
    }
}

/// The body of an epoch as the definitions now have its columns, ready to be folded.
pub(super) fn prepared_of(
    transform: &Transform,
    sources: &Sources,
    source: usize,
    body: &RecordBatch,
    scope: Scope<'_>,
) -> Result<Prepared> {
    let definition = sources.get(source);
    let arrivals = crate::state::apply::arrivals(body);
    let rows = conform(definition.name(), &canonical_schema(definition.columns()), body)?;
    Ok(prepare(transform, sources, source, &rows, scope)?.with_arrivals(arrivals))
}
