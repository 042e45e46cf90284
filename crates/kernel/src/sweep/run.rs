//! Answers all questions about one key from its records, sorted by time.
//!
//! First the cursors: for each question where its windows start and end among the records; then
//! each job in a loop of its own. All arithmetic on values is that of `fixed`, as in the state.

use std::cmp::Reverse;

use arrow_array::{Array, StringArray};

use super::answers::{EMPTY, FAULTY, Fault, Rows};
use super::program::{End, Job, Number, Output, Program, Source};
use super::questions::Question;
use super::records::place;
use super::staircase::Staircase;
use crate::fixed;
use crate::window;

/// The string columns of a section, a list of chunks for each input that is a string.
pub(super) type Texts<'a> = Vec<Option<Vec<&'a StringArray>>>;

/// Scratch space of one thread; holds nothing between two keys but its allocations.
pub(super) struct Run<'a> {
    program: &'a Program,
    texts: &'a Texts<'a>,
    times: Vec<i64>,
    heads: Vec<u32>,
    tails: Vec<Vec<u32>>,
    chosen: Vec<Chosen>,
    prefix: Vec<i128>,
    stairs: Staircase,
    /// Lists: each its length, then its words; a row holds where it starts.
    pub(super) lists: Vec<u64>,
    /// Values that are null although data was there.
    pub(super) faults: Vec<Fault>,
}

/// The records of one selection.
#[derive(Default)]
struct Chosen {
    /// How many records before each record are chosen; one more at the end.
    ranks: Vec<u32>,
    /// The chosen records.
    members: Vec<u32>,
}

/// The sorted records of one key.
#[derive(Clone, Copy)]
struct Key<'a> {
    words: &'a [u64],
    width: usize,
    questions: &'a [Question],
}

impl<'a> Key<'a> {
    fn word(&self, record: usize, word: usize) -> u64 {
        self.words[record * self.width + word]
    }
}

