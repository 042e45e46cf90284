//! HTTP/1.1: bytes in, a lookup or a verb of the backend, bytes out.
//!
//! Translation only: what a question means is `lookup`'s affair, what a push does the backend's.
//! Every queue is bounded, every wait has a deadline, and every error has the same body.

pub mod admission;
pub mod body;
pub mod events;
pub mod feast;
pub mod features;
mod figures;
pub mod letters;
pub mod metrics;
pub mod operations;
pub mod options;
pub mod path;
mod patience;
pub mod reply;
pub mod routes;
pub mod server;
pub mod state;
pub mod training;
pub mod work;

pub use options::ServerOptions;
pub use server::Server;
