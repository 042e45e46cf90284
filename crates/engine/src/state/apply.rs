//! Applying an epoch: expressions are evaluated before any lock is taken, then the whole epoch is
//! folded under the write lock.
//!
//! The same code serves live epochs, recovery and backfill; an epoch always gives the same state.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::Plan;
use headwater_store::online::EpochId;

use super::State;
use crate::contract::Cause;
use crate::log::record::{ARRIVED_AT, EpochMeta};
use crate::sources::{Definition, Sources};
use crate::transform::{LeftOut, SectionInput, TableRows, Transform, table_rows};

/// An epoch's rows, ready to be folded.
pub struct Prepared {
    source: usize,
    sections: Vec<(usize, SectionInput)>,
    rows: Option<TableRows>,
    arrivals: Option<Vec<i64>>,
    newest_event_at: Option<i64>,
    /// Rows of the body that views leave out.
    pub left_out: Vec<LeftOut>,
}

/// Which part of an epoch is applied.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// All of it.
    All,
    /// Only these sections and tables (of the plan): they are filled again.
    Only(&'a [usize], &'a [usize]),
}

/// Evaluates what folding the body of an epoch of `source` needs; no state is touched.
pub fn prepare(
    transform: &Transform,
    sources: &Sources,
    source: usize,
    body: &RecordBatch,
    scope: Scope<'_>,
) -> Result<Prepared> {
    let plan = transform.plan();
    let mut prepared = Prepared {
        source,
        sections: Vec::new(),
        rows: None,
        arrivals: arrivals(body),
        newest_event_at: None,
        left_out: Vec::new(),
    };
    match sources.get(source) {
        Definition::Table(table) => {
            let index = sources.table_of(source).expect("a table");
            if !matches!(scope, Scope::Only(_, tables) if !tables.contains(&index)) {
                prepared.rows = Some(table_rows(&table, body)?);
            }
        }
        Definition::Stream(stream) => {
            prepared.newest_event_at = newest(body, &stream.time)?;
            for section in plan.sections_of_stream(source) {
                if matches!(scope, Scope::Only(only, _) if !only.contains(&section)) {
                    continue;
                }
                let mut input = transform.section(section, body)?;
                prepared.left_out.append(&mut input.left_out);
                prepared.sections.push((section, input));
            }
        }
    }
    Ok(prepared)
}

/// Each row's own arrival, where the body has them.
pub fn arrivals(body: &RecordBatch) -> Option<Vec<i64>> {
    let column = body.column_by_name(ARRIVED_AT)?;
    Some(column.as_primitive::<TimestampMicrosecondType>().values().to_vec())
}

fn newest(body: &RecordBatch, time: &str) -> Result<Option<i64>> {
    let column = body.column_by_name(time).ok_or_else(|| {
        Error::new(Kind::Data, "archive_damaged", format!("an epoch without its column {time}"))
    })?;
    let times = column.as_primitive::<TimestampMicrosecondType>();
    Ok(times.values().iter().copied().max().filter(|_| !times.is_empty()))
}

impl Prepared {
    /// What is folded: (section of the plan, its columns).
    pub fn sections(&self) -> &[(usize, SectionInput)] {
        &self.sections
    }

    /// The same with each row's own arrival, where the rows prepared had lost that column.
    pub fn with_arrivals(mut self, arrivals: Option<Vec<i64>>) -> Self {
        self.arrivals = arrivals;
        self
    }
}

impl State {
    /// Applies an epoch. `prepared` is `None` where it has no accepted row.
    pub fn apply(
        &mut self,
        plan: &Plan,
        epoch: EpochId,
        meta: &EpochMeta,
        (source, prepared): (usize, Option<&Prepared>),
    ) {
        assert!(epoch.sequence > self.epoch.sequence, "epochs are applied once, in order");
        let mut newest_event_at = None;
        if let Some(prepared) = prepared {
            assert!(prepared.source == source, "prepared for this source");
            self.fold(plan, prepared, meta.visible_at);
            self.put(prepared, meta.visible_at);
            for left_out in &prepared.left_out {
                self.count_left_out(left_out.view, left_out.cause);
            }
            newest_event_at = match prepared.rows {
                Some(_) => Some(meta.visible_at),
                None => prepared.newest_event_at,
            };
        }
        self.sources[source].add(meta, newest_event_at);
        self.epoch = epoch;
    }

    /// Takes from an epoch that lies behind what is no fold: rows of tables that are filled, and
    /// what views leave out whose facts are counted again.
    pub fn fill(&mut self, prepared: &Prepared, visible_at: i64) {
        self.put(prepared, visible_at);
        let newest = &mut self.sources[prepared.source].newest_event_at;
        *newest = prepared.newest_event_at.max(*newest);
        for left_out in &prepared.left_out {
            self.count_left_out(left_out.view, left_out.cause);
        }
    }

    fn count_left_out(&mut self, view: usize, cause: Cause) {
        *self.views[view].left_out.entry(cause.name().to_string()).or_default() += 1;
    }

    fn fold(&mut self, plan: &Plan, prepared: &Prepared, sealed_at: i64) {
        for (section, input) in &prepared.sections {
            let space = plan.sections[*section].space;
            if let Some(saving) = self.saving.get_mut() {
                for key in (0..input.keys.len()).filter_map(|row| input.keys.get(row)) {
                    saving.before_change(space, &self.spaces[space], key);
                }
            }
            let batch = input.as_fold_batch();
            let report = self.spaces[space].fold(*section, &batch, sealed_at);
            for (view, events) in report.beyond_windows {
                self.views[view].beyond_windows += events;
            }
        }
    }

    fn put(&mut self, prepared: &Prepared, visible_at: i64) {
        let Some(rows) = &prepared.rows else { return };
        let table = prepared.source - (self.sources.len() - self.tables.len());
        for row in 0..rows.len() {
            let Some(key) = rows.keys.get(row) else { continue };
            if let Some(saving) = self.saving.get_mut() {
                saving.before_put(table, &self.tables[table], key);
            }
            let valid_from = rows.valid_from.as_ref().map(|column| column[row]);
            let arrived_at = prepared.arrivals.as_ref().map_or(visible_at, |column| column[row]);
            self.tables[table].put(key, valid_from, arrived_at, rows.values(row));
            if !self.dirty_tables[table].contains(key) {
                self.dirty_tables[table].insert(key.into());
            }
        }
    }
}
