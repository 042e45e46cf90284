//! For whoever runs the server: health, readiness, status and metrics.
//!
//! Health says that the process answers; readiness that it may be sent requests. Both are let in
//! whatever the load.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};

use super::state::{App, Class};
use super::{metrics, reply};

/// The process answers.
pub async fn health() -> Response<Body> {
    reply::json(b"{\"status\":\"ok\"}".to_vec())
}

/// Requests may come: 200, else 503 with the reason.
pub async fn ready(State(app): State<Arc<App>>) -> Response<Body> {
    match app.admitting().and_then(|()| app.backend.ready()) {
        Ok(()) => reply::json(b"{\"status\":\"ready\"}".to_vec()),
        Err(error) => reply::error(&error),
    }
}

/// The state of all of it.
pub async fn status(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let times = match app.times(Class::Operation, request.headers()) {
        Ok(times) => times,
        Err(error) => return reply::error(&error),
    };
    let backend = Arc::clone(&app.backend);
    match app.operation_gate.run(times.answer(), move || backend.status()).await {
        Ok(bytes) => reply::json(bytes),
        Err(error) => reply::error(&error),
    }
}

/// The metrics as text.
pub async fn metrics(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let times = match app.times(Class::Operation, request.headers()) {
        Ok(times) => times,
        Err(error) => return reply::error(&error),
    };
    let measured = Arc::clone(&app);
    let work = move || measured.metrics.text(&measured);
    match app.operation_gate.run(times.answer(), work).await {
        Ok(text) => reply::body(StatusCode::OK, metrics::CONTENT_TYPE, text.into_bytes()),
        Err(error) => reply::error(&error),
    }
}
