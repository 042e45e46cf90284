//! Random events, views and questions about pairs, for the tests of the sweep.

use headwater_kernel::blueprint::Aggregate;
use headwater_kernel::value::Value;
use headwater_kernel::window::Window;
use proptest::prelude::*;

use super::{BASE, Event, KeyParts, Label, S, Spec, ViewSpec, sliding};

/// A key out of a few, rarely null.
pub fn key() -> impl Strategy<Value = Option<KeyParts>> {
    let text = prop::sample::select(vec!["", "a", "a longer name than fits a slot", "é"]);
    prop_oneof![15 => (0_i64..2, text).prop_map(Some), 1 => Just(None)]
}

/// An instant on or beside a boundary, within a few windows.
pub fn instant() -> impl Strategy<Value = i64> {
    (0_i64..400, prop::sample::select(vec![0_i64, 0, 0, 1, -1, 250_000]))
        .prop_map(|(step, off)| BASE + step * 500_000 + off)
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
    prop::sample::select(vec![
        sliding(10 * S, S),
        sliding(60 * S, 5 * S),
        sliding(90 * S, 60 * S),
        sliding(7 * S, 5 * S),
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

/// How a property runs: `HEADWATER_CASES` times the usual number of cases; found seeds are printed.
pub fn config(usual: u32) -> ProptestConfig {
    let factor = std::env::var("HEADWATER_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: usual * factor.unwrap_or(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
