//! Where answers are written while a range of keys is swept: a row of words a question.
//!
//! A row holds one word a feature and one bit a feature for null, so that a question's whole answer
//! lies together; `output` turns rows into columns.

use crate::value::Status;

/// Null because nothing was there: a declared default replaces it.
pub(super) const EMPTY: u64 = 0;
/// Null for a reason that a status tells: no default replaces it.
pub(super) const FAULTY: u64 = 1;

/// A value that is null although data was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    /// The label row.
    pub(super) row: u32,
    /// Index of the feature in the view.
    pub(super) feature: u32,
    /// Is it saturated (else overflowed)?
    pub(super) saturated: bool,
}

impl Fault {
    /// The status that tells it.
    pub(super) fn status(self) -> Status {
        if self.saturated { Status::Saturated } else { Status::Overflow }
    }
}

/// The shape of a row of answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowShape {
    /// Features of the view.
    pub(super) features: usize,
}

impl RowShape {
    /// Words of a row: a word a feature, then the bits for null, one more for `found`.
    pub(super) fn width(self) -> usize {
        self.features + (self.features + 1).div_ceil(64)
    }

    /// Word and bit that tell whether a feature is null; those of number `features` tell `found`.
    #[inline]
    pub(super) fn mark(self, feature: usize) -> (usize, u64) {
        (self.features + feature / 64, 1 << (feature % 64))
    }
}

/// The rows of the questions of one key.
pub(super) struct Rows<'a> {
    /// Their words.
    pub(super) words: &'a mut [u64],
    /// Their shape.
    pub(super) shape: RowShape,
}

impl Rows<'_> {
    /// Writes a value.
    #[inline]
    pub(super) fn put(&mut self, question: usize, feature: usize, word: u64) {
        self.words[question * self.shape.width() + feature] = word;
    }

    /// Writes a null: [`EMPTY`] or [`FAULTY`].
    #[inline]
    pub(super) fn put_null(&mut self, question: usize, feature: usize, why: u64) {
        self.put(question, feature, why);
        self.mark(question, feature);
    }

    /// Marks the question's key as found.
    #[inline]
    pub(super) fn put_found(&mut self, question: usize) {
        self.mark(question, self.shape.features);
    }

    #[inline]
    fn mark(&mut self, question: usize, feature: usize) {
        let (word, bit) = self.shape.mark(feature);
        self.words[question * self.shape.width() + word] |= bit;
    }
}
