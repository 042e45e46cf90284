//! Keys out of an Arrow batch: the same parts, types and refusals as from JSON rows.
//!
//! Wider and narrower integers, large and dictionary strings and zoned timestamps of any unit say
//! the same thing as ours and are taken; nothing else is coerced, naive timestamps least of all.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use headwater_kernel::blueprint::RequestKey;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::value::DataType;

use super::keys::{Part, missing, of_column, wrong_type};
use crate::instant;

/// The parts of all rows of a batch, row-major.
pub(super) fn parts<'a>(batch: &'a RecordBatch, columns: &[RequestKey]) -> Result<Vec<Part<'a>>> {
    let rows = batch.num_rows();
    let width = columns.len();
    let mut parts = vec![Part::Null; rows * width];
    if rows == 0 {
        return Ok(parts);
    }
    for (place, column) in columns.iter().enumerate() {
        let array = batch.column_by_name(&column.name).ok_or_else(|| {
            let schema = batch.schema_ref();
            missing(&column.name, schema.fields().iter().map(|field| field.name().as_str()))
                .at_row(0)
        })?;
        fill(array.as_ref(), column, |row, part| parts[row * width + place] = part)?;
    }
    Ok(parts)
}

/// Hands every row of a column that is not null to `put`, typed.
fn fill<'a>(
    array: &'a dyn Array,
    column: &RequestKey,
    mut put: impl FnMut(usize, Part<'a>),
) -> Result<()> {
    if let ArrowType::Dictionary(_, _) = array.data_type() {
        return fill_dictionary(array, column, put);
    }
    let Some(first) = (0..array.len()).find(|row| array.is_valid(*row)) else {
        return Ok(());
    };
    for row in first..array.len() {
        if array.is_valid(row) {
            put(row, typed(array, row, column).map_err(|error| error.at_row(row as u64))?);
        }
    }
    Ok(())
}

fn fill_dictionary<'a>(
    array: &'a dyn Array,
    column: &RequestKey,
    mut put: impl FnMut(usize, Part<'a>),
) -> Result<()> {
    let dictionary = array.as_any_dictionary();
    let values = dictionary.values();
    if values.is_empty() {
        return Ok(());
    }
    let keys = dictionary.normalized_keys();
    for (row, key) in keys.into_iter().enumerate() {
        if array.is_valid(row) && values.is_valid(key) {
            put(row, typed(values, key, column).map_err(|error| error.at_row(row as u64))?);
        }
    }
    Ok(())
}

fn typed<'a>(array: &'a dyn Array, row: usize, column: &RequestKey) -> Result<Part<'a>> {
    let refused = || wrong_type(column, &format!("Arrow {}", array.data_type()));
    match column.data_type {
        DataType::Bool => match array.data_type() {
            ArrowType::Boolean => Ok(Part::Bool(array.as_boolean().value(row))),
            _ => Err(refused()),
        },
        DataType::Int => integer(array, row).map(Part::Int).ok_or_else(refused),
        DataType::Str => text(array, row).map(Part::Str).ok_or_else(refused),
        DataType::Timestamp => timestamp(array, row, column).map(Part::Timestamp),
        DataType::Float => Err(Error::new(
            Kind::Internal,
            "damaged_blueprint",
            format!("key column {:?} is a float", column.name),
        )),
    }
}

/// The integer at a row of any integer array that fits ours.
pub(crate) fn integer(array: &dyn Array, row: usize) -> Option<i64> {
    Some(match array.data_type() {
        ArrowType::Int64 => array.as_primitive::<Int64Type>().value(row),
        ArrowType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        ArrowType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        ArrowType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        ArrowType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        ArrowType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        ArrowType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        ArrowType::UInt64 => i64::try_from(array.as_primitive::<UInt64Type>().value(row)).ok()?,
        _ => return None,
    })
}

fn text(array: &dyn Array, row: usize) -> Option<&str> {
    Some(match array.data_type() {
        ArrowType::Utf8 => array.as_string::<i32>().value(row),
        ArrowType::LargeUtf8 => array.as_string::<i64>().value(row),
        ArrowType::Utf8View => array.as_string_view().value(row),
        _ => return None,
    })
}

fn timestamp(array: &dyn Array, row: usize, column: &RequestKey) -> Result<i64> {
    let us = match array.data_type() {
        ArrowType::Timestamp(_, None) => {
            return Err(Error::new(
                Kind::Invalid,
                "naive_instant",
                format!("key column {:?} has timestamps without a zone", column.name),
            )
            .with_hint("give them one; pandas: tz_localize(\"UTC\")"));
        }
        ArrowType::Timestamp(TimeUnit::Second, _) => {
            array.as_primitive::<TimestampSecondType>().value(row).saturating_mul(1_000_000)
        }
        ArrowType::Timestamp(TimeUnit::Millisecond, _) => {
            array.as_primitive::<TimestampMillisecondType>().value(row).saturating_mul(1_000)
        }
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().value(row)
        }
        ArrowType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1_000)
        }
        other => match (integer(array, row), text(array, row)) {
            (Some(us), _) => us,
            (_, Some(text)) => {
                return instant::parse(text).map_err(|error| of_column(error, column));
            }
            _ => return Err(wrong_type(column, &format!("Arrow {other}"))),
        },
    };
    instant::checked(us).map_err(|error| of_column(error, column))
}
