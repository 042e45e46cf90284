//! The newest steps of a staircase, in one cache line for each key, and where the older ones are:
//! most values only meet these. Their values stand together, so that the place of a new one is
//! found without a branch. Cold work is done on the whole staircase in its block: the steps of the
//! line are moved there before it and the newest come back after it.

use super::boundaries::Needed;
use super::pool::Pool;
use super::stairs::{self, StairHead, Stairs};
use super::words::LINE_WORDS;

/// Steps that a line holds.
const STEPS: usize = 4;
/// Steps that come back after cold work: room is left for the next ones.
const STEPS_BACK: usize = 2;

/// A bucket that no step in a line has.
const NO_BUCKET: u32 = u32::MAX;

/// One line, as it lies in memory: values (0 beyond the last step: nothing is below it), buckets,
/// then the steps in this line, the block's address, its steps and its class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Top {
    values: [u64; STEPS],
    buckets: [u32; STEPS],
    steps: u32,
    block: StairHead,
}

/// Words of a line.
pub(crate) const TOP_WORDS: usize = LINE_WORDS;
/// Words before those of the block and of the number of steps.
const STEPS_AT: usize = 2 * STEPS + STEPS;
const BLOCK_AT: usize = STEPS_AT + 1;

/// The words of one line.
pub(crate) type Line = [u32; TOP_WORDS];

impl Top {
    const EMPTY: Top =
        Top { values: [0; STEPS], buckets: [0; STEPS], steps: 0, block: StairHead::EMPTY };

    #[inline(always)]
    fn of(line: &Line) -> Top {
        let mut top = Top::EMPTY;
        for (index, value) in top.values.iter_mut().enumerate() {
            *value = value_at(line, index);
        }
        top.buckets.copy_from_slice(&line[2 * STEPS..STEPS_AT]);
        top.steps = line[STEPS_AT];
        top.block = block_of(line);
        top
    }

    fn write(&self, line: &mut Line) {
        for (index, &value) in self.values.iter().enumerate() {
            put_value(line, index, value);
        }
        line[2 * STEPS..STEPS_AT].copy_from_slice(&self.buckets);
        line[STEPS_AT] = self.steps;
        put_block(line, self.block);
    }

    /// The steps in the line, oldest first.
    fn steps(&self) -> impl Iterator<Item = (i64, u64)> {
        let steps = self.buckets.into_iter().zip(self.values).take(self.steps as usize);
        steps.map(|(bucket, value)| (i64::from(bucket), value))
    }
}

#[inline(always)]
fn value_at(line: &Line, index: usize) -> u64 {
    u64::from(line[2 * index]) | u64::from(line[2 * index + 1]) << 32
}

#[inline(always)]
fn put_value(line: &mut Line, index: usize, value: u64) {
    line[2 * index] = value as u32;
    line[2 * index + 1] = (value >> 32) as u32;
}

#[inline(always)]
pub(crate) fn block_of(line: &Line) -> StairHead {
    StairHead { at: line[BLOCK_AT], steps: line[BLOCK_AT + 1], class: line[BLOCK_AT + 2] }
}

#[inline(always)]
fn put_block(line: &mut Line, block: StairHead) {
    line[BLOCK_AT..].copy_from_slice(&[block.at, block.steps, block.class]);
}

/// A staircase without steps.
pub(crate) fn clear(line: &mut Line) {
    Top::EMPTY.write(line);
}

/// All steps of a staircase.
pub(crate) fn steps_of(pool: &Pool, line: &Line) -> Vec<(i64, u64)> {
    let block = block_of(line);
    let words = pool.block(block.at);
    let older = (0..block.steps as usize).map(|index| stairs::step(words, block, index));
    older.chain(Top::of(line).steps()).collect()
}

/// The best value in the buckets at or after this one.
#[inline(always)]
pub(crate) fn best_from(pool: &Pool, line: &Line, bucket: i64) -> Option<u64> {
    let block = block_of(line);
    if block.steps > 0 {
        let older = stairs::best_from(pool.block(block.at), block, bucket);
        if older.is_some() {
            return older;
        }
    }
    // Buckets grow: the steps before the first one at or after `bucket` are those below it.
    let steps = line[STEPS_AT] as usize;
    let below = |index: usize| i64::from(line[2 * STEPS + index]) < bucket;
    let first = (0..STEPS).map(|index| usize::from(index < steps && below(index))).sum::<usize>();
    (first < steps).then(|| value_at(line, first % STEPS))
}

/// Adds a value in the last bucket of a staircase or in a later one (below 2^32 - 1) where only
/// the line changes. False: nothing was changed, and [`add_slowly`] will do it.
#[inline(always)]
pub(crate) fn add(line: &mut Line, bucket: u32, value: u64) -> bool {
    let steps = line[STEPS_AT] as usize;
    if steps == 0 {
        return false;
    }
    let last = line[2 * STEPS + (steps - 1) % STEPS];
    // Values fall from step to step: those above this one come first, and stay.
    let place = (0..STEPS).map(|index| usize::from(value_at(line, index) > value)).sum::<usize>();
    if bucket == last && place == steps {
        return true;
    }
    let older = line[BLOCK_AT + 1] > 0;
    if bucket < last || place == STEPS || (place == 0 && older) || bucket == NO_BUCKET {
        return false;
    }
    for index in 1..STEPS {
        // All ones where the step stays: a branch would often be guessed wrongly.
        let stays = 0u64.wrapping_sub(u64::from(index < place));
        put_value(line, index, value_at(line, index) & stays);
    }
    put_value(line, place, value);
    line[2 * STEPS + place] = bucket;
    line[STEPS_AT] = place as u32 + 1;
    true
}