impl<'a> Run<'a> {
    /// A run of `program`; `texts` are the section's string inputs.
    pub(super) fn new(program: &'a Program, texts: &'a Texts<'a>) -> Self {
        Self {
            program,
            texts,
            times: Vec::new(),
            heads: Vec::new(),
            tails: vec![Vec::new(); program.windows.len()],
            chosen: program.layout.selections.iter().map(|_| Chosen::default()).collect(),
            prefix: Vec::new(),
            stairs: Staircase::default(),
            lists: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Writes the answers to `questions` (sorted by `t`) about one key with records `words`.
    pub(super) fn answer(&mut self, words: &[u64], questions: &[Question], rows: &mut Rows<'_>) {
        let program = self.program;
        let key = Key { words, width: program.layout.width(), questions };
        self.place_cursors(&key);
        self.choose(&key);
        for (question, &head) in self.heads.iter().enumerate() {
            if self.tails.iter().any(|tails| tails[question] < head) {
                rows.put_found(question);
            }
        }
        for job in &program.jobs {
            match job {
                Job::Count { selection, outputs } => self.count(*selection, outputs, rows),
                Job::Sum { word, number, selection, sums, means } => {
                    self.add_up(&key, *word, *number, *selection);
                    self.sums(&key, *number, *selection, sums, rows);
                    self.means(*number, *selection, means, rows);
                }
                Job::Extreme { source, selection, greatest, outputs } => {
                    self.extreme(&key, *source, *selection, *greatest, outputs, rows);
                }
                Job::Ends { source, selection, ends } => {
                    self.ends(&key, *source, *selection, ends, rows);
                }
            }
        }
        self.saturate(questions, rows);
    }

    /// Finds, for each question, the first record after its windows and the first in each.
    fn place_cursors(&mut self, key: &Key<'_>) {
        let program = self.program;
        self.times.clear();
        self.times.extend(key.words.chunks_exact(key.width).map(|record| record[0] as i64));
        let times = self.times.as_slice();
        self.heads.clear();
        let end = |t| window::end(t, program.include_current);
        advance(times, key.questions, end, &mut self.heads);
        for (window, tails) in program.windows.iter().zip(&mut self.tails) {
            tails.clear();
            let start = |t| window.start(t, program.include_current);
            advance(times, key.questions, start, tails);
        }
    }

    /// Lists the records of each selection.
    fn choose(&mut self, key: &Key<'_>) {
        let flags = self.program.layout.flags();
        for (index, chosen) in self.chosen.iter_mut().enumerate() {
            let (word, bit) = (flags + index / 64, index % 64);
            chosen.ranks.clear();
            chosen.members.clear();
            for (record, words) in key.words.chunks_exact(key.width).enumerate() {
                chosen.ranks.push(chosen.members.len() as u32);
                if words[word] >> bit & 1 == 1 {
                    chosen.members.push(record as u32);
                }
            }
            chosen.ranks.push(chosen.members.len() as u32);
        }
    }

    /// The ranks, within a selection, of a window's first record and of the first after it.
    #[inline]
    fn bounds(&self, selection: Option<usize>, window: usize, question: usize) -> (u32, u32) {
        let (tail, head) = (self.tails[window][question], self.heads[question]);
        match selection {
            None => (tail, head.max(tail)),
            Some(index) => {
                let ranks = &self.chosen[index].ranks;
                (ranks[tail as usize], ranks[head.max(tail) as usize])
            }
        }
    }

    fn count(&self, selection: Option<usize>, outputs: &[Output], rows: &mut Rows<'_>) {
        for output in outputs {
            for question in 0..self.heads.len() {
                let (low, high) = self.bounds(selection, output.window, question);
                rows.put(question, output.feature, u64::from(high - low));
            }
        }
    }

    /// Fills `prefix`: the sum of the chosen values before each record.
    fn add_up(&mut self, key: &Key<'_>, word: usize, number: Number, selection: Option<usize>) {
        let (flag, bit) = match selection {
            None => (0, 0),
            Some(index) => (self.program.layout.flags() + index / 64, index % 64),
        };
        let every = selection.is_none();
        let mut sum = 0_i128;
        self.prefix.clear();
        self.prefix.push(0);
        let records = key.words.chunks_exact(key.width);
        let chosen = |record: &[u64]| every || record[flag] >> bit & 1 == 1;
        match number {
            Number::Integer => self.prefix.extend(records.map(|record| {
                sum += if chosen(record) { i128::from(record[word] as i64) } else { 0 };
                sum
            })),
            Number::Float { scale_exponent } => {
                let scale = fixed::narrow_scale(scale_exponent);
                self.prefix.extend(records.map(|record| {
                    if chosen(record) {
                        sum += to_fixed(f64::from_bits(record[word]), scale, scale_exponent);
                    }
                    sum
                }));
            }
        }
    }

    #[inline]
    fn sum(&self, window: usize, question: usize) -> i128 {
        let (tail, head) = (self.tails[window][question], self.heads[question]);
        self.prefix[head.max(tail) as usize] - self.prefix[tail as usize]
    }

    fn sums(
        &mut self,
        key: &Key<'_>,
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
                let sum = self.sum(output.window, question);
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

    fn means(
        &self,
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
                let sum = self.sum(output.window, question);
                let mean = fixed::mean_to_f64(sum, u64::from(high - low), scale_exponent);
                rows.put(question, output.feature, mean.to_bits());
            }
        }
    }

    fn extreme(
        &mut self,
        key: &Key<'_>,
        source: Source,
        selection: Option<usize>,
        greatest: bool,
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
                self.climb(selection, outputs, rows, value, answer);
            }
            Source::Text { input } => {
                let texts = self.texts;
                let address = |record: u32| key.word(record as usize, key.width - 1);
                let value = |record: u32| text(texts, input, address(record));
                if greatest {
                    self.climb(selection, outputs, rows, value, address);
                } else {
                    self.climb(selection, outputs, rows, |record| Reverse(value(record)), address);
                }
            }
        }
    }

    /// Walks the questions with a staircase over the chosen records; `value` is what rises.
    fn climb<K: Ord>(
        &mut self,
        selection: Option<usize>,
        outputs: &[Output],
        rows: &mut Rows<'_>,
        value: impl Fn(u32) -> K,
        answer: impl Fn(u32) -> u64,
    ) {
        let mut stairs = std::mem::take(&mut self.stairs);
        stairs.clear();
        let mut seen = 0;
        for (question, &head) in self.heads.iter().enumerate() {
            let rank = |record: u32| match selection {
                None => record,
                Some(index) => self.chosen[index].ranks[record as usize],
            };
            // What no window of this question reaches, none of a later one does.
            let tails = outputs.iter().map(|output| self.tails[output.window][question]);
            let reached = tails.min().unwrap_or(head).min(head);
            let new = seen.max(rank(reached))..rank(head);
            seen = seen.max(new.end);
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
        self.stairs = stairs;
    }

    fn ends(
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

    /// Nulls the features of exact windows that hold more events than the view keeps.
    fn saturate(&mut self, questions: &[Question], rows: &mut Rows<'_>) {
        for (window, features) in &self.program.bounded {
            for (question, asked) in questions.iter().enumerate() {
                let (low, high) = self.bounds(None, *window, question);
                if u64::from(high - low) <= self.program.events_max {
                    continue;
                }
                for &feature in features {
                    rows.put_null(question, feature, FAULTY);
                    let feature = feature as u32;
                    self.faults.push(Fault { row: asked.row, feature, saturated: true });
                }
            }
        }
    }
}

/// For each question the number of records before `bound(t)`, which never decreases.
fn advance(
    times: &[i64],
    questions: &[Question],
    bound: impl Fn(i64) -> i64,
    places: &mut Vec<u32>,
) {
    let mut place = 0;
    places.extend(questions.iter().map(|question| {
        let bound = bound(question.t);
        while place < times.len() && times[place] < bound {
            place += 1;
        }
        place as u32
    }));
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

/// The string of an input at an address.
pub(super) fn text<'a>(texts: &Texts<'a>, input: usize, address: u64) -> &'a [u8] {
    let (chunk, row) = place(address);
    let chunks = texts[input].as_ref().expect("the input was compiled as a string");
    let array: &'a StringArray = chunks[chunk];
    debug_assert!(array.is_valid(row), "a null is in no selection");
    array.value(row).as_bytes()
}
