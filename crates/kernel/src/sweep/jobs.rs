//! The jobs of a sweep over one key: counts, sums, extremes and ends, each in a loop of its own
//! over the questions, between the cursors that `run` has placed.
//!
//! All arithmetic on values is that of `fixed`, as in the state; nothing here looks at time.

use std::cmp::Reverse;

use super::answers::{EMPTY, FAULTY, Fault, Rows};
use super::program::{End, Number, Output, Source};
use super::run::{Carried, Key, Run, text};
use crate::{fixed, memory};

impl Run<'_> {
    /// Counts the events of each window.
    pub(super) fn count(&self, selection: Option<usize>, outputs: &[Output], rows: &mut Rows<'_>) {
        for output in outputs {
            for question in 0..self.heads.len() {
                let (low, high) = self.bounds(selection, output.window, question);
                rows.put(question, output.feature, u64::from(high - low));
            }
        }
    }

    #[inline]
    fn sum(&self, prefix: &[i128], window: usize, question: usize) -> i128 {
        let (tail, head) = (self.tails[window][question], self.heads[question]);
        prefix[head.max(tail) as usize] - prefix[tail as usize]
    }

    /// Sums as the differences of two prefixes; an integer that does not fit is a fault.
    pub(super) fn sums(
        &mut self,
        key: &Key<'_>,
        prefix: &[i128],
        number: Number,
        selection: Option<usize>,
        outputs: &[Output],
        rows: &mut Rows<'_>,
    ) {
        for output in outputs {
            for question in 0..self.heads.len() {
                let (low, high) = self.bounds(selection, output.window, question);
                if low == high {
                    rows.put_null(question, output.feature, EMPTY);
                    continue;
                }
                let sum = self.sum(prefix, output.window, question);
                match (number, i64::try_from(sum)) {
                    (Number::Float { scale_exponent }, _) => {
                        let value = fixed::sum_to_f64(sum, scale_exponent);
                        rows.put(question, output.feature, value.to_bits());
                    }
                    (Number::Integer, Ok(sum)) => rows.put(question, output.feature, sum as u64),
                    (Number::Integer, Err(_)) => {
                        rows.put_null(question, output.feature, FAULTY);
                        let row = key.questions[question].row;
                        let feature = output.feature as u32;
                        self.faults.push(Fault { row, feature, saturated: false });
                    }
                }
            }
        }
    }

    /// Means: the nearest double to the exact rational.
    pub(super) fn means(
        &self,
        prefix: &[i128],
        number: Number,
        selection: Option<usize>,
        outputs: &[Output],
        rows: &mut Rows<'_>,
    ) {
        let scale_exponent = match number {
            Number::Integer => 0,
            Number::Float { scale_exponent } => scale_exponent,
        };
        for output in outputs {
            for question in 0..self.heads.len() {
                let (low, high) = self.bounds(selection, output.window, question);
                if low == high {
                    rows.put_null(question, output.feature, EMPTY);
                    continue;
                }
                let sum = self.sum(prefix, output.window, question);
                let mean = fixed::mean_to_f64(sum, u64::from(high - low), scale_exponent);
                rows.put(question, output.feature, mean.to_bits());
            }
        }
    }

    /// The greatest or the least value of each window.
    pub(super) fn extreme(
        &self,
        key: &Key<'_>,
        carried: &mut Carried,
        (source, selection, greatest): (Source, Option<usize>, bool),
        outputs: &[Output],
        rows: &mut Rows<'_>,
    ) {
        match source {
            Source::Word { word, float } => {
                let value = |record: u32| {
                    let bits = key.word(record as usize, word);
                    let rising = if float { rising(bits) } else { bits as i64 };
                    if greatest { rising } else { !rising }
                };
                let answer = |record: u32| key.word(record as usize, word);
                self.climb(carried, selection, outputs, rows, value, answer);
            }
            Source::Text { input } => {
                let texts = self.texts;
                let address = |record: u32| key.word(record as usize, key.width - 1);
                let value = |record: u32| text(texts, input, address(record));
                if greatest {
                    self.climb(carried, selection, outputs, rows, value, address);
                } else {
                    self.climb(
                        carried,
                        selection,
                        outputs,
                        rows,
                        |record| Reverse(value(record)),
                        address,
                    );
                }
            }
        }
    }

    /// Walks the questions with a staircase over the chosen records; `value` is what rises.
    fn climb<K: Ord>(
        &self,
        carried: &mut Carried,
        selection: Option<usize>,
        outputs: &[Output],
        rows: &mut Rows<'_>,
        value: impl Fn(u32) -> K,
        answer: impl Fn(u32) -> u64,
    ) {
        let Carried { stairs, seen, .. } = carried;
        for (question, &head) in self.heads.iter().enumerate() {
            let rank = |record: u32| match selection {
                None => record,
                Some(index) => self.chosen[index].ranks[record as usize],
            };
            // What no window of this question reaches, none of a later one does.
            let tails = outputs.iter().map(|output| self.tails[output.window][question]);
            let reached = tails.min().unwrap_or(head).min(head);
            let new = (*seen).max(rank(reached))..rank(head);
            *seen = (*seen).max(new.end);
            match selection {
                None => stairs.extend(new.rev(), &value),
                Some(index) => {
                    let members = &self.chosen[index].members;
                    stairs.extend(new.rev().map(|rank| members[rank as usize]), &value);
                }
            }
            for output in outputs {
                match stairs.greatest_from(self.tails[output.window][question]) {
                    Some(record) => rows.put(question, output.feature, answer(record)),
                    None => rows.put_null(question, output.feature, EMPTY),
                }
            }
        }
    }

    /// The first, the last or the n latest values of each window.
    pub(super) fn ends(
        &mut self,
        key: &Key<'_>,
        source: Source,
        selection: Option<usize>,
        ends: &[(Output, End)],
        rows: &mut Rows<'_>,
    ) {
        let from = match source {
            Source::Word { word, .. } => word,
            Source::Text { .. } => key.width - 1,
        };
        for (output, end) in ends {
            for question in 0..self.heads.len() {
                let (low, high) = self.bounds(selection, output.window, question);
                if low == high {
                    rows.put_null(question, output.feature, EMPTY);
                    continue;
                }
                let member = |rank: u32| match selection {
                    None => rank as usize,
                    Some(index) => self.chosen[index].members[rank as usize] as usize,
                };
                let (first, last) = match end {
                    End::First => {
                        rows.put(question, output.feature, key.word(member(low), from));
                        continue;
                    }
                    End::Last => {
                        rows.put(question, output.feature, key.word(member(high - 1), from));
                        continue;
                    }
                    End::Latest(n) => (low.max(high.saturating_sub(*n)), high),
                };
                rows.put(question, output.feature, self.lists.len() as u64);
                self.lists.push(u64::from(last - first));
                self.lists.extend((first..last).map(|rank| key.word(member(rank), from)));
            }
        }
    }
}

