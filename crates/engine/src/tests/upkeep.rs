//! Keys that expire, segments that are kept no longer, engines without a disk.

use serde_json::json;

use super::support::*;
use crate::files::Files;
use crate::options::PushOptions;

fn visit(at: i64, user: &str) -> crate::decode::Payload {
    rows(&[json!({"at": at, "user": user})])
}

fn visits_keys(engine: &crate::Engine) -> u64 {
    engine.status().expect("status")["state"]["keys"].as_u64().expect("keys")
}

#[test]
fn keys_that_no_window_reaches_go_and_stay_away() {
    let mut world = World::new(1);
    let views = world.definitions["views"].as_array_mut().expect("views");
    views.retain(|view| view["stream"] != json!("Ride"));
    world.definitions["services"] = json!([]);
    let engine = world.open();
    for n in 0..50 {
        engine.push("Visit", visit(START, &n.to_string()), &PushOptions::default()).expect("push");
    }
    assert_eq!(visits_keys(&engine), 50);
    engine.checkpoint().expect("checkpoint");
    world.clock.set(START + 3 * 60 * MINUTE);
    for n in 0..8 {
        let at = START + 3 * 60 * MINUTE + n;
        engine.push("Visit", visit(at, "ann"), &PushOptions::default()).expect("push");
    }
    assert_eq!(visits_keys(&engine), 1);
    engine.close().expect("close");
    let engine = world.open();
    assert_eq!(visits_keys(&engine), 1);
    assert_eq!(engine.report().replayed_epochs, 0);
}

#[test]
fn segments_go_when_they_are_old_and_covered_and_not_before() {
    let world = World::new(1);
    let options = crate::OpenOptions { retention_us: Some(60 * MINUTE), ..world.options() };
    let engine = crate::Engine::open(&options).expect("open");
    push(&engine, &[json!({"at": 1})]);
    for n in 0..60 {
        push(&engine, &[ride(START, &n.to_string(), "ann", 1.0)]);
    }
    let segments = || world.disk.list("log").expect("list").len();
    assert!(segments() > 2);
    let before = everything(&engine);
    world.clock.set(START + 61 * MINUTE);
    assert_eq!(segments(), world.disk.list("log").expect("list").len(), "not without a checkpoint");
    assert_eq!(engine.dead_letter("Ride", "0-0").expect("letter")["offset"], json!(0));
    engine.checkpoint().expect("checkpoint");
    engine.close().expect("close");
    assert_eq!(segments(), 1, "the one being written stays");
    let engine = crate::Engine::open(&options).expect("open");
    assert_eq!(everything(&engine), before);
    assert_eq!(engine.dead_letter("Ride", "0-0").expect_err("gone").code, "unknown_dead_letter");
    let next = push(&engine, &[ride(START, "x", "ann", 1.0)]);
    assert_eq!(next.positions["Ride"][&0], (61, 62));
}

#[test]
fn an_engine_in_memory_does_all_but_survive() {
    let options = crate::OpenOptions::new(blueprint(definitions()));
    let engine = crate::Engine::open(&options).expect("open");
    let now = options.clock.now_us();
    let receipt = push(&engine, &[ride(now - MINUTE, "1", "ann", 2.0), json!({"at": 1})]);
    assert_eq!((receipt.accepted, receipt.rejected.len()), (1, 1));
    let status = engine.status().expect("status");
    assert_eq!((&status["durable"], &status["checkpoint"]), (&json!(false), &json!(null)));
    assert_eq!(engine.dead_letter("Ride", "0-1").expect("letter")["original"], json!("{\"at\":1}"));
    engine.close().expect("close");
}
