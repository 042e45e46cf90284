//! The expressions of one section, bound once: distinct conditions, inputs, and for each view that
//! can fail the steps in which its expressions are needed. Holds no row.

use arrow_array::{Array, ArrayRef, RecordBatch};
use headwater_expr::{Bound, bind_expression};
use headwater_kernel::blueprint::{Column, Compute, Expression, Stream};
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::{Filling, Plan};
use headwater_kernel::value::DataType;

/// One section, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    /// Indices of the key columns in the stream.
    pub(super) key_columns: Vec<usize>,
    /// Index of the event time in the stream.
    pub(super) time: usize,
    /// Distinct boolean expressions.
    pub(super) conditions: Vec<Operation>,
    /// Parallel to the section's inputs.
    pub(super) inputs: Vec<Operation>,
    /// Parallel to the section's filters.
    pub(super) filters: Vec<PreparedFilter>,
    /// The views of the section whose bad rows are looked for.
    pub(super) views: Vec<PreparedView>,
    /// Views whose rows left out are told.
    pub(super) told: Vec<usize>,
    /// By condition: is it evaluated? If not, no row passes.
    pub(super) conditions_needed: Vec<bool>,
    /// By input: is it evaluated? If not, it is null.
    pub(super) inputs_needed: Vec<bool>,
    /// By filter: is it made? If not, no row passes.
    pub(super) filters_needed: Vec<bool>,
}

/// An expression bound to the stream.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    expression: Expression,
    pub(super) bound: Bound,
}

impl Operation {
    /// Can a row fail?
    pub(super) fn fallible(&self) -> bool {
        self.expression.fallible
    }

    /// The type of its result.
    pub(super) fn data_type(&self) -> DataType {
        self.expression.data_type
    }

    /// What the user wrote.
    pub(super) fn text(&self) -> &str {
        &self.expression.text
    }
}

/// A filter by its conditions.
#[derive(Clone, Debug)]
pub(super) struct PreparedFilter {
    /// Indices into [`Prepared::conditions`], ANDed.
    pub(super) conditions: Vec<usize>,
    /// The view whose bad rows it leaves out.
    pub(super) admission: Option<usize>,
}

/// The order in which a view needs its expressions.
#[derive(Clone, Debug)]
pub(super) struct PreparedView {
    /// Index into the plan's views.
    pub(super) view: usize,
    /// Can one of its expressions fail?
    pub(super) fallible: bool,
    /// Its `where`: index into [`Prepared::conditions`].
    pub(super) filter: Option<usize>,
    /// Its features.
    pub(super) steps: Vec<Step>,
}

/// What one feature needs.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Column of the feature, for messages.
    pub(super) feature: String,
    /// The aggregate's `where`: index into [`Prepared::conditions`].
    pub(super) filter: Option<usize>,
    /// Index into [`Prepared::inputs`].
    pub(super) input: Option<usize>,
}

impl Prepared {
    pub(super) fn new(plan: &Plan, section_index: usize) -> Result<Self> {
        let section = &plan.sections[section_index];
        let stream = &plan.blueprint.streams[section.stream];
        let mut prepared = Prepared {
            key_columns: section
                .key_columns
                .iter()
                .map(|column| column_index(stream, column))
                .collect::<Result<_>>()?,
            time: column_index(stream, &stream.time)?,
            conditions: Vec::new(),
            inputs: section
                .inputs
                .iter()
                .map(|input| operation(input, &stream.columns))
                .collect::<Result<_>>()?,
            filters: Vec::new(),
            views: Vec::new(),
            told: section.views.clone(),
            conditions_needed: Vec::new(),
            inputs_needed: vec![true; section.inputs.len()],
            filters_needed: vec![true; section.filters.len()],
        };
        for filter in &section.filters {
            let conditions = filter
                .conditions
                .iter()
                .map(|condition| prepared.condition(condition, &stream.columns))
                .collect::<Result<_>>()?;
            prepared.filters.push(PreparedFilter { conditions, admission: filter.admission });
        }
        for view in &section.views {
            let view = prepared.view(plan, *view, &stream.columns)?;
            prepared.views.push(view);
        }
        prepared.conditions_needed = vec![true; prepared.conditions.len()];
        Ok(prepared)
    }

