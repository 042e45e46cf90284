//! The point-in-time sweep: the values of one view at many (key, `t`), straight from columns of
//! events, without keeping state. It must give the very bytes that folding and reading would give.
//!
//! Events of keys that nobody asks about are dropped through a directory of the label keys; the
//! rest is scattered key by key into compact records, sorted, and passed once by cursors. Threads
//! are given by the caller and decide no value. Nothing here reads a clock or a file.

mod answers;
mod directory;
mod gather;
mod memory;
mod narrow;
mod output;
mod parallel;
mod prefetch;
mod program;
mod questions;
mod records;
mod replay;
mod run;
mod sorting;
mod staircase;
mod store;

use std::cmp::Ordering;
use std::sync::atomic::{AtomicBool, Ordering as Memory};

use arrow_array::ArrayRef;
use arrow_buffer::BooleanBuffer;

pub use self::replay::replay;

use self::answers::{Fault, Rows};
use self::directory::{Directory, NONE};
use self::output::Answers;
use self::program::Program;
use self::questions::{Question, Questions, sort_group};
use self::records::place;
use self::run::{Run, Texts};
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

/// What all steps of one sweep share.
struct Sweep<'a> {
    program: &'a Program,
    texts: &'a Texts<'a>,
    events: &'a SweepEvents<'a>,
    options: &'a SweepOptions<'a>,
}

/// A range of keys, with the parts of the whole that belong to it.
struct Range<'a> {
    first_key: usize,
    questions: &'a mut [Question],
    words: &'a mut [u64],
    keys: usize,
}

/// An error where the caller asked to stop.
fn stopped(options: &SweepOptions<'_>) -> Result<()> {
    if options.cancelled.load(Memory::Relaxed) {
        return Err(Error::new(Kind::Closed, "cancelled", "the caller stopped the sweep"));
    }
    Ok(())
}

