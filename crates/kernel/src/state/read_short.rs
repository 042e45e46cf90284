//! How most features are read, derived once for a view: where its counts, sums and staircases are,
//! so that reading a key is a few loads and a subtraction each. It knows logs with a
//! newest row in the header and no events that wait; everything else is read by `read`, and both give the same.

use super::boundaries::Tiles;
use super::header::{self, CLOSED, OPEN_LEVEL};
use super::layout::{Layout, Place};
use super::log::rows_before;
use super::log_row::Shape;
use super::section::SectionState;
use super::stairs::STEP_WORDS;
use super::top;
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
/// Words of the longest row that is read the short way.
const ROW_WORDS_MAX: usize = 128;
/// The row before the first one.
static ZEROS: [u32; ROW_WORDS_MAX] = [0; ROW_WORDS_MAX];

/// Cache lines of a log or a staircase that are asked for at once.
const LINES_AHEAD: usize = 16;

/// How a view is read.
pub(crate) struct Reading {
    /// By feature.
    pub(crate) steps: Vec<Step>,
    /// By window.
    starts: Vec<Start>,
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
        let has_long = steps.iter().any(|step| matches!(step, Step::Long));
        Reading { starts, presence, is_short: !has_long && !has_exact && presence.is_some(), steps }
    }
}

/// How one feature is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Count number i of the log.
    Count { index: usize, window: usize },
    /// Sum and count of the log.
    Sum { sum: usize, count: usize, window: usize, of: SumOf },
    /// Staircase number i.
    Stair { index: usize, window: usize, turn: u64, data_type: DataType },
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
        Reads::One(part) => match (layout.places[part], plan.input_type) {
            (Place::Stair(index), Some(data_type)) => {
                let turn = if plan.aggregate == Aggregate::Max { 0 } else { u64::MAX };
                Step::Stair { index, window, turn, data_type }
            }
            _ => Step::Long,
        },
        Reads::Raw(_) => Step::Long,
    }
}

/// A row of a log, and whether its sums are wide.
#[derive(Clone, Copy)]
struct RowOf<'a> {
    words: &'a [u32],
    is_wide: bool,
}

/// One key at one instant.
pub(crate) struct Short<'a> {
    shape: Shape,
    /// The newest row, as a header holds it.
    total: &'a [u32],
    /// By window: the row before its start.
    rows: [RowOf<'a>; WINDOWS_MAX],
    /// By window: the bucket of its start.
    buckets: [u32; WINDOWS_MAX],
    state: &'a SectionState,
    id: u32,
}

impl<'a> Short<'a> {
    /// `None`: this key is not to be read the short way.
    #[inline(always)]
    pub(crate) fn new(
        state: &'a SectionState,
        reading: &Reading,
        id: u32,
        t: i64,
    ) -> Option<Short<'a>> {
        let header = state.header(id)?;
        let (shape, windows) = (state.shape, reading.starts.len());
        let newest = header::bucket_of(header);
        if newest == CLOSED
            || header::is_waiting(header)
            || windows > WINDOWS_MAX
            || shape.stride(OPEN_LEVEL) > ROW_WORDS_MAX
        {
            return None;
        }
        let head = header::head_of(header);
        let (rows, stride) = (head.rows as usize, shape.stride(head.level));
        let words = state.pool.block(head.at).get(..rows * stride)?;
        bring_near(words);
        for index in 0..state.tops.len() {
            let block = state.top(id, index).map(top::block_of)?;
            bring_near(state.pool.block(block.at).get(..block.steps as usize * STEP_WORDS)?);
        }
        let now = u32::try_from(state.layout.bucket(t)).ok()?;
        let total = header::newest(header, shape);
        let nothing = RowOf { words: &ZEROS, is_wide: true };
        let mut short = Short {
            shape,
            total,
            rows: [nothing; WINDOWS_MAX],
            buckets: [0; WINDOWS_MAX],
            state,
            id,
        };
        // Most windows are longer than the one before, and start earlier.
        let (mut end, mut end_bucket) = (rows, u32::MAX);
        for (window, start) in reading.starts.iter().enumerate() {
            let bucket = start.bucket(state, now, t);
            short.buckets[window] = bucket;
            if bucket > newest {
                short.rows[window] = RowOf { words: total, is_wide: true };
                continue;
            }
            let within = if bucket <= end_bucket { end } else { rows };
            let before = rows_before(words, stride, within, bucket);
            (end, end_bucket) = (before, bucket);
            if let Some(row) = before.checked_sub(1) {
                let words = &words[row * stride..before * stride];
                short.rows[window] = RowOf { words, is_wide: head.level == OPEN_LEVEL };
            }
        }
        Some(short)
    }

    /// Has a window an event that the view keeps? Only where no window is exact.
    #[inline(always)]
    pub(crate) fn found(&self, reading: &Reading) -> bool {
        let Some(index) = reading.presence else { return false };
        (0..reading.starts.len()).any(|window| self.count(index, window) > 0)
    }

    #[inline(always)]
    fn count(&self, index: usize, window: usize) -> u32 {
        self.total[1 + index] - self.rows[window % WINDOWS_MAX].words[1 + index]
    }

    #[inline(always)]
    fn sum(&self, index: usize, window: usize) -> i128 {
        let row = self.rows[window % WINDOWS_MAX];
        let total = get_wide(self.total, 1 + self.shape.counts + 4 * index);
        let before = if row.is_wide {
            get_wide(row.words, 1 + self.shape.counts + 4 * index)
        } else {
            i128::from(get(row.words, 1 + self.shape.counts + 2 * index) as i64) as u128
        };
        total.wrapping_sub(before) as i128
    }

    /// Reads a feature; one that is not read the short way is left as it is.
    #[inline(always)]
    pub(crate) fn read(&self, step: Step, feature: &FeaturePlan, cell: &mut Cell) {
        let value = match step {
            Step::Count { index, window } => Value::Int(i64::from(self.count(index, window))),
            Step::Sum { sum, count, window, of } => match self.count(count, window) {
                0 => feature.default.clone(),
                count if of.mean => {
                    let total = self.sum(sum, window);
                    Value::Float(mean_to_f64(total, count.into(), of.scale_exponent))
                }
                count => {
                    *cell = sum::finish_sum(
                        self.sum(sum, window),
                        count.into(),
                        of.input,
                        of.scale_exponent,
                    );
                    return;
                }
            },
            Step::Stair { index, window, turn, data_type } => {
                let line = self.state.top(self.id, index).expect("a key that is known");
                let bucket = i64::from(self.buckets[window % WINDOWS_MAX]);
                match top::best_from(&self.state.pool, line, bucket) {
                    Some(value) => of_ordered(value ^ turn, data_type),
                    None => feature.default.clone(),
                }
            }
            Step::Long => return,
        };
        *cell = Cell::ok(value);
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
fn get(row: &[u32], at: usize) -> u64 {
    let [low, high] = row[at..at + 2] else { unreachable!("two words") };
    u64::from(low) | u64::from(high) << 32
}

#[inline(always)]
fn get_wide(row: &[u32], at: usize) -> u128 {
    let row = &row[at..at + 4];
    u128::from(get(row, 0)) | u128::from(get(row, 2)) << 64
}
