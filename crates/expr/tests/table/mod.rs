//! The shared table of expressions, rows and answers (`tests/expressions/cases.json`), read into
//! Arrow. Python compiles the same texts to the trees that stand there.

#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{Field, Schema};
use headwater_kernel::blueprint::{Column, DEFAULT_SCALE_EXPONENT, TimeUnit};
use headwater_kernel::value::DataType;
use serde_json::{Map, Value as Json};

/// One line of the table.
pub struct Case {
    pub text: String,
    pub columns: Vec<Column>,
    pub row: Map<String, Json>,
    /// Type and tree; none where the compiler refuses the text.
    pub compiled: Option<Compiled>,
}

pub struct Compiled {
    pub tree: Json,
    pub data_type: DataType,
    pub fallible: bool,
    /// The value, or the message of a bad row.
    pub wanted: Result<Json, String>,
}

pub fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/expressions/cases.json");
    let text = std::fs::read_to_string(path).unwrap();
    let list: Vec<Map<String, Json>> = serde_json::from_str(&text).unwrap();
    list.iter().map(case).collect()
}

fn case(line: &Map<String, Json>) -> Case {
    let columns = line["columns"].as_object().unwrap();
    let compiled = line.get("tree").map(|tree| Compiled {
        tree: tree.clone(),
        data_type: data_type(&line["type"]),
        fallible: line["fallible"].as_bool().unwrap(),
        wanted: match line.get("bad") {
            Some(message) => Err(message.as_str().unwrap().to_owned()),
            None => Ok(line["answer"].clone()),
        },
    });
    Case {
        text: line["text"].as_str().unwrap().to_owned(),
        columns: columns.iter().map(|(name, kind)| column(name, data_type(kind))).collect(),
        row: line["row"].as_object().unwrap().clone(),
        compiled,
    }
}

pub fn data_type(name: &Json) -> DataType {
    serde_json::from_value(name.clone()).unwrap()
}

pub fn column(name: &str, data_type: DataType) -> Column {
    Column {
        name: name.to_owned(),
        data_type,
        nullable: true,
        unit: TimeUnit::Us,
        scale_exponent: DEFAULT_SCALE_EXPONENT,
    }
}

/// A batch of rows in canonical types; a missing value is null.
pub fn batch(columns: &[Column], rows: &[Map<String, Json>]) -> RecordBatch {
    let arrays: Vec<ArrayRef> = columns.iter().map(|column| array(column, rows)).collect();
    let fields: Vec<Field> = columns
        .iter()
        .zip(&arrays)
        .map(|(column, array)| Field::new(&column.name, array.data_type().clone(), true))
        .collect();
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options).unwrap()
}

fn array(column: &Column, rows: &[Map<String, Json>]) -> ArrayRef {
    let values = || rows.iter().map(|row| row.get(&column.name).filter(|value| !value.is_null()));
    match column.data_type {
        DataType::Bool => {
            let values = values().map(|value| value.map(|value| value.as_bool().unwrap()));
            Arc::new(values.collect::<BooleanArray>())
        }
        DataType::Int => {
            let values = values().map(|value| value.map(|value| value.as_i64().unwrap()));
            Arc::new(values.collect::<Int64Array>())
        }
        DataType::Float => {
            let values = values().map(|value| value.map(|value| float(value) + 0.0));
            Arc::new(values.collect::<Float64Array>())
        }
        DataType::Str => {
            let values = values().map(|value| value.map(|value| value.as_str().unwrap()));
            Arc::new(values.collect::<StringArray>())
        }
        DataType::Timestamp => {
            let values = values().map(|value| value.map(instant));
            Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
    }
}

/// Floats stand as numbers, or as text where JSON readers might round them.
pub fn float(value: &Json) -> f64 {
    match value {
        Json::String(text) => text.parse().unwrap(),
        other => other.as_f64().unwrap(),
    }
}

/// Instants stand as ISO text, or as microseconds.
pub fn instant(value: &Json) -> i64 {
    match value {
        Json::String(text) => text.parse::<jiff::Timestamp>().unwrap().as_microsecond(),
        other => other.as_i64().unwrap(),
    }
}