    /// Leaves out every expression that filling does not need; `plan` is the whole one, this is of
    /// the narrowed one, whose filter that no row may pass lies behind the section's own.
    pub(super) fn narrow(&mut self, plan: &Plan, filling: &Filling) {
        let needs = filling.needs(plan);
        self.views.retain(|view| needs.views.contains(&view.view));
        self.told = filling.views.clone();
        self.inputs_needed = needs.inputs;
        self.filters_needed = needs.filters;
        self.filters_needed.resize(self.filters.len(), false);
        self.conditions_needed.fill(false);
        for (filter, _) in self.filters.iter().zip(&self.filters_needed).filter(|pair| *pair.1) {
            filter.conditions.iter().for_each(|&at| self.conditions_needed[at] = true);
        }
        for view in self.views.iter().filter(|view| view.fallible) {
            let filters = view.steps.iter().filter_map(|step| step.filter);
            filters.chain(view.filter).for_each(|at| self.conditions_needed[at] = true);
            let inputs = view.steps.iter().filter_map(|step| step.input);
            inputs.filter(|&at| self.inputs[at].fallible()).for_each(|at| {
                self.inputs_needed[at] = true;
            });
        }
    }

    /// The key columns of a batch.
    pub(super) fn keys(&self, batch: &RecordBatch) -> Vec<ArrayRef> {
        self.key_columns.iter().map(|column| batch.column(*column).clone()).collect()
    }

    /// The message of a row without a key.
    pub(super) fn null_key(&self, batch: &RecordBatch, row: usize) -> String {
        let null = self.key_columns.iter().find(|column| batch.column(**column).is_null(row));
        let column = null.expect("a row without a key has a null key part");
        format!("key column \"{}\" is null", batch.schema_ref().field(*column).name())
    }

    fn view(&mut self, plan: &Plan, index: usize, columns: &[Column]) -> Result<PreparedView> {
        let view = &plan.blueprint.views[index];
        let filter =
            view.filter.as_ref().map(|filter| self.condition(filter, columns)).transpose()?;
        let mut steps = Vec::with_capacity(view.features.len());
        for (feature, feature_plan) in view.features.iter().zip(&plan.views[index].features) {
            let Compute::Aggregate { filter, .. } = &feature.compute else { continue };
            let headwater_kernel::plan::FeatureCompute::Aggregate(aggregate) =
                &feature_plan.compute
            else {
                continue;
            };
            let filter = filter.as_ref().map(|f| self.condition(f, columns)).transpose()?;
            let step = Step { feature: feature.column.clone(), filter, input: aggregate.input };
            let same = |other: &Step| (other.filter, other.input) == (step.filter, step.input);
            if !steps.iter().any(same) {
                steps.push(step);
            }
        }
        Ok(PreparedView { view: index, fallible: plan.views[index].fallible, filter, steps })
    }

    fn condition(&mut self, expression: &Expression, columns: &[Column]) -> Result<usize> {
        let same = |other: &Operation| {
            other.expression.tree == expression.tree
                && other.expression.fallible == expression.fallible
        };
        if let Some(known) = self.conditions.iter().position(same) {
            return Ok(known);
        }
        self.conditions.push(operation(expression, columns)?);
        Ok(self.conditions.len() - 1)
    }
}

fn operation(expression: &Expression, columns: &[Column]) -> Result<Operation> {
    let bound = bind_expression(expression, columns)?;
    Ok(Operation { expression: expression.clone(), bound })
}

fn column_index(stream: &Stream, name: &str) -> Result<usize> {
    stream.columns.iter().position(|column| column.name == name).ok_or_else(|| {
        let message = format!("\"{name}\" is not a column of {}", stream.name);
        Error::new(Kind::Invalid, "blueprint", message)
    })
}
