//! Folding and reading equals the definition, for random views, events, batch splits, sealed
//! instants and read instants; state written and read in between; arrival permuted.

mod support;

use headwater_kernel::blueprint::Aggregate;
use headwater_kernel::state::SpaceState;
use headwater_kernel::value::Value;
use headwater_kernel::window::Window;
use proptest::prelude::*;

use support::{
    BASE, D, Event, H, INPUTS, M, S, Spec, ViewSpec, fold, model, number, plan, read, sliding,
};

fn windows() -> impl Strategy<Value = Window> {
    prop::sample::select(vec![
        sliding(10 * S, S),
        sliding(M, S),
        sliding(M, 5 * S),
        sliding(150 * S, 10 * S),
        sliding(H, M),
        sliding(10 * M, 10 * M),
        sliding(2 * H, M),
        sliding(D, 30 * M),
        Window::Lifetime,
        Window::Exact { width_us: 7 * S },
        Window::Exact { width_us: 61_500_000 },
    ])
}

fn spec() -> impl Strategy<Value = Spec> {
    let aggregates = prop::sample::select(vec![
        Aggregate::Count,
        Aggregate::Sum,
        Aggregate::Mean,
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::First,
        Aggregate::Last,
    ]);
    let input = prop::option::weighted(0.8, 0..INPUTS.len());
    let filter = prop::option::weighted(0.3, 0..2usize);
    let n = prop::option::weighted(0.5, 1..5u32);
    let default = prop::bool::weighted(0.2);
    (aggregates, input, filter, n, windows(), default).prop_map(
        |(aggregate, input, filter, n, window, default)| {
            let input = match aggregate {
                Aggregate::Count => input,
                Aggregate::Sum | Aggregate::Mean => Some(input.unwrap_or(0) % 3),
                _ => Some(input.unwrap_or(0)),
            };
            let n = n.filter(|_| aggregate == Aggregate::Last);
            Spec { aggregate, input, filter, n, window, default }
        },
    )
}

fn view() -> impl Strategy<Value = ViewSpec> {
    let filter = prop::option::weighted(0.4, 0..2usize);
    let events_max = prop::sample::select(vec![1, 3, 1000]);
    let flags = (prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    (filter, flags, events_max, prop::collection::vec(spec(), 1..8)).prop_map(
        |(filter, (fallible, include_current), events_max, features)| ViewSpec {
            filter,
            // A view without an expression has nothing that can fail.
            fallible: fallible
                && (filter.is_some()
                    || features.iter().any(|spec| spec.input.is_some() || spec.filter.is_some())),
            include_current,
            events_max,
            features,
        },
    )
}

fn inputs() -> impl Strategy<Value = [Value; 5]> {
    let float = prop_oneof![
        (-5000i64..5000).prop_map(|cents| Value::Float(cents as f64 / 100.0)),
        prop::sample::select(vec![0.0, 1e12, -1e12, 524_287.5, 1e-13, 7e16]).prop_map(Value::Float),
        Just(Value::Null),
    ];
    let int = prop_oneof![
        (-5i64..5).prop_map(Value::Int),
        prop::sample::select(vec![i64::MAX, i64::MIN]).prop_map(Value::Int),
        Just(Value::Null),
    ];
    let flag = prop::option::of(any::<bool>()).prop_map(|v| v.map_or(Value::Null, Value::Bool));
    let text = prop_oneof![
        prop::sample::select(vec!["", "a", "b", "aa", "é"]).prop_map(|v| Value::Str(v.into())),
        Just(Value::Null),
    ];
    let at = prop_oneof![(-3i64..3).prop_map(Value::Timestamp), Just(Value::Null)];
    (float, int, flag, text, at).prop_map(|(x, n, b, s, at)| [x, n, b, s, at])
}

/// An event with its time as a distance from the sealed instant.
fn event() -> impl Strategy<Value = Event> {
    let distance = prop_oneof![
        4 => -20 * S..3 * S,
        2 => -200 * S..20 * S,
        2 => (-300i64..10).prop_map(|seconds| seconds * S),
        2 => -3 * H..5 * M,
        1 => -2 * D..H,
        1 => Just(0i64),
        1 => Just(-1i64),
        1 => Just(-10_000 * D),
    ];
    let flags = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.1));
    (0..2i64, distance, 0..3u128, inputs(), flags).prop_map(
        |(key, time, tie, inputs, (p, q, bad))| {
            // Equal ties mean equal events: else nothing would order them.
            let tie = tie << 64 | tie_of(&inputs, p, q);
            let (key, conditions) = (number(key), [Some(p), Some(q)]);
            Event { key, time, arrived_at: time, tie, inputs, conditions, bad }
        },
    )
}

