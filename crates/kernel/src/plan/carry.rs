//! What of a former generation's state serves this one. A part serves another that keeps the same
//! for windows which its own windows can answer, whatever became of the rest of its section; the
//! events that wait serve as far as the former generation kept their inputs and filters. Nothing is
//! read here: plans alone decide.

use super::fingerprint::{expression_identity, facts_identity, filter_identity, part_identity};
use super::{Family, Part, Plan, Section, Source};

/// What of a former generation serves another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Carry {
    /// As the plan's sections.
    pub sections: Vec<SectionCarry>,
    /// As the plan's views: the former view whose facts are this one's. `None`: the events that
    /// came beyond its windows and those it leaves out must be counted again.
    pub views: Vec<Option<usize>>,
    /// Parts that nothing reads any more: (index of the former section, index of the part).
    pub dropped: Vec<(usize, usize)>,
}

/// What of a section is there.
#[derive(Clone, Debug, PartialEq)]
pub enum SectionCarry {
    /// All of it, as it was: its rows are read unchanged.
    Whole,
    /// The parts of this list; the others, if there are any, are to be filled.
    Parts(PartsCarry),
    /// Nothing.
    Nothing,
}

/// Where the parts of a section come from.
#[derive(Clone, Debug, PartialEq)]
pub struct PartsCarry {
    /// Index of the section in the former plan.
    pub from: usize,
    /// By part: its index in the former section.
    pub parts: Vec<Option<usize>>,
    /// By input: its index in the former section, where waiting events have it.
    pub inputs: Vec<Option<usize>>,
    /// By filter: its index in the former section, where waiting events have it.
    pub filters: Vec<Option<usize>>,
}

impl SectionCarry {
    /// Is the state of a part carried over?
    pub fn has(&self, part: usize) -> bool {
        match self {
            SectionCarry::Whole => true,
            SectionCarry::Parts(carry) => carry.parts[part].is_some(),
            SectionCarry::Nothing => false,
        }
    }
}

impl Plan {
    /// Compares with the plan whose state is there. Of its sections only those count that `held`
    /// names with their fingerprint: the others may have been written with another meaning.
    pub fn carry(&self, former: &Plan, held: &[(String, u128)]) -> Carry {
        let sections: Vec<SectionCarry> =
            (0..self.sections.len()).map(|index| self.section_carry(index, former, held)).collect();
        let facts = |view: usize| self.facts_carry(view, former, held);
        Carry {
            dropped: dropped(former, self, &sections),
            views: (0..self.views.len()).map(facts).collect(),
            sections,
        }
    }

    /// The former view of the same name, where it left out the same and reached as far: what came
    /// beyond its windows was skipped by these, too. Else any former view that is the same.
    fn facts_carry(&self, view: usize, former: &Plan, held: &[(String, u128)]) -> Option<usize> {
        let identity = facts_identity(self, view)?;
        let windows = &self.views[view].windows;
        let is_same = |other: &usize| {
            let is_held = match former.views[*other].source {
                Source::Section(section) => is_held(&former.sections[section], held),
                Source::Table(_) => false,
            };
            is_held && facts_identity(former, *other).as_ref() == Some(&identity)
        };
        let reaches = |other: &usize| {
            let wider = &former.views[*other].windows;
            windows.iter().all(|&window| wider.iter().any(|wider| wider.reaches_as_far_as(window)))
        };
        let by_name = former.view_index(&self.views[view].name).filter(is_same).filter(reaches);
        let others = || (0..former.views.len()).filter(is_same);
        by_name.or_else(|| others().find(|&other| former.views[other].windows == *windows))
    }

    fn section_carry(&self, index: usize, former: &Plan, held: &[(String, u128)]) -> SectionCarry {
        let section = &self.sections[index];
        let from = former.sections.iter().position(|other| other.name == section.name);
        let Some(from) = from.filter(|&from| is_held(&former.sections[from], held)) else {
            return SectionCarry::Nothing;
        };
        let old = &former.sections[from];
        if old.fingerprint == section.fingerprint {
            return SectionCarry::Whole;
        }
        let kept: Vec<String> =
            old.parts.iter().map(|part| part_identity(&former.blueprint, old, part)).collect();
        let part = |new: &Part| {
            let identity = part_identity(&self.blueprint, section, new);
            let serves = |at: &usize| kept[*at] == identity && has_all(&old.parts[*at], new);
            (0..kept.len()).find(serves)
        };
        let parts: Vec<Option<usize>> = section.parts.iter().map(part).collect();
        if parts.iter().all(Option::is_none) {
            return SectionCarry::Nothing;
        }
        let input = |new| {
            let identity = expression_identity(new);
            old.inputs.iter().position(|other| expression_identity(other) == identity)
        };
        let filter = |new| {
            let identity = filter_identity(&self.blueprint, new);
            let same = |other| filter_identity(&former.blueprint, other) == identity;
            old.filters.iter().position(same)
        };
        SectionCarry::Parts(PartsCarry {
            from,
            parts,
            inputs: section.inputs.iter().map(input).collect(),
            filters: section.filters.iter().map(filter).collect(),
        })
    }
}

/// Does what is kept of one part serve the windows of another that is the same but for these?
fn has_all(kept: &Part, part: &Part) -> bool {
    part.windows.iter().all(|&window| {
        kept.windows.iter().any(|kept_for| match part.family {
            // The latest events are kept whatever the steps of their windows.
            Family::Last { .. } => kept_for.reaches_as_far_as(window),
            _ => kept_for.has_boundaries_of(window),
        })
    })
}

/// Parts of a former plan that serve no part of this one.
fn dropped(former: &Plan, plan: &Plan, sections: &[SectionCarry]) -> Vec<(usize, usize)> {
    let mut dropped = Vec::new();
    for (index, section) in former.sections.iter().enumerate() {
        let serves = |part: usize| {
            let of_name = |(now, _): &(&Section, &SectionCarry)| now.name == section.name;
            plan.sections.iter().zip(sections).find(of_name).is_some_and(|(_, carry)| match carry {
                SectionCarry::Whole => true,
                SectionCarry::Parts(carry) => carry.parts.contains(&Some(part)),
                SectionCarry::Nothing => false,
            })
        };
        let parts = 0..section.parts.len();
        dropped.extend(parts.filter(|part| !serves(*part)).map(|part| (index, part)));
    }
    dropped
}

fn is_held(section: &Section, held: &[(String, u128)]) -> bool {
    held.iter().any(|(name, print)| (name, *print) == (&section.name, section.fingerprint))
}
