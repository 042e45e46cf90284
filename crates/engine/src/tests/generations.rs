//! Opening with changed definitions: what is kept, filled again, dropped and refused.

use serde_json::json;

use super::restart::push_randomly;
use super::support::*;
use crate::files::fake::Random;

fn filled(close: bool) -> World {
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

fn with_another_feature(world: &mut World) {
    let least = feature(
        "least",
        "min",
        Some(json!({"tree": ["col", "amount"], "type": "float", "fallible": false, "text": ""})),
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
            assert_eq!(
                report["parts"],
                json!([
                    {"part": "Visit(user)->user:str", "action": "kept", "views": ["Visits"]},
                    {"part": "Place", "action": "kept", "views": []},
                    {"part": "Ride(user)->user:str", "action": "backfilled", "views": ["UserRides", "Parsed"]},
                ])
            );
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
    let error = crate::Engine::open(&world.options()).err().expect("refused");
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
    assert_eq!(parts.as_array().expect("parts").iter().filter(|p| p["part"] == "Place").count(), 1);
}
