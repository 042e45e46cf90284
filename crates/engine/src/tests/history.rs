//! History pushed with its own arrivals, reads of the past, training sets.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{RecordBatch, StringArray, TimestampMicrosecondArray};
use headwater_kernel::error::Result;
use headwater_kernel::value::Value;
use serde_json::{Value as Json, json};

use super::support::*;
use crate::engine::NEVER;
use crate::options::PushOptions;
use crate::training::{AsOf, TrainingOptions, TrainingSet};

fn seen() -> PushOptions {
    PushOptions { arrived_at: Some("seen_at".into()), idempotency_key: None }
}

fn seen_ride(at: i64, seen_at: i64, id: &str) -> Json {
    let mut row = ride(at, id, "ann", 1.0);
    row["seen_at"] = json!(seen_at);
    row
}

fn ask(
    engine: &crate::Engine,
    asked: &[i64],
    as_of: AsOf,
    continues: Option<u64>,
) -> Result<TrainingSet> {
    let users = StringArray::from(vec!["ann"; asked.len()]);
    let times = TimestampMicrosecondArray::from(asked.to_vec()).with_timezone("UTC");
    let labels =
        RecordBatch::try_from_iter([("user", Arc::new(users) as _), ("t", Arc::new(times) as _)]);
    let options = TrainingOptions {
        time: "t".into(),
        as_of,
        continues,
        threads: 1,
        cancelled: &NEVER,
        progress: None,
    };
    engine.training_set("all", &[labels.expect("labels")], &options)
}

fn training(engine: &crate::Engine, asked: &[i64], as_of: AsOf) -> RecordBatch {
    ask(engine, asked, as_of, None).expect("set").batch
}

fn counts(batch: &RecordBatch) -> Vec<i64> {
    let column = batch.column_by_name("rides").expect("column").as_primitive::<Int64Type>();
    column.values().to_vec()
}

#[test]
fn history_is_applied_in_the_order_of_its_arrivals() {
    let world = World::new(1);
    let engine = world.open();
    let year = 365 * 24 * 60 * MINUTE;
    let t = START - year;
    let rides = [seen_ride(t, t + 9 * MINUTE, "1"), seen_ride(t + MINUTE, t + 2 * MINUTE, "2")];
    engine.push("Ride", rows(&rides), &seen()).expect("push");
    let index = engine.plan().view_index("UserRides").expect("view");
    let sealed_at = engine.online().open_epoch().expect("open").sealed_at(index);
    assert_eq!(sealed_at, Some(t + 9 * MINUTE));
    assert_eq!(values(&engine, "UserRides", "ann", t + 9 * MINUTE)[0], Value::Int(2));
    let early = seen_ride(t, t + 8 * MINUTE, "3");
    let late = seen_ride(t, t + 12 * MINUTE, "4");
    let error = engine.push("Ride", rows(&[late, early]), &seen()).expect_err("backwards");
    assert_eq!((error.code, error.row), ("arrival_backwards", Some(1)));
    assert_eq!(engine.status().expect("status")["streams"]["Ride"]["accepted"], json!(2));
    engine.push("Ride", rows(&[seen_ride(t, t + 9 * MINUTE, "5")]), &seen()).expect("not before");
}

#[test]
fn arrivals_taken_from_event_times_are_recorded_as_simulated() {
    let world = World::new(1);
    let engine = world.open();
    let options = PushOptions { arrived_at: Some("event_time".into()), idempotency_key: None };
    engine.push("Ride", rows(&[ride(START, "1", "ann", 1.0)]), &options).expect("push");
    let status = engine.status().expect("status");
    assert_eq!(status["streams"]["Ride"]["arrivals_simulated"], json!(true));
    assert_eq!(status["streams"]["Visit"]["arrivals_simulated"], json!(false));
}

#[test]
fn training_sets_differ_exactly_by_what_had_not_arrived() {
    let world = World::new(1);
    let engine = world.open();
    let rides = [
        seen_ride(START, START + MINUTE, "1"),
        seen_ride(START + 2 * MINUTE, START + 10 * MINUTE, "2"),
    ];
    engine.push("Ride", rows(&rides), &seen()).expect("push");
    let asked = [START + 5 * MINUTE, START + 10 * MINUTE, START];
    assert_eq!(counts(&training(&engine, &asked, AsOf::EventTime)), [2, 2, 0]);
    assert_eq!(counts(&training(&engine, &asked, AsOf::Arrival)), [1, 2, 0]);
    drop(engine);
    let engine = world.open();
    assert_eq!(counts(&training(&engine, &asked, AsOf::Arrival)), [1, 2, 0]);
}

