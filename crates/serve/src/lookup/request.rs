//! The body of `POST /v1/features`, read strictly: wrong shapes are errors that say what and where.

use std::time::Instant;

use headwater_kernel::error::{Error, Kind, Result};
use headwater_store::online::Positions;
use serde::Deserialize;

use super::Query;
use super::keys::Keys;
use super::question::Target;
use super::rows::{Rows, Scalar, Text};
use crate::instant;

/// A request for features, borrowed from its body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturesRequest<'a> {
    #[serde(borrow, default)]
    service: Option<Text<'a>>,
    #[serde(borrow, default)]
    view: Option<Text<'a>>,
    /// A service of this name, else a view.
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    keys: Rows<'a>,
    #[serde(borrow, default)]
    at: Option<Scalar<'a>>,
    #[serde(default)]
    history: Option<bool>,
    #[serde(default)]
    after: Option<Positions>,
    #[serde(default)]
    metadata: Option<bool>,
}

/// Kind `invalid`, code `malformed_body`: the body is not what the route takes.
pub fn malformed(detail: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, "malformed_body", "the body cannot be read").with_detail(detail)
}

impl<'a> FeaturesRequest<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// `malformed_body` (invalid) where it is no JSON, not UTF-8 or of another shape.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        // Checked once and as a whole: then every string in it can be borrowed.
        let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
        let read = match text.trim_start().starts_with('[') {
            // Taken for fields in their order, which nobody has promised.
            true => Err(malformed("it is a list, not an object")),
            false => serde_json::from_str(text).map_err(|error| malformed(error.to_string())),
        };
        read.map_err(|error| {
            error.with_hint(
                "send {\"service\": \"...\", \"keys\": [{...}]}; \
                 at, history, after and metadata may be added",
            )
        })
    }

    /// Number of rows of keys.
    pub fn row_count(&self) -> usize {
        self.keys.len()
    }

    /// May answering wait for positions or read the archive?
    pub fn may_block(&self) -> bool {
        self.after.is_some() || self.history == Some(true)
    }

    /// The query it stands for.
    ///
    /// # Errors
    /// `wrong_shape` (invalid) unless exactly one of service, view and name is given, and what is
    /// wrong with `at`.
    pub fn query(&self, deadline: Instant) -> Result<Query<'_>> {
        let target = match (&self.service, &self.view, &self.name) {
            (Some(name), None, None) => Target::Service(&name.0),
            (None, Some(name), None) => Target::View(&name.0),
            (None, None, Some(name)) => Target::Named(&name.0),
            _ => {
                return Err(Error::new(
                    Kind::Invalid,
                    "wrong_shape",
                    "exactly one of service, view and name must be given",
                ));
            }
        };
        let at = match &self.at {
            None | Some(Scalar::Null) => None,
            Some(Scalar::Int(us)) => Some(instant::checked(*us)?),
            Some(Scalar::Str(text)) => Some(instant::parse(text)?),
            Some(other) => {
                return Err(Error::new(
                    Kind::Invalid,
                    "wrong_shape",
                    format!("at is {}, not an instant", other.kind()),
                )
                .with_hint("send ISO 8601 with an offset, microseconds since 1970, or null"));
            }
        };
        Ok(Query {
            target,
            keys: Keys::Rows(&self.keys),
            at,
            history: self.history.unwrap_or(false),
            after: self.after.clone(),
            deadline,
            metadata: self.metadata.unwrap_or(false),
        })
    }
}
