//! Random definitions, events and questions for the tests of the sweep, and the columns that the
//! engine's transform would make of them. It shares no code with the sweep.

#![allow(dead_code)]

pub mod answers;
pub mod naive;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::BooleanBuffer;
use headwater_kernel::blueprint::{
    Aggregate, Blueprint, Column, Compute, DEFAULT_SCALE_EXPONENT, Expression, FORMAT, Feature,
    Key, MEANING, Stream, TimeUnit, View,
};
use headwater_kernel::fold::FoldBatch;
use headwater_kernel::key::KeyColumn;
use headwater_kernel::order::Tie;
use headwater_kernel::plan::{Plan, Section};
use headwater_kernel::sweep::EventColumns;
use headwater_kernel::value::{DataType, FeatureType, Value};
use headwater_kernel::window::Window;
use proptest::prelude::*;
use serde_json::json;

/// Midnight of 1 January 2013, and a bit: no boundary of any resolution.
pub const BASE_US: i64 = 1_356_998_400_000_000 + 1_234_567;

/// The columns that features are computed from, in the order of [`Event::inputs`].
pub const INPUTS: [(&str, DataType); 5] = [
    ("amount", DataType::Float),
    ("items", DataType::Int),
    ("paid", DataType::Bool),
    ("shop", DataType::Str),
    ("due_at", DataType::Timestamp),
];

/// The columns that filters are made of, in the order of [`Event::conditions`].
pub const CONDITIONS: [&str; 2] = ["online", "returned"];

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its key; none: a null part.
    pub key: Option<(i64, &'static str)>,
    /// Event time.
    pub time: i64,
    /// Arrival.
    pub arrived_at: i64,
    /// What orders events of one instant.
    pub tie: u128,
    /// Values of [`INPUTS`].
    pub inputs: [Value; 5],
    /// Values of [`CONDITIONS`].
    pub conditions: [Option<bool>; 2],
    /// Does an expression of the views that can fail do so here?
    pub bad: bool,
}

/// One feature of a view.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The aggregate.
    pub aggregate: Aggregate,
    /// Index into [`INPUTS`]; none counts events.
    pub input: Option<usize>,
    /// Index into [`CONDITIONS`].
    pub filter: Option<usize>,
    /// Length of a list.
    pub n: Option<u32>,
    /// The window.
    pub window: Window,
    /// Is a default declared?
    pub default: bool,
}

/// One view.
#[derive(Clone, Debug)]
pub struct ViewSpec {
    /// Its features.
    pub features: Vec<Spec>,
    /// Its own filter.
    pub filter: Option<usize>,
    /// Is an event at exactly `t` in?
    pub include_current: bool,
    /// Most events of an exact window.
    pub events_max: u64,
    /// Can its expressions fail?
    pub fallible: bool,
}

/// One question.
pub type Label = (Option<(i64, &'static str)>, i64);

/// A key out of a few, rarely null.
pub fn key() -> impl Strategy<Value = Option<(i64, &'static str)>> {
    let text = prop::sample::select(vec!["", "a", "a longer name than fits a slot", "é"]);
    prop_oneof![15 => (0_i64..2, text).prop_map(Some), 1 => Just(None)]
}

/// An instant on or beside a boundary, within a few windows.
pub fn instant() -> impl Strategy<Value = i64> {
    (0_i64..400, prop::sample::select(vec![0_i64, 0, 0, 1, -1, 250_000]))
        .prop_map(|(step, off)| BASE_US - 1_234_567 + step * 500_000 + off)
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-10_000_i64..100_000).prop_map(|cents| cents as f64 / 100.0),
        1 => prop::sample::select(vec![0.0, 1e-9, 7.0e16, -7.0e16, 1e13, 5e-324, 600_000.5]),
    ]
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![6 => -5_i64..20, 1 => prop::sample::select(vec![i64::MAX, i64::MIN, i64::MAX / 2])]
}

fn or_null(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop_oneof![4 => value, 1 => Just(Value::Null)]
}

