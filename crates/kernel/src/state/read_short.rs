//! How most features are read, derived once for a view: where its counts, sums and extremes are, so
//! that reading a key is a few loads and a subtraction each. It knows logs with a newest row in
//! the header and no events that wait; everything else is read by `read`, and both give the same.

use super::boundaries::Tiles;
use super::header::{self, CLOSED, OPEN_LEVEL};
use super::layout::{Layout, Place};
use super::log::{best_of, rows_before};
use super::log_row::{Shape, row_extreme};
use super::section::SectionState;
use super::words::LINE_WORDS;
use crate::aggregates::extreme::of_ordered;
use crate::aggregates::sum;
use crate::blueprint::Aggregate;
use crate::fixed::mean_to_f64;
use crate::plan::{FeatureCompute, FeaturePlan, Reads, ViewPlan};
use crate::prefetch::prefetch;
use crate::value::{Cell, DataType, Value};
use crate::window::Window;

/// Windows of a view that is read the short way.
const WINDOWS_MAX: usize = 8;
/// Counts of all its windows; half as many sums and extremes.
const NUMBERS_MAX: usize = 32;
/// The row before the first one.
static ZEROS: [u32; 1 + 3 * NUMBERS_MAX] = [0; 1 + 3 * NUMBERS_MAX];

/// Cache lines of a log that are asked for at once.
const LINES_AHEAD: usize = 16;

/// How a view is read.
pub(crate) struct Reading {
    /// By feature.
    pub(crate) steps: Vec<Step>,
    /// By window.
    starts: Vec<Start>,
    /// May the view be read the short way at all?
    fits: bool,
    /// The count that tells whether a window has an event, where the log has it.
    presence: Option<usize>,
    /// Are all features, and what was found, read the short way?
    pub(crate) is_short: bool,
}

/// How the bucket at which a window starts is found.
#[derive(Clone, Copy, Debug)]
enum Start {
    Lifetime,
    /// Rows do not tell.
    Exact,
    /// The width in buckets, and the resolution.
    Whole {
        width: u32,
        tiles: Tiles,
    },
    /// A width that is no whole number of buckets, microseconds.
    Part {
        width_us: i64,
        tiles: Tiles,
    },
}

impl Reading {
    pub(crate) fn of(view: &ViewPlan, layout: &Layout) -> Reading {
        let steps: Vec<Step> =
            view.features.iter().map(|feature| step_of(feature, layout)).collect();
        let start = |window: &Window| match *window {
            Window::Sliding { width_us, resolution_us } => {
                let tiles = Tiles::of((resolution_us / layout.unit_us) as u32);
                match u32::try_from(width_us / layout.unit_us) {
                    Ok(width) if width_us % layout.unit_us == 0 => Start::Whole { width, tiles },
                    _ => Start::Part { width_us, tiles },
                }
            }
            Window::Lifetime => Start::Lifetime,
            Window::Exact { .. } => Start::Exact,
        };
        let presence = view.presence.count.and_then(|part| match layout.places[part] {
            Place::Count(index) => Some(index),
            _ => None,
        });
        let starts: Vec<Start> = view.windows.iter().map(start).collect();
        let has_exact = starts.iter().any(|start| matches!(start, Start::Exact));
        let fits = starts.len() <= WINDOWS_MAX
            && starts.len() * layout.counts.len() <= NUMBERS_MAX
            && starts.len() * layout.sums.len() <= NUMBERS_MAX / 2
            && starts.len() * layout.extremes.len() <= NUMBERS_MAX / 2;
        let has_long = steps.iter().any(|step| matches!(step, Step::Long));
        let is_short = !has_long && !has_exact && presence.is_some();
        Reading { steps, starts, fits, presence, is_short }
    }
}

/// How one feature is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Count number i of the log.
    Count { index: usize, window: usize },
    /// Sum and count of the log.
    Sum { sum: usize, count: usize, window: usize, of: SumOf },
    /// Extreme and count of the log.
    Extreme { index: usize, count: usize, window: usize, turn: u64, data_type: DataType },
    /// Not the short way.
    Long,
}

/// What is made of a sum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SumOf {
    mean: bool,
    input: Option<DataType>,
    scale_exponent: i32,
}

