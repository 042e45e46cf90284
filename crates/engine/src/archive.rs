//! Reading the log as the archive: all accepted rows of a source with their arrivals, under today's
//! columns, and what a view says of the past.
//!
//! Every read checks the checksums again. It takes no lock of the state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow_schema::SchemaRef;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::Source as ViewSource;
use headwater_store::online::{EpochId, HistoryRows};

use crate::contract::canonical_schema;
use crate::log::Segment;
use crate::log::header::RecordKind;
use crate::log::read::for_each;
use crate::log::record::{EpochMeta, decode_body};
use crate::shared::Shared;
use crate::state::apply::arrivals;
use crate::training::{Arrived, History, HistoryBatch, Known, history_read};

/// All accepted rows of the sources for which `wanted` holds up to an epoch, by source index, in
/// order of position.
pub fn read(
    shared: &Shared,
    wanted: &dyn Fn(usize) -> bool,
    up_to: EpochId,
    cancelled: &AtomicBool,
) -> Result<Vec<Vec<HistoryBatch>>> {
    let segments = shared.segments.read().clone();
    read_segments(shared, &segments, wanted, up_to, cancelled)
}

fn read_segments(
    shared: &Shared,
    segments: &[Segment],
    wanted: &dyn Fn(usize) -> bool,
    up_to: EpochId,
    cancelled: &AtomicBool,
) -> Result<Vec<Vec<HistoryBatch>>> {
    let mut out = vec![Vec::new(); shared.sources.len()];
    for_each(&*shared.files, segments, (0, up_to.sequence + 1), |record| {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(Kind::Closed, "cancelled", "the caller stopped the reading"));
        }
        if record.header.kind != RecordKind::Epoch {
            return Ok(());
        }
        let meta = record.epoch()?;
        if let Some(source) = shared.sources.find(&meta.source).filter(|s| wanted(*s)) {
            out[source].extend(archived(shared, source, &meta, &record.body)?);
        }
        Ok(())
    })?;
    Ok(out)
}

/// The same of every source, as a training set wants it, and which epochs it is made of.
pub fn history_of_all(
    shared: &Shared,
    wanted: &dyn Fn(usize) -> bool,
    up_to: EpochId,
    cancelled: &AtomicBool,
) -> Result<(History, Known)> {
    let segments = shared.segments.read().clone();
    let first_sequence = segments.first().map_or(0, |segment| segment.first_sequence);
    let mut streams = read_segments(shared, &segments, wanted, up_to, cancelled)?;
    let tables = streams.split_off(shared.plan.blueprint.streams.len());
    Ok((History { streams, tables }, Known { epoch: up_to, first_sequence }))
}

fn archived(
    shared: &Shared,
    source: usize,
    meta: &EpochMeta,
    body: &[u8],
) -> Result<Option<HistoryBatch>> {
    let Some(body) = decode_body(body)? else { return Ok(None) };
    let definition = shared.sources.get(source);
    let schema = canonical_schema(definition.columns());
    let arrived = match arrivals(&body) {
        Some(arrivals) => Arrived::Each(arrivals.into()),
        None => Arrived::At(meta.visible_at),
    };
    Ok(Some(HistoryBatch { rows: conform(definition.name(), &schema, &body)?, arrived }))
}

/// The rows of a body under today's columns: one that it lacks is null, others are left away.
///
/// # Errors
/// `schema_changed` (conflict) for a column of another type.
pub fn conform(source: &str, schema: &SchemaRef, body: &RecordBatch) -> Result<RecordBatch> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        match body.column_by_name(field.name()) {
            Some(column) if column.data_type() == field.data_type() => {
                columns.push(Arc::clone(column));
            }
            Some(column) => {
                let message = format!(
                    "column {} of {source} is {} in the archive and {} in the definitions",
                    field.name(),
                    column.data_type(),
                    field.data_type()
                );
                return Err(Error::new(Kind::Conflict, "schema_changed", message));
            }
            None => columns.push(new_null_array(field.data_type(), body.num_rows())),
        }
    }
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| {
        Error::new(Kind::Data, "archive_damaged", format!("an epoch of {source} cannot be read"))
            .with_detail(error.to_string())
    })
}

/// What a view says at `t` from all events up to `epoch`.
pub fn history(
    shared: &Shared,
    epoch: EpochId,
    view: usize,
    keys: &[Option<Vec<u8>>],
    t: i64,
) -> Result<HistoryRows> {
    let ViewSource::Section(section) = shared.plan.views[view].source else {
        return Err(Error::new(Kind::Internal, "history_view", "a table keeps its past"));
    };
    let stream = shared.plan.sections[section].stream;
    let never = AtomicBool::new(false);
    let history = read(shared, &|source| source == stream, epoch, &never)?;
    let (cells, found) = history_read(&shared.transform, view, keys, t, &history[stream], &never)?;
    Ok(HistoryRows { cells, found })
}
