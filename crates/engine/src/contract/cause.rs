//! Why a row is not (wholly) used: the closed list of causes, and the rejection that carries one.
//! Names are public (receipts, dead letters, metrics); they must never change or be reused.

use bytes::Bytes;

/// Cause of a rejection or of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The row is not a JSON object, or not JSON, or names a column twice.
    Malformed,
    /// A column that may not be null is absent.
    MissingColumn,
    /// A value is of another type than declared, or null where it may not be.
    WrongType,
    /// A part of a view's key is null: of one view, the event itself is accepted.
    NullKey,
    /// An instant outside 1971-01-01 .. 2200-01-01.
    TimeOutOfRange,
    /// Event time later than arrival plus the stream's `skew`.
    InTheFuture,
    /// Event time earlier than arrival minus the stream's `max_age`.
    TooLate,
    /// A needed expression of a view fails on the row: of one view, the event is accepted.
    Expression,
    /// A number too large for exact sums or for 64 bits.
    ValueOutOfRange,
}

impl Cause {
    /// All causes, in the order of the public list.
    pub const ALL: [Cause; 9] = [
        Cause::Malformed,
        Cause::MissingColumn,
        Cause::WrongType,
        Cause::NullKey,
        Cause::TimeOutOfRange,
        Cause::InTheFuture,
        Cause::TooLate,
        Cause::Expression,
        Cause::ValueOutOfRange,
    ];

    /// The name in receipts, dead letters and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Malformed => "malformed",
            Cause::MissingColumn => "missing_column",
            Cause::WrongType => "wrong_type",
            Cause::NullKey => "null_key",
            Cause::TimeOutOfRange => "time_out_of_range",
            Cause::InTheFuture => "in_the_future",
            Cause::TooLate => "too_late",
            Cause::Expression => "expression",
            Cause::ValueOutOfRange => "value_out_of_range",
        }
    }

    /// The cause of a name; none if there is no such cause.
    pub fn from_name(name: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

/// A row that was not accepted, with all that a dead letter needs of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Number of the row in what was pushed, from 0.
    pub row: u32,
    /// Why.
    pub cause: Cause,
    /// What is wrong, naming the column: lower case, no full stop.
    pub message: String,
    /// The row as it came: the text of a JSON row; a row of Arrow written as a JSON object.
    pub original: Bytes,
}
