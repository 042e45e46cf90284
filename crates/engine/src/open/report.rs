//! What opening did, as data and as lines: the plan of a change of definitions part by part, and
//! what recovery read.

use headwater_kernel::blueprint::Blueprint;
use headwater_kernel::plan::Plan;
use serde_json::{Value as Json, json};

use super::carried::Carried;
use super::parts::{part_text, readers};

/// What became of a part of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartAction {
    /// Taken as it was.
    Kept,
    /// Filled from the archive.
    Filled,
    /// No longer asked for.
    Dropped,
}

/// A part of the state, a table, or the facts of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartReport {
    /// What became of it.
    pub action: PartAction,
    /// The section that it belongs to, or the table.
    pub of: String,
    /// What it keeps.
    pub part: String,
    /// Views that read it.
    pub views: Vec<String>,
    /// Events from which it was filled.
    pub events: u64,
}

/// What opening did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Did the definitions change since the data was last written?
    pub changed: bool,
    /// Views by what became of them: (name, new | changed | dropped).
    pub views: Vec<(String, &'static str)>,
    /// Parts, where there was a checkpoint to compare with.
    pub parts: Vec<PartReport>,
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
            PartAction::Filled => "filled",
            PartAction::Dropped => "dropped",
        }
    }
}

impl OpenReport {
    /// Tells what became of each part; `events` were read for each section and each table.
    pub(super) fn tell_parts(
        &mut self,
        plan: &Plan,
        carried: &Carried,
        (sections, tables): &(Vec<u64>, Vec<u64>),
    ) {
        for (index, section) in plan.sections.iter().enumerate() {
            for part in 0..section.parts.len() {
                let kept = carried.carry.sections[index].has(part);
                self.parts.push(PartReport {
                    action: if kept { PartAction::Kept } else { PartAction::Filled },
                    of: section.name.clone(),
                    part: part_text(plan, index, part),
                    views: readers(plan, index, part),
                    events: if kept { 0 } else { sections[index] },
                });
            }
        }
        // What a view leaves out is told where it is all that was filled of the view.
        for filling in &carried.fillings {
            let views = filling.views.iter().map(|&view| plan.views[view].name.clone());
            let is_read = |view: &String| {
                let mut parts = filling.parts.iter();
                parts.any(|&part| readers(plan, filling.section, part).contains(view))
            };
            let (of, events) = (&plan.sections[filling.section].name, sections[filling.section]);
            self.parts.extend(views.filter(|view| !is_read(view)).map(|view| PartReport {
                action: PartAction::Filled,
                of: of.clone(),
                part: format!("what {view} leaves out"),
                views: vec![view],
                events,
            }));
        }
        for (index, table) in plan.blueprint.tables.iter().enumerate() {
            let kept = carried.tables.contains(&index);
            self.parts.push(PartReport {
                action: if kept { PartAction::Kept } else { PartAction::Filled },
                events: if kept { 0 } else { tables[index] },
                ..table_report(&table.name)
            });
        }
        self.tell_dropped(carried);
    }

    fn tell_dropped(&mut self, carried: &Carried) {
        let dropped = PartAction::Dropped;
        if let Some(former) = &carried.former {
            self.parts.extend(carried.carry.dropped.iter().map(|&(section, part)| PartReport {
                action: dropped,
                of: former.sections[section].name.clone(),
                part: part_text(former, section, part),
                views: readers(former, section, part),
                events: 0,
            }));
        }
        let tables = carried.dropped_tables.iter();
        let gone = |name: &String| PartReport { action: dropped, ..table_report(name) };
        self.parts.extend(tables.map(gone));
    }

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
        for action in [PartAction::Kept, PartAction::Filled, PartAction::Dropped] {
            lines.extend(self.lines_of(action));
        }
        lines.push(match self.parts.is_empty() {
            true => format!("  {} events read from the archive", grouped(self.replayed_events)),
            false => format!("  {} events read from the archive", grouped(self.backfilled_events)),
        });
        lines
    }

    /// Kept parts by their section, all others a line each.
    fn lines_of(&self, action: PartAction) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut last = None;
        for part in self.parts.iter().filter(|part| part.action == action) {
            if action == PartAction::Kept && last == Some(&part.of) {
                let line = lines.last_mut().expect("the section's line was begun");
                line.push_str(&format!("; {}", part.part));
                continue;
            }
            last = Some(&part.of);
            let from = match action {
                PartAction::Filled => format!(", from {} events", grouped(part.events)),
                PartAction::Kept | PartAction::Dropped => String::new(),
            };
            lines.push(format!("  {} {}: {}{from}", action.name(), part.of, part.part));
        }
        lines
    }

    /// All of it as JSON.
    pub fn to_json(&self) -> Json {
        let views: Vec<Json> =
            self.views.iter().map(|(name, what)| json!({"view": name, "change": what})).collect();
        let part = |part: &PartReport| {
            json!({
                "action": part.action.name(),
                "of": part.of,
                "part": part.part,
                "views": part.views,
                "events": part.events,
            })
        };
        json!({
            "changed": self.changed,
            "views": views,
            "parts": self.parts.iter().map(part).collect::<Vec<Json>>(),
            "backfilled_events": self.backfilled_events,
            "checkpoint_sequence": self.checkpoint_sequence,
            "replayed_epochs": self.replayed_epochs,
            "replayed_events": self.replayed_events,
            "cut_bytes": self.cut_bytes,
            "lines": self.lines(),
        })
    }
}

fn table_report(name: &str) -> PartReport {
    PartReport {
        action: PartAction::Kept,
        of: name.to_string(),
        part: "rows of the table".into(),
        views: Vec::new(),
        events: 0,
    }
}

/// A number with commas.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
