//! The program of a sweep: a view's features grouped into jobs that share their work.
//!
//! Sums and means of one input share a prefix, extremes of one input a staircase, and features of
//! one filter a list of the events they take. Compiling looks at the plan and at which inputs have
//! nulls; it decides no value.

use arrow_array::Array;
use arrow_schema::DataType as ArrowType;

use super::Events;
use super::answers::RowShape;
use super::records::{Layout, Selection};
use crate::blueprint::Aggregate;
use crate::error::{Error, Kind, Result};
use crate::plan::{AggregatePlan, FeatureCompute, ViewPlan};
use crate::value::DataType;
use crate::window::Window;

/// What to compute for each key.
#[derive(Debug)]
pub(super) struct Program {
    /// What a record holds.
    pub(super) layout: Layout,
    /// The view's windows.
    pub(super) windows: Vec<Window>,
    /// Is an event at exactly `t` in the window?
    pub(super) include_current: bool,
    /// The jobs.
    pub(super) jobs: Vec<Job>,
    /// The exact windows with their features: null where they hold more than `events_max`.
    pub(super) bounded: Vec<(usize, Vec<usize>)>,
    /// Most events of an exact window.
    pub(super) events_max: u64,
    /// The shape of a row of answers.
    pub(super) shape: RowShape,
    /// Must events of one instant be ordered?
    pub(super) ordered: bool,
}

/// One feature: the window it covers and its place in the row of answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// Index into [`Program::windows`].
    pub(super) window: usize,
    /// Index into the view's features.
    pub(super) feature: usize,
}

/// How a word is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// As an `i64`.
    Integer,
    /// As the bits of a double, rounded to a multiple of `2^scale_exponent`.
    Float {
        /// The scale.
        scale_exponent: i32,
    },
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// In a word of the record.
    Word {
        /// Which one.
        word: usize,
        /// Does it hold the bits of a double?
        float: bool,
    },
    /// In the string column of an input, at the record's address.
    Text {
        /// Index into the section's inputs.
        input: usize,
    },
}

/// Which end of a window is taken.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// The earliest value.
    First,
    /// The latest value.
    Last,
    /// The n latest values, oldest first.
    Latest(u32),
}

/// Work shared by features; `selection` is an index into [`Layout::selections`], none: all.
#[derive(Debug)]
pub(super) enum Job {
    /// Count events.
    Count { selection: Option<usize>, outputs: Vec<Output> },
    /// Add up, and divide.
    Sum {
        word: usize,
        number: Number,
        selection: Option<usize>,
        sums: Vec<Output>,
        means: Vec<Output>,
    },
    /// Find the greatest or the least.
    Extreme { source: Source, selection: Option<usize>, greatest: bool, outputs: Vec<Output> },
    /// Take from an end.
    Ends { source: Source, selection: Option<usize>, ends: Vec<(Output, End)> },
}

impl Program {
    /// Compiles a view of a stream for these events.
    pub(super) fn compile(view: &ViewPlan, events_max: u64, events: &Events<'_>) -> Result<Self> {
        let mut program = Self {
            layout: Layout {
                presence: view.filter,
                lanes: Vec::new(),
                selections: Vec::new(),
                addressed: false,
            },
            windows: view.windows.clone(),
            include_current: view.include_current,
            jobs: Vec::new(),
            bounded: Vec::new(),
            events_max,
            shape: RowShape { features: view.features.len() },
            ordered: false,
        };
        // Lanes first: the flag words come after them.
        for (feature, plan) in view.features.iter().enumerate() {
            let FeatureCompute::Aggregate(aggregate) = &plan.compute else {
                return Err(Error::new(
                    Kind::Internal,
                    "sweep_view",
                    format!("view {} reads a table; a sweep is over a stream", view.name),
                ));
            };
            program.add(aggregate, feature, events);
        }
        for (window, bounds) in view.windows.iter().enumerate() {
            if matches!(bounds, Window::Exact { .. }) {
                let features = (0..view.features.len()).filter(|&feature| {
                    matches!(&view.features[feature].compute,
                        FeatureCompute::Aggregate(aggregate) if aggregate.window == window)
                });
                program.bounded.push((window, features.collect()));
            }
        }
        Ok(program)
    }

    fn add(&mut self, aggregate: &AggregatePlan, feature: usize, events: &Events<'_>) {
        let selection = self.selection(aggregate, events);
        let output = Output { window: aggregate.window, feature };
        match aggregate.aggregate {
            Aggregate::Count => self.add_count(selection, output),
            Aggregate::Sum => self.sum_job(aggregate, selection).0.push(output),
            Aggregate::Mean => self.sum_job(aggregate, selection).1.push(output),
            Aggregate::Min => self.add_extreme(aggregate, selection, false, output),
            Aggregate::Max => self.add_extreme(aggregate, selection, true, output),
            Aggregate::First => self.add_end(aggregate, selection, End::First, output),
            Aggregate::Last => {
                let end = aggregate.n.map_or(End::Last, End::Latest);
                self.add_end(aggregate, selection, end, output);
            }
        }
    }

