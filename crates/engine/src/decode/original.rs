//! A row of Arrow data written as a JSON object, so that a dead letter can be read by a person and
//! decoded again. Text of what was pushed, not of what would be kept: unknown columns are in it.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::Bytes;
use serde_json::{Number, Value as Json};

use super::arrow_column::{instant_us, plain};
use super::words::word_of;

/// Row `row` of `batch` as a JSON object in the order of its columns.
///
/// Instants are ISO 8601 with `Z`, NaN and infinities the words for them; a value of a type that JSON cannot say
/// is the name of its type in angle brackets.
pub(crate) fn row_as_json(batch: &RecordBatch, row: usize) -> Bytes {
    let mut text = String::from("{");
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let separator = if text.len() > 1 { "," } else { "" };
        let name = Json::from(field.name().as_str());
        let value = match not_finite(column.as_ref(), row) {
            Some(word) => word.to_owned(),
            None => value_as_json(column.as_ref(), row).to_string(),
        };
        text.push_str(&format!("{separator}{name}:{value}"));
    }
    text.push('}');
    Bytes::from(text)
}

/// The word for a NaN or an infinity: it reads as the same again, where null would be refused.
fn not_finite(column: &dyn Array, row: usize) -> Option<&'static str> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Float32 => word_of(f64::from(column.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => word_of(column.as_primitive::<Float64Type>().value(row)),
        _ => None,
    }
}

fn value_as_json(column: &dyn Array, row: usize) -> Json {
    if matches!(column.data_type(), DataType::Dictionary(..)) {
        return match plain(&column.slice(row, 1)) {
            Ok(column) => value_as_json(column.as_ref(), 0),
            Err(_) => unknown(column.data_type()),
        };
    }
    if column.is_null(row) {
        return Json::Null;
    }
    match column.data_type() {
        DataType::Null => Json::Null,
        DataType::Boolean => Json::Bool(column.as_boolean().value(row)),
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => column.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float32 => float(f64::from(column.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).into(),
        DataType::Utf8View => column.as_string_view().value(row).into(),
        DataType::Timestamp(_, zone) => match instant_us(column, row) {
            Some(us) => instant(us, zone.is_some()),
            None => unknown(column.data_type()),
        },
        other => unknown(other),
    }
}

fn float(value: f64) -> Json {
    Number::from_f64(value).map_or(Json::Null, Json::Number)
}

fn instant(us: i64, zoned: bool) -> Json {
    match jiff::Timestamp::from_microsecond(us) {
        Ok(at) => {
            let mut text = at.to_string();
            if !zoned {
                text.pop();
            }
            Json::String(text)
        }
        Err(_) => Json::from(us),
    }
}

fn unknown(data_type: &DataType) -> Json {
    Json::String(format!("<{data_type}>"))
}