fn tie_of(inputs: &[Value; 5], p: bool, q: bool) -> u128 {
    let text = format!("{inputs:?}{p}{q}");
    text.bytes().fold(14_695_981_039_346_656_037u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
    }) as u128
}

/// One epoch: how far the sealed instant moves, the events, and whether the state is reloaded.
#[derive(Clone, Debug)]
struct Epoch {
    advance: i64,
    events: Vec<Event>,
    reload: bool,
    expire: bool,
    asked: Vec<i64>,
}

fn epoch() -> impl Strategy<Value = Epoch> {
    let advance =
        prop_oneof![Just(0i64), 1..30 * S, (0i64..120).prop_map(|s| s * S), 0..2 * H, 0..2 * D,];
    let asked = prop_oneof![
        Just(0i64),
        Just(1i64),
        0..20 * S,
        (0i64..700).prop_map(|s| s * S),
        0..3 * H,
        0..3 * D,
    ];
    let events = prop::collection::vec(event(), 0..25);
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    (advance, events, flags, prop::collection::vec(asked, 1..4)).prop_map(
        |(advance, events, (reload, expire), asked)| Epoch {
            advance,
            events,
            reload,
            expire,
            asked,
        },
    )
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(1500)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn fold_and_read_equal_the_definition(
        views in prop::collection::vec(view(), 1..3),
        epochs in prop::collection::vec(epoch(), 1..12),
        start in 0..3 * D,
    ) {
        let plan = plan(&views);
        let mut state = SpaceState::new(&plan, 0);
        let mut sealed_at = BASE + start;
        let mut all: Vec<Event> = Vec::new();
        for epoch in epochs {
            sealed_at += epoch.advance;
            let mut events = epoch.events;
            events.iter_mut().for_each(|event| event.time = (event.time + sealed_at).max(S));
            fold(&mut state, &plan, &events, sealed_at);
            all.extend(events);
            if epoch.reload {
                state = support::reload(&state, &plan);
            }
            if epoch.expire {
                state.expire(100);
            }
            for distance in epoch.asked {
                let t = sealed_at + distance;
                for (index, view) in views.iter().enumerate() {
                    for key in 0..3 {
                        let answer = read(&state, &plan, index, key, t);
                        prop_assert_eq!(answer, model::read(view, &all, key, t));
                    }
                }
            }
        }
    }

    #[test]
    fn arrival_order_and_batch_splits_decide_nothing(
        views in prop::collection::vec(view(), 1..3),
        events in prop::collection::vec((event(), any::<u32>(), 0..4usize), 1..60),
        asked in prop::collection::vec(0..2 * H, 1..4),
    ) {
        let plan = plan(&views);
        let mut events = events;
        events.iter_mut().for_each(|(event, ..)| event.time = (event.time + BASE).max(S));
        let in_order: Vec<Event> = events.iter().map(|(event, ..)| event.clone()).collect();
        let mut whole = SpaceState::new(&plan, 0);
        fold(&mut whole, &plan, &in_order, BASE);
        events.sort_by_key(|(_, place, _)| *place);
        let mut pieces = SpaceState::new(&plan, 0);
        for epoch in 0..4 {
            let part: Vec<Event> = events
                .iter()
                .filter(|(.., batch)| *batch == epoch)
                .map(|(event, ..)| event.clone())
                .collect();
            fold(&mut pieces, &plan, &part, BASE - 3 * H + H * epoch as i64);
        }
        for distance in asked {
            for index in 0..views.len() {
                for key in 0..2 {
                    prop_assert_eq!(
                        read(&pieces, &plan, index, key, BASE + distance),
                        read(&whole, &plan, index, key, BASE + distance)
                    );
                }
            }
        }
    }
}
