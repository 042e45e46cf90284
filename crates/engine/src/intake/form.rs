//! Epochs from pushes: each row is accepted, dropped as repeated or refused, once and for all.
//!
//! What is formed here is what the log records and recovery applies again; so nothing after this
//! may depend on the order in which pushes met, on ids or on the clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow_schema::{Field, Schema};
use arrow_select::take::take_record_batch;
use headwater_kernel::blueprint::Stream;
use headwater_kernel::error::{Error, Kind, Result};

use super::Push;
use super::ids::{Ids, id_hash};
use super::rows::{Row, Rows, Slot, join};
use crate::contract::{INSTANT_MIN_US, Quality, acceptance, text_of_instant};
use crate::decode::original::row_as_json;
use crate::log::record::{
    ARRIVED_AT, EPOCH_EVENTS_MAX, EpochMeta, PushMeta, QualityMeta, RejectedRow, runs,
};
use crate::receipt::{Receipt, RejectedRow as Refused};

/// What acceptance knows of a stream or table.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its definition, for a stream; tables accept what their contract lets through.
    pub stream: Option<Arc<Stream>>,
    /// Index of the event time among its columns.
    pub time: Option<usize>,
    /// Index of the id.
    pub id: Option<usize>,
    /// Ids within the horizon, where the stream declares one.
    pub ids: Option<Ids>,
    /// The next offset of partition 0.
    pub next_offset: u64,
    /// Arrival of the last accepted row.
    pub last_arrival: Option<i64>,
}

/// An epoch on its way to the log.
#[derive(Debug)]
pub struct Formed {
    /// What will be recorded.
    pub meta: EpochMeta,
    /// The accepted rows, with a last column of arrivals where they have their own.
    pub body: RecordBatch,
}

/// How epochs are stamped.
pub enum Stamp<'a> {
    /// Asked for each epoch.
    Clock(&'a mut dyn FnMut() -> i64),
    /// By the rows' own arrivals.
    History,
}

/// Forms the epochs of pushes to one source, in the order of their offsets, and their receipts.
///
/// # Errors
/// `arrival_backwards` (conflict) when history begins before the source's last arrival; then
/// nothing was changed.
pub fn form(
    source: &mut Source,
    pushes: &[Push],
    mut stamp: Stamp<'_>,
    wall_at: i64,
) -> Result<(Vec<Formed>, Vec<Receipt>)> {
    let rows = join(pushes)?;
    check_arrivals(source, &rows)?;
    let first_offset = source.next_offset;
    let mut receipts = receipts(source, pushes, first_offset);
    let mut formed = Vec::new();
    for (index, chunk) in rows.rows.chunks(EPOCH_EVENTS_MAX).enumerate() {
        let start = index * EPOCH_EVENTS_MAX;
        let visible_at = match &mut stamp {
            Stamp::Clock(stamp) => stamp(),
            Stamp::History => greatest_arrival(source, &rows, chunk),
        };
        let mut epoch = Epoch { source, pushes, rows: &rows, receipts: &mut receipts, visible_at };
        let mut next = epoch.form(chunk, first_offset + start as u64, wall_at)?;
        next.meta.pushes = push_metas(pushes, first_offset, start as u64, chunk.len() as u64);
        if index == 0 {
            next.meta.quality = quality(pushes);
        }
        source.next_offset += chunk.len() as u64;
        formed.push(next);
    }
    for receipt in &mut receipts {
        receipt.rejected.sort_by_key(|refused| refused.row);
    }
    Ok((formed, receipts))
}

