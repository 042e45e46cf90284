//! Training sets: the features of a service at the instant of each label row, from history.
//!
//! As of event time a view is swept; as of arrival its events are replayed in the order in which
//! they arrived. Both ask the kernel and compute nothing themselves. Pure: history is handed in,
//! and no clock, disk or log is reached from here.

mod arriving;
mod cells;
mod chunks;
mod frames;
mod history;
mod labels;
mod metadata;
mod past;
mod select;
mod streams;
mod tables;
mod threads;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::BooleanBuffer;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::{Plan, ServicePlan, Source};
use headwater_kernel::value::Status;
use headwater_store::online::EpochId;

use self::labels::Labels;
use crate::transform::Transform;

pub use self::frames::{Frame, FrameOptions, FrameReport, point_in_time_of_frames};
pub use self::history::{Arrived, History, HistoryBatch};
pub use self::metadata::METADATA_KEY;
pub use self::past::history_read;
pub use self::select::select;

/// Whose knowledge a training set holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AsOf {
    /// The value at `t` from all events now known, whenever they arrived.
    #[default]
    EventTime,
    /// What production knew at `t`: events before `t` that had arrived by `t`.
    Arrival,
}

impl AsOf {
    /// The name in the surface.
    pub fn name(self) -> &'static str {
        match self {
            AsOf::EventTime => "event_time",
            AsOf::Arrival => "arrival",
        }
    }
}

/// How to build a training set; threads decide no value.
pub struct TrainingOptions<'a> {
    /// The label column with the instants asked about.
    pub time: String,
    /// Whose knowledge.
    pub as_of: AsOf,
    /// The labels are a further part of a larger set, which was answered from the log up to the
    /// epoch of this number: so are they. None of theirs need have an event that had arrived.
    pub continues: Option<u64>,
    /// Threads to use, at least one.
    pub threads: usize,
    /// Set by the caller to stop early.
    pub cancelled: &'a AtomicBool,
    /// Told (views done, views in all) as the work goes on, possibly from several threads.
    pub progress: Option<&'a (dyn Fn(usize, usize) + Sync)>,
}

/// A training set with what can be said of it.
#[derive(Clone, Debug)]
pub struct TrainingSet {
    /// Every label column unchanged, in order and number, then the features in service order.
    pub batch: RecordBatch,
    /// The views read, in the service's order.
    pub views: Vec<ViewReport>,
    /// The values that are null although data was there, by row, then column.
    pub statuses: Vec<ValueStatus>,
    /// Tables of the service whose rows count at every instant.
    pub timeless: Vec<String>,
    /// Whose knowledge.
    pub as_of: AsOf,
    /// What of the log was read; none of frames.
    pub known: Option<Known>,
}

/// The part of the log that a training set was made from: two sets of the same part are of one
/// knowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The last epoch in it.
    pub epoch: EpochId,
    /// The first record that retention has left of it.
    pub first_sequence: u64,
}

/// One view of a training set, in one role.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewReport {
    /// `View`, or `role.View`.
    pub label: String,
    /// The version of the view.
    pub version: String,
    /// For each label row: did the view know its key?
    pub found: BooleanBuffer,
}

/// A value that is null although data was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueStatus {
    /// The label row.
    pub row: u32,
    /// Name of the feature's column.
    pub column: String,
    /// Why.
    pub status: Status,
}

/// The features of `target` (a service, or else a view, by name) at each label row.
///
/// `labels` are batches of one schema with the service's key columns and `options.time`, an
/// instant that is never null: a zoned timestamp, ISO text with offset, or integer microseconds.
/// A null key part is answered with the empty window, not found. Rows keep order and number.
///
/// # Errors
/// Invalid: `missing_key_column`, `missing_time_column`, `name_clash`, `wrong_type` or
/// `time_out_of_range` with the row, `no_arrivals` as of arrival; NotFound for an unknown name;
/// Closed, `cancelled`, when the caller asked for it.
pub fn point_in_time(
    transform: &Transform,
    target: &str,
    labels: &[RecordBatch],
    history: &History,
    options: &TrainingOptions<'_>,
) -> Result<TrainingSet> {
    let plan = transform.plan();
    let service = select(plan, target)?;
    let labels = Labels::read(&service, labels, &options.time)?;
    if options.as_of == AsOf::Arrival {
        history.check_arrivals(plan, &service, &labels, options.continues.is_some())?;
    }
    let work = Work::new(transform, &service, &labels, history, options);
    let mut answers: Vec<Option<Answer>> = service.inputs.iter().map(|_| None).collect();
    work.tables(&mut answers)?;
    work.streams(&mut answers)?;
    let answers: Vec<Answer> = answers.into_iter().flatten().collect();
    assert_eq!(answers.len(), service.inputs.len(), "every view of the service is answered");
    assemble(plan, &service, &labels, &answers, options.as_of)
}

