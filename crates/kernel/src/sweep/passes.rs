//! The passes of a sweep over located events and how they are shared out to threads: for each range
//! of keys, scatter, sort and answer.
//!
//! Which thread does what decides no value: keys are independent, their events keep their order.

use std::cmp::Ordering;

use super::answers::{Fault, Rows};
use super::directory::NONE;
use super::output::Answers;
use super::program::Program;
use super::questions::{Question, Questions, sort_group};
use super::records::place;
use super::run::{Run, Texts};
use super::{Located, SweepEvents, SweepOptions, parallel, records, sorting, stopped};
use crate::error::Result;
use crate::memory;

/// What all steps of one sweep share.
pub(super) struct Sweep<'a> {
    /// What to compute.
    pub(super) program: &'a Program,
    /// The string inputs.
    pub(super) texts: &'a Texts<'a>,
    /// The events.
    pub(super) events: &'a SweepEvents<'a>,
    /// Threads and the flag that cancels.
    pub(super) options: &'a SweepOptions<'a>,
}

/// A range of keys, with the parts of the whole that belong to it.
struct Range<'a> {
    first_key: usize,
    questions: &'a mut [Question],
    words: &'a mut [u64],
    keys: usize,
}

impl Sweep<'_> {
    /// How many events each of `keys` keys has.
    fn counts(&self, ids: &[&Located], keys: usize) -> Vec<u32> {
        let part = ids.len().div_ceil(self.options.threads.max(1)).max(1);
        let counted = parallel::each(ids.chunks(part).collect(), |_, ids: &[&Located]| {
            let mut counts = vec![0_u32; keys];
            let ids = ids.iter().flat_map(|located| &located.0);
            ids.filter(|&&id| id != NONE).for_each(|&id| counts[id as usize] += 1);
            counts
        });
        let mut total = vec![0_u32; keys];
        for counts in counted {
            total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        }
        total
    }

    /// The answers of all questions.
    pub(super) fn answer(
        &self,
        ids: &[&Located],
        mut questions: Questions,
        rows: usize,
    ) -> Result<(Answers, Vec<Fault>)> {
        let shape = self.program.shape;
        let counts = &self.counts(ids, questions.starts.len() - 1);
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
        ids: &[&Located],
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
