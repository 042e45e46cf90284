//! Answers all questions about one key from its records, sorted by time.
//!
//! First the cursors: for each question where its windows start and end among the records; then
//! each job of the program (`jobs`). It looks at times and filters only, never at a value.

use arrow_array::{Array, StringArray};

use super::answers::{FAULTY, Fault, Rows};
use super::program::{Job, Program};
use super::questions::Question;
use super::records::place;
use super::staircase::Staircase;
use crate::window;

/// The string columns of a section, a list of chunks for each input that is a string.
pub(super) type Texts<'a> = Vec<Option<Vec<&'a StringArray>>>;

/// Scratch space of one thread; holds nothing between two keys but its allocations.
pub(super) struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) texts: &'a Texts<'a>,
    times: Vec<i64>,
    /// For each question, the first record after its windows.
    pub(super) heads: Vec<u32>,
    /// For each window and question, the first record inside.
    pub(super) tails: Vec<Vec<u32>>,
    /// For each selection, its records.
    pub(super) chosen: Vec<Chosen>,
    /// The sum of the chosen values before each record.
    pub(super) prefix: Vec<i128>,
    pub(super) stairs: Staircase,
    /// Lists: each its length, then its words; a row holds where it starts.
    pub(super) lists: Vec<u64>,
    /// Values that are null although data was there.
    pub(super) faults: Vec<Fault>,
}

/// The records of one selection.
#[derive(Default)]
pub(super) struct Chosen {
    /// How many records before each record are chosen; one more at the end.
    pub(super) ranks: Vec<u32>,
    /// The chosen records.
    pub(super) members: Vec<u32>,
}

/// The sorted records of one key.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) words: &'a [u64],
    pub(super) width: usize,
    pub(super) questions: &'a [Question],
}

impl<'a> Key<'a> {
    /// A word of a record.
    #[inline]
    pub(super) fn word(&self, record: usize, word: usize) -> u64 {
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
    pub(super) fn bounds(
        &self,
        selection: Option<usize>,
        window: usize,
        question: usize,
    ) -> (u32, u32) {
        let (tail, head) = (self.tails[window][question], self.heads[question]);
        match selection {
            None => (tail, head.max(tail)),
            Some(index) => {
                let ranks = &self.chosen[index].ranks;
                (ranks[tail as usize], ranks[head.max(tail) as usize])
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

/// The string of an input at an address.
pub(super) fn text<'a>(texts: &Texts<'a>, input: usize, address: u64) -> &'a [u8] {
    let (chunk, row) = place(address);
    let chunks = texts[input].as_ref().expect("the input was compiled as a string");
    let array: &'a StringArray = chunks[chunk];
    debug_assert!(array.is_valid(row), "a null is in no selection");
    array.value(row).as_bytes()
}
