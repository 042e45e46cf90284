//! Independent pieces of work on a few threads that end before the call does. How pieces fall on
//! threads decides nothing: results come in the order of the pieces, and so does the first error.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use headwater_kernel::error::Result;

use super::check_cancelled;

/// How to share work out.
#[derive(Clone, Copy)]
pub(super) struct Hands<'a> {
    /// Threads to use, this one among them.
    pub(super) threads: usize,
    /// Looked at before each piece.
    pub(super) cancelled: &'a AtomicBool,
}

impl Hands<'_> {
    /// What `work` makes of 0, 1, ... up to `count`, in this order; or its error of the lowest.
    pub(super) fn each<T: Send>(
        &self,
        count: usize,
        work: impl Fn(usize) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::with_capacity(count));
        let run = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return;
                }
                let result = check_cancelled(self.cancelled).and_then(|()| work(index));
                let failed = result.is_err();
                done.lock().unwrap_or_else(|lock| lock.into_inner()).push((index, result));
                if failed {
                    // Pieces below are under way; those above are not begun for nothing.
                    next.fetch_max(count, Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads.min(count) {
                scope.spawn(run);
            }
            run();
        });
        let mut done = done.into_inner().unwrap_or_else(|lock| lock.into_inner());
        done.sort_unstable_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use headwater_kernel::error::{Error, Kind};

    use super::*;

    #[test]
    fn results_come_in_order_and_so_does_the_first_error() {
        let cancelled = AtomicBool::new(false);
        for threads in [1, 2, 5] {
            let hands = Hands { threads, cancelled: &cancelled };
            assert_eq!(hands.each(100, |piece| Ok(piece * 2)).unwrap()[99], 198);
            let failing = |piece: usize| match piece {
                7 | 9 | 30 => Err(Error::new(Kind::Data, "test", piece.to_string())),
                _ => Ok(piece),
            };
            assert_eq!(hands.each(100, failing).unwrap_err().message, "7");
            assert_eq!(hands.each(0, failing).unwrap(), Vec::<usize>::new());
        }
    }

    #[test]
    fn nothing_is_begun_once_cancelled() {
        let cancelled = AtomicBool::new(true);
        let hands = Hands { threads: 2, cancelled: &cancelled };
        let error = hands.each(3, |_| -> Result<()> { unreachable!("it was cancelled") });
        assert_eq!(error.unwrap_err().code, "cancelled");
    }
}
