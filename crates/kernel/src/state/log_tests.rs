//! The log at the edges of its levels: what does not fit is widened, and nothing is lost by it.

use super::*;
use crate::state::boundaries::Boundaries;
use crate::window::Window;

#[derive(Clone, Copy)]
struct Add(u32, i128);

impl Delta for Add {
    fn count(self, _index: usize) -> u32 {
        self.0
    }

    fn sum(self, _index: usize) -> i128 {
        self.1
    }
}

const SHAPE: Shape = Shape { counts: 1, sums: 1 };

/// Adds (bucket, delta) in order; gives the level and the rows.
fn log_of(events: &[(i64, Add)]) -> (u8, Vec<(i64, u64, i128)>) {
    let window = Window::Sliding { width_us: 1 << 59, resolution_us: 1_000_000 };
    let needed = Boundaries::of([&window]).needed(0, 1_000_000);
    let (mut pool, mut head) = (Pool::default(), Head::EMPTY);
    for &(bucket, delta) in events {
        Log { pool: &mut pool, head: &mut head, shape: SHAPE }.add(bucket, delta, &needed);
    }
    let log = Log { pool: &mut pool, head: &mut head, shape: SHAPE };
    let rows = (0..log.rows()).map(|row| {
        let row = Row::of(log.row(row), log.head.level, SHAPE);
        (row.time, row.counts[0], row.sums[0])
    });
    (log.head.level, rows.collect())
}

const MAX: i128 = i64::MAX as i128;
const MIN: i128 = i64::MIN as i128;

#[test]
fn a_sum_at_the_edge_of_64_bits_stays_narrow() {
    let (level, rows) = log_of(&[(5, Add(1, MAX - 1)), (6, Add(1, 1)), (7, Add(1, MIN))]);
    assert_eq!((level, rows), (0, vec![(5, 1, MAX - 1), (6, 2, MAX), (7, 3, -1)]));
}

#[test]
fn a_sum_one_past_the_edge_widens_and_keeps_every_row() {
    let (level, rows) = log_of(&[(5, Add(1, MAX)), (6, Add(1, 1))]);
    assert_eq!((level, rows), (1, vec![(5, 1, MAX), (6, 2, MAX + 1)]));
    let (level, rows) = log_of(&[(5, Add(1, MIN)), (5, Add(1, -1))]);
    assert_eq!((level, rows), (1, vec![(5, 2, MIN - 1)]));
}

#[test]
fn an_event_that_does_not_fit_64_bits_widens() {
    let (level, rows) = log_of(&[(5, Add(1, MAX + 1)), (5, Add(1, -MAX))]);
    assert_eq!((level, rows), (1, vec![(5, 2, 1)]));
}

#[test]
fn a_late_event_that_overflows_a_later_row_is_added_once() {
    let events = [(5, Add(1, 1)), (7, Add(1, 2)), (9, Add(1, MAX - 4)), (6, Add(1, 2))];
    let (level, rows) = log_of(&events);
    let expected = vec![(5, 1, 1), (6, 2, 3), (7, 3, 5), (9, 4, MAX + 1)];
    assert_eq!((level, rows), (1, expected));
}

#[test]
fn a_count_at_the_edge_of_32_bits_widens_one_past_it() {
    let (level, rows) = log_of(&[(5, Add(u32::MAX - 1, 0)), (6, Add(1, 0))]);
    assert_eq!((level, rows.last()), (0, Some(&(6, u64::from(u32::MAX), 0))));
    let (level, rows) = log_of(&[(5, Add(u32::MAX, 7)), (6, Add(1, 0))]);
    assert_eq!(level, 2);
    let past = u64::from(u32::MAX) + 1;
    assert_eq!(rows, vec![(5, u64::from(u32::MAX), 7), (6, past, 7)]);
}

#[test]
fn a_late_event_that_overflows_a_count_is_added_once() {
    let wide = MAX + 1;
    let events = [(5, Add(1, wide)), (7, Add(u32::MAX - 1, 0)), (5, Add(1, 3))];
    let (level, rows) = log_of(&events);
    let past = u64::from(u32::MAX) + 1;
    assert_eq!((level, rows), (2, vec![(5, 2, wide + 3), (7, past, wide + 3)]));
}

#[test]
fn a_bucket_past_32_bits_widens() {
    let edge = i64::from(u32::MAX);
    assert_eq!(log_of(&[(edge, Add(1, 0))]).0, 0);
    let (level, rows) = log_of(&[(edge, Add(1, 1)), (edge + 1, Add(1, 1))]);
    assert_eq!((level, rows), (2, vec![(edge, 1, 1), (edge + 1, 2, 2)]));
}
