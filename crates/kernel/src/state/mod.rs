//! State of one key space: a directory of keys and, for each section, what is kept of its events.
//! Folding changes it, reading never does. It knows no clock: ageing follows the sealed instant.

pub mod boundaries;
pub(crate) mod bytes;

use std::sync::Arc;

use crate::error::Result;
use crate::fold::{FoldBatch, FoldReport};
use crate::plan::Plan;
use crate::value::Cell;

/// All keys of one space.
pub struct SpaceState {
    _plan: Arc<Plan>,
}

impl SpaceState {
    /// No keys yet; `space` is an index into the plan's spaces.
    pub fn new(_plan: &Arc<Plan>, _space: usize) -> SpaceState {
        todo!()
    }

    /// Folds a batch of a section (index into the plan's sections) of this space, sealed at
    /// `sealed_at`, which also ages what it touches. Events at or after it wait raw.
    pub fn fold(&mut self, _section: usize, _batch: &FoldBatch, _sealed_at: i64) -> FoldReport {
        todo!()
    }

    /// Moves the sealed instant of a section without events. It never goes back.
    pub fn seal(&mut self, _section: usize, _sealed_at: i64) {
        todo!()
    }

    /// The sealed instant of a section; `i64::MIN` before the first epoch.
    pub fn sealed_at(&self, _section: usize) -> i64 {
        todo!()
    }

    /// The id of a key by its canonical bytes.
    pub fn find(&self, _key: &[u8]) -> Option<u32> {
        todo!()
    }

    /// Reads a view (index into the plan's views) at `t` >= the section's sealed instant: fills
    /// `out`, as the view's features, and tells `found`. No id: an unknown key, the empty window.
    pub fn read(&self, _view: usize, _id: Option<u32>, _t: i64, _out: &mut [Cell]) -> bool {
        todo!()
    }

    /// Starts loading what a read of this id will touch.
    pub fn prefetch(&self, _id: u32) {
        todo!()
    }

    /// The canonical bytes of a key by its id.
    pub fn key(&self, _id: u32) -> &[u8] {
        todo!()
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Is no key known?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All ids in use, ascending.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        (0..0).map(|id: u32| id)
    }

    /// Ids whose rows changed since the last call, ascending; the hook of checkpoints.
    pub fn take_dirty(&mut self) -> Vec<u32> {
        todo!()
    }

    /// Appends the row of a key: format byte, then each section's state by its fingerprint.
    pub fn row_bytes(&self, _id: u32, _out: &mut Vec<u8>) {
        todo!()
    }

    /// Takes a row written by [`SpaceState::row_bytes`], of this or another generation, in place
    /// of what is held of the key. Sections that this plan does not have are passed over, sections
    /// that the row does not have stay empty.
    pub fn load_row(&mut self, _key: &[u8], _bytes: &[u8]) -> Result<u32> {
        todo!()
    }

    /// Removes keys that no read at or after the sealed instants can find any more, looking at
    /// most at `limit` ids, from where the last call ended; returns the removed keys.
    pub fn expire(&mut self, _limit: usize) -> Vec<Box<[u8]>> {
        todo!()
    }

    /// Bytes held, capacity included.
    pub fn bytes_used(&self) -> usize {
        todo!()
    }
}
