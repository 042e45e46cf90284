//! Types and values: what a column holds and what a feature answers.
//!
//! Null is always explicit, a float is finite, and -0.0 never occurs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The first instant there is for users: 1971-01-01T00:00:00Z, microseconds.
pub const INSTANT_MIN_US: i64 = 31_536_000_000_000;

/// The last instant there is for users: 2200-01-01T00:00:00Z, microseconds.
pub const INSTANT_MAX_US: i64 = 7_258_118_400_000_000;

/// The type of a column, an expression or a scalar feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// True or false.
    Bool,
    /// 64-bit signed integer.
    Int,
    /// Finite IEEE double.
    Float,
    /// UTF-8 string, compared by bytes.
    Str,
    /// UTC microseconds since 1970.
    Timestamp,
}

/// The type of a feature: a scalar, or a list of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureType {
    /// One value.
    Scalar(DataType),
    /// A list, oldest first.
    List(DataType),
}

/// One value of a column or a feature.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// 64-bit signed integer.
    Int(i64),
    /// Finite IEEE double, never -0.0.
    Float(f64),
    /// UTF-8 string.
    Str(Arc<str>),
    /// UTC microseconds since 1970.
    Timestamp(i64),
    /// A list, oldest first; elements are scalars.
    List(Arc<[Value]>),
}

impl Value {
    /// True for `Null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

/// Why a value is null although data was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// Nothing to report.
    #[default]
    Ok,
    /// A read-time expression failed.
    Invalid,
    /// More events than the view keeps.
    Saturated,
    /// The exact result does not fit its type.
    Overflow,
}

impl Status {
    /// The name in answers and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Invalid => "invalid",
            Status::Saturated => "saturated",
            Status::Overflow => "overflow",
        }
    }
}

/// One answered value with the reason why it is null, if there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The value; null when `status` is not `Ok`.
    pub value: Value,
    /// Why it is null although data was there.
    pub status: Status,
}

impl Cell {
    /// A value with nothing to report.
    pub fn ok(value: Value) -> Self {
        Self { value, status: Status::Ok }
    }

    /// Null for a reason.
    pub fn null(status: Status) -> Self {
        Self { value: Value::Null, status }
    }
}

impl Default for Cell {
    fn default() -> Self {
        Self::ok(Value::Null)
    }
}
