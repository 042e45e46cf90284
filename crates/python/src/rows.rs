//! Dicts of Python as Arrow columns, for label rows that come without an Arrow library.
//!
//! A column's type is read off all its values: booleans, integers, floats (integers join them),
//! strings, bytes, dates, datetimes and lists of these; `None` and a missing key are null. It must
//! never change a value: what has no exact Arrow form is refused with its row.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, ListArray, NullArray, RecordBatch, RecordBatchOptions};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use headwater_kernel::error::Error;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyBytes, PyDate, PyDateTime, PyDeltaAccess, PyDict, PyFloat, PyInt, PyList, PyString,
    PyTuple, PyTzInfo,
};

use crate::errors::{Failure, arrow, invalid};

/// One batch of the rows; columns in order of first appearance.
pub fn batch(rows: &Bound<'_, PyList>) -> Result<RecordBatch, Failure> {
    let mut columns: Vec<(Bound<'_, PyString>, Vec<Plain>)> = Vec::new();
    let index = PyDict::new(rows.py());
    for (number, row) in rows.iter().enumerate() {
        let row = row.cast_into::<PyDict>().map_err(|error| {
            let given = error.into_inner().get_type().to_string();
            invalid("not_rows", format!("a row is not a dict but {given}")).at_row(number as u64)
        })?;
        for (name, value) in row {
            let name = name.cast_into::<PyString>().map_err(|_| {
                invalid("not_rows", "a column's name is not a string").at_row(number as u64)
            })?;
            let position = match index.get_item(&name)? {
                Some(position) => position.extract::<usize>()?,
                None => {
                    index.set_item(&name, columns.len())?;
                    columns.push((name, Vec::with_capacity(rows.len())));
                    columns.len() - 1
                }
            };
            let (name, cells) = &mut columns[position];
            cells.resize_with(number, || Plain::Null);
            cells.push(plain(&value).map_err(|failure| at(failure, name, number))?);
        }
    }
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (name, mut cells) in columns {
        cells.resize_with(rows.len(), || Plain::Null);
        let name = name.to_str()?;
        let cells: Vec<&Plain> = cells.iter().collect();
        let array = array(&cells).map_err(|(row, mixed)| error_at(mixed.error(), name, row))?;
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let schema = Arc::new(Schema::new(fields));
    Ok(RecordBatch::try_new_with_options(schema, arrays, &options).map_err(|e| arrow(&e))?)
}

/// A value of Python without Python.
enum Plain {
    Null,
    /// Not a number: a float, and in a column of anything else null, as pandas means it.
    NotANumber,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Day(i32),
    /// Microseconds since 1970; of a clock without a zone where not `zoned`.
    Instant {
        microseconds: i64,
        zoned: bool,
    },
    List(Vec<Plain>),
}

/// Two values of one column that have no type in common.
struct Mixed(&'static str, &'static str);

impl Mixed {
    fn error(&self) -> Error {
        let message = format!("the column mixes {} and {}", self.0, self.1);
        invalid("mixed_types", message)
            .with_hint("give one type a column; None stands for no value")
    }
}

fn at(failure: Failure, name: &Bound<'_, PyString>, row: usize) -> Failure {
    match failure {
        Failure::Ours(error) => error_at(error, &name.to_string_lossy(), row).into(),
        python @ Failure::Python(_) => python,
    }
}

fn error_at(error: Error, column: &str, row: usize) -> Error {
    let message = format!("column {column}: {}", error.message);
    Error { message, ..error }.at_row(row as u64)
}

fn plain(value: &Bound<'_, PyAny>) -> Result<Plain, Failure> {
    if value.is_none() {
        return Ok(Plain::Null);
    }
    if let Ok(value) = value.cast::<PyBool>() {
        return Ok(Plain::Bool(value.is_true()));
    }
    if let Ok(value) = value.cast::<PyString>() {
        return Ok(Plain::Text(value.to_str()?.to_owned()));
    }
    if let Ok(value) = value.cast::<PyFloat>() {
        let value: f64 = value.extract()?;
        return Ok(if value.is_nan() { Plain::NotANumber } else { Plain::Float(value) });
    }
    if let Ok(value) = value.cast::<PyInt>() {
        return match value.extract::<i64>() {
            Ok(value) => Ok(Plain::Int(value)),
            Err(_) => Err(invalid("out_of_range", "an integer does not fit 64 bits").into()),
        };
    }
    if let Ok(value) = value.cast::<PyDateTime>() {
        return instant(value);
    }
    if let Ok(value) = value.cast::<PyDate>() {
        return Ok(Plain::Day(value.call_method0("toordinal")?.extract::<i32>()? - UNIX_ORDINAL));
    }
    if let Ok(value) = value.cast::<PyBytes>() {
        return Ok(Plain::Bytes(value.as_bytes().to_vec()));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let elements = value.try_iter()?.map(|element| plain(&element?));
        return Ok(Plain::List(elements.collect::<Result<Vec<_>, _>>()?));
    }
    foreign(value)
}

/// `date(1970, 1, 1).toordinal()`.
const UNIX_ORDINAL: i32 = 719_163;

/// Scalars of numpy and pandas, known by what they can do, since neither may be imported here.
fn foreign(value: &Bound<'_, PyAny>) -> Result<Plain, Failure> {
    let class = value.get_type();
    let name = class.name()?.to_string();
    if name == "NAType" || name == "NaTType" {
        return Ok(Plain::Null);
    }
    if name == "datetime64" {
        // Finer units would come out as plain integers.
        return plain(&value.call_method1("astype", ("datetime64[us]",))?.call_method0("item")?);
    }
    if name == "ndarray" {
        return plain(&value.call_method0("tolist")?);
    }
    if class.module()? == "numpy" && value.hasattr("item")? {
        return plain(&value.call_method0("item")?);
    }
    Err(invalid("unknown_type", format!("a value of type {name} has no arrow type"))
        .with_hint("give bool, int, float, str, bytes, datetime or a list of these")
        .into())
}

fn instant(value: &Bound<'_, PyDateTime>) -> Result<Plain, Failure> {
    static EPOCHS: PyOnceLock<[Py<PyAny>; 2]> = PyOnceLock::new();
    let py = value.py();
    // NaT is a datetime to Python, and unequal to itself.
    if value.get_type().name()? == "NaTType" {
        return Ok(Plain::Null);
    }
    let epochs = EPOCHS.get_or_try_init(py, || {
        let utc = PyTzInfo::utc(py)?.to_owned();
        let naive = PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, None)?;
        let aware = PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, Some(&utc))?;
        Ok::<_, PyErr>([naive.into_any().unbind(), aware.into_any().unbind()])
    })?;
    let zoned = !value.call_method0("utcoffset")?.is_none();
    let since = value.sub(epochs[usize::from(zoned)].bind(py))?;
    let since = since.cast_into::<pyo3::types::PyDelta>().map_err(PyErr::from)?;
    let seconds = i64::from(since.get_days()) * 86_400 + i64::from(since.get_seconds());
    let microseconds = seconds * 1_000_000 + i64::from(since.get_microseconds());
    Ok(Plain::Instant { microseconds, zoned })
}

