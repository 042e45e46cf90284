//! Flat staircases of numeric extremes: steps (bucket, value) of which each beats all later ones.
//! Values are integers that compare as the numbers do, turned round where the least one counts.

use std::hint::select_unpredictable;

use super::boundaries::Needed;
use super::pool::{NOWHERE, Pool, class_words};

/// Words of a step: bucket i64, value u64.
pub(crate) const STEP_WORDS: usize = 4;

/// Steps of the least block.
const STEPS_MIN: usize = 2;

/// Where a key's staircase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StairHead {
    pub(crate) at: u32,
    pub(crate) steps: u32,
    pub(crate) class: u32,
}

impl StairHead {
    pub(crate) const EMPTY: StairHead = StairHead { at: NOWHERE, steps: 0, class: 0 };
}

/// One key's staircase, to be changed.
pub(crate) struct Stairs<'a> {
    pub(crate) pool: &'a mut Pool,
    pub(crate) head: &'a mut StairHead,
}

/// The steps of a staircase, as words of its block.
#[inline(always)]
fn steps(words: &[u32], head: StairHead) -> &[[u32; STEP_WORDS]] {
    words[..head.steps as usize * STEP_WORDS].as_chunks().0
}

#[inline(always)]
fn bucket_of(step: &[u32; STEP_WORDS]) -> i64 {
    (u64::from(step[0]) | u64::from(step[1]) << 32) as i64
}

#[inline(always)]
fn value_of(step: &[u32; STEP_WORDS]) -> u64 {
    u64::from(step[2]) | u64::from(step[3]) << 32
}

/// Step number i: bucket and value.
#[inline]
pub(crate) fn step(words: &[u32], head: StairHead, index: usize) -> (i64, u64) {
    let step = &steps(words, head)[index];
    (bucket_of(step), value_of(step))
}

/// The best value in the buckets at or after this one.
#[inline]
pub(crate) fn best_from(words: &[u32], head: StairHead, bucket: i64) -> Option<u64> {
    let steps = steps(words, head);
    // Short windows start behind the last step of a block.
    if bucket_of(steps.last()?) < bucket {
        return None;
    }
    steps.get(first_from(steps, bucket)).map(value_of)
}

#[inline]
fn first_from(steps: &[[u32; STEP_WORDS]], bucket: i64) -> usize {
    // As in the log: without a branch on what is found.
    let (mut low, mut count) = (0, steps.len());
    while count > 0 {
        let half = count.div_ceil(2);
        let is_before = bucket_of(&steps[low + half - 1]) < bucket;
        low = select_unpredictable(is_before, low + half, low);
        count -= half;
    }
    low
}

fn first_step_from(words: &[u32], head: StairHead, bucket: i64) -> usize {
    first_from(steps(words, head), bucket)
}

#[inline(always)]
fn put(words: &mut [u32], index: usize, bucket: i64, value: u64) {
    let at = index * STEP_WORDS;
    let bucket = bucket as u64;
    let step = [bucket as u32, (bucket >> 32) as u32, value as u32, (value >> 32) as u32];
    words[at..at + STEP_WORDS].copy_from_slice(&step);
}

