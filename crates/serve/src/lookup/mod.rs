//! Lookup: the only path from a question to its answer, for HTTP and for the embedded workspace.
//!
//! One question reads one epoch across all its views. It decides which instant and which reading
//! (state or archive) answers; it computes no feature and holds an epoch only while it reads.

pub mod answer;
pub(crate) mod arrow_keys;
pub mod batch;
pub mod keys;
pub mod question;
pub mod request;
pub mod rows;
pub mod write;

use std::sync::Arc;
use std::time::Instant;

use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::Plan;
use headwater_kernel::value::Cell;
use headwater_store::online::{Epoch, EpochId, HistoryRows, Online, Positions};

use self::answer::{Answer, Metadata, ViewMetadata};
use self::keys::{Keys, Part, encode};
use self::question::{Question, Questions, Target};
use crate::instant;

/// A question with all that decides its answer.
#[derive(Debug)]
pub struct Query<'a> {
    /// The service or view.
    pub target: Target<'a>,
    /// One row a key.
    pub keys: Keys<'a>,
    /// The instant, microseconds; none: now, as the epoch chooses it.
    pub at: Option<i64>,
    /// May the archive answer for instants before the sealed one?
    pub history: bool,
    /// Wait until these positions are visible.
    pub after: Option<Positions>,
    /// How long to wait for them.
    pub deadline: Instant,
    /// Is the metadata wanted?
    pub metadata: bool,
}

/// Answers queries; made once for a plan, used from any thread.
#[derive(Debug)]
pub struct Lookup {
    plan: Arc<Plan>,
    questions: Questions,
}

/// What is read under one epoch.
struct Reading {
    epoch: EpochId,
    t: i64,
    /// For each row all inputs' features, one after the other; only where all were read here.
    cells: Vec<Cell>,
    /// Row-major: one an input.
    found: Vec<bool>,
    /// Inputs before whose sealed instant `t` lies.
    sealed: Vec<usize>,
    metadata: Option<Metadata>,
}

impl Lookup {
    /// Resolves the questions of a plan.
    pub fn new(plan: Arc<Plan>) -> Self {
        let questions = Questions::new(&plan);
        Self { plan, questions }
    }

    /// What a name stands for.
    ///
    /// # Errors
    /// Kind `not_found`, with near names.
    pub fn question(&self, target: Target<'_>) -> Result<&Arc<Question>> {
        self.questions.find(target)
    }

