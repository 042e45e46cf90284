//! Numbers: integers are 64-bit and an overflow is a bad row; floats are finite or null.
//!
//! Dividing by zero is null, never an error. Functions whose last bit differs between C libraries
//! come from `libm`, so that a value is the same on every machine.

use arrow_buffer::{BooleanBuffer, NullBuffer};
use headwater_kernel::value::DataType;

use crate::bind::Node;
use crate::column::{Lane, Operand, floats, ints, is_present, map1, map2, nulls_of};
use crate::context::{Context, Needed};

/// The operations of this family.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Int(Binary),
    Float(Binary),
    IntSign(Sign),
    FloatFunction(Function),
    Power,
}

/// Two numbers of one type to one of that type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    DivideWhole,
    Remainder,
}

/// What changes an integer's sign.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sign {
    Negate,
    Absolute,
}

/// One float to one float.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Function {
    Negate,
    Absolute,
    Floor,
    Ceil,
    Round,
    SquareRoot,
    Exponential,
    Logarithm,
}

/// The operation of this head over these types.
pub(crate) fn bind(head: &str, types: &[DataType]) -> Option<(Operation, DataType)> {
    use DataType::{Float, Int};
    let operation = match (head, types) {
        ("div", [Int, Int]) => return None,
        ("neg", [Int]) => Operation::IntSign(Sign::Negate),
        ("abs", [Int]) => Operation::IntSign(Sign::Absolute),
        ("power", [Float, Float]) => Operation::Power,
        (_, [Int, Int]) => Operation::Int(binary(head)?),
        (_, [Float, Float]) => Operation::Float(binary(head)?),
        (_, [Float]) => Operation::FloatFunction(function(head)?),
        _ => return None,
    };
    Some((operation, types[0]))
}

fn binary(head: &str) -> Option<Binary> {
    Some(match head {
        "add" => Binary::Add,
        "sub" => Binary::Subtract,
        "mul" => Binary::Multiply,
        "div" => Binary::Divide,
        "idiv" => Binary::DivideWhole,
        "mod" => Binary::Remainder,
        _ => return None,
    })
}

fn function(head: &str) -> Option<Function> {
    Some(match head {
        "neg" => Function::Negate,
        "abs" => Function::Absolute,
        "floor" => Function::Floor,
        "ceil" => Function::Ceil,
        "round" => Function::Round,
        "sqrt" => Function::SquareRoot,
        "exp" => Function::Exponential,
        "ln" => Function::Logarithm,
        _ => return None,
    })
}

impl Operation {
    pub fn evaluate(self, node: &Node, context: &mut Context, needed: Needed) -> Operand {
        let operands = node.operands(context, needed);
        match (self, operands.as_slice()) {
            (Operation::Int(binary), [_, _]) => {
                int_binary(binary, node, &operands, context, needed)
            }
            (Operation::IntSign(sign), [_]) => int_sign(sign, node, &operands, context, needed),
            (Operation::Float(binary), [a, b]) => {
                let nulls = nulls_of(&operands, context.rows);
                floats(float_binary(binary, a.floats(), b.floats(), context.rows), nulls)
            }
            (Operation::Power, [a, b]) => {
                let nulls = nulls_of(&operands, context.rows);
                floats(map2(a.floats(), b.floats(), context.rows, libm::pow), nulls)
            }
            (Operation::FloatFunction(function), [a]) => {
                let nulls = nulls_of(&operands, context.rows);
                floats(float_function(function, a.floats(), context.rows), nulls)
            }
            _ => unreachable!("bind gives each operation its operands"),
        }
    }
}

/// A zero divisor gives NaN or an infinity, which `floats` makes null.
fn float_binary(binary: Binary, a: Lane<f64>, b: Lane<f64>, rows: usize) -> Vec<f64> {
    match binary {
        Binary::Add => map2(a, b, rows, |a, b| a + b),
        Binary::Subtract => map2(a, b, rows, |a, b| a - b),
        Binary::Multiply => map2(a, b, rows, |a, b| a * b),
        Binary::Divide => map2(a, b, rows, |a, b| a / b),
        Binary::DivideWhole => map2(a, b, rows, |a, b| (a / b).trunc()),
        Binary::Remainder => map2(a, b, rows, |a, b| a % b),
    }
}

