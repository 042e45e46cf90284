//! The plan of one view alone: replaying a view must not pay for the others of its section.

use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::plan::{FeatureCompute, Plan, Section, Source, ViewPlan};

/// A plan with one view (number 0), and where its section's columns are in the whole section.
pub(super) struct Narrowed {
    /// The plan.
    pub(super) plan: Arc<Plan>,
    /// For each input of the narrow section, its index in the whole one.
    pub(super) inputs: Vec<usize>,
    /// For each filter of the narrow section, its index in the whole one.
    pub(super) filters: Vec<usize>,
}

impl Narrowed {
    /// Narrows a plan to one of its views, of a stream.
    pub(super) fn new(plan: &Plan, view: usize) -> Result<Self> {
        let mut blueprint = (*plan.blueprint).clone();
        blueprint.views = vec![blueprint.views.swap_remove(view)];
        blueprint.services.clear();
        let narrow = Plan::new(blueprint)?;
        let [section] = narrow.sections.as_slice() else {
            let message = "a view of a stream has one section".to_owned();
            return Err(Error::new(Kind::Internal, "replay_view", message));
        };
        let mut inputs = vec![usize::MAX; section.inputs.len()];
        let mut filters = vec![usize::MAX; section.filters.len()];
        for (index, whole) in pairs(&narrow.views[0], &plan.views[view], |columns| columns.input) {
            inputs[index] = whole;
        }
        for (index, whole) in pairs(&narrow.views[0], &plan.views[view], |columns| columns.filter) {
            filters[index] = whole;
        }
        if let (Some(index), Some(whole)) = (narrow.views[0].filter, plan.views[view].filter) {
            filters[index] = whole;
        }
        let mapped = inputs.iter().chain(&filters).all(|&index| index != usize::MAX);
        assert!(mapped, "every column of a section of one view is one of the view's");
        Ok(Self { plan: Arc::new(narrow), inputs, filters })
    }

    /// Index of its section in its plan.
    pub(super) const SECTION: usize = 0;

    /// Its section.
    pub(super) fn section(&self) -> &Section {
        debug_assert_eq!(self.plan.views[0].source, Source::Section(Self::SECTION));
        &self.plan.sections[Self::SECTION]
    }

    /// Index of its space in its plan.
    pub(super) fn space(&self) -> usize {
        self.section().space
    }
}

/// The columns of a section that a feature reads.
struct Columns {
    input: Option<usize>,
    filter: Option<usize>,
}

/// Pairs what the features of a view read in the narrow and in the whole section.
fn pairs(
    narrow: &ViewPlan,
    whole: &ViewPlan,
    part: impl Fn(&Columns) -> Option<usize>,
) -> Vec<(usize, usize)> {
    let columns = |view: &ViewPlan, feature: usize| match &view.features[feature].compute {
        FeatureCompute::Aggregate(aggregate) => {
            Columns { input: aggregate.input, filter: aggregate.filter }
        }
        FeatureCompute::Column(_) => Columns { input: None, filter: None },
    };
    let feature =
        |feature| Some((part(&columns(narrow, feature))?, part(&columns(whole, feature))?));
    (0..narrow.features.len()).filter_map(feature).collect()
}
