//! Acceptance: which rows of a push become events, decided once and recorded in the epoch.
//!
//! Decoding has been done before; here come repeated pushes, repeated ids and acceptance by time.
//! Only the writer calls this. It must never look at views.

pub mod form;
pub mod idempotency;
pub mod ids;
pub mod rows;
pub mod stamps;

use crate::decode::Decoded;

/// A decoded push on its way to the writer.
#[derive(Debug)]
pub struct Push {
    /// Index of the source: streams, then tables.
    pub source: usize,
    /// Its rows.
    pub decoded: Decoded,
    /// Were arrivals taken from event times?
    pub simulated: bool,
    /// Key under which a repeat is known.
    pub idempotency_key: Option<String>,
    /// The dead letter whose event this is.
    pub replays: Option<String>,
}

impl Push {
    /// Do its rows bring their own arrivals?
    pub fn is_history(&self) -> bool {
        self.decoded.arrived_at.is_some()
    }
}