impl Sweep<'_> {
    /// The key number of each event, and how many events each key has.
    fn locate(&self, directory: &Directory<'_>, span: (i64, i64)) -> Result<(Vec<u32>, Vec<u32>)> {
        /// Rows between two looks at the flag that cancels.
        const STEP: usize = 1 << 16;
        let rows: usize = self.events.chunks.iter().map(|chunk| chunk.times.len()).sum();
        let mut ids: Vec<u32> = memory::zeros(rows);
        let part = rows.div_ceil(self.options.threads.max(1)).max(1);
        let tasks: Vec<(usize, &mut [u32])> =
            ids.chunks_mut(part).enumerate().map(|(index, ids)| (index * part, ids)).collect();
        let counted = parallel::each(tasks, |_, (first, mut ids)| {
            let mut counts = vec![0_u32; directory.len()];
            let mut chunk_start = 0;
            for (index, chunk) in self.events.chunks.iter().enumerate() {
                let mut row = first.saturating_sub(chunk_start);
                chunk_start += chunk.times.len();
                while row < chunk.times.len() && !ids.is_empty() {
                    stopped(self.options)?;
                    let count = STEP.min(chunk.times.len() - row).min(ids.len());
                    let (here, rest) = ids.split_at_mut(count);
                    let presence = self.program.layout.presence;
                    records::locate(self.events, presence, directory, span, index, row, here);
                    here.iter().filter(|&&id| id != NONE).for_each(|&id| counts[id as usize] += 1);
                    ids = rest;
                    row += count;
                }
            }
            Ok(counts)
        });
        let mut total = vec![0_u32; directory.len()];
        for counts in counted {
            total.iter_mut().zip(counts?).for_each(|(total, count)| *total += count);
        }
        Ok((ids, total))
    }

    /// The answers of all questions.
    fn answer(
        &self,
        ids: &[u32],
        counts: &[u32],
        mut questions: Questions,
        rows: usize,
    ) -> Result<(Answers, Vec<Fault>)> {
        let shape = self.program.shape;
        let mut words: Vec<u64> = memory::zeros(questions.all.len() * shape.width());
        let cuts = cut(counts, &questions.starts, self.options.threads.max(1));
        let mut ranges = Vec::with_capacity(cuts.len());
        let mut words_left = words.as_mut_slice();
        let mut questions_left = questions.all.as_mut_slice();
        let mut first_key = 0;
        let mut ends = Vec::with_capacity(cuts.len());
        for end_key in cuts {
            let count = (questions.starts[end_key] - questions.starts[first_key]) as usize;
            let (own_words, rest) = words_left.split_at_mut(count * shape.width());
            words_left = rest;
            let (own, rest) = questions_left.split_at_mut(count);
            questions_left = rest;
            let keys = end_key - first_key;
            ranges.push(Range { first_key, questions: own, words: own_words, keys });
            ends.push(questions.starts[end_key]);
            first_key = end_key;
        }
        let starts = &questions.starts;
        let results =
            parallel::each(ranges, |_, range| self.answer_range(ids, counts, starts, range));
        let mut lists = Vec::with_capacity(ends.len());
        let mut faults = Vec::new();
        for (result, end) in results.into_iter().zip(ends) {
            let (list, fault) = result?;
            lists.push((end, list));
            faults.extend(fault);
        }
        let places = questions.places(rows);
        Ok((Answers { words, shape, empty: self.empty(), places, lists }, faults))
    }

    /// The answers of one range of keys, written into its words; gives its lists and faults.
    fn answer_range(
        &self,
        ids: &[u32],
        counts: &[u32],
        question_starts: &[u32],
        range: Range<'_>,
    ) -> Result<(Vec<u64>, Vec<Fault>)> {
        let mut starts = Vec::with_capacity(range.keys + 1);
        starts.push(0_u32);
        for &count in &counts[range.first_key..range.first_key + range.keys] {
            starts.push(starts[starts.len() - 1] + count);
        }
        let layout = &self.program.layout;
        stopped(self.options)?;
        let mut records =
            records::scatter(self.events, layout, ids, range.first_key as u32, &starts)?;
        let width = records.width;
        let shape = self.program.shape;
        let mut run = Run::new(self.program, self.texts);
        let base = question_starts[range.first_key] as usize;
        for key in 0..range.keys {
            if key % 64 == 0 {
                stopped(self.options)?;
            }
            let first = question_starts[range.first_key + key] as usize - base;
            let last = question_starts[range.first_key + key + 1] as usize - base;
            let asked = &mut range.questions[first..last];
            sort_group(asked);
            let words =
                &mut records.words[starts[key] as usize * width..starts[key + 1] as usize * width];
            self.sort(words, width);
            let rows = &mut range.words[first * shape.width()..last * shape.width()];
            run.answer(words, asked, &mut Rows { words: rows, shape });
        }
        Ok((run.lists, run.faults))
    }

    fn sort(&self, words: &mut [u64], width: usize) {
        if !self.program.ordered {
            sorting::sort_records(words, width, |_, _| Ordering::Equal);
            return;
        }
        let tie = |record: &[u64]| {
            let (chunk, row) = place(record[width - 1]);
            let ties = self.events.chunks[chunk].ties.expect("an ordered section comes with ties");
            &ties[row]
        };
        sorting::sort_records(words, width, |left, right| tie(left).cmp(tie(right)));
    }

    /// The row of answers of a key without events.
    fn empty(&self) -> Vec<u64> {
        let shape = self.program.shape;
        let mut words = vec![0; shape.width()];
        let question = [Question { t: 0, row: 0 }];
        let mut run = Run::new(self.program, self.texts);
        run.answer(&[], &question, &mut Rows { words: &mut words, shape });
        words
    }
}

/// Cuts the keys into at most `parts` ranges of about equal work; gives the end of each.
fn cut(counts: &[u32], question_starts: &[u32], parts: usize) -> Vec<usize> {
    /// A question costs about as much as this many events.
    const EVENTS_A_QUESTION: u64 = 8;
    let work = |key: usize| {
        let questions = question_starts[key + 1] - question_starts[key];
        1 + u64::from(counts[key]) + EVENTS_A_QUESTION * u64::from(questions)
    };
    let total: u64 = (0..counts.len()).map(work).sum();
    let mut ends = Vec::with_capacity(parts);
    let mut done = 0;
    for key in 0..counts.len() {
        done += work(key);
        if done * parts as u64 >= total * (ends.len() as u64 + 1) {
            ends.push(key + 1);
        }
    }
    debug_assert!(ends.len() <= parts, "every range but the last has its share of work");
    ends
}
