//! Streams under either knowledge: which events count at `t`, by event time and by arrival.

use headwater_kernel::value::Value;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::fixtures::{ask, at, found, frame, labels, values};
use super::*;

fn trip(driver: &str, minute: f64, fare: f64, seen: f64) -> Json {
    let ride = format!("{driver}{minute}{fare}");
    json!({"driver": driver, "at": at(minute), "fare": fare, "place": driver, "seen_at": at(seen),
           "ride": ride})
}

#[test]
fn an_event_at_t_is_not_in_but_where_the_view_includes_the_current() {
    let rows = json!([trip("ann", 0.0, 1.0, 0.0), trip("ann", 10.0, 20.0, 10.0)]);
    let asked = labels(&[
        (Some("ann"), at(10.0)),
        (Some("ann"), at(10.0) + 1),
        (Some("ann"), at(0.0)),
        (None, at(10.0)),
        (Some("bob"), at(10.0)),
    ]);
    let (set, _) = ask(
        "Trips",
        std::slice::from_ref(&asked),
        vec![frame("Trip", rows.clone())],
        AsOf::EventTime,
        None,
    )
    .unwrap();
    let counts = [1, 2, 0, 0, 0].map(Value::Int).to_vec();
    assert_eq!(values(&set, "trips__n_1h"), counts);
    let long = [0, 1, 0, 0, 0].map(Value::Int).to_vec();
    assert_eq!(values(&set, "trips__long_1h"), long);
    let null = Value::Null;
    assert_eq!(
        values(&set, "trips__fare_10m"),
        vec![Value::Float(1.0), Value::Float(20.0), null.clone(), null.clone(), null.clone()]
    );
    assert_eq!(found(&set), vec![true, true, false, false, false]);
    let (set, _) = ask("Now", &[asked], vec![frame("Trip", rows)], AsOf::EventTime, None).unwrap();
    assert_eq!(values(&set, "now__n_1h"), [2, 2, 1, 0, 0].map(Value::Int).to_vec());
    // Exact and inclusive: (t - 10 min, t], so the first is just out at the second's instant.
    assert_eq!(
        values(&set, "now__fare_10m"),
        vec![Value::Float(20.0), Value::Float(20.0), Value::Float(1.0), null.clone(), null]
    );
}

#[test]
fn late_and_in_flight_events_tell_the_two_kinds_of_knowledge_apart() {
    let rows = json!([
        trip("ann", 0.0, 1.0, 1.0),
        trip("ann", 2.0, 2.0, 30.0),
        trip("ann", 20.0, 4.0, 21.0),
    ]);
    let asked = labels(&[
        (Some("ann"), at(0.5)),
        (Some("ann"), at(1.0)),
        (Some("ann"), at(25.0)),
        (Some("ann"), at(30.0)),
    ]);
    let ask = |as_of| {
        let frames = vec![frame("Trip", rows.clone())];
        ask("Trips", std::slice::from_ref(&asked), frames, as_of, Some("seen_at")).unwrap().0
    };
    let truth = ask(AsOf::EventTime);
    let known = ask(AsOf::Arrival);
    assert_eq!(values(&truth, "trips__n_1h"), [1, 1, 3, 3].map(Value::Int).to_vec());
    assert_eq!(values(&known, "trips__n_1h"), [0, 1, 2, 3].map(Value::Int).to_vec());
    assert_eq!(found(&known), vec![false, true, true, true]);
    let list = |items: &[f64]| Value::List(items.iter().copied().map(Value::Float).collect());
    assert_eq!(
        values(&known, "trips__recent"),
        vec![Value::Null, list(&[1.0]), list(&[1.0, 4.0]), list(&[2.0, 4.0])]
    );
}

#[test]
fn events_of_one_instant_are_ordered_by_id_whatever_their_arrival() {
    let ride = |ride: &str, fare: f64, seen: f64| {
        let (at, seen_at) = (at(1.0), at(seen));
        json!({"driver": "ann", "at": at, "fare": fare, "ride": ride, "seen_at": seen_at})
    };
    for rows in [
        json!([ride("b", 2.0, 1.0), ride("a", 1.0, 2.0)]),
        json!([ride("a", 1.0, 1.0), ride("b", 2.0, 2.0)]),
    ] {
        for as_of in [AsOf::EventTime, AsOf::Arrival] {
            let asked = labels(&[(Some("ann"), at(3.0))]);
            let frames = vec![frame("Trip", rows.clone())];
            let (set, _) = ask("Trips", &[asked], frames, as_of, Some("seen_at")).unwrap();
            assert_eq!(values(&set, "trips__last"), vec![Value::Float(2.0)]);
        }
    }
}

