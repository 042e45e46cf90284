//! Where each part of a section lives in a key's state, derived once from the plan: counts and sums
//! in the shared log, numeric extremes in flat staircases, everything else in columns of its own.

use super::boundaries::{Boundaries, Needed};
use crate::plan::{Family, Plan, Section};
use crate::value::DataType;

/// Place of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Count number i of the log.
    Count(usize),
    /// Sum number i of the log.
    Sum(usize),
    /// Staircase number i.
    Stair(usize),
    /// Column number i.
    Column(usize),
}

/// A staircase: which part, and does the greatest or the least value count?
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stair {
    pub(crate) part: usize,
    pub(crate) greatest: bool,
}

/// The layout of a section.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Length of a bucket, microseconds; 0: all time is one bucket (no sliding window).
    pub(crate) unit_us: i64,
    /// By part.
    pub(crate) places: Vec<Place>,
    /// Parts of the counts of the log.
    pub(crate) counts: Vec<usize>,
    /// Parts of the sums of the log.
    pub(crate) sums: Vec<usize>,
    pub(crate) stairs: Vec<Stair>,
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
            stairs: Vec::new(),
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
                    layout.stairs.push(Stair { part: index, greatest });
                    Place::Stair(layout.stairs.len() - 1)
                }
                _ => {
                    layout.columns.push(index);
                    Place::Column(layout.columns.len() - 1)
                }
            };
            if matches!(place, Place::Count(_) | Place::Sum(_)) {
                log_windows.extend(&part.windows);
            }
            layout.places.push(place);
        }
        layout.log_boundaries = Boundaries::of(log_windows);
        layout
    }

    /// The bucket of an instant.
    #[inline]
    pub(crate) fn bucket(&self, time: i64) -> i64 {
        if self.unit_us == 0 { 0 } else { time.div_euclid(self.unit_us) }
    }

    /// [`Layout::bucket`] with a memory of the last one: (its first instant, its number). Events
    /// come nearly in order, and a 64-bit division is dear.
    #[inline]
    pub(crate) fn bucket_near(&self, last: &mut (i64, i64), time: i64) -> i64 {
        if (time.wrapping_sub(last.0) as u64) < self.unit_us as u64 {
            return last.1;
        }
        let bucket = self.bucket(time);
        *last = (bucket * self.unit_us, bucket);
        bucket
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
