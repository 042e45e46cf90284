//! Scalar expressions: the typed tree of the blueprint, evaluated over Arrow columns.
//!
//! `bind` checks a tree against columns once; `Bound::evaluate` runs it over batches. A row that
//! cannot be computed is found and reported, never thrown, and never disturbs another row. No I/O,
//! no clock, no random: the answer is a function of the row alone, however a batch is cut.
//!
//! A tree is a JSON list `[head, setting?, argument...]`. Leaves are `["col", name]`,
//! `["bool", b]`, `["int", i]`, `["float", "text"]`, `["str", s]` and `["null", type]`; the other
//! heads live one family a file, each with its types (`bind`) and its loops (`evaluate`).

mod arithmetic;
mod bind;
mod cast;
mod column;
mod comparison;
mod context;
mod logic;
mod print;
mod text;
mod time;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use headwater_kernel::blueprint::{Column as Declared, Expression};
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::value::DataType;
use serde_json::Value as Json;

use crate::bind::Node;
use crate::column::{Column, Operand};
use crate::context::Context;

pub use crate::bind::DEPTH_MAX;

/// Floats that are summed at scale `2^e` stay below `2^(RANGE_EXPONENT + e)`.
const RANGE_EXPONENT: i32 = 100;

/// An expression bound to columns: its types are checked and it is ready to run.
#[derive(Clone, Debug)]
pub struct Bound {
    root: Node,
    /// A float result must be below this in magnitude; none: any finite value.
    limit: Option<f64>,
}

/// What an expression gives for a batch.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// One value a row; null where the value is null, the row is bad, or it was not needed.
    pub array: ArrayRef,
    /// The needed rows that have no value, ascending, each with what went wrong.
    pub bad: Vec<(usize, String)>,
}

/// Check `tree` against the columns of a stream or table.
///
/// # Errors
/// Kind `Invalid`, code `expression`: a malformed tree, an unknown head or column, or types that
/// no operation takes. The Python compiler never writes such a tree.
pub fn bind(tree: &Json, schema: &[Declared]) -> Result<Bound> {
    Ok(Bound { root: bind::bind(tree, schema, 0)?, limit: None })
}

/// Bind an expression of the blueprint, with the range that its scale gives to float results.
///
/// # Errors
/// As [`bind`]; also when the tree's type is not the one declared.
pub fn bind_expression(expression: &Expression, schema: &[Declared]) -> Result<Bound> {
    let mut bound = bind(&expression.tree, schema)?;
    if bound.data_type() != expression.data_type {
        return Err(Error::new(
            Kind::Invalid,
            "expression",
            format!(
                "the expression {} is declared {:?} but gives {:?}",
                expression.text,
                expression.data_type,
                bound.data_type()
            ),
        ));
    }
    if bound.data_type() == DataType::Float {
        bound.limit = Some(f64::from(RANGE_EXPONENT + expression.scale_exponent).exp2());
    }
    Ok(bound)
}

impl Bound {
    /// The type of the result.
    pub fn data_type(&self) -> DataType {
        self.root.data_type
    }

    /// One value for each row of `batch`. Rows where `needed` is false are null and never bad;
    /// `None` needs every row. The batch holds the columns that the expression was bound to, by
    /// name, in canonical types: `Boolean`, `Int64`, `Float64`, `Utf8`, `Timestamp(us, "UTC")`.
    ///
    /// # Panics
    /// When a column is missing or of another type, or `needed` has another length.
    pub fn evaluate(&self, batch: &RecordBatch, needed: Option<&BooleanBuffer>) -> Evaluated {
        let rows = batch.num_rows();
        if let Some(needed) = needed {
            assert_eq!(needed.len(), rows, "one bit a row says whether the row is needed");
        }
        let mut context = Context::new(batch);
        let result = self.root.evaluate(&mut context, needed).expand(rows);
        self.check_limit(&result, &mut context, needed);
        let bad = context.into_bad();
        let array = to_array(result.column);
        Evaluated { array: hide(array, needed, &bad), bad }
    }

    fn check_limit(&self, result: &Operand, context: &mut Context, needed: Option<&BooleanBuffer>) {
        let (Some(limit), Column::Float(array)) = (self.limit, &result.column) else { return };
        if array.values().iter().all(|value| value.abs() < limit) {
            return;
        }
        for (row, value) in array.iter().enumerate() {
            if value.is_some_and(|value| value.abs() >= limit) {
                context.fail(row, needed, || {
                    format!(
                        "{} is out of range: {value:?}",
                        self.root.text,
                        value = array.value(row)
                    )
                });
            }
        }
    }
}

fn to_array(column: Column) -> ArrayRef {
    match column {
        Column::Bool(array) => Arc::new(array),
        Column::Int(array) => Arc::new(array),
        Column::Float(array) => Arc::new(array),
        Column::Str(array) => Arc::new(array),
        Column::Timestamp(array) => {
            let instants: TimestampMicrosecondArray = array.reinterpret_cast();
            Arc::new(instants.with_timezone("UTC"))
        }
    }
}

/// Null where not needed or bad.
fn hide(array: ArrayRef, needed: Option<&BooleanBuffer>, bad: &[(usize, String)]) -> ArrayRef {
    if needed.is_none() && bad.is_empty() {
        return array;
    }
    let mut keep = match needed {
        Some(needed) => needed.clone(),
        None => BooleanBuffer::new_set(array.len()),
    };
    if !bad.is_empty() {
        let mut next = bad.iter().map(|(row, _)| *row).peekable();
        let kept = keep;
        keep = BooleanBuffer::collect_bool(array.len(), |row| {
            kept.value(row) && next.next_if_eq(&row).is_none()
        });
    }
    let nulls = NullBuffer::union(array.nulls(), Some(&NullBuffer::new(keep)));
    let data = array.to_data().into_builder().nulls(nulls);
    arrow_array::make_array(data.build().expect("only the null mask has changed"))
}
