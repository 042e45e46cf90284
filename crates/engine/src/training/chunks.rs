//! Events of a section prepared for the kernel: history cut into pieces that fit the
//! caches, those out of reach skipped, the rest run through the transform on all threads.

use arrow_array::RecordBatch;
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
    let pieces = pieces(history, wanted);
    wanted.hands.each(pieces.len(), |index| {
        let (rows, arrived) = &pieces[index];
        let columns = wanted.transform.columns(wanted.section, rows)?;
        let made = make(&columns.as_events())?;
        Ok(Chunk { columns, arrived: arrived.clone(), made })
    })
}

fn pieces(history: &[HistoryBatch], wanted: &Wanted<'_>) -> Vec<(RecordBatch, Arrived)> {
    let mut pieces = Vec::new();
    let time = wanted.transform.time_column(wanted.section);
    for batch in history {
        let times = instants(&batch.rows, time);
        for start in (0..batch.rows.num_rows()).step_by(PIECE_ROWS) {
            let length = PIECE_ROWS.min(batch.rows.num_rows() - start);
            let reached = span_of(&times[start..start + length])
                .is_some_and(|(first, last)| last >= wanted.span.0 && first < wanted.span.1);
            if reached {
                let arrived = batch.arrived.slice(start, length);
                pieces.push((batch.rows.slice(start, length), arrived));
            }
        }
    }
    pieces
}
