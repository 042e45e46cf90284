//! Flat staircases of numeric extremes: steps (bucket, value) of which each beats all later ones.
//! Values are integers that compare as the numbers do, turned round where the least one counts.

use super::boundaries::Needed;
use super::pool::{NOWHERE, Pool, class_words, start};

/// Words of a step: bucket i64, value u64.
pub(crate) const STEP_WORDS: usize = 4;

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

/// Step number i: bucket and value.
#[inline]
pub(crate) fn step(words: &[u32], head: StairHead, index: usize) -> (i64, u64) {
    let at = start(head.at) + index * STEP_WORDS;
    let step = &words[at..at + STEP_WORDS];
    let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    (join(step[0], step[1]) as i64, join(step[2], step[3]))
}

/// The best value in the buckets at or after this one.
#[inline]
pub(crate) fn best_from(words: &[u32], head: StairHead, bucket: i64) -> Option<u64> {
    let at = first_step_from(words, head, bucket);
    (at < head.steps as usize).then(|| step(words, head, at).1)
}

fn first_step_from(words: &[u32], head: StairHead, bucket: i64) -> usize {
    let (mut low, mut high) = (0, head.steps as usize);
    while low < high {
        let middle = (low + high) / 2;
        if step(words, head, middle).0 < bucket {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

impl Stairs<'_> {
    fn set(&mut self, index: usize, bucket: i64, value: u64) {
        let at = start(self.head.at) + index * STEP_WORDS;
        let bucket = bucket as u64;
        self.pool.words[at..at + STEP_WORDS].copy_from_slice(&[
            bucket as u32,
            (bucket >> 32) as u32,
            value as u32,
            (value >> 32) as u32,
        ]);
    }

    /// Adds a value in a bucket, late or not.
    #[inline]
    pub(crate) fn add(&mut self, bucket: i64, value: u64, needed: &Needed) {
        let mut steps = self.head.steps as usize;
        if steps > 0 {
            let (last, best) = step(&self.pool.words, *self.head, steps - 1);
            if bucket < last {
                self.add_late(bucket, value, needed);
                return;
            }
            if bucket == last && best >= value {
                return;
            }
            while steps > 0 && step(&self.pool.words, *self.head, steps - 1).1 <= value {
                steps -= 1;
            }
            self.head.steps = steps as u32;
        }
        self.make_room(needed);
        let steps = self.head.steps as usize;
        self.set(steps, bucket, value);
        self.head.steps += 1;
    }

    #[cold]
    fn add_late(&mut self, bucket: i64, value: u64, needed: &Needed) {
        let words = &self.pool.words;
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
        let base = start(self.head.at);
        let end = base + self.head.steps as usize * STEP_WORDS;
        let from = base + after * STEP_WORDS;
        self.pool.words.copy_within(from..end, base + (first + 1) * STEP_WORDS);
        self.head.steps -= (after - first - 1) as u32;
    }

    /// Inserts a step that beats none.
    fn make_room_late(&mut self, bucket: i64, value: u64, needed: &Needed) {
        self.make_room(needed);
        let at = first_step_from(&self.pool.words, *self.head, bucket);
        let base = start(self.head.at);
        let (from, end) = (base + at * STEP_WORDS, base + self.head.steps as usize * STEP_WORDS);
        self.pool.words.copy_within(from..end, from + STEP_WORDS);
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
            self.thin(needed);
            let steps = self.head.steps as usize;
            if steps + steps / 4 + 1 > capacity {
                self.resize((steps + steps / 2).max(steps + 1));
            }
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
        let mut previous = i64::MIN;
        let mut kept = 0;
        for index in 0..self.head.steps as usize {
            let (bucket, value) = step(&self.pool.words, *self.head, index);
            if needed.in_range(previous, bucket) {
                self.set(kept, bucket, value);
                kept += 1;
            }
            previous = bucket;
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
}
