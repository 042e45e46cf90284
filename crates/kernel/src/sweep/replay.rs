//! What production knew: events merged by arrival with the questions by `t`, folded into state and
//! read at each question, from exactly the events that had arrived by then.
//!
//! It is slower than the sweep and must stay so simple: cursors by arrival would give windows by
//! event time wrong values. Keys are shared out to threads; no key needs the events of another.

use arrow_array::ArrayRef;
use arrow_buffer::BooleanBuffer;

use super::directory::{Directory, NONE};
use super::gather::{Gathered, Scratch};
use super::keys::{Keys, mixed};
use super::narrow::Narrowed;
use super::store::Store;
use super::{
    SweepEvents, SweepLabels, SweepOptions, SweepResult, check_columns, check_rows, parallel,
    section_of, stopped,
};
use crate::error::Result;
use crate::key::KeyColumn;
use crate::plan::Plan;
use crate::state::SpaceState;
use crate::value::{Cell, Status, Value};

/// Questions between two looks at the flag that cancels.
const STEP: usize = 1 << 10;

/// The values of view `view` (of a stream) at each label row, from the events with
/// `arrived_at <= t` and event time in the view's windows.
///
/// `arrived_at` holds the arrivals of each chunk's events. Rows come in the order of the labels; a
/// null key is answered with the empty window, not found.
///
/// # Errors
/// As `sweep`.
pub fn replay(
    plan: &Plan,
    view: usize,
    events: &SweepEvents<'_>,
    arrived_at: &[&[i64]],
    labels: &SweepLabels<'_>,
    options: &SweepOptions<'_>,
) -> Result<SweepResult> {
    check_rows(labels.times.len())?;
    check_rows(events.chunks.iter().map(|chunk| chunk.times.len()).sum())?;
    events.chunks.iter().try_for_each(|chunk| check_columns(plan, view, chunk))?;
    section_of(plan, view)?;
    assert_eq!(arrived_at.len(), events.chunks.len(), "arrivals for each chunk");
    for (chunk, arrived_at) in events.chunks.iter().zip(arrived_at) {
        assert_eq!(chunk.times.len(), arrived_at.len(), "an arrival an event");
    }
    let narrowed = Narrowed::new(plan, view)?;
    let label_keys = KeyColumn::from_arrays(labels.keys)?;
    let keys = Keys::new(labels.keys, labels.times.len())?;
    let (directory, lists) = Directory::build(keys, options.threads);
    let mut ids = vec![NONE; labels.times.len()];
    lists.into_iter().flatten().for_each(|(row, id)| ids[row as usize] = id);
    let threads = options.threads.max(1);
    let shares = share(&ids, labels.times, threads);
    let history = History { events, arrived_at, presence: plan.views[view].filter };
    let parts = parallel::each(shares, |index, questions| {
        let share = Share { index: index as u32, of: threads as u32 };
        let arrivals = history.arrivals(&directory, &questions, share)?;
        let (keys, times) = (&label_keys, labels.times);
        let merge = Merge { narrowed: &narrowed, history: &history, keys, times, ids: &ids };
        merge.run(&directory, &questions, &arrivals, options)
    });
    let mut whole = Part::new(&narrowed, labels.times.len());
    for part in parts {
        whole.take(part?);
    }
    whole.finish(labels.times.len())
}

/// Which keys belong to a thread: those whose number leaves `index` when divided by `of`.
#[derive(Clone, Copy)]
struct Share {
    index: u32,
    of: u32,
}

/// The label rows of each share, sorted by `t`; rows without a key fall to the first.
fn share(ids: &[u32], times: &[i64], threads: usize) -> Vec<Vec<u32>> {
    let mut shares = vec![Vec::new(); threads];
    for (row, &id) in ids.iter().enumerate() {
        let share = if id == NONE { 0 } else { id as usize % threads };
        shares[share].push(row as u32);
    }
    for share in &mut shares {
        share.sort_by_key(|&row| times[row as usize]);
    }
    shares
}

/// An event that a share needs, in order of arrival.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    arrived_at: i64,
    /// Number of its key.
    id: u32,
    /// Its chunk.
    pub(super) chunk: u32,
    /// Its row in the chunk.
    pub(super) row: u32,
}

/// The events with their arrivals.
struct History<'a> {
    events: &'a SweepEvents<'a>,
    arrived_at: &'a [&'a [i64]],
    presence: Option<usize>,
}

