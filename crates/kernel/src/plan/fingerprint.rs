//! Fingerprints: 128-bit hashes of the meaning of parts and sections.
//!
//! They cover what decides a value and nothing else: never a description, an owner or the text
//! that a user wrote.

use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_128;

use super::{Family, Filter, Part, Plan, Section, Source};
use crate::blueprint::{Blueprint, Compute, Expression, MEANING};
use crate::window::Window;

/// The canonical identity of an expression: its tree, type and scale.
pub(super) fn expression_identity(expression: &Expression) -> String {
    format!(
        "{}|{:?}|{}",
        canonical_json(&expression.tree),
        expression.data_type,
        expression.scale_exponent
    )
}

/// JSON with the keys of objects sorted, so that key order decides nothing.
fn canonical_json(tree: &serde_json::Value) -> String {
    match tree {
        serde_json::Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let fields: Vec<String> =
                keys.iter().map(|key| format!("{key:?}:{}", canonical_json(&map[*key]))).collect();
            format!("{{{}}}", fields.join(","))
        }
        serde_json::Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical_json).collect();
            format!("[{}]", items.join(","))
        }
        scalar => scalar.to_string(),
    }
}

/// What decides on which rows an expression of a view fails, which the view leaves out: every
/// expression that can fail, behind the conditions on which it is evaluated. Their order and
/// features that cannot fail decide nothing.
fn fallible_expressions(blueprint: &Blueprint, view: usize) -> String {
    let view = &blueprint.views[view];
    let identity = |expression: &Option<Expression>| expression.as_ref().map(expression_identity);
    let fallible =
        |expression: &Option<Expression>| expression.as_ref().is_some_and(|e| e.fallible);
    let mut steps = Vec::new();
    for feature in &view.features {
        let Compute::Aggregate { input, filter, .. } = &feature.compute else { continue };
        if fallible(filter) {
            steps.push((identity(filter), None));
        }
        if fallible(input) {
            steps.push((identity(filter), identity(input)));
        }
    }
    steps.sort_unstable();
    steps.dedup();
    format!("{:?};{steps:?}", identity(&view.filter))
}

/// The canonical identity of a filter: its conditions, and the rows that its view leaves out.
pub(super) fn filter_identity(blueprint: &Blueprint, filter: &Filter) -> String {
    let mut text: String =
        filter.conditions.iter().map(|condition| expression_identity(condition) + "&").collect();
    if let Some(view) = filter.admission {
        let _ = write!(text, "admitted:{}", fallible_expressions(blueprint, view));
    }
    text
}

/// The fingerprint of a part of a section: of what it keeps, and for which windows.
pub(super) fn part_fingerprint(blueprint: &Blueprint, section: &Section, part: &Part) -> u128 {
    xxh3_128(part_text(blueprint, section, part, &part.windows).as_bytes())
}

/// What a part keeps, without the windows for which it does.
pub(super) fn part_identity(blueprint: &Blueprint, section: &Section, part: &Part) -> String {
    part_text(blueprint, section, part, &[])
}

fn part_text(blueprint: &Blueprint, section: &Section, part: &Part, windows: &[Window]) -> String {
    let stream = &blueprint.streams[section.stream];
    let identity = |input: &usize| expression_identity(&section.inputs[*input]);
    let filter = |index: &usize| filter_identity(blueprint, &section.filters[*index]);
    let mut text = format!(
        "part|{MEANING}|{}|{}|{:?}|{:?}|{windows:?}|{:?}",
        section.name,
        stream.time,
        part.input.as_ref().map(identity),
        part.filter.as_ref().map(filter),
        family_name(&part.family),
    );
    if let Family::Raw { view, events_max, inputs, filters } = &part.family {
        let inputs: Vec<String> = inputs.iter().map(identity).collect();
        let filters: Vec<String> = filters.iter().map(filter).collect();
        let current = blueprint.views[*view].include_current;
        let _ = write!(text, "|{events_max}|{inputs:?}|{filters:?}|{current}");
    }
    if part.family.is_ordered() {
        // Ties hang on every column of the event, on the order column and on the id.
        let columns: Vec<_> = stream.columns.iter().map(|c| (&c.name, c.data_type)).collect();
        let _ = write!(text, "|{columns:?}|{:?}|{:?}", stream.order, stream.id);
    }
    text
}

fn family_name(family: &Family) -> String {
    match family {
        Family::Count => "count".into(),
        Family::Sum => "sum".into(),
        Family::Min => "min".into(),
        Family::Max => "max".into(),
        Family::First => "first".into(),
        Family::Last { n } => format!("last:{n}"),
        Family::Raw { .. } => "raw".into(),
    }
}

/// What decides which events a view leaves out and which it keeps; `None` for a view of a table.
/// Its windows decide, besides, which come beyond them.
pub(super) fn facts_identity(plan: &Plan, view: usize) -> Option<String> {
    let view_plan = &plan.views[view];
    let Source::Section(section) = view_plan.source else { return None };
    let section = &plan.sections[section];
    let filter = view_plan.filter.map(|i| filter_identity(&plan.blueprint, &section.filters[i]));
    Some(format!("{}|{filter:?}|{}", section.name, view_plan.include_current))
}

/// The fingerprint of a section: of its parts, and of what waiting events hold.
pub(super) fn section_fingerprint(blueprint: &Blueprint, section: &Section) -> u128 {
    let mut text = format!("section|{}|{}", section.name, section.ordered);
    for part in &section.parts {
        let _ = write!(text, "|{:032x}", part.fingerprint);
    }
    for input in &section.inputs {
        let _ = write!(text, "|{}", expression_identity(input));
    }
    for filter in &section.filters {
        let _ = write!(text, "|{}", filter_identity(blueprint, filter));
    }
    xxh3_128(text.as_bytes())
}
