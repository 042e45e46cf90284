//! The log at the edges of its levels: what does not fit is widened, and nothing is lost by it.

use super::*;
use crate::aggregates::extreme::ordered_i64;
use crate::state::batch::CHUNK;
use crate::state::boundaries::Boundaries;
use crate::window::{SECOND_US, Window};

#[derive(Clone, Copy)]
struct Add(u32, i128);

impl Delta for Add {
    fn count(self, _index: usize) -> u32 {
        self.0
    }

    fn sum(self, _index: usize) -> i128 {
        self.1
    }

    fn extreme(self, _index: usize) -> u64 {
        0
    }
}

const SHAPE: Shape = Shape { counts: 1, sums: 1, extremes: 0 };

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

/// Of a log behind a header: the greatest summand of each row beside count and sum.
const HELD: Shape = Shape { extremes: 1, ..SHAPE };

/// A log behind a header: events go the way of the fold.
struct Held {
    pool: Pool,
    header: Vec<u32>,
    needed: Needed,
}

impl Held {
    fn new() -> Held {
        let window = Window::Sliding { width_us: 1 << 59, resolution_us: 1_000_000 };
        Held::with(Boundaries::of([&window]).needed(0, 1_000_000))
    }

    fn with(needed: Needed) -> Held {
        let mut header = vec![0; header::header_words(HELD)];
        header::clear(&mut header);
        Held { pool: Pool::default(), header, needed }
    }

    fn add(&mut self, bucket: i64, sum: i64) {
        let extremes = [[ordered_i64(sum); CHUNK]];
        let add = Prepared { counts: &[1], sums: &[[sum; CHUNK]], extremes: &extremes, bit: 0 };
        let narrow = u32::try_from(bucket).unwrap_or(CLOSED);
        if !add_newest(&mut self.pool, &mut self.header, HELD, narrow, add) {
            add_slowly(&mut self.pool, &mut self.header, HELD, bucket, add, &self.needed);
        }
    }

    fn set_count(&mut self, count: u32) {
        header::newest_mut(&mut self.header, HELD)[1] = count;
    }

    /// The level, and (bucket, count, sum) of all rows.
    fn rows(&mut self) -> (u8, Vec<(i64, u64, i128)>) {
        let (level, rows) = self.whole_rows();
        (level, rows.iter().map(|row| (row.time, row.counts[0], row.sums[0])).collect())
    }

    fn whole_rows(&mut self) -> (u8, Vec<Row>) {
        settled(&mut self.pool, &mut self.header, HELD, |log| {
            let row = |row| Row::of(log.row(row), log.head.level, HELD);
            (log.head.level, (0..log.rows()).map(row).collect())
        })
    }
}

#[test]
fn a_newest_row_wider_than_its_block_widens_it_when_it_moves_there() {
    let mut held = Held::new();
    for (bucket, sum) in [(5, 1), (6, i64::MAX - 1), (7, 1), (8, 0)] {
        held.add(bucket, sum);
    }
    let rows = vec![(5, 1, 1), (6, 2, MAX), (7, 3, MAX + 1), (8, 4, MAX + 1)];
    assert_eq!(held.rows(), (1, rows));
    let mut held = Held::new();
    for (bucket, sum) in [(5, i64::MIN), (6, -1), (6, -1), (9, 7)] {
        held.add(bucket, sum);
    }
    assert_eq!(held.rows(), (1, vec![(5, 1, MIN), (6, 3, MIN - 2), (9, 4, MIN + 5)]));
}

#[test]
fn a_newest_row_counts_on_where_it_stops_counting_fast() {
    for edge in [1u32 << 31, u32::MAX] {
        let mut held = Held::new();
        held.add(5, 1);
        held.set_count(edge - 2);
        for bucket in [5, 5, 5, 6, 6] {
            held.add(bucket, 1);
        }
        let edge = u64::from(edge);
        assert_eq!(held.rows().1, vec![(5, edge + 1, 4), (6, edge + 3, 6)]);
    }
}

#[test]
fn buckets_at_the_edge_of_32_bits_are_held_in_order() {
    let edge = i64::from(u32::MAX);
    let mut held = Held::new();
    for bucket in [edge - 1, edge, edge + 1, edge, edge - 1, edge + 1] {
        held.add(bucket, 1);
    }
    assert_eq!(held.rows().1, vec![(edge - 1, 2, 2), (edge, 4, 4), (edge + 1, 6, 6)]);
}

#[test]
fn what_is_held_is_what_was_added_in_any_order() {
    let mut state = 3u64;
    for round in 0..200 {
        let (mut held, mut model) = (Held::new(), std::collections::BTreeMap::new());
        for step in 0..(round % 90) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let late = if state >> 60 == 0 { (state >> 20) as i64 % 9 } else { 0 };
            let (bucket, sum) = (100 + step / 3 - late, (state >> 40) as i64 - 1000);
            held.add(bucket, sum);
            *model.entry(bucket).or_insert((0u64, 0i128)) = model
                .get(&bucket)
                .map_or((1, sum.into()), |&(n, total)| (n + 1, total + sum as i128));
        }
        let (mut count, mut total) = (0, 0);
        let expected = model.into_iter().map(|(bucket, (n, sum))| {
            (count, total) = (count + n, total + sum);
            (bucket, count, total)
        });
        let expected: Vec<_> = expected.collect();
        assert_eq!(held.rows().1, expected);
    }
}

#[test]
fn every_needed_boundary_has_the_extreme_of_what_came_after_it() {
    let steps = [(1, 40), (5, 100), (25, 300)];
    let windows = steps.map(|(resolution, width)| Window::Sliding {
        width_us: width * SECOND_US,
        resolution_us: resolution * SECOND_US,
    });
    let boundaries = Boundaries::of(&windows);
    let mut state = 11u64;
    for round in 0..60i64 {
        let mut held = Held::with(boundaries.needed(1000 * SECOND_US, SECOND_US));
        let mut events: Vec<(i64, i64)> = Vec::new();
        for step in 0..400 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let late = if state >> 61 == 0 { (state >> 20) as i64 % 90 } else { 0 };
            let noise = (state >> 33) as i64 % 40 - 20;
            // Falling, rising or anything; every third round so wide that the log is widened.
            let value = [noise, noise - step * 3, noise + step][round as usize % 3];
            let value = if round % 3 == 1 { value << 52 } else { value };
            let bucket = 1000 + step * (1 + round % 4) - late;
            held.needed = boundaries.needed((bucket + late) * SECOND_US, SECOND_US);
            held.add(bucket, value);
            events.push((bucket, value));
        }
        let newest = events.iter().map(|event| event.0).max().unwrap();
        let needed = held.needed.clone();
        settled(&mut held.pool, &mut held.header, HELD, |log| log.thin(&needed));
        let (_, rows) = held.whole_rows();
        let pairs = rows.windows(2);
        let is_needed = |pair: &[Row]| needed.in_range(pair[0].time, pair[1].time);
        assert!(pairs.clone().all(is_needed), "round {round}: a row that answers nothing");
        for boundary in 0..=newest {
            if !needed.in_range(boundary - 1, boundary) {
                continue;
            }
            let after = events.iter().filter(|event| event.0 >= boundary);
            let expected = after.map(|event| ordered_i64(event.1)).max();
            let after = rows.iter().filter(|row| row.time >= boundary);
            let best = after.map(|row| row.extremes[0]).max();
            assert_eq!(best, expected, "round {round}, from {boundary}");
        }
    }
}
