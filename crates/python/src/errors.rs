//! Errors of the data plane as exceptions of `headwater.errors`: one table, keyed by kind.
//!
//! It exists so that Python code catches one tree of classes, wherever a mistake was found. It must
//! never swallow a cause or raise a class that is not in the table.

use headwater_kernel::error::{Error, Kind};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Class of `headwater.errors` for each kind.
pub const CLASSES: [(Kind, &str); 7] = [
    (Kind::Invalid, "InvalidError"),
    (Kind::NotFound, "NotFoundError"),
    (Kind::Conflict, "ConflictError"),
    (Kind::Unavailable, "UnavailableError"),
    (Kind::Data, "DataError"),
    (Kind::Closed, "ClosedError"),
    (Kind::Internal, "InternalError"),
];

/// The Python exception that says what `error` says.
pub fn raise(py: Python<'_>, error: &Error) -> PyErr {
    build(py, error).unwrap_or_else(|failure| failure)
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let class = CLASSES
        .iter()
        .find(|(kind, _)| *kind == error.kind)
        .map(|(_, class)| *class)
        .expect("every kind has a class");
    let keywords = PyDict::new(py);
    keywords.set_item("code", error.code)?;
    keywords.set_item("detail", &error.detail)?;
    keywords.set_item("hint", &error.hint)?;
    keywords.set_item("row", error.row)?;
    let class = py.import("headwater.errors")?.getattr(class)?;
    Ok(PyErr::from_value(class.call((&error.message,), Some(&keywords))?))
}

/// What bindings return: an error of ours still to be raised, or a Python one as it is.
pub enum Failure {
    /// An error of the data plane.
    Ours(Error),
    /// An exception of Python: a signal, a failing producer of Arrow.
    Python(PyErr),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Ours(error) => Python::attach(|py| raise(py, &error)),
            Failure::Python(error) => error,
        }
    }
}

/// An `invalid` error about an argument.
pub fn invalid(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, code, message)
}

/// A fault of Arrow's own machinery: what a producer or a body of bytes gave is not Arrow.
pub fn arrow(error: &arrow_schema::ArrowError) -> Error {
    invalid("malformed_arrow", "the rows are not readable as arrow data")
        .with_detail(error.to_string())
}
