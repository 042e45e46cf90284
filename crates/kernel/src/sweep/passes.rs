//! The passes of a sweep over located events and how they are shared out to threads: each lays out
//! the records of a share of the keys, then all sort and answer piece by piece.
//!
//! Which thread does what decides no value: keys are independent, their events keep their order.

use std::cmp::Ordering;
use std::ops::Range;

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

/// Pieces of a thread: few enough that what begins and ends a piece is nothing beside it, so many
/// that no thread waits long for the last piece of another.
const PIECES_A_THREAD: usize = 16;

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

/// Keys in a row with the parts of the whole that belong to them: what a thread answers at a time.
struct Piece<'a> {
    keys: Range<usize>,
    questions: &'a mut [Question],
    /// The words of their rows of answers.
    answers: &'a mut [u64],
    /// The words of their records.
    records: &'a mut [u64],
}

/// Pieces that are laid out together, by one thread.
struct Share {
    /// The end of each piece.
    ends: Vec<usize>,
    /// The words of the records of its keys.
    records: Vec<u64>,
}

impl Sweep<'_> {
    /// Where the records of each of `keys` keys start; one more at the end.
    fn starts(&self, ids: &[&Located], keys: usize) -> Vec<u32> {
        let part = ids.len().div_ceil(self.options.threads.max(1)).max(1);
        let counted = parallel::each(ids.chunks(part).collect(), |_, ids: &[&Located]| {
            let mut counts = vec![0_u32; keys];
            let ids = ids.iter().flat_map(|located| &located.0);
            ids.filter(|&&id| id != NONE).for_each(|&id| counts[id as usize] += 1);
            counts
        });
        let mut starts = vec![0_u32; keys + 1];
        for counts in counted {
            starts[1..].iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        }
        for key in 0..keys {
            starts[key + 1] += starts[key];
        }
        starts
    }

    /// The answers of all questions.
    pub(super) fn answer(
        &self,
        ids: &[&Located],
        mut questions: Questions,
        rows: usize,
    ) -> Result<(Answers, Vec<Fault>)> {
        let shape = self.program.shape;
        let threads = self.options.threads.max(1);
        let starts = self.starts(ids, questions.starts.len() - 1);
        let ends = cut(&starts, &questions.starts, threads * PIECES_A_THREAD);
        let mut shares = self.scatter(ids, &starts, share_out(&ends, &starts, threads))?;
        let mut words: Vec<u64> = memory::zeros(questions.all.len() * shape.width());
        let question_starts = &questions.starts;
        let all = &mut questions.all;
        let pieces = self.pieces(&mut shares, &starts, question_starts, all, &mut words);
        let results = parallel::heaviest_first(
            threads,
            pieces,
            || Run::new(self.program, self.texts),
            |run, piece| self.answer_piece(run, piece, &starts, question_starts),
        );
        drop(shares);
        let mut lists = Vec::with_capacity(ends.len());
        let mut faults = Vec::new();
        for (result, end) in results.into_iter().zip(ends) {
            let (list, fault) = result?;
            lists.push((questions.starts[end], list));
            faults.extend(fault);
        }
        let places = questions.places(rows);
        Ok((Answers { words, shape, empty: self.empty(), places, lists }, faults))
    }

    /// Lays out the records of each share, given by the ends of its pieces.
    fn scatter(
        &self,
        ids: &[&Located],
        starts: &[u32],
        shares: Vec<Vec<usize>>,
    ) -> Result<Vec<Share>> {
        stopped(self.options)?;
        let mut first_key = 0;
        let shares = shares.into_iter().map(|ends| {
            let keys = first_key..ends.last().copied().unwrap_or(first_key);
            first_key = keys.end;
            (keys, ends)
        });
        let shares = parallel::each(shares.collect(), |_, (keys, ends)| {
            let starts = &starts[keys.start..=keys.end];
            let layout = &self.program.layout;
            let records = records::scatter(self.events, layout, ids, keys.start as u32, starts)?;
            Ok(Share { ends, records })
        });
        shares.into_iter().collect()
    }

    /// Cuts all that belongs to the pieces, each with its weight.
    fn pieces<'a>(
        &self,
        shares: &'a mut [Share],
        starts: &[u32],
        question_starts: &[u32],
        mut questions: &'a mut [Question],
        mut answers: &'a mut [u64],
    ) -> Vec<(u64, Piece<'a>)> {
        let (width, answer_width) = (self.program.layout.width(), self.program.shape.width());
        let mut pieces = Vec::new();
        let mut first_key = 0;
        for Share { ends, records } in shares {
            let mut records = records.as_mut_slice();
            for &end in ends.iter() {
                let keys = first_key..end;
                first_key = end;
                let weight = keys.clone().map(|key| work(starts, question_starts, key)).sum();
                let asked = of_keys(question_starts, &keys);
                let piece = Piece {
                    questions: take_first(&mut questions, asked),
                    answers: take_first(&mut answers, asked * answer_width),
                    records: take_first(&mut records, of_keys(starts, &keys) * width),
                    keys,
                };
                pieces.push((weight, piece));
            }
        }
        pieces
    }

    /// Answers the questions about the keys of a piece; gives its lists and faults.
    fn answer_piece(
        &self,
        run: &mut Run<'_>,
        mut piece: Piece<'_>,
        starts: &[u32],
        question_starts: &[u32],
    ) -> Result<(Vec<u64>, Vec<Fault>)> {
        let (width, shape) = (self.program.layout.width(), self.program.shape);
        stopped(self.options)?;
        for key in piece.keys {
            if key % 64 == 0 {
                stopped(self.options)?;
            }
            let asked = of_keys(question_starts, &(key..key + 1));
            let questions = take_first(&mut piece.questions, asked);
            sort_group(questions);
            let records = of_keys(starts, &(key..key + 1)) * width;
            let records = take_first(&mut piece.records, records);
            self.sort(records, width);
            let words = take_first(&mut piece.answers, asked * shape.width());
            run.answer(records, questions, &mut Rows { words, shape });
        }
        Ok((std::mem::take(&mut run.lists), std::mem::take(&mut run.faults)))
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

/// What answering all questions about a key costs, in events.
fn work(starts: &[u32], question_starts: &[u32], key: usize) -> u64 {
    /// A question costs about as much as this many events.
    const EVENTS_A_QUESTION: u64 = 8;
    let keys = key..key + 1;
    let (events, questions) = (of_keys(starts, &keys), of_keys(question_starts, &keys));
    1 + events as u64 + EVENTS_A_QUESTION * questions as u64
}

/// How much the starts give to some keys.
#[inline]
fn of_keys(starts: &[u32], keys: &Range<usize>) -> usize {
    (starts[keys.end] - starts[keys.start]) as usize
}

/// The first items, which are left out from then on.
#[inline]
fn take_first<'a, T>(items: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (first, rest) = std::mem::take(items).split_at_mut(count);
    *items = rest;
    first
}

