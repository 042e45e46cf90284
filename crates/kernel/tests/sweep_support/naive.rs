//! The values of a view by one loop over all events for each question, as semantics.md says them.

use headwater_kernel::blueprint::Aggregate;
use headwater_kernel::fixed;
use headwater_kernel::value::{Status, Value};
use headwater_kernel::window::Window;

use super::{Event, INPUTS, Label, Spec, ViewSpec, default_value};
use headwater_kernel::value::DataType;

/// Values with status, and whether the key was found.
pub fn answer(view: &ViewSpec, events: &[Event], label: &Label) -> (Vec<(Value, Status)>, bool) {
    let kept: Vec<&Event> = events
        .iter()
        .filter(|event| label.0.is_some() && event.key == label.0)
        .filter(|event| !(view.fallible && event.bad))
        .filter(|event| view.filter.is_none_or(|filter| event.conditions[filter] == Some(true)))
        .collect();
    let inside = |spec: &Spec| -> Vec<&Event> {
        let mut events = kept.clone();
        events.retain(|event| covers(spec.window, event.time, label.1, view.include_current));
        events.sort_by_key(|event| (event.time, event.tie));
        events
    };
    let found = view.features.iter().any(|spec| !inside(spec).is_empty());
    let values = view.features.iter().map(|spec| {
        let events = inside(spec);
        if matches!(spec.window, Window::Exact { .. }) && events.len() as u64 > view.events_max {
            return (Value::Null, Status::Saturated);
        }
        let (value, status) = aggregate(spec, &events);
        match (value, status) {
            (Value::Null, Status::Ok) if spec.default => (default_value(spec), Status::Ok),
            answer => answer,
        }
    });
    (values.collect(), found)
}

fn covers(window: Window, time: i64, t: i64, include_current: bool) -> bool {
    let before_end = if include_current { time <= t } else { time < t };
    let after_start = match window {
        Window::Lifetime => true,
        Window::Exact { width_us } if include_current => time > t - width_us,
        Window::Exact { width_us } => time >= t - width_us,
        Window::Sliding { width_us, resolution_us } => {
            time >= (t - width_us) - (t - width_us).rem_euclid(resolution_us)
        }
    };
    before_end && after_start
}

fn aggregate(spec: &Spec, events: &[&Event]) -> (Value, Status) {
    let mut usable = events.to_vec();
    usable.retain(|event| spec.filter.is_none_or(|filter| event.conditions[filter] == Some(true)));
    let Some(input) = spec.input else {
        return (Value::Int(usable.len() as i64), Status::Ok);
    };
    let values: Vec<Value> = usable.iter().map(|event| event.inputs[input].clone()).collect();
    let values: Vec<Value> = values.into_iter().filter(|value| !value.is_null()).collect();
    if spec.aggregate == Aggregate::Count {
        return (Value::Int(values.len() as i64), Status::Ok);
    }
    if values.is_empty() {
        return (Value::Null, Status::Ok);
    }
    let value = match (spec.aggregate, spec.n) {
        (Aggregate::Sum, _) if INPUTS[input].1 == DataType::Float => {
            Value::Float(total(&values) as f64 / 2_f64.powi(44))
        }
        (Aggregate::Sum, _) => match i64::try_from(total(&values)) {
            Ok(sum) => Value::Int(sum),
            Err(_) => return (Value::Null, Status::Overflow),
        },
        (Aggregate::Mean, _) => {
            let exponent = if INPUTS[input].1 == DataType::Float { -44 } else { 0 };
            Value::Float(fixed::mean_to_f64(total(&values), values.len() as u64, exponent))
        }
        (Aggregate::Min, _) => best(values, std::cmp::Ordering::Less),
        (Aggregate::Max, _) => best(values, std::cmp::Ordering::Greater),
        (Aggregate::First, _) => values[0].clone(),
        (Aggregate::Last, None) => values[values.len() - 1].clone(),
        (Aggregate::Last, Some(n)) => {
            let start = values.len().saturating_sub(n as usize);
            Value::List(values[start..].to_vec().into())
        }
        (Aggregate::Count, _) => unreachable!("returned above"),
    };
    (value, Status::Ok)
}

fn total(values: &[Value]) -> i128 {
    values
        .iter()
        .map(|value| match value {
            Value::Float(x) => (x * 2_f64.powi(44)).round_ties_even() as i128,
            Value::Int(x) => i128::from(*x),
            Value::Bool(x) => i128::from(*x),
            other => panic!("{other:?} has no sum"),
        })
        .sum()
}

fn best(values: Vec<Value>, wanted: std::cmp::Ordering) -> Value {
    let compare = |left: &Value, right: &Value| match (left, right) {
        (Value::Float(left), Value::Float(right)) => left.total_cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Timestamp(left), Value::Timestamp(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Str(left), Value::Str(right)) => left.as_bytes().cmp(right.as_bytes()),
        pair => panic!("{pair:?} are not of one type"),
    };
    let mut values = values.into_iter();
    let first = values.next().expect("not empty");
    values.fold(first, |kept, value| if compare(&value, &kept) == wanted { value } else { kept })
}
