//! Pushes known by a key: a repeat is answered with the first positions and applied no more.
//!
//! Keys are kept by the clock, for the time that the settings say. They are of one source each.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

/// What is remembered of a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Offset of its first row.
    pub first_offset: u64,
    /// Its rows.
    pub rows: u64,
    /// The clock when it was recorded.
    pub wall_at: i64,
}

/// Keys of all sources.
#[derive(Clone, Debug)]
pub struct Idempotency {
    keep_us: i64,
    pushes: HashMap<(String, String), Remembered>,
    order: BTreeMap<i64, Vec<(String, String)>>,
}

impl Idempotency {
    /// No keys yet; each is kept for `keep_us`.
    pub fn new(keep_us: i64) -> Self {
        Self { keep_us, pushes: HashMap::new(), order: BTreeMap::new() }
    }

    /// The push that came to `source` under `key`.
    pub fn find(&self, source: &str, key: &str) -> Option<&Remembered> {
        self.pushes.get(&(source.to_string(), key.to_string()))
    }

    /// Remembers a push; a later call for the same key replaces the former.
    pub fn remember(&mut self, source: &str, key: &str, push: Remembered) {
        let name = (source.to_string(), key.to_string());
        self.order.entry(push.wall_at).or_default().push(name.clone());
        self.pushes.insert(name, push);
    }

    /// Forgets what is older than is kept at `wall_at`; returns their (source, key).
    pub fn expire(&mut self, wall_at: i64) -> Vec<(String, String)> {
        let mut forgotten = Vec::new();
        while let Some(entry) = self.order.first_entry() {
            if wall_at - *entry.key() <= self.keep_us {
                break;
            }
            let at = *entry.key();
            for name in entry.remove() {
                if self.pushes.get(&name).is_some_and(|push| push.wall_at == at) {
                    self.pushes.remove(&name);
                    forgotten.push(name);
                }
            }
        }
        forgotten
    }

    /// Everything held: (source, key, push), as a checkpoint takes it.
    pub fn all(&self) -> Vec<(String, String, Option<Remembered>)> {
        let one = |(name, push): (&(String, String), &Remembered)| {
            (name.0.clone(), name.1.clone(), Some(push.clone()))
        };
        self.pushes.iter().map(one).collect()
    }

    /// How many keys are held.
    pub fn len(&self) -> usize {
        self.pushes.len()
    }

    /// Is none held?
    pub fn is_empty(&self) -> bool {
        self.pushes.is_empty()
    }
}
