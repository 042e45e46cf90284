//! Dead letters: listed, read, replayed once, given up, and all of it on record.

use serde_json::json;

use super::support::*;
use crate::options::PushOptions;
use headwater_kernel::value::Value;

fn ids(engine: &crate::Engine) -> Vec<String> {
    let letters = engine.dead_letters("Ride", 100, None).expect("letters");
    let letters = letters["letters"].as_array().expect("list").clone();
    letters.iter().map(|l| format!("{} {}", l["id"].as_str().expect("id"), l["status"])).collect()
}

#[test]
fn a_letter_keeps_the_row_as_it_came() {
    let world = World::new(1);
    let engine = world.open();
    let row = json!({"at": START, "amount": "much", "more": [1, 2]});
    push(&engine, &[ride(START, "1", "ann", 1.0), row.clone()]);
    let letter = engine.dead_letter("Ride", "0-1").expect("letter");
    assert_eq!(letter["original"], json!(row.to_string()));
    assert_eq!(letter["cause"], json!("wrong_type"));
    assert_eq!((&letter["view"], &letter["status"]), (&json!(null), &json!("open")));
    assert_eq!(engine.dead_letter("Ride", "0-9").expect_err("none").code, "unknown_dead_letter");
    assert_eq!(engine.dead_letter("Rides", "0-1").expect_err("none").code, "unknown_stream");
}

#[test]
fn a_letter_whose_bytes_are_no_text_keeps_all_of_them() {
    let world = World::new(1);
    let engine = world.open();
    let line = bytes::Bytes::from_static(b"{\"user\":\"\xff\"}");
    let rows = crate::decode::Payload::Ndjson(line);
    engine.push("Ride", rows, &PushOptions::default()).expect("receipt");
    let letter = engine.dead_letter("Ride", "0-0").expect("letter");
    assert_eq!(letter["original"], json!("{\"user\":\"\u{fffd}\"}"));
    assert_eq!(letter["original_hex"], json!("7b2275736572223a22ff227d"));
}

#[test]
fn a_list_holds_what_was_asked_for_within_its_bounds() {
    let world = World::new(1);
    let engine = world.open();
    push(&engine, &[json!(0), json!(1), json!(2)]);
    let listed = engine.dead_letters("Ride", 2, None).expect("letters");
    assert_eq!(
        (listed["letters"].as_array().expect("list").len(), &listed["next"]),
        (2, &json!("0-1"))
    );
    assert!(engine.dead_letters("Ride", 10_000, None).is_ok());
    for (limit, message) in [
        (0, "limit is 0, not within 1 .. 10000"),
        (-1, "limit is -1, not within 1 .. 10000"),
        (10_001, "limit is 10001, not within 1 .. 10000"),
    ] {
        let error = engine.dead_letters("Ride", limit, None).expect_err("out of bounds");
        assert_eq!((error.code, error.message.as_str()), ("wrong_parameter", message));
    }
}

#[test]
fn a_letter_is_replayed_exactly_once_also_over_a_restart() {
    let world = World::new(1);
    let engine = world.open();
    push(&engine, &[ride(START + 20 * MINUTE, "1", "ann", 1.0)]);
    assert_eq!(ids(&engine), ["0-0 \"open\""]);
    let error = engine.replay_dead_letter("Ride", "0-0").expect_err("still in the future");
    assert_eq!(error.code, "still_refused");
    assert_eq!(ids(&engine), ["0-0 \"open\""]);
    world.clock.set(START + 20 * MINUTE);
    let receipt = engine.replay_dead_letter("Ride", "0-0").expect("replay");
    assert_eq!((receipt.accepted, receipt.positions["Ride"][&0]), (1, (1, 2)));
    assert_eq!(ids(&engine), ["0-0 \"replayed\""]);
    drop(engine);
    let engine = world.open();
    assert_eq!(
        engine.replay_dead_letter("Ride", "0-0").expect_err("once").code,
        "already_replayed"
    );
    assert_eq!(
        engine.discard_dead_letter("Ride", "0-0").expect_err("once").code,
        "already_replayed"
    );
    assert_eq!(values(&engine, "UserRides", "ann", START + 21 * MINUTE)[5], Value::Int(1));
}

#[test]
fn a_row_that_came_over_several_lines_is_replayed_as_one() {
    let world = World::new(1);
    let engine = world.open();
    let at = START + 20 * MINUTE;
    let text = format!("[{{\n \"at\": {at},\n \"ride_id\": 7,\n \"user\": \"ann\"\n}}]");
    let payload = crate::decode::Payload::JsonArray(text.into());
    engine.push("Ride", payload, &PushOptions::default()).expect("push");
    assert_eq!(ids(&engine), ["0-0 \"open\""]);
    let error = engine.replay_dead_letter("Ride", "0-0").expect_err("still of a wrong type");
    assert_eq!(error.code, "still_refused");
    assert!(error.detail.starts_with("wrong_type: "), "{}", error.detail);
}

#[test]
fn many_replays_at_once_apply_one() {
    let world = World::new(1);
    let engine = world.open();
    push(&engine, &[ride(START + 20 * MINUTE, "1", "ann", 1.0)]);
    world.clock.set(START + 20 * MINUTE);
    let replays = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| engine.replay_dead_letter("Ride", "0-0"))).collect();
        threads.into_iter().map(|thread| thread.join().expect("thread").is_ok()).collect::<Vec<_>>()
    });
    assert_eq!(replays.iter().filter(|done| **done).count(), 1);
    assert_eq!(values(&engine, "UserRides", "ann", START + 21 * MINUTE)[5], Value::Int(1));
}

