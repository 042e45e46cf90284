//! What is known: accepted rows of streams and tables in order of position, with their arrivals.

use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{RecordBatch, cast::AsArray};
use arrow_buffer::ScalarBuffer;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::{Plan, ServicePlan, Source};

use super::labels::Labels;

/// All that is known of the streams and tables of a plan.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// For each stream of the blueprint its accepted events, in order of position.
    pub streams: Vec<Vec<HistoryBatch>>,
    /// For each table of the blueprint its accepted rows, in order of position.
    pub tables: Vec<Vec<HistoryBatch>>,
}

/// Accepted rows in canonical types, and when they arrived.
#[derive(Clone, Debug)]
pub struct HistoryBatch {
    /// The rows.
    pub rows: RecordBatch,
    /// Their arrivals.
    pub arrived: Arrived,
}

/// Arrivals of the rows of a batch, UTC microseconds.
#[derive(Clone, Debug)]
pub enum Arrived {
    /// Not known: the rows count as arrived together, in their order.
    Together,
    /// All at one instant: the `visible_at` of their epoch.
    At(i64),
    /// Each at its own.
    Each(ScalarBuffer<i64>),
}

impl Arrived {
    /// The arrival of a row; none where arrivals are not known.
    pub fn of(&self, row: usize) -> Option<i64> {
        match self {
            Arrived::Together => None,
            Arrived::At(at) => Some(*at),
            Arrived::Each(instants) => Some(instants[row]),
        }
    }

    /// The arrival of each of `rows` rows.
    ///
    /// # Panics
    /// Where arrivals are not known: a question as of arrival is refused before.
    pub(super) fn each(&self, rows: usize) -> ScalarBuffer<i64> {
        match self {
            Arrived::Together => unreachable!("refused by check_arrivals"),
            Arrived::At(at) => vec![*at; rows].into(),
            Arrived::Each(instants) => instants.clone(),
        }
    }

    /// The arrivals of `length` rows from `start`.
    pub(super) fn slice(&self, start: usize, length: usize) -> Arrived {
        match self {
            Arrived::Each(instants) => Arrived::Each(instants.slice(start, length)),
            other => other.clone(),
        }
    }
}

impl History {
    /// A history of the plan in which nothing has happened.
    pub fn empty(plan: &Plan) -> Self {
        Self {
            streams: plan.blueprint.streams.iter().map(|_| Vec::new()).collect(),
            tables: plan.blueprint.tables.iter().map(|_| Vec::new()).collect(),
        }
    }

    /// Refuses a question as of arrival that history cannot answer: a stream without arrivals, or
    /// no event of any stream of the service that had arrived by the last label, unless there are
    /// `more` labels than these.
    pub(super) fn check_arrivals(
        &self,
        plan: &Plan,
        service: &ServicePlan,
        labels: &Labels,
        more: bool,
    ) -> Result<()> {
        let mut streams: Vec<usize> = service
            .inputs
            .iter()
            .filter_map(|input| match plan.views[input.view].source {
                Source::Section(section) => Some(plan.sections[section].stream),
                Source::Table(_) => None,
            })
            .collect();
        streams.sort_unstable();
        streams.dedup();
        let mut first: Option<i64> = None;
        for stream in &streams {
            for batch in &self.streams[*stream] {
                if matches!(batch.arrived, Arrived::Together) && batch.rows.num_rows() > 0 {
                    return Err(unknown_arrivals(&plan.blueprint.streams[*stream].name));
                }
                let rows = 0..batch.rows.num_rows();
                first = first.into_iter().chain(rows.filter_map(|row| batch.arrived.of(row))).min();
            }
        }
        match labels.last() {
            Some(last)
                if !more && !streams.is_empty() && first.is_none_or(|first| first > last) =>
            {
                Err(no_arrivals(first, last))
            }
            _ => Ok(()),
        }
    }
}

/// The instants of a canonical column.
pub(super) fn instants(rows: &RecordBatch, column: usize) -> &ScalarBuffer<i64> {
    rows.column(column).as_primitive::<TimestampMicrosecondType>().values()
}

/// The least and the greatest instant; none of no rows.
pub(super) fn span_of(instants: &[i64]) -> Option<(i64, i64)> {
    let first = *instants.first()?;
    let span = |(low, high): (i64, i64), &at: &i64| (low.min(at), high.max(at));
    Some(instants.iter().fold((first, first), span))
}

fn unknown_arrivals(stream: &str) -> Error {
    let message = format!("as_of=\"arrival\" needs to know when the rows of {stream} arrived");
    Error::new(Kind::Invalid, "no_arrivals", message)
        .with_hint("name their column with arrived_at=, or ask as_of=\"event_time\"")
}

fn no_arrivals(first: Option<i64>, last: i64) -> Error {
    let text = crate::contract::text_of_instant;
    let message = format!("no event had arrived by the last label, at {}", text(last));
    let error = Error::new(Kind::Invalid, "no_arrivals", message);
    let error = match first {
        None => error.with_detail("there is no event at all"),
        Some(first) => error.with_detail(format!("the first event arrived at {}", text(first))),
    };
    error.with_hint("push history with arrived_at=, or ask as_of=\"event_time\"")
}
