//! Filling what the checkpoint does not have from the epochs that it covers, and joining it with
//! what it has. Sections of which nothing is there fold straight into the state; of the others the
//! missing parts are folded aside, with no other expression evaluated, and joined row by row.

use std::collections::BTreeSet;
use std::sync::Arc;

use headwater_kernel::error::Result;
use headwater_kernel::state::{Join, SpaceState};

use super::Opening;
use super::carried::Carried;
use super::progress::Teller;
use super::replay::prepared_of;
use crate::checkpoint::store::Store;
use crate::letters::{Letter, LetterKey};
use crate::log::header::RecordKind;
use crate::log::read::for_each;
use crate::log::record::decode_body;
use crate::options::OpenOptions;
use crate::state::apply::{Prepared, Scope};
use crate::transform::Transform;

/// What filling works with.
struct Fill<'a> {
    carried: &'a Carried,
    transform: Transform,
    /// Sections and tables that are filled.
    sections: Vec<usize>,
    /// By section: does it fold straight into the state?
    straight: Vec<bool>,
    /// By view: are its facts counted?
    counted: Vec<bool>,
    /// By space: what is folded aside.
    aside: Vec<Option<SpaceState>>,
    /// By section, then by table: events read.
    events: (Vec<u64>, Vec<u64>),
}

impl Opening {
    /// Takes the rows of the checkpoint and fills what it lacks. Returns the letters of views whose
    /// events were tried again; those left out again are open letters once more.
    pub(super) fn backfill(
        &mut self,
        store: &Store,
        carried: &Carried,
        options: &OpenOptions,
    ) -> Result<Vec<(LetterKey, Letter)>> {
        let plan = Arc::clone(&self.plan);
        self.letters.take_open(&|name| plan.view_index(name).is_none());
        let again =
            |name: &str| plan.view_index(name).is_some_and(|view| carried.is_tried_again(view));
        let tried = self.letters.take_open(&again);
        let mut fill = Fill::new(self, carried)?;
        if !carried.fillings.is_empty() || !carried.missing_tables.is_empty() {
            self.fill(&mut fill, options)?;
        }
        self.join(store, carried, &mut fill)?;
        self.report.tell_parts(&plan, carried, &fill.events);
        Ok(tried)
    }

    /// Reads the epochs covered.
    fn fill(&mut self, fill: &mut Fill<'_>, options: &OpenOptions) -> Result<()> {
        let sources = fill.sources(self);
        let total = sources.iter().map(|&source| self.state.sources[source].accepted).sum();
        let mut teller = Teller::new(options.watch.as_ref(), &*options.clock, total);
        let (files, segments) = (self.files.clone(), self.recovered.segments.clone());
        for_each(&*files, &segments, (1, fill.carried.meta.sequence + 1), |record| {
            if record.header.kind != RecordKind::Epoch {
                return Ok(());
            }
            let meta = record.epoch()?;
            let source = self.sources.find(&meta.source).filter(|found| sources.contains(found));
            let Some(source) = source else { return Ok(()) };
            let Some(body) = decode_body(&record.body)? else { return Ok(()) };
            let scope = Scope::Only(&fill.sections, &fill.carried.missing_tables);
            let prepared = prepared_of(&fill.transform, &self.sources, source, &body, scope)?;
            fill.fold(&mut self.state, &prepared, meta.visible_at);
            self.add_left_out(&record, &meta, &prepared);
            fill.count(self, source, meta.accepted_count());
            self.report.backfilled_events += meta.accepted_count();
            teller.add(meta.accepted_count());
            Ok(())
        })?;
        teller.end();
        Ok(())
    }

    /// Reads the rows of the checkpoint: whole sections as they are, others joined.
    fn join(&mut self, store: &Store, carried: &Carried, fill: &mut Fill<'_>) -> Result<()> {
        let Some(former) = &carried.former else { return Ok(()) };
        let (plan, sources) = (&self.plan, &self.state.sources);
        let sealed_at = |section: usize| sources[plan.sections[section].stream].sealed_at;
        let aside = fill.aside.iter_mut().enumerate();
        let mut joins: Vec<Join> = aside
            .map(|(space, aside)| {
                Join::new(plan, former, &carried.carry, space, sealed_at, aside.take())
            })
            .collect();
        let spaces = &mut self.state.spaces;
        store.each_row(carried.meta.namespace, carried.covered(), &mut |name, key, bytes| {
            let Some(space) = plan.spaces.iter().position(|space| space.name == name) else {
                return Ok(());
            };
            spaces[space].load_row(key, bytes)?;
            joins[space].row(&mut spaces[space], key, bytes)
        })?;
        for (join, space) in joins.iter_mut().zip(&mut *spaces) {
            join.rest(space);
        }
        for (index, section) in plan.sections.iter().enumerate() {
            if let Some(sealed_at) = sealed_at(index) {
                spaces[section.space].seal(index, sealed_at);
            }
        }
        spaces.iter_mut().for_each(|space| drop(space.take_dirty()));
        Ok(())
    }
}

impl<'a> Fill<'a> {
    fn new(opening: &Opening, carried: &'a Carried) -> Result<Self> {
        let plan = &opening.plan;
        let transform = Transform::narrowed(plan, &carried.fillings)?;
        let narrowed = transform.plan();
        let mut fill = Self {
            carried,
            sections: carried.fillings.iter().map(|filling| filling.section).collect(),
            straight: vec![false; plan.sections.len()],
            counted: carried.facts.iter().map(Option::is_none).collect(),
            aside: plan.spaces.iter().map(|_| None).collect(),
            events: (vec![0; plan.sections.len()], vec![0; plan.blueprint.tables.len()]),
            transform: transform.clone(),
        };
        for filling in &carried.fillings {
            let space = plan.sections[filling.section].space;
            if filling.is_whole(plan) {
                fill.straight[filling.section] = true;
            } else if fill.aside[space].is_none() {
                fill.aside[space] = Some(SpaceState::new(narrowed, space));
            }
        }
        Ok(fill)
    }

    /// The sources whose epochs are read.
    fn sources(&self, opening: &Opening) -> Vec<usize> {
        let streams = self.sections.iter().map(|&section| opening.plan.sections[section].stream);
        let table =
            |index: &usize| opening.sources.find(&opening.plan.blueprint.tables[*index].name);
        let tables = self.carried.missing_tables.iter().filter_map(table);
        let sources: BTreeSet<usize> = streams.chain(tables).collect();
        sources.into_iter().collect()
    }

    fn count(&mut self, opening: &Opening, source: usize, events: u64) {
        if let Some(table) = opening.sources.table_of(source) {
            self.events.1[table] += events;
        }
        for &section in &self.sections {
            if opening.plan.sections[section].stream == source {
                self.events.0[section] += events;
            }
        }
    }

    /// Folds rows of an epoch that lies behind; facts of sources stay as they are.
    fn fold(&mut self, state: &mut crate::state::State, prepared: &Prepared, visible_at: i64) {
        let plan = self.transform.plan();
        for (section, input) in prepared.sections() {
            let space = plan.sections[*section].space;
            let target = match &mut self.aside[space] {
                Some(aside) if !self.straight[*section] => aside,
                _ => &mut state.spaces[space],
            };
            let report = target.fold(*section, &input.as_fold_batch(), visible_at);
            for (view, events) in report.beyond_windows {
                if self.counted[view] {
                    state.views[view].beyond_windows += events;
                }
            }
        }
        state.fill(prepared, visible_at);
    }
}