    /// The selection of an aggregate; none where it takes every record.
    fn selection(&mut self, aggregate: &AggregatePlan, events: &Events<'_>) -> Option<usize> {
        let nulls =
            |&input: &usize| events.chunks.iter().any(|chunk| chunk.inputs[input].null_count() > 0);
        let selection = Selection {
            input: aggregate.input.filter(nulls),
            filter: aggregate.filter.filter(|&filter| Some(filter) != self.layout.presence),
        };
        if selection == (Selection { input: None, filter: None }) {
            return None;
        }
        Some(place_of(&mut self.layout.selections, selection))
    }

    /// The word of an aggregate's input.
    fn word(&mut self, aggregate: &AggregatePlan) -> usize {
        1 + place_of(&mut self.layout.lanes, input_of(aggregate))
    }

    fn source(&mut self, aggregate: &AggregatePlan) -> Source {
        if aggregate.input_type == Some(DataType::Str) {
            self.layout.addressed = true;
            return Source::Text { input: input_of(aggregate) };
        }
        let float = aggregate.input_type == Some(DataType::Float);
        Source::Word { word: self.word(aggregate), float }
    }

    fn add_count(&mut self, selection: Option<usize>, output: Output) {
        for job in &mut self.jobs {
            match job {
                Job::Count { selection: other, outputs } if *other == selection => {
                    outputs.push(output);
                    return;
                }
                _ => {}
            }
        }
        self.jobs.push(Job::Count { selection, outputs: vec![output] });
    }

    /// The sums and the means of the job that adds up this aggregate's input.
    fn sum_job(
        &mut self,
        aggregate: &AggregatePlan,
        selection: Option<usize>,
    ) -> (&mut Vec<Output>, &mut Vec<Output>) {
        let word = self.word(aggregate);
        let number = match aggregate.input_type {
            Some(DataType::Float) => Number::Float { scale_exponent: aggregate.scale_exponent },
            _ => Number::Integer,
        };
        let known = self.jobs.iter().position(|job| {
            matches!(job, Job::Sum { word: w, number: n, selection: s, .. }
                if *w == word && *n == number && *s == selection)
        });
        let index = known.unwrap_or_else(|| {
            let (sums, means) = (Vec::new(), Vec::new());
            self.jobs.push(Job::Sum { word, number, selection, sums, means });
            self.jobs.len() - 1
        });
        match &mut self.jobs[index] {
            Job::Sum { sums, means, .. } => (sums, means),
            _ => unreachable!("found or made as a sum"),
        }
    }

    fn add_extreme(
        &mut self,
        aggregate: &AggregatePlan,
        selection: Option<usize>,
        greatest: bool,
        output: Output,
    ) {
        let source = self.source(aggregate);
        for job in &mut self.jobs {
            match job {
                Job::Extreme { source: s, selection: other, greatest: g, outputs }
                    if *s == source && *other == selection && *g == greatest =>
                {
                    outputs.push(output);
                    return;
                }
                _ => {}
            }
        }
        self.jobs.push(Job::Extreme { source, selection, greatest, outputs: vec![output] });
    }

    fn add_end(
        &mut self,
        aggregate: &AggregatePlan,
        selection: Option<usize>,
        end: End,
        output: Output,
    ) {
        // The addresses of ordered events find their ties.
        self.ordered = true;
        self.layout.addressed = true;
        let source = self.source(aggregate);
        for job in &mut self.jobs {
            match job {
                Job::Ends { source: s, selection: other, ends }
                    if *s == source && *other == selection =>
                {
                    ends.push((output, end));
                    return;
                }
                _ => {}
            }
        }
        self.jobs.push(Job::Ends { source, selection, ends: vec![(output, end)] });
    }

    /// Which inputs are read as strings.
    pub(super) fn texts<'a>(&self, events: &Events<'a>) -> super::run::Texts<'a> {
        let inputs = events.chunks.first().map_or(0, |chunk| chunk.inputs.len());
        let column = |input: usize| {
            let columns = events.chunks.iter().map(|chunk| {
                let array = &chunk.inputs[input];
                (*array.data_type() == ArrowType::Utf8)
                    .then(|| arrow_array::cast::AsArray::as_string::<i32>(array.as_ref()))
            });
            columns.collect()
        };
        (0..inputs).map(column).collect()
    }
}

fn input_of(aggregate: &AggregatePlan) -> usize {
    aggregate.input.expect("checked by the plan: only count has no input")
}

/// The place of an item in a list, appended if it is new.
fn place_of<T: Copy + PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|&other| other == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}
