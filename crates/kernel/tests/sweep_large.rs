//! The sweep over more rows than its blocks, steps and tables hold at first, against the loop; and
//! what it does when it is stopped or has nothing to do.

mod support;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use headwater_kernel::blueprint::Aggregate;
use headwater_kernel::error::Kind;
use headwater_kernel::sweep::{SweepEvents, SweepLabels, SweepOptions, replay, sweep};
use headwater_kernel::value::Value;
use headwater_kernel::window::Window;
use support::{
    BASE, Columns, Event, Label, Spec, ViewSpec, answers, key_columns, model, plan_of_pairs,
};

/// Midnight and a bit: no boundary of any resolution.
const BASE_US: i64 = BASE + 1_234_567;

/// A generator of numbers from a seed.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0 >> 11) * u128::from(limit)) >> 53) as u64
    }
}

fn one_view() -> ViewSpec {
    const S: i64 = 1_000_000;
    let hour = Window::Sliding { width_us: 3_600 * S, resolution_us: 60 * S };
    let minute = Window::Exact { width_us: 60 * S };
    let spec = |aggregate, input, window, n| Spec {
        aggregate,
        input,
        filter: None,
        n,
        window,
        default: false,
    };
    let features = vec![
        spec(Aggregate::Count, None, hour, None),
        spec(Aggregate::Sum, Some(0), Window::Lifetime, None),
        spec(Aggregate::Mean, Some(0), hour, None),
        spec(Aggregate::Max, Some(0), minute, None),
        spec(Aggregate::Min, Some(3), hour, None),
        spec(Aggregate::Last, Some(1), hour, Some(3)),
        Spec { filter: Some(0), ..spec(Aggregate::First, Some(1), hour, None) },
    ];
    ViewSpec { features, filter: None, include_current: false, events_max: 50, fallible: false }
}

/// An hour and a half of events: one in ten of one hot key, one in twenty late, a few at random.
fn many_events(seeded: &mut Seeded, count: usize, keys: u64) -> Vec<Event> {
    let texts = ["x", "", "zoë", "a longer text"];
    let mut events = Vec::with_capacity(count);
    for index in 0..count {
        let customer = if seeded.below(10) == 0 { 0 } else { seeded.below(keys) as i64 };
        let late = match seeded.below(100) {
            0 => seeded.below(5_400_000_000) as i64,
            1..5 => seeded.below(30_000_000) as i64,
            _ => 0,
        };
        let arrived_at = BASE_US + (5_400_000_000 * index as i64) / count as i64;
        let amount = Value::Float(seeded.below(100_000) as f64 / 100.0);
        let items = if seeded.below(5) == 0 { Value::Null } else { Value::Int(index as i64) };
        let shop = Value::Str(texts[seeded.below(4) as usize].into());
        events.push(Event {
            key: Some((customer, if customer % 2 == 0 { "" } else { "north" })),
            time: (arrived_at - late) / 1_000_000 * 1_000_000,
            arrived_at,
            tie: u128::from(seeded.below(u64::MAX)) << 64 | index as u128,
            inputs: [amount, items, Value::Null, shop, Value::Null],
            conditions: [Some(seeded.below(2) == 0), None],
            bad: false,
        });
    }
    events
}

fn many_labels(seeded: &mut Seeded, count: usize, keys: u64) -> Vec<Label> {
    let mut labels = Vec::with_capacity(count);
    for _ in 0..count {
        let customer = seeded.below(keys + keys / 10) as i64;
        let key = (customer, if customer % 2 == 0 { "" } else { "north" });
        labels.push((Some(key), BASE_US + seeded.below(5_500_000_000) as i64));
    }
    labels
}

/// 200,000 events of 2,000 keys in three chunks, 3,000 label rows of more keys: sweep and replay
/// are those of the loop on one thread and on three.
#[test]
fn many_rows_equal_the_loop() {
    check_rows(200_000, 3_000, 2_000);
}

/// Keys with many events and many questions each: what is carried from one block of questions to
/// the next is right.
#[test]
fn many_questions_of_a_key_equal_the_loop() {
    check_rows(7_500, 1_500, 3);
}