/// Fills `prefix` for sums and means: the sum of the chosen values before each record. `flag` is
/// the word and bit that tell a chosen one; none: all are.
pub(super) fn add_up(
    key: &Key<'_>,
    word: usize,
    number: Number,
    flag: Option<(usize, usize)>,
    prefix: &mut Vec<i128>,
) {
    let records = key.words.chunks_exact(key.width);
    let chosen = |record: &[u64]| flag.is_none_or(|(flag, bit)| record[flag] >> bit & 1 == 1);
    let mut sum = 0_i128;
    prefix.clear();
    memory::reserve(prefix, records.len() + 1);
    prefix.push(0);
    match number {
        Number::Integer => prefix.extend(records.map(|record| {
            sum += if chosen(record) { i128::from(record[word] as i64) } else { 0 };
            sum
        })),
        Number::Float { scale_exponent } => {
            let scale = fixed::narrow_scale(scale_exponent);
            prefix.extend(records.map(|record| {
                if chosen(record) {
                    sum += to_fixed(f64::from_bits(record[word]), scale, scale_exponent);
                }
                sum
            }));
        }
    }
}

/// The order of doubles as the order of integers; there is no NaN and no -0.0.
#[inline]
fn rising(bits: u64) -> i64 {
    let bits = bits as i64;
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

#[inline]
fn to_fixed(value: f64, scale: f64, scale_exponent: i32) -> i128 {
    match fixed::to_fixed_narrow(value, scale) {
        Some(narrow) => i128::from(narrow),
        None => fixed::to_fixed(value, scale_exponent)
            .expect("a float outside the range of its scale is no accepted value"),
    }
}
