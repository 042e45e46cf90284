//! Each rule of thinning that a simulation proved wrong, as the case that it gets wrong, and the
//! bounds that thinning must give.

mod support;

use headwater_kernel::blueprint::Aggregate;
use headwater_kernel::state::SpaceState;
use headwater_kernel::value::Value;
use headwater_kernel::window::Window;
use support::{
    BASE, D, Event, H, M, S, ViewSpec, event, feature, fold, key_bytes, model, plan, read, sliding,
    view,
};

fn of(aggregates: &[Aggregate], windows: &[Window]) -> ViewSpec {
    let each =
        |&window| aggregates.iter().map(move |&aggregate| feature(aggregate, Some(0), window));
    view(windows.iter().flat_map(each).collect())
}

fn everything(windows: &[Window]) -> ViewSpec {
    use Aggregate::{Count, First, Last, Max, Mean, Min, Sum};
    of(&[Count, Sum, Mean, Min, Max, First, Last], windows)
}

/// Folds one epoch after another, each at its sealed instant, and compares every boundary read.
fn check(views: &[ViewSpec], epochs: &[(i64, Vec<Event>)], asked: &[i64]) {
    let plan = plan(views);
    let mut state = SpaceState::new(&plan, 0);
    let mut all = Vec::new();
    for (sealed_at, events) in epochs {
        fold(&mut state, &plan, events, *sealed_at);
        all.extend(events.iter().cloned());
    }
    for &t in asked {
        for (index, view) in views.iter().enumerate() {
            let answer = read(&state, &plan, index, 1, t);
            assert_eq!(answer, model::read(view, &all, 1, t), "view {index} at {}", t - BASE);
        }
    }
}

/// Enough events that the log is thinned many times.
fn minutely(from: i64, minutes: i64) -> Vec<Event> {
    (0..minutes).map(|minute| event(1, from + minute * M + S, (minute % 17) as f64)).collect()
}

#[test]
fn a_checkpoint_is_kept_by_its_successors_age_and_not_by_its_own() {
    // One old event, a silence, then many: the old one answers every boundary of the silence.
    let window = sliding(H, M);
    let mut epochs = vec![(BASE + M, vec![event(1, BASE, 5.0)])];
    for minute in 0..50 {
        let now = BASE + 3 * H + minute * M;
        epochs.push((now + M, vec![event(1, now, 1.0)]));
    }
    let end = BASE + 3 * H + 50 * M;
    let asked: Vec<i64> = (0..60).map(|minute| end + minute * M).collect();
    check(&[everything(&[window, sliding(D, 30 * M)])], &epochs, &asked);
}

/// Reads at each sealed instant, when the row before the oldest boundary has just left the fine
/// window by its own age and is still asked for: its successor has not. Values fall, so that each
/// event is a step of the maximum.
fn check_at_every_sealed_instant(aggregates: &[Aggregate]) {
    let plan = plan(&[of(aggregates, &[sliding(H, M), sliding(D, 30 * M)])]);
    let view = &of(aggregates, &[sliding(H, M), sliding(D, 30 * M)]);
    let mut state = SpaceState::new(&plan, 0);
    let mut all = Vec::new();
    for minute in 0..400 {
        let (happened_at, sealed_at) = (BASE + minute * M + S, BASE + minute * M + M);
        all.push(event(1, happened_at, 10_000.0 - minute as f64));
        fold(&mut state, &plan, &all[all.len() - 1..], sealed_at);
        let answer = read(&state, &plan, 0, 1, sealed_at);
        assert_eq!(answer, model::read(view, &all, 1, sealed_at), "at minute {minute}");
    }
}

#[test]
fn a_row_of_the_log_is_kept_by_its_successors_age() {
    check_at_every_sealed_instant(&[Aggregate::Count, Aggregate::Sum, Aggregate::Mean]);
}

#[test]
fn the_extremes_of_a_row_are_kept_by_its_successors_age() {
    check_at_every_sealed_instant(&[Aggregate::Max]);
}

#[test]
fn a_late_event_gets_a_row_by_its_successors_age() {
    // Asked at the sealed instant, the hour begins between the late event and its successor, and
    // no boundary of the day lies there.
    let (sealed_at, begin) = (BASE + 130 * M, BASE + 70 * M);
    let epochs = vec![
        (sealed_at, vec![event(1, BASE, 1.0), event(1, begin + M, 2.0)]),
        (sealed_at, vec![event(1, begin - S, 4.0)]),
    ];
    let windows = [sliding(H, M), sliding(D, 30 * M)];
    check(&[everything(&windows)], &epochs, &[sealed_at, sealed_at + S]);
}

#[test]
fn a_late_event_gets_a_checkpoint_of_its_own() {
    // Adding it to its predecessor, or only to its successors, moves it across a boundary.
    let window = sliding(10 * M, M);
    let epochs = vec![
        (BASE + 9 * M, vec![event(1, BASE, 1.0), event(1, BASE + 8 * M, 2.0)]),
        (BASE + 9 * M + S, vec![event(1, BASE + 4 * M + S, 4.0)]),
    ];
    let asked: Vec<i64> = (9..25).map(|minute| BASE + minute * M + 2 * S).collect();
    check(&[everything(&[window])], &epochs, &asked);
}

