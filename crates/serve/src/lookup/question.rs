//! Every service and view resolved once: which views are read, by which key columns, and where
//! each output column stands.
//!
//! It exists so that a request costs no search of names but its own. It never changes: a changed
//! definition is another plan.

use std::collections::HashMap;
use std::sync::Arc;

use headwater_kernel::blueprint::RequestKey;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::{InputPlan, Plan, ServicePlan, Source, ViewPlan};
use headwater_kernel::value::{DataType, FeatureType};

use crate::json;
use headwater_kernel::near;

/// What a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A service.
    Service(&'a str),
    /// A view.
    View(&'a str),
    /// A service of that name, else a view of that name.
    Named(&'a str),
}

/// A service or view, ready to be asked.
#[derive(Debug)]
pub struct Question {
    /// Its name.
    pub name: String,
    /// Output columns in order.
    pub names: Vec<String>,
    /// The same without the name of their view (and role) before them.
    pub short_names: Vec<String>,
    /// Which of `inputs` each comes from.
    pub input_of: Vec<usize>,
    /// Their types.
    pub types: Vec<FeatureType>,
    /// `["...",...]`: the names as JSON.
    pub names_json: Vec<u8>,
    /// The key columns of a request.
    pub keys: Vec<RequestKey>,
    /// The views read.
    pub inputs: Vec<Input>,
    /// For each output column its place among the features of all inputs, one after the other;
    /// none when the outputs are exactly those.
    pub picks: Option<Vec<usize>>,
    /// Indices of the views of `inputs`.
    pub views: Vec<usize>,
}

/// A view in one role.
#[derive(Debug)]
pub struct Input {
    /// `role.View`, or `View` without a role.
    pub label: String,
    /// Index of the view in the plan.
    pub view: usize,
    /// For each part of the stored key, its place among the request's key columns.
    pub keys: Vec<usize>,
    /// Number of the view's features.
    pub width: usize,
    /// Stream or table of the view.
    pub source: String,
    /// Fingerprint of the view's meaning.
    pub version: String,
}

/// All questions of a plan by name.
#[derive(Debug)]
pub struct Questions {
    services: HashMap<String, Arc<Question>>,
    views: HashMap<String, Arc<Question>>,
}

impl Questions {
    /// Resolves every service and view of a plan.
    pub fn new(plan: &Plan) -> Self {
        let services = plan.services.iter().map(|service| of_service(plan, service));
        let views = (0..plan.views.len()).map(|index| of_view(plan, index));
        let named = |question: Question| (question.name.clone(), Arc::new(question));
        Self { services: services.map(named).collect(), views: views.map(named).collect() }
    }

    /// The question of a name, matched exactly.
    ///
    /// # Errors
    /// Kind `not_found`: `unknown_service`, `unknown_view` or `unknown_name`, with near names.
    pub fn find(&self, target: Target<'_>) -> Result<&Arc<Question>> {
        let (found, code, kind, name) = match target {
            Target::Service(name) => (self.services.get(name), "unknown_service", "service", name),
            Target::View(name) => (self.views.get(name), "unknown_view", "view", name),
            Target::Named(name) => {
                let found = self.services.get(name).or_else(|| self.views.get(name));
                (found, "unknown_name", "service or view", name)
            }
        };
        found.ok_or_else(|| {
            let mut names: Vec<&str> = match target {
                Target::Service(_) => self.services.keys().map(String::as_str).collect(),
                Target::View(_) => self.views.keys().map(String::as_str).collect(),
                Target::Named(_) => {
                    self.services.keys().chain(self.views.keys()).map(String::as_str).collect()
                }
            };
            names.sort_unstable();
            Error::new(Kind::NotFound, code, format!("no {kind} is named {}", near::shown(name)))
                .with_hint(near::hint(name, names.into_iter()))
        })
    }
}

/// What a service or view has in common before it is assembled.
struct Outline<'a> {
    name: &'a str,
    keys: Vec<RequestKey>,
    inputs: Vec<Input>,
    /// For each output column: name, input, feature of the input's view, type.
    columns: Vec<(String, usize, usize, FeatureType)>,
}

fn of_service(plan: &Plan, service: &ServicePlan) -> Question {
    let columns = service.columns.iter();
    assemble(
        plan,
        Outline {
            name: &service.name,
            keys: service.keys.clone(),
            inputs: service.inputs.iter().map(|input| of_input(plan, input)).collect(),
            columns: columns
                .map(|column| (column.name.clone(), column.input, column.feature, column.data_type))
                .collect(),
        },
    )
}

fn of_view(plan: &Plan, index: usize) -> Question {
    let view = &plan.views[index];
    let keys = view.keys.iter();
    let input =
        InputPlan { view: index, label: view.name.clone(), keys: (0..view.keys.len()).collect() };
    let features = view.features.iter().enumerate();
    assemble(
        plan,
        Outline {
            name: &view.name,
            keys: keys
                .map(|(name, data_type)| RequestKey { name: name.clone(), data_type: *data_type })
                .collect(),
            inputs: vec![of_input(plan, &input)],
            columns: features
                .map(|(place, feature)| (feature.column.clone(), 0, place, feature.data_type))
                .collect(),
        },
    )
}

/// The question of features of any views, each named `View:feature`: the view by its name or in
/// snake case, the feature by its column with or without the view's name before it. The request's
/// key columns are those of all views.
///
/// # Errors
/// Kind `not_found`: `unknown_view`, `unknown_feature`; `key_types_differ` (invalid) where two of
/// the views have a key of one name and of two types.
pub fn of_features<'n>(plan: &Plan, features: impl Iterator<Item = &'n str>) -> Result<Question> {
    let mut keys: Vec<RequestKey> = Vec::new();
    let mut inputs: Vec<Input> = Vec::new();
    let mut columns = Vec::new();
    for wanted in features {
        let (view, feature) = find_feature(plan, wanted)?;
        let input = match inputs.iter().position(|input| input.view == view) {
            Some(input) => input,
            None => {
                let label = plan.views[view].name.clone();
                let places = add_keys(&plan.views[view], &mut keys)?;
                inputs.push(of_input(plan, &InputPlan { view, label, keys: places }));
                inputs.len() - 1
            }
        };
        let planned = &plan.views[view].features[feature];
        columns.push((planned.column.clone(), input, feature, planned.data_type));
    }
    Ok(assemble(plan, Outline { name: "", keys, inputs, columns }))
}

