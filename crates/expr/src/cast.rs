//! CAST and TRY_CAST among booleans, integers, floats and strings; instants are never cast.
//!
//! A value that has no counterpart makes a bad row under CAST and null under TRY_CAST. A float
//! loses its fraction on the way to an integer; text may have spaces (U+0020) around it.

use arrow_buffer::{BooleanBuffer, NullBuffer};
use headwater_kernel::value::DataType;
use serde_json::Value as Json;

use crate::bind::{Node, data_type};
use crate::column::{Column, Operand, bools, floats, ints, is_present, map1, nulls_of, strings};
use crate::context::{Context, Needed};

/// A cast to another type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    to: DataType,
    /// TRY_CAST: null instead of a bad row.
    lenient: bool,
}

/// The operation of this head and setting over these types.
pub(crate) fn bind(
    head: &str,
    setting: Option<&Json>,
    types: &[DataType],
) -> Option<(Operation, DataType)> {
    let ([from], Some(to)) = (types, setting.and_then(data_type)) else { return None };
    let lenient = match head {
        "cast" => false,
        "try_cast" => true,
        _ => return None,
    };
    let timeless = *from != DataType::Timestamp && to != DataType::Timestamp;
    (timeless && *from != to).then_some((Operation { to, lenient }, to))
}

impl Operation {
    pub fn evaluate(self, node: &Node, context: &mut Context, needed: Needed) -> Operand {
        let operand = node.arguments[0].evaluate(context, needed);
        let rows = context.rows;
        let nulls = nulls_of(std::slice::from_ref(&operand), rows);
        match (&operand.column, self.to) {
            (Column::Bool(_), DataType::Int) => {
                let bits = operand.truths(rows).0;
                ints(bits.iter().map(i64::from).collect(), nulls)
            }
            (Column::Bool(_), DataType::Float) => {
                let bits = operand.truths(rows).0;
                floats(bits.iter().map(|bit| f64::from(u8::from(bit))).collect(), nulls)
            }
            (Column::Bool(_), DataType::Str) => {
                let bits = operand.truths(rows).0;
                strings(rows, nulls, |row, out| {
                    out.push_str(if bits.value(row) { "true" } else { "false" });
                })
            }
            (Column::Int(_), DataType::Bool) => {
                let lane = operand.ints();
                bools(BooleanBuffer::collect_bool(rows, |row| lane.at(row) != 0), nulls)
            }
            #[expect(clippy::cast_precision_loss, reason = "the nearest double is meant")]
            (Column::Int(_), DataType::Float) => {
                floats(map1(operand.ints(), rows, |value| value as f64), nulls)
            }
            (Column::Float(_), DataType::Bool) => {
                let lane = operand.floats();
                bools(BooleanBuffer::collect_bool(rows, |row| lane.at(row) != 0.0), nulls)
            }
            (Column::Int(_) | Column::Float(_), DataType::Str) => to_text(&operand, rows, nulls),
            (Column::Float(_), DataType::Int) => {
                let lane = operand.floats();
                let (values, ok) = collect(rows, 0, |row| whole(lane.at(row)));
                ints(values, self.settle(&ok, nulls, &operand, node, context, needed))
            }
            (Column::Str(_), to) => self.parse(to, &operand, nulls, node, context, needed),
            _ => unreachable!("bind casts among these types alone"),
        }
    }

    fn parse(
        self,
        to: DataType,
        operand: &Operand,
        nulls: Option<NullBuffer>,
        node: &Node,
        context: &mut Context,
        needed: Needed,
    ) -> Operand {
        let (rows, text) = (context.rows, operand.texts());
        match to {
            DataType::Bool => {
                let (values, ok) = collect(rows, false, |row| parse_bool(text.at(row)));
                let nulls = self.settle(&ok, nulls, operand, node, context, needed);
                bools(BooleanBuffer::from(values), nulls)
            }
            DataType::Int => {
                let (values, ok) = collect(rows, 0, |row| parse_int(text.at(row)));
                ints(values, self.settle(&ok, nulls, operand, node, context, needed))
            }
            _ => {
                let (values, ok) = collect(rows, 0.0, |row| parse_float(text.at(row)));
                floats(values, self.settle(&ok, nulls, operand, node, context, needed))
            }
        }
    }

    /// What could not be cast becomes null, and under CAST a bad row.
    fn settle(
        self,
        ok: &BooleanBuffer,
        nulls: Option<NullBuffer>,
        operand: &Operand,
        node: &Node,
        context: &mut Context,
        needed: Needed,
    ) -> Option<NullBuffer> {
        if ok.count_set_bits() == ok.len() {
            return nulls;
        }
        if !self.lenient {
            for row in (0..ok.len()).filter(|&row| !ok.value(row)) {
                if is_present(nulls.as_ref(), row) {
                    context.fail(row, needed, || {
                        format!("{} fails: the value is {}", node.text, show(operand, row))
                    });
                }
            }
        }
        NullBuffer::union(nulls.as_ref(), Some(&NullBuffer::new(ok.clone())))
    }
}

/// Values with a bit for each that exists; the others are `filler`.
fn collect<T: Copy>(
    rows: usize,
    filler: T,
    f: impl Fn(usize) -> Option<T>,
) -> (Vec<T>, BooleanBuffer) {
    let found: Vec<Option<T>> = (0..rows).map(f).collect();
    let ok = BooleanBuffer::collect_bool(rows, |row| found[row].is_some());
    (found.into_iter().map(|value| value.unwrap_or(filler)).collect(), ok)
}

fn to_text(operand: &Operand, rows: usize, nulls: Option<NullBuffer>) -> Operand {
    use std::fmt::Write;
    strings(rows, nulls, |row, out| {
        let written = match &operand.column {
            Column::Int(_) => write!(out, "{}", operand.ints().at(row)),
            // The shortest text that reads back: 1.5, 3.0, 1e16, 2.5e-7.
            _ => write!(out, "{:?}", operand.floats().at(row)),
        };
        written.expect("writing to a string cannot fail");
    })
}

fn show(operand: &Operand, row: usize) -> String {
    match &operand.column {
        Column::Str(array) if !operand.constant => format!("{:?}", array.value(row)),
        Column::Str(_) => format!("{:?}", operand.texts().at(row)),
        Column::Float(_) => format!("{:?}", operand.floats().at(row)),
        Column::Bool(array) => format!("{}", array.len()),
        _ => operand.ints().at(row).to_string(),
    }
}

/// Without its fraction, if that is a 64-bit integer: -2^63 <= x < 2^63.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
fn whole(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let value = value.trunc();
    (-LIMIT..LIMIT).contains(&value).then_some(value as i64)
}

fn parse_bool(text: &str) -> Option<bool> {
    let text = text.trim_matches(' ');
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

/// An optional sign and digits.
fn parse_int(text: &str) -> Option<i64> {
    let text = text.trim_matches(' ');
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// An optional sign, digits with an optional point, an optional exponent; no names, no hex. What is
/// too large for a double is infinite here, and so null.
fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_matches(' ');
    let allowed =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    text.bytes().all(allowed).then(|| text.parse().ok()).flatten()
}