/// Cuts the keys into at most `parts` ranges of about equal work; gives the end of each.
fn cut(starts: &[u32], question_starts: &[u32], parts: usize) -> Vec<usize> {
    let keys = starts.len() - 1;
    let total: u64 = (0..keys).map(|key| work(starts, question_starts, key)).sum();
    let mut ends = Vec::with_capacity(parts);
    let mut done = 0;
    for key in 0..keys {
        done += work(starts, question_starts, key);
        if done * parts as u64 >= total * (ends.len() as u64 + 1) {
            ends.push(key + 1);
        }
    }
    debug_assert!(ends.len() <= parts, "every range but the last has its share of work");
    ends
}

/// Shares pieces, given by their ends, out to at most `parts`, about equally many events to each.
fn share_out(ends: &[usize], starts: &[u32], parts: usize) -> Vec<Vec<usize>> {
    let total = starts.last().copied().map_or(0, u64::from);
    let mut shares: Vec<Vec<usize>> = Vec::with_capacity(parts);
    let mut open = Vec::new();
    for &end in ends {
        open.push(end);
        let enough = u64::from(starts[end]) * parts as u64 >= total * (shares.len() as u64 + 1);
        if enough && shares.len() + 1 < parts {
            shares.push(std::mem::take(&mut open));
        }
    }
    if !open.is_empty() {
        shares.push(open);
    }
    shares
}
