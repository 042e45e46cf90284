//! Tables at `t`: timeless, valid from an instant with delay and ttl, valid from arrival.

use headwater_kernel::value::Value;
use serde_json::json;

use super::fixtures::{ask, at, found, frame, labels, values};
use super::*;

const HOUR: f64 = 60.0;

#[test]
fn a_timeless_row_counts_at_every_instant_and_the_later_wins() {
    let rows = json!([
        {"driver": "ann", "seats": 4, "seen_at": at(300.0)},
        {"driver": "ann", "seats": 5, "seen_at": at(100.0)},
    ]);
    let asked = labels(&[(Some("ann"), at(0.0)), (Some("bob"), at(0.0)), (None, at(0.0))]);
    for as_of in [AsOf::EventTime, AsOf::Arrival] {
        let frames = vec![frame("Car", rows.clone())];
        let (set, _) =
            ask("Cars", std::slice::from_ref(&asked), frames, as_of, Some("seen_at")).unwrap();
        assert_eq!(values(&set, "cars__seats"), vec![Value::Int(4), Value::Null, Value::Null]);
        assert_eq!(found(&set), vec![true, false, false]);
        assert_eq!(set.timeless, vec!["Car".to_owned()]);
    }
    // Without arrivals the order of the rows decides.
    let (set, _) = ask("Cars", &[asked], vec![frame("Car", rows)], AsOf::Arrival, None).unwrap();
    assert_eq!(values(&set, "cars__seats")[0], Value::Int(5));
}

#[test]
fn a_row_counts_from_its_delay_to_its_ttl() {
    let rows = json!([
        {"place": "ann", "valid_at": at(0.0), "temp": 1.0},
        {"place": "ann", "valid_at": at(HOUR), "temp": 2.0},
    ]);
    let asked = labels(&[
        (Some("ann"), at(HOUR) - 1),
        (Some("ann"), at(HOUR)),
        (Some("ann"), at(2.0 * HOUR) - 1),
        (Some("ann"), at(2.0 * HOUR)),
        (Some("ann"), at(4.0 * HOUR)),
        (Some("ann"), at(4.0 * HOUR) + 1),
    ]);
    let (set, _) =
        ask("Sky", &[asked], vec![frame("Weather", rows)], AsOf::EventTime, None).unwrap();
    let warm = |temp: f64| Value::Float(temp);
    assert_eq!(
        values(&set, "sky__temp"),
        vec![Value::Null, warm(1.0), warm(1.0), warm(2.0), warm(2.0), Value::Null]
    );
    assert_eq!(found(&set), vec![false, true, true, true, true, false]);
}

#[test]
fn of_equal_instants_the_later_arrival_counts_once_it_has_arrived() {
    let rows = json!([
        {"place": "ann", "valid_at": at(0.0), "temp": 9.0, "seen_at": at(130.0)},
        {"place": "ann", "valid_at": at(0.0), "temp": 1.0, "seen_at": at(90.0)},
    ]);
    let asked = labels(&[
        (Some("ann"), at(HOUR)),
        (Some("ann"), at(90.0)),
        (Some("ann"), at(130.0) - 1),
        (Some("ann"), at(130.0)),
    ]);
    let ask = |as_of| {
        let frames = vec![frame("Weather", rows.clone())];
        ask("Sky", std::slice::from_ref(&asked), frames, as_of, Some("seen_at")).unwrap().0
    };
    let truth = ask(AsOf::EventTime);
    assert_eq!(values(&truth, "sky__temp"), vec![Value::Float(9.0); 4]);
    let known = ask(AsOf::Arrival);
    assert_eq!(
        values(&known, "sky__temp"),
        vec![Value::Null, Value::Float(1.0), Value::Float(1.0), Value::Float(9.0)]
    );
}

#[test]
fn a_row_without_instant_counts_from_its_arrival_under_either_knowledge() {
    let rows = json!([
        {"place": "ann", "rate": 1.0, "seen_at": at(10.0)},
        {"place": "ann", "rate": 2.0, "seen_at": at(20.0)},
    ]);
    let asked = labels(&[(Some("ann"), at(9.0)), (Some("ann"), at(10.0)), (Some("ann"), at(20.0))]);
    for as_of in [AsOf::EventTime, AsOf::Arrival] {
        let frames = vec![frame("Price", rows.clone())];
        let (set, _) =
            ask("Prices", std::slice::from_ref(&asked), frames, as_of, Some("seen_at")).unwrap();
        assert_eq!(
            values(&set, "prices__rate"),
            vec![Value::Null, Value::Float(1.0), Value::Float(2.0)]
        );
    }
    let frames = vec![frame("Price", rows)];
    let error = ask("Prices", &[asked], frames, AsOf::EventTime, None).unwrap_err();
    assert_eq!(error.code, "no_arrivals");
    assert_eq!(
        error.message,
        "without valid_from a row counts from its arrival: when have those of Price arrived"
    );
}

#[test]
fn a_table_row_without_its_key_is_refused() {
    let rows = json!([{"driver": null, "seats": 4}, {"seats": 5}, {"driver": "ann", "seats": 6}]);
    let asked = labels(&[(Some("ann"), at(0.0))]);
    let (set, reports) =
        ask("Cars", &[asked], vec![frame("Car", rows)], AsOf::EventTime, None).unwrap();
    assert_eq!(values(&set, "cars__seats"), vec![Value::Int(6)]);
    let told: Vec<(u32, &str, &str)> = reports[0]
        .rejected
        .iter()
        .map(|one| (one.row, one.cause.name(), one.message.as_str()))
        .collect();
    let why = "column \"driver\": null, but the column is part of the key";
    assert_eq!(told, vec![(0, "null_key", why), (1, "null_key", why)]);
}
