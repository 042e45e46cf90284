//! Admission: every queue has an end, and a request past it is turned away at once.
//!
//! In flight counts from a request's head to its reply, so that slow clients count too. Bodies are
//! counted as they arrive. Nothing here waits: waiting is for who was let in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use headwater_kernel::error::{Error, Kind, Result};

/// A bound on something counted: requests in flight, bytes held.
#[derive(Clone, Debug)]
pub struct Bound {
    what: &'static str,
    max: usize,
    used: Arc<AtomicUsize>,
}

/// A share of a bound; given back when dropped.
#[derive(Debug)]
pub struct Share {
    amount: usize,
    bound: Bound,
}

impl Bound {
    /// A bound of `max` of `what`.
    pub fn new(what: &'static str, max: usize) -> Self {
        Self { what, max, used: Arc::new(AtomicUsize::new(0)) }
    }

    /// What is in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes a share.
    ///
    /// # Errors
    /// `queue_full` (unavailable) where that would pass the bound.
    pub fn take(&self, amount: usize) -> Result<Share> {
        let mut share = Share { amount: 0, bound: self.clone() };
        share.grow(amount)?;
        Ok(share)
    }
}

impl Share {
    /// Takes more.
    ///
    /// # Errors
    /// `queue_full` (unavailable) where that would pass the bound; the share stays as it was.
    pub fn grow(&mut self, amount: usize) -> Result<()> {
        let bound = &self.bound;
        let fits = |used: usize| used.checked_add(amount).filter(|sum| *sum <= bound.max);
        bound.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map_err(|used| {
            Error::new(Kind::Unavailable, "queue_full", format!("too many {}", bound.what))
                .with_detail(format!("{used} of {} are in use", bound.max))
                .with_hint("try again after Retry-After, and send fewer at once")
        })?;
        self.amount += amount;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.bound.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last share is given, the next refused, and a dropped one can be taken again.
    #[test]
    fn a_bound_is_kept_at_its_edge() {
        let bound = Bound::new("requests in flight", 2);
        let first = bound.take(1).unwrap();
        let mut second = bound.take(1).unwrap();
        let refused = bound.take(1).unwrap_err();
        assert_eq!(refused.code, "queue_full");
        assert_eq!(refused.detail, "2 of 2 are in use");
        assert!(second.grow(1).is_err());
        drop(first);
        second.grow(1).unwrap();
        drop(second);
        assert_eq!(bound.used(), 0);
    }
}
