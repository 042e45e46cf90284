//! `POST /v1/training-sets?service=&time=&as_of=&epoch=`: label rows in, the same rows with features out,
//! NDJSON or Arrow both ways.
//!
//! Labels come back unchanged and in their own order. When the client goes away or the deadline
//! passes, the work is told to stop.

mod cells;
mod labels;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use headwater_kernel::error::{Error, Kind, Result};
use serde::Deserialize;

use self::labels::Labels;
use super::body::Limits;
use super::events::{held_rows, parameters};
use super::reply;
use super::state::{App, Class};
use crate::arrow;
use crate::backend::{AsOf, Format, TrainingOptions};
use crate::lookup::question::Target;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    service: String,
    time: String,
    as_of: Option<String>,
    epoch: Option<u64>,
}

/// How the rows go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Ndjson,
    Arrow,
}

/// Sets its flag when the request ends before its work does.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Builds a training set.
pub async fn training_set(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    match build(&app, request).await {
        Ok((Output::Ndjson, bytes)) => reply::body(StatusCode::OK, reply::NDJSON, bytes),
        Ok((Output::Arrow, bytes)) => reply::body(StatusCode::OK, reply::ARROW, bytes),
        Err(error) => reply::error(&error),
    }
}

async fn build(app: &Arc<App>, request: Request) -> Result<(Output, Vec<u8>)> {
    let (parts, body) = request.into_parts();
    let times = app.times(Class::Training, &parts.headers)?;
    let Parameters { service, time, as_of, epoch } = parameters(&parts.uri)?;
    let options = TrainingOptions { time, as_of: meaning(as_of.as_deref())?, epoch };
    let question = Arc::clone(app.lookup.question(Target::Named(&service))?);
    let limits =
        Limits { body_max: app.options.body_max, deadline: times.body, buffered: &app.buffered };
    let (held, input) = held_rows(&parts, body, limits).await?;
    let output = output(&parts.headers, input);
    let cancelled = Arc::new(AtomicBool::new(false));
    let _cancel = CancelOnDrop(Arc::clone(&cancelled));
    let (bytes, share, backend) = (held.bytes, held.share, Arc::clone(&app.backend));
    let work = move || {
        let _share = share;
        let answered = |labels| backend.training_set(&service, labels, &options, &cancelled);
        let bytes = if input == Format::ArrowStream {
            let batch = answered(arrow::read(&bytes)?)?;
            match output {
                Output::Arrow => arrow::write(&batch)?,
                Output::Ndjson => cells::write_rows(&batch)?,
            }
        } else {
            let labels = Labels::parse(&bytes, input)?;
            let given = labels.to_batch(&question.keys, &options.time)?;
            let width = given.num_columns();
            let batch = checked(answered(given)?, labels.len())?;
            match output {
                Output::Arrow => arrow::write(&labels.joined(&batch, width)?)?,
                Output::Ndjson => labels.spliced(&batch, width)?,
            }
        };
        Ok((output, bytes))
    };
    app.training_gate.run(times.answer(), work).await
}

fn checked(batch: RecordBatch, rows: usize) -> Result<RecordBatch> {
    assert_eq!(batch.num_rows(), rows, "a training set has a row for every label");
    Ok(batch)
}

fn meaning(as_of: Option<&str>) -> Result<AsOf> {
    match as_of {
        None | Some("event_time") => Ok(AsOf::EventTime),
        Some("arrival") => Ok(AsOf::Arrival),
        Some("served") => {
            Err(Error::new(Kind::Invalid, "not_supported", "as_of=served is not supported yet")
                .with_hint("ask as_of=arrival"))
        }
        Some(other) => Err(Error::new(
            Kind::Invalid,
            "wrong_parameter",
            format!("as_of is {other:?}, not event_time or arrival"),
        )),
    }
}

/// What the client accepts; without a word, what it sent.
fn output(headers: &HeaderMap, input: Format) -> Output {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if accepted.contains(reply::ARROW) {
        Output::Arrow
    } else if accepted.contains(reply::NDJSON) || input != Format::ArrowStream {
        Output::Ndjson
    } else {
        Output::Arrow
    }
}
