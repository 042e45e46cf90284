//! A tree that no compiler of ours wrote is refused, never run and never a panic; the declared type
//! and scale of an expression are kept to.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod table;

use arrow_array::Array;
use headwater_expr::{DEPTH_MAX, bind, bind_expression};
use headwater_kernel::blueprint::{Column, Expression};
use headwater_kernel::error::Kind;
use headwater_kernel::value::DataType;
use serde_json::{Map, Value as Json, json};

fn columns() -> Vec<Column> {
    vec![table::column("i", DataType::Int), table::column("x", DataType::Float)]
}

fn refusal(tree: &Json) -> String {
    let error = bind(tree, &columns()).expect_err("the tree is wrong");
    assert_eq!((error.kind, error.code), (Kind::Invalid, "expression"));
    error.message
}

#[test]
fn malformed_trees_are_refused() {
    let malformed = [
        json!(null),
        json!([]),
        json!("col"),
        json!([1, 2]),
        json!(["col"]),
        json!(["col", 1]),
        json!(["int", "1"]),
        json!(["int", 1.5]),
        json!(["float", 1.5]),
        json!(["float", "NaN"]),
        json!(["float", "1e999"]),
        json!(["null", "decimal"]),
        json!(["add", ["int", 1], 2]),
        json!(["add", ["int", 1]]),
        json!(["add", ["int", 1], ["col", "x"]]),
        json!(["div", ["int", 1], ["int", 2]]),
        json!(["lt", ["bool", true], ["bool", true]]),
        json!(["case", ["bool", true], ["int", 1]]),
        json!(["case", ["int", 1]]),
        json!(["coalesce", ["int", 1]]),
        json!(["in", ["col", "i"]]),
        json!(["in", ["col", "i"], ["col", "i"]]),
        json!(["cast", "timestamp", ["int", 1]]),
        json!(["cast", "int", ["int", 1]]),
        json!(["cast", ["int", 1]]),
        json!(["extract", "dow", ["null", "timestamp"]]),
        json!(["date_trunc", "doy", ["null", "timestamp"]]),
        json!(["shift", "1", ["null", "timestamp"]]),
        json!(["now"]),
        json!(["eq", "setting", ["int", 1], ["int", 1]]),
    ];
    for tree in malformed {
        assert!(!refusal(&tree).is_empty(), "{tree}");
    }
}

#[test]
fn a_missing_column_is_named() {
    let message = refusal(&json!(["col", "dep_dely"]));
    assert_eq!(message, "an expression names the column \"dep_dely\", which is not there");
}

#[test]
fn the_depth_is_bounded() {
    let nested =
        |levels: usize| (1..levels).fold(json!(["col", "i"]), |inner, _| json!(["neg", inner]));
    assert!(bind(&nested(DEPTH_MAX), &columns()).is_ok());
    let message = refusal(&nested(DEPTH_MAX + 1));
    assert_eq!(message, "an expression is nested deeper than 200 levels");
}

fn expression(tree: Json, data_type: DataType, scale_exponent: i32) -> Expression {
    Expression { tree, data_type, fallible: true, scale_exponent, text: "x * 2".to_owned() }
}

#[test]
fn the_declared_type_is_checked() {
    let wrong = expression(json!(["col", "i"]), DataType::Float, -44);
    let error = bind_expression(&wrong, &columns()).expect_err("it gives an int");
    assert_eq!(error.message, "the expression x * 2 is declared Float but gives Int");
}

#[test]
fn a_float_beyond_its_scale_is_a_bad_row() {
    let double = json!(["mul", ["col", "x"], ["float", "2.0"]]);
    let bound = bind_expression(&expression(double, DataType::Float, -44), &columns()).unwrap();
    // 2^55 doubled is 2^56, the limit of scale 2^-44; the float below it is inside.
    let edge = 55f64.exp2();
    let row = |x: f64| Map::from_iter([("x".to_owned(), json!(x))]);
    let rows = [row(edge), row(edge.next_down()), row(-edge), Map::new()];
    let found = bound.evaluate(&table::batch(&columns(), &rows), None);
    let message = |value: &str| format!("x * 2.0 is out of range: {value}");
    let wanted = vec![(0, message("7.205759403792794e16")), (2, message("-7.205759403792794e16"))];
    assert_eq!(found.bad, wanted);
    let nulls: Vec<bool> = (0..4).map(|row| found.array.is_null(row)).collect();
    assert_eq!(nulls, [true, false, true, true]);
}

#[test]
fn columns_are_found_by_name_wherever_they_stand() {
    let bound = bind(&json!(["col", "x"]), &columns()).unwrap();
    let turned: Vec<Column> = columns().into_iter().rev().collect();
    let row = Map::from_iter([("x".to_owned(), json!(1.5)), ("i".to_owned(), json!(7))]);
    let found = bound.evaluate(&table::batch(&turned, &[row]), None);
    assert_eq!(found.array.as_ref(), &arrow_array::Float64Array::from(vec![1.5]) as &dyn Array);
}
