//! Where state is read from: the contract between what writes it and what answers from it.
//!
//! The engine implements it, the server uses it; neither knows the other. Members that hold rows
//! of state elsewhere join here, a file each.

pub mod online;
