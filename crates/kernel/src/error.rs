//! The one error of the whole data plane: what happened, in detail, and what to do about it.
//!
//! Kinds are chosen by what the caller must do next; codes are stable names; the text is not API.

use std::fmt;

/// What the caller has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request or definition is wrong: mend it.
    Invalid,
    /// The named thing does not exist: name another.
    NotFound,
    /// The state of the world forbids it: look, then decide.
    Conflict,
    /// Not now: try again later.
    Unavailable,
    /// Stored or pushed data is damaged or refused.
    Data,
    /// The object was closed.
    Closed,
    /// A fault of ours.
    Internal,
}

impl Kind {
    /// The name used in JSON and in Python (`InvalidError` is kind `invalid`).
    pub fn name(self) -> &'static str {
        match self {
            Kind::Invalid => "invalid",
            Kind::NotFound => "not_found",
            Kind::Conflict => "conflict",
            Kind::Unavailable => "unavailable",
            Kind::Data => "data",
            Kind::Closed => "closed",
            Kind::Internal => "internal",
        }
    }
}

/// An error with a stable code; `message` says what happened, `hint` what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What the caller has to do next.
    pub kind: Kind,
    /// Stable name, e.g. `before_horizon`.
    pub code: &'static str,
    /// What happened: lower case, no full stop.
    pub message: String,
    /// More of it, if there is more; empty otherwise.
    pub detail: String,
    /// What to do; empty if nothing can be done.
    pub hint: String,
    /// The row of the request at fault, where there is one.
    pub row: Option<u64>,
}

/// Result of everything that may fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error without detail and hint.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            message: message.into(),
            detail: String::new(),
            hint: String::new(),
            row: None,
        }
    }

    /// The same with its detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same with what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same with the row of the request at fault.
    #[must_use]
    pub fn at_row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        if !self.hint.is_empty() {
            write!(f, "; hint: {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
