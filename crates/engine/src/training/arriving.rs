//! One frame to the history of a stream or table: its rows pass the same decoding, contract, order
//! of arrival, ids and acceptance as pushed rows. Decoding goes piece by piece on all threads, and
//! what needs no change is not copied; order and ids are decided row by row, as in a log.

use arrow_array::{RecordBatch, UInt32Array};
use arrow_buffer::ScalarBuffer;
use headwater_kernel::blueprint::Stream;
use headwater_kernel::error::{Error, Kind, Result};

use super::chunks::PIECE_ROWS;
use super::frames::FrameReport;
use super::history::instants;
use super::threads::Hands;
use super::{Arrived, HistoryBatch};
use crate::contract::{Acceptance, Contract, Rejection, acceptance};
use crate::decode::{Decoded, Payload, decode, decode_batches, row_as_json, row_count};
use crate::intake::ids::{Ids, id_hash};

/// The rows of a stream that count, in order of arrival.
pub(super) fn read_stream(
    stream: &Stream,
    payload: Payload,
    arrived_at: Option<&str>,
    hands: Hands<'_>,
) -> Result<(Vec<HistoryBatch>, FrameReport)> {
    let contract = Contract::of_stream(stream, arrived_at)?;
    let mut reading = Reading::new(&stream.name, by_arrival(read(payload, &contract, hands)?)?);
    let time = contract.time().expect("a stream has an event time");
    let mut ids = Ids::new(stream.dedup_us.unwrap_or(0));
    for piece in std::mem::take(&mut reading.pieces) {
        let id = stream.id.as_ref().and_then(|id| piece.batch.column_by_name(id)).cloned();
        if id.is_none() && piece.arrived_at.is_none() {
            reading.keep_all(piece);
            continue;
        }
        let times = instants(&piece.batch, time).clone();
        let mut kept = Vec::with_capacity(times.len());
        for (row, time) in times.iter().enumerate() {
            let arrived = piece.arrived_at.as_ref().map(|arrivals| arrivals[row]);
            let hash = id.as_ref().and_then(|column| id_hash(column, row));
            let at = arrived.unwrap_or(0);
            if hash.is_some_and(|hash| ids.repeated(hash, at)) {
                reading.report.duplicates += 1;
                continue;
            }
            let accepted = arrived.map_or(Ok(()), |at| acceptance(stream, *time, at));
            if reading.refused(&piece, row, accepted) {
                continue;
            }
            if let Some(hash) = hash {
                ids.expire(at);
                ids.accept(hash, at);
            }
            kept.push(u32::try_from(row).expect("a piece has fewer than 2^32 rows"));
        }
        reading.keep(piece, &kept);
    }
    Ok(reading.finish())
}

/// The rows of a table that count, in order of arrival.
pub(super) fn read_table(
    name: &str,
    contract: &Contract,
    payload: Payload,
    hands: Hands<'_>,
) -> Result<(Vec<HistoryBatch>, FrameReport)> {
    let mut reading = Reading::new(name, by_arrival(read(payload, contract, hands)?)?);
    std::mem::take(&mut reading.pieces).into_iter().for_each(|piece| reading.keep_all(piece));
    Ok(reading.finish())
}

/// Decodes a payload; batches in pieces, side by side.
fn read(payload: Payload, contract: &Contract, hands: Hands<'_>) -> Result<Vec<Decoded>> {
    let Payload::Batches(batches) = payload else {
        return Ok(vec![decode(payload, contract)?]);
    };
    row_count(&batches)?;
    let pieces = pieces(&batches);
    hands.each(pieces.len(), |index| {
        let (first, piece) = &pieces[index];
        decode_batches(piece, *first, contract)
    })
}

/// Cuts large batches, and groups small ones, to about [`PIECE_ROWS`]; each with the number of its
/// first row. There is at least one piece, so that types are judged where there are no rows.
fn pieces(batches: &[RecordBatch]) -> Vec<(u32, Vec<RecordBatch>)> {
    let mut pieces: Vec<(u32, Vec<RecordBatch>)> = Vec::new();
    let (mut first, mut open) = (0_usize, 0_usize);
    for batch in batches {
        for start in (0..batch.num_rows().max(1)).step_by(PIECE_ROWS) {
            let part = batch.slice(start, PIECE_ROWS.min(batch.num_rows() - start));
            let rows = part.num_rows();
            match pieces.last_mut() {
                Some((_, piece)) if open + rows <= PIECE_ROWS => {
                    piece.push(part);
                    open += rows;
                }
                _ => {
                    let number = u32::try_from(first).expect("checked by row_count");
                    pieces.push((number, vec![part]));
                    open = rows;
                }
            }
            first += rows;
        }
    }
    if pieces.is_empty() {
        pieces.push((0, Vec::new()));
    }
    pieces
}

