//! `point_in_time`: a training set from frames alone; and the options of every training set.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;

use headwater_engine::decode::Payload;
use headwater_engine::training::{
    self, AsOf, FrameOptions, TrainingOptions, point_in_time_of_frames,
};
use headwater_engine::transform::Transform;
use headwater_kernel::blueprint::Blueprint;
use headwater_kernel::error::Result;
use headwater_kernel::plan::Plan;
use pyo3::prelude::*;

use crate::errors::{Failure, invalid};
use crate::frame::Frame;
use crate::interrupt::interruptible;
use crate::payload::payload;

/// Return the label rows with the features of a service or view, from frames.
#[pyfunction]
pub fn point_in_time(
    py: Python<'_>,
    blueprint: &[u8],
    service: String,
    labels: &Bound<'_, Frame>,
    frames: Vec<(String, Bound<'_, PyAny>)>,
    time: String,
    as_of: &str,
    arrived_at: Option<String>,
) -> std::result::Result<Frame, Failure> {
    let blueprint = parse_blueprint(blueprint)?;
    let as_of = parse_as_of(as_of)?;
    let labels = labels.get().batches();
    let frames = frames.iter().map(|(name, rows)| Ok((name.clone(), payload(rows)?)));
    let frames = frames.collect::<std::result::Result<Vec<(String, Payload)>, Failure>>()?;
    let batch = interruptible(py, move |cancelled| {
        let transform = Transform::new(Arc::new(Plan::new(blueprint)?))?;
        let frames = frames.into_iter().map(|(name, payload)| training::Frame { name, payload });
        let options = options(time, as_of, cancelled);
        let (set, reports) = point_in_time_of_frames(
            &transform,
            &service,
            &labels,
            frames.collect(),
            &FrameOptions { arrived_at },
            &options,
        )?;
        Ok(set.into_batch(&reports))
    })?;
    Ok(Frame::of(batch))
}

/// Options of a training set on all cores.
pub fn options(time: String, as_of: AsOf, cancelled: &AtomicBool) -> TrainingOptions<'_> {
    let threads = available_parallelism().map_or(1, usize::from);
    TrainingOptions { time, as_of, continues: None, threads, cancelled, progress: None }
}

/// The blueprint that the compiler wrote.
pub fn parse_blueprint(json: &[u8]) -> Result<Blueprint> {
    serde_json::from_slice(json).map_err(|error| {
        invalid("malformed_blueprint", "the compiled definitions cannot be read")
            .with_detail(error.to_string())
            .with_hint("the package and its extension are of different versions: install one anew")
    })
}

/// Whose knowledge, by its name in the surface.
pub fn parse_as_of(name: &str) -> Result<AsOf> {
    [AsOf::EventTime, AsOf::Arrival].into_iter().find(|each| each.name() == name).ok_or_else(|| {
        invalid("unknown_as_of", format!("as_of is {name:?}"))
            .with_hint("it is event_time or arrival")
    })
}
