//! The sweep against folding into state and reading it, bit for bit; and the replay by arrival
//! against a loop over the events that had arrived.

mod support;

use std::sync::atomic::AtomicBool;

use headwater_kernel::plan::{Plan, Source};
use headwater_kernel::state::SpaceState;
use headwater_kernel::sweep::{SweepEvents, SweepLabels, SweepOptions, SweepResult, replay, sweep};
use headwater_kernel::value::{Cell, Status, Value};
use proptest::prelude::*;
use support::random::{config, events, labels, view};
use support::{
    Columns, Event, Label, answers, chunks, key_column, key_columns, model, plan_of_pairs,
};

/// Sweeps, or replays, one view.
fn compute(
    plan: &Plan,
    view: usize,
    columns: &[Columns],
    labels: &[Label],
    threads: usize,
    by_arrival: bool,
) -> SweepResult {
    let batches: Vec<_> = columns.iter().map(Columns::events).collect();
    let arrived_at: Vec<&[i64]> = columns.iter().map(|c| c.arrived_at.as_slice()).collect();
    let keys = key_columns(labels.iter().map(|label| label.0));
    let times: Vec<i64> = labels.iter().map(|label| label.1).collect();
    let cancelled = AtomicBool::new(false);
    let events = SweepEvents { chunks: &batches };
    let labels = SweepLabels { keys: &keys, times: &times };
    let options = SweepOptions { threads, cancelled: &cancelled };
    if by_arrival {
        replay(plan, view, &events, &arrived_at, &labels, &options)
            .expect("the columns are those of the section")
    } else {
        sweep(plan, view, &events, &labels, &options).expect("the columns are those of the section")
    }
}

/// Columns of some events, cut into chunks.
fn columns(plan: &Plan, events: &[Event], cuts: &[usize]) -> Vec<Columns> {
    let chunks = chunks(events, cuts).into_iter();
    chunks.map(|chunk| Columns::new(chunk, &plan.sections[0])).collect()
}

/// Reads the state at a label.
fn read(plan: &Plan, state: &SpaceState, view: usize, label: &Label) -> (Vec<Cell>, bool) {
    let mut cells = vec![Cell::default(); plan.views[view].features.len()];
    let keys = key_column(std::iter::once(label.0), 2);
    let id = keys.get(0).and_then(|key| state.find(key));
    let found = state.read(view, id, label.1, &mut cells);
    (cells, found)
}

/// Bits of a value: -0.0 and 0.0 differ.
fn bits(row: (Vec<Cell>, bool)) -> (Vec<(String, Status)>, bool) {
    let cells = row.0.into_iter().map(|cell| match cell.value {
        Value::Float(x) => (format!("{:x}", x.to_bits()), cell.status),
        other => (format!("{other:?}"), cell.status),
    });
    (cells.collect(), row.1)
}

proptest! {
    #![proptest_config(config(300))]

    /// Folding every event, whatever the batches and the sealed instants, then reading at each
    /// label gives the values, statuses and `found` of the sweep.
    #[test]
    fn the_sweep_equals_fold_and_read(
        views in prop::collection::vec(view(), 1..3),
        events in events(120),
        labels in labels(),
        cuts in prop::collection::vec(0_usize..60, 0..4),
        fold_cuts in prop::collection::vec(0_usize..20, 0..12),
        seals in prop::collection::vec(0_u8..4, 40),
        threads in 1_usize..5,
    ) {
        let plan = plan_of_pairs(&views);
        prop_assert_eq!(plan.views[0].source, Source::Section(0));
        let swept = columns(&plan, &events, &cuts);
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|&row| labels[row].1);
        let Some(&first) = order.first() else { return Ok(()) };
        let mut state = SpaceState::new(&plan, 0);
        let mut sealed_at = labels[first].1 - 100_000_000;
        for (number, batch) in columns(&plan, &events, &fold_cuts).iter().enumerate() {
            // The sealed instant rises towards the first question, in steps.
            sealed_at = (sealed_at + i64::from(seals[number]) * 9_000_000).min(labels[first].1);
            state.fold(0, &batch.batch(), sealed_at);
        }
        let results: Vec<SweepResult> = (0..views.len())
            .map(|view| compute(&plan, view, &swept, &labels, threads, false))
            .collect();
        for (number, &row) in order.iter().enumerate() {
            let behind = if seals[number] == 0 { i64::MAX } else { i64::from(seals[number]) - 1 };
            let target = labels[row].1.saturating_sub(behind.saturating_mul(1_000_000));
            if target > sealed_at {
                sealed_at = target;
                state.seal(0, sealed_at);
            }
            for (view, result) in results.iter().enumerate() {
                let expected = bits(read(&plan, &state, view, &labels[row]));
                let swept = bits(answers::row(result, row));
                prop_assert_eq!(swept, expected, "label {} {:?}", row, labels[row]);
            }
        }
    }

    /// A replay gives, at each label, the values of the events that had arrived by then.
    #[test]
    fn the_replay_equals_a_loop_over_what_had_arrived(
        views in prop::collection::vec(view(), 1..3),
        events in events(120),
        labels in labels(),
        cuts in prop::collection::vec(0_usize..60, 0..4),
        threads in 1_usize..5,
    ) {
        let plan = plan_of_pairs(&views);
        let columns = columns(&plan, &events, &cuts);
        for (index, spec) in views.iter().enumerate() {
            let result = compute(&plan, index, &columns, &labels, threads, true);
            for (row, label) in labels.iter().enumerate() {
                let arrived: Vec<Event> =
                    events.iter().filter(|event| event.arrived_at <= label.1).cloned().collect();
                let expected = model::answer(spec, &arrived, label);
                prop_assert_eq!(
                    answers::row(&result, row), expected, "label {} {:?}", row, label
                );
            }
        }
    }
}