fn find_feature(plan: &Plan, wanted: &str) -> Result<(usize, usize)> {
    let (view, feature) = wanted.split_once(':').ok_or_else(|| {
        Error::new(Kind::Invalid, "wrong_shape", format!("{} names no view", near::shown(wanted)))
            .with_hint("name features as View:feature")
    })?;
    let named = |planned: &ViewPlan| {
        let snake = |column: &str| column.strip_suffix(short(column)) == Some(&format!("{view}__"));
        planned.name == view || planned.features.iter().any(|feature| snake(&feature.column))
    };
    let index = plan.views.iter().position(named).ok_or_else(|| {
        let names = plan.views.iter().map(|view| view.name.as_str());
        let message = format!("no view is named {}", near::shown(view));
        Error::new(Kind::NotFound, "unknown_view", message).with_hint(near::hint(view, names))
    })?;
    let columns = || plan.views[index].features.iter().map(|feature| feature.column.as_str());
    let place = columns().position(|column| column == feature || short(column) == feature);
    place.map(|place| (index, place)).ok_or_else(|| {
        let message = format!("view {view} has no feature {}", near::shown(feature));
        let hint = near::hint(feature, columns().map(short));
        Error::new(Kind::NotFound, "unknown_feature", message).with_hint(hint)
    })
}

/// Adds the keys of a view that are not there yet; returns the places of all of them.
fn add_keys(view: &ViewPlan, keys: &mut Vec<RequestKey>) -> Result<Vec<usize>> {
    let place = |(name, data_type): &(String, DataType)| {
        let known = keys.iter().position(|key| key.name == *name);
        match known {
            Some(place) if keys[place].data_type == *data_type => Ok(place),
            Some(_) => Err(Error::new(
                Kind::Invalid,
                "key_types_differ",
                format!("key {name:?} has two types in the views asked for"),
            )
            .with_hint("ask for the views one by one")),
            None => {
                keys.push(RequestKey { name: name.clone(), data_type: *data_type });
                Ok(keys.len() - 1)
            }
        }
    };
    view.keys.iter().map(place).collect()
}

/// A column without the name of its view before it.
fn short(column: &str) -> &str {
    column.split_once("__").map_or(column, |(_, short)| short)
}

fn of_input(plan: &Plan, input: &InputPlan) -> Input {
    let view = &plan.views[input.view];
    let source = match view.source {
        Source::Section(section) => &plan.blueprint.streams[plan.sections[section].stream].name,
        Source::Table(table) => &plan.blueprint.tables[table].name,
    };
    Input {
        label: input.label.clone(),
        view: input.view,
        // Stored keys may be in another order than the entity's.
        keys: view.key_order.iter().map(|&part| input.keys[part]).collect(),
        width: view.features.len(),
        source: source.clone(),
        version: plan.blueprint.views[input.view].version.clone(),
    }
}

fn assemble(plan: &Plan, outline: Outline<'_>) -> Question {
    let Outline { name, keys, inputs, columns } = outline;
    let mut width = 0;
    // Where each input's features begin among those of all inputs.
    let starts: Vec<usize> = inputs
        .iter()
        .map(|input| {
            width += input.width;
            width - input.width
        })
        .collect();
    let picks: Vec<usize> =
        columns.iter().map(|(_, input, feature, _)| starts[*input] + feature).collect();
    let whole = picks.len() == width && picks.iter().enumerate().all(|(at, pick)| at == *pick);
    let types = columns.iter().map(|(_, _, _, data_type)| *data_type).collect();
    let input_of = columns.iter().map(|(_, input, _, _)| *input).collect();
    let short_names = columns
        .iter()
        .map(|(_, input, feature, _)| {
            short(&plan.views[inputs[*input].view].features[*feature].column).to_owned()
        })
        .collect();
    let names: Vec<String> = columns.into_iter().map(|(name, _, _, _)| name).collect();
    let mut names_json = Vec::new();
    json::list(names.iter(), &mut names_json, |name, out| json::string(name, out));
    Question {
        name: name.to_owned(),
        names,
        types,
        names_json,
        short_names,
        input_of,
        keys,
        views: inputs.iter().map(|input| input.view).collect(),
        inputs,
        picks: (!whole).then_some(picks),
    }
}
