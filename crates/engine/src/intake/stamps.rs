//! The `visible_at` of epochs, and the instant of reads at now: the one place where both meet.
//!
//! An epoch that is stamped and not yet visible is pending: a read at now takes an instant below
//! its stamp. A stamp is above every instant answered so for its source. Hence what a reader was
//! told at `t` holds exactly what had arrived by `t`. Readers call while they hold the state's read
//! lock, the writer takes stamps off while it holds the write lock.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// How far stamps may run ahead of the clock before they fall back to it: 1 s.
const AHEAD_US_MAX: i64 = 1_000_000;

/// Stamps by source.
#[derive(Debug)]
pub struct Stamps {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    answered: Vec<i64>,
    last: Vec<i64>,
    pending: Vec<VecDeque<i64>>,
    running: i64,
}

impl Stamps {
    /// Stamps after those of recovered epochs: `last[source]`, `i64::MIN` for none.
    pub fn new(last: Vec<i64>) -> Self {
        let sources = last.len();
        let inner = Inner {
            answered: vec![i64::MIN; sources],
            last,
            pending: vec![VecDeque::new(); sources],
            running: i64::MIN,
        };
        Self { inner: Mutex::new(inner) }
    }

    /// The stamp of the next epoch of `source`, which is pending from here on.
    ///
    /// Stamps of one writer rise in the order in which its epochs become visible, also between
    /// sources, so that an instant below a pending one is never below what is visible already.
    pub fn stamp(&self, source: usize, clock_us: i64) -> i64 {
        let mut inner = self.inner.lock();
        let next = |at: i64| at.saturating_add(1);
        let ahead = inner.running.saturating_sub(clock_us);
        let running = if ahead > AHEAD_US_MAX { clock_us } else { inner.running.max(clock_us) };
        let at = running.max(next(inner.answered[source])).max(next(inner.last[source]));
        inner.running = if at.saturating_sub(clock_us) > AHEAD_US_MAX { running } else { at } + 1;
        inner.last[source] = at;
        inner.pending[source].push_back(at);
        at
    }

    /// Notes the greatest arrival of an epoch of history; never pending.
    pub fn history(&self, source: usize, visible_at: i64) {
        let mut inner = self.inner.lock();
        let last = &mut inner.last[source];
        *last = visible_at.max(*last);
    }

    /// `visible_at` of the newest epoch of `source`, visible or not; `None` before the first.
    pub fn last(&self, source: usize) -> Option<i64> {
        let last = self.inner.lock().last[source];
        (last != i64::MIN).then_some(last)
    }

    /// The epoch stamped so is visible. Call it under the state's write lock.
    pub fn publish(&self, source: usize, visible_at: i64) {
        let mut inner = self.inner.lock();
        if inner.pending[source].front() == Some(&visible_at) {
            inner.pending[source].pop_front();
        }
    }

    /// Drops all pending stamps: their epochs will never be.
    pub fn withdraw(&self) {
        self.inner.lock().pending.iter_mut().for_each(VecDeque::clear);
    }

    /// The instant of a read at now over `sources`, where nothing visible is sealed after
    /// `sealed_at`. Call it under the state's read lock.
    pub fn choose(&self, sources: &[usize], clock_us: i64, sealed_at: Option<i64>) -> i64 {
        let mut inner = self.inner.lock();
        let mut t = clock_us.max(sealed_at.unwrap_or(i64::MIN));
        for source in sources {
            if let Some(pending) = inner.pending[*source].front() {
                t = t.min(pending - 1);
            }
        }
        for source in sources {
            let answered = &mut inner.answered[*source];
            *answered = t.max(*answered);
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::Stamps;

    fn two() -> Stamps {
        Stamps::new(vec![i64::MIN; 2])
    }

    #[test]
    fn a_read_at_now_stays_below_what_is_pending() {
        let stamps = two();
        let at = stamps.stamp(0, 100);
        assert_eq!(stamps.choose(&[0, 1], 500, Some(20)), at - 1);
        assert_eq!(stamps.choose(&[1], 500, None), 500);
        stamps.publish(0, at);
        assert_eq!(stamps.choose(&[0], 500, Some(at)), 500);
    }

    #[test]
    fn a_stamp_is_above_every_instant_answered_and_every_former_stamp() {
        let stamps = two();
        assert_eq!(stamps.choose(&[0], 900, None), 900);
        assert_eq!(stamps.stamp(0, 900), 901);
        assert_eq!(stamps.stamp(0, 800), 902);
        assert_eq!(stamps.last(0), Some(902));
    }

    #[test]
    fn stamps_rise_over_sources() {
        let stamps = two();
        stamps.choose(&[0], 100, None);
        let first = stamps.stamp(0, 100);
        assert!(stamps.stamp(1, 100) > first);
    }

    #[test]
    fn history_far_ahead_of_the_clock_does_not_drag_others_along() {
        let stamps = two();
        stamps.history(0, 10_000_000_000);
        assert_eq!(stamps.stamp(0, 100), 10_000_000_001);
        assert_eq!(stamps.stamp(1, 100), 101);
    }

    #[test]
    fn a_withdrawn_stamp_hides_nothing() {
        let stamps = two();
        stamps.stamp(0, 100);
        stamps.withdraw();
        assert_eq!(stamps.choose(&[0], 500, None), 500);
    }
}
