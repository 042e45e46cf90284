//! Runs independent tasks on threads that end before the call does.
//!
//! The caller gave the number of threads; how tasks fall on them never decides a value.

use std::sync::Mutex;
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

/// Runs each task on the next free of `threads` threads, those of the greatest weight first, so that
/// all end at about the same time; each thread has a scratch of its own. Results come in the order
/// of the tasks.
pub(super) fn heaviest_first<T: Send, S, R: Send>(
    threads: usize,
    tasks: Vec<(u64, T)>,
    scratch: impl Fn() -> S + Sync,
    run: impl Fn(&mut S, T) -> R + Sync,
) -> Vec<R> {
    let threads = threads.min(tasks.len());
    let mut waiting: Vec<(usize, (u64, T))> = tasks.into_iter().enumerate().collect();
    waiting.sort_by_key(|(_, (weight, _))| *weight);
    let waiting = Mutex::new(waiting);
    let next = || waiting.lock().unwrap_or_else(|lock| lock.into_inner()).pop();
    let done = each(vec![(); threads], |_, ()| {
        let (mut scratch, mut done) = (scratch(), Vec::new());
        while let Some((index, (_, task))) = next() {
            done.push((index, run(&mut scratch, task)));
        }
        done
    });
    let mut done: Vec<(usize, R)> = done.into_iter().flatten().collect();
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the threads and weights, each task runs once, and results keep the tasks' order.
    #[test]
    fn results_come_in_the_order_of_the_tasks() {
        let tasks: Vec<(u64, u64)> = (0..50).map(|task| (task * 7 % 11, task)).collect();
        let doubled: Vec<u64> = (0..50).map(|task| task * 2).collect();
        for threads in [1, 3, 100] {
            let results = heaviest_first(threads, tasks.clone(), || 2, |two, task| task * *two);
            assert_eq!(results, doubled);
        }
        assert!(heaviest_first(2, Vec::<(u64, u64)>::new(), || (), |(), task| task).is_empty());
    }

    /// On one thread the heaviest is first.
    #[test]
    fn the_heaviest_task_is_begun_first() {
        let order = Mutex::new(Vec::new());
        let tasks = vec![(1, 'c'), (9, 'a'), (5, 'b')];
        heaviest_first(1, tasks, || (), |(), task| order.lock().unwrap().push(task));
        assert_eq!(order.into_inner().unwrap(), ['a', 'b', 'c']);
    }
}
