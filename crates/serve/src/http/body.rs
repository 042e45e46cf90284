//! Reading a body: bounded in size, in time and in what all of them hold together.
//!
//! Sizes are those after decompression. A body that is cut short is an error and nothing of it is used. One that is too large is read on
//! and thrown away for a moment, since a client that is still sending would not see the reply.

use std::iter::successors;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use headwater_kernel::error::{Error, Kind, Result};
use http_body_util::BodyExt;
use tokio::time::{Duration, Instant, timeout_at};

use super::admission::{Bound, Share};
use crate::lookup::request::malformed;

/// How long a body that was refused is read on.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// How much of a body that was refused is read on, as a multiple of the largest allowed.
const DRAIN_FACTOR: usize = 4;

/// First guess of a body's size where it comes in pieces: no more is reserved on a client's word.
const GUESS_BYTES: usize = 1024 * 1024;

/// A body in memory, with its share of what all bodies may hold.
#[derive(Debug)]
pub struct Held {
    /// The bytes.
    pub bytes: Bytes,
    /// Given back when the request is done with.
    pub share: Share,
}

/// Bounds of a body.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Largest size, bytes.
    pub body_max: usize,
    /// When it has to be there.
    pub deadline: Instant,
    /// What all bodies may hold.
    pub buffered: &'a Bound,
}

/// Reads a whole body.
///
/// # Errors
/// `too_large`, `cut_off`, `slow_body`, `queue_full`, `unsupported_encoding`.
pub async fn read(parts: &Parts, mut body: Body, limits: Limits<'_>) -> Result<Held> {
    if let Some(encoding) = parts.headers.get(header::CONTENT_ENCODING)
        && encoding != "identity"
    {
        // What can be decompressed has been, and lost the header: see the routes.
        let given = encoding.to_str().unwrap_or("no text");
        let message = format!("a body of Content-Encoding {given} is not understood");
        return Err(Error::new(Kind::Invalid, "unsupported_encoding", message)
            .with_hint("send it as gzip or zstd, or as it is without Content-Encoding"));
    }
    let length = content_length(&parts.headers);
    if length.is_some_and(|length| length > limits.body_max) {
        if !parts.headers.contains_key(header::EXPECT) {
            drain(&mut body, limits.body_max).await;
        }
        return Err(too_large(limits.body_max));
    }
    let mut share = limits.buffered.take(0)?;
    let Some(first) = frame(&mut body, limits.deadline).await? else {
        return complete(Bytes::new(), share, length);
    };
    share.grow(first.len())?;
    if length == Some(first.len()) {
        return complete(first, share, length);
    }
    let mut whole = BytesMut::with_capacity(length.unwrap_or(0).min(GUESS_BYTES).max(first.len()));
    whole.extend_from_slice(&first);
    while whole.len() <= limits.body_max {
        let Some(next) = frame(&mut body, limits.deadline).await? else {
            return complete(whole.freeze(), share, length);
        };
        share.grow(next.len())?;
        whole.extend_from_slice(&next);
    }
    drop((whole, share));
    drain(&mut body, limits.body_max).await;
    Err(too_large(limits.body_max))
}

fn complete(bytes: Bytes, share: Share, length: Option<usize>) -> Result<Held> {
    // The connection layer promises it; a body believed whole that is not would be applied in part.
    assert!(length.is_none_or(|length| length == bytes.len()), "a body has its declared length");
    Ok(Held { bytes, share })
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl Held {
    /// Counts what the body becomes when decoded, where that is more than its own bytes.
    ///
    /// # Errors
    /// `too_large` where it is more than a body may be; `queue_full`.
    pub fn becomes(&mut self, bytes: usize, limits: Limits<'_>) -> Result<()> {
        if bytes <= self.bytes.len() {
            return Ok(());
        }
        if bytes > limits.body_max {
            return Err(too_large(limits.body_max));
        }
        self.share.grow(bytes)
    }
}

fn too_large(body_max: usize) -> Error {
    Error::new(Kind::Invalid, "too_large", format!("the body is larger than {body_max} bytes"))
        .with_hint("send it in several requests, or raise [server] body_max")
}

/// The next bytes of a body; none at its end.
async fn frame(body: &mut Body, deadline: Instant) -> Result<Option<Bytes>> {
    loop {
        let next = timeout_at(deadline, body.frame()).await.map_err(|_| {
            Error::new(Kind::Unavailable, "slow_body", "the body did not arrive in time")
        })?;
        match next {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
            Some(Err(error)) => return Err(unreadable(&error)),
        }
    }
}

/// The body ended early, or is not compressed as its header says.
fn unreadable(error: &axum::Error) -> Error {
    let detail = malformed(error.to_string());
    let mut causes = successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    if causes.any(|cause| cause.is::<hyper::Error>()) {
        let message = "the body was cut off; nothing of it was applied".into();
        return Error { code: "cut_off", message, ..detail };
    }
    Error { message: "the body is not what its Content-Encoding says".into(), ..detail }
}

async fn drain(body: &mut Body, body_max: usize) {
    let deadline = Instant::now() + DRAIN_TIMEOUT;
    let mut left = body_max.saturating_mul(DRAIN_FACTOR);
    while let Ok(Some(bytes)) = frame(body, deadline).await {
        if bytes.len() >= left {
            return;
        }
        left -= bytes.len();
    }
}
