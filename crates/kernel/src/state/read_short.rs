//! How most features are read, derived once for a view: where its counts, sums and staircases are,
//! so that reading a key is a few loads and a subtraction each. It knows logs with a
//! newest row in the header and no events that wait; everything else is read by `read`, and both give the same.

use super::layout::{Layout, Place};
use super::log_row::Shape;
use super::pool::Pool;
use super::read::{RowOf, WINDOWS_INLINE};
use super::top::{self, Line};
use crate::aggregates::extreme::of_ordered;
use crate::aggregates::{or_default, sum};
use crate::blueprint::Aggregate;
use crate::plan::{FeatureCompute, FeaturePlan, Reads, ViewPlan};
use crate::value::{Cell, DataType, Value};

/// Words of the longest row that is read the short way.
pub(crate) const ROW_WORDS_MAX: usize = 128;

/// The row before the first one.
pub(crate) static ZEROS: [u32; ROW_WORDS_MAX] = [0; ROW_WORDS_MAX];

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

/// How the features of a view are read.
pub(crate) fn steps_of(view: &ViewPlan, layout: &Layout) -> Vec<Step> {
    view.features.iter().map(|feature| step_of(feature, layout)).collect()
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

/// One key at one instant.
pub(crate) struct Short<'a> {
    /// By window: the log's row before its start; of [`ZEROS`] for the beginning.
    pub(crate) rows: [RowOf<'a>; WINDOWS_INLINE],
    /// The newest row, as a header holds it.
    pub(crate) total: &'a [u32],
    pub(crate) shape: Shape,
    /// By window: the bucket of its start.
    pub(crate) buckets: [i64; WINDOWS_INLINE],
}

impl Short<'_> {
    #[inline(always)]
    pub(crate) fn count(&self, index: usize, window: usize) -> u64 {
        u64::from(self.total[1 + index] - self.rows[window % WINDOWS_INLINE].words[1 + index])
    }

    #[inline(always)]
    fn sum(&self, index: usize, window: usize) -> i128 {
        let row = self.rows[window % WINDOWS_INLINE];
        let total = get_wide(self.total, 1 + self.shape.counts + 4 * index);
        let before = if row.level == 0 {
            i128::from(get(row.words, 1 + self.shape.counts + 2 * index) as i64) as u128
        } else {
            get_wide(row.words, 1 + self.shape.counts + 4 * index)
        };
        total.wrapping_sub(before) as i128
    }

    #[inline(always)]
    pub(crate) fn read_count(&self, index: usize, window: usize) -> Cell {
        Cell::ok(Value::Int(self.count(index, window) as i64))
    }

    #[inline(always)]
    pub(crate) fn read_sum(
        &self,
        (index, count): (usize, usize),
        window: usize,
        of: SumOf,
        feature: &FeaturePlan,
    ) -> Cell {
        let count = self.count(count, window);
        if count == 0 {
            return or_default(Cell::default(), feature);
        }
        let total = self.sum(index, window);
        if of.mean {
            sum::finish_mean(total, count, of.scale_exponent)
        } else {
            sum::finish_sum(total, count, of.input, of.scale_exponent)
        }
    }

    #[inline(always)]
    pub(crate) fn read_stair(
        &self,
        pool: &Pool,
        line: &Line,
        (window, turn, data_type): (usize, u64, DataType),
        feature: &FeaturePlan,
    ) -> Cell {
        match top::best_from(pool, line, self.buckets[window % WINDOWS_INLINE]) {
            Some(value) => Cell::ok(of_ordered(value ^ turn, data_type)),
            None => or_default(Cell::default(), feature),
        }
    }
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