/// The values of one view in one role, at every label row.
pub(crate) struct Answer {
    /// Parallel to the view's features; only those that the service names need be there.
    pub(crate) columns: Vec<Option<ArrayRef>>,
    pub(crate) found: BooleanBuffer,
    /// (row, feature, status).
    pub(crate) statuses: Vec<(u32, u32, Status)>,
}

/// What all steps of one training set share.
pub(crate) struct Work<'a> {
    pub(crate) transform: &'a Transform,
    pub(crate) plan: &'a Plan,
    pub(crate) service: &'a ServicePlan,
    pub(crate) labels: &'a Labels,
    pub(crate) history: &'a History,
    pub(crate) options: &'a TrainingOptions<'a>,
    done: std::sync::atomic::AtomicUsize,
}

impl<'a> Work<'a> {
    fn new(
        transform: &'a Transform,
        service: &'a ServicePlan,
        labels: &'a Labels,
        history: &'a History,
        options: &'a TrainingOptions<'a>,
    ) -> Self {
        let plan = transform.plan();
        Self { transform, plan, service, labels, history, options, done: 0.into() }
    }

    /// The service's inputs over streams, by section.
    pub(crate) fn by_section(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut sections: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, input) in self.service.inputs.iter().enumerate() {
            if let Source::Section(section) = self.plan.views[input.view].source {
                sections.entry(section).or_default().push(index);
            }
        }
        sections
    }

    /// The features of an input that the service names, ascending.
    pub(crate) fn features_of(&self, input: usize) -> Vec<usize> {
        let named = self.service.columns.iter().filter(|column| column.input == input);
        let mut features: Vec<usize> = named.map(|column| column.feature).collect();
        features.sort_unstable();
        features.dedup();
        features
    }

    /// An error once the caller has asked to stop.
    pub(crate) fn check_cancelled(&self) -> Result<()> {
        check_cancelled(self.options.cancelled)
    }

    /// Tells that one more view is done.
    pub(crate) fn tell_done(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(progress) = self.options.progress {
            progress(done, self.service.inputs.len());
        }
    }
}

/// An error once the flag is set.
pub(crate) fn check_cancelled(cancelled: &AtomicBool) -> Result<()> {
    if cancelled.load(Ordering::Relaxed) {
        return Err(Error::new(Kind::Closed, "cancelled", "the caller stopped the training set"));
    }
    Ok(())
}

fn assemble(
    plan: &Plan,
    service: &ServicePlan,
    labels: &Labels,
    answers: &[Answer],
    as_of: AsOf,
) -> Result<TrainingSet> {
    let mut columns = Vec::with_capacity(service.columns.len());
    let mut statuses = Vec::new();
    for column in &service.columns {
        let answer = &answers[column.input];
        let array = answer.columns[column.feature].as_ref();
        let array = array.expect("a feature that the service names is answered");
        columns.push((column.name.as_str(), array.clone()));
        for (row, feature, status) in &answer.statuses {
            if *feature as usize == column.feature {
                let column = column.name.clone();
                statuses.push(ValueStatus { row: *row, column, status: *status });
            }
        }
    }
    // Stable: within a row the order of the service's columns stays.
    statuses.sort_by_key(|status| status.row);
    let views = service.inputs.iter().zip(answers).map(|(input, answer)| ViewReport {
        label: input.label.clone(),
        version: plan.blueprint.views[input.view].version.clone(),
        found: answer.found.clone(),
    });
    let views = views.collect();
    let batch = labels.with_columns(columns)?;
    let timeless = tables::timeless(plan, service);
    Ok(TrainingSet { batch, views, statuses, timeless, as_of, known: None })
}

#[cfg(test)]
mod error_tests;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod knowledge_tests;
#[cfg(test)]
mod table_tests;
