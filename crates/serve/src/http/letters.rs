//! Dead letters over HTTP: list, show, replay, discard; what they are stays the backend's affair.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use headwater_kernel::error::{Error, Kind, Result};
use serde::Deserialize;

use super::events::parameters;
use super::reply;
use super::state::{App, Class};
use crate::backend::{Backend, Page};

/// Letters in a list where no limit is given.
const LIMIT: usize = 100;

/// Most letters in a list.
const LIMIT_MAX: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    limit: Option<usize>,
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
    let limit = limit.unwrap_or(LIMIT);
    if limit == 0 || limit > LIMIT_MAX {
        return Err(Error::new(
            Kind::Invalid,
            "wrong_parameter",
            format!("limit is {limit}, not within 1 .. {LIMIT_MAX}"),
        ));
    }
    Ok(Page { limit, after })
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
