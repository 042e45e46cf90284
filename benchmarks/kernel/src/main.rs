//! Figures of the kernel alone: fold and read on a blueprint that Python compiled.
//!
//! Takes a blueprint (JSON) and events (Arrow IPC file, in order of arrival); prints one JSON object
//! of raw figures. It goes the engine's own way, epoch by epoch, and only the fold is timed.

mod floor;

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use headwater_engine::transform::{SectionInput, Transform};
use headwater_kernel::blueprint::Blueprint;
use headwater_kernel::key::KeyColumn;
use headwater_kernel::plan::Plan;
use headwater_kernel::state::SpaceState;
use headwater_kernel::value::Cell;

/// Events of an epoch, as the engine forms them.
const EPOCH_EVENTS: usize = 8_192;
/// Reads that are timed.
const READS: usize = 400_000;
/// Whole folds, each with a floor beside it; the medians count.
const FOLDS: usize = 5;

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: headwater-bench-kernel BLUEPRINT.json EVENTS.arrow";
    let blueprint = arguments.next().ok_or(usage)?;
    let events = arguments.next().ok_or(usage)?;
    let blueprint: Blueprint = serde_json::from_slice(&std::fs::read(blueprint)?)?;
    let plan = Arc::new(Plan::new(blueprint)?);
    let epochs = epochs(&plan, &events)?;
    let total: usize = epochs.iter().map(|(_, input)| input.keys.len()).sum();

    let (mut fold_ns, mut floor_ns) = (Vec::new(), Vec::new());
    let mut space = SpaceState::new(&plan, plan.sections[0].space);
    for _ in 0..FOLDS {
        space = SpaceState::new(&plan, plan.sections[0].space);
        let started = Instant::now();
        for (sealed_at, input) in &epochs {
            space.fold(0, &input.as_fold_batch(), *sealed_at);
        }
        fold_ns.push(started.elapsed().as_nanos() as f64 / total as f64);
        floor_ns.push(floor::nanoseconds(epochs.iter().map(|(_, input)| &input.keys)));
    }
    let figures = serde_json::json!({
        "events": total,
        "keys": space.len(),
        "fold_ns": median(fold_ns),
        "floor_ns": median(floor_ns),
        "bytes_per_key": space.bytes_used() as f64 / space.len() as f64,
        "read_ns": read_nanoseconds(&plan, &space, epochs.last().ok_or("no events")?.0),
        "features": plan.views[0].features.len(),
    });
    writeln!(std::io::stdout(), "{figures}")?;
    Ok(())
}

/// Cuts the events into epochs and prepares each as the engine does; S is the last event's time.
fn epochs(plan: &Arc<Plan>, path: &str) -> Result<Vec<(i64, SectionInput)>, Failure> {
    let transform = Transform::new(Arc::clone(plan))?;
    let mut sealed_at = i64::MIN;
    let mut out = Vec::new();
    for batch in FileReader::try_new(File::open(path)?, None)? {
        let batch: RecordBatch = batch?;
        for start in (0..batch.num_rows()).step_by(EPOCH_EVENTS) {
            let rows = EPOCH_EVENTS.min(batch.num_rows() - start);
            let input = transform.section(0, &batch.slice(start, rows))?;
            let latest = input.times.iter().max().ok_or("an epoch has events")?;
            sealed_at = sealed_at.max(latest + 1);
            out.push((sealed_at, input));
        }
    }
    Ok(out)
}

/// Mean time of finding and reading a key, evenly drawn so that nothing of it is in a cache but
/// its name, which a request has just brought.
fn read_nanoseconds(plan: &Plan, space: &SpaceState, t: i64) -> f64 {
    let ids: Vec<u32> = space.ids().collect();
    let mut out = vec![Cell::default(); plan.views[0].features.len()];
    let mut draw = 0x9e37_79b9_7f4a_7c15_u64;
    let mut asked = KeyColumn::with_capacity(READS);
    for _ in 0..READS {
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        asked.push_bytes(space.key(ids[(draw % ids.len() as u64) as usize]));
    }
    let mut found = 0;
    let started = Instant::now();
    for row in 0..asked.len() {
        let id = asked.get(row).and_then(|key| space.find(key));
        found += usize::from(space.read(0, id, t, &mut out));
    }
    let elapsed = started.elapsed().as_nanos() as f64;
    assert!(found > 0, "some key is found");
    elapsed / READS as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
