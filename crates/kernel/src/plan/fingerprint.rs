//! Fingerprints: 128-bit hashes of the meaning of parts and sections.
//!
//! They cover what decides a value and nothing else: never a description, an owner or the text
//! that a user wrote.

use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_128;

use super::{Family, Filter, Part, Section};
use crate::blueprint::{Blueprint, Compute, Expression, MEANING};

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

/// Every expression of a view that can fail: a bad row of one of them is left out of the view.
fn fallible_expressions(blueprint: &Blueprint, view: usize) -> String {
    let view = &blueprint.views[view];
    let mut text = String::new();
    let mut add = |expression: &Option<Expression>| {
        if let Some(expression) = expression {
            text.push_str(&expression_identity(expression));
        }
        text.push(';');
    };
    add(&view.filter);
    for feature in &view.features {
        if let Compute::Aggregate { input, filter, .. } = &feature.compute {
            add(filter);
            add(input);
        }
    }
    text
}

fn filter_identity(blueprint: &Blueprint, filter: &Filter) -> String {
    let mut text: String =
        filter.conditions.iter().map(|condition| expression_identity(condition) + "&").collect();
    if let Some(view) = filter.admission {
        let _ = write!(text, "admitted:{}", fallible_expressions(blueprint, view));
    }
    text
}

/// The fingerprint of a part of a section.
pub(super) fn part_fingerprint(blueprint: &Blueprint, section: &Section, part: &Part) -> u128 {
    let stream = &blueprint.streams[section.stream];
    let identity = |input: &usize| expression_identity(&section.inputs[*input]);
    let filter = |index: &usize| filter_identity(blueprint, &section.filters[*index]);
    let mut text = format!(
        "part|{MEANING}|{}|{}|{:?}|{:?}|{:?}|{:?}",
        section.name,
        stream.time,
        part.input.as_ref().map(identity),
        part.filter.as_ref().map(filter),
        part.windows,
        family_name(&part.family),
    );
    if let Family::Raw { view, events_max, inputs, filters } = &part.family {
        let inputs: Vec<String> = inputs.iter().map(identity).collect();
        let filters: Vec<String> = filters.iter().map(filter).collect();
        let current = blueprint.views[*view].include_current;
        let _ = write!(text, "|{events_max}|{inputs:?}|{filters:?}|{current}");
    }
    if matches!(part.family, Family::First | Family::Last { .. } | Family::Raw { .. }) {
        // Ties hang on every column of the event, on the order column and on the id.
        let columns: Vec<_> = stream.columns.iter().map(|c| (&c.name, c.data_type)).collect();
        let _ = write!(text, "|{columns:?}|{:?}|{:?}", stream.order, stream.id);
    }
    xxh3_128(text.as_bytes())
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
