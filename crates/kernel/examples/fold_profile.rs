//! Folds 10 M Zipf(1.1) events over 100 k keys into 4 windows x 5 aggregates of a float with cents
//! and prints ns an event, bytes a key and ns a read of a cold key: for profiling the kernel.
//!
//! Run: `cargo run --release -p headwater-kernel --example fold_profile`. Not a benchmark: that one
//! goes through the compiler of definitions and prints its ratios.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array};
use arrow_buffer::BooleanBuffer;
use headwater_kernel::blueprint::Aggregate;
use headwater_kernel::fold::FoldBatch;
use headwater_kernel::key::KeyColumn;
use headwater_kernel::state::SpaceState;
use headwater_kernel::value::{Cell, Value};

use support::{BASE, D, H, M, S, Spec, ViewSpec, feature, key_bytes, plan, sliding, view};

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn spec() -> ViewSpec {
    let windows =
        [sliding(H, M), sliding(D, 30 * M), sliding(7 * D, 3 * H), sliding(30 * D, 12 * H)];
    let mut features = Vec::new();
    for window in windows {
        features.push(feature(Aggregate::Count, None, window));
        features.push(feature(Aggregate::Sum, Some(0), window));
        features.push(feature(Aggregate::Mean, Some(0), window));
        features.push(feature(Aggregate::Max, Some(0), window));
        features.push(Spec { filter: Some(0), ..feature(Aggregate::Count, None, window) });
    }
    view(features)
}

/// A generator of our own, so that runs are equal everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Time that this thread has run, ns: a shared machine does not spoil it. Elsewhere 0.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// The least that any state costs: a slot of 16 bytes and a cache line a key, both changed in
/// batches of 64 (no verified key, no windows).
fn floor(batches: &[&KeyColumn]) {
    let mut slots = vec![(0u64, u32::MAX); 1 << 18];
    let mut lines = vec![[0u64; 8]; 1 << 17];
    let (mut known, mut events) = (0, 0);
    let cpu = cpu_ns();
    for keys in batches {
        for from in (0..keys.len()).step_by(64) {
            let mut ids = [0u32; 64];
            let rows = 64.min(keys.len() - from);
            for (row, id) in ids[..rows].iter_mut().enumerate() {
                let hash = keys.hash(from + row);
                let mut at = hash as usize & (slots.len() - 1);
                while slots[at].1 != u32::MAX && slots[at].0 != hash {
                    at = (at + 1) & (slots.len() - 1);
                }
                if slots[at].1 == u32::MAX {
                    slots[at] = (hash, known);
                    known += 1;
                }
                *id = slots[at].1;
            }
            ids[..rows].iter().for_each(|&id| lines[id as usize][3] += 1);
            events += rows;
        }
    }
    let touched = lines.iter().filter(|line| line[3] > 0).count();
    let spent = (cpu_ns() - cpu) as f64 / events as f64;
    println!("floor: {spent:.1} ns/event of CPU ({touched} lines)");
}

fn main() {
    let events = number("EVENTS", 10_000_000);
    let keys = number("KEYS", 100_000);
    let batch_rows = number("BATCH", 8192);
    let plan = plan(&[spec()]);
    let section = &plan.sections[0];
    println!("parts: {:?}", section.parts.iter().map(|part| &part.family).collect::<Vec<_>>());
    let mut random = Random(1);
    let weights: Vec<f64> = (1..=keys).map(|rank| 1.0 / (rank as f64).powf(1.1)).collect();
    let total: f64 = weights.iter().sum();
    let mut cumulative = Vec::with_capacity(keys);
    weights.iter().fold(0.0, |sum, weight| {
        cumulative.push(sum + weight);
        sum + weight
    });
    let batches: Vec<_> = (0..events)
        .step_by(batch_rows)
        .map(|from| {
            let rows = batch_rows.min(events - from);
            let mut key_column = KeyColumn::with_capacity(rows);
            let mut times = Vec::with_capacity(rows);
            let mut amounts = Vec::with_capacity(rows);
            for row in from..from + rows {
                let at = random.unit() * total;
                let key = cumulative.partition_point(|&sum| sum < at) as u64;
                // Ranks are spread, so that neighbours in rank are no neighbours in memory.
                let key = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
                key_column.push(&[Value::Int(key as i64)]);
                let late = if random.unit() < 0.047 { random.next() % (30 * M as u64) } else { 0 };
                let offset = row as i128 * i128::from(60 * D) / events as i128;
                times.push(BASE + offset as i64 - late as i64);
                amounts.push((100.0 * (random.unit() * 5.0).exp()).round() / 100.0);
            }
            let online = BooleanBuffer::from_iter((0..rows).map(|_| random.next() & 3 == 0));
            let amounts: ArrayRef = Arc::new(Float64Array::from(amounts));
            (key_column, times, amounts, online)
        })
        .collect();
    floor(&batches.iter().map(|batch| &batch.0).collect::<Vec<_>>());
    let mut state = SpaceState::new(&plan, 0);
    let (started, cpu) = (Instant::now(), cpu_ns());
    let mut sealed_at = BASE;
    // With a lateness every event waits first.
    let lateness = number("LATENESS_MINUTES", 0) as i64 * M;
    for (keys, times, amounts, online) in &batches {
        sealed_at = sealed_at.max(times.iter().max().unwrap() + 1 - lateness);
        let batch = FoldBatch {
            keys,
            times,
            ties: None,
            inputs: std::slice::from_ref(amounts),
            filters: std::slice::from_ref(online),
        };
        state.fold(0, &batch, sealed_at);
    }
    let (spent, cpu) = (started.elapsed(), cpu_ns() - cpu);
    println!(
        "fold: {:.1} ns/event of CPU, {:.1} by the clock; {} keys, {} bytes a key ({} in blocks)",
        cpu as f64 / events as f64,
        spent.as_nanos() as f64 / events as f64,
        state.len(),
        state.bytes_used() / state.len(),
        state.ids().map(|id| state.bytes_used_of(id)).sum::<usize>() / state.len()
    );
    let distinct: Vec<Vec<u8>> = (0..keys as u64)
        .map(|key| key_bytes((key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) as i64))
        .collect();
    let mut cells = vec![Cell::default(); plan.views[0].features.len()];
    let (mut found, reads) = (0usize, number("READS", 1_000_000));
    let (started, cpu) = (Instant::now(), cpu_ns());
    for _ in 0..reads {
        let key = &distinct[random.next() as usize % keys];
        found += usize::from(state.read(0, state.find(key), sealed_at + S, &mut cells));
    }
    let (spent, cpu) = (started.elapsed(), cpu_ns() - cpu);
    println!(
        "read: {:.0} ns of CPU, {:.0} by the clock, of a key drawn evenly ({found} found)",
        cpu as f64 / reads as f64,
        spent.as_nanos() as f64 / reads as f64
    );
}