#[test]
fn a_discarded_letter_stays_discarded() {
    let world = World::new(1);
    let engine = world.open();
    push(&engine, &[json!({"at": 1})]);
    let discarded = engine.discard_dead_letter("Ride", "0-0").expect("discard");
    assert_eq!(discarded["status"], json!("discarded"));
    drop(engine);
    let engine = world.open();
    assert_eq!(ids(&engine), ["0-0 \"discarded\""]);
    assert_eq!(engine.replay_dead_letter("Ride", "0-0").expect_err("no").code, "already_discarded");
}

#[test]
fn what_a_view_leaves_out_is_a_letter_of_that_view_alone() {
    let world = World::new(1);
    let engine = world.open();
    let mut unreadable = ride(START, "1", "ann", 2.0);
    unreadable["note"] = json!("no number");
    let mut nobody = ride(START, "2", "ann", 1.0);
    nobody["user"] = json!(null);
    let receipt = push(&engine, &[unreadable, nobody]);
    assert_eq!((receipt.accepted, receipt.rejected.len()), (2, 0));
    let expected = ["0-0-Parsed \"open\"", "0-1-Parsed \"open\"", "0-1-UserRides \"open\""];
    assert_eq!(ids(&engine), expected);
    assert_eq!(values(&engine, "UserRides", "ann", START + MINUTE)[1], Value::Float(2.0));
    assert_eq!(values(&engine, "Parsed", "ann", START + MINUTE), [Value::Null]);
    let letter = engine.dead_letter("Ride", "0-0-Parsed").expect("letter");
    assert_eq!(letter["cause"], json!("expression"));
    assert!(letter["original"].as_str().expect("text").contains("no number"));
    let error = engine.replay_dead_letter("Ride", "0-0-Parsed").expect_err("accepted already");
    assert_eq!(error.code, "in_the_log");
    let left_out = &engine.status().expect("status")["views"]["Parsed"]["left_out"];
    assert_eq!(left_out, &json!({"expression": 1, "null_key": 1}));
    engine.discard_dead_letter("Ride", "0-0-Parsed").expect("discard");
}

#[test]
fn letters_are_listed_in_pages() {
    let world = World::new(1);
    let engine = world.open();
    let bad: Vec<_> = (0..5).map(|_| json!({"at": 1})).collect();
    push(&engine, &bad);
    engine.push("Visit", rows(&bad), &PushOptions::default()).expect("push");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = engine.dead_letters("Ride", 2, after.as_deref()).expect("page");
        let letters = page["letters"].as_array().expect("list").clone();
        seen.extend(letters.iter().map(|l| l["id"].as_str().expect("id").to_string()));
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_string()),
            None => break,
        }
    }
    assert_eq!(seen, ["0-0", "0-1", "0-2", "0-3", "0-4"]);
}

fn status_of(engine: &crate::Engine, id: &str) -> serde_json::Value {
    let letter = engine.dead_letter("Ride", id).expect("letter");
    json!([letter["status"], letter["decided_at"]])
}

/// Rides of which the view Parsed leaves out two, offsets 1 and 2; the first is given up.
fn with_letters_of_a_view() -> World {
    let world = World::new(1);
    let engine = world.open();
    let bad = |id: &str| {
        let mut row = ride(START, id, "ann", 1.0);
        row["note"] = json!("seven");
        row
    };
    push(&engine, &[ride(START, "1", "ann", 1.0), bad("2"), bad("3")]);
    assert_eq!(ids(&engine), ["0-1-Parsed \"open\"", "0-2-Parsed \"open\""]);
    engine.discard_dead_letter("Ride", "0-1-Parsed").expect("discard");
    engine.close().expect("close");
    world
}

fn mend(world: &mut World) {
    let input = &mut world.definitions["views"][1]["features"][0]["compute"]["input"];
    input["tree"] = json!(["try_cast", "int", ["col", "note"]]);
    input["fallible"] = json!(false);
    world.definitions["views"][1]["version"] = json!("2");
}

#[test]
fn what_a_mended_view_takes_now_is_on_record_as_replayed_once() {
    let mut world = with_letters_of_a_view();
    let before = world.definitions.clone();
    let engine = world.open();
    let error = engine.replay_dead_letter("Ride", "0-2-Parsed").expect_err("not mended");
    assert_eq!(error.code, "in_the_log");
    engine.close().expect("close");
    mend(&mut world);
    world.clock.set(START + MINUTE);
    let engine = world.open();
    let replayed = json!(["replayed", "2024-01-01T00:01:00Z"]);
    assert_eq!(status_of(&engine, "0-2-Parsed"), replayed);
    assert_eq!(status_of(&engine, "0-1-Parsed")[0], json!("discarded"));
    let error = engine.replay_dead_letter("Ride", "0-2-Parsed").expect_err("it is there already");
    assert_eq!(error.code, "already_replayed");
    let status = engine.status().expect("status")["streams"]["Ride"]["dead_letters_open"].clone();
    assert_eq!(status, json!(0));
    // The power goes before a checkpoint: the same is found, as of the same instant.
    drop(engine);
    world.clock.set(START + 5 * MINUTE);
    let engine = world.open();
    assert_eq!(status_of(&engine, "0-2-Parsed"), replayed);
    engine.close().expect("close");
    let engine = world.open();
    assert_eq!(status_of(&engine, "0-2-Parsed"), replayed);
    engine.close().expect("close");
    // Broken again: what was given up stays so, the other one is left out again.
    world.definitions = before;
    let engine = world.open();
    assert_eq!(ids(&engine), ["0-1-Parsed \"discarded\"", "0-2-Parsed \"open\""]);
}
