//! A disk that is full, refuses to sync, or holds damage.

use super::support::*;
use crate::files::Files;
use crate::options::PushOptions;
use headwater_kernel::value::Value;

fn refused(engine: &crate::Engine, id: &str) -> headwater_kernel::error::Error {
    let ride = ride(START, id, "ann", 1.0);
    engine.push("Ride", rows(&[ride]), &PushOptions::default()).expect_err("refused")
}

#[test]
fn after_a_failed_sync_pushes_are_refused_and_reads_go_on() {
    let world = World::new(1);
    let engine = world.open();
    push(&engine, &[ride(START, "1", "ann", 1.0)]);
    world.disk.fail_sync_after(1);
    assert_eq!(refused(&engine, "2").code, "storage_failed");
    assert_eq!(refused(&engine, "3").code, "storage_failed");
    assert_eq!(values(&engine, "UserRides", "ann", START + MINUTE)[5], Value::Int(1));
    assert_eq!(engine.ready().expect_err("not ready").code, "storage_failed");
    drop(engine);
    let engine = world.open();
    push(&engine, &[ride(START, "3", "ann", 1.0)]);
    let before = everything(&engine);
    drop(engine);
    assert_eq!(everything(&world.cut().open()), before, "what is shown is durable again");
}

#[test]
fn a_full_disk_refuses_pushes_until_opened_again() {
    let world = World::new(1);
    let engine = world.open();
    push(&engine, &[ride(START, "1", "ann", 1.0)]);
    world.disk.full_at(Some(0));
    let error = refused(&engine, "2");
    assert_eq!((error.code, error.kind.name()), ("storage_failed", "unavailable"));
    world.disk.full_at(None);
    assert_eq!(refused(&engine, "2").code, "storage_failed");
    assert_eq!(values(&engine, "UserRides", "ann", START + MINUTE)[5], Value::Int(1));
    drop(engine);
    let engine = world.open();
    assert_eq!(push(&engine, &[ride(START, "2", "ann", 1.0)]).accepted, 1);
}

#[test]
fn a_disk_that_runs_full_in_a_checkpoint_loses_nothing() {
    let world = World::new(1);
    let engine = world.open();
    push(&engine, &[ride(START, "1", "ann", 1.0)]);
    engine.checkpoint().expect("checkpoint");
    push(&engine, &[ride(START, "2", "ann", 1.0)]);
    let before = everything(&engine);
    world.disk.fail_sync_after(1);
    assert_eq!(engine.checkpoint().expect_err("refused").code, "storage_failed");
    assert_eq!(refused(&engine, "3").code, "storage_failed");
    drop(engine);
    assert_eq!(everything(&world.cut().open()), before);
}

#[test]
fn damage_in_the_middle_of_the_log_is_an_error_not_a_loss() {
    let world = World::new(1);
    let engine = world.open();
    for n in 0..5 {
        push(&engine, &[ride(START, &n.to_string(), "ann", 1.0)]);
    }
    drop(engine);
    let name = world.disk.list("log").expect("list").remove(0);
    world.disk.damage(&format!("log/{name}"), 7_000);
    let error = crate::Engine::open(&world.options()).err().expect("damaged");
    assert_eq!((error.code, error.kind.name()), ("archive_damaged", "data"));
    assert!(error.message.contains(&name), "{}", error.message);
}
