//! The floor of any fold by key: find the key's place by its hash and change one cache line of it.
//!
//! Batches of 64 with prefetch, a table of known size, no growth, no verification of the key: less
//! work than any state that answers windows can do.

use std::hint::black_box;
use std::time::Instant;

use headwater_kernel::key::KeyColumn;

/// Places of the table: a power of two, four times the keys of the workload.
const PLACES: usize = 1 << 19;
const PIPELINE: usize = 64;

#[repr(align(64))]
#[derive(Clone)]
struct Line([u64; 8]);

/// Nanoseconds an event.
pub fn nanoseconds<'a>(columns: impl Iterator<Item = &'a KeyColumn>) -> f64 {
    let hashes: Vec<u64> =
        columns.flat_map(|keys| (0..keys.len()).map(move |row| keys.hash(row))).collect();
    let mut slots: Vec<(u64, u32)> = vec![(0, u32::MAX); PLACES];
    let mut lines: Vec<Line> = Vec::new();
    for &hash in &hashes {
        let slot = find(&slots, hash);
        if slots[slot].1 == u32::MAX {
            slots[slot] = (hash, lines.len() as u32);
            lines.push(Line([0; 8]));
        }
    }
    let started = Instant::now();
    let mut ids = [0_u32; PIPELINE];
    for batch in hashes.chunks(PIPELINE) {
        for &hash in batch {
            prefetch(&slots[hash as usize & (PLACES - 1)]);
        }
        for (id, &hash) in ids.iter_mut().zip(batch) {
            *id = slots[find(&slots, hash)].1;
            prefetch(&lines[*id as usize]);
        }
        for (&id, &hash) in ids.iter().zip(batch) {
            let line = &mut lines[id as usize].0;
            line[0] += 1;
            line[1] = line[1].wrapping_add(hash);
            line[2] = line[2].max(hash);
        }
    }
    let elapsed = started.elapsed().as_nanos() as f64;
    black_box(&lines);
    elapsed / hashes.len() as f64
}

fn find(slots: &[(u64, u32)], hash: u64) -> usize {
    let mut slot = hash as usize & (PLACES - 1);
    while slots[slot].1 != u32::MAX && slots[slot].0 != hash {
        slot = (slot + 1) & (PLACES - 1);
    }
    slot
}

fn prefetch<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing; the address is that of a live reference.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
