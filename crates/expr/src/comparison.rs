//! Comparing: null with anything is null, except for IS DISTINCT FROM; strings compare by bytes.
//!
//! No float is NaN and none is -0.0, so the order of floats is the order of numbers.

use arrow_buffer::BooleanBuffer;
use headwater_kernel::value::DataType;

use crate::bind::{Call, Node};
use crate::column::{Column, Lane, Operand, Text, bools, nulls_of, test2};
use crate::context::{Context, Needed};
use crate::logic::pick;

/// The operations of this family.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Compare(Order),
    Distinct,
    Greatest,
    Least,
    In(Members),
}

/// How two values must stand to each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The literals of an IN list.
#[derive(Clone, Debug)]
pub(crate) struct Members {
    values: Values,
    /// The list holds a null: what is not found is null instead of false.
    has_null: bool,
}

/// Sorted.
#[derive(Clone, Debug)]
enum Values {
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Strings(Vec<Box<str>>),
}

/// The operation of this head over these types.
pub(crate) fn bind(head: &str, types: &[DataType]) -> Option<(Operation, DataType)> {
    let [first, rest @ ..] = types else { return None };
    if rest.is_empty() || rest.iter().any(|each| each != first) {
        return None;
    }
    let operation = match head {
        "greatest" if *first != DataType::Bool => return Some((Operation::Greatest, *first)),
        "least" if *first != DataType::Bool => return Some((Operation::Least, *first)),
        _ if types.len() != 2 => return None,
        "distinct" => Operation::Distinct,
        "eq" => Operation::Compare(Order::Equal),
        "ne" => Operation::Compare(Order::NotEqual),
        _ if *first == DataType::Bool => return None,
        "lt" => Operation::Compare(Order::Less),
        "le" => Operation::Compare(Order::LessOrEqual),
        "gt" => Operation::Compare(Order::Greater),
        "ge" => Operation::Compare(Order::GreaterOrEqual),
        _ => return None,
    };
    Some((operation, DataType::Bool))
}

/// IN takes an operand and literals of its type; booleans are compared instead.
pub(crate) fn bind_in(types: &[DataType], arguments: &[Node]) -> Option<Operation> {
    let (first, members) = types.split_first()?;
    if members.is_empty() || members.iter().any(|each| each != first) {
        return None;
    }
    let mut values = match first {
        DataType::Int | DataType::Timestamp => Values::Ints(Vec::new()),
        DataType::Float => Values::Floats(Vec::new()),
        DataType::Str => Values::Strings(Vec::new()),
        DataType::Bool => return None,
    };
    let mut has_null = false;
    for member in &arguments[1..] {
        let Call::Literal(literal) = &member.call else { return None };
        if literal.nulls(1).is_some() {
            has_null = true;
            continue;
        }
        match &mut values {
            Values::Ints(list) => list.push(literal.ints().at(0)),
            Values::Floats(list) => list.push(literal.floats().at(0)),
            Values::Strings(list) => list.push(literal.texts().at(0).into()),
        }
    }
    match &mut values {
        Values::Ints(list) => list.sort_unstable(),
        Values::Floats(list) => list.sort_unstable_by(f64::total_cmp),
        Values::Strings(list) => list.sort_unstable(),
    }
    Some(Operation::In(Members { values, has_null }))
}

impl Operation {
    pub fn evaluate(&self, node: &Node, context: &mut Context, needed: Needed) -> Operand {
        let rows = context.rows;
        match self {
            Operation::In(members) => {
                let operand = node.arguments[0].evaluate(context, needed);
                members.contain(&operand, rows)
            }
            Operation::Compare(order) => {
                let operands = node.operands(context, needed);
                let bits = compare(*order, &operands[0], &operands[1], rows);
                bools(bits, nulls_of(&operands, rows))
            }
            Operation::Distinct => {
                let operands = node.operands(context, needed);
                distinct(&operands[0], &operands[1], rows)
            }
            Operation::Greatest => extreme(Order::Greater, node, context, needed),
            Operation::Least => extreme(Order::Less, node, context, needed),
        }
    }
}

