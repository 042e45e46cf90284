//! What a closed, dropped or killed engine gives when it is opened again.

use headwater_kernel::value::Value;
use serde_json::json;

use super::support::*;
use crate::files::Files;
use crate::files::fake::Random;
use crate::options::PushOptions;

/// Random pushes of every kind; returns how many went through.
pub fn push_randomly(
    world: &World,
    engine: &crate::Engine,
    random: &mut Random,
    pushes: u64,
) -> u64 {
    let users = ["ann", "bob", "cid", "dan"];
    let mut done = 0;
    for _ in 0..pushes {
        let now = crate::clock::Clock::now_us(&*world.clock) + random.below(20 * 60_000_000) as i64;
        world.clock.set(now);
        let mut rides = Vec::new();
        for _ in 0..=random.below(5) {
            let at = now + 8 * MINUTE - random.below(90 * 60_000_000) as i64;
            let user = users[random.below(4) as usize];
            let mut row = ride(at, &random.below(60).to_string(), user, random.below(99) as f64);
            match random.below(12) {
                0 => row["amount"] = json!("bad"),
                1 => row["user"] = json!(null),
                2 => row["note"] = json!("no number"),
                3 => row["ride_id"] = json!(null),
                _ => {}
            }
            rides.push(row);
        }
        let key = Some(random.below(40).to_string());
        let options = PushOptions { idempotency_key: key, arrived_at: None };
        let place = json!({"place": "ann", "valid_at": now, "size": random.below(9)});
        let pushed = match random.below(5) {
            0 => engine.put("Place", rows(&[place]), &PushOptions::default()),
            _ => engine.push("Ride", rows(&rides), &options),
        };
        if pushed.is_err() {
            break;
        }
        done += 1;
    }
    done
}

#[test]
fn the_same_is_answered_after_every_way_of_ending() {
    for seed in 0..6 {
        let world = World::new(seed);
        let mut random = Random::new(seed);
        let mut engine = world.open();
        for ending in 0..5 {
            push_randomly(&world, &engine, &mut random, 40);
            if ending == 1 || ending == 2 {
                engine.checkpoint().expect("checkpoint");
                push_randomly(&world, &engine, &mut random, 20);
            }
            if ending == 3 {
                engine.close().expect("close");
                engine = world.open();
                push_randomly(&world, &engine, &mut random, 20);
            }
            let (before, status) = (everything(&engine), lasting_status(&engine));
            let letters = engine.dead_letters("Ride", 1_000, None).expect("letters");
            drop(engine);
            engine = world.open();
            assert_eq!(everything(&engine), before, "seed {seed}, ending {ending}");
            assert_eq!(lasting_status(&engine), status, "seed {seed}, ending {ending}");
            let again = engine.dead_letters("Ride", 1_000, None).expect("letters");
            assert_eq!(again, letters, "seed {seed}, ending {ending}");
        }
    }
}

#[test]
fn a_checkpoint_saves_folding_the_log_again() {
    let world = World::new(1);
    let engine = world.open();
    push_randomly(&world, &engine, &mut Random::new(1), 50);
    engine.close().expect("close");
    let engine = world.open();
    assert_eq!(engine.report().replayed_epochs, 0);
    assert!(engine.report().checkpoint_sequence > 20);
}

#[test]
fn without_its_checkpoint_the_log_gives_the_same_state() {
    let world = World::new(1);
    let engine = world.open();
    push_randomly(&world, &engine, &mut Random::new(1), 50);
    let before = everything(&engine);
    engine.close().expect("close");
    world.disk.remove("checkpoint.redb").expect("remove");
    let engine = world.open();
    assert_eq!(engine.report().checkpoint_sequence, 0);
    assert_eq!(everything(&engine), before);
}

