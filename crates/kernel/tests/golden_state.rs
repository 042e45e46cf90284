//! The bytes of a row, as the first release wrote them: a change of these needs a new format
//! number and a reader of the old one.

mod support;

use headwater_kernel::blueprint::Aggregate;
use headwater_kernel::plan::{Part, SectionCarry};
use headwater_kernel::state::SpaceState;
use headwater_kernel::value::Value;
use headwater_kernel::window::Window;
use support::{BASE, D, H, M, S, Spec, ViewSpec, event, feature, fold, key_bytes, plan, read};

/// The golden row, as one line of hexadecimal digits.
fn golden() -> String {
    include_str!("golden/space_row_v1.hex").split_whitespace().collect()
}

fn views() -> Vec<ViewSpec> {
    let hour = support::sliding(H, M);
    let features = vec![
        feature(Aggregate::Count, None, hour),
        feature(Aggregate::Mean, Some(0), hour),
        feature(Aggregate::Min, Some(1), hour),
        feature(Aggregate::Max, Some(3), hour),
        feature(Aggregate::First, Some(0), Window::Lifetime),
        Spec { n: Some(2), ..feature(Aggregate::Last, Some(3), hour) },
        feature(Aggregate::Sum, Some(0), Window::Exact { width_us: M }),
    ];
    let view = ViewSpec { events_max: 3, ..support::view(features) };
    vec![view]
}

fn state() -> SpaceState {
    let plan = plan(&views());
    let mut state = SpaceState::new(&plan, 0);
    let events: Vec<_> = (0..5).map(|i| event(7, BASE + i * 17 * S, 0.01 + i as f64)).collect();
    fold(&mut state, &plan, &events, BASE + 60 * S);
    state
}

#[test]
fn a_row_is_written_as_it_always_was() {
    let state = state();
    let mut bytes = Vec::new();
    state.row_bytes(state.find(&key_bytes(7)).unwrap(), &mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, golden());
}

#[test]
fn a_row_written_by_the_first_release_reads_the_same() {
    let plan = plan(&views());
    let hex = golden();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    let mut loaded = SpaceState::new(&plan, 0);
    loaded.seal(0, BASE + 60 * S);
    loaded.load_row(&key_bytes(7), &bytes).unwrap();
    for t in [BASE + 60 * S, BASE + 69 * S, BASE + H, BASE + D] {
        assert_eq!(read(&loaded, &plan, 0, 7, t), read(&state(), &plan, 0, 7, t));
    }
    let (cells, found) = read(&loaded, &plan, 0, 7, BASE + 69 * S);
    assert!(found);
    assert_eq!((&cells[0].value, &cells[4].value), (&Value::Int(5), &Value::Float(0.01)));
    assert_eq!(cells[6].status.name(), "saturated");
}

#[test]
fn every_cut_and_every_flipped_byte_is_an_error_or_a_row_and_never_a_panic() {
    let plan = plan(&views());
    let state = state();
    let mut bytes = Vec::new();
    state.row_bytes(state.find(&key_bytes(7)).unwrap(), &mut bytes);
    for length in 0..bytes.len() {
        let error = SpaceState::new(&plan, 0).load_row(&key_bytes(7), &bytes[..length]);
        assert_eq!(error.unwrap_err().code, "damaged", "cut at {length}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        let mut loaded = SpaceState::new(&plan, 0);
        if let Err(error) = loaded.load_row(&key_bytes(7), &damaged) {
            assert!(["damaged", "unknown_format"].contains(&error.code), "byte {at}: {error}");
            assert!(loaded.is_empty(), "damaged bytes change nothing");
        }
    }
}

#[test]
fn a_row_of_another_generation_keeps_the_sections_that_are_the_same() {
    let mut others = views();
    others[0].features.push(feature(Aggregate::Count, Some(0), support::sliding(2 * H, M)));
    let (old, new) = (plan(&views()), plan(&others));
    let held = [(old.sections[0].name.clone(), old.sections[0].fingerprint)];
    let SectionCarry::Parts(carried) = &new.carry(&old, &held).sections[0] else {
        panic!("some parts are the same")
    };
    let former = &old.sections[0].parts;
    let same = |part: &Part| former.iter().position(|old| old.fingerprint == part.fingerprint);
    let expected: Vec<_> = new.sections[0].parts.iter().map(same).collect();
    assert_eq!(carried.parts, expected, "the counts reach further, the others are the same");
    assert_eq!(expected.iter().filter(|part| part.is_none()).count(), 2);
    assert_eq!(old.carry(&old, &held).sections, vec![SectionCarry::Whole]);
    assert_eq!(old.carry(&old, &[]).sections, vec![SectionCarry::Nothing]);
    let source = state();
    let mut bytes = Vec::new();
    source.row_bytes(source.find(&key_bytes(7)).unwrap(), &mut bytes);
    let mut loaded = SpaceState::new(&new, 0);
    loaded.load_row(&key_bytes(7), &bytes).unwrap();
    assert!(!read(&loaded, &new, 0, 7, BASE + H).1, "a changed section is not carried");
}