/// A bit where the two values stand in this order; under a null, anything.
pub(crate) fn compare(order: Order, a: &Operand, b: &Operand, rows: usize) -> BooleanBuffer {
    match (&a.column, &b.column) {
        (Column::Bool(_), Column::Bool(_)) => {
            let differ = &a.truths(rows).0 ^ &b.truths(rows).0;
            match order {
                Order::NotEqual => differ,
                Order::Equal => !&differ,
                _ => unreachable!("bind orders no booleans"),
            }
        }
        (Column::Float(_), Column::Float(_)) => ordered(order, a.floats(), b.floats(), rows),
        (Column::Str(_), Column::Str(_)) => strings(order, a.texts(), b.texts(), rows),
        _ => ordered(order, a.ints(), b.ints(), rows),
    }
}

fn ordered<T: Copy + PartialOrd>(
    order: Order,
    a: Lane<T>,
    b: Lane<T>,
    rows: usize,
) -> BooleanBuffer {
    match order {
        Order::Equal => test2(a, b, rows, |a, b| a == b),
        Order::NotEqual => test2(a, b, rows, |a, b| a != b),
        Order::Less => test2(a, b, rows, |a, b| a < b),
        Order::LessOrEqual => test2(a, b, rows, |a, b| a <= b),
        Order::Greater => test2(a, b, rows, |a, b| a > b),
        Order::GreaterOrEqual => test2(a, b, rows, |a, b| a >= b),
    }
}

fn strings(order: Order, a: Text, b: Text, rows: usize) -> BooleanBuffer {
    BooleanBuffer::collect_bool(rows, |row| {
        let (a, b) = (a.at(row).as_bytes(), b.at(row).as_bytes());
        match order {
            Order::Equal => a == b,
            Order::NotEqual => a != b,
            Order::Less => a < b,
            Order::LessOrEqual => a <= b,
            Order::Greater => a > b,
            Order::GreaterOrEqual => a >= b,
        }
    })
}

/// Never null: two nulls are the same, a null and a value are not.
fn distinct(a: &Operand, b: &Operand, rows: usize) -> Operand {
    let differ = compare(Order::NotEqual, a, b, rows);
    let (a, b) = (a.present(rows), b.present(rows));
    let both = &a & &b;
    bools(&(&differ & &both) | &(&a ^ &b), None)
}

/// Nulls are passed over; only nulls give null. Of equal values the first stands.
fn extreme(order: Order, node: &Node, context: &mut Context, needed: Needed) -> Operand {
    let rows = context.rows;
    let mut operands = node.operands(context, needed).into_iter();
    let mut best = operands.next().expect("bind wants two operands or more");
    for other in operands {
        let better = compare(order, &other, &best, rows);
        let (best_present, other_present) = (best.present(rows), other.present(rows));
        let choice: Vec<u32> = (0..rows)
            .map(|row| match (best_present.value(row), other_present.value(row)) {
                (true, true) => u32::from(better.value(row)),
                (false, true) => 1,
                _ => 0,
            })
            .collect();
        best = pick(&[Some(best), Some(other)], &choice, node.data_type);
    }
    best
}

impl Members {
    fn contain(&self, operand: &Operand, rows: usize) -> Operand {
        let found = match &self.values {
            Values::Ints(list) => {
                let lane = operand.ints();
                BooleanBuffer::collect_bool(rows, |row| list.binary_search(&lane.at(row)).is_ok())
            }
            Values::Floats(list) => {
                let lane = operand.floats();
                BooleanBuffer::collect_bool(rows, |row| {
                    list.binary_search_by(|member| member.total_cmp(&lane.at(row))).is_ok()
                })
            }
            Values::Strings(list) => {
                let text = operand.texts();
                BooleanBuffer::collect_bool(rows, |row| {
                    list.binary_search_by(|member| (**member).cmp(text.at(row))).is_ok()
                })
            }
        };
        let present = operand.present(rows);
        let known = if self.has_null { &present & &found } else { present };
        bools(found, Some(known.into()))
    }
}
