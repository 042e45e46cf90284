//! From accepted rows to what the kernel folds: keys, inputs, filters and ties of one section, with
//! the rows that a view must leave out. Prepared once for a plan; a call costs its expressions.
//! It decides for each view by the row alone; it must never know arrivals, positions or state.

mod needed;
mod prepared;
mod table;

use std::sync::Arc;

use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use arrow_buffer::{BooleanBuffer, ScalarBuffer};
use headwater_kernel::error::Result;
use headwater_kernel::fold::FoldBatch;
use headwater_kernel::key::KeyColumn;
use headwater_kernel::order::{Tie, ties_of_batch};
use headwater_kernel::plan::{Filling, Plan};
use headwater_kernel::sweep::EventColumns;

use self::needed::Evaluation;
use self::prepared::Prepared;
use crate::contract::Cause;

pub use table::{TableRows, table_rows, value_at};

/// (row, view, message), the first message of each row and view.
type BadRows = Vec<(usize, usize, String)>;

/// What turns accepted batches into batches to fold, prepared for one plan.
#[derive(Clone, Debug)]
pub struct Transform {
    plan: Arc<Plan>,
    sections: Vec<Prepared>,
}

/// A row that one view leaves out while all others fold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Row of the batch.
    pub row: u32,
    /// Index of the view in the plan.
    pub view: usize,
    /// [`Cause::NullKey`] or [`Cause::Expression`].
    pub cause: Cause,
    /// What is wrong: the key column, or the feature and its expression.
    pub message: String,
}

/// The columns of one section, keys as the columns that hold them.
#[derive(Clone, Debug)]
pub struct SectionColumns {
    /// Parallel to the section's key columns; a row with a null part has no key.
    pub keys: Vec<ArrayRef>,
    /// Event times, UTC microseconds.
    pub times: ScalarBuffer<i64>,
    /// Ties, where the section needs them.
    pub ties: Option<Vec<Tie>>,
    /// Parallel to the section's inputs.
    pub inputs: Vec<ArrayRef>,
    /// Parallel to the section's filters.
    pub filters: Vec<BooleanBuffer>,
}

impl SectionColumns {
    /// The same as the kernel's sweep takes it.
    pub fn as_events(&self) -> EventColumns<'_> {
        EventColumns {
            keys: &self.keys,
            times: &self.times,
            ties: self.ties.as_deref(),
            inputs: &self.inputs,
            filters: &self.filters,
        }
    }
}

/// The columns of one section, and what its views leave out.
#[derive(Clone, Debug)]
pub struct SectionInput {
    /// Keys; a row with a null part has none.
    pub keys: KeyColumn,
    /// Event times, UTC microseconds.
    pub times: ScalarBuffer<i64>,
    /// Ties, where the section needs them.
    pub ties: Option<Vec<Tie>>,
    /// Parallel to the section's inputs.
    pub inputs: Vec<ArrayRef>,
    /// Parallel to the section's filters.
    pub filters: Vec<BooleanBuffer>,
    /// By row, then view.
    pub left_out: Vec<LeftOut>,
}

impl SectionInput {
    /// The same as the kernel takes it.
    pub fn as_fold_batch(&self) -> FoldBatch<'_> {
        FoldBatch {
            keys: &self.keys,
            times: &self.times,
            ties: self.ties.as_deref(),
            inputs: &self.inputs,
            filters: &self.filters,
        }
    }
}

impl Transform {
    /// Binds every expression of the plan to the columns of its stream.
    ///
    /// # Errors
    /// Kind Invalid, code `expression`: a tree that does not fit its stream.
    pub fn new(plan: Arc<Plan>) -> Result<Self> {
        let sections = (0..plan.sections.len())
            .map(|section| Prepared::new(&plan, section))
            .collect::<Result<_>>()?;
        Ok(Self { plan, sections })
    }

