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

/// The first instant after the window: `t`, or `t + 1` when the view includes the current instant.
pub fn end(t: i64, include_current: bool) -> i64 {
    t + i64::from(include_current)
}
