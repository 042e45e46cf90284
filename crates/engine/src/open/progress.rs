//! How far a long backfill has come, told now and then to whoever opens.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;

/// How often at most it is told before the end, microseconds: half a second.
const INTERVAL_US: i64 = 500_000;

/// How far filling from the archive has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Events read.
    pub done: u64,
    /// Events to read; retention may have removed some of them.
    pub total: u64,
    /// Events a second since it began.
    pub rate: f64,
    /// Seconds left at this rate; none before there is one.
    pub left_s: Option<f64>,
}

/// Who is told of progress.
#[derive(Clone)]
pub struct Watch(pub Arc<dyn Fn(Progress) + Send + Sync>);

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// Counts events and tells of them.
pub struct Teller<'a> {
    watch: Option<&'a Watch>,
    clock: &'a dyn Clock,
    total: u64,
    done: u64,
    began_at: i64,
    told_at: i64,
}

impl<'a> Teller<'a> {
    /// Begins now, with so many events ahead.
    pub fn new(watch: Option<&'a Watch>, clock: &'a dyn Clock, total: u64) -> Self {
        let now = clock.now_us();
        Self { watch, clock, total, done: 0, began_at: now, told_at: now }
    }

    /// So many events more have been read.
    pub fn add(&mut self, events: u64) {
        self.done += events;
        if self.watch.is_some() {
            let now = self.clock.now_us();
            if now - self.told_at >= INTERVAL_US {
                self.tell(now);
            }
        }
    }

    /// All has been read.
    pub fn end(mut self) {
        self.total = self.done;
        self.tell(self.clock.now_us());
    }

    fn tell(&mut self, now: i64) {
        self.told_at = now;
        if let Some(Watch(watch)) = self.watch {
            watch(self.progress(now));
        }
    }

    fn progress(&self, now: i64) -> Progress {
        let seconds = (now - self.began_at) as f64 / 1e6;
        let rate = if seconds > 0.0 { self.done as f64 / seconds } else { 0.0 };
        let left = self.total.saturating_sub(self.done) as f64;
        let left_s = (rate > 0.0).then_some(left / rate);
        Progress { done: self.done, total: self.total.max(self.done), rate, left_s }
    }
}
