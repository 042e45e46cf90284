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
        let nested = boundaries.steps.windows(2).all(|pair| pair[1].0 % pair[0].0 == 0);
        assert!(nested, "each resolution of the ladder divides the next");
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
    /// (distance of boundaries, the lowest one needed), each distance dividing the next.
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
        // Each distance divides the next, so that the first of these that reaches `to` has the
        // greatest boundary at or below it: if that is not behind `after`, no other one is. Its
        // lowest boundary lies at or below it too.
        let Some(&(distance, _)) = self.steps.iter().find(|step| to >= step.1) else {
            return false;
        };
        to.saturating_sub(after) >= distance || to - to.rem_euclid(distance) > after
    }

    /// The lowest boundary needed; `i64::MIN` for lifetime, `i64::MAX` when there is none.
    pub fn lowest(&self) -> i64 {
        if self.lifetime {
            return i64::MIN;
        }
        self.steps.iter().map(|step| step.1).min().unwrap_or(i64::MAX)
    }
}

/// [`Needed::in_range`] of one range after another, each beginning where the last one ended.
pub(crate) struct Walk<'a> {
    needed: &'a Needed,
    after: i64,
    zone: Zone,
}

/// Where one distance decides.
#[derive(Clone, Copy)]
struct Zone {
    distance: i64,
    /// No boundary below this one is ahead.
    next: i64,
    /// From here on a finer distance decides.
    end: i64,
}

impl Needed {
    /// Begins at an instant, or at the beginning of time.
    #[inline(always)]
    pub(crate) fn walk(&self, after: i64) -> Walk<'_> {
        let zone = Zone { distance: 2, next: i64::MAX, end: i64::MIN };
        Walk { needed: self, after, zone }
    }

    /// The zone of a range `(after, to]`.
    #[cold]
    fn zone(&self, after: i64, to: i64) -> Zone {
        let decides = self.steps.iter().position(|step| to >= step.1);
        let finer = &self.steps[..decides.unwrap_or(self.steps.len())];
        let end = finer.iter().map(|step| step.1).min().unwrap_or(i64::MAX);
        match decides.map(|index| self.steps[index].0) {
            None => Zone { distance: 2, next: i64::MAX, end },
            Some(distance) => Zone { distance, next: after, end },
        }
    }
}

impl Walk<'_> {
    /// Is a boundary in `(the former end, to]` needed?
    #[inline(always)]
    pub(crate) fn next(&mut self, to: i64) -> bool {
        let after = std::mem::replace(&mut self.after, to);
        if to >= self.zone.end {
            self.zone = self.needed.zone(after, to);
        }
        if to < self.zone.next {
            return after == i64::MIN && self.needed.lifetime;
        }
        if to.saturating_sub(after) >= self.zone.distance {
            // A range this long has a boundary; where the next one is is found when asked for.
            self.zone.next = to;
            return true;
        }
        let last = to - to.rem_euclid(self.zone.distance);
        self.zone.next = last + self.zone.distance;
        last > after
    }
}

/// A [`Walk`] over 32-bit buckets: which tile of the deciding distance one lies in is found by a
/// multiplication, so that no step waits for a division or a branch that nobody can foresee.
pub(crate) struct NarrowWalk<'a> {
    needed: &'a Needed,
    after: u32,
    /// 2^63 / distance, rounded up; 0 where no boundary is needed: all is one tile.
    reciprocal: u64,
    /// The tile of `after`.
    tile: u64,
    /// From here on a finer distance decides.
    end: i64,
    keeps_all: bool,
}

impl Needed {
    /// Begins at a bucket.
    pub(crate) fn narrow_walk(&self, after: u32) -> NarrowWalk<'_> {
        let end = i64::MIN;
        NarrowWalk { needed: self, after, reciprocal: 0, tile: 0, end, keeps_all: false }
    }
}

