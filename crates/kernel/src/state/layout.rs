//! Where each part of a section lives in a key's state, derived once from the plan: counts, sums
//! and numeric extremes in the shared log, everything else in columns of its own.

use super::boundaries::{Boundaries, Needed};
use super::header::CLOSED;
use crate::plan::{Family, Plan, Section};
use crate::value::DataType;

/// Place of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Count number i of the log.
    Count(usize),
    /// Sum number i of the log.
    Sum(usize),
    /// Extreme number i of the log.
    Extreme(usize),
    /// Column number i.
    Column(usize),
}

/// An extreme of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extreme {
    pub(crate) part: usize,
    /// Does the greatest or the least value count?
    pub(crate) greatest: bool,
    /// The number of the log's count that tells whether there is a value.
    pub(crate) count: usize,
}

/// The layout of a section.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// Length of a bucket, microseconds; 0: all time is one bucket (no sliding window).
    pub(crate) unit_us: i64,
    /// By part.
    pub(crate) places: Vec<Place>,
    /// Parts of the counts of the log.
    pub(crate) counts: Vec<usize>,
    /// Parts of the sums of the log.
    pub(crate) sums: Vec<usize>,
    pub(crate) extremes: Vec<Extreme>,
    /// Parts of the columns.
    pub(crate) columns: Vec<usize>,
    log_boundaries: Boundaries,
    part_boundaries: Vec<Boundaries>,
    /// (view, its reach) of every view of the section.
    views: Vec<usize>,
}

/// What the sealed instant still needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    /// Boundaries of the log, in buckets.
    pub(crate) log: Needed,
    /// Boundaries of each part: in buckets, of `First` in microseconds.
    pub(crate) parts: Vec<Needed>,
    /// First instant that a part can still be asked for.
    pub(crate) part_starts: Vec<i64>,
    /// (view, first instant that any of its windows can reach).
    pub(crate) view_starts: Vec<(usize, i64)>,
    /// The least of the view starts: before it no view takes an event.
    pub(crate) start: i64,
    /// The greatest of the view starts: from it on every view takes an event.
    pub(crate) start_of_all: i64,
}

impl Layout {
    pub(crate) fn of(section: &Section) -> Layout {
        let windows = section.parts.iter().flat_map(|part| &part.windows);
        let unit_us = Boundaries::of(windows).finest_us().unwrap_or(0);
        let mut layout = Layout {
            unit_us,
            places: Vec::new(),
            counts: Vec::new(),
            sums: Vec::new(),
            extremes: Vec::new(),
            columns: Vec::new(),
            log_boundaries: Boundaries::default(),
            part_boundaries: section.parts.iter().map(|p| Boundaries::of(&p.windows)).collect(),
            views: section.views.clone(),
        };
        let mut log_windows = Vec::new();
        for (index, part) in section.parts.iter().enumerate() {
            let text = part.input.is_some_and(|i| section.inputs[i].data_type == DataType::Str);
            let place = match part.family {
                Family::Count => {
                    layout.counts.push(index);
                    Place::Count(layout.counts.len() - 1)
                }
                Family::Sum => {
                    layout.sums.push(index);
                    Place::Sum(layout.sums.len() - 1)
                }
                Family::Min | Family::Max if !text => {
                    let greatest = part.family == Family::Max;
                    layout.extremes.push(Extreme { part: index, greatest, count: usize::MAX });
                    Place::Extreme(layout.extremes.len() - 1)
                }
                _ => {
                    layout.columns.push(index);
                    Place::Column(layout.columns.len() - 1)
                }
            };
            if !matches!(place, Place::Column(_)) {
                log_windows.extend(&part.windows);
            }
            layout.places.push(place);
        }
        for extreme in &mut layout.extremes {
            let count = section.parts[extreme.part].count.map(|count| layout.places[count]);
            let Some(Place::Count(count)) = count else {
                unreachable!("the plan counts the inputs of a numeric extreme")
            };
            extreme.count = count;
        }
        layout.log_boundaries = Boundaries::of(log_windows);
        layout
    }

    /// The bucket of an instant.
    #[inline]
    pub(crate) fn bucket(&self, time: i64) -> i64 {
        if self.unit_us == 0 { 0 } else { time.div_euclid(self.unit_us) }
    }

    /// Buckets of instants in 32 bits; [`CLOSED`] where one does not fit.
    pub(crate) fn narrow_buckets(&self, times: &[i64], out: &mut [u32]) {
        let unit = self.unit_us.unsigned_abs();
        let Some(reciprocal) = u64::MAX.checked_div(unit) else {
            out.fill(0);
            return;
        };
        for (&time, out) in times.iter().zip(out) {
            // Below the quotient by one at most, since an instant is below 2^63.
            let least = ((u128::from(time as u64) * u128::from(reciprocal)) >> 64) as u64;
            let bucket = least + u64::from(time as u64 - least.wrapping_mul(unit) >= unit);
            *out = if time < 0 { CLOSED } else { u32::try_from(bucket).unwrap_or(CLOSED) };
        }
    }

    /// The bucket at which a window starts (a boundary, or the beginning of time).
    #[inline]
    pub(crate) fn bucket_of_start(&self, start: i64) -> i64 {
        if start == i64::MIN || self.unit_us == 0 {
            i64::MIN
        } else {
            start.div_euclid(self.unit_us)
        }
    }

    /// What is needed from `sealed_at` on.
    pub(crate) fn reach(&self, plan: &Plan, section: &Section, sealed_at: i64) -> Reach {
        let sealed_at = sealed_at.max(0);
        let unit_us = self.unit_us.max(1);
        let part_needed = |(part, boundaries): (&crate::plan::Part, &Boundaries)| {
            let unit_us = if part.family == Family::First { 1 } else { unit_us };
            boundaries.needed(sealed_at, unit_us)
        };
        // The earlier start of the two: `include_current` may move an exact one by 1 us.
        let start = |part: &crate::plan::Part| {
            let starts = part.windows.iter().map(|window| window.start(sealed_at, false));
            starts.min().unwrap_or(i64::MAX)
        };
        let view_starts: Vec<(usize, i64)> = self
            .views
            .iter()
            .map(|&view| (view, plan.views[view].reach_start(sealed_at)))
            .collect();
        let starts = || view_starts.iter().map(|view| view.1);
        Reach {
            log: self.log_boundaries.needed(sealed_at, unit_us),
            parts: section.parts.iter().zip(&self.part_boundaries).map(part_needed).collect(),
            part_starts: section.parts.iter().map(start).collect(),
            start: starts().min().unwrap_or(i64::MAX),
            start_of_all: starts().max().unwrap_or(i64::MAX),
            view_starts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_buckets_are_quotients_or_closed() {
        let mut state = 3u64;
        for unit_us in [0, 1, 2, 3, 1_000_000, 60_000_000, 86_400_000_000, i64::MAX] {
            let layout = Layout { unit_us, ..Layout::default() };
            let mut times = vec![0, 1, unit_us, unit_us.saturating_sub(1), i64::MAX, -1, i64::MIN];
            for _ in 0..2_000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let time = (state >> (state % 50)) as i64;
                times.extend([time, time - time.checked_rem(unit_us).unwrap_or(0)]);
            }
            let mut buckets = vec![0; times.len()];
            layout.narrow_buckets(&times, &mut buckets);
            for (&time, &bucket) in times.iter().zip(&buckets) {
                let whole = u32::try_from(layout.bucket(time)).unwrap_or(CLOSED);
                assert_eq!(bucket, whole, "{time} by {unit_us}");
            }
        }
    }
}