/// Which builder a column needs; order does not matter, since [`join`] is symmetric.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Null,
    NotANumber,
    Bool,
    Int,
    Float,
    Text,
    Bytes,
    Day,
    Clock,
    Instant,
    List,
}

impl Shape {
    fn of(value: &Plain) -> Self {
        match value {
            Plain::Null => Self::Null,
            Plain::NotANumber => Self::NotANumber,
            Plain::Bool(_) => Self::Bool,
            Plain::Int(_) => Self::Int,
            Plain::Float(_) => Self::Float,
            Plain::Text(_) => Self::Text,
            Plain::Bytes(_) => Self::Bytes,
            Plain::Day(_) => Self::Day,
            Plain::Instant { zoned: false, .. } => Self::Clock,
            Plain::Instant { zoned: true, .. } => Self::Instant,
            Plain::List(_) => Self::List,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Null => "nulls",
            Self::Bool => "booleans",
            Self::Int => "integers",
            Self::NotANumber | Self::Float => "floats",
            Self::Text => "strings",
            Self::Bytes => "bytes",
            Self::Day => "dates",
            Self::Clock => "datetimes without a zone",
            Self::Instant => "datetimes with a zone",
            Self::List => "lists",
        }
    }

    fn join(self, other: Self) -> Result<Self, Mixed> {
        match (self, other) {
            (one, another) if one == another => Ok(one),
            (Self::Null, one) | (one, Self::Null) => Ok(one),
            (Self::Int | Self::Float, Self::Float | Self::Int | Self::NotANumber)
            | (Self::NotANumber, Self::Int | Self::Float) => Ok(Self::Float),
            (Self::NotANumber, one) | (one, Self::NotANumber) => Ok(one),
            (one, another) => Err(Mixed(one.name(), another.name())),
        }
    }
}

