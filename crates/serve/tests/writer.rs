//! Answers as JSON and Arrow: equal to what serde_json and the values themselves say.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use headwater_kernel::value::{Cell, DataType, FeatureType, INSTANT_MAX_US, INSTANT_MIN_US, Value};
use headwater_serve::instant;
use headwater_serve::lookup::answer::Answer;
use headwater_serve::lookup::question::Question;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const SCALARS: [DataType; 5] =
    [DataType::Bool, DataType::Int, DataType::Float, DataType::Str, DataType::Timestamp];

fn scalar(data_type: DataType) -> BoxedStrategy<Value> {
    let some = match data_type {
        DataType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        DataType::Int => any::<i64>().prop_map(Value::Int).boxed(),
        DataType::Float => {
            let finite = any::<u64>()
                .prop_map(f64::from_bits)
                .prop_filter("finite", |value| value.is_finite());
            // -0.0 never occurs in an answer.
            finite.prop_map(|value| Value::Float(value + 0.0)).boxed()
        }
        DataType::Str => any::<String>().prop_map(|text| Value::Str(text.into())).boxed(),
        DataType::Timestamp => (INSTANT_MIN_US..=INSTANT_MAX_US).prop_map(Value::Timestamp).boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 4 => some].boxed()
}

fn value(feature: FeatureType) -> BoxedStrategy<Value> {
    match feature {
        FeatureType::Scalar(data_type) => scalar(data_type),
        FeatureType::List(data_type) => prop_oneof![
            1 => Just(Value::Null),
            4 => prop::collection::vec(scalar(data_type), 0..5)
                .prop_map(|items| Value::List(items.into())),
        ]
        .boxed(),
    }
}

fn feature_type() -> impl Strategy<Value = FeatureType> {
    (prop::sample::select(&SCALARS), any::<bool>()).prop_map(|(data_type, list)| match list {
        true => FeatureType::List(data_type),
        false => FeatureType::Scalar(data_type),
    })
}

fn answer() -> impl Strategy<Value = Answer> {
    prop::collection::vec((any::<String>(), feature_type()), 0..6).prop_flat_map(|columns| {
        let row: Vec<_> = columns.iter().map(|(_, feature)| value(*feature)).collect();
        let rows = prop::collection::vec((row, any::<bool>()), 0..6);
        rows.prop_map(move |rows| {
            let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
            let question = Question {
                name: "q".into(),
                names_json: serde_json::to_vec(&names).expect("strings are JSON"),
                short_names: names.clone(),
                input_of: Vec::new(),
                names,
                types: columns.iter().map(|(_, feature)| *feature).collect(),
                keys: Vec::new(),
                inputs: Vec::new(),
                picks: None,
                views: Vec::new(),
            };
            let found = rows.iter().map(|(_, found)| *found).collect();
            let cells = rows.into_iter().flat_map(|(row, _)| row).map(Cell::ok).collect();
            Answer { question: Arc::new(question), cells, found, t: 0, metadata: None }
        })
    })
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Str(value) => json!(&**value),
        Value::Timestamp(value) => json!(instant::to_text(*value)),
        Value::List(items) => items.iter().map(plain).collect(),
    }
}

fn from_arrow(array: &dyn Array, data_type: DataType, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match data_type {
        DataType::Bool => Value::Bool(array.as_boolean().value(row)),
        DataType::Int => Value::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float => Value::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Str => Value::Str(array.as_string::<i32>().value(row).into()),
        DataType::Timestamp => {
            Value::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
    }
}

proptest! {
    /// The hand-written text parses to what serde_json makes of the same values.
    #[test]
    fn the_text_is_what_serde_json_says(answer in answer()) {
        let mut out = Vec::new();
        answer.write_json(&mut out);
        let rows: Vec<Json> = (0..answer.row_count())
            .map(|row| answer.row(row).iter().map(|cell| plain(&cell.value)).collect())
            .collect();
        let expected =
            json!({"names": answer.question.names, "rows": rows, "found": answer.found});
        // Through text on both sides, so that only the two writers differ.
        let text = serde_json::to_vec(&expected).unwrap();
        let expected: Json = serde_json::from_slice(&text).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Json>(&out).unwrap(), expected);
    }

    /// The batch holds the same values, bit for bit, in columns of their feature's type.
    #[test]
    fn the_batch_holds_the_same_values(answer in answer()) {
        let batch = answer.to_record_batch().unwrap();
        prop_assert_eq!(batch.num_rows(), answer.row_count());
        for (column, feature) in answer.question.types.iter().enumerate() {
            let array = batch.column(column);
            for row in 0..answer.row_count() {
                let value = match feature {
                    FeatureType::Scalar(data_type) => from_arrow(array, *data_type, row),
                    FeatureType::List(_) if array.is_null(row) => Value::Null,
                    FeatureType::List(data_type) => {
                        let items = array.as_list::<i32>().value(row);
                        let items = (0..items.len()).map(|at| from_arrow(&items, *data_type, at));
                        Value::List(items.collect())
                    }
                };
                prop_assert_eq!(&value, &answer.row(row)[column].value);
            }
        }
    }
}
