//! The point-in-time sweep: the values of one view at many (key, `t`), straight from columns of
//! events, without keeping state. It must give the very bytes that folding and reading would give.
//!
//! Events of keys that nobody asks about are dropped through a directory of the label keys; the
//! rest is scattered key by key into compact records, sorted, and passed once by cursors. Threads
//! are given by the caller and decide no value. Nothing here reads a clock or a file.

mod answers;
mod columns;
mod directory;
mod gather;
mod jobs;
mod narrow;
mod output;
mod parallel;
mod passes;
mod program;
mod questions;
mod records;
mod replay;
mod run;
mod sorting;
mod staircase;
mod store;

use std::sync::atomic::{AtomicBool, Ordering as Memory};

use arrow_array::ArrayRef;
use arrow_buffer::BooleanBuffer;

pub use self::replay::replay;

use self::answers::Fault;
use self::directory::Directory;
use self::output::Answers;
use self::passes::Sweep;
use self::program::Program;
use self::questions::Questions;
use self::run::Texts;
use crate::error::{Error, Kind, Result};
use crate::fold::FoldBatch;
use crate::key::KeyColumn;
use crate::plan::{Plan, Source, ViewPlan};
use crate::value::Status;
use crate::window;

/// The events of a section, in order of position, in as many batches as they lie in.
#[derive(Clone, Copy)]
pub struct SweepEvents<'a> {
    /// The batches; inputs and filters as the section's.
    pub chunks: &'a [FoldBatch<'a>],
}

use SweepEvents as Events;

/// The questions: a key and an instant for each label row.
#[derive(Clone, Copy)]
pub struct SweepLabels<'a> {
    /// Keys in the view's order; a null key is answered with the empty window, not found.
    pub keys: &'a KeyColumn,
    /// The instants asked about, UTC microseconds.
    pub times: &'a [i64],
}

/// How to sweep; decides no value.
#[derive(Clone, Copy)]
pub struct SweepOptions<'a> {
    /// Threads to use, at least one.
    pub threads: usize,
    /// Set by the caller to stop early.
    pub cancelled: &'a AtomicBool,
}

/// The values of a view, a row a label row, in their order.
#[derive(Clone, Debug)]
pub struct SweepResult {
    /// A column a feature, in the view's order.
    pub columns: Vec<ArrayRef>,
    /// Whether each row found its key within the reach of the view.
    pub found: BooleanBuffer,
    /// (row, feature, status) of the values whose status is not ok, sorted.
    pub statuses: Vec<(u32, u32, Status)>,
}

/// The values of view `view` (of a stream) at each label row, from all events, whenever they
/// arrived.
///
/// Cost: one pass over the events, n log n at worst within a key; memory of the records of the
/// events whose key is asked about.
///
/// # Errors
/// `cancelled` when the caller asked for it; `too_many_rows` beyond 2^32 - 1 events or labels;
/// Internal when the columns are not those of the section.
pub fn sweep(
    plan: &Plan,
    view: usize,
    events: &SweepEvents<'_>,
    labels: &SweepLabels<'_>,
    options: &SweepOptions<'_>,
) -> Result<SweepResult> {
    check(plan, view, events, labels)?;
    let view_plan = &plan.views[view];
    let events_max = plan.blueprint.views[view].events_max;
    let program = Program::compile(view_plan, events_max, events)?;
    let texts = program.texts(events);
    let (directory, lists) = Directory::build(labels.keys, options.threads);
    let questions = Questions::group(&directory, &lists, labels.times);
    drop(lists);
    let sweep = Sweep { program: &program, texts: &texts, events, options };
    let span = questions.range().map_or((0, 0), |(first, last)| {
        (view_plan.reach_start(first), window::end(last, view_plan.include_current))
    });
    let (ids, counts) = sweep.locate(&directory, span)?;
    drop(directory);
    let (answers, faults) = sweep.answer(&ids, &counts, questions, labels.times.len())?;
    drop(ids);
    finish(view_plan, &answers, faults, &texts, options.threads)
}

/// Asserts what the types do not tell, so that later indices are in bounds.
fn check(
    plan: &Plan,
    view: usize,
    events: &SweepEvents<'_>,
    labels: &SweepLabels<'_>,
) -> Result<()> {
    let Source::Section(section) = plan.views[view].source else {
        let message =
            format!("view {} is of a table; a sweep is over a stream", plan.views[view].name);
        return Err(Error::new(Kind::Internal, "sweep_view", message));
    };
    let section = &plan.sections[section];
    assert_eq!(labels.keys.len(), labels.times.len(), "a key and an instant a label row");
    for chunk in events.chunks {
        let rows = chunk.times.len();
        assert_eq!(chunk.keys.len(), rows, "a key an event");
        assert_eq!(chunk.inputs.len(), section.inputs.len(), "the inputs of the section");
        assert_eq!(chunk.filters.len(), section.filters.len(), "the filters of the section");
        assert!(chunk.inputs.iter().all(|input| input.len() == rows), "a value an event");
        assert!(chunk.filters.iter().all(|filter| filter.len() == rows), "a bit an event");
        assert!(chunk.ties.is_none_or(|ties| ties.len() == rows), "a tie an event");
    }
    let events: usize = events.chunks.iter().map(|chunk| chunk.times.len()).sum();
    if events.max(labels.times.len()) >= u32::MAX as usize {
        let message = "a sweep of 2^32 - 1 rows or more".to_owned();
        return Err(Error::new(Kind::Invalid, "too_many_rows", message)
            .with_hint("ask for fewer label rows, or a shorter history, at a time"));
    }
    Ok(())
}

fn finish(
    view: &ViewPlan,
    answers: &Answers,
    mut faults: Vec<Fault>,
    texts: &Texts<'_>,
    threads: usize,
) -> Result<SweepResult> {
    let gathered = answers.gather(threads.max(1));
    let found = gathered.found();
    let columns = gathered.columns(&view.features, answers, texts)?;
    // Saturated sorts after overflow: of two faults of one value the latter is the reason.
    faults.sort_unstable();
    faults.dedup_by(|later, kept| {
        let same = (later.row, later.feature) == (kept.row, kept.feature);
        kept.saturated |= same && later.saturated;
        same
    });
    let statuses =
        faults.into_iter().map(|fault| (fault.row, fault.feature, fault.status())).collect();
    Ok(SweepResult { columns, found, statuses })
}

/// An error where the caller asked to stop.
fn stopped(options: &SweepOptions<'_>) -> Result<()> {
    if options.cancelled.load(Memory::Relaxed) {
        return Err(Error::new(Kind::Closed, "cancelled", "the caller stopped the sweep"));
    }
    Ok(())
}
