//! The staircase: the greatest value of every window that ends at the same instant.
//!
//! It holds the positions of the events that no later event outdoes, oldest first, so the greatest
//! of any suffix is the first step inside it; all windows of an aggregate share one.

/// Positions of the events not outdone by a later one.
#[derive(Default)]
pub(super) struct Staircase {
    steps: Vec<u32>,
}

impl Staircase {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.steps.clear();
    }

    /// Adds the event at `position`; `outdone(earlier)` tells whether an earlier one may go.
    #[inline]
    pub(super) fn push(&mut self, position: u32, outdone: impl Fn(u32) -> bool) {
        while let Some(&top) = self.steps.last() {
            if !outdone(top) {
                break;
            }
            self.steps.pop();
        }
        self.steps.push(position);
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
