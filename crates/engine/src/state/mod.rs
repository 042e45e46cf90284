//! All that is read: per-key state, tables, and the facts of each source, at one epoch.
//!
//! It changes only by [`State::apply`], one whole epoch under the write lock. It is a fold of the
//! log: nothing in it may come from anywhere else, or recovery could not build it again.

pub mod apply;
pub mod facts;
pub mod online;
pub mod saving;

use std::collections::HashSet;
use std::sync::Arc;

use headwater_kernel::plan::Plan;
use headwater_kernel::state::SpaceState;
use headwater_kernel::table::TableState;
use headwater_store::online::EpochId;
use parking_lot::Mutex;

use self::facts::{SourceFacts, ViewFacts};
use self::saving::Saving;
use crate::sources::Sources;

/// State at one epoch.
pub struct State {
    /// As the plan's spaces.
    pub spaces: Vec<SpaceState>,
    /// As the blueprint's tables.
    pub tables: Vec<TableState>,
    /// Keys of each table that changed since they were last saved.
    pub dirty_tables: Vec<HashSet<Box<[u8]>>>,
    /// Keys of each space that expired since that was last saved.
    pub expired: Vec<HashSet<Box<[u8]>>>,
    /// By source index.
    pub sources: Vec<SourceFacts>,
    /// As the plan's views.
    pub views: Vec<ViewFacts>,
    /// The newest epoch applied.
    pub epoch: EpochId,
    /// Rows that a checkpoint has still to copy. Behind a lock of its own so that the checkpoint
    /// needs only the state's read lock.
    pub saving: Mutex<Option<Saving>>,
}

impl State {
    /// Nothing yet.
    pub fn new(plan: &Arc<Plan>, sources: &Sources) -> Self {
        let tables = plan.blueprint.tables.len();
        Self {
            spaces: (0..plan.spaces.len()).map(|space| SpaceState::new(plan, space)).collect(),
            tables: (0..tables).map(|table| TableState::new(plan, table)).collect(),
            dirty_tables: vec![HashSet::new(); tables],
            expired: vec![HashSet::new(); plan.spaces.len()],
            sources: vec![SourceFacts::default(); sources.len()],
            views: vec![ViewFacts::default(); plan.views.len()],
            epoch: EpochId::default(),
            saving: Mutex::new(None),
        }
    }

    /// Keys of all spaces and tables.
    pub fn keys(&self) -> usize {
        let spaces: usize = self.spaces.iter().map(SpaceState::len).sum();
        spaces + self.tables.iter().map(TableState::len).sum::<usize>()
    }

    /// Bytes of per-key state.
    pub fn bytes_used(&self) -> usize {
        self.spaces.iter().map(SpaceState::bytes_used).sum()
    }
}
