//! What was tolerated while decoding: counters for the stream's quality figures. They decide
//! nothing; a figure here must never change a value.

use std::collections::BTreeSet;

/// Most names of unknown columns that are remembered; further ones are only counted.
pub const UNKNOWN_NAMES_MAX: usize = 32;

/// Quality figures of one batch, or the sum of many.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quality {
    /// NaN and infinite values that were taken as null.
    pub not_finite: u64,
    /// Values in columns that the definition does not know; they are ignored.
    pub unknown_values: u64,
    /// Names of such columns, at most [`UNKNOWN_NAMES_MAX`].
    pub unknown_names: BTreeSet<String>,
    /// Float values that are not a multiple of their column's scale, so that sums round them.
    pub rounded: u64,
    /// The most that one of them loses by rounding, in the column's own unit.
    pub rounding_max: f64,
}

impl Quality {
    /// Adds the figures of another batch.
    pub fn add(&mut self, other: &Quality) {
        self.not_finite += other.not_finite;
        self.unknown_values += other.unknown_values;
        self.rounded += other.rounded;
        self.rounding_max = self.rounding_max.max(other.rounding_max);
        for name in &other.unknown_names {
            self.remember(name);
        }
    }

    /// Counts `values` values of an unknown column.
    pub fn unknown(&mut self, name: &str, values: u64) {
        self.unknown_values += values;
        if values > 0 && !self.unknown_names.contains(name) {
            self.remember(name);
        }
    }

    fn remember(&mut self, name: &str) {
        if self.unknown_names.len() < UNKNOWN_NAMES_MAX {
            self.unknown_names.insert(name.to_owned());
        }
    }
}
