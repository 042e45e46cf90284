//! Replies: bodies with their content types, and errors with the status that their kind has.
//!
//! One table says which status an error gets; no handler chooses one.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use headwater_kernel::error::{Error, Kind};

use crate::json;

/// What a client that was turned away waits before it tries again, seconds.
const RETRY_AFTER_SECONDS: &str = "1";

/// Content type of JSON.
pub const JSON: &str = "application/json";
/// Content type of one JSON object a line.
pub const NDJSON: &str = "application/x-ndjson";
/// Content type of an Arrow IPC stream.
pub const ARROW: &str = "application/vnd.apache.arrow.stream";

/// A reply with a body of a type.
pub fn body(status: StatusCode, content_type: &'static str, bytes: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A good reply in JSON.
pub fn json(bytes: Vec<u8>) -> Response<Body> {
    body(StatusCode::OK, JSON, bytes)
}

/// The reply for an error.
pub fn error(error: &Error) -> Response<Body> {
    let status = status(error);
    dress(error, status, body(status, JSON, json::error(error)))
}

/// Adds the headers that go with a refusal.
pub fn dress(error: &Error, status: StatusCode, mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    }
    if matches!(error.code, "too_large" | "cut_off" | "slow_body") {
        // The rest of the body is not read: the connection cannot be used again.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The status of an error: by its code where the wire says so, else by its kind.
pub fn status(error: &Error) -> StatusCode {
    match error.code {
        "too_large" | "too_many_keys" | "too_many_rows" => return StatusCode::PAYLOAD_TOO_LARGE,
        "queue_full" => return StatusCode::TOO_MANY_REQUESTS,
        "deadline" | "slow_body" => return StatusCode::GATEWAY_TIMEOUT,
        "unsupported_encoding" => return StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "method_not_allowed" => return StatusCode::METHOD_NOT_ALLOWED,
        // A body that cannot be read is a bad request even where the row at fault is known.
        "malformed_body" => return StatusCode::BAD_REQUEST,
        // A dead letter that is still not good: neither damage of ours nor a fault of the request.
        "still_refused" => return StatusCode::UNPROCESSABLE_ENTITY,
        _ => {}
    }
    match error.kind {
        Kind::Invalid if error.row.is_some() => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Unavailable | Kind::Closed => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Data | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_of(kind: Kind, code: &'static str, row: Option<u64>) -> u16 {
        let mut error = Error::new(kind, code, "m");
        error.row = row;
        status(&error).as_u16()
    }

    /// Codes that the wire names have their own status.
    #[test]
    fn named_codes_have_their_status() {
        assert_eq!(status_of(Kind::Invalid, "too_large", None), 413);
        assert_eq!(status_of(Kind::Invalid, "unsupported_encoding", None), 415);
        assert_eq!(status_of(Kind::Unavailable, "queue_full", None), 429);
        assert_eq!(status_of(Kind::Unavailable, "deadline", None), 504);
        assert_eq!(status_of(Kind::Invalid, "malformed_body", Some(3)), 400);
    }

    /// Every other error has the status of its kind; one of a row of the request is 422.
    #[test]
    fn kinds_have_their_status() {
        assert_eq!(status_of(Kind::Invalid, "x", None), 400);
        assert_eq!(status_of(Kind::Invalid, "x", Some(0)), 422);
        assert_eq!(status_of(Kind::NotFound, "x", None), 404);
        assert_eq!(status_of(Kind::Conflict, "x", Some(0)), 409);
        assert_eq!(status_of(Kind::Unavailable, "x", None), 503);
        assert_eq!(status_of(Kind::Closed, "x", None), 503);
        assert_eq!(status_of(Kind::Data, "x", None), 500);
        assert_eq!(status_of(Kind::Internal, "x", None), 500);
    }

    /// A client that was turned away is told when to come back.
    #[test]
    fn a_full_queue_says_when_to_retry() {
        let reply = error(&Error::new(Kind::Unavailable, "queue_full", "m"));
        assert_eq!(reply.headers()[RETRY_AFTER], "1");
    }
}
