//! The contract of a stream or a table: which columns a row must have, of which types and in
//! which range. `decode` asks it for every value, whatever format the row came in, so that JSON
//! and Arrow can never disagree. It must never look at views, at a clock or at a key.

mod acceptance;
mod cause;
mod instant;
mod quality;
mod value;

use std::sync::Arc;

use arrow_schema::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit as ArrowUnit};
use headwater_kernel::blueprint::{Column, Stream, Table, TimeUnit};
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::value::DataType;

pub use acceptance::{Acceptance, acceptance};
pub use cause::{Cause, Rejection};
pub use instant::{
    INSTANT_MAX_US, INSTANT_MIN_US, instant_of_integer, instant_of_text, is_naive, text_of_instant,
};
pub use quality::Quality;
pub use value::Fault;
pub(crate) use value::FloatRule;

/// Where the arrivals of a batch of history come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// The rows do not say; the engine stamps them.
    Stamped,
    /// The declared or extra column with this index in [`Contract::columns`].
    Column(usize),
    /// Each row arrived at its event time: simulated, and recorded as such.
    EventTime,
}

/// The rules for the rows of one stream or table.
#[derive(Clone, Debug)]
pub struct Contract {
    columns: Vec<Column>,
    declared: usize,
    keys: Vec<usize>,
    time: Option<usize>,
    arrivals: Arrivals,
    schema: SchemaRef,
}

impl Contract {
    /// The contract of a stream's rows.
    ///
    /// `arrived_at` names the column with each row's arrival: a declared one, an extra one (an
    /// instant in microseconds, ISO text or zoned timestamp, never null), or `event_time`.
    pub fn of_stream(stream: &Stream, arrived_at: Option<&str>) -> Result<Self> {
        Self::new(&stream.name, &stream.columns, &[], Some(&stream.time), arrived_at)
    }

    /// The contract of a table's rows; see [`Contract::of_stream`].
    pub fn of_table(table: &Table, arrived_at: Option<&str>) -> Result<Self> {
        Self::new(&table.name, &table.columns, &table.key, table.valid_from.as_deref(), arrived_at)
    }

    /// The contract of label rows: key columns, which may be null, and the instants asked about,
    /// which may not.
    pub fn of_labels(keys: &[Column], time: &str) -> Result<Self> {
        let mut columns = keys.to_vec();
        match columns.iter().find(|key| key.name == time) {
            None => columns.push(extra_instant(time)),
            Some(key) if key.data_type == DataType::Timestamp => {}
            Some(key) => return Err(not_an_instant("the labels", &key.name)),
        }
        Self::new("the labels", &columns, &[], Some(time), None)
    }

    fn new(
        name: &str,
        columns: &[Column],
        keys: &[String],
        time: Option<&str>,
        arrived_at: Option<&str>,
    ) -> Result<Self> {
        let mut columns = columns.to_vec();
        let declared = columns.len();
        let keys = keys.iter().map(|key| position(name, &columns, key)).collect::<Result<_>>()?;
        let time = time.map(|time| position(name, &columns, time)).transpose()?;
        if let Some(time) = time {
            columns[time].nullable = false;
        }
        let arrivals = match arrived_at {
            None => Arrivals::Stamped,
            Some(arrived) => match columns.iter().position(|column| column.name == arrived) {
                Some(at) if columns[at].data_type == DataType::Timestamp => {
                    columns[at].nullable = false;
                    Arrivals::Column(at)
                }
                Some(_) => return Err(not_an_instant(name, arrived)),
                None if arrived == "event_time" && time.is_some() => Arrivals::EventTime,
                None if arrived == "event_time" => return Err(no_event_time(name)),
                None => {
                    columns.push(extra_instant(arrived));
                    Arrivals::Column(declared)
                }
            },
        };
        let schema = canonical_schema(&columns[..declared]);
        Ok(Self { columns, declared, keys, time, arrivals, schema })
    }

    /// Every column that a row may have: the declared ones, then the extra arrival column.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many of [`Contract::columns`] are declared; the rest never enter the batch.
    pub fn declared(&self) -> usize {
        self.declared
    }

    /// Is the column part of a table row's own key? A null in it is `null_key`.
    pub fn is_key(&self, index: usize) -> bool {
        self.keys.contains(&index)
    }

    /// Index of the column with the event time (or the instant a table row is valid from).
    pub fn time(&self) -> Option<usize> {
        self.time
    }

    /// Where the arrivals come from.
    pub fn arrivals(&self) -> Arrivals {
        self.arrivals
    }

    /// The canonical Arrow schema of accepted rows; see [`canonical_schema`].
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

/// The schema that every accepted batch has: `Boolean`, `Int64`, `Float64`, `Utf8` or
/// `Timestamp(us, UTC)`, in order of declaration, all of them nullable (a NaN in a column that
/// may not be null is null).
pub fn canonical_schema(columns: &[Column]) -> SchemaRef {
    let fields: Vec<Field> = columns
        .iter()
        .map(|column| Field::new(&column.name, canonical_type(column.data_type), true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// The Arrow type that holds a column of this type.
pub fn canonical_type(data_type: DataType) -> ArrowType {
    match data_type {
        DataType::Bool => ArrowType::Boolean,
        DataType::Int => ArrowType::Int64,
        DataType::Float => ArrowType::Float64,
        DataType::Str => ArrowType::Utf8,
        DataType::Timestamp => ArrowType::Timestamp(ArrowUnit::Microsecond, Some("UTC".into())),
    }
}

/// How a type is called in definitions and messages.
pub fn type_name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Bool => "bool",
        DataType::Int => "int",
        DataType::Float => "float",
        DataType::Str => "str",
        DataType::Timestamp => "timestamp",
    }
}

fn extra_instant(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        data_type: DataType::Timestamp,
        nullable: false,
        unit: TimeUnit::Us,
        scale_exponent: headwater_kernel::blueprint::DEFAULT_SCALE_EXPONENT,
    }
}

fn position(name: &str, columns: &[Column], wanted: &str) -> Result<usize> {
    columns.iter().position(|column| column.name == wanted).ok_or_else(|| {
        Error::new(
            Kind::Invalid,
            "blueprint_invalid",
            format!("\"{wanted}\" is not a column of {name}"),
        )
    })
}

fn not_an_instant(name: &str, column: &str) -> Error {
    Error::new(
        Kind::Invalid,
        "arrived_at_invalid",
        format!("arrived_at=\"{column}\" names a column of {name} that is not a timestamp"),
    )
    .with_hint("name a column of instants, or arrived_at=\"event_time\"")
}

fn no_event_time(name: &str) -> Error {
    Error::new(
        Kind::Invalid,
        "arrived_at_invalid",
        format!("arrived_at=\"event_time\" needs an instant in the rows, and {name} declares none"),
    )
    .with_hint("name a column with the arrival of each row")
}
