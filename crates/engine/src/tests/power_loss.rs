//! Power cuts at any call to the disk: what was acknowledged is there, once, and nothing else.

use std::collections::BTreeMap;

use serde_json::json;

use super::restart::push_randomly;
use super::support::*;
use crate::files::fake::Random;
use crate::options::PushOptions;

/// Pushes until the power goes, checkpointing now and then; returns acknowledged ids by user.
fn push_until_dark(
    engine: &crate::Engine,
    random: &mut Random,
    dark: &mut bool,
) -> BTreeMap<String, Vec<String>> {
    let mut acknowledged: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for push in 0..60 {
        let user = ["ann", "bob", "cid"][random.below(3) as usize];
        let ids: Vec<String> = (0..=random.below(6)).map(|n| format!("{push}-{n}")).collect();
        let rides: Vec<_> = ids.iter().map(|id| ride(START, id, user, 1.0)).collect();
        let key = Some(format!("push {push}"));
        let options = PushOptions { idempotency_key: key, arrived_at: None };
        match engine.push("Ride", rows(&rides), &options) {
            Ok(_) => acknowledged.entry(user.into()).or_default().extend(ids),
            Err(error) => {
                assert_eq!(error.code, "storage_failed");
                *dark = true;
                break;
            }
        }
        if random.below(12) == 0 && engine.checkpoint().is_err() {
            *dark = true;
            break;
        }
    }
    acknowledged
}

#[test]
fn no_cut_loses_or_doubles_what_was_acknowledged() {
    let rounds: u64 = std::env::var("HEADWATER_POWER_CUTS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(120);
    let mut partial = 0;
    for seed in 0..rounds {
        let mut random = Random::new(seed);
        let mut world = World::new(seed);
        world.segment_bytes = 4_000;
        drop(world.open());
        let mut dark = false;
        let in_opening = seed % 4 == 0;
        if in_opening {
            world.disk.power_off_after(random.below(80));
        }
        let acknowledged = match crate::Engine::open(&world.options()) {
            Ok(engine) => {
                if !in_opening {
                    world.disk.power_off_after(random.below(250));
                }
                push_until_dark(&engine, &mut random, &mut dark)
            }
            Err(_) => BTreeMap::new(),
        };
        let after = world.cut();
        let engine = after.open();
        let mut total = 0;
        for (user, ids) in &acknowledged {
            // Repeats of everything acknowledged: each id is known, so none counts again.
            let rides: Vec<_> = ids.iter().map(|id| ride(START, id, user, 1.0)).collect();
            let repeat = push(&engine, &rides);
            assert_eq!(repeat.duplicates, ids.len() as u64, "seed {seed}: lost of {user}");
            total += ids.len() as u64;
        }
        let status = engine.status().expect("status");
        let accepted = status["streams"]["Ride"]["accepted"].as_u64().expect("count");
        assert!(accepted >= total, "seed {seed}");
        // At most the push that was under way may be there besides.
        assert!(accepted <= total + 7, "seed {seed}: {accepted} of {total}");
        partial += u64::from(total > 0 && dark);
        let mut counted = 0;
        for user in ["ann", "bob", "cid"] {
            let ever = values(&engine, "UserRides", user, START + 2 * MINUTE)[5].clone();
            let headwater_kernel::value::Value::Int(ever) = ever else { panic!("a count") };
            counted += ever as u64;
        }
        assert_eq!(counted, accepted, "seed {seed}: state and log differ");
    }
    assert!(partial * 2 > rounds, "only {partial} cuts came in the middle");
}

#[test]
fn after_a_cut_it_answers_as_an_engine_that_never_lost_power() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let world = World::new(seed);
        drop(world.open());
        let engine = world.open();
        push_randomly(&world, &engine, &mut random, 15);
        engine.checkpoint().expect("checkpoint");
        world.disk.power_off_after(random.below(150));
        let mut random = Random::new(seed + 1_000);
        push_randomly(&world, &engine, &mut random, 60);
        drop(engine);
        let after = world.cut();
        let recovered = after.open();
        let before = everything(&recovered);
        let sequence = recovered.status().expect("status")["epoch"]["sequence"].clone();
        drop(recovered);
        // The same log folded without any checkpoint, by an engine that was never interrupted.
        crate::files::Files::remove(&after.disk, "checkpoint.redb").expect("remove");
        let whole = after.open();
        assert_eq!(whole.status().expect("status")["epoch"]["sequence"], sequence, "seed {seed}");
        assert_eq!(everything(&whole), before, "seed {seed}");
        assert_ne!(sequence, json!(0));
    }
}