impl Stairs<'_> {
    /// The words of the block.
    #[inline]
    pub(crate) fn words(&self) -> &[u32] {
        self.pool.block(self.head.at)
    }

    fn words_mut(&mut self) -> &mut [u32] {
        self.pool.block_mut(self.head.at)
    }

    fn set(&mut self, index: usize, bucket: i64, value: u64) {
        put(self.words_mut(), index, bucket, value);
    }

    /// Adds a value in a bucket, late or not.
    pub(crate) fn add(&mut self, bucket: i64, value: u64, needed: &Needed) {
        let last = steps(self.words(), *self.head).last().map(bucket_of);
        if last.is_some_and(|last| bucket < last) {
            self.add_late(bucket, value, needed);
            return;
        }
        self.drop_beaten(value);
        if steps(self.words(), *self.head).last().map(bucket_of) != Some(bucket) {
            self.push_newest(bucket, value, needed);
        }
    }

    /// Drops the last steps that a later value beats.
    pub(crate) fn drop_beaten(&mut self, value: u64) {
        let kept = steps(self.words(), *self.head);
        let beaten = kept.iter().rev().take_while(|step| value_of(step) <= value).count();
        self.head.steps -= beaten as u32;
    }

    /// Puts a step that beats none behind the last one; thins where there is no room for it.
    pub(crate) fn push_newest(&mut self, bucket: i64, value: u64, needed: &Needed) {
        self.make_room(needed);
        let steps = self.head.steps as usize;
        self.set(steps, bucket, value);
        self.head.steps += 1;
    }

    #[cold]
    fn add_late(&mut self, bucket: i64, value: u64, needed: &Needed) {
        let words = self.words();
        let at = first_step_from(words, *self.head, bucket);
        let (found, best) = step(words, *self.head, at);
        if best >= value {
            return;
        }
        let mut first = at;
        while first > 0 && step(words, *self.head, first - 1).1 <= value {
            first -= 1;
        }
        // Steps first..after are beaten by the new one.
        let after = if found == bucket { at + 1 } else { at };
        if first == after {
            self.make_room_late(bucket, value, needed);
            return;
        }
        self.set(first, bucket, value);
        let end = self.head.steps as usize * STEP_WORDS;
        self.words_mut().copy_within(after * STEP_WORDS..end, (first + 1) * STEP_WORDS);
        self.head.steps -= (after - first - 1) as u32;
    }

    /// Inserts a step that beats none.
    fn make_room_late(&mut self, bucket: i64, value: u64, needed: &Needed) {
        self.make_room(needed);
        let at = first_step_from(self.words(), *self.head, bucket);
        let (from, end) = (at * STEP_WORDS, self.head.steps as usize * STEP_WORDS);
        self.words_mut().copy_within(from..end, from + STEP_WORDS);
        self.set(at, bucket, value);
        self.head.steps += 1;
    }

    #[inline]
    fn make_room(&mut self, needed: &Needed) {
        let capacity = if self.head.at == NOWHERE {
            0
        } else {
            class_words(self.head.class as u8) / STEP_WORDS
        };
        if self.head.steps as usize == capacity {
            self.make_room_slowly(needed, capacity);
        }
    }

    #[cold]
    fn make_room_slowly(&mut self, needed: &Needed, capacity: usize) {
        self.thin(needed);
        let steps = self.head.steps as usize;
        if steps + steps / 4 + 1 > capacity {
            self.resize((steps + steps / 2).max(STEPS_MIN));
        }
    }

    fn resize(&mut self, steps: usize) {
        let used = self.head.steps as usize * STEP_WORDS;
        let (at, class) =
            self.pool.resize(self.head.at, self.head.class as u8, used, steps * STEP_WORDS);
        self.head.at = at;
        self.head.class = u32::from(class);
    }

    /// Drops steps that answer no boundary which is still needed.
    pub(crate) fn thin(&mut self, needed: &Needed) {
        let mut walk = needed.walk(i64::MIN);
        let mut kept = 0;
        for index in 0..self.head.steps as usize {
            let (bucket, value) = step(self.words(), *self.head, index);
            if walk.next(bucket) {
                self.set(kept, bucket, value);
                kept += 1;
            }
        }
        self.head.steps = kept as u32;
    }

    /// Puts a step behind the last one.
    pub(crate) fn push(&mut self, bucket: i64, value: u64) {
        let steps = self.head.steps as usize;
        if self.head.at == NOWHERE || class_words(self.head.class as u8) / STEP_WORDS == steps {
            self.resize((steps + steps / 2).max(steps + 1));
        }
        self.set(steps, bucket, value);
        self.head.steps += 1;
    }

    /// Gives the block back.
    pub(crate) fn release(&mut self) {
        self.pool.release(self.head.at, self.head.class as u8);
        *self.head = StairHead::EMPTY;
    }
}
