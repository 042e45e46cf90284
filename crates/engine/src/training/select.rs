//! What is asked for, by name: a service, or a view read as a service of its own.

use headwater_kernel::blueprint::RequestKey;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::near;
use headwater_kernel::plan::{InputPlan, OutputPlan, Plan, ServicePlan};

/// The service of this name, or else the view of this name as a service with all its features.
///
/// # Errors
/// `unknown_name` (not found), with a near name.
pub fn select(plan: &Plan, name: &str) -> Result<ServicePlan> {
    if let Some(service) = plan.service_index(name) {
        return Ok(plan.services[service].clone());
    }
    if let Some(view) = plan.view_index(name) {
        return Ok(service_of_view(plan, view));
    }
    let services = plan.services.iter().map(|service| service.name.as_str());
    let names = services.chain(plan.views.iter().map(|view| view.name.as_str()));
    let message = format!("no service or view is named {}", near::shown(name));
    Err(Error::new(Kind::NotFound, "unknown_name", message).with_hint(near::hint(name, names)))
}

/// A view read alone: its keys, and all its features in order of definition.
pub(super) fn service_of_view(plan: &Plan, index: usize) -> ServicePlan {
    let view = &plan.views[index];
    let key =
        |(name, data_type): &(String, _)| RequestKey { name: name.clone(), data_type: *data_type };
    let output = |(feature, plan): (usize, &headwater_kernel::plan::FeaturePlan)| OutputPlan {
        name: plan.column.clone(),
        input: 0,
        feature,
        data_type: plan.data_type,
    };
    ServicePlan {
        name: view.name.clone(),
        keys: view.keys.iter().map(key).collect(),
        inputs: vec![InputPlan {
            view: index,
            label: view.name.clone(),
            keys: (0..view.keys.len()).collect(),
        }],
        columns: view.features.iter().enumerate().map(output).collect(),
    }
}