fn float_function(function: Function, a: Lane<f64>, rows: usize) -> Vec<f64> {
    match function {
        Function::Negate => map1(a, rows, |a| -a),
        Function::Absolute => map1(a, rows, f64::abs),
        Function::Floor => map1(a, rows, f64::floor),
        Function::Ceil => map1(a, rows, f64::ceil),
        // Halves go away from zero.
        Function::Round => map1(a, rows, f64::round),
        Function::SquareRoot => map1(a, rows, f64::sqrt),
        Function::Exponential => map1(a, rows, libm::exp),
        Function::Logarithm => map1(a, rows, libm::log),
    }
}

/// Computes all rows wrapping; only when one overflowed, looks for those that count.
fn int_binary(
    binary: Binary,
    node: &Node,
    operands: &[Operand],
    context: &mut Context,
    needed: Needed,
) -> Operand {
    let (a, b, rows) = (operands[0].ints(), operands[1].ints(), context.rows);
    let mut nulls = nulls_of(operands, rows);
    if matches!(binary, Binary::DivideWhole | Binary::Remainder) {
        nulls = NullBuffer::union(nulls.as_ref(), nonzero(b, rows).as_ref());
    }
    let mut overflowed = false;
    let mut apply = |result: (i64, bool)| {
        overflowed |= result.1;
        result.0
    };
    let values = match binary {
        Binary::Add => map2(a, b, rows, |a, b| apply(a.overflowing_add(b))),
        Binary::Subtract => map2(a, b, rows, |a, b| apply(a.overflowing_sub(b))),
        Binary::Multiply => map2(a, b, rows, |a, b| apply(a.overflowing_mul(b))),
        _ => map2(a, b, rows, |a, b| apply(int_apply(binary, a, b))),
    };
    if overflowed {
        for row in 0..rows {
            let (x, y) = (a.at(row), b.at(row));
            if is_present(nulls.as_ref(), row) && int_apply(binary, x, y).1 {
                context.fail(row, needed, || {
                    format!("integer overflow in {}: the operands are {x} and {y}", node.text)
                });
            }
        }
    }
    ints(values, nulls)
}

/// The wrapped result, and whether it wrapped.
fn int_apply(binary: Binary, a: i64, b: i64) -> (i64, bool) {
    match binary {
        Binary::Add => a.overflowing_add(b),
        Binary::Subtract => a.overflowing_sub(b),
        Binary::Multiply => a.overflowing_mul(b),
        Binary::DivideWhole if b == 0 => (0, false),
        Binary::DivideWhole => a.overflowing_div(b),
        Binary::Remainder if b == 0 => (0, false),
        // The least integer modulo -1 is 0: nothing overflows.
        Binary::Remainder => (a.wrapping_rem(b), false),
        Binary::Divide => unreachable!("integers are divided as floats"),
    }
}

fn nonzero(divisor: Lane<i64>, rows: usize) -> Option<NullBuffer> {
    let any_zero = match divisor {
        Lane::Each(values) => values.contains(&0),
        Lane::One(value) => value == 0,
    };
    any_zero.then(|| NullBuffer::new(BooleanBuffer::collect_bool(rows, |row| divisor.at(row) != 0)))
}

fn int_sign(
    sign: Sign,
    node: &Node,
    operands: &[Operand],
    context: &mut Context,
    needed: Needed,
) -> Operand {
    let (a, rows) = (operands[0].ints(), context.rows);
    let nulls = nulls_of(operands, rows);
    let values = match sign {
        Sign::Negate => map1(a, rows, i64::wrapping_neg),
        Sign::Absolute => map1(a, rows, i64::wrapping_abs),
    };
    // Both overflow for the least integer alone, and give it back.
    if values.contains(&i64::MIN) {
        for (row, value) in values.iter().enumerate() {
            if *value == i64::MIN && is_present(nulls.as_ref(), row) {
                context.fail(row, needed, || {
                    format!("integer overflow in {}: the operand is {value}", node.text)
                });
            }
        }
    }
    ints(values, nulls)
}
