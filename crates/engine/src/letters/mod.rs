//! Dead letters: rows that were refused, or left out by a view, and what was decided about each.
//!
//! An index only: the rows themselves lie in the log. Ids are positions, so they never change:
//! `partition-offset`, and `partition-offset-View` for what one view left out. A letter changes its
//! status once; epochs and decisions of the log give the same index each time they are applied.

mod verbs;

use std::collections::{BTreeMap, BTreeSet};

use headwater_kernel::error::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::contract::text_of_instant;
use crate::log::Location;
use crate::log::record::EpochMeta;
use crate::transform::LeftOut;

/// Which letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LetterKey {
    /// Name of the stream or table.
    pub source: String,
    /// Partition of its position.
    pub partition: u32,
    /// Offset of its position.
    pub offset: u64,
    /// The view that left the event out; none: the event itself was refused.
    pub view: Option<String>,
}

/// What is known of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Name of the cause.
    pub cause: String,
    /// What was wrong.
    pub message: String,
    /// The clock when it was recorded.
    pub wall_at: i64,
    /// Its epoch in the log.
    pub location: Location,
    /// Index into the epoch's refused rows; of a view's letter, row of the epoch's body.
    pub row: u32,
    /// What was decided.
    pub status: Status,
}

/// What was decided about a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Nothing yet.
    Open,
    /// Its event was pushed again at this instant, or definitions of this instant let its view fold
    /// it.
    Replayed(i64),
    /// It was given up at this instant.
    Discarded(i64),
}

impl LetterKey {
    /// The id within its source.
    pub fn id(&self) -> String {
        match &self.view {
            None => format!("{}-{}", self.partition, self.offset),
            Some(view) => format!("{}-{}-{view}", self.partition, self.offset),
        }
    }

    /// The key of an id; `None` where it cannot be one.
    pub fn parse(source: &str, id: &str) -> Option<Self> {
        let mut parts = id.splitn(3, '-');
        let partition = parts.next()?.parse().ok()?;
        let offset = parts.next()?.parse().ok()?;
        let view = parts.next().map(str::to_string);
        Some(Self { source: source.to_string(), partition, offset, view })
    }
}

impl Letter {
    /// The letter as every surface shows it, without its row.
    pub fn to_json(&self, key: &LetterKey) -> Json {
        let (status, decided_at) = match self.status {
            Status::Open => ("open", None),
            Status::Replayed(at) => ("replayed", Some(at)),
            Status::Discarded(at) => ("discarded", Some(at)),
        };
        json!({
            "id": key.id(),
            "stream": key.source,
            "partition": key.partition,
            "offset": key.offset,
            "view": key.view,
            "cause": self.cause,
            "message": self.message,
            "at": text_of_instant(self.wall_at),
            "status": status,
            "decided_at": decided_at.map(text_of_instant),
        })
    }
}

/// All letters, by source and position.
#[derive(Debug, Default)]
pub struct Letters {
    letters: BTreeMap<LetterKey, Letter>,
    changed: BTreeSet<LetterKey>,
}

impl Letters {
    /// Adds what an epoch refused.
    pub fn add_refused(&mut self, meta: &EpochMeta, location: Location) {
        for (row, refused) in (0u32..).zip(&meta.rejected) {
            let key = LetterKey {
                source: meta.source.clone(),
                partition: meta.partition,
                offset: meta.first_offset + u64::from(refused.row),
                view: None,
            };
            let letter = Letter {
                cause: refused.cause.clone(),
                message: refused.message.clone(),
                wall_at: meta.wall_at,
                location,
                row,
                status: Status::Open,
            };
            self.insert(key, letter);
        }
    }

    /// Adds what views left out of an epoch; `names` are those of the plan's views.
    pub fn add_left_out(
        &mut self,
        meta: &EpochMeta,
        location: Location,
        left_out: &[LeftOut],
        names: &dyn Fn(usize) -> String,
    ) {
        if left_out.is_empty() {
            return;
        }
        let rows: Vec<u32> = meta.accepted_rows().collect();
        for one in left_out {
            let key = LetterKey {
                source: meta.source.clone(),
                partition: meta.partition,
                offset: meta.first_offset + u64::from(rows[one.row as usize]),
                view: Some(names(one.view)),
            };
            let letter = Letter {
                cause: one.cause.name().to_string(),
                message: one.message.clone(),
                wall_at: meta.wall_at,
                location,
                row: one.row,
                status: Status::Open,
            };
            // An epoch is read again for changed definitions; what was given up stays so.
            let held = self.letters.get(&key).map(|held| held.status);
            if !matches!(held, Some(Status::Discarded(_))) {
                self.insert(key, letter);
            }
        }
    }

