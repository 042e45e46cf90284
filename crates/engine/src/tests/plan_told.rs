//! What is told of a change of definitions: the plan part by part, and how far filling has come.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;

use super::generations::{features, filled, with_another_feature};
use crate::Engine;
use crate::clock::{Clock, HandClock};
use crate::open::Watch;

#[test]
fn the_plan_is_told_part_by_part() {
    let mut world = filled(true);
    features(&mut world).remove(4);
    with_another_feature(&mut world);
    world.definitions["views"].as_array_mut().expect("views").remove(2);
    world.definitions["tables"] = json!([]);
    world.definitions["views"].as_array_mut().expect("views").pop();
    let engine = world.open();
    let expected = "\
the definitions changed:
  changed view UserRides
  dropped view Visits
  dropped view PlaceNow
  kept Ride(user)->user:str: count() over 1h, 24h, lifetime; sum(amount) over 1h, 24h; \
count(amount) over 1h, 24h; last(amount, n=3) over 24h; count() over 1h; \
sum(CAST(note AS int)) over 1h; count(CAST(note AS int)) over 1h
  filled Ride(user)->user:str: min(amount) over 1h, from 41 events
  dropped Ride(user)->user:str: events of UserRides over exactly 10m
  dropped Visit(user)->user:str: count() over 1h
  dropped Place: rows of the table
  41 events read from the archive";
    assert_eq!(engine.report().lines().join("\n"), expected);
}

/// Each look at it is an eighth of a second later.
#[derive(Debug)]
struct Ticking(Arc<HandClock>);

impl Clock for Ticking {
    fn now_us(&self) -> i64 {
        let now = self.0.now_us();
        self.0.set(now + 125_000);
        now
    }
}

#[test]
fn a_backfill_tells_how_far_it_has_come() {
    let mut world = filled(true);
    with_another_feature(&mut world);
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let watch = Watch(Arc::new(move |progress| heard.lock().push(progress)));
    let clock = Arc::new(Ticking(world.clock.clone()));
    let options = crate::OpenOptions { watch: Some(watch), clock, ..world.options() };
    let engine = Engine::open(&options).expect("open");
    let told = told.lock();
    assert!(told.len() > 2, "{told:?}");
    for (place, progress) in told[..told.len() - 1].iter().enumerate() {
        // Four epochs lie between two tellings.
        let seconds = (place + 1) as f64 / 2.0;
        assert_eq!(progress.total, 41);
        assert_eq!(progress.rate, progress.done as f64 / seconds);
        let left = (41 - progress.done) as f64 / progress.rate;
        assert_eq!(progress.left_s, Some(left));
    }
    let end = told.last().expect("the end");
    assert_eq!((end.done, end.total, end.left_s), (41, 41, Some(0.0)));
    assert!(told.windows(2).all(|pair| pair[0].done <= pair[1].done));
    assert_eq!(engine.report().backfilled_events, 41);
}
