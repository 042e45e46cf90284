//! Opening with changed definitions: what is kept, filled again, dropped and refused.

use headwater_kernel::value::Value;
use serde_json::{Value as Json, json};

use super::restart::push_randomly;
use super::support::*;
use crate::Engine;
use crate::clock::Clock;
use crate::files::fake::Random;

pub fn filled(close: bool) -> World {
    let world = World::new(3);
    let engine = world.open();
    push_randomly(&world, &engine, &mut Random::new(3), 60);
    if close {
        engine.close().expect("close");
    }
    world
}

/// What an engine says that had these definitions from the first day on.
fn from_the_first_day(
    world: &World,
) -> Vec<(String, String, i64, bool, Vec<headwater_kernel::value::Cell>)> {
    let mut fresh = World::new(3);
    fresh.definitions = world.definitions.clone();
    let engine = fresh.open();
    push_randomly(&fresh, &engine, &mut Random::new(3), 60);
    everything(&engine)
}

pub fn with_another_feature(world: &mut World) {
    let least = feature(
        "least",
        "min",
        Some(json!({"tree": ["col", "amount"], "type": "float", "fallible": false,
                     "text": "amount"})),
        hour(),
        json!({"scalar": "float"}),
    );
    let view = &mut world.definitions["views"][0];
    view["features"].as_array_mut().expect("features").push(least);
    view["version"] = json!("2");
}

#[test]
fn a_new_feature_is_filled_from_the_archive_and_the_rest_is_kept() {
    for close in [false, true] {
        let mut world = filled(close);
        with_another_feature(&mut world);
        let engine = world.open();
        assert_eq!(everything(&engine), from_the_first_day(&world), "closed: {close}");
        let report = engine.report().to_json();
        assert_eq!(report["changed"], json!(true));
        assert_eq!(report["views"], json!([{"view": "UserRides", "change": "changed"}]));
        if close {
            let parts = report["parts"].as_array().expect("parts");
            assert_eq!(
                parts.iter().filter(not_kept).collect::<Vec<_>>(),
                [&json!({"action": "filled", "of": "Ride(user)->user:str",
                         "part": "min(amount) over 1h", "views": ["UserRides"], "events": 41})]
            );
            assert_eq!((parts.len(), &report["backfilled_events"]), (11, &json!(41)));
        }
        drop(engine);
        let again = world.open();
        assert_eq!(again.report().to_json()["changed"], json!(false));
        assert_eq!(everything(&again), from_the_first_day(&world), "closed: {close}");
    }
}

#[test]
fn going_back_and_forth_never_counts_an_event_twice() {
    let mut world = filled(true);
    let first = from_the_first_day(&world);
    let before = world.definitions.clone();
    for _ in 0..2 {
        with_another_feature(&mut world);
        let engine = world.open();
        assert_eq!(everything(&engine), from_the_first_day(&world));
        drop(engine);
        world.definitions = before.clone();
        let engine = world.open();
        assert_eq!(everything(&engine), first);
        engine.close().expect("close");
    }
}

#[test]
fn a_dropped_view_goes_with_its_letters_and_comes_back_whole() {
    let mut world = filled(true);
    let before = world.definitions.clone();
    let letters = world.open().dead_letters("Ride", 1_000, None).expect("letters");
    world.definitions["views"].as_array_mut().expect("views").remove(1);
    let engine = world.open();
    let left = engine.dead_letters("Ride", 1_000, None).expect("letters");
    let left = left["letters"].as_array().expect("list").clone();
    assert!(!left.is_empty() && left.iter().all(|letter| letter["view"] != json!("Parsed")));
    assert!(engine.report().lines().contains(&"  dropped view Parsed".to_string()));
    drop(engine);
    world.definitions = before;
    let engine = world.open();
    assert_eq!(engine.dead_letters("Ride", 1_000, None).expect("letters"), letters);
    assert_eq!(everything(&engine), from_the_first_day(&world));
}

#[test]
fn a_dropped_stream_keeps_its_positions() {
    let mut world = filled(true);
    let before = world.definitions.clone();
    let engine = world.open();
    let next = push(&engine, &[]).positions["Ride"][&0].0;
    drop(engine);
    let views = world.definitions["views"].as_array_mut().expect("views");
    views.retain(|view| view["stream"] != json!("Ride"));
    world.definitions["services"] = json!([]);
    world.definitions["streams"].as_array_mut().expect("streams").remove(0);
    world.open().close().expect("close");
    world.definitions = before;
    let engine = world.open();
    assert_eq!(push(&engine, &[]).positions["Ride"][&0], (next, next));
    assert_eq!(everything(&engine), from_the_first_day(&world));
}

