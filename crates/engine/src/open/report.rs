//! What opening did, as data and as lines: the plan of a change of definitions, and what recovery
//! read.

use headwater_kernel::blueprint::Blueprint;
use serde_json::{Value as Json, json};

/// What became of a part of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartAction {
    /// Taken as it was.
    Kept,
    /// Filled from the log.
    Backfilled,
    /// No longer asked for.
    Dropped,
}

/// A part of the state: a stream by its key columns, or a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What became of it.
    pub action: PartAction,
    /// Its name.
    pub name: String,
    /// Views that read it.
    pub views: Vec<String>,
}

/// What opening did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Did the definitions change since the data was last written?
    pub changed: bool,
    /// Views by what became of them: (name, new | changed | dropped).
    pub views: Vec<(String, &'static str)>,
    /// Parts, where there was a checkpoint to compare with.
    pub parts: Vec<Part>,
    /// Events read to fill parts.
    pub backfilled_events: u64,
    /// Record that the checkpoint covers; 0 without one.
    pub checkpoint_sequence: u64,
    /// Epochs applied again.
    pub replayed_epochs: u64,
    /// Events in them.
    pub replayed_events: u64,
    /// Bytes of a torn end that were cut from the log; none of it had been acknowledged.
    pub cut_bytes: u64,
}

impl PartAction {
    fn name(self) -> &'static str {
        match self {
            PartAction::Kept => "kept",
            PartAction::Backfilled => "backfilled",
            PartAction::Dropped => "dropped",
        }
    }
}

impl OpenReport {
    /// Compares the views of the former definitions, if there were any, with those now in force.
    pub(super) fn finish(&mut self, former: Option<&Blueprint>, now: &Blueprint) {
        let Some(former) = former else { return };
        self.changed = former != now;
        for view in &now.views {
            match former.views.iter().find(|old| old.name == view.name) {
                None => self.views.push((view.name.clone(), "new")),
                Some(old) if old.version != view.version => {
                    self.views.push((view.name.clone(), "changed"));
                }
                Some(_) => {}
            }
        }
        for old in &former.views {
            if !now.views.iter().any(|view| view.name == old.name) {
                self.views.push((old.name.clone(), "dropped"));
            }
        }
    }

    /// The plan of the change as lines; none where nothing changed.
    pub fn lines(&self) -> Vec<String> {
        if !self.changed {
            return Vec::new();
        }
        let mut lines = vec!["the definitions changed:".to_string()];
        lines.extend(self.views.iter().map(|(name, what)| format!("  {what} view {name}")));
        for part in &self.parts {
            let views = match part.views.is_empty() {
                true => String::new(),
                false => format!(" for {}", part.views.join(", ")),
            };
            lines.push(format!("  {} {}{views}", part.action.name(), part.name));
        }
        let read = self.backfilled_events.max(match self.parts.is_empty() {
            true => self.replayed_events,
            false => 0,
        });
        lines.push(format!("  {read} events read from the archive"));
        lines
    }

    /// All of it as JSON.
    pub fn to_json(&self) -> Json {
        let views: Vec<Json> =
            self.views.iter().map(|(name, what)| json!({"view": name, "change": what})).collect();
        let parts: Vec<Json> = self
            .parts
            .iter()
            .map(|p| json!({"part": p.name, "action": p.action.name(), "views": p.views}))
            .collect();
        json!({
            "changed": self.changed,
            "views": views,
            "parts": parts,
            "backfilled_events": self.backfilled_events,
            "checkpoint_sequence": self.checkpoint_sequence,
            "replayed_epochs": self.replayed_epochs,
            "replayed_events": self.replayed_events,
            "cut_bytes": self.cut_bytes,
            "lines": self.lines(),
        })
    }
}