fn step_of(feature: &FeaturePlan, layout: &Layout) -> Step {
    let FeatureCompute::Aggregate(plan) = &feature.compute else { return Step::Long };
    let window = plan.window;
    match plan.reads {
        Reads::Count(part) => match layout.places[part] {
            Place::Count(index) => Step::Count { index, window },
            _ => Step::Long,
        },
        Reads::Sum { sum, count } => match (layout.places[sum], layout.places[count]) {
            (Place::Sum(sum), Place::Count(count)) => {
                let mean = plan.aggregate == Aggregate::Mean;
                let (input, scale_exponent) = (plan.input_type, plan.scale_exponent);
                Step::Sum { sum, count, window, of: SumOf { mean, input, scale_exponent } }
            }
            _ => Step::Long,
        },
        Reads::Extreme { extreme, count } => {
            match (layout.places[extreme], layout.places[count], plan.input_type) {
                (Place::Extreme(index), Place::Count(count), Some(data_type)) => {
                    let turn = if plan.aggregate == Aggregate::Max { 0 } else { u64::MAX };
                    Step::Extreme { index, count, window, turn, data_type }
                }
                _ => Step::Long,
            }
        }
        Reads::One(_) | Reads::Raw(_) => Step::Long,
    }
}

/// One key at one instant: what happened in each window, from the difference of two rows.
pub(crate) struct Short<'a> {
    /// Counts of each window, side by side; as the log's.
    counts: [u32; NUMBERS_MAX],
    /// Sums of each window, side by side; as the log's.
    sums: [i128; NUMBERS_MAX / 2],
    /// Extremes of each window, side by side; as the log's.
    extremes: [u64; NUMBERS_MAX / 2],
    shape: Shape,
    state: &'a SectionState,
    id: u32,
}

