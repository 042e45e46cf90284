//! Strings: UTF-8, positions and lengths in code points from 1, null wins.
//!
//! Case follows Unicode's full mapping (the tables of the standard library), without locale.

use std::fmt::Write;

use arrow_buffer::BooleanBuffer;
use headwater_kernel::value::DataType;

use crate::bind::Node;
use crate::column::{Lane, Operand, Text, bools, ints, nulls_of, strings};
use crate::context::{Context, Needed};

/// The operations of this family.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Lower,
    Upper,
    Trim,
    Replace,
    Substring,
    Concat,
    Length,
    Position,
    StartsWith,
    EndsWith,
    Like,
}

/// The operation of this head over these types.
pub(crate) fn bind(head: &str, types: &[DataType]) -> Option<(Operation, DataType)> {
    use DataType::{Bool, Int, Str};
    Some(match (head, types) {
        ("lower", [Str]) => (Operation::Lower, Str),
        ("upper", [Str]) => (Operation::Upper, Str),
        ("trim", [Str]) => (Operation::Trim, Str),
        ("replace", [Str, Str, Str]) => (Operation::Replace, Str),
        ("substring", [Str, Int] | [Str, Int, Int]) => (Operation::Substring, Str),
        ("concat", [Str, Str, ..]) if types.iter().all(|each| *each == Str) => {
            (Operation::Concat, Str)
        }
        ("length", [Str]) => (Operation::Length, Int),
        ("position", [Str, Str]) => (Operation::Position, Int),
        ("starts_with", [Str, Str]) => (Operation::StartsWith, Bool),
        ("ends_with", [Str, Str]) => (Operation::EndsWith, Bool),
        ("like", [Str, Str]) => (Operation::Like, Bool),
        _ => return None,
    })
}

impl Operation {
    pub fn evaluate(self, node: &Node, context: &mut Context, needed: Needed) -> Operand {
        let operands = node.operands(context, needed);
        let rows = context.rows;
        let nulls = nulls_of(&operands, rows);
        let first = operands[0].texts();
        match self {
            Operation::Lower => strings(rows, nulls, |row, out| lower(first.at(row), out)),
            Operation::Upper => strings(rows, nulls, |row, out| upper(first.at(row), out)),
            Operation::Trim => {
                strings(rows, nulls, |row, out| out.push_str(first.at(row).trim_matches(' ')))
            }
            Operation::Replace => {
                let (from, to) = (operands[1].texts(), operands[2].texts());
                strings(rows, nulls, |row, out| {
                    replace(first.at(row), from.at(row), to.at(row), out);
                })
            }
            Operation::Substring => {
                let start = operands[1].ints();
                let length = operands.get(2).map(Operand::ints);
                strings(rows, nulls, |row, out| {
                    out.push_str(substring(first.at(row), start.at(row), length, row));
                })
            }
            Operation::Concat => {
                let texts: Vec<Text> = operands.iter().map(Operand::texts).collect();
                strings(rows, nulls, |row, out| {
                    texts.iter().for_each(|text| out.push_str(text.at(row)));
                })
            }
            Operation::Length => {
                ints((0..rows).map(|row| code_points(first.at(row))).collect(), nulls)
            }
            Operation::Position => {
                let part = operands[1].texts();
                ints((0..rows).map(|row| position(first.at(row), part.at(row))).collect(), nulls)
            }
            Operation::StartsWith => bools(test(&operands, rows, |a, b| a.starts_with(b)), nulls),
            Operation::EndsWith => bools(test(&operands, rows, |a, b| a.ends_with(b)), nulls),
            Operation::Like => bools(test(&operands, rows, like), nulls),
        }
    }
}

fn test(operands: &[Operand], rows: usize, f: impl Fn(&str, &str) -> bool) -> BooleanBuffer {
    let (a, b) = (operands[0].texts(), operands[1].texts());
    BooleanBuffer::collect_bool(rows, |row| f(a.at(row), b.at(row)))
}

fn lower(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        out[start..].make_ascii_lowercase();
    } else {
        out.push_str(&text.to_lowercase());
    }
}

fn upper(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        out[start..].make_ascii_uppercase();
    } else {
        out.push_str(&text.to_uppercase());
    }
}

/// Every occurrence, from the left, without overlap; an empty `from` occurs nowhere.
fn replace(text: &str, from: &str, to: &str, out: &mut String) {
    if from.is_empty() {
        out.push_str(text);
        return;
    }
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(from) {
        write!(out, "{before}{to}").expect("writing to a string cannot fail");
        rest = after;
    }
    out.push_str(rest);
}

/// The code points at positions `[start, start + length)`, counted from 1, that exist.
fn substring<'a>(text: &'a str, start: i64, length: Option<Lane<i64>>, row: usize) -> &'a str {
    let end = length.map_or(i64::MAX, |length| start.saturating_add(length.at(row)));
    let skipped = start.max(1) - 1;
    let kept = end.saturating_sub(start.max(1)).max(0);
    let from = byte_of(text, skipped);
    let rest = &text[from..];
    &rest[..byte_of(rest, kept)]
}

/// Where the code point of this number (from 0) begins; the end of the text when there is none.
fn byte_of(text: &str, number: i64) -> usize {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    text.char_indices().nth(number).map_or(text.len(), |(byte, _)| byte)
}

fn code_points(text: &str) -> i64 {
    i64::try_from(text.chars().count()).expect("a text is shorter than 2^63")
}

/// The position of the first occurrence, from 1; 0 when there is none; 1 for an empty part.
fn position(text: &str, part: &str) -> i64 {
    text.find(part).map_or(0, |byte| code_points(&text[..byte]) + 1)
}

/// `%` is any text, `_` one code point, all else itself. Walks both once, going back only to the
/// last `%`: at most length of text times length of pattern.
fn like(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    let mut again: Option<(std::str::Chars, std::str::Chars)> = None;
    loop {
        let (text_before, mut pattern_after) = (text.clone(), pattern.clone());
        match (pattern_after.next(), text.next()) {
            (None, None) => return true,
            (Some('%'), _) => {
                again = Some((text_before.clone(), pattern_after.clone()));
                text = text_before;
                pattern = pattern_after;
                continue;
            }
            (Some('_'), Some(_)) => {
                pattern = pattern_after;
                continue;
            }
            (Some(wanted), Some(found)) if wanted == found => {
                pattern = pattern_after;
                continue;
            }
            _ => {}
        }
        // No match here: the last `%` takes one more code point.
        let Some((mut resume, after)) = again.take() else { return false };
        if resume.next().is_none() {
            return false;
        }
        text = resume.clone();
        pattern = after.clone();
        again = Some((resume, after));
    }
}
