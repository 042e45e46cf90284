//! Sum and mean: a fixed-point sum and the number of its inputs. Invertible; exact, so that the
//! order of events decides nothing; rounded once, when answered.

use super::{Event, Mergeable, Shape};
use crate::fixed::{mean_to_f64, sum_to_f64, to_fixed};
use crate::state::bytes::{put_u64, put_u128};
use crate::value::{Cell, DataType, Status, Value};

/// Sum and number of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// In units of `2^scale_exponent`.
    pub sum: i128,
    /// Number of inputs.
    pub count: u64,
    /// Scale of a float input; 0 for integers and booleans.
    pub scale_exponent: i32,
}

impl Sum {
    /// The sum of nothing.
    pub fn empty(scale_exponent: i32) -> Sum {
        Sum { sum: 0, count: 0, scale_exponent }
    }
}

/// A value in units of `2^scale_exponent`; booleans count as 0 and 1.
pub fn units(value: &Value, scale_exponent: i32) -> i128 {
    match value {
        Value::Bool(value) => i128::from(*value),
        Value::Int(value) => i128::from(*value),
        Value::Float(value) => {
            to_fixed(*value, scale_exponent).expect("range is checked when events are accepted")
        }
        _ => unreachable!("the plan admits numbers only"),
    }
}

impl Mergeable for Sum {
    const SHAPE: Shape = Shape::Interval;

    fn update(&mut self, event: &Event) {
        self.sum += units(event.value, self.scale_exponent);
        self.count += 1;
    }

    fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn write(&self, out: &mut Vec<u8>) {
        put_u128(out, self.sum as u128);
        put_u64(out, self.count);
    }
}

/// The sum: null when empty; an integer that does not fit 64 bits is null, status `overflow`.
#[inline]
pub fn finish_sum(sum: i128, count: u64, input: Option<DataType>, scale_exponent: i32) -> Cell {
    if count == 0 {
        return Cell::default();
    }
    if input == Some(DataType::Float) {
        return Cell::ok(Value::Float(sum_to_f64(sum, scale_exponent)));
    }
    match i64::try_from(sum) {
        Ok(sum) => Cell::ok(Value::Int(sum)),
        Err(_) => Cell::null(Status::Overflow),
    }
}

/// The mean: the nearest double of the exact rational; null when empty.
#[inline]
pub fn finish_mean(sum: i128, count: u64, scale_exponent: i32) -> Cell {
    if count == 0 {
        return Cell::default();
    }
    Cell::ok(Value::Float(mean_to_f64(sum, count, scale_exponent)))
}
