//! Every expression of the shared table gives its answer, in its row alone and among others.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod table;

use arrow_array::{Array, RecordBatch};
use arrow_buffer::BooleanBuffer;
use headwater_expr::{Evaluated, bind};
use serde_json::Map;
use table::{Case, Compiled, batch, cases};

/// What differs between the answer wanted and the one evaluated in a row of a batch.
fn difference(case: &Case, compiled: &Compiled, found: &Evaluated, row: usize) -> Option<String> {
    let message = found.bad.iter().find(|(at, _)| *at == row).map(|(_, message)| message);
    let value = found.array.slice(row, 1);
    let complain = |what: String| Some(format!("{} over {:?}: {what}", case.text, case.row));
    match (&compiled.wanted, message) {
        (Err(wanted), Some(message)) if wanted == message && value.is_null(0) => None,
        (Err(wanted), _) => complain(format!("wanted bad {wanted}, found {message:?}, {value:?}")),
        (Ok(_), Some(message)) => complain(format!("bad: {message}")),
        (Ok(wanted), None) => {
            let row = Map::from_iter([("answer".to_owned(), wanted.clone())]);
            let wanted = batch(&[table::column("answer", compiled.data_type)], &[row]);
            let same = wanted.column(0).to_data() == value.to_data();
            if same { None } else { complain(format!("wanted {wanted:?}, found {value:?}")) }
        }
    }
}

/// The first difference in `rows` copies of the case's row, padded with a row of nulls before.
fn evaluate(case: &Case, compiled: &Compiled, before: usize) -> Option<String> {
    let bound = match bind(&compiled.tree, &case.columns) {
        Ok(bound) => bound,
        Err(error) => return Some(format!("{}: {error}", case.text)),
    };
    if bound.data_type() != compiled.data_type {
        return Some(format!("{} gives {:?}", case.text, bound.data_type()));
    }
    let mut rows = vec![Map::new(); before];
    rows.push(case.row.clone());
    let batch: RecordBatch = batch(&case.columns, &rows);
    difference(case, compiled, &bound.evaluate(&batch, None), before)
}

fn differences(before: usize) -> Vec<String> {
    let cases = cases();
    assert!(cases.len() > 400, "the table has been cut: {} cases", cases.len());
    cases.iter().filter_map(|case| evaluate(case, case.compiled.as_ref()?, before)).collect()
}

/// The answer of each row is the table's.
#[test]
fn a_row_alone_gives_the_answer() {
    assert_eq!(differences(0), Vec::<String>::new());
}

/// Rows before it change nothing.
#[test]
fn a_row_after_others_gives_the_answer() {
    assert_eq!(differences(9), Vec::<String>::new());
}

/// A row that is not needed is null and never bad.
#[test]
fn a_row_not_needed_is_null_and_never_bad() {
    for case in cases() {
        let Some(compiled) = &case.compiled else { continue };
        let bound = bind(&compiled.tree, &case.columns).unwrap();
        let rows = batch(&case.columns, &[case.row.clone(), case.row.clone()]);
        let needed = BooleanBuffer::from(vec![false, true]);
        let found = bound.evaluate(&rows, Some(&needed));
        assert!(found.array.is_null(0), "{}", case.text);
        assert!(found.bad.iter().all(|(row, _)| *row == 1), "{}", case.text);
        assert_eq!(difference(&case, compiled, &found, 1), None);
    }
}

/// What the compiler calls infallible has no bad row in the table.
#[test]
fn a_bad_row_was_foreseen() {
    for case in cases() {
        let Some(compiled) = &case.compiled else { continue };
        assert!(compiled.fallible || compiled.wanted.is_ok(), "{}", case.text);
    }
}
