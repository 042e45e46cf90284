//! Count: number of events, or of events whose input is not null. Invertible; empty is 0.

use super::{Event, Mergeable, Shape};
use crate::state::bytes::put_u64;
use crate::value::{Cell, Value};

/// Number of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(pub u64);

impl Mergeable for Count {
    const SHAPE: Shape = Shape::Interval;

    fn update(&mut self, _event: &Event) {
        self.0 += 1;
    }

    fn merge(&mut self, other: Self) {
        self.0 += other.0;
    }

    fn write(&self, out: &mut Vec<u8>) {
        put_u64(out, self.0);
    }
}

/// The answer: never null.
#[inline]
pub fn finish(count: u64) -> Cell {
    Cell::ok(Value::Int(i64::try_from(count).expect("fewer than 2^63 events")))
}
