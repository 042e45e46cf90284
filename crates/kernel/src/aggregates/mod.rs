//! The contract of aggregates, one family a file: what every family gives, so that folding, the
//! sweep and tiles made elsewhere mean the same. The next family joins here: a file, a member of
//! [`Partial`], a member of `plan::Family`. No family may look at arrival order.

pub mod count;
pub mod extreme;
pub mod first;
pub mod last;
pub mod raw;
pub mod sum;

use crate::blueprint::Aggregate;
use crate::error::Result;
use crate::order::Tie;
use crate::plan::{AggregatePlan, FeaturePlan};
use crate::state::bytes::{Reader, damaged, put_u8};
use crate::value::{Cell, Status, Value};

/// What kind of windows the kept state of a family answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Any `[a, b)`: the difference of two states.
    Interval,
    /// Only windows that end at `t`.
    Suffix,
}

/// One event as an aggregate sees it: its filter is true and its input is not null.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Event time, UTC microseconds.
    pub time: i64,
    /// Orders events of one instant; needed by first and last only.
    pub tie: Option<&'a Tie>,
    /// The input; any value for `count()`.
    pub value: &'a Value,
}

/// A mergeable intermediate value of one family over some set of events.
///
/// Laws: `update` and `merge` give the same for every order of events and every split of them.
pub trait Mergeable: Sized {
    /// What the kept state of this family answers.
    const SHAPE: Shape;

    /// Adds an event.
    fn update(&mut self, event: &Event);

    /// Adds the events of another partial, disjoint from those of this one.
    fn merge(&mut self, other: Self);

    /// Appends its bytes.
    fn write(&self, out: &mut Vec<u8>);
}

/// A partial of any family.
#[derive(Clone, Debug, PartialEq)]
pub enum Partial {
    /// Number of events.
    Count(count::Count),
    /// Fixed-point sum with the number of its inputs.
    Sum(sum::Sum),
    /// Least or greatest value.
    Extreme(extreme::Extreme),
    /// Earliest value.
    First(first::First),
    /// Latest values.
    Last(last::Last),
}

impl Partial {
    /// The partial of no events.
    pub fn empty(plan: &AggregatePlan) -> Partial {
        match plan.aggregate {
            Aggregate::Count => Partial::Count(count::Count::default()),
            Aggregate::Sum | Aggregate::Mean => Partial::Sum(sum::Sum::empty(plan.scale_exponent)),
            Aggregate::Min => Partial::Extreme(extreme::Extreme::empty(false)),
            Aggregate::Max => Partial::Extreme(extreme::Extreme::empty(true)),
            Aggregate::First => Partial::First(first::First::default()),
            Aggregate::Last => Partial::Last(last::Last::empty(plan.n.unwrap_or(1))),
        }
    }

    /// Adds an event.
    pub fn update(&mut self, event: &Event) {
        match self {
            Partial::Count(partial) => partial.update(event),
            Partial::Sum(partial) => partial.update(event),
            Partial::Extreme(partial) => partial.update(event),
            Partial::First(partial) => partial.update(event),
            Partial::Last(partial) => partial.update(event),
        }
    }

    /// Adds the events of another partial of the same aggregate, disjoint from those of this one.
    pub fn merge(&mut self, other: Partial) {
        match (self, other) {
            (Partial::Count(partial), Partial::Count(other)) => partial.merge(other),
            (Partial::Sum(partial), Partial::Sum(other)) => partial.merge(other),
            (Partial::Extreme(partial), Partial::Extreme(other)) => partial.merge(other),
            (Partial::First(partial), Partial::First(other)) => partial.merge(other),
            (Partial::Last(partial), Partial::Last(other)) => partial.merge(other),
            _ => unreachable!("partials of one aggregate are of one family"),
        }
    }

    /// The answer, with the declared default in place of null.
    pub fn finish(self, plan: &AggregatePlan, feature: &FeaturePlan) -> Cell {
        let cell = match self {
            Partial::Count(partial) => count::finish(partial.0),
            Partial::Sum(partial) if plan.aggregate == Aggregate::Mean => {
                sum::finish_mean(partial.sum, partial.count, plan.scale_exponent)
            }
            Partial::Sum(partial) => {
                sum::finish_sum(partial.sum, partial.count, plan.input_type, plan.scale_exponent)
            }
            Partial::Extreme(partial) => Cell::ok(partial.best.unwrap_or(Value::Null)),
            Partial::First(partial) => Cell::ok(partial.finish()),
            Partial::Last(partial) => Cell::ok(partial.finish(plan.n.is_some())),
        };
        or_default(cell, feature)
    }

    /// Appends its bytes: a family byte, then the family's own.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_u8(out, self.family());
        match self {
            Partial::Count(partial) => partial.write(out),
            Partial::Sum(partial) => partial.write(out),
            Partial::Extreme(partial) => partial.write(out),
            Partial::First(partial) => partial.write(out),
            Partial::Last(partial) => partial.write(out),
        }
    }

    /// Reads what [`Partial::write`] wrote for this aggregate.
    pub fn read(plan: &AggregatePlan, bytes: &[u8]) -> Result<Partial> {
        let mut reader = Reader::new(bytes);
        let mut partial = Partial::empty(plan);
        if reader.u8()? != partial.family() {
            return Err(damaged());
        }
        match &mut partial {
            Partial::Count(partial) => partial.0 = reader.u64()?,
            Partial::Sum(partial) => {
                partial.sum = reader.u128()? as i128;
                partial.count = reader.u64()?;
            }
            Partial::Extreme(partial) => partial.read(&mut reader)?,
            Partial::First(partial) => partial.read(&mut reader)?,
            Partial::Last(partial) => partial.read(&mut reader)?,
        }
        reader.end()?;
        Ok(partial)
    }

    fn family(&self) -> u8 {
        match self {
            Partial::Count(_) => 0,
            Partial::Sum(_) => 1,
            Partial::Extreme(_) => 2,
            Partial::First(_) => 3,
            Partial::Last(_) => 4,
        }
    }
}

/// The declared default in place of a null that reports nothing. A null with a status (saturated,
/// overflow) stays null: a default must not hide that data was there.
#[inline]
pub fn or_default(cell: Cell, feature: &FeaturePlan) -> Cell {
    if cell.status == Status::Ok && cell.value.is_null() && !feature.default.is_null() {
        return Cell::ok(feature.default.clone());
    }
    cell
}
