//! The sweep against a loop over all events for each question.

mod support;

use std::sync::atomic::AtomicBool;

use headwater_kernel::sweep::{SweepEvents, SweepLabels, SweepOptions, sweep};
use proptest::prelude::*;
use support::random::{config, events, labels, view};
use support::{
    Columns, Event, Label, ViewSpec, answers, chunks, key_columns, model, plan_of_pairs,
};

/// The values of every view by the sweep, events cut into chunks of the lengths given.
fn check(views: &[ViewSpec], events: &[Event], labels: &[Label], cuts: &[usize], threads: usize) {
    let plan = plan_of_pairs(views);
    let section = &plan.sections[0];
    let columns: Vec<Columns> =
        chunks(events, cuts).into_iter().map(|chunk| Columns::new(chunk, section)).collect();
    let batches: Vec<_> = columns.iter().map(Columns::events).collect();
    let keys = key_columns(labels.iter().map(|label| label.0));
    let times: Vec<i64> = labels.iter().map(|label| label.1).collect();
    let cancelled = AtomicBool::new(false);
    for (index, spec) in views.iter().enumerate() {
        let result = sweep(
            &plan,
            index,
            &SweepEvents { chunks: &batches },
            &SweepLabels { keys: &keys, times: &times },
            &SweepOptions { threads, cancelled: &cancelled },
        )
        .expect("the columns are those of the section");
        assert_eq!(result.columns.len(), spec.features.len());
        for (row, label) in labels.iter().enumerate() {
            let expected = model::answer(spec, events, label);
            assert_eq!(answers::row(&result, row), expected, "label {row} {label:?} of {spec:?}");
        }
    }
}

proptest! {
    #![proptest_config(config(400))]

    /// Random views, events (late, equal in time, null, bad), chunks and threads: every value,
    /// status and `found` is that of the loop.
    #[test]
    fn equals_a_loop_over_all_events(
        views in prop::collection::vec(view(), 1..3),
        events in events(120),
        labels in labels(),
        cuts in prop::collection::vec(0_usize..60, 0..4),
        threads in 1_usize..5,
    ) {
        check(&views, &events, &labels, &cuts, threads);
    }
}
