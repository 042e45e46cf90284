//! Dead letters over HTTP: list, show, replay, discard; what they are stays the backend's affair.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use headwater_kernel::error::Result;
use serde::Deserialize;

use super::events::parameters;
use super::path::Path;
use super::reply;
use super::state::{App, Class};
use crate::backend::{Backend, Page};

/// Letters in a list where no limit is given; the backend has the most that there may be.
const LIMIT: i64 = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    limit: Option<i64>,
    after: Option<String>,
}

/// Lists the dead letters of a stream or table.
pub async fn list(
    State(app): State<Arc<App>>,
    Path(stream): Path<String>,
    request: Request,
) -> Response<Body> {
    let page = match page(&request) {
        Ok(page) => page,
        Err(error) => return reply::error(&error),
    };
    run(app, Class::Read, request, move |backend| backend.dead_letters(&stream, &page)).await
}

/// Shows one.
pub async fn show(
    State(app): State<Arc<App>>,
    Path((stream, id)): Path<(String, String)>,
    request: Request,
) -> Response<Body> {
    run(app, Class::Read, request, move |backend| backend.dead_letter(&stream, &id)).await
}

/// Pushes one again.
pub async fn replay(
    State(app): State<Arc<App>>,
    Path((stream, id)): Path<(String, String)>,
    request: Request,
) -> Response<Body> {
    run(app, Class::Write, request, move |backend| backend.replay_dead_letter(&stream, &id)).await
}

/// Gives one up.
pub async fn discard(
    State(app): State<Arc<App>>,
    Path((stream, id)): Path<(String, String)>,
    request: Request,
) -> Response<Body> {
    run(app, Class::Write, request, move |backend| backend.discard_dead_letter(&stream, &id)).await
}

fn page(request: &Request) -> Result<Page> {
    let Parameters { limit, after } = parameters(request.uri())?;
    Ok(Page { limit: limit.unwrap_or(LIMIT), after })
}

async fn run(
    app: Arc<App>,
    class: Class,
    request: Request,
    work: impl FnOnce(&dyn Backend) -> Result<Vec<u8>> + Send + 'static,
) -> Response<Body> {
    let times = match app.times(class, request.headers()) {
        Ok(times) => times,
        Err(error) => return reply::error(&error),
    };
    let backend = Arc::clone(&app.backend);
    match app.slow_gate.run(times.answer(), move || work(backend.as_ref())).await {
        Ok(bytes) => reply::json(bytes),
        Err(error) => reply::error(&error),
    }
}
