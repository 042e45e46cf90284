//! The meaning of every feature: values, windows, aggregates, per-key state and the sweep.
//!
//! Pure: no clock, disk, network or randomness, and no thread but those that a caller of the sweep
//! grants. Everything else carries bytes to and from it.

pub mod aggregates;
pub mod blueprint;
pub mod error;
pub mod fixed;
pub mod fold;
pub mod key;
mod memory;
pub mod near;
pub mod order;
pub mod plan;
mod prefetch;
pub mod state;
pub mod sweep;
pub mod table;
pub mod value;
pub mod window;
