//! Runs independent tasks on threads that end before the call does.
//!
//! The caller gave the number of threads; how tasks fall on them never decides a value.

use std::thread;

/// Runs each task with its index on a thread of its own (the last one on the caller's).
pub(super) fn each<T: Send, R: Send>(tasks: Vec<T>, run: impl Fn(usize, T) -> R + Sync) -> Vec<R> {
    let last = tasks.len().saturating_sub(1);
    let run = &run;
    thread::scope(|scope| {
        let mut handles = Vec::with_capacity(last);
        let mut results = Vec::with_capacity(last + 1);
        let mut own = None;
        for (index, task) in tasks.into_iter().enumerate() {
            if index == last {
                own = Some(run(index, task));
            } else {
                handles.push(scope.spawn(move || run(index, task)));
            }
        }
        for handle in handles {
            match handle.join() {
                Ok(result) => results.push(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results.extend(own);
        results
    })
}
