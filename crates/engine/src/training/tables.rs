//! Views of tables: the row that counted at each label's instant, under either knowledge.

use std::collections::HashSet;

use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::key::KeyColumn;
use headwater_kernel::plan::{Plan, ServicePlan, Source};
use headwater_kernel::table::TableState;
use headwater_kernel::value::Cell;

use super::cells::Cells;
use super::history::HistoryBatch;
use super::{Answer, AsOf, Work};
use crate::transform::table_rows;

impl Work<'_> {
    /// Answers the views of tables.
    pub(super) fn tables(&self, answers: &mut [Option<Answer>]) -> Result<()> {
        for (index, input) in self.service.inputs.iter().enumerate() {
            let Source::Table(table) = self.plan.views[input.view].source else { continue };
            self.check_cancelled()?;
            answers[index] = Some(self.table_view(index, table)?);
            self.tell_done();
        }
        Ok(())
    }

    fn table_view(&self, index: usize, table: usize) -> Result<Answer> {
        let input = &self.service.inputs[index];
        let view = &self.plan.views[input.view];
        let keys = KeyColumn::from_arrays(&self.labels.keys_of(self.plan, input))?;
        let asked: HashSet<&[u8]> = (0..keys.len()).filter_map(|row| keys.get(row)).collect();
        let state = self.table_state(table, &self.history.tables[table], &asked)?;
        let mut cells = Cells::new(view, &self.features_of(index), self.labels.len());
        let mut out = vec![Cell::default(); view.features.len()];
        for (row, t) in self.labels.times.iter().enumerate() {
            let arrived_by = (self.options.as_of == AsOf::Arrival).then_some(*t);
            let found = state.read(view, keys.get(row), *t, arrived_by, &mut out);
            cells.set(row, &mut out, found);
        }
        cells.finish()
    }

    /// The rows of the keys asked about, put in order of arrival.
    fn table_state(
        &self,
        table: usize,
        history: &[HistoryBatch],
        asked: &HashSet<&[u8]>,
    ) -> Result<TableState> {
        let definition = &self.plan.blueprint.tables[table];
        let mut state = TableState::new(self.plan, table);
        // What must know when a row arrived: the knowledge of production, and a row that is valid
        // from its arrival. Elsewhere rows that arrived together count in their order.
        let dated = !definition.timeless
            && (self.options.as_of == AsOf::Arrival || definition.valid_from.is_none());
        let mut rows = Vec::with_capacity(history.len());
        let mut order: Vec<(i64, usize, usize)> = Vec::new();
        for (index, batch) in history.iter().enumerate() {
            self.check_cancelled()?;
            let prepared = table_rows(definition, &batch.rows)?;
            for row in 0..prepared.len() {
                if prepared.keys.get(row).is_some_and(|key| asked.contains(key)) {
                    let arrived = batch.arrived.of(row);
                    if dated && arrived.is_none() {
                        return Err(unknown_arrivals(&definition.name, self.options.as_of));
                    }
                    order.push((arrived.unwrap_or(0), index, row));
                }
            }
            rows.push(prepared);
        }
        // By (arrival, position).
        order.sort_unstable();
        for (arrived, index, row) in order {
            let prepared = &rows[index];
            let key = prepared.keys.get(row).expect("chosen by its key");
            let valid_from = prepared.valid_from.as_ref().map(|instants| instants[row]);
            state.put(key, valid_from, arrived, prepared.values(row));
        }
        Ok(state)
    }
}

/// The tables of a service whose rows count at every instant.
pub(super) fn timeless(plan: &Plan, service: &ServicePlan) -> Vec<String> {
    let mut names = Vec::new();
    for input in &service.inputs {
        let Source::Table(table) = plan.views[input.view].source else { continue };
        let table = &plan.blueprint.tables[table];
        if table.timeless && !names.contains(&table.name) {
            names.push(table.name.clone());
        }
    }
    names
}

fn unknown_arrivals(table: &str, as_of: AsOf) -> Error {
    let why = match as_of {
        AsOf::Arrival => "as_of=\"arrival\" needs to know when the rows of",
        AsOf::EventTime => "without valid_from a row counts from its arrival: when have those of",
    };
    Error::new(Kind::Invalid, "no_arrivals", format!("{why} {table} arrived"))
        .with_hint("name their column with arrived_at=, or declare the table timeless=True")
}
