//! The read side: from a request to an answer, over HTTP and for the embedded workspace.
//!
//! `lookup` is the only path from a question to its answer; `http` carries bytes to and from it and
//! to the [`Backend`]. Nothing here knows the engine, takes Python's lock or computes a feature.

pub mod arrow;
pub mod backend;
pub mod http;
mod inflated;
pub mod instant;
pub mod json;
pub mod lookup;

pub use backend::Backend;
