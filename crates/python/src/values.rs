//! Arrow columns as Python values, for rows that people read.
//!
//! Instants with a zone become aware datetimes in UTC (finer than microseconds is floored), maps
//! become dicts, nulls `None`. It must never guess: a type without a Python value is refused.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal128Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, OffsetSizeTrait};
use arrow_schema::{DataType, TimeUnit};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::errors::{Failure, invalid};

type Values<'py> = Vec<Bound<'py, PyAny>>;

/// The values of one column, one a row.
pub fn column<'py>(py: Python<'py>, array: &dyn Array) -> Result<Values<'py>, Failure> {
    match array.data_type() {
        DataType::Null => Ok(vec![py.None().into_bound(py); array.len()]),
        DataType::Boolean => scalars(py, array.as_boolean().iter()),
        DataType::Int8 => numbers::<Int8Type>(py, array),
        DataType::Int16 => numbers::<Int16Type>(py, array),
        DataType::Int32 => numbers::<Int32Type>(py, array),
        DataType::Int64 => numbers::<Int64Type>(py, array),
        DataType::UInt8 => numbers::<UInt8Type>(py, array),
        DataType::UInt16 => numbers::<UInt16Type>(py, array),
        DataType::UInt32 => numbers::<UInt32Type>(py, array),
        DataType::UInt64 => numbers::<UInt64Type>(py, array),
        DataType::Float32 => numbers::<Float32Type>(py, array),
        DataType::Float64 => numbers::<Float64Type>(py, array),
        DataType::Utf8 => scalars(py, array.as_string::<i32>().iter()),
        DataType::LargeUtf8 => scalars(py, array.as_string::<i64>().iter()),
        DataType::Utf8View => scalars(py, array.as_string_view().iter()),
        DataType::Binary => bytes(py, array.as_binary::<i32>().iter()),
        DataType::LargeBinary => bytes(py, array.as_binary::<i64>().iter()),
        DataType::BinaryView => bytes(py, array.as_binary_view().iter()),
        DataType::FixedSizeBinary(_) => bytes(py, array.as_fixed_size_binary().iter()),
        DataType::Timestamp(unit, zone) => instants(py, array, *unit, zone.is_some()),
        DataType::Date32 | DataType::Date64 => dates(py, array),
        DataType::Duration(unit) => durations(py, array, *unit),
        DataType::Decimal128(_, _) => decimals(py, array),
        DataType::Struct(_) => structs(py, array),
        DataType::Dictionary(_, _) => dictionary(py, array),
        DataType::Map(_, _) => maps(py, array),
        _ => lists(py, array),
    }
}

fn scalars<'py, T: IntoPyObject<'py>>(
    py: Python<'py>,
    values: impl Iterator<Item = Option<T>>,
) -> Result<Values<'py>, Failure> {
    values.map(|value| value.into_bound_py_any(py).map_err(Failure::from)).collect()
}

fn numbers<'py, T: ArrowPrimitiveType>(
    py: Python<'py>,
    array: &dyn Array,
) -> Result<Values<'py>, Failure>
where
    T::Native: IntoPyObject<'py>,
{
    scalars(py, array.as_primitive::<T>().iter())
}

fn bytes<'py, 'a>(
    py: Python<'py>,
    values: impl Iterator<Item = Option<&'a [u8]>>,
) -> Result<Values<'py>, Failure> {
    scalars(py, values.map(|value| value.map(|raw| PyBytes::new(py, raw))))
}

/// `base + timedelta(microseconds=n)` for each; null where `n` is.
fn shifted<'py>(
    py: Python<'py>,
    base: &Bound<'py, PyAny>,
    microseconds: impl Iterator<Item = Option<i64>>,
) -> Result<Values<'py>, Failure> {
    let timedelta = py.import("datetime")?.getattr("timedelta")?;
    microseconds
        .map(|value| match value {
            None => Ok(py.None().into_bound(py)),
            Some(value) => Ok(base.add(timedelta.call1((0, 0, value))?)?),
        })
        .collect()
}

/// 1970-01-01 as a datetime, in UTC where `zoned`.
fn epoch(py: Python<'_>, zoned: bool) -> PyResult<Bound<'_, PyAny>> {
    let module = py.import("datetime")?;
    let keywords = PyDict::new(py);
    if zoned {
        keywords.set_item("tzinfo", module.getattr("timezone")?.getattr("utc")?)?;
    }
    module.getattr("datetime")?.call((1970, 1, 1), Some(&keywords))
}

fn instants<'py>(
    py: Python<'py>,
    array: &dyn Array,
    unit: TimeUnit,
    zoned: bool,
) -> Result<Values<'py>, Failure> {
    let base = epoch(py, zoned)?;
    match unit {
        TimeUnit::Second => {
            shifted(py, &base, microseconds(array.as_primitive::<TimestampSecondType>(), 1_000_000))
        }
        TimeUnit::Millisecond => shifted(
            py,
            &base,
            microseconds(array.as_primitive::<TimestampMillisecondType>(), 1_000),
        ),
        TimeUnit::Microsecond => {
            shifted(py, &base, array.as_primitive::<TimestampMicrosecondType>().iter())
        }
        TimeUnit::Nanosecond => {
            let nanoseconds = array.as_primitive::<TimestampNanosecondType>().iter();
            shifted(py, &base, nanoseconds.map(|value| value.map(|n| n.div_euclid(1_000))))
        }
    }
}

/// Saturates: what does not fit is far outside Python's years, and its error names the value.
fn microseconds<T: ArrowPrimitiveType<Native = i64>>(
    array: &arrow_array::PrimitiveArray<T>,
    factor: i64,
) -> impl Iterator<Item = Option<i64>> {
    array.iter().map(move |value| value.map(|value| value.saturating_mul(factor)))
}

