//! From accepted rows of a table to what the kernel's table state takes: key bytes, the instant
//! from which each row is valid, and its values. No expressions, no views.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType as ArrowType;
use headwater_kernel::blueprint::Table;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::key::KeyColumn;
use headwater_kernel::value::Value;

/// Accepted rows of a table, ready to be put.
#[derive(Clone, Debug)]
pub struct TableRows {
    /// Keys in the table's order of key columns; the contract leaves no null in them.
    pub keys: KeyColumn,
    /// From when each row is valid, without delay; none where the table declares no such column.
    pub valid_from: Option<ScalarBuffer<i64>>,
    columns: Vec<ArrayRef>,
}

impl TableRows {
    /// The values of a row, in order of declaration.
    pub fn values(&self, row: usize) -> Vec<Value> {
        self.columns.iter().map(|column| value_at(column, row)).collect()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Has it no row?
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// The rows of an accepted batch of `table`, in canonical types.
pub fn table_rows(table: &Table, batch: &RecordBatch) -> Result<TableRows> {
    let column = |name: &String| {
        batch.column_by_name(name).cloned().ok_or_else(|| {
            let message = format!("a batch of {} without column {name}", table.name);
            Error::new(Kind::Internal, "missing_column", message)
        })
    };
    let keys: Vec<ArrayRef> = table.key.iter().map(column).collect::<Result<_>>()?;
    let columns =
        table.columns.iter().map(|declared| column(&declared.name)).collect::<Result<_>>()?;
    let valid_from = match &table.valid_from {
        None => None,
        Some(name) => {
            let column = column(name)?;
            Some(column.as_primitive::<TimestampMicrosecondType>().values().clone())
        }
    };
    Ok(TableRows { keys: KeyColumn::from_arrays(&keys)?, valid_from, columns })
}

/// The value of a canonical column, or of a list of such values, at `row`.
///
/// # Panics
/// On a column of any other type.
pub fn value_at(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        ArrowType::Boolean => Value::Bool(column.as_boolean().value(row)),
        ArrowType::Int64 => Value::Int(column.as_primitive::<Int64Type>().value(row)),
        ArrowType::Float64 => Value::Float(column.as_primitive::<Float64Type>().value(row)),
        ArrowType::Utf8 => Value::Str(Arc::from(column.as_string::<i32>().value(row))),
        ArrowType::Timestamp(..) => {
            Value::Timestamp(column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        ArrowType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            Value::List((0..items.len()).map(|item| value_at(&items, item)).collect())
        }
        other => unreachable!("{other} is no canonical type"),
    }
}
