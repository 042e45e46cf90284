//! Derives how views and services are read: which parts a feature reads, over which window.

use super::derive::{invalid, view_fallible};
use super::{
    AggregatePlan, Family, FeatureCompute, FeaturePlan, InputPlan, OutputPlan, Plan, Presence,
    Reads, ServicePlan, Source, ViewPlan,
};
use crate::blueprint::{Aggregate, Compute, Expression, Feature, Service, View};
use crate::error::Result;
use crate::value::{DataType, FeatureType, Value};
use crate::window::{LADDER_US, Window};

/// Most features a view may have, and most views, parts or columns anywhere: indices stay small.
pub const FEATURES_MAX: usize = 4096;

pub(super) fn derive_view(plan: &mut Plan, index: usize, view: &View) -> Result<ViewPlan> {
    if view.keys.is_empty() {
        return Err(invalid(format!("view {} has no key", view.name)));
    }
    if view.features.is_empty() {
        return Err(invalid(format!("view {} has no feature", view.name)));
    }
    if view.features.len() > FEATURES_MAX {
        return Err(invalid(format!("view {} has more than {FEATURES_MAX} features", view.name)));
    }
    match (&view.stream, &view.table) {
        (Some(_), None) => derive_stream_view(plan, index, view),
        (None, Some(table)) => derive_table_view(plan, view, table),
        _ => Err(invalid(format!("view {} needs a stream or a table, not both", view.name))),
    }
}

fn derive_stream_view(plan: &mut Plan, index: usize, view: &View) -> Result<ViewPlan> {
    let section_index = plan.section_for(index, view)?;
    let fallible = view_fallible(view);
    let admission = fallible.then_some(index);
    let section = &mut plan.sections[section_index];
    let view_conditions: Vec<&Expression> = view.filter.iter().collect();
    let filter = section.filter_for(&view_conditions, admission);
    let windows = distinct_windows(view)?;
    let mut presence = Presence::default();
    for &window in &windows {
        match window {
            Window::Exact { .. } => {}
            _ => presence.count = Some(section.part_for(Family::Count, None, filter, window)),
        }
    }
    // Inputs and filters of exact features first, so that the raw part is made once, complete.
    let mut raw_inputs = Vec::new();
    let mut raw_filters = Vec::new();
    let mut prepared = Vec::new();
    for feature in &view.features {
        let Compute::Aggregate { input, filter: own, window, .. } = &feature.compute else {
            return Err(invalid(format!("{}: a column of a stream is no feature", feature.column)));
        };
        let input = input.as_ref().map(|expression| section.input_for(expression));
        let mut conditions = view_conditions.clone();
        conditions.extend(own.iter());
        let filter = section.filter_for(&conditions, admission);
        if matches!(window, Window::Exact { .. }) {
            raw_inputs.extend(input);
            raw_filters.extend(filter);
        }
        prepared.push((input, filter));
    }
    let exact: Vec<Window> =
        windows.iter().copied().filter(|w| matches!(w, Window::Exact { .. })).collect();
    if !exact.is_empty() {
        for list in [&mut raw_inputs, &mut raw_filters] {
            list.sort_unstable();
            list.dedup();
        }
        let family = Family::Raw {
            view: index,
            events_max: view.events_max,
            inputs: raw_inputs,
            filters: raw_filters,
        };
        for window in exact {
            presence.raw = Some(section.part_for(family.clone(), None, filter, window));
        }
    }
    let mut features = Vec::with_capacity(view.features.len());
    for (feature, (input, filter)) in view.features.iter().zip(prepared) {
        let compute = derive_aggregate(section, feature, input, filter, &windows, presence.raw)?;
        features.push(feature_plan(feature, FeatureCompute::Aggregate(compute))?);
    }
    Ok(ViewPlan {
        name: view.name.clone(),
        source: Source::Section(section_index),
        keys: view.keys.iter().map(|key| (key.name.clone(), key.data_type)).collect(),
        key_order: (0..view.keys.len()).collect(),
        include_current: view.include_current,
        filter,
        fallible,
        windows,
        presence,
        features,
    })
}

