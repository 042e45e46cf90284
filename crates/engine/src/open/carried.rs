//! What of a checkpoint serves the definitions that open it, and what is to be filled. Plans and
//! names decide; no row is read here.

use std::collections::BTreeSet;
use std::sync::Arc;

use headwater_kernel::blueprint::Blueprint;
use headwater_kernel::plan::{Carry, Filling, Plan, SectionCarry, Source};
use headwater_store::online::EpochId;

use crate::checkpoint::CheckpointMeta;
use crate::state::facts::ViewFacts;

/// What of a checkpoint serves the plan.
#[derive(Clone, Debug)]
pub struct Carried {
    /// What the checkpoint says of itself.
    pub meta: CheckpointMeta,
    /// The plan that wrote it; `None` where this kernel cannot make it any more.
    pub former: Option<Arc<Plan>>,
    /// Sections and parts by where they come from.
    pub carry: Carry,
    /// What is filled of sections.
    pub fillings: Vec<Filling>,
    /// By view of the plan: its facts; `None` where they are counted again.
    pub facts: Vec<Option<ViewFacts>>,
    /// Tables (of the plan) whose rows are taken as they are.
    pub tables: BTreeSet<usize>,
    /// Tables to fill.
    pub missing_tables: Vec<usize>,
    /// Names of tables that nothing asks for any more.
    pub dropped_tables: Vec<String>,
}

impl Carried {
    /// Compares what a checkpoint holds with what the plan asks for.
    pub fn compare(plan: &Plan, meta: CheckpointMeta) -> Self {
        let blueprint: Option<Blueprint> = serde_json::from_str(&meta.blueprint).ok();
        let former = blueprint.and_then(|blueprint| Plan::new(blueprint).ok()).map(Arc::new);
        let carry = match &former {
            Some(former) => plan.carry(former, &meta.sections),
            None => Carry {
                sections: vec![SectionCarry::Nothing; plan.sections.len()],
                views: vec![None; plan.views.len()],
                dropped: Vec::new(),
            },
        };
        let mut carried = Self {
            facts: Vec::new(),
            fillings: Vec::new(),
            tables: BTreeSet::new(),
            missing_tables: Vec::new(),
            dropped_tables: Vec::new(),
            meta,
            former,
            carry,
        };
        carried.facts = (0..plan.views.len()).map(|view| carried.facts_of(plan, view)).collect();
        carried.find_fillings(plan);
        carried.find_tables(plan);
        carried
    }

    /// The epoch that the checkpoint covers.
    pub fn covered(&self) -> EpochId {
        EpochId { term: self.meta.term, sequence: self.meta.sequence }
    }

    /// Is the checkpoint just what the plan asks for?
    pub fn is_everything(&self) -> bool {
        self.carry.sections.iter().all(|section| *section == SectionCarry::Whole)
            && self.carry.dropped.is_empty()
            && self.fillings.is_empty()
            && self.missing_tables.is_empty()
            && self.dropped_tables.is_empty()
    }

    /// Views whose facts are counted again: their events are tried again.
    pub fn is_tried_again(&self, view: usize) -> bool {
        self.fillings.iter().any(|filling| filling.views.contains(&view))
    }

    /// The facts of a view, where one of the former views has the same. Letters bear their view's
    /// name: another name serves only where there is none.
    fn facts_of(&self, plan: &Plan, view: usize) -> Option<ViewFacts> {
        let name = &self.former.as_ref()?.views[self.carry.views[view]?].name;
        let (_, _, facts) = self.meta.views.iter().find(|(known, _, _)| known == name)?;
        let serves = *name == plan.views[view].name || facts.left_out.is_empty();
        serves.then(|| facts.clone())
    }

    fn find_fillings(&mut self, plan: &Plan) {
        for (section, carry) in self.carry.sections.iter().enumerate() {
            let parts = 0..plan.sections[section].parts.len();
            let views = plan.sections[section].views.iter().copied();
            let is_counted_again = |view: &usize| {
                matches!(plan.views[*view].source, Source::Section(_))
                    && self.facts[*view].is_none()
            };
            let filling = Filling {
                section,
                parts: parts.filter(|&part| !carry.has(part)).collect(),
                views: views.filter(is_counted_again).collect(),
            };
            if !filling.parts.is_empty() || !filling.views.is_empty() {
                self.fillings.push(filling);
            }
        }
    }

    fn find_tables(&mut self, plan: &Plan) {
        for (index, table) in plan.blueprint.tables.iter().enumerate() {
            if self.meta.tables.contains(&(table.name.clone(), table.version.clone())) {
                self.tables.insert(index);
            } else {
                self.missing_tables.push(index);
            }
        }
        let names = self.meta.tables.iter().map(|(name, _)| name);
        let gone = names.filter(|name| plan.table_index(name).is_none());
        self.dropped_tables = gone.cloned().collect();
    }
}