/// An event that may be late, early, bad or without a key.
pub fn event() -> impl Strategy<Value = Event> {
    let shop = prop::sample::select(vec!["", "x", "xy", "zoë", "Zebra"]);
    let inputs = (
        or_null(float().prop_map(Value::Float)),
        or_null(integer().prop_map(Value::Int)),
        or_null(any::<bool>().prop_map(Value::Bool)),
        or_null(shop.prop_map(|text| Value::Str(text.into()))),
        or_null((0_i64..1000).prop_map(Value::Timestamp)),
    );
    let delay = prop_oneof![3 => Just(0_i64), 3 => 0_i64..3_000_000, 1 => 0_i64..90_000_000,
        1 => -5_000_000_i64..0];
    let conditions = prop::array::uniform2(prop::option::of(any::<bool>()));
    (key(), instant(), delay, 0_u128..4, inputs, conditions, prop::bool::weighted(0.1)).prop_map(
        |(key, time, delay, tie, inputs, conditions, bad)| Event {
            key,
            time,
            arrived_at: time + delay,
            tie,
            inputs: [inputs.0, inputs.1, inputs.2, inputs.3, inputs.4],
            conditions,
            bad,
        },
    )
}

/// Events whose ties never meet with different contents at one instant.
pub fn events(max: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 0..max).prop_map(|mut events| {
        for (index, event) in events.iter_mut().enumerate() {
            // A repeated event is one of equal contents: the tie is a hash of these.
            event.tie = event.tie << 64 | index as u128;
        }
        events
    })
}

fn window() -> impl Strategy<Value = Window> {
    const S: i64 = 1_000_000;
    prop::sample::select(vec![
        Window::Sliding { width_us: 10 * S, resolution_us: S },
        Window::Sliding { width_us: 60 * S, resolution_us: 5 * S },
        Window::Sliding { width_us: 90 * S, resolution_us: 60 * S },
        Window::Sliding { width_us: 7 * S, resolution_us: 5 * S },
        Window::Exact { width_us: 5 * S },
        Window::Exact { width_us: 20 * S + 1 },
        Window::Lifetime,
    ])
}

fn spec() -> impl Strategy<Value = Spec> {
    let aggregate = prop::sample::select(vec![
        Aggregate::Count,
        Aggregate::Sum,
        Aggregate::Mean,
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::First,
        Aggregate::Last,
    ]);
    let parts = (
        aggregate,
        prop::option::weighted(0.8, 0_usize..5),
        prop::option::weighted(0.4, 0_usize..2),
        prop::option::of(1_u32..4),
        window(),
        prop::bool::weighted(0.3),
    );
    parts.prop_map(|(aggregate, input, filter, n, window, default)| {
        let number = matches!(aggregate, Aggregate::Sum | Aggregate::Mean);
        let input = match input {
            None if aggregate == Aggregate::Count => None,
            None => Some(0),
            Some(input) if number => Some(input % 3),
            some => some,
        };
        let n = n.filter(|_| aggregate == Aggregate::Last);
        Spec { aggregate, input, filter, n, window, default }
    })
}

/// A view with a few features.
pub fn view() -> impl Strategy<Value = ViewSpec> {
    let parts = (
        prop::collection::vec(spec(), 1..8),
        prop::option::weighted(0.4, 0_usize..2),
        prop::bool::weighted(0.3),
        prop_oneof![Just(100_000_u64), 1_u64..6],
        prop::bool::weighted(0.3),
    );
    parts.prop_map(|(features, filter, include_current, events_max, fallible)| {
        // Without an expression nothing can fail.
        let expressions = filter.is_some()
            || features.iter().any(|spec| spec.input.is_some() || spec.filter.is_some());
        let fallible = fallible && expressions;
        ViewSpec { features, filter, include_current, events_max, fallible }
    })
}

/// Questions, some about keys never seen.
pub fn labels() -> impl Strategy<Value = Vec<Label>> {
    prop::collection::vec((key(), instant()), 0..40)
}

