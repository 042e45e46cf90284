//! Rows of changed sections: what a former generation kept of some parts, joined key by key with
//! what was filled of the others. How two sides become one is in `sides`; here they are read, and
//! brought to one sealed instant first.

use std::sync::Arc;

use super::SpaceState;
use super::bytes::Reader;
use super::row::{FORMAT, SectionRow};
use super::section::SectionState;
use super::sides::Sides;
use crate::error::Result;
use crate::key::hash_key;
use crate::plan::{Carry, PartsCarry, Plan, SectionCarry};

/// Joins the rows of one space, key by key.
pub struct Join {
    plan: Arc<Plan>,
    sections: Vec<Joined>,
    /// What was filled, by the narrowed plan; its sections are those of the plan.
    filled: Option<SpaceState>,
    /// By id of `filled`: was it joined with what a former generation kept?
    done: Vec<bool>,
}

/// A section that is joined.
struct Joined {
    section: usize,
    carry: PartsCarry,
    /// The former section; it holds one key at a time, as id 0.
    former: SectionState,
    /// Is anything of it in `filled`?
    is_filled: bool,
}

impl Join {
    /// For a space of the plan (an index). `sealed_at` tells the sealed instant of a section that
    /// both sides have reached. `filled` has the parts that the carry lacks, folded with the plan
    /// narrowed to these; without any there is nothing to be filled.
    pub fn new(
        plan: &Arc<Plan>,
        former: &Arc<Plan>,
        carry: &Carry,
        space: usize,
        sealed_at: impl Fn(usize) -> Option<i64>,
        mut filled: Option<SpaceState>,
    ) -> Join {
        let joined = |&section: &usize| {
            let SectionCarry::Parts(carry) = &carry.sections[section] else { return None };
            let mut state = SectionState::new(former, carry.from);
            if let Some(sealed_at) = sealed_at(section) {
                state.seal(sealed_at);
                filled.iter_mut().for_each(|filled| filled.seal(section, sealed_at));
            }
            let is_filled = carry.parts.iter().any(Option::is_none);
            Some(Joined { section, carry: carry.clone(), former: state, is_filled })
        };
        let sections = plan.spaces[space].sections.iter().filter_map(joined).collect();
        Join { plan: Arc::clone(plan), sections, filled, done: Vec::new() }
    }

    /// Takes the row of a key that the former generation wrote, joined with what was filled of the
    /// key, in place of what `into` holds of it in these sections. Others are passed over.
    ///
    /// Damaged bytes are an error of kind Data.
    pub fn row(&mut self, into: &mut SpaceState, key: &[u8], bytes: &[u8]) -> Result<()> {
        if self.sections.is_empty() {
            return Ok(());
        }
        let mut reader = Reader::new(bytes);
        reader.format(FORMAT)?;
        let mut rows: Vec<Option<SectionRow>> = self.sections.iter().map(|_| None).collect();
        for _ in 0..reader.count(20)? {
            let fingerprint = reader.u128()?;
            let length = reader.u32()? as usize;
            let body = reader.take(length)?;
            for (joined, row) in self.sections.iter_mut().zip(&mut rows) {
                if joined.former.section().fingerprint == fingerprint {
                    let read = joined.former.read_row(body)?;
                    joined.former.load_row(0, read);
                    *row = Some(settled(&mut joined.former, 0));
                }
            }
        }
        reader.end()?;
        let id = self.filled.as_ref().and_then(|filled| filled.find(key));
        if let Some(id) = id {
            self.done.resize(self.done.len().max(id as usize + 1), false);
            self.done[id as usize] = true;
        }
        self.join(into, key, rows, id);
        Ok(())
    }

    /// Takes the keys that were filled and that no row of the former generation told of.
    pub fn rest(&mut self, into: &mut SpaceState) {
        if !self.sections.iter().any(|joined| joined.is_filled) {
            return;
        }
        let ids: Vec<u32> = self.filled.iter().flat_map(SpaceState::ids).collect();
        for id in ids {
            if self.done.get(id as usize) != Some(&true) {
                let filled = self.filled.as_ref().expect("it gave the id");
                let key: Box<[u8]> = filled.key(id).into();
                let nothing = self.sections.iter().map(|_| None).collect();
                self.join(into, &key, nothing, Some(id));
            }
        }
    }

    fn join(
        &mut self,
        into: &mut SpaceState,
        key: &[u8],
        rows: Vec<Option<SectionRow>>,
        filled_id: Option<u32>,
    ) {
        let to = into.directory.find_or_insert(hash_key(key), key);
        for (joined, former) in self.sections.iter().zip(rows) {
            let mut filled = None;
            if let (true, Some(state), Some(id)) = (joined.is_filled, &mut self.filled, filled_id) {
                let position = state.position(joined.section);
                let section = &mut state.sections[position];
                filled = Some(settled(section, id));
                section.clear(id);
            }
            let position = into.position(joined.section);
            let target = &mut into.sections[position];
            let sides = Sides {
                carry: &joined.carry,
                parts: &self.plan.sections[joined.section].parts,
                layout: &target.layout,
                former_layout: &joined.former.layout,
            };
            let row = sides.join(former, filled, self.plan.sections[joined.section].ordered);
            target.load_row(to, row);
        }
    }
}

/// What is held of a key once the sealed instant has passed all that it passes.
fn settled(state: &mut SectionState, id: u32) -> SectionRow {
    state.age(id);
    let columns = state.columns.get(id as usize).and_then(Option::as_deref);
    SectionRow {
        log: state.log_rows(id),
        columns: columns.unwrap_or_default().into(),
        waiting: state.waiting_of(id).to_vec(),
    }
}
