//! The staircase: the greatest value of every window that ends at the same instant.
//!
//! It holds the positions of the events that no later event outdoes, oldest first, so the greatest
//! of any suffix is the first step inside it; all windows of an aggregate share one.

/// Positions of the events not outdone by a later one.
#[derive(Default)]
pub(super) struct Staircase {
    steps: Vec<u32>,
    /// Scratch of [`Staircase::extend`].
    fresh: Vec<u32>,
}

impl Staircase {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.steps.clear();
    }

    /// Adds events, later than all before and given latest first, by their `value`.
    ///
    /// Seen from the latest, only an event above all later ones stays: few do, so this asks less
    /// of the branch predictor than pushing one after the other.
    #[inline]
    pub(super) fn extend<K: Ord>(
        &mut self,
        latest_first: impl Iterator<Item = u32>,
        value: impl Fn(u32) -> K,
    ) {
        self.fresh.clear();
        let mut best = None;
        for position in latest_first {
            let here = value(position);
            if best.as_ref().is_none_or(|best| here > *best) {
                self.fresh.push(position);
                best = Some(here);
            }
        }
        let Some(best) = best else { return };
        while self.steps.last().is_some_and(|&top| value(top) <= best) {
            self.steps.pop();
        }
        self.steps.extend(self.fresh.iter().rev());
    }

    /// The position of the greatest value among the events from `tail` on; none if there is none.
    #[inline]
    pub(super) fn greatest_from(&self, tail: u32) -> Option<u32> {
        // Most staircases are a few steps high: a scan from the newest beats a binary search.
        const SCANNED: usize = 8;
        let low = self.steps.len().saturating_sub(SCANNED);
        if low > 0 && self.steps[low] >= tail {
            let first = self.steps.partition_point(|&step| step < tail);
            return self.steps.get(first).copied();
        }
        let inside = self.steps[low..].iter().filter(|&&step| step >= tail).count();
        self.steps.get(self.steps.len() - inside).copied()
    }
}
