//! The law of generations: whatever the definitions were before, after opening with others every
//! answer, every fact and every row is as if these had been there from the first day.

mod definitions;
mod rows;

use headwater_kernel::plan::{Plan, Source, ViewPlan};
use headwater_kernel::value::Cell;
use serde_json::{Value as Json, json};

use super::support::*;
use crate::Engine;
use crate::files::fake::Random;
use crate::options::PushOptions;

const USERS: [&str; 6] = ["ann", "bob", "cid", "dan", "eve", "fay"];

/// Pushes of rides: late, waiting, null, bad, repeated; now and then time jumps, so that keys
/// expire. They hang on the random numbers alone, not on the definitions.
fn push_rides(world: &World, engine: &Engine, random: &mut Random, pushes: u64) {
    for _ in 0..pushes {
        let jump = match random.below(30) {
            0 => 30 * 60 * MINUTE,
            1 | 2 => 150 * MINUTE,
            _ => random.below(12 * 60_000_000) as i64,
        };
        let now = crate::clock::Clock::now_us(&*world.clock) + jump;
        world.clock.set(now);
        let mut rides = Vec::new();
        for _ in 0..=random.below(6) {
            let late = match random.below(10) {
                0 => random.below(40 * 60 * 60_000_000) as i64,
                1 => -(random.below(9 * 60_000_000) as i64),
                _ => random.below(70 * 60_000_000) as i64 - 5 * MINUTE,
            };
            let user = USERS[(random.below(6) * random.below(6) / 5) as usize];
            let amount = random.below(9_900) as f64 / 100.0;
            let id = random.below(100_000).to_string();
            let mut row = ride(now - late, &id, user, amount);
            row["note"] = json!((random.below(7) as i64 - 2).to_string());
            match random.below(14) {
                0 => row["user"] = json!(null),
                1 => row["note"] = json!("no number"),
                2 => row["note"] = json!(null),
                3 => row["amount"] = json!(null),
                4 => row["ride_id"] = json!(null),
                5 => row["amount"] = json!("bad"),
                6 => row["at"] = json!(now),
                _ => {}
            }
            rides.push(row);
        }
        engine.push("Ride", rows(&rides), &PushOptions::default()).expect("push");
        if random.below(6) == 0 {
            let visit = [json!({"at": now, "user": USERS[random.below(6) as usize]})];
            engine.push("Visit", rows(&visit), &PushOptions::default()).expect("push");
        }
    }
}

/// Every answer at every instant from S on at which one can change: each boundary of the finest
/// windows for an hour, then of coarser ones.
fn answers(engine: &Engine) -> Vec<(String, &'static str, i64, bool, Vec<Cell>)> {
    let mut out = Vec::new();
    let minutes = (0..62).chain([90, 121, 200, 360, 400, 800, 1_441, 1_500, 5_000, 10_100]);
    let ahead: Vec<i64> = minutes.flat_map(|m| [m * MINUTE, m * MINUTE + 30_000_001]).collect();
    for (index, view) in engine.plan().views.iter().enumerate() {
        let epoch = engine.online().open_epoch().expect("open");
        let Some(sealed_at) = epoch.sealed_at(index) else { continue };
        for user in USERS {
            for ahead in &ahead {
                let mut cells = Vec::new();
                let t = sealed_at + ahead;
                let found = epoch.read(index, Some(&key(user)), t, &mut cells);
                out.push((view.name.clone(), user, t, found, cells));
            }
        }
    }
    out
}

/// What views leave out, and the letters that are open. Not their messages: these name the feature
/// that failed first in the definitions of their day.
fn facts(engine: &Engine) -> (Json, Vec<String>) {
    let status = engine.status().expect("status");
    let letters = engine.dead_letters("Ride", 10_000, None).expect("letters");
    let letters = letters["letters"].as_array().expect("list").iter();
    let open = letters.filter(|letter| letter["status"] == json!("open"));
    let open = open.map(|letter| format!("{} {}", letter["id"], letter["cause"])).collect();
    let state = engine.shared.state.read();
    let views: Vec<Json> = engine
        .plan()
        .views
        .iter()
        .zip(&state.views)
        .map(|(view, facts)| json!([view.name, facts.left_out]))
        .collect();
    (json!([views, status["streams"]]), open)
}

/// Two worlds at the same instant that get the same pushes.
struct Pair {
    /// Its definitions change.
    evolving: World,
    /// It has the last ones from the first day on.
    fresh: World,
    steady: Vec<bool>,
    /// By view of the last definitions: did no view of former ones reach further?
    longest: Vec<bool>,
}

impl Pair {
    fn assert_same(&self, one: &Engine, other: &Engine, context: &str) {
        assert_eq!(facts(one), facts(other), "{context}: facts");
        let beyond = |engine: &Engine| -> Vec<u64> {
            engine.shared.state.read().views.iter().map(|facts| facts.beyond_windows).collect()
        };
        for (view, (one, other)) in beyond(one).into_iter().zip(beyond(other)).enumerate() {
            // A reach that became shorter skips from then on, not what was taken before.
            assert!(one <= other, "{context}: {one} of {other} beyond the windows of view {view}");
            assert!(one == other || !self.longest[view], "{context}: {one} {other} view {view}");
        }
        for (left, right) in answers(one).into_iter().zip(answers(other)) {
            assert_eq!(left, right, "{context}");
        }
    }
}