impl<'a> Short<'a> {
    /// A key of which nothing is known yet.
    #[inline(always)]
    pub(crate) fn new(state: &'a SectionState, id: u32) -> Short<'a> {
        let (counts, sums) = ([0; NUMBERS_MAX], [0; NUMBERS_MAX / 2]);
        Short { counts, sums, extremes: [0; NUMBERS_MAX / 2], shape: state.shape, state, id }
    }

    /// Looks at the key at `t`. `None`: it is not to be read the short way.
    #[inline(always)]
    pub(crate) fn look(&mut self, reading: &Reading, t: i64) -> Option<()> {
        let (state, id) = (self.state, self.id);
        let header = state.header(id)?;
        let newest = header::bucket_of(header);
        if newest == CLOSED || header::is_waiting(header) || !reading.fits {
            return None;
        }
        let (shape, head) = (state.shape, header::head_of(header));
        let (rows, stride) = (head.rows as usize, shape.stride(head.level));
        let words = state.pool.block(head.at).get(..rows * stride)?;
        bring_near(words);
        let now = u32::try_from(state.layout.bucket(t)).ok()?;
        let total = header::newest(header, shape);
        // Most windows are longer than the one before, and start earlier: what that has they have.
        let (mut end, mut end_bucket, mut former) = (rows, u32::MAX, None);
        for (window, start) in reading.starts.iter().enumerate() {
            let bucket = start.bucket(state, now, t);
            if bucket > newest {
                continue;
            }
            if bucket > end_bucket {
                (end, former) = (rows, None);
            }
            let first = rows_before(words, stride, end, bucket);
            let new = &words[first * stride..end * stride];
            self.take_extremes(window, former, total, (new, head.level));
            (end, end_bucket, former) = (first, bucket, Some(window));
            match end.checked_sub(1) {
                None => self.take(window, total, &ZEROS, OPEN_LEVEL),
                Some(row) => self.take(window, total, &words[row * stride..], head.level),
            }
        }
        Some(())
    }

    /// Takes what happened after a row, up to the last one.
    #[inline(always)]
    fn take(&mut self, window: usize, total: &[u32], before: &[u32], level: u8) {
        let Shape { counts, sums, .. } = self.shape;
        let to = &mut self.counts[window * counts..(window + 1) * counts];
        for (to, (total, before)) in to.iter_mut().zip(total[1..].iter().zip(&before[1..])) {
            *to = total - before;
        }
        let total = total[1 + counts..].as_chunks::<4>().0;
        let to = self.sums[window * sums..(window + 1) * sums].iter_mut().zip(total);
        if level == OPEN_LEVEL {
            let before = before[1 + counts..].as_chunks::<4>().0;
            to.zip(before).for_each(|((to, total), before)| {
                *to = wide(total).wrapping_sub(wide(before)) as i128;
            });
        } else {
            let before = before[1 + counts..].as_chunks::<2>().0;
            to.zip(before).for_each(|((to, total), before)| {
                *to = wide(total).wrapping_sub(i128::from(narrow(before)) as u128) as i128;
            });
        }
    }

    /// Takes the extremes of rows, and of those that the former window has, or else the last row's.
    #[inline(always)]
    fn take_extremes(
        &mut self,
        window: usize,
        former: Option<usize>,
        total: &[u32],
        (rows, level): (&[u32], u8),
    ) {
        let (shape, extremes) = (self.shape, self.shape.extremes);
        for index in 0..extremes {
            let known = match former {
                Some(former) => self.extremes[former * extremes + index],
                None => row_extreme(total, OPEN_LEVEL, shape, index),
            };
            self.extremes[window * extremes + index] =
                known.max(best_of(rows, level, shape, index));
        }
    }

    /// Has a window an event that the view keeps? Only where no window is exact.
    #[inline(always)]
    pub(crate) fn found(&self, reading: &Reading) -> bool {
        let Some(index) = reading.presence else { return false };
        (0..reading.starts.len()).any(|window| self.count(index, window) > 0)
    }

    #[inline(always)]
    fn count(&self, index: usize, window: usize) -> u32 {
        self.counts[(window * self.shape.counts + index) % NUMBERS_MAX]
    }

    /// Reads a feature; one that is not read the short way is left as it is.
    #[inline(always)]
    pub(crate) fn read(&self, step: &Step, feature: &FeaturePlan, cell: &mut Cell) {
        match *step {
            Step::Count { index, window } => {
                *cell = Cell::ok(Value::Int(i64::from(self.count(index, window))));
            }
            Step::Sum { sum, count, window, of } => {
                let count = u64::from(self.count(count, window));
                let total = self.sums[(window * self.shape.sums + sum) % (NUMBERS_MAX / 2)];
                if count == 0 {
                    *cell = Cell::ok(feature.default.clone());
                } else if of.mean {
                    let mean = mean_to_f64(total, count, of.scale_exponent);
                    *cell = Cell::ok(Value::Float(mean));
                } else {
                    *cell = sum::finish_sum(total, count, of.input, of.scale_exponent);
                }
            }
            Step::Extreme { index, count, window, turn, data_type } => {
                let best =
                    self.extremes[(window * self.shape.extremes + index) % (NUMBERS_MAX / 2)];
                *cell = Cell::ok(match self.count(count, window) {
                    0 => feature.default.clone(),
                    _ => of_ordered(best ^ turn, data_type),
                });
            }
            Step::Long => {}
        }
    }
}

impl Start {
    /// The first bucket of the window at `t`, which lies in bucket `now`.
    #[inline(always)]
    fn bucket(self, state: &SectionState, now: u32, t: i64) -> u32 {
        match self {
            Start::Lifetime | Start::Exact => 0,
            Start::Whole { width, tiles } => tiles.floor(now.saturating_sub(width)),
            // Nothing is before 1970.
            Start::Part { width_us, tiles } => {
                tiles.floor(state.layout.bucket(t - width_us).max(0) as u32)
            }
        }
    }
}

/// Starts loading the words of a block: all of a short one, of a long one the newest.
#[inline(always)]
fn bring_near(words: &[u32]) {
    let from = words.len().saturating_sub(LINES_AHEAD * LINE_WORDS);
    (from..words.len()).step_by(LINE_WORDS).for_each(|at| prefetch(words, at));
}

#[inline(always)]
fn narrow(&[low, high]: &[u32; 2]) -> i64 {
    (u64::from(low) | u64::from(high) << 32) as i64
}

#[inline(always)]
fn wide(&[a, b, c, d]: &[u32; 4]) -> u128 {
    u128::from(narrow(&[a, b]) as u64) | u128::from(narrow(&[c, d]) as u64) << 64
}
