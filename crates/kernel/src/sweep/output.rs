//! Brings rows of answers, in order of key, into columns of words in the order of the label rows:
//! each row is read once, each column written in order. What the words mean is no matter here.

use std::mem::MaybeUninit;

use arrow_array::ArrayRef;
use arrow_buffer::{BooleanBuffer, Buffer};

use super::answers::RowShape;
use super::columns::Column;
use super::parallel;
use super::questions::NO_ANSWER;
use super::run::Texts;
use crate::error::Result;
use crate::memory;
use crate::plan::FeaturePlan;
use crate::prefetch::prefetch;

/// Rows gathered at one time: a cache line of each column is then written at once, and columns that
/// lie a multiple of the page size apart do not push each other out of the cache.
const BLOCK_ROWS: usize = 8;

/// Rows of answers of all keys, with the lists that they point to.
pub(super) struct Answers {
    /// The words of all rows, in order of key.
    pub(super) words: Vec<u64>,
    /// The shape of a row.
    pub(super) shape: RowShape,
    /// The answers of no event at all.
    pub(super) empty: Vec<u64>,
    /// The row of each label row; [`NO_ANSWER`] for one without a key.
    pub(super) places: Vec<u32>,
    /// For each range of keys, the end of its rows, and its lists.
    pub(super) lists: Vec<(u32, Vec<u64>)>,
}

/// The words of all features by column, label row by label row.
pub(super) struct Gathered {
    columns: Vec<Vec<u64>>,
    /// Bits for null of each column, then those of `found`.
    marks: Vec<Vec<u64>>,
    rows: usize,
}

impl Answers {
    /// Brings the answers into the order of the label rows, on `threads` threads.
    pub(super) fn gather(&self, threads: usize) -> Gathered {
        let rows = self.places.len();
        let features = self.shape.features;
        let mut columns: Vec<Vec<u64>> = (0..features).map(|_| memory::room(rows)).collect();
        let mut marks: Vec<Vec<u64>> = (0..=features).map(|_| vec![0; rows.div_ceil(64)]).collect();
        // Whole words of marks: no two threads write into one.
        let step = rows.div_ceil(threads).next_multiple_of(64).max(64);
        let mut tasks: Vec<Task<'_>> = (self.places.chunks(step))
            .map(|places| Task { places, columns: Vec::new(), marks: Vec::new() })
            .collect();
        for column in &mut columns {
            let room = &mut column.spare_capacity_mut()[..rows];
            for (task, part) in tasks.iter_mut().zip(room.chunks_mut(step)) {
                task.columns.push(part);
            }
        }
        for column in &mut marks {
            for (task, part) in tasks.iter_mut().zip(column.chunks_mut(step / 64)) {
                task.marks.push(part);
            }
        }
        let written: usize = parallel::each(tasks, |_, task| self.gather_part(task)).iter().sum();
        assert_eq!(written, rows, "every label row is answered");
        for column in &mut columns {
            // SAFETY: the tasks' parts are the first `rows` words of each column, and every task
            // has written its whole part.
            unsafe { column.set_len(rows) };
        }
        Gathered { columns, marks, rows }
    }

    /// Writes every word of the task's columns; gives the number of its rows.
    fn gather_part(&self, mut task: Task<'_>) -> usize {
        let features = self.shape.features;
        let width = self.shape.width();
        let mut rows: [&[u64]; BLOCK_ROWS] = [&[]; BLOCK_ROWS];
        for (block, places) in task.places.chunks(BLOCK_ROWS).enumerate() {
            let first = block * BLOCK_ROWS;
            let ahead = task.places.get(first + 2 * BLOCK_ROWS..).unwrap_or_default();
            for &place in ahead.iter().take(BLOCK_ROWS) {
                let row = place as usize * width;
                (row..row + width).step_by(8).for_each(|word| prefetch(&self.words, word));
            }
            for (row, &place) in rows.iter_mut().zip(places) {
                *row = match place {
                    NO_ANSWER => self.empty.as_slice(),
                    place => &self.words[place as usize * width..][..width],
                };
            }
            let rows = &rows[..places.len()];
            for (feature, column) in task.columns.iter_mut().enumerate() {
                let column = &mut column[first..first + rows.len()];
                for (word, row) in column.iter_mut().zip(rows) {
                    word.write(row[feature]);
                }
            }
            for (offset, words) in rows.iter().enumerate() {
                let row = first + offset;
                for (group, &marks) in words[features..].iter().enumerate() {
                    let mut set = marks;
                    while set != 0 {
                        let feature = group * 64 + set.trailing_zeros() as usize;
                        task.marks[feature][row / 64] |= 1 << (row % 64);
                        set &= set - 1;
                    }
                }
            }
        }
        task.places.len()
    }

    /// The words of the list that the answer of a label row points to.
    pub(super) fn list(&self, row: usize, word: u64) -> &[u64] {
        let place = self.places[row];
        let range = self.lists.partition_point(|&(end, _)| end <= place);
        let lists = &self.lists[range].1;
        let start = word as usize;
        &lists[start + 1..start + 1 + lists[start] as usize]
    }
}

/// A range of label rows with its parts of all columns.
struct Task<'a> {
    places: &'a [u32],
    /// Not written yet.
    columns: Vec<&'a mut [MaybeUninit<u64>]>,
    marks: Vec<&'a mut [u64]>,
}

impl Gathered {
    /// Which label rows found their key.
    pub(super) fn found(&self) -> BooleanBuffer {
        let marks = &self.marks[self.marks.len() - 1];
        BooleanBuffer::new(Buffer::from_vec(marks.clone()), 0, self.rows)
    }

    /// The columns of a view's features.
    pub(super) fn columns(
        mut self,
        features: &[FeaturePlan],
        answers: &Answers,
        texts: &Texts<'_>,
    ) -> Result<Vec<ArrayRef>> {
        let mut arrays = Vec::with_capacity(features.len());
        for (index, feature) in features.iter().enumerate() {
            let words = std::mem::take(&mut self.columns[index]);
            let nulls = std::mem::take(&mut self.marks[index]);
            let column = Column { words, nulls, feature, answers, texts };
            arrays.push(column.finish()?);
        }
        Ok(arrays)
    }
}
