//! Rows of state of two engines compared: columns and waiting events byte by byte; of logs and
//! staircases what they answer at each boundary that can still be asked for. A log's own bytes may
//! differ: its sums begin where the key was first kept, which a shorter reach puts later, and when
//! it was thinned last decides in which of its rows an extreme stands.

use std::collections::{BTreeMap, BTreeSet};

use headwater_kernel::plan::{Family, Part, Plan, Section};
use headwater_kernel::value::DataType;
use headwater_kernel::window::Window;

use crate::Engine;
use crate::tests::support::MINUTE;

/// No event waits longer: the skew of the streams.
const WAITING_US_MAX: i64 = 10 * MINUTE;

type Rows = BTreeMap<(String, Vec<u8>), Vec<u8>>;

/// Every row once no event waits any more, all that can be is aged and every dead key is gone. A
/// waiting event may hold an input that no part takes of it, which only a former view needed.
pub fn rows_of(engine: &Engine) -> Rows {
    let mut state = engine.shared.state.write();
    let state = &mut *state;
    let plan = &engine.shared.plan;
    let mut rows = Rows::new();
    for (space, kept) in plan.spaces.iter().zip(&mut state.spaces) {
        for &section in &space.sections {
            let sealed_at = state.sources[plan.sections[section].stream].sealed_at;
            sealed_at.iter().for_each(|at| kept.seal(section, at + WAITING_US_MAX));
        }
        kept.expire(usize::MAX);
        for id in kept.ids() {
            let mut bytes = Vec::new();
            kept.row_bytes(id, &mut bytes);
            rows.insert((space.name.clone(), kept.key(id).to_vec()), bytes);
        }
    }
    rows
}

