//! The read contract: what an answer is made of, whoever holds the state.
//!
//! It exists so that the write side and the read side never import each other. An [`Epoch`] is one
//! consistent view of all state, opened cheaply and held briefly: an implementation may hold a lock
//! as long as it lives, so never do I/O, never wait and never open a second one meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use headwater_kernel::error::Result;
use headwater_kernel::plan::Plan;
use headwater_kernel::value::Cell;

/// Positions by stream or table name and partition: `[first, end)` of a receipt; of an epoch, the
/// first offset ever and the one after the last visible.
pub type Positions = BTreeMap<String, BTreeMap<u32, (u64, u64)>>;

/// The number of an epoch: terms first, then sequences within the term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochId {
    /// Number of the writer's ownership, one higher at each takeover; 0 before any epoch.
    pub term: u64,
    /// Number of the epoch, one higher at each, over all terms; 0 before any epoch.
    pub sequence: u64,
}

/// State that can be asked: by the embedded engine here, by stores elsewhere.
pub trait Online: Send + Sync {
    /// The plan that all indices of views in this contract refer to. Never changes while open.
    fn plan(&self) -> Arc<Plan>;

    /// One consistent epoch over all views.
    ///
    /// # Errors
    /// Kind `closed` after the state was closed.
    fn open_epoch(&self) -> Result<Box<dyn Epoch + '_>>;

    /// What a view says at `t` before the sealed instant of its stream, from the archive: the value
    /// at `t` from all events visible at `epoch`, whenever they arrived. Costs a read of the
    /// archive; never call it while an [`Epoch`] is open.
    ///
    /// `keys` are canonical key bytes, `None` where a part of the key is null.
    ///
    /// # Errors
    /// `archive_damaged` (data) where a segment cannot be read.
    fn history(
        &self,
        epoch: EpochId,
        view: usize,
        keys: &[Option<Vec<u8>>],
        t: i64,
    ) -> Result<HistoryRows>;

    /// Returns once everything below the end of each of `positions` is visible to
    /// [`Online::open_epoch`].
    ///
    /// # Errors
    /// `unknown_stream` (not found) for a name that the plan has not; `deadline` (unavailable) when
    /// `deadline` passes first; kind `closed` when the state is closed meanwhile.
    fn wait_for(&self, positions: &Positions, deadline: Instant) -> Result<()>;
}

/// One consistent view of all state. Reads take `&self` and may come from one thread at a time.
pub trait Epoch {
    /// The newest epoch that is applied here.
    fn id(&self) -> EpochId;

    /// The instant at which `views` (indices into the plan) are to be read together.
    ///
    /// `at` given: that. `None`: now, that is the clock or the latest sealed instant among their
    /// streams if that is later, but below the `visible_at` of every epoch of theirs that is not
    /// visible yet. Epochs stamped by the clock get a `visible_at` above every instant answered
    /// here for `None`.
    fn choose_t(&self, at: Option<i64>, views: &[usize]) -> i64;

    /// S of the view's stream: [`Epoch::read`] is exact from it on. `None` for views of tables and
    /// before the first epoch of the stream: then every `t` may be read.
    fn sealed_at(&self, view: usize) -> Option<i64>;

    /// Appends the view's features at `t`, in the view's order, to `out`; returns `found`.
    ///
    /// `key` is the canonical bytes of the key tuple; `None` (a part is null) and a key never seen
    /// give the features of an empty window, `found` false. Below [`Epoch::sealed_at`] the caller
    /// has to use [`Online::history`] instead.
    fn read(&self, view: usize, key: Option<&[u8]>, t: i64, out: &mut Vec<Cell>) -> bool;

    /// Positions of the view's stream or table that are visible: offset 0 to the next one.
    fn positions(&self, view: usize) -> Positions;

    /// Highest event time seen minus the stream's lateness; of a table its last arrival; `None`
    /// before the first event.
    fn watermark(&self, view: usize) -> Option<i64>;

    /// Highest event time of an accepted event of the view's stream (of a table: its last arrival);
    /// `None` before the first.
    fn newest_event_at(&self, view: usize) -> Option<i64>;

    /// `visible_at` of the last epoch with rows of the view's stream or table; `None` before the
    /// first. Staleness is `t` minus this.
    fn last_arrival_at(&self, view: usize) -> Option<i64>;
}

/// Rows of [`Online::history`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryRows {
    /// Row-major: the view's features for each key.
    pub cells: Vec<Cell>,
    /// One a key.
    pub found: Vec<bool>,
}