/// The type of a feature.
pub fn feature_type(spec: &Spec) -> FeatureType {
    let input = spec.input.map(|input| INPUTS[input].1);
    match (spec.aggregate, input) {
        (Aggregate::Count, _) | (Aggregate::Sum, Some(DataType::Int | DataType::Bool)) => {
            FeatureType::Scalar(DataType::Int)
        }
        (Aggregate::Mean, _) => FeatureType::Scalar(DataType::Float),
        (_, Some(kind)) if spec.n.is_some() => FeatureType::List(kind),
        (_, kind) => FeatureType::Scalar(kind.expect("an input")),
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
    match feature_type(spec) {
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

fn expression(column: &str, data_type: DataType, fallible: bool) -> Expression {
    Expression {
        tree: json!({"column": column, "fallible": fallible}),
        data_type,
        fallible,
        scale_exponent: DEFAULT_SCALE_EXPONENT,
        text: column.to_owned(),
    }
}

/// The plan of some views over one stream with keys (customer, region).
pub fn plan(views: &[ViewSpec]) -> Plan {
    let column = |name: &str, data_type, nullable| Column {
        name: name.to_owned(),
        data_type,
        nullable,
        unit: TimeUnit::Us,
        scale_exponent: DEFAULT_SCALE_EXPONENT,
    };
    let mut columns = vec![
        column("bought_at", DataType::Timestamp, false),
        column("customer", DataType::Int, true),
        column("region", DataType::Str, true),
    ];
    columns.extend(INPUTS.iter().map(|&(name, kind)| column(name, kind, true)));
    columns.extend(CONDITIONS.iter().map(|name| column(name, DataType::Bool, true)));
    let stream = Stream {
        name: "Purchase".to_owned(),
        columns,
        time: "bought_at".to_owned(),
        id: None,
        order: None,
        lateness_us: 0,
        skew_us: 600_000_000,
        dedup_us: None,
        max_age_us: None,
        idle_us: 0,
        version: "1".to_owned(),
    };
    let views = views.iter().enumerate().map(|(index, spec)| blueprint_view(index, spec));
    let blueprint = Blueprint {
        format: FORMAT,
        meaning: MEANING,
        streams: vec![stream],
        tables: Vec::new(),
        views: views.collect(),
        services: Vec::new(),
    };
    Plan::new(blueprint).expect("the definitions are right")
}

fn blueprint_view(index: usize, spec: &ViewSpec) -> View {
    let condition =
        |condition: usize| expression(CONDITIONS[condition], DataType::Bool, spec.fallible);
    let key =
        |name: &str, data_type| Key { name: name.to_owned(), data_type, column: name.to_owned() };
    let features = spec.features.iter().enumerate().map(|(number, feature)| Feature {
        column: format!("f{number}"),
        name: format!("f{number}"),
        compute: Compute::Aggregate {
            aggregate: feature.aggregate,
            input: feature
                .input
                .map(|input| expression(INPUTS[input].0, INPUTS[input].1, spec.fallible)),
            filter: feature.filter.map(condition),
            n: feature.n,
            window: feature.window,
        },
        data_type: feature_type(feature),
        default: feature.default.then(|| default_json(&default_value(feature))),
    });
    View {
        name: format!("View{index}"),
        stream: Some("Purchase".to_owned()),
        table: None,
        keys: vec![key("customer", DataType::Int), key("region", DataType::Str)],
        filter: spec.filter.map(condition),
        include_current: spec.include_current,
        events_max: spec.events_max,
        features: features.collect(),
        version: "1".to_owned(),
    }
}

/// The columns of some events for a section.
pub struct Columns {
    keys: KeyColumn,
    key_columns: Vec<ArrayRef>,
    times: Vec<i64>,
    ties: Vec<Tie>,
    inputs: Vec<ArrayRef>,
    filters: Vec<BooleanBuffer>,
    /// When each event arrived.
    pub arrived_at: Vec<i64>,
}

impl Columns {
    /// The columns that a transform makes; `views` tell which of them can fail.
    pub fn new(events: &[Event], section: &Section, views: &[ViewSpec]) -> Self {
        let place = |text: &str| INPUTS.iter().position(|(name, _)| *name == text);
        let inputs = section.inputs.iter().map(|input| {
            let column = place(&input.text).expect("a known input");
            array(events.iter().map(|event| &event.inputs[column]), input.data_type)
        });
        let filters = section.filters.iter().map(|filter| {
            BooleanBuffer::collect_bool(events.len(), |row| {
                let event = &events[row];
                let fails = filter.admission.is_some_and(|view| views[view].fallible && event.bad);
                !fails
                    && filter.conditions.iter().all(|condition| {
                        let column = CONDITIONS.iter().position(|name| *name == condition.text);
                        event.conditions[column.expect("a known condition")] == Some(true)
                    })
            })
        });
        Self {
            keys: key_column(events.iter().map(|event| event.key)),
            key_columns: key_columns(events.iter().map(|event| event.key)),
            times: events.iter().map(|event| event.time).collect(),
            ties: events.iter().map(|event| Tie::new(None, event.tie)).collect(),
            inputs: inputs.collect(),
            filters: filters.collect(),
            arrived_at: events.iter().map(|event| event.arrived_at).collect(),
        }
    }

    /// As the sweep takes them.
    pub fn events(&self) -> EventColumns<'_> {
        EventColumns {
            keys: &self.key_columns,
            times: &self.times,
            ties: Some(&self.ties),
            inputs: &self.inputs,
            filters: &self.filters,
        }
    }

    /// As a batch to fold.
    pub fn batch(&self) -> FoldBatch<'_> {
        FoldBatch {
            keys: &self.keys,
            times: &self.times,
            ties: Some(&self.ties),
            inputs: &self.inputs,
            filters: &self.filters,
        }
    }
}

/// Keys as a column.
pub fn key_column(keys: impl Iterator<Item = Option<(i64, &'static str)>>) -> KeyColumn {
    let mut column = KeyColumn::with_capacity(0);
    for key in keys {
        match key {
            Some((customer, region)) => {
                column.push(&[Value::Int(customer), Value::Str(region.into())]);
            }
            None => column.push_left_out(),
        }
    }
    column
}

/// Keys as columns; of a null key it is the region that is null.
pub fn key_columns(keys: impl Iterator<Item = Option<(i64, &'static str)>>) -> Vec<ArrayRef> {
    let (customers, regions): (Vec<_>, Vec<_>) =
        keys.map(|key| (key.map_or(0, |key| key.0), key.map(|key| key.1))).unzip();
    vec![Arc::new(Int64Array::from(customers)), Arc::new(StringArray::from(regions))]
}

fn array<'a>(values: impl Iterator<Item = &'a Value>, kind: DataType) -> ArrayRef {
    match kind {
        DataType::Bool => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }))),
        DataType::Int => Arc::new(Int64Array::from_iter(values.map(|value| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        }))),
        DataType::Float => Arc::new(Float64Array::from_iter(values.map(|value| match value {
            Value::Float(value) => Some(*value),
            _ => None,
        }))),
        DataType::Str => Arc::new(StringArray::from_iter(values.map(|value| match value {
            Value::Str(text) => Some(text.to_string()),
            _ => None,
        }))),
        DataType::Timestamp => {
            let array = TimestampMicrosecondArray::from_iter(values.map(|value| match value {
                Value::Timestamp(value) => Some(*value),
                _ => None,
            }));
            Arc::new(array.with_timezone("UTC"))
        }
    }
}

/// Cuts events into batches of the lengths given, the rest last.
pub fn chunks<'a>(events: &'a [Event], lengths: &[usize]) -> Vec<&'a [Event]> {
    let mut chunks = Vec::new();
    let mut rest = events;
    for &length in lengths {
        let (chunk, tail) = rest.split_at(length.min(rest.len()));
        chunks.push(chunk);
        rest = tail;
    }
    chunks.push(rest);
    chunks
}

/// How a property runs: `HEADWATER_CASES` times the usual number of cases; found seeds are printed.
pub fn config(usual: u32) -> ProptestConfig {
    let factor = std::env::var("HEADWATER_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: usual * factor.unwrap_or(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