/// A section of a row, its log read.
struct SectionRow {
    log: Vec<(i64, Vec<i128>)>,
    /// By numeric extreme.
    stairs: Vec<Vec<(i64, u64)>>,
    /// Columns, waiting events. That all columns are empty may be said in two ways: here it is
    /// always said by leaving them out.
    rest: Vec<u8>,
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

fn number(bytes: &[u8]) -> i128 {
    let mut wide = [0; 16];
    wide[..bytes.len()].copy_from_slice(bytes);
    let value = i128::from_le_bytes(wide);
    let shift = 128 - 8 * bytes.len() as u32;
    value << shift >> shift
}

fn sections(plan: &Plan, mut bytes: &[u8]) -> Vec<(usize, SectionRow)> {
    assert_eq!(take(&mut bytes, 1), [1], "the format");
    let count = number(take(&mut bytes, 4));
    let mut sections = Vec::new();
    for _ in 0..count {
        let print = u128::from_le_bytes(take(&mut bytes, 16).try_into().expect("16 bytes"));
        let length = number(take(&mut bytes, 4)) as usize;
        let body = take(&mut bytes, length);
        let index = plan.sections.iter().position(|section| section.fingerprint == print);
        let index = index.expect("a section of the plan");
        sections.push((index, section(&plan.sections[index], body)));
    }
    assert!(bytes.is_empty());
    sections
}

fn section(of: &Section, mut body: &[u8]) -> SectionRow {
    let columns = |family: Family| of.parts.iter().filter(|part| part.family == family).count();
    let (counts, sums) = (columns(Family::Count), columns(Family::Sum));
    let level = take(&mut body, 1)[0];
    let narrow = if level < 2 { 4 } else { 8 };
    let wide = if level == 0 { 8 } else { 16 };
    let rows = number(take(&mut body, 4));
    let mut log = Vec::new();
    for _ in 0..rows {
        let time = number(take(&mut body, narrow)) as i64;
        let counts = (0..counts).map(|_| number(take(&mut body, narrow))).collect::<Vec<_>>();
        let sums = (0..sums).map(|_| number(take(&mut body, wide)));
        log.push((time, counts.into_iter().chain(sums).collect()));
    }
    let mut stairs = Vec::new();
    for _ in extremes(of) {
        let steps = number(take(&mut body, 4));
        let step = |_| (number(take(&mut body, 8)) as i64, number(take(&mut body, 8)) as u64);
        stairs.push((0..steps).map(step).collect());
    }
    SectionRow { log, stairs, rest: rest(of, body) }
}

fn is_text(of: &Section, part: &Part) -> bool {
    part.input.is_some_and(|input| of.inputs[input].data_type == DataType::Str)
}

/// The numeric extremes.
fn extremes(of: &Section) -> impl Iterator<Item = &Part> {
    let is_extreme = |part: &&Part| matches!(part.family, Family::Min | Family::Max);
    of.parts.iter().filter(is_extreme).filter(|part| !is_text(of, part))
}

fn rest(of: &Section, body: &[u8]) -> Vec<u8> {
    let columns = of.parts.iter().map(|part| match part.family {
        Family::Count | Family::Sum => 0,
        Family::Min | Family::Max if !is_text(of, part) => 0,
        Family::Raw { .. } => 5,
        _ => 4,
    });
    let empty = [vec![1], vec![0; columns.sum()]].concat();
    match body.strip_prefix(empty.as_slice()) {
        Some(waiting) => [&[0], waiting].concat(),
        None => body.to_vec(),
    }
}

/// The finest resolution of a section's windows: the length of its buckets; 0: one bucket.
pub fn unit_of(section: &Section) -> i64 {
    let windows = section.parts.iter().flat_map(|part| &part.windows);
    let resolution = |window: &Window| match window {
        Window::Sliding { resolution_us, .. } => Some(*resolution_us),
        Window::Exact { .. } | Window::Lifetime => None,
    };
    windows.filter_map(resolution).min().unwrap_or(0)
}

/// What a column of the log says of every boundary that its part can still be asked for.
fn answers(log: &[(i64, Vec<i128>)], at: usize, part: &Part, unit: i64, sealed: i64) -> Vec<i128> {
    let total = log.last().map_or(0, |row| row.1[at]);
    let before = |boundary: i64| {
        let rows = log.iter().take_while(|row| row.0 * unit < boundary);
        rows.last().map_or(0, |row| row.1[at])
    };
    let from = |boundary: Option<i64>| total - boundary.map_or(0, before);
    boundaries(part, sealed).into_iter().map(from).collect()
}

/// [`answers`] of a staircase.
fn bests(steps: &[(i64, u64)], part: &Part, unit: i64, sealed: i64) -> Vec<Option<u64>> {
    let from = |boundary: Option<i64>| {
        let first = boundary.unwrap_or(i64::MIN);
        steps.iter().find(|step| step.0 * unit >= first).map(|step| step.1)
    };
    boundaries(part, sealed).into_iter().map(from).collect()
}

/// The boundaries that a part can still be asked for; `None` is the beginning of time.
fn boundaries(part: &Part, sealed: i64) -> Vec<Option<i64>> {
    let mut out = Vec::new();
    for window in &part.windows {
        match *window {
            Window::Lifetime => out.push(None),
            Window::Exact { .. } => {}
            Window::Sliding { width_us, resolution_us } => {
                let lowest = (sealed - width_us).div_euclid(resolution_us) * resolution_us;
                let steps = (sealed + resolution_us - lowest) / resolution_us;
                out.extend((0..=steps).map(|n| Some(lowest + n * resolution_us)));
            }
        }
    }
    out
}

/// The parts of the columns of the log: counts, then sums.
fn logged(section: &Section) -> Vec<&Part> {
    let of = |family: Family| section.parts.iter().filter(move |part| part.family == family);
    of(Family::Count).chain(of(Family::Sum)).collect()
}

/// Do raw events hold an input that can fail? It is there where any view needed it, and null
/// elsewhere; nobody reads it there, but the bytes tell which views there were.
fn holds_fallible(of: &Section) -> bool {
    of.parts.iter().any(|part| match &part.family {
        Family::Raw { inputs, .. } => inputs.iter().any(|&input| of.inputs[input].fallible),
        _ => false,
    })
}

/// A row of which nothing can be read.
fn empty(of: &Section) -> SectionRow {
    SectionRow { log: Vec::new(), stairs: vec![Vec::new(); extremes(of).count()], rest: vec![0; 5] }
}

/// Compares the rows of two engines of the same definitions; a key that only one of them has must
/// be one of which nothing can be read. `steady`: by section of the plan, were its buckets always
/// as long as now? Of others columns and what waits are not compared.
pub fn assert_same(one: &Engine, other: &Engine, steady: &[bool], context: &str) {
    let plan = &one.shared.plan;
    let (left, right) = (rows_of(one), rows_of(other));
    let keys: BTreeSet<_> = left.keys().chain(right.keys()).collect();
    for key in keys {
        let space = plan.spaces.iter().find(|space| space.name == key.0).expect("a space");
        let row = |rows: &Rows| match rows.get(key) {
            Some(bytes) => sections(plan, bytes),
            None => space.sections.iter().map(|&at| (at, empty(&plan.sections[at]))).collect(),
        };
        for ((index, one_row), (_, other_row)) in row(&left).into_iter().zip(row(&right)) {
            let section = &plan.sections[index];
            let told = format!("{context}: {} of {key:?}", section.name);
            if steady[index] && !holds_fallible(section) {
                assert_eq!(one_row.rest, other_row.rest, "{told}: columns and what waits");
            }
            let sealed = one.shared.state.read().sources[section.stream].sealed_at;
            let Some(sealed) = sealed else { continue };
            let (unit, sealed) = (unit_of(section), sealed + WAITING_US_MAX);
            for (at, part) in logged(section).into_iter().enumerate() {
                assert_eq!(
                    answers(&one_row.log, at, part, unit, sealed),
                    answers(&other_row.log, at, part, unit, sealed),
                    "{told}: {part:?}"
                );
            }
            for (at, part) in extremes(section).enumerate() {
                assert_eq!(
                    bests(&one_row.stairs[at], part, unit, sealed),
                    bests(&other_row.stairs[at], part, unit, sealed),
                    "{told}: {part:?}"
                );
            }
        }
    }
}
