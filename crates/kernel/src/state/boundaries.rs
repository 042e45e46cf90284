//! Which window boundaries can still be asked for at or after the sealed instant. Thinning keeps
//! what these need and drops the rest; every rule of ageing goes through [`Needed::in_range`].
//!
//! State cut between instants a and b answers the boundaries in `(a, b]`: the *successor* decides.

use crate::window::Window;

/// The windows of a part, as thinning sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boundaries {
    /// (resolution, greatest width at that resolution), microseconds.
    steps: Vec<(i64, i64)>,
    /// Is everything from the beginning needed?
    lifetime: bool,
}

impl Boundaries {
    /// Of all aligned windows among these.
    pub fn of<'a>(windows: impl IntoIterator<Item = &'a Window>) -> Boundaries {
        let mut boundaries = Boundaries::default();
        for window in windows {
            match *window {
                Window::Sliding { width_us, resolution_us } => {
                    match boundaries.steps.iter_mut().find(|step| step.0 == resolution_us) {
                        Some(step) => step.1 = step.1.max(width_us),
                        None => boundaries.steps.push((resolution_us, width_us)),
                    }
                }
                Window::Lifetime => boundaries.lifetime = true,
                Window::Exact { .. } => {}
            }
        }
        boundaries.steps.sort_unstable();
        boundaries
    }

    /// The finest resolution, microseconds.
    pub fn finest_us(&self) -> Option<i64> {
        self.steps.first().map(|step| step.0)
    }

    /// The boundaries that reads at or after `sealed_at` can ask for, in units of `unit_us`, which
    /// divides every resolution.
    pub fn needed(&self, sealed_at: i64, unit_us: i64) -> Needed {
        // Instants begin in 1971: nothing is lost by starting at 1970, and nothing overflows.
        let sealed_at = sealed_at.max(0);
        let step = |&(resolution_us, width_us): &(i64, i64)| {
            let lowest = (sealed_at - width_us).div_euclid(resolution_us);
            let units = resolution_us / unit_us;
            (units, lowest * units)
        };
        Needed { steps: self.steps.iter().map(step).collect(), lifetime: self.lifetime }
    }
}

/// Boundaries still needed, in some unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// (distance of boundaries, the lowest one needed).
    steps: Vec<(i64, i64)>,
    lifetime: bool,
}

impl Needed {
    /// Is a boundary in `(after, to]` needed? `after` = `i64::MIN` is the beginning of time, which
    /// is itself a boundary of lifetime windows.
    #[inline]
    pub fn in_range(&self, after: i64, to: i64) -> bool {
        if after == i64::MIN && self.lifetime {
            return true;
        }
        // The greatest multiple at or below `to` is the best candidate.
        self.steps.iter().any(|&(distance, lowest)| {
            let candidate = to.div_euclid(distance) * distance;
            candidate >= lowest && candidate > after
        })
    }

    /// The lowest boundary needed; `i64::MIN` for lifetime, `i64::MAX` when there is none.
    pub fn lowest(&self) -> i64 {
        if self.lifetime {
            return i64::MIN;
        }
        self.steps.iter().map(|step| step.1).min().unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::SECOND_US;

    #[test]
    fn the_successor_decides() {
        let minute = 60 * SECOND_US;
        let window = Window::Sliding { width_us: 60 * minute, resolution_us: minute };
        let needed = Boundaries::of([&window]).needed(120 * minute, minute);
        assert!(!needed.in_range(30, 59), "all boundaries in (30, 59] are past");
        assert!(needed.in_range(30, 60), "60 is still asked for at S, however old 30 is");
        assert!(!needed.in_range(60, 60), "an empty range has no boundary");
        assert_eq!(needed.lowest(), 60);
    }
}
