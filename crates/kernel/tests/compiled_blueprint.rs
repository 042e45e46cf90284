//! The kernel reads what the Python compiler writes: the golden blueprint of tests/compile, in
//! which every kind of definition occurs. Nothing may be lost or invented on the way.

use headwater_kernel::blueprint::{Blueprint, FORMAT, MEANING};
use headwater_kernel::plan::Plan;

const GOLDEN: &str = include_str!("../../../tests/compile/golden/flights.json");

#[test]
fn a_compiled_blueprint_reads_and_writes_back_whole() {
    let blueprint: Blueprint = serde_json::from_str(GOLDEN).expect("the golden file reads");
    assert_eq!((blueprint.format, blueprint.meaning), (FORMAT, MEANING));
    let written = serde_json::to_value(&blueprint).expect("a blueprint writes");
    let golden: serde_json::Value = serde_json::from_str(GOLDEN).expect("the golden file is JSON");
    assert_eq!(written, golden);
}

#[test]
fn a_compiled_blueprint_has_a_plan() {
    let blueprint: Blueprint = serde_json::from_str(GOLDEN).expect("the golden file reads");
    let features: Vec<usize> = blueprint.views.iter().map(|view| view.features.len()).collect();
    let plan = Plan::new(blueprint).expect("a checked blueprint has a plan");
    let planned: Vec<usize> = plan.views.iter().map(|view| view.features.len()).collect();
    assert_eq!(planned, features);
    assert_eq!(plan.service_index("delay_model"), Some(0));
}