fn array(cells: &[&Plain]) -> Result<ArrayRef, (usize, Mixed)> {
    let mut shape = Shape::Null;
    for (row, cell) in cells.iter().enumerate() {
        shape = shape.join(Shape::of(cell)).map_err(|mixed| (row, mixed))?;
    }
    if shape == Shape::Float {
        let inexact =
            |cell: &&Plain| matches!(cell, Plain::Int(n) if *n as f64 as i128 != *n as i128);
        if let Some(row) = cells.iter().position(inexact) {
            return Err((row, Mixed("integers beyond 2^53", "floats")));
        }
    }
    Ok(match shape {
        Shape::Null => Arc::new(NullArray::new(cells.len())),
        Shape::List => list(cells)?,
        other => scalars(other, cells),
    })
}

fn scalars(shape: Shape, cells: &[&Plain]) -> ArrayRef {
    macro_rules! build {
        ($builder:expr, $($pattern:pat => $value:expr),+) => {{
            let mut builder = $builder;
            for cell in cells {
                match cell {
                    $($pattern => builder.append_value($value),)+
                    _ => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }};
    }
    match shape {
        Shape::Bool => build!(BooleanBuilder::new(), Plain::Bool(value) => *value),
        Shape::Int => build!(Int64Builder::new(), Plain::Int(value) => *value),
        Shape::Text => build!(StringBuilder::new(), Plain::Text(value) => value),
        Shape::Bytes => build!(BinaryBuilder::new(), Plain::Bytes(value) => value),
        Shape::Day => build!(Date32Builder::new(), Plain::Day(value) => *value),
        Shape::Clock => build!(
            TimestampMicrosecondBuilder::new(),
            Plain::Instant { microseconds, .. } => *microseconds
        ),
        Shape::Instant => build!(
            TimestampMicrosecondBuilder::new()
                .with_data_type(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
            Plain::Instant { microseconds, .. } => *microseconds
        ),
        Shape::Float | Shape::NotANumber => build!(
            Float64Builder::new(),
            Plain::Float(value) => *value,
            Plain::Int(value) => *value as f64,
            Plain::NotANumber => f64::NAN
        ),
        Shape::Null | Shape::List => unreachable!("handled by the caller"),
    }
}

fn list(cells: &[&Plain]) -> Result<ArrayRef, (usize, Mixed)> {
    let mut elements = Vec::new();
    let mut owners = Vec::new();
    let mut lengths = Vec::with_capacity(cells.len());
    for (row, cell) in cells.iter().enumerate() {
        let values: &[Plain] = if let Plain::List(values) = cell { values } else { &[] };
        elements.extend(values);
        owners.resize(elements.len(), row);
        lengths.push(values.len());
    }
    let valid: NullBuffer = cells.iter().map(|cell| matches!(cell, Plain::List(_))).collect();
    let values = array(&elements).map_err(|(element, mixed)| (owners[element], mixed))?;
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), values, Some(valid))))
}
