//! Checkpoints: the state at one epoch in redb, so that recovery need not fold the whole log.
//!
//! One transaction holds rows, tables, ids, keys, letters, facts and the epoch covered, or none of
//! them. A checkpoint is never the truth: without it the log gives the same state.

pub mod backend;
pub mod row;
pub mod runner;
pub mod store;

use serde::{Deserialize, Serialize};

use crate::state::facts::{SourceFacts, ViewFacts};

/// What a checkpoint says of itself and of everything that is not a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointMeta {
    /// Version of this format.
    pub format: u16,
    /// Hash of the namespace.
    pub namespace: u64,
    /// Term of the epoch covered.
    pub term: u64,
    /// Sequence of the epoch covered.
    pub sequence: u64,
    /// The blueprint in force, as JSON.
    pub blueprint: String,
    /// Sections whose state the rows hold: name and fingerprint.
    pub sections: Vec<(String, u128)>,
    /// Tables whose rows are held: name and version.
    pub tables: Vec<(String, String)>,
    /// Facts by name of the source, also of those that the definitions have no more.
    pub sources: Vec<(String, SourceFacts)>,
    /// Facts by name and version of the view.
    pub views: Vec<(String, String, ViewFacts)>,
}

/// Version of [`CheckpointMeta`] and of the keys in redb.
pub const FORMAT: u16 = 1;
