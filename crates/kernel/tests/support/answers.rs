//! Reads the columns of a sweep back into values, cell by cell.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use headwater_kernel::sweep::SweepResult;
use headwater_kernel::value::{Cell, Status, Value};

/// The value of a cell.
pub fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        ArrowType::Boolean => Value::Bool(array.as_boolean().value(row)),
        ArrowType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row)),
        ArrowType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row)),
        ArrowType::Utf8 => Value::Str(array.as_string::<i32>().value(row).into()),
        ArrowType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC" => {
            Value::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        ArrowType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            Value::List((0..items.len()).map(|item| value(&items, item)).collect())
        }
        other => panic!("no feature is of type {other}"),
    }
}

/// The values of a row with status, and whether its key was found.
pub fn row(result: &SweepResult, row: usize) -> (Vec<Cell>, bool) {
    let cells = result.columns.iter().enumerate().map(|(feature, column)| {
        let place = (row as u32, feature as u32);
        let status = result.statuses.iter().find(|status| (status.0, status.1) == place);
        let status = status.map_or(Status::Ok, |status| status.2);
        Cell { value: value(column, row), status }
    });
    (cells.collect(), result.found.value(row))
}
