//! Derives spaces, sections and parts from a blueprint: equal inputs, filters and parts are made
//! once. Refuses what this kernel does not compute, naming the feature; never guesses.

use std::sync::Arc;

use super::fingerprint::{expression_identity, part_fingerprint, section_fingerprint};
use super::{Family, Filter, Part, Plan, Section, Space, views};
use crate::blueprint::{Blueprint, Compute, Expression, FORMAT, MEANING, View};
use crate::error::{Error, Kind, Result};
use crate::value::DataType;
use crate::window::Window;

pub(super) fn invalid(message: String) -> Error {
    Error::new(Kind::Invalid, "blueprint", message)
}

pub(super) fn derive(blueprint: Blueprint) -> Result<Plan> {
    if blueprint.format != FORMAT || blueprint.meaning != MEANING {
        return Err(invalid(format!(
            "blueprint of format {} and meaning {}, this kernel reads {FORMAT} and {MEANING}",
            blueprint.format, blueprint.meaning
        )));
    }
    let blueprint = Arc::new(blueprint);
    let mut draft = Plan {
        blueprint: Arc::clone(&blueprint),
        spaces: Vec::new(),
        sections: Vec::new(),
        views: Vec::new(),
        services: Vec::new(),
    };
    for (index, view) in blueprint.views.iter().enumerate() {
        let view_plan = views::derive_view(&mut draft, index, view)?;
        draft.views.push(view_plan);
    }
    for section in &mut draft.sections {
        for part in &mut section.parts {
            part.windows.sort_unstable();
            part.windows.dedup();
        }
        section.ordered = section.parts.iter().any(|part| part.family.is_ordered());
        let fingerprints: Vec<u128> =
            section.parts.iter().map(|part| part_fingerprint(&blueprint, section, part)).collect();
        for (part, fingerprint) in section.parts.iter_mut().zip(fingerprints) {
            part.fingerprint = fingerprint;
        }
        section.fingerprint = section_fingerprint(&blueprint, section);
    }
    for service in &blueprint.services {
        let service = views::derive_service(&draft, service)?;
        draft.services.push(service);
    }
    Ok(draft)
}

impl Plan {
    /// The section of a view's stream and keys, made if it is new.
    pub(super) fn section_for(&mut self, view_index: usize, view: &View) -> Result<usize> {
        let stream_name = view.stream.as_deref().unwrap_or_default();
        let stream = self.stream_index(stream_name).ok_or_else(|| {
            invalid(format!("view {} folds unknown stream {stream_name}", view.name))
        })?;
        let columns = &self.blueprint.streams[stream].columns;
        for key in &view.keys {
            let found = columns.iter().find(|column| column.name == key.column);
            let same_type = found.is_some_and(|column| column.data_type == key.data_type);
            if !same_type || key.data_type == DataType::Float {
                return Err(invalid(format!(
                    "view {}: key {} does not match column {} of stream {stream_name}",
                    view.name, key.name, key.column
                )));
            }
        }
        let key_columns: Vec<String> = view.keys.iter().map(|key| key.column.clone()).collect();
        let space = self.space_for(view);
        let known = self.sections.iter().position(|section| {
            section.stream == stream && section.space == space && section.key_columns == key_columns
        });
        let index = known.unwrap_or_else(|| {
            let name =
                format!("{stream_name}({})->{}", key_columns.join(","), self.spaces[space].name);
            self.sections.push(Section {
                name,
                space,
                stream,
                key_columns,
                inputs: Vec::new(),
                filters: Vec::new(),
                parts: Vec::new(),
                views: Vec::new(),
                ordered: false,
                fingerprint: 0,
            });
            let index = self.sections.len() - 1;
            self.spaces[space].sections.push(index);
            index
        });
        self.sections[index].views.push(view_index);
        Ok(index)
    }

    fn space_for(&mut self, view: &View) -> usize {
        let keys: Vec<(String, DataType)> =
            view.keys.iter().map(|key| (key.name.clone(), key.data_type)).collect();
        if let Some(index) = self.spaces.iter().position(|space| space.keys == keys) {
            return index;
        }
        let names: Vec<String> =
            keys.iter().map(|(name, kind)| format!("{name}:{}", type_name(*kind))).collect();
        self.spaces.push(Space { name: names.join(","), keys, sections: Vec::new() });
        self.spaces.len() - 1
    }
}

fn type_name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Bool => "bool",
        DataType::Int => "int",
        DataType::Float => "float",
        DataType::Str => "str",
        DataType::Timestamp => "timestamp",
    }
}

impl Section {
    /// The index of an input, made if it is new.
    pub(super) fn input_for(&mut self, expression: &Expression) -> usize {
        let identity = expression_identity(expression);
        let known = self.inputs.iter().position(|other| expression_identity(other) == identity);
        known.unwrap_or_else(|| {
            self.inputs.push(expression.clone());
            self.inputs.len() - 1
        })
    }

    /// The index of a filter, made if it is new; `None` when every row passes.
    pub(super) fn filter_for(
        &mut self,
        conditions: &[&Expression],
        admission: Option<usize>,
    ) -> Option<usize> {
        if conditions.is_empty() && admission.is_none() {
            return None;
        }
        let identity: Vec<String> = conditions.iter().map(|c| expression_identity(c)).collect();
        let known = self.filters.iter().position(|other| {
            let others: Vec<String> = other.conditions.iter().map(expression_identity).collect();
            other.admission == admission && others == identity
        });
        Some(known.unwrap_or_else(|| {
            let conditions = conditions.iter().map(|&condition| condition.clone()).collect();
            self.filters.push(Filter { conditions, admission });
            self.filters.len() - 1
        }))
    }

    /// The index of a part, made if it is new, with `window` added to its reach.
    pub(super) fn part_for(
        &mut self,
        family: Family,
        input: Option<usize>,
        filter: Option<usize>,
        window: Window,
    ) -> usize {
        let known = self
            .parts
            .iter()
            .position(|part| part.family == family && part.input == input && part.filter == filter);
        let index = known.unwrap_or_else(|| {
            let (count, windows) = (None, Vec::new());
            self.parts.push(Part { family, input, filter, count, windows, fingerprint: 0 });
            self.parts.len() - 1
        });
        self.parts[index].windows.push(window);
        index
    }
}

/// Can an expression of the view fail?
pub(super) fn view_fallible(view: &View) -> bool {
    let fallible =
        |expression: &Option<Expression>| expression.as_ref().is_some_and(|e| e.fallible);
    fallible(&view.filter)
        || view.features.iter().any(|feature| match &feature.compute {
            Compute::Aggregate { input, filter, .. } => fallible(input) || fallible(filter),
            Compute::Column { .. } => false,
        })
}
