//! The engine as a whole, over disks in memory and disks that fail.

mod dead_letters;
mod evolving;
mod failing_disk;
mod generations;
mod history;
mod plan_told;
mod power_loss;
mod pushes;
mod restart;
pub(crate) mod support;
mod upkeep;
