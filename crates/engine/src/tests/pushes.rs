//! What a push does, answers and refuses.

use headwater_kernel::value::Value;
use serde_json::json;

use super::support::*;
use crate::options::PushOptions;

fn keyed(key: &str) -> PushOptions {
    PushOptions { idempotency_key: Some(key.into()), arrived_at: None }
}

#[test]
fn an_idempotency_key_has_1_to_256_bytes() {
    let world = World::new(1);
    let engine = world.open();
    let pushed = |key: &str| {
        let rows = crate::decode::Payload::Ndjson(bytes::Bytes::new());
        engine.push("Ride", rows, &keyed(key)).map(|_| ()).map_err(|error| (error.code, error.hint))
    };
    let refused = Err(("wrong_idempotency_key", "1 to 256 bytes".to_owned()));
    assert_eq!(pushed(""), refused);
    assert_eq!(pushed(&"k".repeat(257)), refused);
    assert_eq!((pushed("k"), pushed(&"k".repeat(256))), (Ok(()), Ok(())));
}

#[test]
fn a_push_is_visible_when_it_returns() {
    let world = World::new(1);
    let engine = world.open();
    let receipt = push(
        &engine,
        &[
            ride(START - 3 * MINUTE, "1", "ann", 2.5),
            ride(START - 2 * MINUTE, "2", "ann", 4.0),
            ride(START - 2 * MINUTE, "3", "bob", 1.0),
        ],
    );
    assert_eq!(
        receipt.to_json(),
        json!({
            "accepted": 3, "duplicates": 0, "rejected": [], "positions": {"Ride": {"0": [0, 3]}},
        })
    );
    let expected = [
        Value::Int(2),
        Value::Float(6.5),
        Value::Float(3.25),
        Value::List([Value::Float(2.5), Value::Float(4.0)].into()),
        Value::Float(4.0),
        Value::Int(2),
    ];
    assert_eq!(values(&engine, "UserRides", "ann", START + 1), expected);
    assert!(!read(&engine, "UserRides", "nobody", START + 1).0);
    assert!(waited(engine.online(), &receipt));
}

#[test]
fn an_event_ahead_of_s_counts_once_t_is_past_it() {
    let world = World::new(1);
    let engine = world.open();
    push(&engine, &[ride(START + 5 * MINUTE, "1", "ann", 1.0)]);
    assert_eq!(values(&engine, "UserRides", "ann", START + 5 * MINUTE)[0], Value::Int(0));
    assert_eq!(values(&engine, "UserRides", "ann", START + 5 * MINUTE + 1)[0], Value::Int(1));
}

#[test]
fn refused_rows_take_positions_and_the_rest_goes_on() {
    let world = World::new(1);
    let engine = world.open();
    let receipt = push(
        &engine,
        &[
            json!({"at": START, "amount": "much"}),
            ride(START, "1", "ann", 1.0),
            ride(START + 11 * MINUTE, "2", "ann", 1.0),
            ride(START, "1", "ann", 1.0),
        ],
    );
    let causes: Vec<_> = receipt.rejected.iter().map(|r| (r.row, r.cause.as_str())).collect();
    assert_eq!(causes, [(0, "wrong_type"), (2, "in_the_future")]);
    assert_eq!((receipt.accepted, receipt.duplicates), (1, 1));
    assert_eq!(receipt.positions["Ride"][&0], (0, 4));
    let next = push(&engine, &[ride(START, "9", "ann", 1.0)]);
    assert_eq!(next.positions["Ride"][&0], (4, 5));
}

#[test]
fn a_repeated_id_is_dropped_within_its_horizon_and_not_after() {
    let world = World::new(1);
    let engine = world.open();
    push(&engine, &[ride(START, "1", "ann", 1.0)]);
    world.clock.set(START + 86_400_000_000);
    assert_eq!(push(&engine, &[ride(START, "1", "ann", 1.0)]).duplicates, 1);
    world.clock.set(START + 86_400_000_000 + MINUTE);
    assert_eq!(push(&engine, &[ride(START, "1", "ann", 1.0)]).accepted, 1);
}

#[test]
fn a_repeated_push_is_answered_with_the_first_positions() {
    let world = World::new(1);
    let engine = world.open();
    let visit = rows(&[json!({"at": START, "user": "ann"}), json!({"at": START, "user": "bob"})]);
    let first = engine.push("Visit", visit.clone(), &keyed("a")).expect("push");
    engine.push("Visit", visit.clone(), &PushOptions::default()).expect("push");
    let again = engine.push("Visit", visit.clone(), &keyed("a")).expect("push");
    assert_eq!((first.accepted, again.accepted, again.duplicates), (2, 0, 2));
    assert_eq!(again.positions, first.positions);
    assert_eq!(values(&engine, "Visits", "ann", START + MINUTE), [Value::Int(2)]);
    world.clock.set(START + 24 * 60 * MINUTE + 1);
    let late = engine.push("Visit", visit, &keyed("a")).expect("push");
    assert_eq!(late.accepted, 2, "the key is forgotten after its time");
}

#[test]
fn a_push_larger_than_an_epoch_is_several_and_counts_whole() {
    let world = World::new(1);
    let engine = world.open();
    let many: Vec<_> = (0..20_000).map(|n| ride(START - n, &n.to_string(), "ann", 1.0)).collect();
    let receipt = push(&engine, &many);
    assert_eq!(receipt.accepted, 20_000);
    assert_eq!(values(&engine, "UserRides", "ann", START + MINUTE)[5], Value::Int(20_000));
    let status = engine.status().expect("status");
    assert_eq!(status["epoch"]["sequence"], json!(4), "definitions and three epochs");
    drop(engine);
    let engine = world.open();
    assert_eq!(values(&engine, "UserRides", "ann", START + MINUTE)[5], Value::Int(20_000));
}

