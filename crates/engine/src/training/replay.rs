//! As of arrival: events are merged with label rows by arrival, folded and read, exactly as
//! production did it. Cursors by arrival would be wrong: what arrives late must find the state of
//! its instant, not of the label's.

use std::collections::HashSet;
use std::sync::Mutex;

use arrow_array::{Array, ArrayRef};
use arrow_buffer::BooleanBuffer;
use arrow_select::interleave::interleave;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::fold::FoldBatch;
use headwater_kernel::key::KeyColumn;
use headwater_kernel::order::Tie;
use headwater_kernel::state::SpaceState;
use headwater_kernel::value::Cell;

use super::cells::Cells;
use super::chunks::{Chunk, Wanted, chunks, on_threads};
use super::{Answer, Work};

/// Label instants between two looks at the flag that cancels.
const CANCEL_STEP: usize = 1_024;

impl Work<'_> {
    /// Answers the views over streams from what had arrived by each label.
    pub(super) fn replay(&self, answers: &mut [Option<Answer>]) -> Result<()> {
        let sections: Vec<(usize, Vec<usize>)> = self.by_section().into_iter().collect();
        let threads = self.options.threads.min(sections.len());
        let left = Mutex::new(sections);
        let done = Mutex::new(Vec::new());
        on_threads(threads, || {
            loop {
                let task = locked(&left).pop();
                let Some((section, inputs)) = task else { return Ok(()) };
                let replayed = self.replay_section(section, &inputs)?;
                locked(&done).extend(inputs.into_iter().zip(replayed));
            }
        })?;
        for (input, answer) in locked(&done).drain(..) {
            answers[input] = Some(answer);
        }
        Ok(())
    }

    fn replay_section(&self, section: usize, inputs: &[usize]) -> Result<Vec<Answer>> {
        let wanted = Wanted {
            transform: self.transform,
            section,
            span: self.span(inputs),
            // The other threads replay other sections.
            threads: 1,
            cancelled: self.options.cancelled,
        };
        let history = &self.history.streams[self.plan.sections[section].stream];
        let chunks = chunks(history, &wanted)?;
        let asked: Vec<KeyColumn> = inputs
            .iter()
            .map(|input| self.labels.keys_of(self.plan, &self.service.inputs[*input]))
            .collect::<Result<_>>()?;
        let events = Arrivals::merge(&chunks, &asked, wanted.span)?;
        drop(chunks);
        let mut readers: Vec<Reader<'_>> =
            inputs.iter().zip(&asked).map(|(input, keys)| self.reader(*input, keys)).collect();
        let times = &self.labels.times;
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by_key(|row| times[*row]);
        let space = self.plan.sections[section].space;
        let mut state = SpaceState::new(self.transform.plan(), space);
        let mut folded = 0;
        for (step, row) in order.into_iter().enumerate() {
            if step % CANCEL_STEP == 0 {
                self.check_cancelled()?;
            }
            let t = times[row];
            let until = folded + events.arrived[folded..].partition_point(|at| *at <= t);
            if until > folded {
                events.fold(&mut state, section, folded..until);
                folded = until;
            }
            for reader in &mut readers {
                reader.read(&state, row, t);
            }
        }
        let mut answers = Vec::with_capacity(readers.len());
        for reader in readers {
            answers.push(reader.cells.finish()?);
            self.tell_done();
        }
        Ok(answers)
    }

    fn reader<'k>(&self, input: usize, keys: &'k KeyColumn) -> Reader<'k> {
        let view = self.service.inputs[input].view;
        let plan = &self.plan.views[view];
        let cells = Cells::new(plan, &self.features_of(input), self.labels.len());
        Reader { view, keys, cells, out: vec![Cell::default(); plan.features.len()] }
    }
}

/// Reads one view in one role as the replay goes on.
struct Reader<'k> {
    view: usize,
    keys: &'k KeyColumn,
    cells: Cells,
    out: Vec<Cell>,
}

impl Reader<'_> {
    fn read(&mut self, state: &SpaceState, row: usize, t: i64) {
        let id = self.keys.get(row).and_then(|key| state.find(key));
        let found = state.read(self.view, id, t, &mut self.out);
        self.cells.set(row, &mut self.out, found);
    }
}

