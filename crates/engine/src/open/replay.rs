//! State from the checkpoint and the log: rows that fit are taken, parts that do not are filled
//! from all epochs covered, then everything after is applied again.

use headwater_kernel::blueprint::Blueprint;
use headwater_kernel::error::Result;
use headwater_store::online::EpochId;

use super::Opening;
use super::changes::Carried;
use super::report::{Part, PartAction};
use crate::archive::conform;
use crate::checkpoint::CheckpointMeta;
use crate::checkpoint::store::Store;
use crate::contract::canonical_schema;
use crate::intake::idempotency::Remembered;
use crate::intake::ids::ids_of;
use crate::letters::{LetterKey, Status};
use crate::log::header::RecordKind;
use crate::log::read::{Record, for_each};
use crate::log::record::{DecisionMeta, EpochMeta, decode_body, decode_meta};
use crate::state::apply::{Prepared, Scope, prepare};

impl Opening {
    /// Takes from the checkpoint what the plan still asks for.
    pub(super) fn carry(
        &mut self,
        store: Option<&Store>,
        meta: Option<&CheckpointMeta>,
        namespace: u64,
    ) -> Result<Carried> {
        let (Some(store), Some(meta)) = (store, meta) else {
            return Ok(Carried::default());
        };
        let carried = Carried::compare(&self.plan, meta);
        let covered = EpochId { term: meta.term, sequence: meta.sequence };
        self.report.checkpoint_sequence = covered.sequence;
        self.carry_facts(meta, &carried);
        let spaces = &mut self.state.spaces;
        let plan = &self.plan;
        store.each_row(namespace, covered, &mut |name, key, bytes| match plan
            .spaces
            .iter()
            .position(|space| space.name == name)
        {
            Some(space) => spaces[space].load_row(key, bytes).map(drop),
            None => Ok(()),
        })?;
        let tables = &mut self.state.tables;
        store.each_table_row(namespace, covered, &mut |name, key, bytes| match plan
            .table_index(name)
            .filter(|table| carried.tables.contains(table))
        {
            Some(table) => tables[table].load_row(key, bytes),
            None => Ok(()),
        })?;
        for section in &carried.sections {
            let stream = plan.sections[*section].stream;
            if let Some(sealed_at) = self.state.sources[stream].sealed_at {
                self.state.spaces[plan.sections[*section].space].seal(*section, sealed_at);
            }
        }
        self.state.spaces.iter_mut().for_each(|space| drop(space.take_dirty()));
        self.state.epoch = covered;
        self.carry_acceptance(store, meta)?;
        let letters = &mut self.letters;
        store.each_letter(&mut |key, letter| {
            letters.load(key, letter);
            Ok(())
        })?;
        Ok(carried)
    }

