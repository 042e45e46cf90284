//! Tables by two times: which row counts at `t`, of those that had arrived.

use headwater_kernel::blueprint::{
    Blueprint, Column, Compute, FORMAT, Feature, Key, MEANING, Table, TimeUnit, View,
};
use headwater_kernel::plan::Plan;
use headwater_kernel::table::TableState;
use headwater_kernel::value::{Cell, DataType, FeatureType, Value};

fn plan(valid_from: bool, timeless: bool, delay_us: i64, ttl_us: Option<i64>) -> Plan {
    let column = |name: &str, data_type| Column {
        name: name.into(),
        data_type,
        nullable: true,
        unit: TimeUnit::Us,
        scale_exponent: -44,
    };
    let table = Table {
        name: "Weather".into(),
        columns: vec![
            column("origin", DataType::Str),
            column("from", DataType::Timestamp),
            column("wind", DataType::Float),
        ],
        key: vec!["origin".into()],
        valid_from: valid_from.then(|| "from".into()),
        timeless,
        delay_us,
        ttl_us,
        version: "1".into(),
    };
    let view = View {
        name: "WeatherAt".into(),
        stream: None,
        table: Some("Weather".into()),
        keys: vec![Key {
            name: "airport".into(),
            data_type: DataType::Str,
            column: "origin".into(),
        }],
        filter: None,
        include_current: false,
        events_max: 1,
        features: vec![Feature {
            column: "weather__wind".into(),
            name: "wind".into(),
            compute: Compute::Column { source: "wind".into() },
            data_type: FeatureType::Scalar(DataType::Float),
            default: None,
        }],
        version: "1".into(),
    };
    Plan::new(Blueprint {
        format: FORMAT,
        meaning: MEANING,
        streams: vec![],
        tables: vec![table],
        views: vec![view],
        services: vec![],
    })
    .expect("the definition is valid")
}

fn row(wind: f64) -> Vec<Value> {
    vec![Value::Str("JFK".into()), Value::Null, Value::Float(wind)]
}

fn wind(state: &TableState, plan: &Plan, t: i64, arrived_by: Option<i64>) -> Option<f64> {
    let mut cells = [Cell::default()];
    let found = state.read(&plan.views[0], Some(b"JFK"), t, arrived_by, &mut cells);
    assert_eq!(found, !cells[0].value.is_null());
    match cells[0].value {
        Value::Float(wind) => Some(wind),
        _ => None,
    }
}

#[test]
fn the_latest_valid_row_counts_and_of_equal_ones_the_later_arrival() {
    let plan = plan(true, false, 0, None);
    let mut state = TableState::new(&plan, 0);
    state.put(b"JFK", Some(100), 105, row(1.0));
    state.put(b"JFK", Some(200), 205, row(2.0));
    state.put(b"JFK", Some(100), 300, row(1.5));
    assert_eq!(wind(&state, &plan, 99, None), None);
    assert_eq!(wind(&state, &plan, 100, None), Some(1.5));
    assert_eq!(wind(&state, &plan, 200, None), Some(2.0));
    assert_eq!(wind(&state, &plan, 150, Some(150)), Some(1.0));
    assert_eq!(wind(&state, &plan, 150, Some(104)), None);
    assert_eq!(wind(&state, &plan, 400, Some(204)), Some(1.0));
}

#[test]
fn the_delay_and_the_ttl_bound_a_row_from_both_sides() {
    let plan = plan(true, false, 10, Some(50));
    let mut state = TableState::new(&plan, 0);
    state.put(b"JFK", Some(100), 100, row(1.0));
    assert_eq!(wind(&state, &plan, 109, None), None);
    assert_eq!(wind(&state, &plan, 110, None), Some(1.0));
    assert_eq!(wind(&state, &plan, 150, None), Some(1.0));
    assert_eq!(wind(&state, &plan, 151, None), None);
}

#[test]
fn a_row_without_a_valid_from_is_valid_from_its_arrival() {
    let plan = plan(false, false, 0, None);
    let mut state = TableState::new(&plan, 0);
    state.put(b"JFK", None, 100, row(1.0));
    state.put(b"JFK", None, 200, row(2.0));
    assert_eq!(wind(&state, &plan, 99, None), None);
    assert_eq!(wind(&state, &plan, 199, None), Some(1.0));
    assert_eq!(wind(&state, &plan, 200, None), Some(2.0));
}

#[test]
fn a_timeless_row_counts_at_every_instant_under_every_arrival() {
    let plan = plan(false, true, 0, None);
    let mut state = TableState::new(&plan, 0);
    state.put(b"JFK", None, 200, row(2.0));
    state.put(b"JFK", None, 200, row(3.0));
    assert_eq!(wind(&state, &plan, 1, None), Some(3.0));
    assert_eq!(wind(&state, &plan, 1, Some(0)), Some(3.0));
}

#[test]
fn expiry_keeps_what_a_later_read_can_see() {
    let plan = plan(true, false, 0, Some(50));
    let mut state = TableState::new(&plan, 0);
    for from in [100, 120, 140] {
        state.put(b"JFK", Some(from), from, row(from as f64));
    }
    assert!(state.expire(130).is_empty());
    assert_eq!(wind(&state, &plan, 130, None), Some(120.0));
    assert_eq!(wind(&state, &plan, 140, None), Some(140.0));
    assert_eq!(state.expire(191), vec![b"JFK".to_vec().into_boxed_slice()]);
    assert!(state.is_empty());
}

#[test]
fn a_row_is_read_back_as_it_was_written() {
    let plan = plan(true, false, 0, None);
    let mut state = TableState::new(&plan, 0);
    state.put(b"JFK", Some(100), 105, row(1.0));
    state.put(b"JFK", Some(90), 106, vec![Value::Null, Value::Timestamp(-1), Value::Null]);
    let mut bytes = Vec::new();
    assert!(state.row_bytes(b"JFK", &mut bytes) && !state.row_bytes(b"EWR", &mut bytes));
    let mut loaded = TableState::new(&plan, 0);
    loaded.load_row(b"JFK", &bytes).unwrap();
    assert_eq!(loaded.find(b"JFK", 100, None), state.find(b"JFK", 100, None));
    let mut again = Vec::new();
    loaded.row_bytes(b"JFK", &mut again);
    assert_eq!(again, bytes);
    assert_eq!(loaded.load_row(b"JFK", &bytes[..5]).unwrap_err().code, "damaged");
}
