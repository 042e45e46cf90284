//! The point-in-time sweep: the values of one view at many (key, `t`), straight from columns of
//! events, without keeping state. It must give the very bytes that folding and reading would give.
//!
//! Events of keys that nobody asks about are dropped through a directory of the label keys; the
//! rest is scattered key by key into compact records, sorted, and passed once by cursors. Threads
//! are given by the caller and decide no value. Nothing here reads a clock or a file.

mod answers;
mod columns;
mod dense;
mod directory;
mod gather;
mod jobs;
mod keys;
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
use self::keys::Keys;
use self::output::Answers;
use self::passes::Sweep;
use self::program::Program;
use self::questions::Questions;
use self::run::Texts;
use crate::error::{Error, Kind, Result};
use crate::order::Tie;
use crate::plan::{Plan, Section, Source, ViewPlan};
use crate::value::Status;
use crate::window;

/// Events of a section, column by column; all columns have one length.
#[derive(Clone, Copy, Debug)]
pub struct EventColumns<'a> {
    /// The section's key columns, in the order of its space; a row with a null is left out.
    pub keys: &'a [ArrayRef],
    /// Event times, UTC microseconds.
    pub times: &'a [i64],
    /// Ties; needed when [`crate::plan::Section::ordered`].
    pub ties: Option<&'a [Tie]>,
    /// Parallel to [`crate::plan::Section::inputs`], in the canonical Arrow types.
    pub inputs: &'a [ArrayRef],
    /// Parallel to [`crate::plan::Section::filters`].
    pub filters: &'a [BooleanBuffer],
}

/// The events of a section, in order of position, in as many batches as they lie in.
#[derive(Clone, Copy)]
pub struct SweepEvents<'a> {
    /// The batches; inputs and filters as the section's.
    pub chunks: &'a [EventColumns<'a>],
}

/// Which of the keys asked about each event of a chunk belongs to.
pub struct Located(Vec<u32>);

use SweepEvents as Events;

/// The questions: a key and an instant for each label row.
#[derive(Clone, Copy)]
pub struct SweepLabels<'a> {
    /// Key columns in the order of the space; a null key is answered with the empty window, not
    /// found.
    pub keys: &'a [ArrayRef],
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

/// The questions about one view, to hold events against: first every chunk of events is located,
/// in any order and on any thread, then all are answered together.
pub struct Asked<'a> {
    plan: &'a Plan,
    view: usize,
    directory: Directory<'a>,
    questions: Questions,
    /// The event times that some question reaches, `[start, end)`.
    span: (i64, i64),
    rows: usize,
}

impl<'a> Asked<'a> {
    /// Numbers the keys of the label rows and groups the rows by key.
    ///
    /// # Errors
    /// `too_many_rows` from 2^32 - 1 labels on; Internal where the view is of a table or the keys
    /// are of no key's type.
    pub fn new(
        plan: &'a Plan,
        view: usize,
        labels: &SweepLabels<'a>,
        threads: usize,
    ) -> Result<Self> {
        let view_plan = &plan.views[view];
        let rows = labels.times.len();
        section_of(plan, view)?;
        check_rows(rows)?;
        let keys = Keys::new(labels.keys, rows)?;
        let (directory, lists) = Directory::build(keys, threads);
        let questions = Questions::group(&directory, &lists, labels.times);
        let span = questions.range().map_or((0, 0), |(first, last)| {
            (view_plan.reach_start(first), window::end(last, view_plan.include_current))
        });
        Ok(Self { plan, view, directory, questions, span, rows })
    }

    /// Finds the keys of a chunk of events. What no answer needs is dropped here: events of keys
    /// that nobody asks about, out of reach of all windows, or that the view does not keep.
    ///
    /// # Errors
    /// Internal when the columns are not those of the section.
    pub fn locate(&self, events: &EventColumns<'_>) -> Result<Located> {
        check_columns(self.plan, self.view, events)?;
        let presence = self.plan.views[self.view].filter;
        records::locate(events, presence, &self.directory, self.span).map(Located)
    }

