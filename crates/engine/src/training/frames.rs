//! The pure entry: labels and frames in, a training set out, without workspace, log or clock.
//! Frames pass the same decoding, contract, order of arrival, ids and acceptance as pushed rows.

use arrow_array::RecordBatch;
use arrow_buffer::ScalarBuffer;
use headwater_kernel::blueprint::{Blueprint, Stream};
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::near;
use headwater_kernel::plan::{Plan, Source};

use super::select::select;
use super::{Arrived, History, HistoryBatch, TrainingOptions, TrainingSet, point_in_time};
use crate::contract::{Contract, Quality, Rejection, acceptance};
use crate::decode::{Decoded, Payload, decode};
use crate::intake::ids::{Ids, id_hash};
use crate::transform::Transform;

/// The rows of one stream or table.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Name of the stream or table.
    pub name: String,
    /// Its rows.
    pub payload: Payload,
}

/// How frames are read.
#[derive(Clone, Debug, Default)]
pub struct FrameOptions {
    /// The column with each row's arrival, or `event_time`; without it the rows of a frame arrive
    /// together, in their order.
    pub arrived_at: Option<String>,
}

/// What became of a frame.
#[derive(Clone, Debug)]
pub struct FrameReport {
    /// Name of the stream or table.
    pub name: String,
    /// Rows that count.
    pub accepted: usize,
    /// Rows dropped for their repeated id.
    pub duplicates: usize,
    /// Rows refused, by number.
    pub rejected: Vec<Rejection>,
    /// What was tolerated.
    pub quality: Quality,
}

/// The features of `target` at each label row, from frames by stream or table name.
///
/// Frames that the target does not read are passed over. A row that is refused is in the reports,
/// and the rest counts.
///
/// # Errors
/// As [`point_in_time`]; NotFound for a frame of an unknown stream; Invalid `missing_frame` when a
/// stream or table of the target has no frame, `malformed_body` or `wrong_type` for a frame that
/// cannot be read at all.
pub fn point_in_time_of_frames(
    transform: &Transform,
    target: &str,
    labels: &[RecordBatch],
    frames: Vec<Frame>,
    frame_options: &FrameOptions,
    options: &TrainingOptions<'_>,
) -> Result<(TrainingSet, Vec<FrameReport>)> {
    let plan = transform.plan();
    let (streams, tables) = read_by(plan, target)?;
    let mut history = History::empty(plan);
    let mut given = Vec::new();
    let mut reports = Vec::new();
    for frame in frames {
        super::check_cancelled(options.cancelled)?;
        let name = frame.name.clone();
        let source = find(&plan.blueprint, &name)?;
        if given.contains(&source) {
            let message = format!("two frames of {name} are given");
            return Err(Error::new(Kind::Invalid, "two_frames", message).with_hint("join them"));
        }
        given.push(source);
        let (batch, report) = match source {
            Found::Stream(index) if streams.contains(&index) => {
                let stream = &plan.blueprint.streams[index];
                read_stream(stream, frame.payload, frame_options.arrived_at.as_deref())
            }
            Found::Table(index) if tables.contains(&index) => {
                let table = &plan.blueprint.tables[index];
                let arrived_at = frame_options.arrived_at.as_deref();
                // Arrivals decide nothing of a timeless table but which of two rows is later.
                let arrived_at =
                    arrived_at.filter(|column| !(table.timeless && lacks(&frame.payload, column)));
                read_table(&name, Contract::of_table(table, arrived_at)?, frame.payload)
            }
            _ => continue,
        }
        .map_err(|error| of_frame(&name, error))?;
        match source {
            Found::Stream(index) => history.streams[index].push(batch),
            Found::Table(index) => history.tables[index].push(batch),
        }
        reports.push(report);
    }
    let missing = streams.iter().map(|stream| Found::Stream(*stream));
    let missing = missing.chain(tables.iter().map(|table| Found::Table(*table)));
    if let Some(missing) = missing.into_iter().find(|source| !given.contains(source)) {
        return Err(missing_frame(&plan.blueprint, missing, target));
    }
    let set = point_in_time(transform, target, labels, &history, options)?;
    Ok((set, reports))
}

/// A stream or a table by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Stream(usize),
    Table(usize),
}

/// The streams and tables that the target reads.
fn read_by(plan: &Plan, target: &str) -> Result<(Vec<usize>, Vec<usize>)> {
    let service = select(plan, target)?;
    let (mut streams, mut tables) = (Vec::new(), Vec::new());
    for input in &service.inputs {
        match plan.views[input.view].source {
            Source::Section(section) => streams.push(plan.sections[section].stream),
            Source::Table(table) => tables.push(table),
        }
    }
    Ok((streams, tables))
}

