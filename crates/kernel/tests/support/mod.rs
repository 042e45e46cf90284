//! For tests of the kernel: a small builder of blueprints over one stream, events of it, the
//! batches that the engine would make of them, and (in `model`) what the values should be.

#![allow(dead_code, missing_docs)]

pub mod model;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::BooleanBuffer;
use headwater_kernel::blueprint::{
    Aggregate, Blueprint, Column, Compute, DEFAULT_SCALE_EXPONENT, Expression, FORMAT, Feature,
    Key, MEANING, Stream, TimeUnit, View,
};
use headwater_kernel::fold::{FoldBatch, FoldReport};
use headwater_kernel::key::{KeyColumn, encode_key};
use headwater_kernel::order::Tie;
use headwater_kernel::plan::Plan;
use headwater_kernel::state::SpaceState;
use headwater_kernel::value::{Cell, DataType, FeatureType, Value};
use headwater_kernel::window::{SECOND_US, Window};

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

#[derive(Clone, Debug)]
pub struct Event {
    pub key: i64,
    pub time: i64,
    pub tie: u128,
    /// As [`INPUTS`].
    pub inputs: [Value; 5],
    /// As [`CONDITIONS`]; null is false.
    pub conditions: [bool; 2],
    /// Bad for views with an expression that can fail.
    pub bad: bool,
}

#[derive(Clone, Debug)]
pub struct Spec {
    pub aggregate: Aggregate,
    pub input: Option<usize>,
    pub filter: Option<usize>,
    pub n: Option<u32>,
    pub window: Window,
    pub default: Option<i64>,
}

/// `aggregate(input)` over a window.
pub fn feature(aggregate: Aggregate, input: Option<usize>, window: Window) -> Spec {
    Spec { aggregate, input, filter: None, n: None, window, default: None }
}

pub fn sliding(width_us: i64, resolution_us: i64) -> Window {
    Window::Sliding { width_us, resolution_us }
}

#[derive(Clone, Debug)]
pub struct ViewSpec {
    pub filter: Option<usize>,
    pub fallible: bool,
    pub include_current: bool,
    pub events_max: u64,
    pub features: Vec<Spec>,
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
        tree: serde_json::json!({ "column": name }),
        data_type,
        fallible,
        scale_exponent: DEFAULT_SCALE_EXPONENT,
        text: name.into(),
    }
}

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

pub fn blueprint(views: &[ViewSpec]) -> Blueprint {
    let mut columns = vec![column("key", DataType::Int), column("time", DataType::Timestamp)];
    columns.extend(INPUTS.iter().map(|(name, kind)| column(name, *kind)));
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
    let condition = |index: usize| expression(CONDITIONS[index], DataType::Bool, false);
    let make_view = |(index, view): (usize, &ViewSpec)| {
        let features = view.features.iter().enumerate().map(|(position, spec)| Feature {
            column: format!("v{index}__f{position}"),
            name: format!("f{position}"),
            compute: Compute::Aggregate {
                aggregate: spec.aggregate,
                input: spec.input.map(|i| expression(INPUTS[i].0, INPUTS[i].1, view.fallible)),
                filter: spec.filter.map(condition),
                n: spec.n,
                window: spec.window,
            },
            data_type: result_type(spec),
            default: spec.default.map(|value| serde_json::json!(value)),
        });
        View {
            name: format!("V{index}"),
            stream: Some("Event".into()),
            table: None,
            keys: vec![Key { name: "key".into(), data_type: DataType::Int, column: "key".into() }],
            filter: view.filter.map(condition),
            include_current: view.include_current,
            events_max: view.events_max,
            features: features.collect(),
            version: "1".into(),
        }
    };
    Blueprint {
        format: FORMAT,
        meaning: MEANING,
        streams: vec![stream],
        tables: vec![],
        views: views.iter().enumerate().map(make_view).collect(),
        services: vec![],
    }
}

pub fn plan(views: &[ViewSpec]) -> Arc<Plan> {
    Arc::new(Plan::new(blueprint(views)).expect("a valid blueprint"))
}