#[test]
fn a_checkpoint_is_of_one_epoch_while_pushes_go_on() {
    let world = World::new(1);
    let engine = world.open();
    let mut random = Random::new(9);
    push_randomly(&world, &engine, &mut random, 100);
    std::thread::scope(|scope| {
        let pushing = scope.spawn(|| push_randomly(&world, &engine, &mut Random::new(7), 300));
        while !pushing.is_finished() {
            engine.checkpoint().expect("checkpoint");
        }
    });
    let before = everything(&engine);
    let status = lasting_status(&engine);
    drop(engine);
    let engine = world.open();
    assert_eq!(everything(&engine), before);
    assert_eq!(lasting_status(&engine), status);
}

#[test]
fn ids_and_keys_are_known_after_a_restart() {
    for checkpoint in [false, true] {
        let world = World::new(1);
        let engine = world.open();
        let keyed = PushOptions { idempotency_key: Some("a".into()), arrived_at: None };
        let first = engine.push("Ride", rows(&[ride(START, "1", "ann", 1.0)]), &keyed);
        let first = first.expect("push");
        if checkpoint {
            engine.close().expect("close");
        }
        drop(engine);
        let engine = world.open();
        let again = engine.push("Ride", rows(&[ride(START, "1", "ann", 1.0)]), &keyed);
        let again = again.expect("push");
        assert_eq!((again.accepted, again.duplicates), (0, 1));
        assert_eq!(again.positions, first.positions);
        let other = push(&engine, &[ride(START, "1", "ann", 1.0)]);
        assert_eq!((other.accepted, other.duplicates), (0, 1));
    }
}

#[test]
fn data_of_another_namespace_is_refused() {
    let world = World::new(1);
    drop(world.open());
    let options = crate::OpenOptions { namespace: "production".into(), ..world.options() };
    assert_eq!(crate::Engine::open(&options).err().expect("refused").code, "other_namespace");
}

#[test]
fn a_row_valid_from_its_own_arrival_stays_so() {
    let mut world = World::new(1);
    world.definitions["tables"][0]["valid_from"] = json!(null);
    let engine = world.open();
    let place = json!({"place": "ann", "valid_at": START, "size": 4});
    let options = PushOptions { arrived_at: Some("valid_at".into()), idempotency_key: None };
    engine.put("Place", rows(&[place]), &options).expect("put");
    drop(engine);
    let from_the_log = world.open();
    assert_eq!(values(&from_the_log, "PlaceNow", "ann", START - 1), [Value::Null]);
    assert_eq!(values(&from_the_log, "PlaceNow", "ann", START), [Value::Int(4)]);
    from_the_log.close().expect("close");
    let from_the_checkpoint = world.open();
    assert_eq!(values(&from_the_checkpoint, "PlaceNow", "ann", START - 1), [Value::Null]);
    assert_eq!(values(&from_the_checkpoint, "PlaceNow", "ann", START), [Value::Int(4)]);
}

#[test]
fn a_wait_ends_at_its_deadline_or_tells_an_unknown_name() {
    let world = World::new(1);
    let engine = world.open();
    let mut receipt = push(&engine, &[ride(START, "1", "ann", 1.0)]);
    let soon = || std::time::Instant::now() + std::time::Duration::from_millis(20);
    engine.online().wait_for(&receipt.positions, soon()).expect("visible");
    receipt.positions.insert("Ride".into(), [(0, (0, 2))].into());
    let error = engine.online().wait_for(&receipt.positions, soon()).expect_err("not there");
    assert_eq!((error.code, error.kind.name()), ("deadline", "unavailable"));
    receipt.positions.insert("Ride".into(), [(7, (0, 1))].into());
    let error = engine.online().wait_for(&receipt.positions, soon()).expect_err("no partition");
    assert_eq!((error.code, error.kind.name()), ("unknown_partition", "invalid"));
    receipt.positions.clear();
    receipt.positions.insert("Rode".into(), [(0, (0, 2))].into());
    let error = engine.online().wait_for(&receipt.positions, soon()).expect_err("unknown");
    assert_eq!(error.code, "unknown_stream");
}
