//! Names in paths, read so that what cannot be read is an error like every other.

use axum::body::Body;
use axum::extract::{FromRequestParts, Path as AnyPath};
use axum::http::Response;
use axum::http::request::Parts;
use headwater_kernel::error::{Error, Kind};
use serde::de::DeserializeOwned;

use super::reply;

/// The names of a path: axum's, but for the reply where they are no UTF-8.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Response<Body>;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response<Body>> {
        match AnyPath::from_request_parts(parts, state).await {
            Ok(AnyPath(names)) => Ok(Self(names)),
            Err(refused) => Err(reply::error(
                &Error::new(Kind::Invalid, "wrong_path", "the path cannot be read")
                    .with_detail(refused.body_text()),
            )),
        }
    }
}
