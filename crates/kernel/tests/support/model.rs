//! The values of a view by definition: take all events of the key, keep those in the window, loop.

use std::cmp::Ordering;

use headwater_kernel::blueprint::Aggregate;
use headwater_kernel::fixed::mean_to_f64;
use headwater_kernel::value::{Cell, Status, Value};
use headwater_kernel::window::Window;

use super::{Event, INPUTS, Label, Spec, ViewSpec, default_value, number};
use headwater_kernel::value::DataType;

/// The features of a number at `t`, and whether it was found.
pub fn read(view: &ViewSpec, events: &[Event], key: i64, t: i64) -> (Vec<Cell>, bool) {
    answer(view, events, &(number(key), t))
}

/// The answer to a question, and whether its key was found.
pub fn answer(view: &ViewSpec, events: &[Event], &(key, t): &Label) -> (Vec<Cell>, bool) {
    let kept: Vec<&Event> = events
        .iter()
        .filter(|event| key.is_some() && event.key == key && !(view.fallible && event.bad))
        .filter(|event| view.filter.is_none_or(|filter| event.conditions[filter] == Some(true)))
        .collect();
    let mut found = false;
    let cells = view.features.iter().map(|spec| {
        let mut inside: Vec<&Event> = kept.clone();
        inside.retain(|event| covers(spec.window, event.time, t, view.include_current));
        inside.sort_by_key(|event| (event.time, event.tie));
        found |= !inside.is_empty();
        let exact = matches!(spec.window, Window::Exact { .. });
        if exact && inside.len() as u64 > view.events_max {
            return Cell::null(Status::Saturated);
        }
        let passes = |event: &&Event, filter: usize| event.conditions[filter] == Some(true);
        inside.retain(|event| spec.filter.is_none_or(|filter| passes(event, filter)));
        let cell = aggregate(spec, &inside);
        match (spec.default, cell.status, cell.value.is_null()) {
            (true, Status::Ok, true) => Cell::ok(default_value(spec)),
            _ => cell,
        }
    });
    (cells.collect(), found)
}

fn covers(window: Window, time: i64, t: i64, include_current: bool) -> bool {
    let in_time = if include_current { time <= t } else { time < t };
    in_time
        && match window {
            Window::Lifetime => true,
            Window::Exact { width_us } if include_current => time > t - width_us,
            Window::Exact { width_us } => time >= t - width_us,
            Window::Sliding { width_us, resolution_us } => {
                let start = t - width_us;
                time >= start - start.rem_euclid(resolution_us)
            }
        }
}

fn aggregate(spec: &Spec, events: &[&Event]) -> Cell {
    let Some(input) = spec.input else {
        return Cell::ok(Value::Int(events.len() as i64));
    };
    let mut values: Vec<Value> = events.iter().map(|event| event.inputs[input].clone()).collect();
    values.retain(|value| !value.is_null());
    let float = INPUTS[input].1 == DataType::Float;
    if spec.aggregate == Aggregate::Count {
        return Cell::ok(Value::Int(values.len() as i64));
    }
    if values.is_empty() {
        return Cell::default();
    }
    let exponent = if float { -44 } else { 0 };
    Cell::ok(match spec.aggregate {
        Aggregate::Count => unreachable!("answered above"),
        Aggregate::Sum if float => Value::Float(total(&values) as f64 / 2_f64.powi(44)),
        Aggregate::Sum => match i64::try_from(total(&values)) {
            Ok(sum) => Value::Int(sum),
            Err(_) => return Cell::null(Status::Overflow),
        },
        Aggregate::Mean => Value::Float(mean_to_f64(total(&values), values.len() as u64, exponent)),
        Aggregate::Min => best(values, Ordering::Less),
        Aggregate::Max => best(values, Ordering::Greater),
        Aggregate::First => values[0].clone(),
        Aggregate::Last => match spec.n {
            None => values[values.len() - 1].clone(),
            Some(n) => {
                let from = values.len().saturating_sub(n as usize);
                Value::List(values[from..].to_vec().into())
            }
        },
    })
}

/// The sum, of floats in units of their scale.
fn total(values: &[Value]) -> i128 {
    let exact = |value: &Value| match value {
        Value::Float(value) => (value * 2_f64.powi(44)).round_ties_even() as i128,
        Value::Int(value) => i128::from(*value),
        Value::Bool(value) => i128::from(*value),
        other => panic!("{other:?} has no sum"),
    };
    values.iter().map(exact).sum()
}

fn best(values: Vec<Value>, wanted: Ordering) -> Value {
    let order = |left: &Value, right: &Value| match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Timestamp(left), Value::Timestamp(right)) => left.cmp(right),
        (Value::Float(left), Value::Float(right)) => left.total_cmp(right),
        (Value::Str(left), Value::Str(right)) => left.as_bytes().cmp(right.as_bytes()),
        _ => panic!("values of one type"),
    };
    let better = |best: Value, value: Value| {
        if order(&value, &best) == wanted { value } else { best }
    };
    values.into_iter().reduce(better).expect("not empty")
}
