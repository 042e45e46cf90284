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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::idempotency::Remembered;
    use crate::letters::{Letter, LetterKey, Status};
    use crate::log::Location;
    use crate::log::record::{decode_meta, encode_meta};

    const GOLDEN: &[u8] = include_bytes!("../../tests/golden/checkpoint_v1.bin");

    type Sample = (CheckpointMeta, LetterKey, Letter, Remembered);

    fn sample() -> Sample {
        let mut facts =
            SourceFacts { next_offset: 9, sealed_at: Some(5), ..SourceFacts::default() };
        facts.rejected.insert("malformed".into(), 2);
        let views = ViewFacts { beyond_windows: 3, ..ViewFacts::default() };
        let meta = CheckpointMeta {
            format: FORMAT,
            namespace: 7,
            term: 2,
            sequence: 40,
            blueprint: "{}".into(),
            sections: vec![("Ride(user)->user:str".into(), 11)],
            tables: vec![("Place".into(), "1".into())],
            sources: vec![("Ride".into(), facts)],
            views: vec![("Rides".into(), "1".into(), views)],
        };
        let key = LetterKey {
            source: "Ride".into(),
            partition: 0,
            offset: 8,
            view: Some("Rides".into()),
        };
        let letter = Letter {
            cause: "expression".into(),
            message: "no".into(),
            wall_at: 6,
            location: Location { segment: 1, offset: 80 },
            row: 3,
            status: Status::Replayed(9),
        };
        (meta, key, letter, Remembered { first_offset: 1, rows: 2, wall_at: 3 })
    }

    /// The bytes of format 1. If this fails, old checkpoints cannot be read.
    #[test]
    fn the_bytes_of_format_1_stay() {
        let written = encode_meta(&sample());
        if std::env::var_os("HEADWATER_WRITE_GOLDEN").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/checkpoint_v1.bin");
            std::fs::write(path, &written).expect("write");
        }
        assert_eq!(written, GOLDEN);
        assert_eq!(decode_meta::<Sample>(GOLDEN).expect("readable"), sample());
    }
}
