//! A plan narrowed to what is filled: the same sections, spaces and layout, in which parts that are
//! there already take no row. What is folded with it has the rows and buckets that the whole
//! section would have, so that the two can be joined.

use super::{Family, Filter, Plan, Section};

/// What of a section is filled from the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filling {
    /// Index of the section.
    pub section: usize,
    /// Parts that are folded.
    pub parts: Vec<usize>,
    /// Views whose facts are counted: what they leave out, and what comes beyond their windows.
    pub views: Vec<usize>,
}

/// The expressions that filling needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// By input of the section.
    pub inputs: Vec<bool>,
    /// By filter of the section.
    pub filters: Vec<bool>,
    /// Views of the section (indices into [`Plan::views`]) whose bad rows must be known.
    pub views: Vec<usize>,
}

impl Filling {
    /// Every part and view of a section.
    pub fn whole(plan: &Plan, section: usize) -> Filling {
        let of = &plan.sections[section];
        Filling { section, parts: (0..of.parts.len()).collect(), views: of.views.clone() }
    }

    /// Are all parts filled?
    pub fn is_whole(&self, plan: &Plan) -> bool {
        self.parts.len() == plan.sections[self.section].parts.len()
    }

    /// What must be evaluated to fill it.
    pub fn needs(&self, plan: &Plan) -> Needs {
        let section = &plan.sections[self.section];
        let mut needs = Needs {
            inputs: vec![false; section.inputs.len()],
            filters: vec![false; section.filters.len()],
            views: Vec::new(),
        };
        for &part in &self.parts {
            let part = &section.parts[part];
            part.input.iter().for_each(|&input| needs.inputs[input] = true);
            part.filter.iter().for_each(|&filter| needs.filters[filter] = true);
            if let Family::Raw { inputs, filters, .. } = &part.family {
                inputs.iter().for_each(|&input| needs.inputs[input] = true);
                filters.iter().for_each(|&filter| needs.filters[filter] = true);
            }
        }
        let filters = self.views.iter().filter_map(|&view| plan.views[view].filter);
        filters.for_each(|filter| needs.filters[filter] = true);
        let admitted = (0..section.filters.len())
            .filter(|&filter| needs.filters[filter])
            .filter_map(|filter| section.filters[filter].admission);
        needs.views.extend(admitted.chain(self.views.iter().copied()));
        needs.views.sort_unstable();
        needs.views.dedup();
        needs
    }
}

impl Plan {
    /// The plan in which the sections of these fillings fold the parts named and no others.
    ///
    /// A section of which only some parts are filled has one filter more, behind its own: the
    /// parts that are not filled have it, and no row may pass it. An extreme is filled with the
    /// count of its inputs, which tells the rows that have one.
    pub fn narrowed(&self, fillings: &[Filling]) -> Plan {
        let mut narrowed = self.clone();
        for filling in fillings.iter().filter(|filling| !filling.is_whole(self)) {
            narrow(&mut narrowed.sections[filling.section], &filling.parts);
        }
        narrowed
    }
}

fn narrow(section: &mut Section, parts: &[usize]) {
    let counts = parts.iter().filter_map(|&part| section.parts[part].count);
    let kept: Vec<usize> = parts.iter().copied().chain(counts).collect();
    let never = section.filters.len();
    section.filters.push(Filter { conditions: Vec::new(), admission: None });
    for (index, part) in section.parts.iter_mut().enumerate() {
        if !kept.contains(&index) {
            part.filter = Some(never);
        }
    }
    section.ordered = parts.iter().any(|&part| section.parts[part].family.is_ordered());
}