impl NarrowWalk<'_> {
    /// [`Walk::next`].
    #[inline(always)]
    pub(crate) fn next(&mut self, to: u32) -> bool {
        if i64::from(to) >= self.end {
            self.enter(to);
        }
        let tile = tile(to, self.reciprocal);
        self.after = to;
        std::mem::replace(&mut self.tile, tile) != tile
    }

    /// Is a boundary needed in every range from here on? Each has one, of the finest distance.
    #[inline(always)]
    pub(crate) fn keeps_all(&self) -> bool {
        self.keeps_all
    }

    #[cold]
    fn enter(&mut self, to: u32) {
        let zone = self.needed.zone(i64::from(self.after), i64::from(to));
        let distance = u64::try_from(zone.distance).unwrap_or(u64::MAX);
        let decides = zone.next != i64::MAX;
        self.reciprocal = if decides { (1u64 << 63).div_ceil(distance) } else { 0 };
        self.end = zone.end;
        self.keeps_all = decides && distance == 1 && zone.end == i64::MAX;
        self.tile = tile(self.after, self.reciprocal);
    }
}

/// Buckets by tiles of one distance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiles {
    distance: u32,
    reciprocal: u64,
}

impl Tiles {
    /// Tiles of so many buckets, above 0 and below 2^31.
    pub(crate) fn of(distance: u32) -> Tiles {
        Tiles { distance, reciprocal: (1u64 << 63).div_ceil(u64::from(distance)) }
    }

    /// The first bucket of the tile of a bucket.
    #[inline(always)]
    pub(crate) fn floor(self, bucket: u32) -> u32 {
        tile(bucket, self.reciprocal) as u32 * self.distance
    }
}

/// `bucket / distance`: exact below 2^31 for the distance, since the error of the reciprocal is
/// below distance / 2^63 (Granlund and Montgomery, "Division by invariant integers using
/// multiplication", 1994).
#[inline(always)]
fn tile(bucket: u32, reciprocal: u64) -> u64 {
    ((u128::from(bucket) * u128::from(reciprocal)) >> 63) as u64
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

    #[test]
    fn a_walk_answers_as_single_ranges_do() {
        let steps = [(60, 3_600), (1_800, 86_400), (10_800, 604_800), (3_600, 7_200)];
        let windows = steps.map(|(resolution, width)| Window::Sliding {
            width_us: width * SECOND_US,
            resolution_us: resolution * SECOND_US,
        });
        let mut state = 5u64;
        for round in 0..2_000 {
            let sealed_at = 2_000_000 * SECOND_US + round * 977 * SECOND_US;
            let some = &windows[round as usize % 4..];
            let needed = Boundaries::of(some).needed(sealed_at, 60 * SECOND_US);
            let mut after = if round % 2 == 0 { i64::MIN } else { 21_000 };
            let mut walk = needed.walk(after);
            let mut narrow = u32::try_from(after).ok().map(|after| needed.narrow_walk(after));
            let mut to = 22_000;
            while to < 70_000 {
                assert_eq!(walk.next(to), needed.in_range(after, to), "({after}, {to}]");
                if let Some(narrow) = &mut narrow {
                    let expected = needed.in_range(after, to);
                    assert_eq!(narrow.next(to as u32), expected, "({after}, {to}]");
                }
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                after = to;
                to += 1 + (state >> 33) as i64 % [3, 50, 700, 9_000][(state >> 20) as usize % 4];
            }
        }
    }

    #[test]
    fn tiles_are_quotients() {
        let mut state = 9u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let distance = ((state >> 33) >> (state % 31)).max(1);
            let reciprocal = (1u64 << 63).div_ceil(distance);
            let multiple = ((state >> 20) as u32 / distance as u32).wrapping_mul(distance as u32);
            for bucket in [0, 1, multiple, multiple.saturating_sub(1), u32::MAX, u32::MAX - 1] {
                assert_eq!(tile(bucket, reciprocal), u64::from(bucket) / distance);
            }
        }
    }
}