impl History<'_> {
    /// The events of a share's keys that arrived by its last question, in order of arrival, equal
    /// arrivals in order of position.
    fn arrivals(
        &self,
        directory: &Directory<'_>,
        questions: &[u32],
        share: Share,
    ) -> Result<Vec<Arrival>> {
        let mut arrivals = Vec::new();
        if questions.is_empty() {
            return Ok(arrivals);
        }
        for (number, (chunk, arrived_at)) in
            self.events.chunks.iter().zip(self.arrived_at).enumerate()
        {
            let keys = Keys::new(chunk.keys, chunk.times.len())?;
            let kept = self.presence.map(|filter| &chunk.filters[filter]);
            for (row, &arrived_at) in arrived_at.iter().enumerate() {
                if !keys.is_valid(row) || kept.is_some_and(|bits| !bits.value(row)) {
                    continue;
                }
                let word = keys.word(row);
                let id = directory.find(word, mixed(word), &keys, row);
                if id != NONE && id % share.of == share.index {
                    let (chunk, row) = (number as u32, row as u32);
                    arrivals.push(Arrival { arrived_at, id, chunk, row });
                }
            }
        }
        arrivals.sort_by_key(|arrival| arrival.arrived_at);
        Ok(arrivals)
    }
}

/// Folds one share's events and answers its questions.
struct Merge<'a> {
    narrowed: &'a Narrowed,
    history: &'a History<'a>,
    /// The key of each label row.
    keys: &'a KeyColumn,
    /// The instant of each label row.
    times: &'a [i64],
    ids: &'a [u32],
}

impl Merge<'_> {
    fn run(
        &self,
        directory: &Directory<'_>,
        questions: &[u32],
        arrivals: &[Arrival],
        options: &SweepOptions<'_>,
    ) -> Result<Part> {
        let gathered = Gathered::new(self.narrowed, self.history.events, arrivals)?;
        let mut state = SpaceState::new(&self.narrowed.plan, self.narrowed.space());
        let mut part = Part::new(self.narrowed, questions.len());
        let mut cells = vec![Cell::default(); part.columns.len()];
        // An event waits with others until a question about its key comes: what belongs to other
        // keys changes no answer, so runs are long where keys are many.
        let mut waiting_since = vec![0_u32; directory.len()];
        let mut scratch = Scratch::default();
        let mut run = 1_u32;
        let (mut folded, mut arrived) = (0, 0);
        for (number, &row) in questions.iter().enumerate() {
            if number % STEP == 0 {
                stopped(options)?;
            }
            let t = self.times[row as usize];
            while arrived < arrivals.len() && arrivals[arrived].arrived_at <= t {
                waiting_since[arrivals[arrived].id as usize] = run;
                arrived += 1;
            }
            let id = self.ids[row as usize];
            if id != NONE && waiting_since[id as usize] == run {
                let sealed_at = arrivals[arrived - 1].arrived_at;
                gathered.fold(&mut state, folded..arrived, sealed_at, &mut scratch);
                folded = arrived;
                run += 1;
            }
            let key = self.keys.get(row as usize);
            let key = key.and_then(|key| state.find(key));
            cells.fill_with(Cell::default);
            let found = state.read(0, key, t, &mut cells);
            part.push(row, &mut cells, found);
        }
        Ok(part)
    }
}

/// Answers in the order in which they were given.
struct Part {
    rows: Vec<u32>,
    columns: Vec<Store>,
    found: Vec<bool>,
    statuses: Vec<(u32, u32, Status)>,
}

impl Part {
    fn new(narrowed: &Narrowed, rows: usize) -> Self {
        let features = &narrowed.plan.views[0].features;
        Self {
            rows: Vec::with_capacity(rows),
            columns: features.iter().map(|feature| Store::new(feature.data_type)).collect(),
            found: Vec::with_capacity(rows),
            statuses: Vec::new(),
        }
    }

    fn push(&mut self, row: u32, cells: &mut [Cell], found: bool) {
        self.rows.push(row);
        self.found.push(found);
        for (feature, (store, cell)) in self.columns.iter_mut().zip(cells).enumerate() {
            if cell.status != Status::Ok {
                self.statuses.push((row, feature as u32, cell.status));
            }
            store.push(std::mem::replace(&mut cell.value, Value::Null));
        }
    }

    fn take(&mut self, other: Part) {
        self.rows.extend(other.rows);
        self.found.extend(other.found);
        self.statuses.extend(other.statuses);
        for (store, other) in self.columns.iter_mut().zip(other.columns) {
            store.append(other);
        }
    }

    /// Brings all answers into the order of the label rows.
    fn finish(mut self, rows: usize) -> Result<SweepResult> {
        assert_eq!(self.rows.len(), rows, "every label row was asked once");
        let mut places = vec![0_usize; rows];
        for (place, &row) in self.rows.iter().enumerate() {
            places[row as usize] = place;
        }
        let columns: Result<Vec<ArrayRef>> =
            self.columns.iter().map(|store| store.finish(&places)).collect();
        self.statuses.sort_unstable_by_key(|&(row, feature, _)| (row, feature));
        let found = BooleanBuffer::collect_bool(rows, |row| self.found[places[row]]);
        Ok(SweepResult { columns: columns?, found, statuses: self.statuses })
    }
}
