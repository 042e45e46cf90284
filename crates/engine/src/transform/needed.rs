//! Evaluates a section's expressions on the rows where they are needed, and tells for each view
//! which rows it must leave out. An expression that cannot fail is simply evaluated on every row;
//! one that can is evaluated once, on the union of the rows where some view needs it.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow_buffer::BooleanBuffer;
use headwater_expr::Evaluated;
use headwater_kernel::error::{Error, Kind, Result};

use super::BadRows;
use super::prepared::{Operation, Prepared, PreparedView};
use crate::contract::canonical_type;

/// What came of a batch.
pub(super) struct Evaluation {
    /// Parallel to the section's inputs.
    pub(super) inputs: Vec<ArrayRef>,
    /// Parallel to the section's filters.
    pub(super) filters: Vec<BooleanBuffer>,
    pub(super) bad: BadRows,
}

/// Runs all expressions of a section over a batch.
pub(super) fn evaluate(prepared: &Prepared, batch: &RecordBatch) -> Result<Evaluation> {
    let conditions = evaluate_conditions(prepared, batch)?;
    let inputs = evaluate_inputs(prepared, batch, &conditions)?;
    let mut bad = Vec::new();
    let mut admitted: Vec<(usize, BooleanBuffer)> = Vec::new();
    for view in prepared.views.iter().filter(|view| view.fallible) {
        let found = bad_rows(prepared, view, &conditions, &inputs);
        if !found.is_empty() {
            admitted.push((view.view, without(batch.num_rows(), &found)));
            bad.extend(found.into_iter().map(|(row, message)| (row, view.view, message)));
        }
    }
    let filters = prepared
        .filters
        .iter()
        .zip(&prepared.filters_needed)
        .map(|(filter, is_needed)| {
            if !is_needed {
                return BooleanBuffer::new_unset(batch.num_rows());
            }
            let admission = filter.admission.and_then(|view| {
                admitted.iter().find(|(other, _)| *other == view).map(|(_, rows)| rows)
            });
            let passing = filter.conditions.iter().map(|index| &conditions[*index].passing);
            all_of(passing.chain(admission), batch.num_rows())
        })
        .collect();
    let inputs = inputs.into_iter().map(|input| input.array).collect();
    Ok(Evaluation { inputs, filters, bad })
}

/// A condition over a batch.
struct Condition {
    /// Rows where it was needed and is true.
    passing: BooleanBuffer,
    bad: Vec<(usize, String)>,
}

/// An input over a batch.
struct Input {
    array: ArrayRef,
    bad: Vec<(usize, String)>,
}

/// Conditions of views first, on all rows; then those of aggregates, on what these let through.
fn evaluate_conditions(prepared: &Prepared, batch: &RecordBatch) -> Result<Vec<Condition>> {
    let mut done: Vec<Option<Condition>> = prepared.conditions.iter().map(|_| None).collect();
    for (index, operation) in prepared.conditions.iter().enumerate() {
        if !prepared.conditions_needed[index] {
            let passing = BooleanBuffer::new_unset(batch.num_rows());
            done[index] = Some(Condition { passing, bad: Vec::new() });
            continue;
        }
        let of_view = prepared.views.iter().any(|view| view.filter == Some(index));
        if of_view || !operation.fallible() {
            done[index] = Some(condition(operation, batch, None)?);
        }
    }
    for (index, operation) in prepared.conditions.iter().enumerate() {
        if done[index].is_some() {
            continue;
        }
        let users = prepared
            .views
            .iter()
            .filter(|view| view.steps.iter().any(|step| step.filter == Some(index)));
        let masks = users.map(|view| view_mask(view, &done, batch.num_rows()));
        let needed = any_of(masks, batch.num_rows());
        done[index] = Some(condition(operation, batch, Some(&needed))?);
    }
    Ok(done.into_iter().flatten().collect())
}

/// The rows that a view's `where` lets through.
fn view_mask(view: &PreparedView, done: &[Option<Condition>], rows: usize) -> BooleanBuffer {
    match view.filter {
        None => BooleanBuffer::new_set(rows),
        Some(filter) => {
            let condition = done[filter].as_ref().expect("conditions of views are done first");
            condition.passing.clone()
        }
    }
}

fn condition(
    operation: &Operation,
    batch: &RecordBatch,
    needed: Option<&BooleanBuffer>,
) -> Result<Condition> {
    let Evaluated { array, bad } = run(operation, batch, needed)?;
    let array = array.as_boolean();
    let passing = match array.nulls() {
        Some(nulls) => array.values() & nulls.inner(),
        None => array.values().clone(),
    };
    Ok(Condition { passing, bad })
}