#[test]
fn a_lost_or_retyped_column_is_refused_with_the_difference() {
    let mut world = filled(false);
    let columns = world.definitions["streams"][0]["columns"].as_array_mut().expect("columns");
    columns.remove(4);
    columns[3]["type"] = json!("int");
    world.definitions["views"].as_array_mut().expect("views").remove(1);
    world.definitions["views"].as_array_mut().expect("views").remove(0);
    world.definitions["services"] = json!([]);
    let error = Engine::open(&world.options()).err().expect("refused");
    assert_eq!((error.code, error.kind.name()), ("schema_changed", "conflict"));
    let expected =
        "Ride no longer fits the data: column amount was float and is int; lost column note";
    assert_eq!(error.message, expected);
}

#[test]
fn a_column_may_be_added() {
    let mut world = filled(true);
    let added = json!({"name": "tip", "type": "float", "nullable": true});
    let columns = world.definitions["streams"][0]["columns"].as_array_mut().expect("columns");
    columns.push(added);
    let engine = world.open();
    assert_eq!(everything(&engine), from_the_first_day(&world));
}

#[test]
fn a_table_with_another_shape_is_filled_again() {
    let mut world = filled(true);
    world.definitions["tables"][0]["delay_us"] = json!(60_000_000);
    world.definitions["tables"][0]["version"] = json!("2");
    let engine = world.open();
    assert_eq!(everything(&engine), from_the_first_day(&world));
    let parts = engine.report().to_json()["parts"].clone();
    let filled: Vec<&Json> = parts.as_array().expect("parts").iter().filter(not_kept).collect();
    let events = engine.status().expect("status")["tables"]["Place"]["accepted"].clone();
    let expected = json!({"action": "filled", "of": "Place", "part": "rows of the table",
                          "views": [], "events": events});
    assert_eq!(filled, [&expected]);
}

fn not_kept(part: &&Json) -> bool {
    part["action"] != json!("kept")
}

/// What opening did with parts that were not kept: (action, part, events).
fn changes(engine: &Engine) -> Vec<(String, String, u64)> {
    let report = engine.report().to_json();
    let parts = report["parts"].as_array().expect("parts").iter().filter(not_kept);
    let text = |json: &Json| json.as_str().expect("text").to_string();
    let told = |part: &Json| {
        (text(&part["action"]), text(&part["part"]), part["events"].as_u64().expect("events"))
    };
    parts.map(told).collect()
}

pub fn features(world: &mut World) -> &mut Vec<Json> {
    world.definitions["views"][0]["version"] = json!("2");
    world.definitions["services"] = json!([]);
    world.definitions["views"][0]["features"].as_array_mut().expect("features")
}

fn told(action: &str, part: &str, events: u64) -> (String, String, u64) {
    (action.into(), part.into(), events)
}

#[test]
fn dropping_a_feature_reads_nothing() {
    let mut world = filled(true);
    features(&mut world).drain(3..5);
    let engine = world.open();
    let dropped = ["events of UserRides over exactly 10m", "last(amount, n=3) over 24h"];
    assert_eq!(changes(&engine), dropped.map(|part| told("dropped", part, 0)));
    assert_eq!(engine.report().backfilled_events, 0);
    assert_eq!(everything(&engine), from_the_first_day(&world));
}

#[test]
fn a_window_that_what_is_kept_can_answer_reads_nothing() {
    let mut world = filled(true);
    let features = features(&mut world);
    // The lifetime goes, the mean over a day becomes one over a quarter of it, and the last ones
    // of a day those of an hour.
    features.remove(5);
    let step = 30 * MINUTE;
    let quarter = json!({"kind": "sliding", "width_us": 12 * step, "resolution_us": step});
    features[2]["compute"]["window"] = quarter;
    features[3]["compute"]["window"] = hour();
    let engine = world.open();
    assert_eq!(changes(&engine), []);
    assert_eq!(everything(&engine), from_the_first_day(&world));
}

#[test]
fn features_in_another_order_read_nothing() {
    let mut world = filled(true);
    features(&mut world).swap(0, 3);
    let engine = world.open();
    assert_eq!(changes(&engine), []);
    assert_eq!(everything(&engine), from_the_first_day(&world));
    engine.close().expect("close");
    let again = world.open();
    assert_eq!((again.report().changed, changes(&again)), (false, vec![]));
    assert_eq!(everything(&again), from_the_first_day(&world));
}