fn check_arrivals(source: &Source, rows: &Rows) -> Result<()> {
    let (Some(arrivals), Some(last)) = (&rows.arrivals, source.last_arrival) else {
        return Ok(());
    };
    let first = rows.rows.iter().find_map(|row| match row.slot {
        Slot::Decoded(at) => Some((row.number, arrivals[at as usize])),
        Slot::Rejected(_) => None,
    });
    match first {
        Some((number, arrived_at)) if arrived_at < last => {
            let (arrived_at, last) = (text_of_instant(arrived_at), text_of_instant(last));
            let message = format!(
                "row {number} arrived at {arrived_at}, before the last arrival of {} at {last}",
                source.name
            );
            Err(Error::new(Kind::Conflict, "arrival_backwards", message)
                .at_row(u64::from(number))
                .with_hint("push history in the order of its arrivals, or without arrived_at"))
        }
        _ => Ok(()),
    }
}

fn greatest_arrival(source: &Source, rows: &Rows, chunk: &[Row]) -> i64 {
    let arrivals = rows.arrivals.as_ref().expect("history has arrivals");
    let greatest = chunk.iter().filter_map(|row| match row.slot {
        Slot::Decoded(at) => Some(arrivals[at as usize]),
        Slot::Rejected(_) => None,
    });
    greatest.max().or(source.last_arrival).unwrap_or(INSTANT_MIN_US)
}

/// The first arrival in a chunk of history; `None` where the clock stamps.
fn earliest(rows: &Rows, chunk: &[Row]) -> Option<i64> {
    let arrivals = rows.arrivals.as_ref()?;
    chunk.iter().find_map(|row| match row.slot {
        Slot::Decoded(at) => Some(arrivals[at as usize]),
        Slot::Rejected(_) => None,
    })
}

fn receipts(source: &Source, pushes: &[Push], mut first_offset: u64) -> Vec<Receipt> {
    let mut out = Vec::with_capacity(pushes.len());
    for push in pushes {
        let end = first_offset + u64::from(push.decoded.rows_total);
        let range = BTreeMap::from([(0, (first_offset, end))]);
        let positions = BTreeMap::from([(source.name.clone(), range)]);
        out.push(Receipt { positions, ..Receipt::default() });
        first_offset = end;
    }
    out
}

/// What the record says of the pushes with rows in `[start, start + rows)` of the joined ones.
fn push_metas(pushes: &[Push], first_offset: u64, start: u64, rows: u64) -> Vec<PushMeta> {
    let (mut out, mut before, end) = (Vec::new(), 0, start + rows);
    for push in pushes {
        let (first, last) = (before, before + u64::from(push.decoded.rows_total));
        before = last;
        let here = first < end && last > start;
        let divided = first < start || last > end;
        if here && (divided || push.idempotency_key.is_some()) {
            out.push(PushMeta {
                idempotency_key: push.idempotency_key.clone(),
                first_offset: first_offset + first,
                rows: last.min(end) - first,
                more: last > end,
            });
        }
    }
    out
}

fn quality(pushes: &[Push]) -> QualityMeta {
    let mut sum = Quality::default();
    pushes.iter().for_each(|push| sum.add(&push.decoded.quality));
    QualityMeta {
        not_finite: sum.not_finite,
        unknown_values: sum.unknown_values,
        unknown_names: sum.unknown_names.into_iter().collect(),
        rounded: sum.rounded,
        rounding_max: sum.rounding_max,
    }
}

struct Epoch<'a> {
    source: &'a mut Source,
    pushes: &'a [Push],
    rows: &'a Rows,
    receipts: &'a mut [Receipt],
    visible_at: i64,
}