fn evaluate_inputs(
    prepared: &Prepared,
    batch: &RecordBatch,
    conditions: &[Condition],
) -> Result<Vec<Input>> {
    let rows = batch.num_rows();
    let mut inputs = Vec::with_capacity(prepared.inputs.len());
    for (index, operation) in prepared.inputs.iter().enumerate() {
        if !prepared.inputs_needed[index] {
            let array = new_null_array(&canonical_type(operation.data_type()), rows);
            inputs.push(Input { array, bad: Vec::new() });
            continue;
        }
        let needed = operation.fallible().then(|| {
            let masks = prepared.views.iter().flat_map(|view| {
                let steps = view.steps.iter().filter(move |step| step.input == Some(index));
                steps.map(move |step| step_mask(view.filter, step.filter, conditions, rows))
            });
            any_of(masks, rows)
        });
        let Evaluated { array, bad } = run(operation, batch, needed.as_ref())?;
        inputs.push(Input { array, bad });
    }
    Ok(inputs)
}

/// The rows that a view's `where` and an aggregate's let through.
fn step_mask(
    view: Option<usize>,
    step: Option<usize>,
    conditions: &[Condition],
    rows: usize,
) -> BooleanBuffer {
    all_of([view, step].into_iter().flatten().map(|index| &conditions[index].passing), rows)
}

fn run(
    operation: &Operation,
    batch: &RecordBatch,
    needed: Option<&BooleanBuffer>,
) -> Result<Evaluated> {
    let evaluated = operation.bound.evaluate(batch, needed);
    match evaluated.bad.first() {
        Some((_, message)) if !operation.fallible() => {
            let text = operation.text();
            let what = format!("expression \"{text}\" failed though it was declared not to");
            Err(Error::new(Kind::Internal, "expression_fallible", what).with_detail(message))
        }
        _ => Ok(evaluated),
    }
}

/// The rows that a view must leave out, ascending, each with its first failure.
fn bad_rows(
    prepared: &Prepared,
    view: &PreparedView,
    conditions: &[Condition],
    inputs: &[Input],
) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut note = |bad: &[(usize, String)], of: &str, text: &str, masks: &[Option<usize>]| {
        for (row, why) in bad {
            let passed = |mask: &usize| conditions[*mask].passing.value(*row);
            if masks.iter().flatten().all(passed) {
                found.push((*row, format!("{of} \"{text}\": {why}")));
            }
        }
    };
    if let Some(filter) = view.filter {
        note(&conditions[filter].bad, "where", prepared.conditions[filter].text(), &[]);
    }
    for step in &view.steps {
        if let Some(filter) = step.filter {
            let of = format!("{} where", step.feature);
            let text = prepared.conditions[filter].text();
            note(&conditions[filter].bad, &of, text, &[view.filter]);
        }
        if let Some(input) = step.input {
            let text = prepared.inputs[input].text();
            note(&inputs[input].bad, &step.feature, text, &[view.filter, step.filter]);
        }
    }
    // A stable sort keeps the order of evaluation within a row.
    found.sort_by_key(|(row, _)| *row);
    found.dedup_by_key(|(row, _)| *row);
    found
}

/// All rows but those of an ascending list.
fn without(rows: usize, bad: &[(usize, String)]) -> BooleanBuffer {
    let mut next = bad.iter().map(|(row, _)| *row).peekable();
    BooleanBuffer::collect_bool(rows, |row| next.next_if_eq(&row).is_none())
}

fn all_of<'a>(masks: impl Iterator<Item = &'a BooleanBuffer>, rows: usize) -> BooleanBuffer {
    let joined = masks.fold(None, |joined: Option<BooleanBuffer>, mask| match joined {
        None => Some(mask.clone()),
        Some(joined) => Some(&joined & mask),
    });
    joined.unwrap_or_else(|| BooleanBuffer::new_set(rows))
}

fn any_of(masks: impl Iterator<Item = BooleanBuffer>, rows: usize) -> BooleanBuffer {
    let joined = masks.fold(None, |joined: Option<BooleanBuffer>, mask| match joined {
        None => Some(mask),
        Some(joined) => Some(&joined | &mask),
    });
    joined.unwrap_or_else(|| BooleanBuffer::new_unset(rows))
}
