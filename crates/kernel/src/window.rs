//! Windows: which event times a feature covers at a time `t`.
//!
//! All arithmetic is on UTC microseconds; boundaries are multiples of the resolution since 1970.

use serde::{Deserialize, Serialize};

/// One second in microseconds.
pub const SECOND_US: i64 = 1_000_000;

/// The ladder of resolutions, microseconds; each step divides the next.
pub const LADDER_US: [i64; 12] = [
    SECOND_US,
    5 * SECOND_US,
    10 * SECOND_US,
    30 * SECOND_US,
    60 * SECOND_US,
    300 * SECOND_US,
    600 * SECOND_US,
    1_800 * SECOND_US,
    3_600 * SECOND_US,
    10_800 * SECOND_US,
    43_200 * SECOND_US,
    86_400 * SECOND_US,
];

/// A window of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Window {
    /// `[floor((t - width)/resolution)*resolution, t)`.
    Sliding {
        /// Length, microseconds.
        width_us: i64,
        /// Step of the ladder, microseconds.
        resolution_us: i64,
    },
    /// `[t - width, t)`.
    Exact {
        /// Length, microseconds.
        width_us: i64,
    },
    /// `(-inf, t)`.
    Lifetime,
}

impl Window {
    /// The first instant covered at `t` when the upper end is exclusive; `i64::MIN` for lifetime.
    ///
    /// With `include_current` an exact window is `(t - width, t]`, so its first instant is one
    /// microsecond later; a sliding one keeps its lower end.
    pub fn start(self, t: i64, include_current: bool) -> i64 {
        match self {
            Window::Sliding { width_us, resolution_us } => {
                (t - width_us).div_euclid(resolution_us) * resolution_us
            }
            Window::Exact { width_us } => t - width_us + i64::from(include_current),
            Window::Lifetime => i64::MIN,
        }
    }
}

impl Window {
    /// Does state thinned for this window have every boundary that the other one asks for?
    pub fn has_boundaries_of(self, other: Window) -> bool {
        let steps = match (self, other) {
            (
                Window::Sliding { resolution_us, .. },
                Window::Sliding { resolution_us: other, .. },
            ) => other % resolution_us == 0,
            (Window::Lifetime, Window::Lifetime) => true,
            (Window::Exact { .. }, Window::Exact { .. }) => true,
            _ => false,
        };
        steps && self.reaches_as_far_as(other)
    }

    /// Does this window start no later than the other one, whenever they are asked?
    pub fn reaches_as_far_as(self, other: Window) -> bool {
        let size = |window| match window {
            Window::Sliding { width_us, resolution_us } => Some((width_us, resolution_us)),
            Window::Exact { width_us } => Some((width_us, 1)),
            Window::Lifetime => None,
        };
        match (size(self), size(other)) {
            (None, _) => true,
            (_, None) => false,
            (Some((width, step)), Some((other_width, other_step))) => {
                // A window is longer than its width by less than its step.
                (width >= other_width && step % other_step == 0)
                    || width >= other_width + other_step
            }
        }
    }
}

/// The first instant after the window: `t`, or `t + 1` when the view includes the current instant.
pub fn end(t: i64, include_current: bool) -> i64 {
    t + i64::from(include_current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_as_far_never_starts_later() {
        let sliding = |width_us, resolution_us| Window::Sliding { width_us, resolution_us };
        let windows = [
            sliding(60, 5),
            sliding(60, 30),
            sliding(64, 5),
            sliding(65, 5),
            sliding(90, 2),
            Window::Exact { width_us: 60 },
            Window::Exact { width_us: 90 },
            Window::Lifetime,
        ];
        for window in windows {
            for other in windows {
                let never_later = [false, true].iter().all(|&current| {
                    (1_000..1_300).all(|t| window.start(t, current) <= other.start(t, current))
                });
                let told = window.reaches_as_far_as(other);
                assert!(never_later || !told, "{window:?} {other:?}");
            }
        }
        assert!(sliding(60, 30).reaches_as_far_as(sliding(60, 5)));
        assert!(!sliding(60, 5).reaches_as_far_as(sliding(60, 30)));
        assert!(sliding(65, 5).reaches_as_far_as(sliding(60, 5)));
        assert!(Window::Lifetime.reaches_as_far_as(sliding(65, 5)));
    }

    #[test]
    fn boundaries_are_had_where_the_step_divides_and_the_reach_suffices() {
        let sliding = |width_us, resolution_us| Window::Sliding { width_us, resolution_us };
        assert!(sliding(90, 5).has_boundaries_of(sliding(60, 30)));
        assert!(!sliding(60, 5).has_boundaries_of(sliding(60, 30)), "30 reaches further back");
        assert!(!sliding(90, 30).has_boundaries_of(sliding(60, 5)));
        assert!(!Window::Lifetime.has_boundaries_of(sliding(60, 5)));
        assert!(!sliding(60, 5).has_boundaries_of(Window::Lifetime));
        assert!(Window::Exact { width_us: 9 }.has_boundaries_of(Window::Exact { width_us: 8 }));
        assert!(!Window::Exact { width_us: 7 }.has_boundaries_of(Window::Exact { width_us: 8 }));
    }
}