#[test]
fn another_window_fills_the_parts_that_it_reaches_further_in() {
    let mut world = filled(true);
    let width = 7 * 24 * 60 * MINUTE;
    let week = json!({"kind": "sliding", "width_us": width, "resolution_us": 180 * MINUTE});
    features(&mut world)[2]["compute"]["window"] = week;
    let engine = world.open();
    let expected = [
        told("filled", "count() over 1h, 24h, 7d, lifetime", 41),
        told("filled", "sum(amount) over 1h, 7d", 41),
        told("filled", "count(amount) over 1h, 7d", 41),
        told("dropped", "count() over 1h, 24h, lifetime", 0),
        told("dropped", "sum(amount) over 1h, 24h", 0),
        told("dropped", "count(amount) over 1h, 24h", 0),
    ];
    assert_eq!(changes(&engine), expected);
    assert_eq!(everything(&engine), from_the_first_day(&world));
}

#[test]
fn a_view_of_finer_windows_keeps_the_parts_beside_it() {
    let mut world = filled(true);
    let short = json!({"kind": "sliding", "width_us": 60 * 8_000_000, "resolution_us": 10_000_000});
    let mut view = world.definitions["views"][0].clone();
    let amount = json!({"tree": ["col", "amount"], "type": "float", "fallible": false,
                        "text": "amount"});
    let kind = || json!({"scalar": "float"});
    view["features"] = json!([
        feature("total", "sum", Some(amount.clone()), short.clone(), kind()),
        feature("least", "min", Some(amount), short, kind()),
    ]);
    view["name"] = json!("Short");
    world.definitions["views"].as_array_mut().expect("views").insert(1, view);
    let engine = world.open();
    // Counts and sums of one input and filter are one part, whichever view reads them.
    let expected = [
        told("filled", "count() over 8m, 1h, 24h, lifetime", 41),
        told("filled", "sum(amount) over 8m, 1h, 24h", 41),
        told("filled", "count(amount) over 8m, 1h, 24h", 41),
        told("filled", "min(amount) over 8m", 41),
        told("dropped", "count() over 1h, 24h, lifetime", 0),
        told("dropped", "sum(amount) over 1h, 24h", 0),
        told("dropped", "count(amount) over 1h, 24h", 0),
    ];
    assert_eq!(changes(&engine), expected);
    assert_eq!(everything(&engine), from_the_first_day(&world));
}

#[test]
fn a_renamed_view_has_its_facts_counted_again_and_folds_nothing() {
    let mut world = filled(true);
    world.definitions["views"][1]["name"] = json!("Renamed");
    let engine = world.open();
    assert_eq!(changes(&engine), [told("filled", "what Renamed leaves out", 41)]);
    assert_eq!(everything(&engine), from_the_first_day(&world));
    let letters = engine.dead_letters("Ride", 1_000, None).expect("letters")["letters"].clone();
    let letters = letters.as_array().expect("list").iter();
    let mut of_view = letters.filter(|letter| !letter["view"].is_null());
    assert!(of_view.any(|letter| letter["view"] == json!("Renamed")));
    // Nobody left anything out of visits: a new name has the facts of the old one.
    engine.close().expect("close");
    world.definitions["views"][2]["name"] = json!("Seen");
    assert_eq!(changes(&world.open()), []);
}

#[test]
fn what_the_archive_no_longer_holds_is_kept_where_a_part_is_the_same() {
    let mut world = filled(false);
    let retention =
        |world: &World| crate::OpenOptions { retention_us: Some(60 * MINUTE), ..world.options() };
    let engine = Engine::open(&retention(&world)).expect("open");
    let ever = values(&engine, "UserRides", "ann", i64::MAX / 4)[5].clone();
    world.clock.set(world.clock.now_us() + 600 * MINUTE);
    push(&engine, &[ride(START, "new", "ann", 3.0)]);
    engine.checkpoint().expect("checkpoint");
    engine.close().expect("close");
    let lifetime = json!({"kind": "lifetime"});
    let amount = json!({"tree": ["col", "amount"], "type": "float", "fallible": false,
                        "text": "amount"});
    let earliest = feature("earliest", "first", Some(amount), lifetime, json!({"scalar": "float"}));
    features(&mut world).push(earliest);
    let engine = Engine::open(&retention(&world)).expect("open");
    let changed = changes(&engine);
    let [(_, part, events)] = changed.as_slice() else { panic!("one part: {changed:?}") };
    assert_eq!(part, "first(amount) over lifetime");
    assert!(*events < 30, "the archive still holds {events} of 42 events");
    let Value::Int(before) = ever else { panic!("a count") };
    let now = values(&engine, "UserRides", "ann", i64::MAX / 4)[5].clone();
    assert_eq!(now, Value::Int(before + 1));
}
