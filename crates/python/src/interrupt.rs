//! Calls that end within a second of Ctrl-C.
//!
//! Python's handlers run on its main thread only, and only while it holds the lock. So the caller
//! waits in slices and asks for signals between them; work that is more than waiting goes to a
//! thread of its own meanwhile. What has been made durable stays so: an interrupted push may have
//! been applied.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use headwater_kernel::error::{Error, Kind, Result};
use pyo3::prelude::*;

use crate::errors::Failure;

/// How often signals are asked for: often enough to feel immediate, seldom enough to cost nothing.
const SLICE: Duration = Duration::from_millis(50);

/// How long interrupted work may take to notice, before it is left to end by itself.
const GRACE: Duration = Duration::from_millis(500);

/// Runs `work` without Python's lock; its argument becomes true on Ctrl-C.
///
/// Raises what the signal's handler raises (`KeyboardInterrupt`); the work's own result is then
/// dropped.
pub fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce(&AtomicBool) -> Result<T> + Send + 'static,
) -> std::result::Result<T, Failure> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let (sender, mut receiver) = channel();
    let seen = Arc::clone(&cancelled);
    let thread = thread::Builder::new()
        .name("headwater-call".to_owned())
        .spawn(move || {
            // The receiver is gone only after an interrupt: then nobody wants the result.
            let _ = sender.send(work(&seen));
        })
        .map_err(|error| {
            Error::new(Kind::Unavailable, "no_thread", "a thread could not be started")
                .with_detail(error.to_string())
        })?;
    // A receiver may go from thread to thread, a reference to it may not.
    let results = &mut receiver;
    let waited = awaited(py, move |slice| match results.recv_timeout(slice) {
        Ok(result) => Some(Ok(result)),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => Some(Err(Panicked)),
    });
    if waited.is_err() {
        cancelled.store(true, Ordering::Relaxed);
        // Whatever comes now, the interrupt is what the caller hears of.
        let _ = py.detach(move || receiver.recv_timeout(GRACE));
    }
    match waited? {
        Ok(result) => Ok(result?),
        Err(Panicked) => match thread.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => unreachable!("the work ends by sending or by a panic"),
        },
    }
}

/// The thread is gone without a result.
struct Panicked;

/// What `wait` gives, without Python's lock; it is asked again after each slice without a result.
///
/// Raises what a signal's handler raises (`KeyboardInterrupt`).
pub fn awaited<T: Send>(
    py: Python<'_>,
    mut wait: impl FnMut(Duration) -> Option<T> + Send,
) -> std::result::Result<T, Failure> {
    loop {
        if let Some(result) = py.detach(|| wait(SLICE)) {
            return Ok(result);
        }
        py.check_signals()?;
    }
}