fn plan_of(definitions: &Json) -> Plan {
    Plan::new(blueprint(definitions.clone())).expect("a plan")
}

/// By section of the last definitions: had it buckets of the same length in all of them?
fn steady(all: &[Json]) -> Vec<bool> {
    let plans: Vec<Plan> = all.iter().map(plan_of).collect();
    let last = plans.last().expect("definitions");
    let unit = |plan: &Plan, name: &str| {
        plan.sections.iter().find(|section| section.name == name).map(rows::unit_of)
    };
    let same = |name: &str| {
        let units: Vec<i64> = plans.iter().filter_map(|plan| unit(plan, name)).collect();
        units.windows(2).all(|pair| pair[0] == pair[1])
    };
    last.sections.iter().map(|section| same(&section.name)).collect()
}

fn pair(seed: u64, all: &[Json]) -> Pair {
    let (mut evolving, mut fresh) = (World::new(seed), World::new(seed));
    evolving.definitions = all[0].clone();
    fresh.definitions = all.last().expect("definitions").clone();
    let starts =
        |view: &ViewPlan| [0, 1, 7].map(|day| view.reach_start(START + day * 86_417_000_000));
    let plans: Vec<Plan> = all.iter().map(plan_of).collect();
    let is_longest = |view: &ViewPlan| {
        let all = plans.iter().flat_map(|plan| &plan.views);
        let of_stream = all.filter(|other| matches!(other.source, Source::Section(_)));
        of_stream.flat_map(|other| starts(other).into_iter().zip(starts(view))).all(|(a, b)| a >= b)
    };
    let longest = plans.last().expect("definitions").views.iter().map(is_longest).collect();
    Pair { evolving, fresh, steady: steady(all), longest }
}

fn rounds() -> u64 {
    let asked = std::env::var("HEADWATER_GENERATIONS").ok();
    asked.and_then(|rounds| rounds.parse().ok()).unwrap_or(60)
}

#[test]
fn after_opening_with_other_definitions_all_is_as_from_the_first_day() {
    let mut kept = 0;
    for seed in 0..rounds() {
        let mut random = Random::new(seed);
        let mut all = vec![definitions::first(&mut random)];
        for _ in 0..=random.below(2) {
            all.push(definitions::changed(all.last().expect("one"), &mut random));
        }
        let mut pair = pair(seed, &all);
        let fresh = pair.fresh.open();
        for (step, next) in all.iter().enumerate() {
            pair.evolving.definitions = next.clone();
            let engine = pair.evolving.open();
            let parts = &engine.report().parts;
            kept +=
                parts.iter().filter(|part| part.action == crate::open::PartAction::Kept).count();
            let context = format!("seed {seed}, step {step}");
            if step + 1 == all.len() {
                pair.assert_same(&engine, &fresh, &format!("{context}: opened"));
            }
            // The same pushes to both, by the same random numbers.
            let start = crate::clock::Clock::now_us(&*pair.evolving.clock);
            push_rides(&pair.evolving, &engine, &mut Random::new(seed * 100 + step as u64), 25);
            pair.fresh.clock.set(start);
            push_rides(&pair.fresh, &fresh, &mut Random::new(seed * 100 + step as u64), 25);
            if step + 1 == all.len() {
                pair.assert_same(&engine, &fresh, &format!("{context}: after more pushes"));
                rows::assert_same(&engine, &fresh, &pair.steady, &context);
            } else if random.below(4) > 0 {
                engine.checkpoint().expect("checkpoint");
                if random.below(2) == 0 {
                    let more = Random::new(seed * 100 + 50 + step as u64);
                    let start = crate::clock::Clock::now_us(&*pair.evolving.clock);
                    push_rides(&pair.evolving, &engine, &mut more.clone(), 5);
                    pair.fresh.clock.set(start);
                    push_rides(&pair.fresh, &fresh, &mut more.clone(), 5);
                }
            }
        }
    }
    assert!(kept as u64 > rounds(), "hardly anything was carried over: {kept} parts");
}

#[test]
fn a_power_cut_while_opening_changes_nothing_of_what_opening_gives() {
    for seed in 0..rounds() {
        let mut random = Random::new(seed + 7_000);
        let all = [definitions::first(&mut random)];
        let all = [all[0].clone(), definitions::changed(&all[0], &mut random)];
        let mut pair = pair(seed, &all);
        let (engine, fresh) = (pair.evolving.open(), pair.fresh.open());
        push_rides(&pair.evolving, &engine, &mut Random::new(seed), 25);
        push_rides(&pair.fresh, &fresh, &mut Random::new(seed), 25);
        engine.checkpoint().expect("checkpoint");
        drop(engine);
        pair.evolving.definitions = all[1].clone();
        pair.evolving.disk.power_off_after(random.below(60));
        if let Ok(engine) = Engine::open(&pair.evolving.options()) {
            // The power may go in the first checkpoint of the new generation, too.
            let _ = engine.checkpoint();
        }
        let mut after = pair.evolving.cut();
        if random.below(3) == 0 {
            // Back to the former definitions in between.
            after.definitions = all[0].clone();
            drop(after.open());
            after.definitions = all[1].clone();
        }
        let engine = after.open();
        pair.assert_same(&engine, &fresh, &format!("seed {seed}"));
        rows::assert_same(&engine, &fresh, &pair.steady, &format!("seed {seed}"));
    }
}