#[test]
fn a_training_set_goes_on_with_what_was_known_when_it_began() {
    let world = World::new(1);
    let engine = world.open();
    let t = START + 10 * MINUTE;
    engine.push("Ride", rows(&[seen_ride(START, START + MINUTE, "1")]), &seen()).expect("push");
    let first = ask(&engine, &[t], AsOf::Arrival, None).expect("first part");
    let known = first.known.expect("it is from the log");
    engine.push("Ride", rows(&[seen_ride(START, START + MINUTE, "2")]), &seen()).expect("push");
    let epoch = Some(known.epoch.sequence);
    let next = ask(&engine, &[t], AsOf::Arrival, epoch).expect("next part");
    assert_eq!((counts(&next.batch), next.known), (vec![1], Some(known)));
    assert_eq!(counts(&training(&engine, &[t], AsOf::Arrival)), [2]);
    let told = next.metadata(&[]);
    let sequence = known.epoch.sequence;
    assert_eq!(told["epoch"], json!({"term": known.epoch.term, "sequence": sequence}));
    assert_eq!(told["archive_begins"], json!(known.first_sequence));
    // Labels before all arrivals are refused, unless others go before them.
    let early = [START - MINUTE];
    let error = ask(&engine, &early, AsOf::Arrival, None).expect_err("too early");
    assert_eq!(error.code, "no_arrivals");
    let part = ask(&engine, &early, AsOf::Arrival, epoch).expect("a further part");
    assert_eq!(counts(&part.batch), [0]);
    let error = ask(&engine, &[t], AsOf::Arrival, Some(sequence + 2)).expect_err("not there yet");
    assert_eq!(
        (error.code, error.message),
        (
            "unknown_epoch",
            format!("there is no epoch {}: the newest is {}", sequence + 2, sequence + 1)
        )
    );
}

#[test]
fn the_past_is_answered_from_the_archive_as_a_training_set_would() {
    let world = World::new(1);
    let engine = world.open();
    let rides: Vec<_> =
        (0..50).map(|n| ride(START - n * MINUTE, &n.to_string(), "ann", n as f64)).collect();
    for some in rides.chunks(7) {
        push(&engine, some);
    }
    let asked: Vec<i64> = (0..60).map(|n| START - n * MINUTE + 17).collect();
    let set = training(&engine, &asked, AsOf::EventTime);
    let spent = set.column_by_name("spent").expect("column").as_primitive::<Float64Type>();
    let epoch = engine.online().open_epoch().expect("open").id();
    let view = engine.plan().view_index("UserRides").expect("view");
    for (row, t) in asked.iter().enumerate() {
        let past = engine.online().history(epoch, view, &[Some(key("ann")), None], *t);
        let past = past.expect("past");
        assert_eq!(past.cells[0].value, Value::Int(counts(&set)[row]), "t {t}");
        let expected = spent.iter().nth(row).flatten().map_or(Value::Null, Value::Float);
        assert_eq!(past.cells[1].value, expected, "t {t}");
        assert_eq!(past.found[1..], [false]);
    }
}

#[test]
fn a_read_at_now_holds_what_had_arrived_by_its_instant() {
    let world = World::new(1);
    let engine = world.open();
    let view = engine.plan().view_index("UserRides").expect("view");
    let done = std::sync::atomic::AtomicBool::new(false);
    let answers = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut answers = Vec::new();
            while !done.load(std::sync::atomic::Ordering::Relaxed) || answers.len() < 50 {
                let epoch = engine.online().open_epoch().expect("open");
                let t = epoch.choose_t(None, &[view]);
                if epoch.sealed_at(view).is_some_and(|sealed_at| t < sealed_at) {
                    panic!("a read at now is never before S");
                }
                let mut cells = Vec::new();
                epoch.read(view, Some(&key("ann")), t, &mut cells);
                answers.push((t, cells[0].value.clone()));
                drop(epoch);
                std::thread::yield_now();
            }
            answers
        });
        for n in 0..200 {
            world.clock.set(START + n / 3);
            push(&engine, &[ride(START - n, &n.to_string(), "ann", 1.0)]);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        reading.join().expect("reader")
    });
    let instants: Vec<i64> = answers.iter().map(|(t, _)| *t).collect();
    let known = counts(&training(&engine, &instants, AsOf::Arrival));
    for ((t, value), known) in answers.iter().zip(known) {
        assert_eq!(value, &Value::Int(known), "at {t}");
    }
}