    fn carry_facts(&mut self, meta: &CheckpointMeta, carried: &Carried) {
        for (name, facts) in &meta.sources {
            match self.sources.find(name) {
                Some(source) => self.state.sources[source] = facts.clone(),
                None => drop(self.orphans.insert(name.clone(), facts.clone())),
            }
        }
        for (name, _, facts) in &meta.views {
            let Some(view) = self.plan.view_index(name) else { continue };
            let kept =
                carried.sections.iter().any(|s| self.plan.sections[*s].views.contains(&view));
            if kept {
                self.state.views[view] = facts.clone();
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

    /// Fills the parts that the checkpoint does not have from the epochs that it covers.
    pub(super) fn backfill(&mut self, carried: &Carried, covered: EpochId) -> Result<()> {
        if covered.sequence == 0 {
            return Ok(());
        }
        self.report_parts(carried);
        self.forget_letters(carried);
        let nothing = carried.missing_sections.is_empty() && carried.missing_tables.is_empty();
        if nothing {
            return Ok(());
        }
        let scope = Scope::Only(&carried.missing_sections, &carried.missing_tables);
        let (files, segments) = (self.files.clone(), self.recovered.segments.clone());
        for_each(&*files, &segments, (1, covered.sequence + 1), |record| {
            if record.header.kind != RecordKind::Epoch {
                return Ok(());
            }
            let meta = record.epoch()?;
            let Some((_, Some(prepared))) = self.prepare(&record, &meta, scope)? else {
                return Ok(());
            };
            self.state.refold(&self.plan, &prepared, meta.visible_at);
            self.add_left_out(&record, &meta, &prepared);
            self.report.backfilled_events += meta.accepted_count();
            Ok(())
        })
    }

    fn report_parts(&mut self, carried: &Carried) {
        let section = |index: &usize| {
            let section = &self.plan.sections[*index];
            let views = section.views.iter().map(|view| self.plan.views[*view].name.clone());
            (section.name.clone(), views.collect())
        };
        let table = |index: &usize| (self.plan.blueprint.tables[*index].name.clone(), Vec::new());
        let mut parts = Vec::new();
        let mut add = |action: PartAction, (name, views): (String, Vec<String>)| {
            parts.push(Part { action, name, views });
        };
        carried.sections.iter().for_each(|index| add(PartAction::Kept, section(index)));
        carried.tables.iter().for_each(|index| add(PartAction::Kept, table(index)));
        let missing = carried.missing_sections.iter();
        missing.for_each(|index| add(PartAction::Backfilled, section(index)));
        let missing = carried.missing_tables.iter();
        missing.for_each(|index| add(PartAction::Backfilled, table(index)));
        let dropped = carried.dropped.iter();
        dropped.for_each(|name| add(PartAction::Dropped, (name.clone(), Vec::new())));
        self.report.parts = parts;
    }

    /// Open letters of views that will be tried again, or that are no more, go.
    fn forget_letters(&mut self, carried: &Carried) {
        let plan = &self.plan;
        let gone = |_: &str, name: &str| match plan.view_index(name) {
            None => true,
            Some(view) => {
                let missing = carried.missing_sections.iter();
                missing.into_iter().any(|section| plan.sections[*section].views.contains(&view))
            }
        };
        self.letters.remove_of_views(&gone);
    }

    /// Applies every record after `covered` again, as it was recorded.
    pub(super) fn replay(&mut self, covered: EpochId) -> Result<()> {
        let (files, segments) = (self.files.clone(), self.recovered.segments.clone());
        for_each(&*files, &segments, (covered.sequence + 1, u64::MAX), |record| {
            let (term, sequence) = (record.header.identity.term, record.header.sequence);
            match record.header.kind {
                RecordKind::Epoch => self.replay_epoch(&record, EpochId { term, sequence })?,
                RecordKind::Decision => self.replay_decision(&record)?,
                RecordKind::Generation | RecordKind::Segment => {}
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
        let Some((source, prepared)) = self.prepare(record, &meta, Scope::All)? else {
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
        scope: Scope<'_>,
    ) -> Result<Option<(usize, Option<Prepared>)>> {
        let Some(source) = self.sources.find(&meta.source) else { return Ok(None) };
        let Some(body) = decode_body(&record.body)? else { return Ok(Some((source, None))) };
        let definition = self.sources.get(source);
        let schema = canonical_schema(definition.columns());
        let arrivals = crate::state::apply::arrivals(&body);
        let rows = conform(definition.name(), &schema, &body)?;
        if matches!(scope, Scope::All) {
            self.accept_ids(source, &body, meta.visible_at);
        }
        let prepared = prepare(&self.transform, &self.sources, source, &rows, scope)?;
        Ok(Some((source, Some(prepared.with_arrivals(arrivals)))))
    }

    /// Notes ids again; they have passed already.
    fn accept_ids(&mut self, source: usize, body: &arrow_array::RecordBatch, visible_at: i64) {
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

    fn add_left_out(&mut self, record: &Record, meta: &EpochMeta, prepared: &Prepared) {
        let plan = &self.plan;
        let name = |view: usize| plan.views[view].name.clone();
        self.letters.add_left_out(meta, record.location, &prepared.left_out, &name);
    }
}