    /// The question of features of any views, each named `View:feature`.
    ///
    /// # Errors
    /// As [`question::of_features`].
    pub fn question_of<'n>(&self, features: impl Iterator<Item = &'n str>) -> Result<Question> {
        question::of_features(&self.plan, features)
    }

    /// Answers a query from `online`, whose plan is the one given to [`Lookup::new`].
    ///
    /// A null part in a key: the features of an empty window, `found` false, as for a key never
    /// seen. Blocks only for `after` and, for instants before the sealed one, on the archive.
    ///
    /// # Errors
    /// Unknown names (not found), keys missing or of a wrong type (invalid, with their row),
    /// `time_out_of_range` (invalid), `before_horizon` (conflict), `publishing` and `deadline`
    /// (unavailable), and what `online` cannot do.
    pub fn answer(&self, online: &dyn Online, query: &Query<'_>) -> Result<Answer> {
        self.answer_question(online, self.questions.find(query.target)?, query)
    }

    /// The same for a question at hand; `query.target` is not looked at.
    ///
    /// # Errors
    /// As [`Lookup::answer`].
    pub fn answer_question(
        &self,
        online: &dyn Online,
        question: &Arc<Question>,
        query: &Query<'_>,
    ) -> Result<Answer> {
        let at = query.at.map(instant::checked).transpose()?;
        let parts = query.keys.parts(&question.keys)?;
        if let Some(positions) = &query.after {
            online.wait_for(positions, query.deadline)?;
        }
        let rows = query.keys.len();
        let mut reading = self.read(online, question, &parts, rows, (at, query))?;
        if !reading.sealed.is_empty() {
            fill_from_archive(online, question, &parts, rows, &mut reading)?;
        }
        let inputs = question.inputs.len();
        if let Some(metadata) = &mut reading.metadata {
            for (place, view) in metadata.views.iter_mut().enumerate() {
                view.found = (0..rows).map(|row| reading.found[row * inputs + place]).collect();
            }
        }
        let found = match inputs {
            0 => vec![false; rows],
            1 => reading.found,
            _ => reading.found.chunks_exact(inputs).map(|row| row.contains(&true)).collect(),
        };
        Ok(Answer {
            question: Arc::clone(question),
            cells: pick(question, reading.cells, rows),
            found,
            t: reading.t,
            metadata: reading.metadata,
        })
    }

    /// Reads under one epoch all inputs that state can answer.
    fn read(
        &self,
        online: &dyn Online,
        question: &Question,
        parts: &[Part<'_>],
        rows: usize,
        (at, query): (Option<i64>, &Query<'_>),
    ) -> Result<Reading> {
        let epoch = online.open_epoch()?;
        let epoch = epoch.as_ref();
        let t = epoch.choose_t(at, &question.views);
        let sealed = sealed_inputs(epoch, question, t, (at.is_none(), query.history))?;
        let width: usize = question.inputs.iter().map(|input| input.width).sum();
        let mut cells = Vec::with_capacity(width * rows);
        let mut found = Vec::with_capacity(question.inputs.len() * rows);
        let mut key = Vec::with_capacity(64);
        for row in 0..rows {
            let parts = &parts[row * question.keys.len()..(row + 1) * question.keys.len()];
            for (place, input) in question.inputs.iter().enumerate() {
                if sealed.contains(&place) {
                    cells.resize_with(cells.len() + input.width, Cell::default);
                    found.push(false);
                    continue;
                }
                let known = encode(parts, &input.keys, &mut key).then_some(key.as_slice());
                let before = cells.len();
                found.push(epoch.read(input.view, known, t, &mut cells));
                assert_eq!(cells.len(), before + input.width, "a view answers all its features");
            }
        }
        let metadata = query.metadata.then(|| self.metadata(epoch, question, t, at.is_none()));
        Ok(Reading { epoch: epoch.id(), t, cells, found, sealed, metadata })
    }

    fn metadata(&self, epoch: &dyn Epoch, question: &Question, t: i64, now: bool) -> Metadata {
        let mut notes = Vec::new();
        let mut views = Vec::with_capacity(question.inputs.len());
        for input in &question.inputs {
            let arrival = epoch.last_arrival_at(input.view);
            views.push(ViewMetadata {
                label: input.label.clone(),
                version: input.version.clone(),
                epoch: epoch.id(),
                positions: epoch.positions(input.view),
                watermark: epoch.watermark(input.view),
                staleness_ms: arrival.map(|arrival| (t - arrival).max(0) / 1_000),
                found: Vec::new(),
            });
            if now {
                notes.extend(self.note(input, epoch.newest_event_at(input.view), t));
            }
        }
        Metadata { views, notes }
    }

    /// What to say of a read at now that no event can reach.
    fn note(&self, input: &question::Input, newest: Option<i64>, t: i64) -> Option<String> {
        let source = &input.source;
        let Some(newest) = newest else {
            return Some(format!("{}: {source} has no rows yet", input.label));
        };
        let view = &self.plan.views[input.view];
        if view.windows.is_empty() || newest >= view.reach_start(t) {
            return None;
        }
        Some(format!(
            "{}: the newest event of {source} is of {}, older than every window at {}; \
             ask at an earlier instant with at",
            input.label,
            instant::to_text(newest),
            instant::to_text(t),
        ))
    }
}

/// The inputs before whose sealed instant `t` lies.
fn sealed_inputs(
    epoch: &dyn Epoch,
    question: &Question,
    t: i64,
    (now, history): (bool, bool),
) -> Result<Vec<usize>> {
    let mut sealed = Vec::new();
    for (place, input) in question.inputs.iter().enumerate() {
        let Some(sealed_at) = epoch.sealed_at(input.view).filter(|sealed_at| t < *sealed_at) else {
            continue;
        };
        if !history && now {
            // Now is below an epoch of one stream that is not visible yet, and another stream is
            // already past that: for as long as a disk takes.
            return Err(Error::new(
                Kind::Unavailable,
                "publishing",
                format!("an epoch is about to become visible before {}'s last", input.source),
            )
            .with_hint("ask again in a moment, or with history true"));
        }
        if !history {
            return Err(Error::new(
                Kind::Conflict,
                "before_horizon",
                format!(
                    "{} is before the sealed instant {} of {}",
                    instant::to_text(t),
                    instant::to_text(sealed_at),
                    input.source,
                ),
            )
            .with_hint("ask with history true to have it answered from the archive"));
        }
        sealed.push(place);
    }
    Ok(sealed)
}

/// Fills the inputs that state could not answer, at the same epoch as the others.
fn fill_from_archive(
    online: &dyn Online,
    question: &Question,
    parts: &[Part<'_>],
    rows: usize,
    reading: &mut Reading,
) -> Result<()> {
    let width: usize = question.inputs.iter().map(|input| input.width).sum();
    let inputs = question.inputs.len();
    for &place in &reading.sealed {
        let input = &question.inputs[place];
        let start: usize = question.inputs[..place].iter().map(|input| input.width).sum();
        let keys: Vec<Option<Vec<u8>>> = (0..rows)
            .map(|row| {
                let parts = &parts[row * question.keys.len()..(row + 1) * question.keys.len()];
                let mut key = Vec::new();
                encode(parts, &input.keys, &mut key).then_some(key)
            })
            .collect();
        let HistoryRows { cells, found } =
            online.history(reading.epoch, input.view, &keys, reading.t)?;
        assert_eq!(cells.len(), rows * input.width, "the archive answers all features");
        assert_eq!(found.len(), rows, "the archive answers every key");
        let mut cells = cells.into_iter();
        for (row, known) in found.into_iter().enumerate() {
            reading.found[row * inputs + place] = known;
            let target = &mut reading.cells[row * width + start..][..input.width];
            for (cell, value) in target.iter_mut().zip(&mut cells) {
                *cell = value;
            }
        }
    }
    Ok(())
}

/// The output columns out of the features of all inputs.
fn pick(question: &Question, mut cells: Vec<Cell>, rows: usize) -> Vec<Cell> {
    let Some(picks) = &question.picks else { return cells };
    let width: usize = question.inputs.iter().map(|input| input.width).sum();
    let mut picked = Vec::with_capacity(picks.len() * rows);
    for row in 0..rows {
        let features = &mut cells[row * width..(row + 1) * width];
        // Output names are unique, so that no feature of an input is taken twice.
        picked.extend(picks.iter().map(|&place| std::mem::take(&mut features[place])));
    }
    picked
}
