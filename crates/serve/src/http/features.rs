//! `POST /v1/features`: a question in, an answer out.
//!
//! Small questions are answered where they arrive, in microseconds; what may wait or read the
//! archive, and what is large, goes to a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use bytes::Bytes;
use headwater_kernel::error::Result;
use tokio::time::Instant;

use super::body::{self, Limits};
use super::reply;
use super::state::{App, Class};
use super::work::{late, panicked};
use crate::arrow;
use crate::lookup::request::FeaturesRequest;

/// Rows of keys above which a question leaves the runtime's threads: about a millisecond's work.
pub const INLINE_ROWS_MAX: usize = 1_000;

/// Room for a usual answer, bytes.
const ANSWER_BYTES: usize = 2_048;

/// How an answer goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Json,
    Arrow,
}

impl Shape {
    fn accepted(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        if accept.is_some_and(|accept| accept.contains(reply::ARROW)) {
            Self::Arrow
        } else {
            Self::Json
        }
    }
}

/// Answers a question.
pub async fn features(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    match answer(&app, request).await {
        Ok((Shape::Json, bytes)) => reply::json(bytes),
        Ok((Shape::Arrow, bytes)) => reply::body(StatusCode::OK, reply::ARROW, bytes),
        Err(error) => reply::error(&error),
    }
}

async fn answer(app: &Arc<App>, request: Request) -> Result<(Shape, Vec<u8>)> {
    let (parts, body) = request.into_parts();
    let times = app.times(Class::Read, &parts.headers)?;
    let limits =
        Limits { body_max: app.options.body_max, deadline: times.body, buffered: &app.buffered };
    let held = body::read(&parts, body, limits).await?;
    let deadline = times.answer();
    let shape = Shape::accepted(&parts.headers);
    let question = FeaturesRequest::parse(&held.bytes)?;
    if !question.may_block() && question.row_count() <= INLINE_ROWS_MAX {
        if Instant::now() >= deadline {
            return Err(late("it had not begun"));
        }
        return guarded(|| write(app, &question, deadline, shape));
    }
    drop(question);
    let (app, bytes, share) = (Arc::clone(app), held.bytes, held.share);
    Arc::clone(&app)
        .slow_gate
        .run(deadline, move || {
            let _share = share;
            parse_and_write(&app, &bytes, deadline, shape)
        })
        .await
}

/// The same from a body that moved to another thread; reading it again costs less than copying
/// what it borrows.
fn parse_and_write(
    app: &App,
    bytes: &Bytes,
    deadline: Instant,
    shape: Shape,
) -> Result<(Shape, Vec<u8>)> {
    write(app, &FeaturesRequest::parse(bytes)?, deadline, shape)
}

fn write(
    app: &App,
    question: &FeaturesRequest<'_>,
    deadline: Instant,
    shape: Shape,
) -> Result<(Shape, Vec<u8>)> {
    let query = question.query(deadline.into_std())?;
    let answer = app.lookup.answer(app.backend.online(), &query)?;
    let bytes = match shape {
        Shape::Arrow => arrow::write(&answer.to_record_batch()?)?,
        Shape::Json => {
            let mut out = Vec::with_capacity(ANSWER_BYTES);
            answer.write_json(&mut out);
            out
        }
    };
    Ok((shape, bytes))
}

/// Runs a lookup so that a broken promise in it costs its own request only.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // Lookups change nothing, so that nothing is left half done.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()))
}