/// The events that some label asks about, in order of (arrival, position).
struct Arrivals {
    arrived: Vec<i64>,
    keys: KeyColumn,
    times: Vec<i64>,
    ties: Option<Vec<Tie>>,
    inputs: Vec<ArrayRef>,
    filters: Vec<BooleanBuffer>,
}

impl Arrivals {
    fn merge(chunks: &[Chunk], asked: &[KeyColumn], span: (i64, i64)) -> Result<Self> {
        let asked: HashSet<&[u8]> =
            asked.iter().flat_map(|keys| (0..keys.len()).filter_map(|row| keys.get(row))).collect();
        let mut rows: Vec<(i64, usize, usize)> = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            for (row, time) in chunk.input.times.iter().enumerate() {
                let reached = *time >= span.0 && *time < span.1;
                let key = chunk.input.keys.get(row);
                if reached && key.is_some_and(|key| asked.contains(key)) {
                    let arrived = chunk.arrived.of(row).ok_or_else(unknown_arrival)?;
                    rows.push((arrived, index, row));
                }
            }
        }
        // By (arrival, position): chunks and rows are in order of position.
        rows.sort_unstable();
        let places: Vec<(usize, usize)> =
            rows.iter().map(|(_, chunk, row)| (*chunk, *row)).collect();
        let input = |chunk: usize| &chunks[chunk].input;
        let mut keys = KeyColumn::with_capacity(rows.len());
        for (chunk, row) in &places {
            keys.push_bytes(input(*chunk).keys.get(*row).expect("chosen by its key"));
        }
        let ordered = chunks.first().is_some_and(|chunk| chunk.input.ties.is_some());
        let tie = |place: &(usize, usize)| {
            let ties = input(place.0).ties.as_ref().expect("all chunks of a section have ties");
            ties[place.1].clone()
        };
        let filters = chunks.first().map_or(0, |chunk| chunk.input.filters.len());
        let filter = |filter: usize| {
            BooleanBuffer::collect_bool(places.len(), |at| {
                let (chunk, row) = places[at];
                input(chunk).filters[filter].value(row)
            })
        };
        Ok(Self {
            arrived: rows.iter().map(|(arrived, _, _)| *arrived).collect(),
            times: places.iter().map(|(chunk, row)| input(*chunk).times[*row]).collect(),
            ties: ordered.then(|| places.iter().map(tie).collect()),
            inputs: gather_inputs(chunks, &places)?,
            filters: (0..filters).map(filter).collect(),
            keys,
        })
    }

    /// Folds a range of them; the sealed instant is the arrival of its last.
    fn fold(&self, state: &mut SpaceState, section: usize, rows: std::ops::Range<usize>) {
        let mut keys = KeyColumn::with_capacity(rows.len());
        for row in rows.clone() {
            keys.push_bytes(self.keys.get(row).expect("chosen by its key"));
        }
        let (start, length) = (rows.start, rows.len());
        let inputs: Vec<ArrayRef> =
            self.inputs.iter().map(|input| input.slice(start, length)).collect();
        let filters: Vec<BooleanBuffer> =
            self.filters.iter().map(|filter| filter.slice(start, length)).collect();
        let batch = FoldBatch {
            keys: &keys,
            times: &self.times[rows.clone()],
            ties: self.ties.as_ref().map(|ties| &ties[rows.clone()]),
            inputs: &inputs,
            filters: &filters,
        };
        state.fold(section, &batch, self.arrived[rows.end - 1]);
    }
}

fn gather_inputs(chunks: &[Chunk], places: &[(usize, usize)]) -> Result<Vec<ArrayRef>> {
    let inputs = chunks.first().map_or(0, |chunk| chunk.input.inputs.len());
    let gather = |input: usize| {
        let pieces: Vec<&dyn Array> =
            chunks.iter().map(|chunk| chunk.input.inputs[input].as_ref()).collect();
        interleave(&pieces, places).map_err(|error| {
            Error::new(Kind::Internal, "columns_disagree", "inputs of a section differ in type")
                .with_detail(error.to_string())
        })
    };
    (0..inputs).map(gather).collect()
}

fn unknown_arrival() -> Error {
    Error::new(Kind::Internal, "no_arrivals", "an event without arrival in a replay")
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