fn derive_aggregate(
    section: &mut super::Section,
    feature: &Feature,
    input: Option<usize>,
    filter: Option<usize>,
    windows: &[Window],
    raw: Option<usize>,
) -> Result<AggregatePlan> {
    let Compute::Aggregate { aggregate, input: expression, n, window, .. } = &feature.compute
    else {
        unreachable!("checked by derive_stream_view")
    };
    check_types(feature, *aggregate, expression.as_ref(), *n)?;
    let input_type = expression.as_ref().map(|expression| expression.data_type);
    let mut part = |family, input| section.part_for(family, input, filter, *window);
    let reads = match (window, aggregate) {
        (Window::Exact { .. }, _) => Reads::Raw(raw.expect("an exact window made a raw part")),
        (_, Aggregate::Count) => Reads::Count(part(Family::Count, input)),
        (_, Aggregate::Sum | Aggregate::Mean) => {
            Reads::Sum { sum: part(Family::Sum, input), count: part(Family::Count, input) }
        }
        (_, Aggregate::Min | Aggregate::Max) => {
            let family = if *aggregate == Aggregate::Min { Family::Min } else { Family::Max };
            let extreme = part(family, input);
            if input_type == Some(DataType::Str) {
                Reads::One(extreme)
            } else {
                let count = part(Family::Count, input);
                section.parts[extreme].count = Some(count);
                Reads::Extreme { extreme, count }
            }
        }
        (_, Aggregate::First) => Reads::One(part(Family::First, input)),
        (_, Aggregate::Last) => Reads::One(part(Family::Last { n: n.unwrap_or(1) }, input)),
    };
    let scale_exponent = match (&expression, input_type) {
        (Some(expression), Some(DataType::Float)) => expression.scale_exponent,
        _ => 0,
    };
    let window = windows.iter().position(|other| other == window);
    Ok(AggregatePlan {
        aggregate: *aggregate,
        input,
        input_type,
        scale_exponent,
        filter,
        n: *n,
        window: window.expect("windows of the view hold those of its features"),
        reads,
    })
}

fn check_types(
    feature: &Feature,
    aggregate: Aggregate,
    input: Option<&Expression>,
    n: Option<u32>,
) -> Result<()> {
    let refuse = |why: &str| Err(invalid(format!("feature {}: {why}", feature.column)));
    let input = input.map(|expression| expression.data_type);
    let wanted = match (aggregate, input) {
        (Aggregate::Count, _) => FeatureType::Scalar(DataType::Int),
        (_, None) => return refuse("this aggregate needs an input"),
        (Aggregate::Sum, Some(DataType::Float)) => FeatureType::Scalar(DataType::Float),
        (Aggregate::Sum, Some(DataType::Int | DataType::Bool)) => {
            FeatureType::Scalar(DataType::Int)
        }
        (Aggregate::Mean, Some(DataType::Float | DataType::Int | DataType::Bool)) => {
            FeatureType::Scalar(DataType::Float)
        }
        (Aggregate::Sum | Aggregate::Mean, _) => return refuse("sum and mean need numbers"),
        (Aggregate::Last, Some(kind)) if n.is_some() => FeatureType::List(kind),
        (_, Some(kind)) => FeatureType::Scalar(kind),
    };
    if n == Some(0) {
        return refuse("n must be at least 1");
    }
    if n.is_some() && aggregate != Aggregate::Last {
        return refuse("n= is not supported yet except for last");
    }
    if feature.data_type != wanted {
        return refuse(&format!("declared {:?}, computed {wanted:?}", feature.data_type));
    }
    Ok(())
}

fn distinct_windows(view: &View) -> Result<Vec<Window>> {
    let mut windows = Vec::new();
    for feature in &view.features {
        if let Compute::Aggregate { window, .. } = feature.compute {
            check_window(&feature.column, window)?;
            windows.push(window);
        }
    }
    windows.sort_unstable();
    windows.dedup();
    Ok(windows)
}

/// Longest window, microseconds: all arithmetic on instants before 2200 stays far inside i64.
const WIDTH_US_MAX: i64 = 1 << 60;

fn check_window(feature: &str, window: Window) -> Result<()> {
    let fits = match window {
        Window::Sliding { width_us, resolution_us } => {
            LADDER_US.contains(&resolution_us)
                && width_us >= resolution_us
                && width_us <= WIDTH_US_MAX
        }
        Window::Exact { width_us } => width_us > 0 && width_us <= WIDTH_US_MAX,
        Window::Lifetime => true,
    };
    if fits { Ok(()) } else { Err(invalid(format!("feature {feature}: window {window:?}"))) }
}

