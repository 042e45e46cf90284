//! What a push answers: what became of its rows, and where they lie.

use headwater_store::online::Positions;
use serde_json::{Value as Json, json};

/// What became of a push; all of it is durable and visible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Rows accepted by this push.
    pub accepted: u64,
    /// Rows that had been there: a repeated id, or a repeat of the whole push.
    pub duplicates: u64,
    /// Rows refused, by row of the push.
    pub rejected: Vec<RejectedRow>,
    /// `[first, end)` of the offsets that its rows took, refused and repeated ones included.
    pub positions: Positions,
}

/// A row refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// Row of the push, from 0.
    pub row: u32,
    /// Name of the cause.
    pub cause: String,
    /// What was wrong.
    pub message: String,
}

impl Receipt {
    /// The receipt as every surface shows it.
    pub fn to_json(&self) -> Json {
        let rejected: Vec<Json> = self
            .rejected
            .iter()
            .map(|r| json!({"row": r.row, "cause": r.cause, "message": r.message}))
            .collect();
        json!({
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": rejected,
            "positions": self.positions,
        })
    }
}