/// The pieces by arrival, in their order where arrivals are equal or not known; joined to one piece
/// where rows have to change places.
fn by_arrival(pieces: Vec<Decoded>) -> Result<Vec<Decoded>> {
    let arrivals = || pieces.iter().flat_map(|piece| piece.arrived_at.iter().flatten());
    if arrivals().is_sorted() {
        return Ok(pieces);
    }
    let arrivals: Vec<i64> = arrivals().copied().collect();
    let rows = u32::try_from(arrivals.len()).expect("decoded rows fit 32 bits");
    let mut order: Vec<u32> = (0..rows).collect();
    order.sort_by_key(|row| arrivals[*row as usize]);
    Ok(vec![joined(pieces, &arrivals, order)?])
}

/// All pieces as one with its rows in `order`.
fn joined(pieces: Vec<Decoded>, arrivals: &[i64], order: Vec<u32>) -> Result<Decoded> {
    let schema = pieces[0].batch.schema();
    let whole = arrow_select::concat::concat_batches(&schema, pieces.iter().map(|one| &one.batch))
        .map_err(|error| {
            Error::new(Kind::Invalid, "too_many_rows", "the rows of a frame cannot be put in order")
                .with_detail(error.to_string())
                .with_hint("give them by arrival")
        })?;
    let numbers: Vec<u32> = pieces.iter().flat_map(|piece| piece.rows.iter().copied()).collect();
    let mut pieces = pieces.into_iter();
    let mut one = pieces.next().expect("a frame has at least one piece");
    for piece in pieces {
        one.rejected.extend(piece.rejected);
        one.quality.add(&piece.quality);
        one.rows_total += piece.rows_total;
    }
    one.rows = order.iter().map(|row| numbers[*row as usize]).collect();
    one.arrived_at = Some(order.iter().map(|row| arrivals[*row as usize]).collect());
    one.batch = taken(&whole, order);
    Ok(one)
}

fn taken(batch: &RecordBatch, rows: Vec<u32>) -> RecordBatch {
    arrow_select::take::take_record_batch(batch, &UInt32Array::from(rows))
        .expect("the rows taken are rows of the batch")
}

/// What becomes of the pieces of a frame.
struct Reading {
    pieces: Vec<Decoded>,
    batches: Vec<HistoryBatch>,
    report: FrameReport,
}

impl Reading {
    fn new(name: &str, pieces: Vec<Decoded>) -> Self {
        let report = FrameReport {
            name: name.to_owned(),
            accepted: 0,
            duplicates: 0,
            rejected: Vec::new(),
            quality: Default::default(),
        };
        Self { batches: Vec::with_capacity(pieces.len()), pieces, report }
    }

    /// Notes a row that is refused, if it is.
    fn refused(&mut self, piece: &Decoded, row: usize, accepted: Acceptance) -> bool {
        let Err((cause, message)) = accepted else { return false };
        let original = row_as_json(&piece.batch, row);
        self.report.rejected.push(Rejection { row: piece.rows[row], cause, message, original });
        true
    }

    /// Keeps some rows of a piece, ascending.
    fn keep(&mut self, mut piece: Decoded, kept: &[u32]) {
        if kept.len() < piece.batch.num_rows() {
            piece.batch = taken(&piece.batch, kept.to_vec());
            piece.arrived_at = piece
                .arrived_at
                .map(|arrivals| kept.iter().map(|row| arrivals[*row as usize]).collect());
        }
        self.keep_all(piece);
    }

    fn keep_all(&mut self, piece: Decoded) {
        self.report.accepted += piece.batch.num_rows();
        self.report.rejected.extend(piece.rejected);
        self.report.quality.add(&piece.quality);
        let arrived = match piece.arrived_at {
            None => Arrived::Together,
            Some(arrivals) => Arrived::Each(ScalarBuffer::from(arrivals)),
        };
        self.batches.push(HistoryBatch { rows: piece.batch, arrived });
    }

    fn finish(mut self) -> (Vec<HistoryBatch>, FrameReport) {
        self.report.rejected.sort_by_key(|one| one.row);
        (self.batches, self.report)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    use super::*;

    fn batch(rows: usize) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![0; rows]));
        RecordBatch::try_from_iter([("a", column)]).unwrap()
    }

    #[test]
    fn large_batches_are_cut_and_small_ones_grouped() {
        let sizes = [0, 3, PIECE_ROWS - 3, 1, 2 * PIECE_ROWS + 5, 4];
        let batches: Vec<RecordBatch> = sizes.into_iter().map(batch).collect();
        let cut: Vec<(u32, usize)> = pieces(&batches)
            .iter()
            .map(|(first, piece)| (*first, piece.iter().map(RecordBatch::num_rows).sum()))
            .collect();
        let rows = PIECE_ROWS;
        let firsts = [0, rows, rows + 1, 2 * rows + 1, 3 * rows + 1].map(|row| row as u32);
        let expected: Vec<(u32, usize)> =
            firsts.into_iter().zip([rows, 1, rows, rows, 9]).collect();
        assert_eq!(cut, expected);
        assert_eq!(pieces(&[]).len(), 1);
    }
}