impl Epoch<'_> {
    fn form(&mut self, chunk: &[Row], first_offset: u64, wall_at: i64) -> Result<Formed> {
        let mut meta = EpochMeta {
            table: self.source.stream.is_none(),
            source: self.source.name.clone(),
            first_offset,
            rows: chunk.len() as u32,
            visible_at: self.visible_at,
            wall_at,
            simulated: self.pushes[0].simulated,
            replays: self.pushes[0].replays.clone(),
            ..EpochMeta::default()
        };
        if let Some(ids) = &mut self.source.ids {
            ids.expire(earliest(self.rows, chunk).unwrap_or(self.visible_at));
        }
        let (mut accepted, mut duplicates, mut taken) = (Vec::new(), Vec::new(), Vec::new());
        for (position, row) in (0u32..).zip(chunk) {
            match self.decide(row) {
                Decision::Accepted(at) => {
                    accepted.push(position);
                    taken.push(at);
                }
                Decision::Duplicate => duplicates.push(position),
                Decision::Refused(mut refused) => {
                    refused.row = position;
                    meta.rejected.push(refused);
                }
            }
        }
        meta.accepted = runs(accepted);
        meta.duplicates = runs(duplicates);
        let body = self.body(&taken)?;
        if !taken.is_empty() {
            self.source.last_arrival = Some(self.visible_at);
        }
        Ok(Formed { meta, body })
    }

    fn decide(&mut self, row: &Row) -> Decision {
        let push = row.push as usize;
        let at = match row.slot {
            Slot::Decoded(at) => at,
            Slot::Rejected(index) => {
                let rejection = &self.pushes[push].decoded.rejected[index as usize];
                return self.refuse(
                    row,
                    rejection.cause.name(),
                    rejection.message.clone(),
                    rejection.original.to_vec(),
                );
            }
        };
        let arrived_at = match &self.rows.arrivals {
            Some(arrivals) => arrivals[at as usize],
            None => self.visible_at,
        };
        let id = self
            .source
            .id
            .filter(|_| self.source.ids.is_some())
            .and_then(|column| id_hash(self.rows.batch.column(column), at as usize));
        if let (Some(id), Some(ids)) = (id, &self.source.ids)
            && ids.repeated(id, arrived_at)
        {
            self.receipts[push].duplicates += 1;
            return Decision::Duplicate;
        }
        if let (Some(stream), Some(time)) = (&self.source.stream, self.source.time) {
            let times = self.rows.batch.column(time).as_primitive::<TimestampMicrosecondType>();
            if let Err((cause, message)) = acceptance(stream, times.value(at as usize), arrived_at)
            {
                let original = row_as_json(&self.rows.batch, at as usize).to_vec();
                return self.refuse(row, cause.name(), message, original);
            }
        }
        if let (Some(id), Some(ids)) = (id, &mut self.source.ids) {
            ids.accept(id, arrived_at);
        }
        self.receipts[push].accepted += 1;
        Decision::Accepted(at)
    }

    fn refuse(&mut self, row: &Row, cause: &str, message: String, original: Vec<u8>) -> Decision {
        let refused = Refused { row: row.number, cause: cause.into(), message: message.clone() };
        self.receipts[row.push as usize].rejected.push(refused);
        Decision::Refused(RejectedRow { row: 0, cause: cause.into(), message, original })
    }

    /// The accepted rows in their order, with their arrivals where they have their own.
    fn body(&self, taken: &[u32]) -> Result<RecordBatch> {
        let batch = &self.rows.batch;
        let together = taken.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let selected = if together {
            let first = taken.first().map_or(0, |first| *first as usize);
            batch.slice(first, taken.len())
        } else {
            take_record_batch(batch, &UInt32Array::from(taken.to_vec())).map_err(internal)?
        };
        let Some(arrivals) = &self.rows.arrivals else { return Ok(selected) };
        let values = taken.iter().map(|at| arrivals[*at as usize]);
        let column = TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC");
        let mut fields: Vec<_> = selected.schema().fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(ARRIVED_AT, column.data_type().clone(), false)));
        let mut columns = selected.columns().to_vec();
        columns.push(Arc::new(column));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(internal)
    }
}

enum Decision {
    Accepted(u32),
    Duplicate,
    Refused(RejectedRow),
}

fn internal(error: arrow_schema::ArrowError) -> Error {
    Error::new(Kind::Internal, "epoch_not_formed", "accepted rows cannot be selected")
        .with_detail(error.to_string())
}