#[test]
fn a_view_in_two_roles_reads_two_keys() {
    let rows =
        json!([trip("ann", 0.0, 1.0, 0.0), trip("bob", 1.0, 1.0, 1.0), trip("bob", 2.0, 1.0, 2.0)]);
    let asked = labels(&[(Some("ann"), at(5.0))]);
    let rivals = arrow_array::StringArray::from(vec!["bob"]);
    let mut columns = asked.columns().to_vec();
    columns[2] = std::sync::Arc::new(rivals);
    let asked = RecordBatch::try_new(asked.schema(), columns).unwrap();
    for as_of in [AsOf::EventTime, AsOf::Arrival] {
        let frames = vec![frame("Trip", rows.clone())];
        let (set, _) =
            ask("duel", std::slice::from_ref(&asked), frames, as_of, Some("seen_at")).unwrap();
        let names: Vec<&str> =
            set.batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(
            names,
            ["driver", "asked_at", "rival", "place", "other__trips__n_1h", "trips__n_1h"]
        );
        assert_eq!(values(&set, "trips__n_1h"), vec![Value::Int(1)]);
        assert_eq!(values(&set, "other__trips__n_1h"), vec![Value::Int(2)]);
        let labels: Vec<&str> = set.views.iter().map(|view| view.label.as_str()).collect();
        assert_eq!(labels, ["Trips", "other.Trips"]);
    }
}

#[test]
fn frames_are_held_to_the_rules_of_pushed_rows() {
    let mut repeated = trip("ann", 1.0, 1.0, 3.0);
    repeated["fare"] = json!(9.0);
    let mut next_day = trip("ann", 1.0, 1.0, 3.0 + 24.0 * 60.0);
    next_day["fare"] = json!(5.0);
    let rows = json!([
        repeated,
        trip("ann", 1.0, 1.0, 2.0),
        trip("ann", 30.0, 2.0, 19.9),
        {"driver": "ann", "at": 12, "seen_at": at(0.0)},
        next_day,
    ]);
    let asked = labels(&[(Some("ann"), at(40.0))]);
    let frames = vec![frame("Trip", rows.clone())];
    let (set, reports) =
        ask("Trips", std::slice::from_ref(&asked), frames, AsOf::EventTime, Some("seen_at"))
            .unwrap();
    // The row seen first wins; the same id counts again one day after it.
    assert_eq!((reports[0].accepted, reports[0].duplicates), (2, 1));
    assert_eq!(values(&set, "trips__n_1h"), vec![Value::Int(2)]);
    let told: Vec<(u32, &str, &str)> = reports[0]
        .rejected
        .iter()
        .map(|one| (one.row, one.cause.name(), one.message.as_str()))
        .collect();
    assert_eq!(
        told,
        vec![
            (
                2,
                "in_the_future",
                "column \"at\": 2013-01-01T10:30:00Z is 10m6s after its arrival at \
                 2013-01-01T10:19:54Z, and Trip allows a skew of 10m"
            ),
            (
                3,
                "time_out_of_range",
                "column \"at\": 12 microseconds is 1970-01-01T00:00:00.000012Z, outside \
                 1971-01-01 .. 2200-01-01"
            ),
        ]
    );
    // Without arrivals rows arrive together: skew asks nothing, a repeated id is always one.
    let frames = vec![frame("Trip", rows)];
    let (set, reports) = ask("Trips", &[asked], frames, AsOf::EventTime, None).unwrap();
    assert_eq!((reports[0].accepted, reports[0].duplicates, reports[0].rejected.len()), (2, 2, 1));
    assert_eq!(values(&set, "trips__best_1h"), vec![Value::Float(9.0)]);
}

#[derive(Clone, Debug)]
struct Event {
    driver: usize,
    minute: i64,
    fare: i64,
    delay: i64,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let delay = prop_oneof![3 => 0_i64..3, 1 => 3_i64..200];
    let event = (0_usize..3, 0_i64..240, 0_i64..40, delay)
        .prop_map(|(driver, minute, fare, delay)| Event { driver, minute, fare, delay });
    proptest::collection::vec(event, 1..60)
}

