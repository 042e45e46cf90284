//! What is known of a source and of a view besides values: positions, instants, counts, quality.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::log::record::{EpochMeta, QualityMeta};

/// Names of unknown columns that are remembered for a source; further ones are only counted.
const UNKNOWN_NAMES_MAX: usize = 100;

/// Facts of a stream or table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// The next offset of partition 0.
    pub next_offset: u64,
    /// S: `visible_at` of the last epoch with accepted rows.
    pub sealed_at: Option<i64>,
    /// `visible_at` of the last epoch.
    pub visible_at: Option<i64>,
    /// Highest event time of an accepted event; of a table its last arrival.
    pub newest_event_at: Option<i64>,
    /// Were any arrivals taken from event times?
    pub simulated: bool,
    /// Rows accepted.
    pub accepted: u64,
    /// Rows dropped because their id had been there.
    pub duplicates: u64,
    /// Rows refused, by cause.
    pub rejected: BTreeMap<String, u64>,
    /// NaN and infinities read as null.
    pub not_finite: u64,
    /// Values of columns that the definitions do not have.
    pub unknown_values: u64,
    /// Names of such columns.
    pub unknown_names: BTreeSet<String>,
    /// Floats that are no multiple of their scale.
    pub rounded: u64,
    /// The most that one of them lost.
    pub rounding_max: f64,
}

/// Facts of a view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewFacts {
    /// Events that it keeps but that none of its windows could reach when they came.
    pub beyond_windows: u64,
    /// Events that it left out, by cause.
    pub left_out: BTreeMap<String, u64>,
}

impl SourceFacts {
    /// Adds an epoch; `newest_event_at` is the highest event time among its accepted rows.
    pub fn add(&mut self, meta: &EpochMeta, newest_event_at: Option<i64>) {
        self.next_offset = self.next_offset.max(meta.first_offset + u64::from(meta.rows));
        self.visible_at = self.visible_at.max(Some(meta.visible_at));
        if meta.accepted_count() > 0 {
            self.sealed_at = self.sealed_at.max(Some(meta.visible_at));
            self.simulated |= meta.simulated;
        }
        self.newest_event_at = self.newest_event_at.max(newest_event_at);
        self.accepted += meta.accepted_count();
        self.duplicates += meta.duplicate_count();
        for rejected in &meta.rejected {
            *self.rejected.entry(rejected.cause.clone()).or_default() += 1;
        }
        self.add_quality(&meta.quality);
    }

    fn add_quality(&mut self, quality: &QualityMeta) {
        self.not_finite += quality.not_finite;
        self.unknown_values += quality.unknown_values;
        self.rounded += quality.rounded;
        self.rounding_max = self.rounding_max.max(quality.rounding_max);
        for name in &quality.unknown_names {
            if self.unknown_names.len() < UNKNOWN_NAMES_MAX {
                self.unknown_names.insert(name.clone());
            }
        }
    }
}
