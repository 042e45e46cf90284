//! Work that blocks, on threads meant for it: a bounded number at once, each with a deadline.
//!
//! Work that has begun is never cut off by a deadline or by a client that went away: a push that
//! runs must end as a whole. Stopping waits for it.

use std::sync::Arc;

use headwater_kernel::error::{Error, Kind, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// A gate that lets a number of pieces of work run at once.
#[derive(Debug)]
pub struct Gate {
    permits: Arc<Semaphore>,
    running_max: u32,
}

impl Gate {
    /// A gate for `running_max` at once.
    pub fn new(running_max: usize) -> Self {
        let running_max = u32::try_from(running_max).unwrap_or(u32::MAX).max(1);
        Self { permits: Arc::new(Semaphore::new(running_max as usize)), running_max }
    }

    /// Runs `work` on a thread of its own when the gate lets it, and waits for it.
    ///
    /// # Errors
    /// `deadline` (unavailable), saying whether the work had begun; `panicked` (internal); what the
    /// work itself answers.
    pub async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = timeout_at(deadline, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| late("it had not begun"))?
            .map_err(|_| stopping())?;
        let task = tokio::task::spawn_blocking(move || held(permit, work));
        match timeout_at(deadline, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(panicked()),
            Err(_) => Err(late("it had begun and goes on")),
        }
    }

    /// Waits until nothing runs, and lets nothing in afterwards.
    pub async fn close(&self) {
        // All permits together are free only when no work holds one.
        let all = self.permits.acquire_many(self.running_max).await;
        self.permits.close();
        drop(all);
    }
}

fn held<T>(permit: OwnedSemaphorePermit, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let result = work();
    drop(permit);
    result
}

/// The error of a request whose deadline passed.
pub fn late(detail: &str) -> Error {
    Error::new(Kind::Unavailable, "deadline", "the deadline passed").with_detail(detail)
}

/// The error of a request that comes while the server stops.
pub fn stopping() -> Error {
    Error::new(Kind::Unavailable, "stopping", "the server is stopping")
        .with_hint("ask another server, or this one again in a moment")
}

/// The error of work that broke one of our own promises.
pub fn panicked() -> Error {
    Error::new(Kind::Internal, "panicked", "the server broke one of its own promises")
        .with_hint("this is a fault of ours; its log says where")
}
