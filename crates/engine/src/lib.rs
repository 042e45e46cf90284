//! The write side: what is pushed is decoded, accepted, made durable, folded and kept as archive.
//!
//! The log is the truth and state is its fold. Nothing is visible before it is durable, and
//! nothing that was decided once is decided again. It knows nothing of HTTP, Python or services.

pub mod archive;
pub mod checkpoint;
pub mod clock;
pub mod contract;
pub mod decode;
pub mod engine;
pub mod files;
pub mod intake;
pub mod letters;
pub mod log;
pub mod open;
pub mod options;
pub mod ownership;
pub mod pending;
pub mod receipt;
pub mod shared;
pub mod sources;
pub mod state;
pub mod status;
pub mod training;
pub mod transform;
pub mod writer;

pub use engine::Engine;
pub use open::OpenReport;
pub use options::{OpenOptions, PushOptions};
pub use pending::Pending;
pub use receipt::Receipt;

#[cfg(test)]
mod tests;
