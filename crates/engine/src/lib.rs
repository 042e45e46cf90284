//! The write side: what is pushed is decoded, accepted, made durable, folded and kept as archive.
//!
//! The log is the truth and state is its fold. Nothing is visible before it is durable, and
//! nothing that was decided once is decided again. It knows nothing of HTTP, Python or services.

pub mod clock;
pub mod contract;
pub mod decode;
pub mod transform;
pub mod files;
pub mod intake;
pub mod log;
pub mod receipt;