    /// Answers the questions from all `events`, located chunk by chunk.
    ///
    /// Cost: one pass over the events, n log n at worst within a key; memory of the records of the
    /// events whose key is asked about.
    ///
    /// # Errors
    /// `cancelled` when the caller asked for it; `too_many_rows` from 2^32 - 1 events on; Internal
    /// when the columns are not those of the section.
    pub fn answer(
        self,
        events: &SweepEvents<'_>,
        located: &[&Located],
        options: &SweepOptions<'_>,
    ) -> Result<SweepResult> {
        assert_eq!(events.chunks.len(), located.len(), "every chunk is located");
        for (chunk, located) in events.chunks.iter().zip(located) {
            check_columns(self.plan, self.view, chunk)?;
            assert_eq!(chunk.times.len(), located.0.len(), "a chunk is located as it is");
        }
        check_rows(events.chunks.iter().map(|chunk| chunk.times.len()).sum())?;
        let view_plan = &self.plan.views[self.view];
        let events_max = self.plan.blueprint.views[self.view].events_max;
        let program = Program::compile(view_plan, events_max, events)?;
        let texts = program.texts(events);
        let sweep = Sweep { program: &program, texts: &texts, events, options };
        drop(self.directory);
        let (answers, faults) = sweep.answer(located, self.questions, self.rows)?;
        finish(view_plan, &answers, faults, &texts, options.threads)
    }
}

/// The values of view `view` (of a stream) at each label row, from all events, whenever they
/// arrived: [`Asked`] in one call.
///
/// # Errors
/// As [`Asked`].
pub fn sweep(
    plan: &Plan,
    view: usize,
    events: &SweepEvents<'_>,
    labels: &SweepLabels<'_>,
    options: &SweepOptions<'_>,
) -> Result<SweepResult> {
    let asked = Asked::new(plan, view, labels, options.threads)?;
    let part = events.chunks.len().div_ceil(options.threads.max(1)).max(1);
    let parts = parallel::each(events.chunks.chunks(part).collect(), |_, chunks: &[_]| {
        let located = chunks.iter().map(|chunk| {
            stopped(options)?;
            asked.locate(chunk)
        });
        located.collect::<Result<Vec<Located>>>()
    });
    let parts = parts.into_iter().collect::<Result<Vec<_>>>()?;
    let located: Vec<Located> = parts.into_iter().flatten().collect();
    asked.answer(events, &located.iter().collect::<Vec<_>>(), options)
}

/// The section that a view of a stream reads.
fn section_of(plan: &Plan, view: usize) -> Result<&Section> {
    match plan.views[view].source {
        Source::Section(section) => Ok(&plan.sections[section]),
        Source::Table(_) => {
            let message =
                format!("view {} is of a table; a sweep is over a stream", plan.views[view].name);
            Err(Error::new(Kind::Internal, "sweep_view", message))
        }
    }
}

/// Asserts what the types do not tell, so that later indices are in bounds.
fn check_columns(plan: &Plan, view: usize, chunk: &EventColumns<'_>) -> Result<()> {
    let section = section_of(plan, view)?;
    let rows = chunk.times.len();
    assert_eq!(chunk.keys.len(), section.key_columns.len(), "the keys of the section");
    assert_eq!(chunk.inputs.len(), section.inputs.len(), "the inputs of the section");
    assert_eq!(chunk.filters.len(), section.filters.len(), "the filters of the section");
    assert!(chunk.keys.iter().all(|key| key.len() == rows), "a key an event");
    assert!(chunk.inputs.iter().all(|input| input.len() == rows), "a value an event");
    assert!(chunk.filters.iter().all(|filter| filter.len() == rows), "a bit an event");
    assert!(chunk.ties.is_none_or(|ties| ties.len() == rows), "a tie an event");
    Ok(())
}

fn check_rows(rows: usize) -> Result<()> {
    if rows < u32::MAX as usize {
        return Ok(());
    }
    let message = "a sweep of 2^32 - 1 rows or more";
    Err(Error::new(Kind::Invalid, "too_many_rows", message)
        .with_hint("ask for fewer label rows, or a shorter history, at a time"))
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