#[test]
fn pushes_from_many_threads_all_count() {
    let world = World::new(1);
    let engine = world.open();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let engine = &engine;
            scope.spawn(move || {
                for n in 0..50 {
                    let id = format!("{thread}-{n}");
                    let receipt = push(engine, &[ride(START - n, &id, "ann", 0.5)]);
                    assert_eq!(receipt.accepted, 1);
                    let seen = values(engine, "UserRides", "ann", START + MINUTE)[5].clone();
                    assert!(matches!(seen, Value::Int(seen) if seen > n), "{seen:?} after {n}");
                }
            });
        }
    });
    assert_eq!(values(&engine, "UserRides", "ann", START + MINUTE)[5], Value::Int(400));
    assert_eq!(values(&engine, "UserRides", "ann", START + MINUTE)[1], Value::Float(200.0));
}

#[test]
fn a_row_of_a_table_counts_from_its_instant() {
    let world = World::new(1);
    let engine = world.open();
    let place =
        |valid_at: i64, size: i64| json!({"place": "x", "valid_at": valid_at, "size": size});
    let put = rows(&[place(START, 1), place(START + MINUTE, 2)]);
    assert_eq!(engine.put("Place", put, &PushOptions::default()).expect("put").accepted, 2);
    assert_eq!(values(&engine, "PlaceNow", "x", START - 1), [Value::Null]);
    assert_eq!(values(&engine, "PlaceNow", "x", START), [Value::Int(1)]);
    assert_eq!(values(&engine, "PlaceNow", "x", START + MINUTE), [Value::Int(2)]);
}

#[test]
fn an_unknown_stream_is_told_with_the_near_name() {
    let world = World::new(1);
    let engine = world.open();
    let error = engine.push("Rides", rows(&[]), &PushOptions::default()).expect_err("unknown");
    assert_eq!((error.code, error.hint.as_str()), ("unknown_stream", "did you mean Ride?"));
    let error = engine.push("Place", rows(&[]), &PushOptions::default()).expect_err("a table");
    assert_eq!(error.hint, "Place is a table: put its rows");
}

#[test]
fn a_full_queue_is_told_and_nothing_of_it_is_applied() {
    let world = World::new(1);
    let engine = crate::Engine::open(&crate::OpenOptions { queue_max: 1, ..world.options() });
    let engine = engine.expect("open");
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (entered, inside) = std::sync::mpsc::channel::<()>();
    let block = crate::writer::Job::Between(Box::new(move |_| {
        entered.send(()).expect("told");
        held.recv().expect("released");
    }));
    engine.writer.send_waiting(block).expect("sent");
    inside.recv().expect("the writer is busy");
    engine.writer.send(crate::writer::Job::Between(Box::new(|_| ()))).expect("one may wait");
    let ride = || rows(&[ride(START, "1", "ann", 1.0)]);
    let full = engine.push("Ride", ride(), &PushOptions::default()).expect_err("full");
    assert_eq!((full.code, full.kind.name()), ("queue_full", "unavailable"));
    release.send(()).expect("release");
    let receipt = loop {
        match engine.push("Ride", ride(), &PushOptions::default()) {
            Ok(receipt) => break receipt,
            Err(error) => assert_eq!(error.code, "queue_full"),
        }
    };
    assert_eq!((receipt.accepted, receipt.duplicates), (1, 0));
    assert_eq!(values(&engine, "UserRides", "ann", START + MINUTE)[5], Value::Int(1));
}

#[test]
fn after_close_everything_is_refused() {
    let world = World::new(1);
    let engine = world.open();
    push(&engine, &[ride(START, "1", "ann", 1.0)]);
    engine.close().expect("close");
    engine.close().expect("a second time");
    let error = engine.push("Ride", rows(&[]), &PushOptions::default()).expect_err("closed");
    assert_eq!(error.code, "closed");
    assert!(engine.online().open_epoch().is_err() && engine.status().is_err());
}

#[test]
fn a_second_opener_is_told_who_has_the_folder() {
    let world = World::new(1);
    let engine = world.open();
    engine.announce(Some("http://127.0.0.1:6570")).expect("announce");
    let error = crate::Engine::open(&world.options()).err().expect("owned");
    assert_eq!((error.code, error.kind.name()), ("owned", "conflict"));
    assert_eq!(error.hint, "connect to http://127.0.0.1:6570");
    drop(engine);
    assert_eq!(world.open().status().expect("status")["owner"]["term"], json!(2));
}

#[test]
fn the_owner_of_a_folder_can_be_found_from_outside() {
    let folder = Folder::new("owner-from-outside");
    let mut options = crate::OpenOptions::new(blueprint(definitions()));
    options.path = Some(folder.path().to_path_buf());
    options.address = Some("http://127.0.0.1:1".into());
    assert_eq!(crate::Engine::owner(folder.path()).expect("owner"), None);
    let engine = crate::Engine::open(&options).expect("open");
    let owner = crate::Engine::owner(folder.path()).expect("owner").expect("somebody");
    assert_eq!((owner.pid, owner.term), (std::process::id(), 1));
    assert_eq!(owner.address.as_deref(), Some("http://127.0.0.1:1"));
    drop(engine);
    assert_eq!(crate::Engine::owner(folder.path()).expect("owner"), None);
}
