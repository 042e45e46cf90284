//! For tests of the kernel: definitions over one stream, the columns that the engine would make of
//! events, random ones (`random`), and what the values should be (`model`). It shares no code with
//! what it tests.

#![allow(dead_code, missing_docs, unused_imports)]

pub mod answers;
mod columns;
mod definitions;
pub mod model;
pub mod random;

use std::sync::Arc;

use headwater_kernel::fold::FoldReport;
use headwater_kernel::key::encode_key;
use headwater_kernel::plan::Plan;
use headwater_kernel::state::SpaceState;
use headwater_kernel::value::{Cell, Value};

pub use columns::{Columns, chunks, key_column, key_columns};
pub use definitions::{
    BASE, CONDITIONS, D, Event, H, INPUTS, KeyParts, M, S, Spec, ViewSpec, default_value, feature,
    plan, plan_of_pairs, result_type, sliding, view,
};

/// One question about a pair.
pub type Label = (Option<KeyParts>, i64);

/// The key of an event that has only a number.
pub fn number(key: i64) -> Option<KeyParts> {
    Some((key, ""))
}

pub fn key_bytes(key: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(encode_key(&[Value::Int(key)], &mut bytes));
    bytes
}

/// Folds events into the (only) section of a plan of numbers.
pub fn fold(state: &mut SpaceState, plan: &Plan, events: &[Event], sealed_at: i64) -> FoldReport {
    state.fold(0, &Columns::new(events, &plan.sections[0]).batch(), sealed_at)
}

/// Reads a view of a key.
pub fn read(state: &SpaceState, plan: &Plan, view: usize, key: i64, t: i64) -> (Vec<Cell>, bool) {
    let mut cells = vec![Cell::default(); plan.views[view].features.len()];
    let found = state.read(view, state.find(&key_bytes(key)), t, &mut cells);
    (cells, found)
}

/// Every row written and read into a new state.
pub fn reload(state: &SpaceState, plan: &Arc<Plan>) -> SpaceState {
    let mut loaded = SpaceState::new(plan, 0);
    loaded.seal(0, state.sealed_at(0));
    for id in state.ids() {
        let mut bytes = Vec::new();
        state.row_bytes(id, &mut bytes);
        let id = loaded.load_row(state.key(id), &bytes).expect("a row just written");
        let mut again = Vec::new();
        loaded.row_bytes(id, &mut again);
        assert_eq!(again, bytes, "a loaded row is written as it was");
    }
    loaded
}

/// An event with nothing in it but a float.
pub fn event(key: i64, time: i64, x: f64) -> Event {
    Event {
        key: number(key),
        time,
        arrived_at: time,
        tie: 0,
        inputs: [
            Value::Float(x),
            Value::Int(x as i64),
            Value::Bool(x > 0.0),
            Value::Str(format!("{x}").into()),
            Value::Timestamp(x as i64),
        ],
        conditions: [Some(x > 0.0), Some(true)],
        bad: false,
    }
}