    /// For the plan narrowed to these fillings: of their sections only the expressions that filling
    /// needs are evaluated, and only the rows that the views of the filling leave out are told.
    ///
    /// # Errors
    /// As [`Transform::new`].
    pub fn narrowed(plan: &Plan, fillings: &[Filling]) -> Result<Self> {
        let mut transform = Self::new(Arc::new(plan.narrowed(fillings)))?;
        for filling in fillings {
            transform.sections[filling.section].narrow(plan, filling);
        }
        Ok(transform)
    }

    /// The plan that it was prepared for.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Index of the event time among the columns of the section's stream.
    pub(crate) fn time_column(&self, section: usize) -> usize {
        self.sections[section].time
    }

    /// The input of section `section` from accepted rows of its stream.
    ///
    /// `batch` holds the stream's columns in canonical types (as `decode` gives them). Rows keep
    /// their places. A row with a null key part has no key and is left out of every view of the
    /// section (`null_key`); a row on which a needed expression of a view fails is left out of that
    /// view (`expression`) by the view's filters. An expression is needed on the rows where the
    /// conditions before it are true: the view's `where`, then the aggregate's, then the input.
    ///
    /// # Errors
    /// Kind Internal when the batch lacks a column or an expression fails that was declared not to.
    pub fn section(&self, section: usize, batch: &RecordBatch) -> Result<SectionInput> {
        let (columns, bad) = self.evaluate(section, batch)?;
        let SectionColumns { keys, times, ties, inputs, filters } = columns;
        let keys = KeyColumn::from_arrays(&keys)?;
        let left_out = self.left_out(&self.sections[section], batch, &keys, bad);
        Ok(SectionInput { keys, times, ties, inputs, filters, left_out })
    }

    /// [`Transform::section`] for the sweep, which needs no key bytes and tells of no row that a
    /// view leaves out.
    pub fn columns(&self, section: usize, batch: &RecordBatch) -> Result<SectionColumns> {
        Ok(self.evaluate(section, batch)?.0)
    }

    /// The columns of a section, and the rows on which an expression of a view fails.
    fn evaluate(&self, section: usize, batch: &RecordBatch) -> Result<(SectionColumns, BadRows)> {
        let prepared = &self.sections[section];
        let stream = &self.plan.blueprint.streams[self.plan.sections[section].stream];
        let keys = prepared.keys(batch);
        let times = batch.column(prepared.time).as_primitive::<TimestampMicrosecondType>();
        let ties = match self.plan.sections[section].ordered {
            true => Some(ties_of_batch(stream, batch)?),
            false => None,
        };
        let Evaluation { inputs, filters, bad } = needed::evaluate(prepared, batch)?;
        let times = times.values().clone();
        Ok((SectionColumns { keys, times, ties, inputs, filters }, bad))
    }

    /// Lists the rows left out; a null key is told before any expression.
    fn left_out(
        &self,
        prepared: &Prepared,
        batch: &RecordBatch,
        keys: &KeyColumn,
        bad: BadRows,
    ) -> Vec<LeftOut> {
        let mut left_out = Vec::new();
        if prepared.key_columns.iter().any(|column| batch.column(*column).null_count() > 0) {
            for row in (0..batch.num_rows()).filter(|row| keys.get(*row).is_none()) {
                for &view in &prepared.told {
                    let message = prepared.null_key(batch, row);
                    left_out.push(told(row, view, Cause::NullKey, message));
                }
            }
        }
        for (row, view, message) in bad {
            if keys.get(row).is_some() && prepared.told.contains(&view) {
                let message = format!("{}: {message}", self.plan.views[view].name);
                left_out.push(told(row, view, Cause::Expression, message));
            }
        }
        left_out.sort_by_key(|one| (one.row, one.view));
        left_out
    }
}

fn told(row: usize, view: usize, cause: Cause, message: String) -> LeftOut {
    let row = u32::try_from(row).expect("a batch has fewer than 2^32 rows");
    LeftOut { row, view, cause, message }
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
