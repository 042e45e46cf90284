//! Definitions over one stream for tests of the kernel: its columns, its events, features and views
//! of it, and their plans.

use std::sync::Arc;

use headwater_kernel::blueprint::{
    Aggregate, Blueprint, Column, Compute, DEFAULT_SCALE_EXPONENT, Expression, FORMAT, Feature,
    Key, MEANING, Stream, TimeUnit, View,
};
use headwater_kernel::plan::Plan;
use headwater_kernel::value::{DataType, FeatureType, Value};
use headwater_kernel::window::{SECOND_US, Window};
use serde_json::json;

pub const S: i64 = SECOND_US;
pub const M: i64 = 60 * S;
pub const H: i64 = 60 * M;
pub const D: i64 = 24 * H;

/// 2013-01-01T00:00:00Z.
pub const BASE: i64 = 1_356_998_400 * S;

/// Columns that features read.
pub const INPUTS: [(&str, DataType); 5] = [
    ("x", DataType::Float),
    ("n", DataType::Int),
    ("b", DataType::Bool),
    ("s", DataType::Str),
    ("at", DataType::Timestamp),
];

/// Columns that filters read.
pub const CONDITIONS: [&str; 2] = ["p", "q"];

/// What events are keyed by: views over `key` alone see only its number.
pub type KeyParts = (i64, &'static str);

#[derive(Clone, Debug)]
pub struct Event {
    /// None: a null part.
    pub key: Option<KeyParts>,
    pub time: i64,
    pub arrived_at: i64,
    /// What orders events of one instant.
    pub tie: u128,
    /// As [`INPUTS`].
    pub inputs: [Value; 5],
    /// As [`CONDITIONS`].
    pub conditions: [Option<bool>; 2],
    /// Bad for views with an expression that can fail.
    pub bad: bool,
}

#[derive(Clone, Debug)]
pub struct Spec {
    pub aggregate: Aggregate,
    /// Index into [`INPUTS`]; none counts events.
    pub input: Option<usize>,
    /// Index into [`CONDITIONS`].
    pub filter: Option<usize>,
    /// Length of a list.
    pub n: Option<u32>,
    pub window: Window,
    /// Is a default declared? It is [`default_value`].
    pub default: bool,
}

#[derive(Clone, Debug)]
pub struct ViewSpec {
    pub filter: Option<usize>,
    /// Can its expressions fail?
    pub fallible: bool,
    pub include_current: bool,
    pub events_max: u64,
    pub features: Vec<Spec>,
}

/// `aggregate(input)` over a window.
pub fn feature(aggregate: Aggregate, input: Option<usize>, window: Window) -> Spec {
    Spec { aggregate, input, filter: None, n: None, window, default: false }
}

pub fn sliding(width_us: i64, resolution_us: i64) -> Window {
    Window::Sliding { width_us, resolution_us }
}

pub fn view(features: Vec<Spec>) -> ViewSpec {
    ViewSpec {
        filter: None,
        fallible: false,
        include_current: false,
        events_max: 100_000,
        features,
    }
}

/// The plan of views keyed by a number.
pub fn plan(views: &[ViewSpec]) -> Arc<Plan> {
    plan_by(&[("key", DataType::Int)], views)
}

/// The plan of views keyed by a number and a text.
pub fn plan_of_pairs(views: &[ViewSpec]) -> Arc<Plan> {
    plan_by(&[("key", DataType::Int), ("region", DataType::Str)], views)
}

fn plan_by(keys: &[(&str, DataType)], views: &[ViewSpec]) -> Arc<Plan> {
    Arc::new(Plan::new(blueprint(keys, views)).expect("a valid blueprint"))
}

fn blueprint(keys: &[(&str, DataType)], views: &[ViewSpec]) -> Blueprint {
    let mut columns: Vec<Column> = keys.iter().map(|&(name, kind)| column(name, kind)).collect();
    columns.push(column("time", DataType::Timestamp));
    columns.extend(INPUTS.iter().map(|&(name, kind)| column(name, kind)));
    columns.extend(CONDITIONS.iter().map(|name| column(name, DataType::Bool)));
    let stream = Stream {
        name: "Event".into(),
        columns,
        time: "time".into(),
        id: None,
        order: None,
        lateness_us: H,
        skew_us: 10 * M,
        dedup_us: None,
        max_age_us: None,
        idle_us: M,
        version: "1".into(),
    };
    let views = views.iter().enumerate().map(|(index, spec)| view_of(keys, index, spec));
    Blueprint {
        format: FORMAT,
        meaning: MEANING,
        streams: vec![stream],
        tables: vec![],
        views: views.collect(),
        services: vec![],
    }
}

fn view_of(keys: &[(&str, DataType)], index: usize, view: &ViewSpec) -> View {
    let condition = |at: usize| expression(CONDITIONS[at], DataType::Bool, view.fallible);
    let features = view.features.iter().enumerate().map(|(position, spec)| Feature {
        column: format!("v{index}__f{position}"),
        name: format!("f{position}"),
        compute: Compute::Aggregate {
            aggregate: spec.aggregate,
            input: spec.input.map(|at| expression(INPUTS[at].0, INPUTS[at].1, view.fallible)),
            filter: spec.filter.map(condition),
            n: spec.n,
            window: spec.window,
        },
        data_type: result_type(spec),
        default: spec.default.then(|| default_json(&default_value(spec))),
    });
    let key = |&(name, data_type): &(&str, DataType)| Key {
        name: name.into(),
        data_type,
        column: name.into(),
    };
    View {
        name: format!("V{index}"),
        stream: Some("Event".into()),
        table: None,
        keys: keys.iter().map(key).collect(),
        filter: view.filter.map(condition),
        include_current: view.include_current,
        events_max: view.events_max,
        features: features.collect(),
        version: "1".into(),
    }
}

fn column(name: &str, data_type: DataType) -> Column {
    Column {
        name: name.into(),
        data_type,
        nullable: true,
        unit: TimeUnit::Us,
        scale_exponent: DEFAULT_SCALE_EXPONENT,
    }
}

fn expression(name: &str, data_type: DataType, fallible: bool) -> Expression {
    Expression {
        // One that can fail is another than one that cannot.
        tree: if fallible {
            json!({"column": name, "fallible": true})
        } else {
            json!({"column": name})
        },
        data_type,
        fallible,
        scale_exponent: DEFAULT_SCALE_EXPONENT,
        text: name.into(),
    }
}

/// The type of a feature.
pub fn result_type(spec: &Spec) -> FeatureType {
    let input = spec.input.map(|input| INPUTS[input].1);
    match (spec.aggregate, input) {
        (Aggregate::Count, _) => FeatureType::Scalar(DataType::Int),
        (Aggregate::Sum, Some(DataType::Float)) => FeatureType::Scalar(DataType::Float),
        (Aggregate::Sum, _) => FeatureType::Scalar(DataType::Int),
        (Aggregate::Mean, _) => FeatureType::Scalar(DataType::Float),
        (_, Some(kind)) if spec.n.is_some() => FeatureType::List(kind),
        (_, kind) => FeatureType::Scalar(kind.expect("has an input")),
    }
}

/// The default of a feature that declares one.
pub fn default_value(spec: &Spec) -> Value {
    let scalar = |kind| match kind {
        DataType::Bool => Value::Bool(true),
        DataType::Int => Value::Int(-1),
        DataType::Float => Value::Float(-0.5),
        DataType::Str => Value::Str("none".into()),
        DataType::Timestamp => Value::Timestamp(5),
    };
    match result_type(spec) {
        FeatureType::Scalar(kind) => scalar(kind),
        FeatureType::List(kind) => Value::List(vec![scalar(kind)].into()),
    }
}

fn default_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => json!(null),
        Value::Bool(value) => json!(value),
        Value::Int(value) | Value::Timestamp(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Str(text) => json!(text.as_ref()),
        Value::List(items) => items.iter().map(default_json).collect(),
    }
}