    /// Takes a letter as it was saved.
    pub fn load(&mut self, key: LetterKey, letter: Letter) {
        self.letters.insert(key, letter);
    }

    fn insert(&mut self, key: LetterKey, letter: Letter) {
        self.changed.insert(key.clone());
        self.letters.insert(key, letter);
    }

    /// Notes what was decided.
    pub fn decide(&mut self, key: &LetterKey, status: Status) {
        if let Some(letter) = self.letters.get_mut(key) {
            letter.status = status;
            self.changed.insert(key.clone());
        }
    }

    /// Takes out the open letters of views for which `of` holds.
    pub fn take_open(&mut self, of: &dyn Fn(&str) -> bool) -> Vec<(LetterKey, Letter)> {
        let is_wanted = |(key, letter): &(&LetterKey, &Letter)| {
            letter.status == Status::Open && key.view.as_ref().is_some_and(|view| of(view))
        };
        let wanted = self.letters.iter().filter(is_wanted).map(|(key, _)| key.clone());
        let wanted: Vec<LetterKey> = wanted.collect();
        self.changed.extend(wanted.iter().cloned());
        wanted.iter().filter_map(|key| self.letters.remove_entry(key)).collect()
    }

    /// Notes of letters whose events were tried again that those which were not left out again
    /// are in their views now: as replayed.
    pub fn mend(&mut self, tried: Vec<(LetterKey, Letter)>, wall_at: i64) {
        for (key, letter) in tried {
            if !self.letters.contains_key(&key) {
                self.insert(key, Letter { status: Status::Replayed(wall_at), ..letter });
            }
        }
    }

    /// Removes letters whose rows lay in segments before this one.
    pub fn remove_before(&mut self, segment: u64) {
        let changed = &mut self.changed;
        self.letters.retain(|key, letter| {
            let dead = letter.location.segment < segment;
            if dead {
                changed.insert(key.clone());
            }
            !dead
        });
    }

    /// A letter, or an error.
    pub fn get(&self, key: &LetterKey) -> Result<&Letter> {
        self.letters.get(key).ok_or_else(|| unknown(&key.source, &key.id()))
    }

    /// A letter that is still open, or an error that says what was decided.
    pub fn open(&self, key: &LetterKey) -> Result<&Letter> {
        let letter = self.get(key)?;
        let (code, what, at) = match letter.status {
            Status::Open => return Ok(letter),
            Status::Replayed(at) => ("already_replayed", "replayed", at),
            Status::Discarded(at) => ("already_discarded", "discarded", at),
        };
        let at = text_of_instant(at);
        let message = format!("dead letter {} of {} was {what} at {at}", key.id(), key.source);
        Err(Error::new(Kind::Conflict, code, message))
    }

    /// At most `limit` letters of a source after the one with this id, oldest first, and the id to
    /// go on after if there are more.
    pub fn list(&self, source: &str, limit: usize, after: Option<&LetterKey>) -> Json {
        let from = after.cloned().unwrap_or(LetterKey {
            source: source.to_string(),
            partition: 0,
            offset: 0,
            view: None,
        });
        let of_source = self
            .letters
            .range(from..)
            .skip_while(|(key, _)| Some(*key) == after)
            .take_while(|(key, _)| key.source == source);
        let found: Vec<(&LetterKey, &Letter)> = of_source.take(limit.saturating_add(1)).collect();
        let shown = &found[..found.len().min(limit)];
        let more = found.len() > limit;
        let letters: Vec<Json> = shown.iter().map(|(key, letter)| letter.to_json(key)).collect();
        let next = shown.last().filter(|_| more).map(|(key, _)| key.id());
        json!({"letters": letters, "next": next})
    }

    /// Open letters by source name.
    pub fn open_counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (key, _) in self.letters.iter().filter(|(_, l)| l.status == Status::Open) {
            *counts.entry(key.source.clone()).or_default() += 1;
        }
        counts
    }

    /// All letters, as if all had changed.
    pub fn take_all(&mut self) -> Vec<(LetterKey, Option<Letter>)> {
        self.changed.clear();
        self.letters.iter().map(|(key, letter)| (key.clone(), Some(letter.clone()))).collect()
    }

    /// Letters that changed since the last call, as they are now; `None` where they are gone.
    pub fn take_changed(&mut self) -> Vec<(LetterKey, Option<Letter>)> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .map(|key| {
                let letter = self.letters.get(&key).cloned();
                (key, letter)
            })
            .collect()
    }
}

/// The error for a letter that is not there.
pub fn unknown(source: &str, id: &str) -> Error {
    Error::new(Kind::NotFound, "unknown_dead_letter", format!("{source} has no dead letter {id}"))
        .with_hint("list them: ids are partition-offset, or partition-offset-View")
}