/// [`add`] for what it leaves: a new staircase, a full line, a value that beats the whole line, an
/// event that is late.
#[inline(never)]
pub(crate) fn add_slowly(
    pool: &mut Pool,
    line: &mut Line,
    bucket: i64,
    value: u64,
    needed: &Needed,
) {
    let top = Top::of(line);
    let newer = top.steps().last().is_none_or(|last| last.0 <= bucket);
    let narrow = u32::try_from(bucket).ok().filter(|&bucket| bucket != NO_BUCKET);
    match narrow {
        Some(bucket) if newer && (top.steps > 0 || top.block.steps == 0) => {
            add_newer(pool, line, top, (bucket, value), needed);
        }
        _ => settled(pool, line, |stairs| stairs.add(bucket, value, needed)),
    }
}

/// A value of the last bucket or a later one.
fn add_newer(
    pool: &mut Pool,
    line: &mut Line,
    mut top: Top,
    (bucket, value): (u32, u64),
    needed: &Needed,
) {
    let beaten = top.steps > 0 && top.values[0] <= value;
    let mut older = Stairs { pool, head: &mut top.block };
    if beaten {
        older.drop_beaten(value);
    } else if top.steps as usize == STEPS {
        // The older half goes to the block.
        for index in 0..STEPS - STEPS_BACK {
            older.push_newest(i64::from(top.buckets[index]), top.values[index], needed);
        }
        top.values.copy_within(STEPS - STEPS_BACK.., 0);
        top.buckets.copy_within(STEPS - STEPS_BACK.., 0);
        top.values[STEPS_BACK..].fill(0);
        top.steps = STEPS_BACK as u32;
    }
    if beaten || top.steps == 0 {
        top.values = [0; STEPS];
        (top.values[0], top.buckets[0], top.steps) = (value, bucket, 1);
        top.write(line);
        return;
    }
    top.write(line);
    let done = add(line, bucket, value);
    debug_assert!(done, "there is room for a step that does not beat the whole line");
}

/// The whole staircase in its block, to be changed; then the newest steps go back to the line.
pub(crate) fn settled<R>(
    pool: &mut Pool,
    line: &mut Line,
    change: impl FnOnce(&mut Stairs) -> R,
) -> R {
    let mut top = Top::of(line);
    let newest = Top::of(line);
    let mut stairs = Stairs { pool, head: &mut top.block };
    newest.steps().for_each(|(bucket, value)| stairs.push(bucket, value));
    let result = change(&mut stairs);
    (top.values, top.buckets, top.steps) = ([0; STEPS], [0; STEPS], 0);
    let (steps, words) = (stairs.head.steps as usize, stairs.words());
    let first = steps.saturating_sub(STEPS_BACK);
    let narrow = |bucket: i64| u32::try_from(bucket).ok().filter(|&bucket| bucket != NO_BUCKET);
    // The last bucket is the greatest.
    if steps > 0 && narrow(stairs::step(words, *stairs.head, steps - 1).0).is_some() {
        for (to, index) in (first..steps).enumerate() {
            let (bucket, value) = stairs::step(words, *stairs.head, index);
            top.buckets[to] = narrow(bucket).expect("no bucket is above the last one");
            top.values[to] = value;
        }
        top.steps = (steps - first) as u32;
    }
    stairs.head.steps -= top.steps;
    if stairs.head.steps == 0 {
        stairs.release();
    }
    top.write(line);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::boundaries::Boundaries;
    use crate::window::Window;

    /// The steps of a staircase by its definition: values that beat all later ones.
    fn staircase(values: &[(i64, u64)]) -> Vec<(i64, u64)> {
        let mut best: Vec<(i64, u64)> = Vec::new();
        let mut sorted = values.to_vec();
        sorted.sort_by_key(|&(bucket, value)| (bucket, std::cmp::Reverse(value)));
        sorted.dedup_by_key(|step| step.0);
        for (bucket, value) in sorted.into_iter().rev() {
            if best.last().is_none_or(|last| last.1 < value) {
                best.push((bucket, value));
            }
        }
        best.reverse();
        best
    }

    #[test]
    fn any_order_of_values_gives_the_staircase_of_the_definition() {
        let window = Window::Sliding { width_us: 1 << 59, resolution_us: 1_000_000 };
        let needed = Boundaries::of([&window]).needed(0, 1_000_000);
        let edge = i64::from(u32::MAX);
        let mut state = 11u64;
        for round in 0..400i64 {
            let first = if round % 7 == 0 { edge - 20 } else { 100 };
            let (mut pool, mut line) = (Pool::default(), [0; TOP_WORDS]);
            clear(&mut line);
            let mut values = Vec::new();
            for step in 0..round % 60 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let late = if state >> 61 == 0 { (state >> 20) as i64 % 9 } else { 0 };
                // Falling, rising or anything: stairs of every height.
                let noise = (state >> 33) % 40;
                let value = match round % 3 {
                    0 => noise,
                    1 => 5000 - step as u64 * 20 + noise,
                    _ => step as u64 + noise,
                };
                let bucket = first + step / 2 - late;
                let narrow = u32::try_from(bucket).unwrap_or(NO_BUCKET);
                if !add(&mut line, narrow, value) {
                    add_slowly(&mut pool, &mut line, bucket, value, &needed);
                }
                values.push((bucket, value));
                let expected = staircase(&values);
                assert_eq!(steps_of(&pool, &line), expected, "round {round}");
                let start = bucket - (state >> 50) as i64 % 30;
                let best = expected.iter().find(|step| step.0 >= start).map(|step| step.1);
                assert_eq!(best_from(&pool, &line, start), best, "from {start}");
            }
        }
    }
}