#[test]
fn a_late_event_before_the_first_checkpoint_gets_one_too() {
    let window = sliding(10 * M, M);
    let epochs = vec![
        (BASE + 9 * M, vec![event(1, BASE + 8 * M, 2.0)]),
        (BASE + 9 * M, vec![event(1, BASE + 4 * M + S, 4.0)]),
    ];
    let asked: Vec<i64> = (9..25).map(|minute| BASE + minute * M).collect();
    check(&[everything(&[window])], &epochs, &asked);
}

#[test]
fn ageing_follows_the_sealed_instant_and_not_the_newest_event() {
    // An event far ahead of the sealed instant must not age what reads before it still need.
    let window = sliding(H, M);
    let mut events = minutely(BASE, 60);
    events.push(event(1, BASE + 10 * D, 100.0));
    events.extend(minutely(BASE + 60 * M, 40));
    let sealed_at = BASE + 100 * M;
    let asked: Vec<i64> = (0..70).map(|minute| sealed_at + minute * M).collect();
    check(&[everything(&[window])], &[(sealed_at, events)], &asked);
}

#[test]
fn a_coarse_window_keeps_its_boundaries_beside_a_fine_one() {
    // Thinning by the finest window alone, or by the coarsest, loses the other's boundaries.
    let views = [everything(&[sliding(M, S), sliding(H, M), sliding(D, 30 * M)])];
    let mut epochs = Vec::new();
    for minute in 0..300 {
        let now = BASE + minute * 7 * M;
        let events = vec![event(1, now, (minute % 13) as f64), event(1, now + 20 * S, 1.0)];
        epochs.push((now + 30 * S, events));
    }
    let end = BASE + 300 * 7 * M;
    let asked: Vec<i64> = (0..200).map(|step| end + step * 11 * M).collect();
    check(&views, &epochs, &asked);
}

#[test]
fn the_boundary_at_the_sealed_instant_itself_is_still_answered() {
    let window = sliding(H, M);
    let events = minutely(BASE, 200);
    let sealed_at = BASE + 200 * M;
    check(&[everything(&[window])], &[(sealed_at, events)], &[sealed_at, sealed_at + 1]);
}

#[test]
fn a_late_event_after_thinning_falls_in_a_gap_that_no_boundary_needs() {
    let views = [everything(&[sliding(H, M), sliding(D, 30 * M)])];
    let sealed_at = BASE + 600 * M;
    let late = vec![event(1, BASE + 91 * M, 1000.0), event(1, BASE + 599 * M, -1000.0)];
    let epochs = vec![(sealed_at, minutely(BASE, 600)), (sealed_at + S, late)];
    let asked: Vec<i64> = (1..100).map(|step| sealed_at + S + step * 17 * M).collect();
    check(&views, &epochs, &asked);
}

#[test]
fn a_key_keeps_no_more_than_its_windows_need() {
    // 1 h at 1 min, 1 d at 30 min: 61 + 48 boundaries and the total, however many events come.
    let plan = plan(&[everything(&[sliding(H, M), sliding(D, 30 * M)])]);
    let mut state = SpaceState::new(&plan, 0);
    let mut used = Vec::new();
    for day in 0..20 {
        let from = BASE + day * D;
        fold(&mut state, &plan, &minutely(from, 24 * 60), from + D);
        used.push(state.bytes_used_of(state.find(&key_bytes(1)).unwrap()));
    }
    assert!(used[19] <= used[2], "state grows with time: {used:?}");
    assert!(used[19] < 40_000, "{used:?}");
}

#[test]
fn a_key_out_of_every_reach_expires_and_reads_as_one_never_seen() {
    let views = [everything(&[sliding(H, M)])];
    let plan = plan(&views);
    let mut state = SpaceState::new(&plan, 0);
    fold(&mut state, &plan, &[event(1, BASE, 1.0), event(2, BASE + H, 2.0)], BASE + H + S);
    state.seal(0, BASE + H + M + S);
    assert_eq!(state.expire(10), vec![key_bytes(1).into_boxed_slice()]);
    assert_eq!((state.len(), state.find(&key_bytes(1))), (1, None));
    let (cells, found) = read(&state, &plan, 0, 1, BASE + 2 * H);
    assert!(!found && cells[0].value == Value::Int(0) && cells[1].value == Value::Null);
    state.seal(0, BASE + 2 * H + M + S);
    assert_eq!(state.expire(10).len(), 1);
    assert!(state.is_empty());
    // Its id is given again, with nothing left of the former key.
    fold(&mut state, &plan, &[event(3, BASE + 3 * H, 7.0)], BASE + 3 * H + S);
    assert_eq!(read(&state, &plan, 0, 3, BASE + 3 * H + S).0[1].value, Value::Float(7.0));
}

#[test]
fn events_beyond_every_window_are_counted_and_leave_no_key() {
    let plan = plan(&[everything(&[sliding(H, M)]), everything(&[sliding(D, 30 * M)])]);
    let mut state = SpaceState::new(&plan, 0);
    let late = [event(1, BASE, 1.0), event(2, BASE - 2 * D, 1.0)];
    let report = fold(&mut state, &plan, &late, BASE + 2 * H);
    assert_eq!(report.beyond_windows, vec![(0, 2), (1, 1)]);
    assert_eq!((state.len(), report.waiting), (1, 0));
}