pub fn key_bytes(key: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(encode_key(&[Value::Int(key)], &mut bytes));
    bytes
}

fn input_array(events: &[Event], input: usize) -> ArrayRef {
    let values = events.iter().map(|event| &event.inputs[input]);
    match INPUTS[input].1 {
        DataType::Float => Arc::new(Float64Array::from_iter(values.map(|value| match value {
            Value::Float(value) => Some(*value),
            _ => None,
        }))),
        DataType::Int => Arc::new(Int64Array::from_iter(values.map(|value| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        }))),
        DataType::Bool => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }))),
        DataType::Str => Arc::new(StringArray::from_iter(values.map(|value| match value {
            Value::Str(value) => Some(value.to_string()),
            _ => None,
        }))),
        DataType::Timestamp => {
            let values = values.map(|value| match value {
                Value::Timestamp(value) => Some(*value),
                _ => None,
            });
            Arc::new(TimestampMicrosecondArray::from_iter(values).with_timezone("UTC"))
        }
    }
}

/// Folds events into the (only) section of a plan.
pub fn fold(state: &mut SpaceState, plan: &Plan, events: &[Event], sealed_at: i64) -> FoldReport {
    let section = &plan.sections[0];
    let mut keys = KeyColumn::with_capacity(events.len());
    events.iter().for_each(|event| keys.push(&[Value::Int(event.key)]));
    let times: Vec<i64> = events.iter().map(|event| event.time).collect();
    let ties: Vec<Tie> = events.iter().map(|event| Tie::new(None, event.tie)).collect();
    let column_of = |expression: &Expression| expression.text.clone();
    let inputs: Vec<ArrayRef> = section
        .inputs
        .iter()
        .map(|input| {
            let index = INPUTS.iter().position(|(name, _)| *name == column_of(input));
            input_array(events, index.expect("a column of the stream"))
        })
        .collect();
    let filters: Vec<BooleanBuffer> = section
        .filters
        .iter()
        .map(|filter| {
            let passes = |event: &Event| {
                let condition = |expression| {
                    let name = column_of(expression);
                    let index = CONDITIONS.iter().position(|other| *other == name);
                    event.conditions[index.expect("a condition of the stream")]
                };
                !(filter.admission.is_some() && event.bad)
                    && filter.conditions.iter().all(condition)
            };
            BooleanBuffer::from_iter(events.iter().map(passes))
        })
        .collect();
    let ties = section.ordered.then_some(ties.as_slice());
    let batch = FoldBatch { keys: &keys, times: &times, ties, inputs: &inputs, filters: &filters };
    state.fold(0, &batch, sealed_at)
}

/// Reads a view of a key.
pub fn read(state: &SpaceState, plan: &Plan, view: usize, key: i64, t: i64) -> (Vec<Cell>, bool) {
    let mut cells = vec![Cell::default(); plan.views[view].features.len()];
    let found = state.read(view, state.find(&key_bytes(key)), t, &mut cells);
    (cells, found)
}

/// Every row written and read into a new state.
pub fn reload(state: &SpaceState, plan: &Arc<Plan>) -> SpaceState {
    let mut loaded = SpaceState::new(plan, 0);
    loaded.seal(0, state.sealed_at(0));
    for id in state.ids() {
        let mut bytes = Vec::new();
        state.row_bytes(id, &mut bytes);
        let id = loaded.load_row(state.key(id), &bytes).expect("a row just written");
        let mut again = Vec::new();
        loaded.row_bytes(id, &mut again);
        assert_eq!(again, bytes, "a loaded row is written as it was");
    }
    loaded
}

/// An event with nothing in it but a float.
pub fn event(key: i64, time: i64, x: f64) -> Event {
    Event {
        key,
        time,
        tie: 0,
        inputs: [
            Value::Float(x),
            Value::Int(x as i64),
            Value::Bool(x > 0.0),
            Value::Str(format!("{x}").into()),
            Value::Timestamp(x as i64),
        ],
        conditions: [x > 0.0, true],
        bad: false,
    }
}