/// Sweeps and replays so many events and labels of so many keys, and compares with the loop.
fn check_rows(events: usize, labels: usize, keys: u64) {
    let mut seeded = Seeded(7);
    let views = [one_view()];
    let plan = plan_of_pairs(&views);
    let events = many_events(&mut seeded, events, keys);
    let labels = many_labels(&mut seeded, labels, keys);
    let mut by_key: HashMap<_, Vec<Event>> = HashMap::new();
    for event in &events {
        by_key.entry(event.key).or_default().push(event.clone());
    }
    let columns: Vec<Columns> = [&events[..7_001], &events[7_001..7_100], &events[7_100..]]
        .into_iter()
        .map(|chunk| Columns::new(chunk, &plan.sections[0]))
        .collect();
    let chunks: Vec<_> = columns.iter().map(Columns::events).collect();
    let arrived_at: Vec<&[i64]> = columns.iter().map(|c| c.arrived_at.as_slice()).collect();
    let keys = key_columns(labels.iter().map(|label| label.0));
    let times: Vec<i64> = labels.iter().map(|label| label.1).collect();
    let cancelled = AtomicBool::new(false);
    let sources = SweepEvents { chunks: &chunks };
    let asked = SweepLabels { keys: &keys, times: &times };
    let options = |threads| SweepOptions { threads, cancelled: &cancelled };
    let swept = [1, 3].map(|threads| {
        sweep(&plan, 0, &sources, &asked, &options(threads)).expect("columns of the section")
    });
    let replayed = replay(&plan, 0, &sources, &arrived_at, &asked, &options(2))
        .expect("columns of the section");
    let mut found = 0;
    let mut differing = 0;
    for (row, label) in labels.iter().enumerate() {
        let mine = by_key.get(&label.0).map(Vec::as_slice).unwrap_or_default();
        let truth = model::answer(&views[0], mine, label);
        for result in &swept {
            assert_eq!(answers::row(result, row), truth, "row {row}");
        }
        let arrived: Vec<Event> =
            mine.iter().filter(|event| event.arrived_at <= label.1).cloned().collect();
        let known = model::answer(&views[0], &arrived, label);
        assert_eq!(answers::row(&replayed, row), known, "row {row} by arrival");
        found += usize::from(truth.1);
        differing += usize::from(truth != known);
    }
    assert!(found * 3 > labels.len() * 2, "most label rows find their key: {found}");
    assert!(differing * 100 > labels.len(), "late events make a difference: {differing}");
}

/// A sweep and a replay that the caller has cancelled end with the error that says so.
#[test]
fn a_cancelled_sweep_says_so() {
    let mut seeded = Seeded(11);
    let views = [one_view()];
    let plan = plan_of_pairs(&views);
    let columns = Columns::new(&many_events(&mut seeded, 100, 5), &plan.sections[0]);
    let chunks = [columns.events()];
    let labels = many_labels(&mut seeded, 10, 5);
    let keys = key_columns(labels.iter().map(|label| label.0));
    let times: Vec<i64> = labels.iter().map(|label| label.1).collect();
    let cancelled = AtomicBool::new(true);
    let events = SweepEvents { chunks: &chunks };
    let labels = SweepLabels { keys: &keys, times: &times };
    let options = SweepOptions { threads: 2, cancelled: &cancelled };
    let swept = sweep(&plan, 0, &events, &labels, &options).expect_err("it was cancelled");
    assert_eq!((swept.kind, swept.code), (Kind::Closed, "cancelled"));
    let arrived_at = [columns.arrived_at.as_slice()];
    let replayed = replay(&plan, 0, &events, &arrived_at, &labels, &options);
    assert_eq!(replayed.expect_err("it was cancelled").code, "cancelled");
}

/// No events and no label rows: every column is there, and empty windows are answered.
#[test]
fn nothing_is_answered_with_nothing() {
    let views = [one_view()];
    let plan = plan_of_pairs(&views);
    let cancelled = AtomicBool::new(false);
    let options = SweepOptions { threads: 4, cancelled: &cancelled };
    let events = SweepEvents { chunks: &[] };
    for labels in [vec![], vec![(Some((1, "")), BASE_US), (None, BASE_US)]] {
        let keys = key_columns(labels.iter().map(|label: &Label| label.0));
        let times: Vec<i64> = labels.iter().map(|label| label.1).collect();
        let asked = SweepLabels { keys: &keys, times: &times };
        let swept = sweep(&plan, 0, &events, &asked, &options).expect("no columns to differ");
        let replayed = replay(&plan, 0, &events, &[], &asked, &options).expect("none either");
        for result in [&swept, &replayed] {
            assert_eq!(result.columns.len(), 7);
            assert!(result.columns.iter().all(|column| column.len() == labels.len()));
            for (row, label) in labels.iter().enumerate() {
                assert_eq!(answers::row(result, row), model::answer(&views[0], &[], label));
            }
        }
    }
}