fn find(blueprint: &Blueprint, name: &str) -> Result<Found> {
    let stream = blueprint.streams.iter().position(|stream| stream.name == name);
    let table = || blueprint.tables.iter().position(|table| table.name == name);
    stream.map(Found::Stream).or_else(|| table().map(Found::Table)).ok_or_else(|| {
        let streams = blueprint.streams.iter().map(|stream| stream.name.as_str());
        let names = streams.chain(blueprint.tables.iter().map(|table| table.name.as_str()));
        let message = format!("no stream or table is named {name}");
        Error::new(Kind::NotFound, "unknown_stream", message).with_hint(near::hint(name, names))
    })
}

fn read_stream(
    stream: &Stream,
    payload: Payload,
    arrived_at: Option<&str>,
) -> Result<(HistoryBatch, FrameReport)> {
    let contract = Contract::of_stream(stream, arrived_at)?;
    let decoded = decode(payload, &contract)?;
    let order = order_of_arrival(&decoded);
    let times = super::history::instants(
        &decoded.batch,
        contract.time().expect("a stream has an event time"),
    );
    let id = stream.id.as_ref().and_then(|id| decoded.batch.column_by_name(id));
    let mut ids = Ids::new(stream.dedup_us.unwrap_or(0));
    let mut rejected = Vec::new();
    let mut duplicates = 0;
    let mut kept = Vec::with_capacity(order.len());
    for row in order {
        let arrived = decoded.arrived_at.as_ref().map(|arrivals| arrivals[row as usize]);
        let hash = id.and_then(|column| id_hash(column, row as usize));
        let at = arrived.unwrap_or(0);
        if hash.is_some_and(|hash| ids.repeated(hash, at)) {
            duplicates += 1;
            continue;
        }
        if let Some(arrived) = arrived
            && let Err((cause, message)) = acceptance(stream, times[row as usize], arrived)
        {
            rejected.push(refused(&decoded, row, cause, message));
            continue;
        }
        if let Some(hash) = hash {
            ids.expire(at);
            ids.accept(hash, at);
        }
        kept.push(row);
    }
    Ok(finish(&stream.name, decoded, &kept, duplicates, rejected))
}

fn read_table(
    name: &str,
    contract: Contract,
    payload: Payload,
) -> Result<(HistoryBatch, FrameReport)> {
    let decoded = decode(payload, &contract)?;
    let order = order_of_arrival(&decoded);
    Ok(finish(name, decoded, &order, 0, Vec::new()))
}

/// The accepted rows by arrival, in their order where arrivals are equal or not known.
fn order_of_arrival(decoded: &Decoded) -> Vec<u32> {
    let rows = u32::try_from(decoded.batch.num_rows()).expect("decoded rows fit 32 bits");
    let mut order: Vec<u32> = (0..rows).collect();
    if let Some(arrivals) = &decoded.arrived_at {
        order.sort_by_key(|row| arrivals[*row as usize]);
    }
    order
}

fn refused(
    decoded: &Decoded,
    row: u32,
    cause: crate::contract::Cause,
    message: String,
) -> Rejection {
    let original = crate::decode::row_as_json(&decoded.batch, row as usize);
    Rejection { row: decoded.rows[row as usize], cause, message, original }
}

fn finish(
    name: &str,
    decoded: Decoded,
    kept: &[u32],
    duplicates: usize,
    refused: Vec<Rejection>,
) -> (HistoryBatch, FrameReport) {
    let whole = kept.len() == decoded.batch.num_rows() && kept.is_sorted();
    let rows = if whole {
        decoded.batch.clone()
    } else {
        let indices = arrow_array::UInt32Array::from(kept.to_vec());
        arrow_select::take::take_record_batch(&decoded.batch, &indices)
            .expect("the rows kept are rows of the batch")
    };
    let arrived = match &decoded.arrived_at {
        None => Arrived::Together,
        Some(arrivals) => {
            let kept = kept.iter().map(|row| arrivals[*row as usize]);
            Arrived::Each(ScalarBuffer::from(kept.collect::<Vec<i64>>()))
        }
    };
    let mut rejected = decoded.rejected;
    rejected.extend(refused);
    rejected.sort_by_key(|one| one.row);
    let report = FrameReport {
        name: name.to_owned(),
        accepted: kept.len(),
        duplicates,
        rejected,
        quality: decoded.quality,
    };
    (HistoryBatch { rows, arrived }, report)
}

/// Has no batch of the payload this column? Unknown, thus false, of anything but batches.
fn lacks(payload: &Payload, column: &str) -> bool {
    match payload {
        Payload::Batches(batches) => {
            batches.iter().all(|batch| batch.schema_ref().column_with_name(column).is_none())
        }
        _ => false,
    }
}

fn of_frame(name: &str, mut error: Error) -> Error {
    error.message = format!("{name}: {}", error.message);
    error
}

fn missing_frame(blueprint: &Blueprint, missing: Found, target: &str) -> Error {
    let name = match missing {
        Found::Stream(index) => &blueprint.streams[index].name,
        Found::Table(index) => &blueprint.tables[index].name,
    };
    let message = format!("{target} reads {name}, and no frame of it is given");
    Error::new(Kind::Invalid, "missing_frame", message)
        .with_hint(format!("add \"{name}\" to the frames, with no rows if there are none"))
}
