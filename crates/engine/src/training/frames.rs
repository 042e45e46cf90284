//! The pure entry: labels and frames in, a training set out, without workspace, log or clock.
//! It finds out which frames are needed; what counts of their rows is decided in `arriving`.

use arrow_array::RecordBatch;
use headwater_kernel::blueprint::Blueprint;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::near;
use headwater_kernel::plan::{Plan, Source};

use super::arriving::{read_stream, read_table};
use super::select::select;
use super::threads::Hands;
use super::{History, TrainingOptions, TrainingSet, point_in_time};
use crate::contract::{Contract, Quality, Rejection};
use crate::decode::Payload;
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
    let hands = Hands { threads: options.threads, cancelled: options.cancelled };
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
        let (batches, report) = match source {
            Found::Stream(index) if streams.contains(&index) => {
                let stream = &plan.blueprint.streams[index];
                read_stream(stream, frame.payload, frame_options.arrived_at.as_deref(), hands)
            }
            Found::Table(index) if tables.contains(&index) => {
                let table = &plan.blueprint.tables[index];
                let read = |arrived_at: Option<&str>| {
                    let contract = Contract::of_table(table, arrived_at)?;
                    read_table(&name, &contract, frame.payload.clone(), hands)
                };
                match read(frame_options.arrived_at.as_deref()) {
                    // Arrivals decide nothing of a timeless table but which of two rows is later.
                    Err(error) if table.timeless && error.code == "missing_arrivals" => read(None),
                    known => known,
                }
            }
            _ => continue,
        }
        .map_err(|error| of_frame(&name, error))?;
        match source {
            Found::Stream(index) => history.streams[index] = batches,
            Found::Table(index) => history.tables[index] = batches,
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
