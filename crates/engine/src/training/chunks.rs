//! Events of a section prepared for the kernel: history cut into pieces that fit the
//! caches, those out of reach skipped, the rest run through the transform on all threads.

use headwater_kernel::error::Result;
use headwater_kernel::sweep::EventColumns;

use super::history::{Arrived, HistoryBatch, instants, span_of};
use super::threads::Hands;
use crate::transform::{SectionColumns, Transform};

/// Rows of a piece: the intermediate columns of an expression stay within the second-level cache
/// (32,768 rows of 8 bytes are 256 KiB).
pub(super) const PIECE_ROWS: usize = 32_768;

/// Events of a section, when they arrived, and what was made of them at once.
pub(super) struct Chunk<T> {
    pub(super) columns: SectionColumns,
    pub(super) arrived: Arrived,
    pub(super) made: T,
}

/// What is wanted of a section's history.
pub(super) struct Wanted<'a> {
    pub(super) transform: &'a Transform,
    pub(super) section: usize,
    /// Event times needed, `[start, end)`; pieces wholly outside are skipped.
    pub(super) span: (i64, i64),
    pub(super) hands: Hands<'a>,
}

/// The chunks of a section in order of position; `make` looks at each while it is near.
pub(super) fn chunks<T: Send>(
    history: &[HistoryBatch],
    wanted: &Wanted<'_>,
    make: impl Fn(&EventColumns<'_>) -> Result<T> + Sync,
) -> Result<Vec<Chunk<T>>> {
    let pieces = pieces(history);
    let made = wanted.hands.each(pieces.len(), |index| {
        let (batch, start) = pieces[index];
        let length = PIECE_ROWS.min(batch.rows.num_rows() - start);
        let rows = batch.rows.slice(start, length);
        let times = instants(&rows, wanted.transform.time_column(wanted.section));
        let reached = span_of(times)
            .is_some_and(|(first, last)| last >= wanted.span.0 && first < wanted.span.1);
        if !reached {
            return Ok(None);
        }
        let columns = wanted.transform.columns(wanted.section, &rows)?;
        let made = make(&columns.as_events())?;
        Ok(Some(Chunk { columns, arrived: batch.arrived.slice(start, length), made }))
    })?;
    Ok(made.into_iter().flatten().collect())
}

/// Each batch as often as it has pieces, with their first rows.
fn pieces(history: &[HistoryBatch]) -> Vec<(&HistoryBatch, usize)> {
    let firsts = |batch: &HistoryBatch| (0..batch.rows.num_rows()).step_by(PIECE_ROWS);
    history.iter().flat_map(|batch| firsts(batch).map(move |first| (batch, first))).collect()
}
