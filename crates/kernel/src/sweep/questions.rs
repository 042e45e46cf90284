//! The label rows, grouped by key and sorted by `t`: the questions that a sweep answers.
//!
//! Rows with a null key belong to no group; their answers are those of the empty window.

use super::directory::{Directory, Numbered};
use super::parallel;

/// The place of a label row without a key: no question is asked.
pub(super) const NO_ANSWER: u32 = u32::MAX;

/// One question: the instant asked about and the label row that asks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question {
    /// The instant asked about.
    pub(super) t: i64,
    /// The label row.
    pub(super) row: u32,
}

/// The questions in order of key number, then (once [`sort_group`] ran) of `t`.
pub(super) struct Questions {
    /// All questions.
    pub(super) all: Vec<Question>,
    /// Where each key's questions start; one more at the end.
    pub(super) starts: Vec<u32>,
}

impl Questions {
    /// Groups the rows of each part of a directory by key number, keeping their order within a key.
    pub(super) fn group(directory: &Directory<'_>, lists: &[Vec<Numbered>], times: &[i64]) -> Self {
        let count = lists.iter().map(Vec::len).sum();
        let mut all = vec![Question { t: 0, row: 0 }; count];
        let mut starts = vec![0_u32; directory.len() + 1];
        starts[directory.len()] = count as u32;
        let mut tasks = Vec::with_capacity(lists.len());
        let (mut all_left, mut starts_left) = (all.as_mut_slice(), starts.as_mut_slice());
        let mut start = 0;
        for (list, ids) in lists.iter().zip(directory.first_ids.windows(2)) {
            let (own, rest) = all_left.split_at_mut(list.len());
            let (own_starts, starts_rest) = starts_left.split_at_mut((ids[1] - ids[0]) as usize);
            (all_left, starts_left) = (rest, starts_rest);
            tasks.push(Group { list, first_id: ids[0], start, all: own, starts: own_starts });
            start += list.len() as u32;
        }
        parallel::each(tasks, |_, task| task.run(times));
        Self { all, starts }
    }

    /// The place of each of `rows` label rows among the questions; [`NO_ANSWER`] for those of none.
    pub(super) fn places(&self, rows: usize) -> Vec<u32> {
        let mut places = vec![NO_ANSWER; rows];
        for (place, question) in self.all.iter().enumerate() {
            places[question.row as usize] = place as u32;
        }
        places
    }

    /// The range of `t` asked about, both ends included; none without questions.
    pub(super) fn range(&self) -> Option<(i64, i64)> {
        let mut times = self.all.iter().map(|question| question.t);
        let first = times.next()?;
        Some(times.fold((first, first), |(low, high), t| (low.min(t), high.max(t))))
    }
}

/// The rows of one part and where their questions go.
struct Group<'a> {
    list: &'a [Numbered],
    first_id: u32,
    start: u32,
    all: &'a mut [Question],
    starts: &'a mut [u32],
}

impl Group<'_> {
    fn run(self, times: &[i64]) {
        for &(_, id) in self.list {
            self.starts[(id - self.first_id) as usize] += 1;
        }
        let mut next = Vec::with_capacity(self.starts.len());
        let mut place = 0;
        for start in self.starts {
            next.push(place);
            place += *start;
            *start = self.start + next[next.len() - 1];
        }
        for &(row, id) in self.list {
            let place = &mut next[(id - self.first_id) as usize];
            self.all[*place as usize] = Question { t: times[row as usize], row };
            *place += 1;
        }
    }
}

/// Sorts one key's questions by `t`.
pub(super) fn sort_group(group: &mut [Question]) {
    if !group.is_sorted() {
        group.sort_unstable();
    }
}