const DRIVERS: [&str; 3] = ["ann", "bob", "cem"];

fn rows(events: &[(usize, &Event)]) -> Json {
    let rows = events.iter().map(|(number, event)| {
        let (minute, delay) = (event.minute as f64, event.delay as f64);
        let mut row = trip(DRIVERS[event.driver], minute, event.fare as f64, minute + delay);
        row["ride"] = json!(format!("{number:03}"));
        row
    });
    rows.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases((ProptestConfig::default().cases / 4).max(1)))]

    /// As of arrival a label knows what event time tells from the events that had arrived by then.
    #[test]
    fn arrival_is_event_time_of_what_had_arrived(
        events in events(),
        asked in proptest::collection::vec((0_usize..3, 0_i64..500), 1..12),
    ) {
        let numbered: Vec<(usize, &Event)> = events.iter().enumerate().collect();
        let asked: Vec<(Option<&str>, i64)> = asked
            .iter()
            .map(|(driver, half_minutes)| (Some(DRIVERS[*driver]), at(*half_minutes as f64 / 2.0)))
            .collect();
        for target in ["Trips", "Now"] {
            let frames = vec![frame("Trip", rows(&numbered))];
            let known = ask(target, &[labels(&asked)], frames, AsOf::Arrival, Some("seen_at"));
            let known = match known {
                Ok((known, _)) => known,
                Err(error) => {
                    prop_assert_eq!(error.code, "no_arrivals");
                    continue;
                }
            };
            for (row, (driver, t)) in asked.iter().enumerate() {
                let arrived: Vec<(usize, &Event)> = numbered
                    .iter()
                    .copied()
                    .filter(|(_, event)| at((event.minute + event.delay) as f64) <= *t)
                    .collect();
                let frames = vec![frame("Trip", rows(&arrived))];
                let one = labels(&[(*driver, *t)]);
                let (truth, _) = ask(target, &[one], frames, AsOf::EventTime, None).unwrap();
                prop_assert_eq!(found(&truth)[0], found(&known)[row]);
                prop_assert_eq!(truth.batch, known.batch.slice(row, 1));
            }
        }
    }

    /// A read of the past is the row of the training set.
    #[test]
    fn a_read_of_the_past_is_a_training_row(events in events(), half_minute in 0_i64..500) {
        let numbered: Vec<(usize, &Event)> = events.iter().enumerate().collect();
        let t = at(half_minute as f64 / 2.0);
        let asked: Vec<(Option<&str>, i64)> =
            vec![(Some("ann"), t), (None, t), (Some("bob"), t), (Some("zoe"), t)];
        let frames = vec![frame("Trip", rows(&numbered))];
        let (set, _) = ask("Trips", &[labels(&asked)], frames, AsOf::EventTime, None).unwrap();
        let transform = super::fixtures::world();
        let stream = &transform.plan().blueprint.streams[0];
        let contract = crate::contract::Contract::of_stream(stream, None).unwrap();
        let payload = crate::decode::Payload::JsonArray(rows(&numbered).to_string().into());
        let batch = crate::decode::decode(payload, &contract).unwrap().batch;
        let history = [HistoryBatch { rows: batch, arrived: Arrived::Together }];
        let keys: Vec<Option<Vec<u8>>> = asked
            .iter()
            .map(|(driver, _)| driver.map(|driver| {
                let mut key = Vec::new();
                headwater_kernel::key::encode_key(&[Value::Str(driver.into())], &mut key);
                key
            }))
            .collect();
        let cancelled = AtomicBool::new(false);
        let (cells, is_found) =
            history_read(&transform, 0, &keys, t, &history, &cancelled).unwrap();
        prop_assert_eq!(is_found, found(&set));
        let features: Vec<&str> =
            transform.plan().views[0].features.iter().map(|f| f.column.as_str()).collect();
        for (index, feature) in features.iter().enumerate() {
            let column: Vec<Value> =
                cells.iter().skip(index).step_by(features.len()).map(|c| c.value.clone()).collect();
            prop_assert_eq!(column, values(&set, feature));
        }
    }
}
