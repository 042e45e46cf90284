//! Answers all questions about one key from its records, sorted by time.
//!
//! Questions go by in blocks, so that their rows of answers stay in the nearest cache through all
//! jobs. Of a block, first the cursors: for each question where its windows start and end among the
//! records; then each job of the program (`jobs`). It looks at times and filters, never at a value.

use arrow_array::{Array, StringArray};

use super::answers::{FAULTY, Fault, Rows};
use super::jobs;
use super::program::{Job, Program};
use super::questions::Question;
use super::records::place;
use super::staircase::Staircase;
use crate::{memory, window};

/// The string columns of a section, a list of chunks for each input that is a string.
pub(super) type Texts<'a> = Vec<Option<Vec<&'a StringArray>>>;

/// Questions of a block: 34 KiB of answers where there are 16 features.
const BLOCK_QUESTIONS: usize = 256;

/// Scratch space of one thread; holds nothing between two keys but its allocations.
pub(super) struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) texts: &'a Texts<'a>,
    times: Vec<i64>,
    /// The places of the last question, of its head and of each window's tail.
    cursors: Vec<usize>,
    /// For each question of the block, the first record after its windows.
    pub(super) heads: Vec<u32>,
    /// For each window and question of the block, the first record inside.
    pub(super) tails: Vec<Vec<u32>>,
    /// For each selection, its records.
    pub(super) chosen: Vec<Chosen>,
    /// For each job what it carries from block to block.
    works: Vec<Carried>,
    /// Lists: each its length, then its words; a row holds where it starts.
    pub(super) lists: Vec<u64>,
    /// Values that are null although data was there.
    pub(super) faults: Vec<Fault>,
}

/// What a job carries from one block of a key's questions to the next; which, the job knows.
#[derive(Default)]
pub(super) struct Carried {
    /// The sum of the chosen values before each record.
    pub(super) prefix: Vec<i128>,
    /// The steps over the chosen records up to the last question.
    pub(super) stairs: Staircase,
    /// The rank of the first record that the steps have not seen.
    pub(super) seen: u32,
}

/// The records of one selection.
#[derive(Default)]
pub(super) struct Chosen {
    /// How many records before each record are chosen; one more at the end.
    pub(super) ranks: Vec<u32>,
    /// The chosen records.
    pub(super) members: Vec<u32>,
}

/// The sorted records of one key, and the questions of a block.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) words: &'a [u64],
    pub(super) width: usize,
    pub(super) questions: &'a [Question],
}

impl Key<'_> {
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
            cursors: vec![0; 1 + program.windows.len()],
            heads: Vec::new(),
            tails: vec![Vec::new(); program.windows.len()],
            chosen: program.layout.selections.iter().map(|_| Chosen::default()).collect(),
            works: program.jobs.iter().map(|_| Carried::default()).collect(),
            lists: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Writes the answers to `questions` (sorted by `t`) about one key with records `words`.
    pub(super) fn answer(&mut self, words: &[u64], questions: &[Question], rows: &mut Rows<'_>) {
        let width = self.program.layout.width();
        let key = Key { words, width, questions };
        self.times.clear();
        memory::reserve(&mut self.times, words.len() / width);
        self.times.extend(words.chunks_exact(width).map(|record| record[0] as i64));
        self.choose(&key);
        self.begin(&key);
        self.cursors.fill(0);
        let answers = rows.words.chunks_mut(BLOCK_QUESTIONS * rows.shape.width());
        for (questions, words) in questions.chunks(BLOCK_QUESTIONS).zip(answers) {
            let key = Key { questions, ..key };
            self.place_cursors(questions);
            self.answer_block(&key, &mut Rows { words, shape: rows.shape });
        }
    }

    /// Prepares what the jobs carry.
    fn begin(&mut self, key: &Key<'_>) {
        for (job, carried) in self.program.jobs.iter().zip(&mut self.works) {
            carried.stairs.clear();
            carried.seen = 0;
            if let Job::Sum { word, number, selection, .. } = job {
                let flag = selection.map(|index| self.program.layout.flag(index));
                jobs::add_up(key, *word, *number, flag, &mut carried.prefix);
            }
        }
    }

    /// Answers the questions of a block, whose cursors are placed.
    fn answer_block(&mut self, key: &Key<'_>, rows: &mut Rows<'_>) {
        for (question, &head) in self.heads.iter().enumerate() {
            if self.tails.iter().any(|tails| tails[question] < head) {
                rows.put_found(question);
            }
        }
        let mut works = std::mem::take(&mut self.works);
        for (job, carried) in self.program.jobs.iter().zip(&mut works) {
            match job {
                Job::Count { selection, outputs } => self.count(*selection, outputs, rows),
                Job::Sum { number, selection, sums, means, .. } => {
                    let prefix = &carried.prefix;
                    self.sums(key, prefix, *number, *selection, sums, rows);
                    self.means(prefix, *number, *selection, means, rows);
                }
                Job::Extreme { source, selection, greatest, outputs } => {
                    self.extreme(key, carried, (*source, *selection, *greatest), outputs, rows);
                }
                Job::Ends { source, selection, ends } => {
                    self.ends(key, *source, *selection, ends, rows);
                }
            }
        }
        self.works = works;
        self.saturate(key.questions, rows);
    }

    /// Finds, for each question of a block, the first record after its windows and the first in
    /// each, from where the block before it ended.
    fn place_cursors(&mut self, questions: &[Question]) {
        let program = self.program;
        let times = self.times.as_slice();
        let end = |t| window::end(t, program.include_current);
        let [head, cursors @ ..] = self.cursors.as_mut_slice() else { return };
        *head = advance(times, *head, questions, end, &mut self.heads);
        let windows = program.windows.iter().zip(&mut self.tails);
        for ((window, tails), cursor) in windows.zip(cursors) {
            let start = |t| window.start(t, program.include_current);
            *cursor = advance(times, *cursor, questions, start, tails);
        }
    }

    /// Lists the records of each selection.
    fn choose(&mut self, key: &Key<'_>) {
        for (index, chosen) in self.chosen.iter_mut().enumerate() {
            let (word, bit) = self.program.layout.flag(index);
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

/// For each question the number of records before `bound(t)`, which never decreases; from the place
/// of the question before them, gives that of the last.
fn advance(
    times: &[i64],
    mut place: usize,
    questions: &[Question],
    bound: impl Fn(i64) -> i64,
    places: &mut Vec<u32>,
) -> usize {
    places.clear();
    places.extend(questions.iter().map(|question| {
        place += count_before(&times[place..], bound(question.t));
        place as u32
    }));
    place
}

/// How many of sorted times are before `bound`, found from the front: a few at a time without a
/// branch a time, as where it ends is not to be foreseen.
#[inline]
fn count_before(times: &[i64], bound: i64) -> usize {
    let (blocks, rest) = times.as_chunks::<8>();
    let before = |times: &[i64]| times.iter().map(|&time| usize::from(time < bound)).sum::<usize>();
    for (index, block) in blocks.iter().enumerate() {
        let count = before(block);
        if count < block.len() {
            return index * block.len() + count;
        }
    }
    times.len() - rest.len() + before(rest)
}

/// The string of an input at an address.
pub(super) fn text<'a>(texts: &Texts<'a>, input: usize, address: u64) -> &'a [u8] {
    let (chunk, row) = place(address);
    let chunks = texts[input].as_ref().expect("the input was compiled as a string");
    let array: &'a StringArray = chunks[chunk];
    debug_assert!(array.is_valid(row), "a null is in no selection");
    array.value(row).as_bytes()
}