fn derive_table_view(plan: &Plan, view: &View, table_name: &str) -> Result<ViewPlan> {
    let index = plan
        .table_index(table_name)
        .ok_or_else(|| invalid(format!("view {} reads unknown table {table_name}", view.name)))?;
    let table = &plan.blueprint.tables[index];
    let order = |column: &String| view.keys.iter().position(|key| key.column == *column);
    let key_order: Option<Vec<usize>> = table.key.iter().map(order).collect();
    let key_order = key_order.filter(|order| order.len() == view.keys.len()).ok_or_else(|| {
        invalid(format!("view {}: its keys are not the key of table {table_name}", view.name))
    })?;
    let mut features = Vec::with_capacity(view.features.len());
    for feature in &view.features {
        let Compute::Column { source } = &feature.compute else {
            return Err(invalid(format!("{}: no aggregates over a table", feature.column)));
        };
        let column = table.columns.iter().position(|column| column.name == *source);
        let column = column.ok_or_else(|| {
            invalid(format!("{}: table {table_name} has no column {source}", feature.column))
        })?;
        if feature.data_type != FeatureType::Scalar(table.columns[column].data_type) {
            return Err(invalid(format!("{}: not the type of column {source}", feature.column)));
        }
        features.push(feature_plan(feature, FeatureCompute::Column(column))?);
    }
    Ok(ViewPlan {
        name: view.name.clone(),
        source: Source::Table(index),
        keys: view.keys.iter().map(|key| (key.name.clone(), key.data_type)).collect(),
        key_order,
        include_current: view.include_current,
        filter: None,
        fallible: false,
        windows: Vec::new(),
        presence: Presence::default(),
        features,
    })
}

fn feature_plan(feature: &Feature, compute: FeatureCompute) -> Result<FeaturePlan> {
    let default = match &feature.default {
        None => Value::Null,
        Some(json) => default_value(json, feature.data_type).ok_or_else(|| {
            invalid(format!("feature {}: default {json} is not of its type", feature.column))
        })?,
    };
    Ok(FeaturePlan {
        column: feature.column.clone(),
        name: feature.name.clone(),
        data_type: feature.data_type,
        default,
        compute,
    })
}

fn default_value(json: &serde_json::Value, data_type: FeatureType) -> Option<Value> {
    match data_type {
        FeatureType::List(kind) => {
            let items: Option<Vec<Value>> =
                json.as_array()?.iter().map(|item| scalar_value(item, kind)).collect();
            Some(Value::List(items?.into()))
        }
        FeatureType::Scalar(kind) => scalar_value(json, kind),
    }
}

fn scalar_value(json: &serde_json::Value, kind: DataType) -> Option<Value> {
    match kind {
        _ if json.is_null() => Some(Value::Null),
        DataType::Bool => json.as_bool().map(Value::Bool),
        DataType::Int => json.as_i64().map(Value::Int),
        DataType::Float => json.as_f64().filter(|x| x.is_finite()).map(|x| Value::Float(x + 0.0)),
        DataType::Str => json.as_str().map(|text| Value::Str(text.into())),
        DataType::Timestamp => json.as_i64().map(Value::Timestamp),
    }
}

pub(super) fn derive_service(plan: &Plan, service: &Service) -> Result<ServicePlan> {
    let refuse = |why: String| invalid(format!("service {}: {why}", service.name));
    let mut inputs = Vec::with_capacity(service.inputs.len());
    for input in &service.inputs {
        let view = plan
            .view_index(&input.view)
            .ok_or_else(|| refuse(format!("unknown view {}", input.view)))?;
        let position = |name: &String| service.keys.iter().position(|key| key.name == *name);
        let keys: Option<Vec<usize>> = input.keys.iter().map(position).collect();
        let keys = keys.ok_or_else(|| refuse(format!("view {} has unknown keys", input.view)))?;
        let types_fit = keys.len() == plan.views[view].keys.len()
            && keys
                .iter()
                .zip(&plan.views[view].keys)
                .all(|(&key, (_, kind))| service.keys[key].data_type == *kind);
        if !types_fit {
            return Err(refuse(format!("its keys do not fit view {}", input.view)));
        }
        let label = match &input.role {
            Some(role) => format!("{role}.{}", input.view),
            None => input.view.clone(),
        };
        inputs.push(InputPlan { view, label, keys });
    }
    let mut columns = Vec::with_capacity(service.columns.len());
    for column in &service.columns {
        let found = inputs.get(column.input).and_then(|input| {
            let features = &plan.views[input.view].features;
            let feature = features.iter().position(|feature| feature.column == column.column)?;
            Some((feature, features[feature].data_type))
        });
        let (feature, data_type) =
            found.ok_or_else(|| refuse(format!("unknown column {}", column.column)))?;
        columns.push(OutputPlan {
            name: column.name.clone(),
            input: column.input,
            feature,
            data_type,
        });
    }
    Ok(ServicePlan { name: service.name.clone(), keys: service.keys.clone(), inputs, columns })
}
