//! `POST /v1/events/{stream}` and `PUT /v1/tables/{table}`: rows in, a receipt out.
//!
//! A body is taken whole or not at all; then every row stands for itself.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response, Uri, header};
use bytes::Bytes;
use headwater_kernel::error::{Error, Kind, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::body::{self, Held, Limits};
use super::path::Path;
use super::reply;
use super::state::{App, Class};
use crate::backend::{Backend, Format, Payload, PushOptions, Receipt};
use crate::inflated::inflated;

/// The request header that makes a repeated push count once.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    arrived_at: Option<String>,
}

type Verb = fn(&dyn Backend, &str, Payload, &PushOptions) -> Result<Receipt>;

/// Pushes events.
pub async fn push(
    State(app): State<Arc<App>>,
    Path(stream): Path<String>,
    request: Request,
) -> Response<Body> {
    finish(
        rows(&app, stream, request, |backend, name, rows, options| {
            backend.push(name, rows, options)
        })
        .await,
    )
}

/// Puts rows of a table.
pub async fn put(
    State(app): State<Arc<App>>,
    Path(table): Path<String>,
    request: Request,
) -> Response<Body> {
    finish(
        rows(&app, table, request, |backend, name, rows, options| backend.put(name, rows, options))
            .await,
    )
}

fn finish(result: Result<Vec<u8>>) -> Response<Body> {
    match result {
        Ok(bytes) => reply::json(bytes),
        Err(error) => reply::error(&error),
    }
}

async fn rows(app: &Arc<App>, name: String, request: Request, verb: Verb) -> Result<Vec<u8>> {
    let (parts, body) = request.into_parts();
    let times = app.times(Class::Write, &parts.headers)?;
    let parameters: Parameters = parameters(&parts.uri)?;
    let options = PushOptions {
        arrived_at: parameters.arrived_at,
        idempotency_key: idempotency_key(&parts.headers)?,
    };
    let limits =
        Limits { body_max: app.options.body_max, deadline: times.body, buffered: &app.buffered };
    let (held, format) = held_rows(&parts, body, limits).await?;
    let payload = Payload { format, bytes: held.bytes };
    let (share, pushing) = (held.share, Arc::clone(app));
    app.write_gate
        .run(times.answer(), move || {
            let _share = share;
            let receipt = verb(pushing.backend.as_ref(), &name, payload, &options)?;
            // Counted here: a push whose client went away counts too.
            pushing.metrics.pushed(&name, &receipt);
            Ok(receipt.body)
        })
        .await
        .map_err(|error| match error.code {
            "deadline" => error.with_hint("repeated with the same Idempotency-Key it counts once"),
            _ => error,
        })
}

/// A body of rows, and how it is to be read; compressed Arrow counts as what it becomes.
///
/// # Errors
/// As [`body::read`] and [`format`]; `malformed_body` (invalid).
pub async fn held_rows(parts: &Parts, body: Body, limits: Limits<'_>) -> Result<(Held, Format)> {
    let mut held = body::read(parts, body, limits).await?;
    let format = format(&parts.headers, &held.bytes)?;
    if format == Format::ArrowStream {
        held.becomes(inflated(&held.bytes)?, limits)?;
    }
    Ok((held, format))
}

/// The parameters after the question mark.
///
/// # Errors
/// `wrong_parameter` (invalid), saying which.
pub fn parameters<T: DeserializeOwned>(uri: &Uri) -> Result<T> {
    let parsed = Query::<T>::try_from_uri(uri);
    parsed.map(|Query(parameters)| parameters).map_err(|error| {
        Error::new(Kind::Invalid, "wrong_parameter", "the query string cannot be read")
            .with_detail(error.body_text())
    })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get(IDEMPOTENCY_HEADER) else { return Ok(None) };
    // How long a key may be is the backend's affair.
    match std::str::from_utf8(value.as_bytes()) {
        Ok(key) => Ok(Some(key.to_owned())),
        Err(_) => Err(Error::new(Kind::Invalid, "wrong_idempotency_key", "the key is not UTF-8")
            .with_hint("Idempotency-Key is text of 1 to 256 bytes")),
    }
}

/// How a body of rows is to be read: as its content type says, or as its first byte where that
/// says nothing.
///
/// # Errors
/// `unsupported_content_type` (invalid).
fn format(headers: &HeaderMap, body: &Bytes) -> Result<Format> {
    let declared = match headers.get(header::CONTENT_TYPE) {
        Some(value) => value.to_str().unwrap_or("").to_ascii_lowercase(),
        None => String::new(),
    };
    match declared.split(';').next().unwrap_or("").trim() {
        reply::NDJSON | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Ok(Format::Ndjson)
        }
        reply::ARROW => Ok(Format::ArrowStream),
        // Clients say these without a thought: curl the last, by default.
        reply::JSON
        | ""
        | "text/plain"
        | "application/octet-stream"
        | "application/x-www-form-urlencoded" => Ok(guess(body)),
        other => Err(Error::new(
            Kind::Invalid,
            "unsupported_content_type",
            format!("content type {other:?} is not one of rows"),
        )
        .with_hint(format!("send {}, {} or {}", reply::JSON, reply::NDJSON, reply::ARROW))),
    }
}

fn guess(body: &Bytes) -> Format {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Format::Ndjson,
        // An Arrow stream begins with a continuation marker.
        Some(0xff) if body.starts_with(&[0xff; 4]) => Format::ArrowStream,
        _ => Format::JsonArray,
    }
}
