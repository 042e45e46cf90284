//! Cells of Arrow arrays as JSON, for labels and features alike.
//!
//! What JSON cannot say without a guess is refused by name; the reader may ask for Arrow instead.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use headwater_kernel::error::{Error, Kind, Result};

use crate::lookup::arrow_keys::integer;
use crate::{instant, json};

/// One object a row, one row a line.
///
/// # Errors
/// `unsupported_label_type` (invalid), naming the type.
pub fn write_rows(batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let schema = batch.schema_ref();
    for row in 0..batch.num_rows() {
        out.push(b'{');
        for (place, (field, array)) in schema.fields().iter().zip(batch.columns()).enumerate() {
            json::name(field.name(), place == 0, &mut out);
            write(array.as_ref(), row, &mut out)?;
        }
        out.extend_from_slice(b"}\n");
    }
    Ok(out)
}

/// Appends one cell. NaN and infinities are null, which is what they mean here.
///
/// # Errors
/// `unsupported_label_type` (invalid), naming the type.
pub fn write(array: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<()> {
    if array.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Null => out.extend_from_slice(b"null"),
        DataType::Boolean => json::boolean(array.as_boolean().value(row), out),
        DataType::UInt64 => json::unsigned(array.as_primitive::<UInt64Type>().value(row), out),
        DataType::Float32 => float(array.as_primitive::<Float32Type>().value(row).into(), out),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row), out),
        DataType::Utf8 => json::string(array.as_string::<i32>().value(row), out),
        DataType::LargeUtf8 => json::string(array.as_string::<i64>().value(row), out),
        DataType::Utf8View => json::string(array.as_string_view().value(row), out),
        DataType::Date32 => {
            let us = i64::from(array.as_primitive::<Date32Type>().value(row)) * 86_400_000_000;
            date(Some(us).filter(|us| instant::writable(*us)), array.data_type(), out)?;
        }
        DataType::Timestamp(unit, Some(_)) => {
            let us = microseconds(array, *unit, row);
            json::timestamp(us.ok_or_else(|| refused(array.data_type()))?, out);
        }
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let key = integer(dictionary.keys(), row).and_then(|key| usize::try_from(key).ok());
            let key = key.ok_or_else(|| refused(array.data_type()))?;
            return write(dictionary.values().as_ref(), key, out);
        }
        DataType::List(_) => return list(&array.as_list::<i32>().value(row), out),
        DataType::LargeList(_) => return list(&array.as_list::<i64>().value(row), out),
        other => match integer(array, row) {
            Some(value) => json::integer(value, out),
            None => return Err(refused(other)),
        },
    }
    Ok(())
}

fn refused(data_type: &DataType) -> Error {
    Error::new(
        Kind::Invalid,
        "unsupported_label_type",
        format!("a label column of type {data_type} cannot be written as JSON"),
    )
    .with_hint("ask for Arrow: Accept: application/vnd.apache.arrow.stream")
}

fn float(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        json::float(value, out);
    } else {
        out.extend_from_slice(b"null");
    }
}

fn list(items: &dyn Array, out: &mut Vec<u8>) -> Result<()> {
    let mut result = Ok(());
    json::list(0..items.len(), out, |item, out| {
        if result.is_ok() {
            result = write(items, item, out);
        }
    });
    result
}

/// A day as `2013-07-01`: the date part of its first instant.
fn date(first: Option<i64>, data_type: &DataType, out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    json::timestamp(first.ok_or_else(|| refused(data_type))?, out);
    // The quote and ten letters.
    out.truncate(start + 11);
    out.push(b'"');
    Ok(())
}

/// Microseconds of a zoned timestamp; none where its year has no four digits.
fn microseconds(array: &dyn Array, unit: TimeUnit, row: usize) -> Option<i64> {
    let us = match unit {
        TimeUnit::Second => {
            array.as_primitive::<TimestampSecondType>().value(row).checked_mul(1_000_000)?
        }
        TimeUnit::Millisecond => {
            array.as_primitive::<TimestampMillisecondType>().value(row).checked_mul(1_000)?
        }
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(row),
        TimeUnit::Nanosecond => {
            array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1_000)
        }
    };
    instant::writable(us).then_some(us)
}