fn durations<'py>(
    py: Python<'py>,
    array: &dyn Array,
    unit: TimeUnit,
) -> Result<Values<'py>, Failure> {
    let zero = py.import("datetime")?.getattr("timedelta")?.call0()?;
    match unit {
        TimeUnit::Second => {
            shifted(py, &zero, microseconds(array.as_primitive::<DurationSecondType>(), 1_000_000))
        }
        TimeUnit::Millisecond => {
            shifted(py, &zero, microseconds(array.as_primitive::<DurationMillisecondType>(), 1_000))
        }
        TimeUnit::Microsecond => {
            shifted(py, &zero, array.as_primitive::<DurationMicrosecondType>().iter())
        }
        TimeUnit::Nanosecond => {
            let nanoseconds = array.as_primitive::<DurationNanosecondType>().iter();
            shifted(py, &zero, nanoseconds.map(|value| value.map(|n| n.div_euclid(1_000))))
        }
    }
}

fn dates<'py>(py: Python<'py>, array: &dyn Array) -> Result<Values<'py>, Failure> {
    let module = py.import("datetime")?;
    let (base, timedelta) =
        (module.getattr("date")?.call1((1970, 1, 1))?, module.getattr("timedelta")?);
    let days: Vec<Option<i64>> = match array.data_type() {
        DataType::Date32 => {
            array.as_primitive::<Date32Type>().iter().map(|day| day.map(i64::from)).collect()
        }
        _ => {
            let milliseconds = array.as_primitive::<Date64Type>().iter();
            milliseconds.map(|value| value.map(|ms| ms.div_euclid(86_400_000))).collect()
        }
    };
    days.into_iter()
        .map(|day| match day {
            None => Ok(py.None().into_bound(py)),
            Some(day) => Ok(base.add(timedelta.call1((day,))?)?),
        })
        .collect()
}

fn decimals<'py>(py: Python<'py>, array: &dyn Array) -> Result<Values<'py>, Failure> {
    let class = py.import("decimal")?.getattr("Decimal")?;
    let array = array.as_primitive::<Decimal128Type>();
    (0..array.len())
        .map(|row| match array.is_null(row) {
            true => Ok(py.None().into_bound(py)),
            false => Ok(class.call1((array.value_as_string(row),))?),
        })
        .collect()
}

fn structs<'py>(py: Python<'py>, array: &dyn Array) -> Result<Values<'py>, Failure> {
    let array = array.as_struct();
    let columns = array.columns().iter().map(|child| column(py, child.as_ref()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let mut rows = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            rows.push(py.None().into_bound(py));
            continue;
        }
        let fields = PyDict::new(py);
        for (name, values) in array.column_names().into_iter().zip(&columns) {
            fields.set_item(name, &values[row])?;
        }
        rows.push(fields.into_any());
    }
    Ok(rows)
}

fn dictionary<'py>(py: Python<'py>, array: &dyn Array) -> Result<Values<'py>, Failure> {
    let array = array.as_any_dictionary();
    let values = column(py, array.values().as_ref())?;
    if values.is_empty() {
        return Ok(vec![py.None().into_bound(py); array.len()]);
    }
    let keys = array.normalized_keys();
    let rows = keys.into_iter().enumerate().map(|(row, key)| match array.is_null(row) {
        true => py.None().into_bound(py),
        false => values[key].clone(),
    });
    Ok(rows.collect())
}

fn maps<'py>(py: Python<'py>, array: &dyn Array) -> Result<Values<'py>, Failure> {
    let array = array.as_map();
    let mut rows = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            rows.push(py.None().into_bound(py));
            continue;
        }
        let entries = array.value(row);
        let keys = column(py, entries.column(0).as_ref())?;
        let values = column(py, entries.column(1).as_ref())?;
        let pairs = PyDict::new(py);
        for (key, value) in keys.into_iter().zip(values) {
            pairs.set_item(key, value)?;
        }
        rows.push(pairs.into_any());
    }
    Ok(rows)
}

fn lists<'py>(py: Python<'py>, array: &dyn Array) -> Result<Values<'py>, Failure> {
    let (elements, ends): (ArrayRef, Vec<(usize, usize)>) = match array.data_type() {
        DataType::List(_) => {
            let array = array.as_list::<i32>();
            (array.values().clone(), spans(array.value_offsets()))
        }
        DataType::LargeList(_) => {
            let array = array.as_list::<i64>();
            (array.values().clone(), spans(array.value_offsets()))
        }
        DataType::FixedSizeList(_, _) => {
            let array = array.as_fixed_size_list();
            let size = usize::try_from(array.value_length()).expect("a size is not negative");
            (array.values().clone(), (0..array.len()).map(|n| (n * size, (n + 1) * size)).collect())
        }
        other => {
            return Err(invalid(
                "no_python_value",
                format!("arrow type {other} has no python value"),
            )
            .with_hint("read the frame with to_arrow() instead")
            .into());
        }
    };
    let elements = column(py, elements.as_ref())?;
    let rows = ends.into_iter().enumerate().map(|(row, (start, end))| match array.is_null(row) {
        true => Ok(py.None().into_bound(py)),
        false => Ok(PyList::new(py, &elements[start..end])?.into_any()),
    });
    rows.collect()
}

fn spans<O: OffsetSizeTrait>(offsets: &[O]) -> Vec<(usize, usize)> {
    offsets.windows(2).map(|pair| (pair[0].as_usize(), pair[1].as_usize())).collect()
}
