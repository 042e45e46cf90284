//! `POST /v1/features`: a question in, an answer out.
//!
//! Small questions are answered where they arrive, in microseconds; what may wait or read the
//! archive, and what is large, goes to a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use bytes::Bytes;
use headwater_kernel::error::Result;
use tokio::time::Instant;

use super::body::{self, Limits};
use super::reply;
use super::state::{App, Class};
use super::work::{late, panicked};
use crate::lookup::request::FeaturesRequest;

/// Rows of keys above which a question leaves the runtime's threads: about a millisecond's work.
pub const INLINE_ROWS_MAX: usize = 1_000;

/// Room for a usual answer, bytes.
const ANSWER_BYTES: usize = 2_048;

/// Answers a question.
pub async fn features(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    match answer(&app, request).await {
        Ok(bytes) => reply::json(bytes),
        Err(error) => reply::error(&error),
    }
}

async fn answer(app: &Arc<App>, request: Request) -> Result<Vec<u8>> {
    let (parts, body) = request.into_parts();
    let times = app.times(Class::Read, &parts.headers)?;
    let limits =
        Limits { body_max: app.options.body_max, deadline: times.body, buffered: &app.buffered };
    let held = body::read(&parts, body, limits).await?;
    let deadline = times.answer();
    let question = FeaturesRequest::parse(&held.bytes)?;
    if !question.may_block() && question.row_count() <= INLINE_ROWS_MAX {
        if Instant::now() >= deadline {
            return Err(late("it had not begun"));
        }
        return guarded(|| write(app, &question, deadline));
    }
    drop(question);
    let (app, bytes, share) = (Arc::clone(app), held.bytes, held.share);
    Arc::clone(&app)
        .slow_gate
        .run(deadline, move || {
            let _share = share;
            parse_and_write(&app, &bytes, deadline)
        })
        .await
}

/// The same from a body that moved to another thread; reading it again costs less than copying
/// what it borrows.
fn parse_and_write(app: &App, bytes: &Bytes, deadline: Instant) -> Result<Vec<u8>> {
    write(app, &FeaturesRequest::parse(bytes)?, deadline)
}

fn write(app: &App, question: &FeaturesRequest<'_>, deadline: Instant) -> Result<Vec<u8>> {
    let query = question.query(deadline.into_std())?;
    let answer = app.lookup.answer(app.backend.online(), &query)?;
    let mut out = Vec::with_capacity(ANSWER_BYTES);
    answer.write_json(&mut out);
    Ok(out)
}

/// Runs a lookup so that a broken promise in it costs its own request only.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // Lookups change nothing, so that nothing is left half done.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()))
}
