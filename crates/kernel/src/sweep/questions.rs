//! The label rows, grouped by key and sorted by `t`: the questions that a sweep answers.
//!
//! Rows with a null key belong to no group; their answers are those of the empty window.

use super::directory::NONE;

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
    /// Groups the rows by key number, keeping their order within a key.
    pub(super) fn group(ids: &[u32], times: &[i64], keys: usize) -> Self {
        let mut starts = vec![0_u32; keys + 1];
        for &id in ids.iter().filter(|&&id| id != NONE) {
            starts[id as usize + 1] += 1;
        }
        for key in 0..keys {
            starts[key + 1] += starts[key];
        }
        let mut next = starts.clone();
        let mut all = vec![Question { t: 0, row: 0 }; starts[keys] as usize];
        for (row, (&id, &t)) in ids.iter().zip(times).enumerate() {
            if id != NONE {
                let place = &mut next[id as usize];
                all[*place as usize] = Question { t, row: row as u32 };
                *place += 1;
            }
        }
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

/// Sorts one key's questions by `t`.
pub(super) fn sort_group(group: &mut [Question]) {
    if !group.is_sorted() {
        group.sort_unstable();
    }
}
