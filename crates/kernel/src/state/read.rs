//! Reading a view off the state of a key at `t`: the log is searched once for each window, then
//! each feature is a difference of two rows, the best of a run of them or a column's answer; events
//! that wait are added one by one. Nothing is changed, so that any number of readers may read.

use super::column::{Column, input_of};
use super::header::{self, OPEN_LEVEL};
use super::layout::Place;
use super::log::{best_of, first_row_from};
use super::log_row::{row_count, row_extreme, row_sum};
use super::read_short::{Short, Step};
use super::section::SectionState;
use crate::aggregates::extreme::{of_ordered, ordered};
use crate::aggregates::raw::RawEvent;
use crate::aggregates::{Event, Partial, count, or_default, sum};
use crate::blueprint::Aggregate;
use crate::plan::{AggregatePlan, Family, FeatureCompute, FeaturePlan, Reads, ViewPlan};
use crate::value::{Cell, Status, Value};
use crate::window::{Window, end as window_end};

/// A row of the log: its words and level; no words: the beginning, where nothing was.
#[derive(Clone, Copy)]
struct RowOf<'a> {
    words: &'a [u32],
    level: u8,
}

impl RowOf<'_> {
    const NOTHING: RowOf<'static> = RowOf { words: &[], level: 0 };
}

/// By window of a view.
#[derive(Clone, Copy)]
struct Found<'a> {
    /// Its first instant, and the bucket of that.
    start: i64,
    bucket: i64,
    /// The log row before its start.
    row: RowOf<'a>,
    /// The rows of the block in it, and whether the last row of the log is in it.
    rows: &'a [u32],
    has_total: bool,
}

/// One key at one instant.
struct Reader<'a> {
    state: &'a SectionState,
    id: u32,
    view: &'a ViewPlan,
    /// By window.
    windows: Vec<Found<'a>>,
    /// The level of the rows in the log's block.
    level: u8,
    /// The last row of the log.
    total: RowOf<'a>,
    waiting: &'a [RawEvent],
    end: i64,
}

impl SectionState {
    /// Reads a view (index into the plan's) of this section; see `SpaceState::read`.
    pub(crate) fn read(&self, index: usize, id: Option<u32>, t: i64, out: &mut [Cell]) -> bool {
        let view = &self.plan.views[index];
        assert_eq!(out.len(), view.features.len(), "a cell for each feature");
        assert!(t >= self.sealed_at, "an instant before the sealed one is read from the archive");
        let Some(id) = id else {
            for (feature, cell) in view.features.iter().zip(out) {
                *cell = Partial::empty(plan_of(feature)).finish(plan_of(feature), feature);
            }
            return false;
        };
        let position = self.section().views.iter().position(|&own| own == index);
        let reading = &self.readings[position.expect("a view of this section")];
        let features = || view.features.iter().zip(&reading.steps);
        let mut short = Short::new(self, id);
        if short.look(reading, t).is_some() {
            for ((feature, step), cell) in features().zip(&mut *out) {
                short.read(step, feature, cell);
            }
            if reading.is_short {
                return short.found(reading);
            }
            let reader = Reader::new(self, view, id, t);
            for ((feature, step), cell) in features().zip(out) {
                if matches!(step, Step::Long) {
                    *cell = reader.feature(feature, plan_of(feature));
                }
            }
            return reader.found();
        }
        let reader = Reader::new(self, view, id, t);
        for (feature, cell) in view.features.iter().zip(out) {
            *cell = reader.feature(feature, plan_of(feature));
        }
        reader.found()
    }

    /// Finds, for each aligned window, the row before its start; returns the last row.
    fn search_log<'a>(&'a self, view: &ViewPlan, id: u32, windows: &mut [Found<'a>]) -> RowOf<'a> {
        let Some(header) = self.header(id) else { return RowOf::NOTHING };
        let head = header::head_of(header);
        let (level, stride) = (head.level, self.shape.stride(head.level));
        let words = self.pool.block(head.at);
        let row = |rows: usize| match rows.checked_sub(1) {
            Some(row) => RowOf { words: &words[row * stride..(row + 1) * stride], level },
            None => RowOf::NOTHING,
        };
        let bucket = header::bucket_of(header);
        let total = match bucket {
            header::CLOSED => row(head.rows as usize),
            _ => RowOf { words: header::newest(header, self.shape), level: OPEN_LEVEL },
        };
        for (window, found) in view.windows.iter().zip(windows) {
            if matches!(window, Window::Exact { .. }) {
                continue;
            }
            if bucket != header::CLOSED && i64::from(bucket) < found.bucket {
                found.row = total;
                continue;
            }
            let first = first_row_from(words, head, self.shape, found.bucket);
            found.row = row(first);
            found.rows = &words[first * stride..head.rows as usize * stride];
            found.has_total = bucket != header::CLOSED;
        }
        total
    }
}

fn plan_of(feature: &FeaturePlan) -> &AggregatePlan {
    match &feature.compute {
        FeatureCompute::Aggregate(plan) => plan,
        FeatureCompute::Column(_) => unreachable!("a view of a section has aggregates only"),
    }
}

impl<'a> Reader<'a> {
    fn new(state: &'a SectionState, view: &'a ViewPlan, id: u32, t: i64) -> Reader<'a> {
        let found = |window: &Window| {
            let start = window.start(t, view.include_current);
            let bucket = state.layout.bucket_of_start(start);
            Found { start, bucket, row: RowOf::NOTHING, rows: &[], has_total: false }
        };
        let mut windows: Vec<Found> = view.windows.iter().map(found).collect();
        let total = state.search_log(view, id, &mut windows);
        let (waiting, end) = (state.waiting_of(id), window_end(t, view.include_current));
        let level = state.header(id).map_or(0, |header| header::head_of(header).level);
        Reader { state, id, view, windows, level, total, waiting, end }
    }

    fn feature(&self, feature: &FeaturePlan, plan: &AggregatePlan) -> Cell {
        let window = plan.window;
        let cell = match plan.reads {
            Reads::Count(part) => count::finish(self.count(part, window)),
            Reads::Sum { sum, count } => {
                let (total, count) = (self.sum(sum, window, plan), self.count(count, window));
                if plan.aggregate == Aggregate::Mean {
                    sum::finish_mean(total, count, plan.scale_exponent)
                } else {
                    sum::finish_sum(total, count, plan.input_type, plan.scale_exponent)
                }
            }
            Reads::Extreme { extreme, count } => match self.count(count, window) {
                0 => Cell::default(),
                _ => self.extreme(extreme, plan),
            },
            Reads::One(part) => return self.one(part, feature, plan),
            Reads::Raw(part) => return self.exact(part, feature, plan),
        };
        or_default(cell, feature)
    }

    /// Waiting events in a window that a part takes.
    fn waiting(&self, part: usize, window: usize) -> impl Iterator<Item = &RawEvent> {
        let start = self.windows[window].start;
        let part = &self.state.section().parts[part];
        self.waiting.iter().filter(move |event| {
            event.time >= start
                && event.time < self.end
                && event.passes(part.filter)
                && part.input.is_none_or(|input| !event.inputs[input].is_null())
        })
    }

    #[inline]
    fn count(&self, part: usize, window: usize) -> u64 {
        let Place::Count(index) = self.state.place(part) else {
            unreachable!("a count is in the log")
        };
        let at = |row: RowOf| {
            if row.words.is_empty() { 0 } else { row_count(row.words, row.level, index) }
        };
        let mut count = at(self.total) - at(self.windows[window].row);
        if !self.waiting.is_empty() {
            count += self.waiting(part, window).count() as u64;
        }
        count
    }

    #[inline]
    fn sum(&self, part: usize, window: usize, plan: &AggregatePlan) -> i128 {
        let Place::Sum(index) = self.state.place(part) else { unreachable!("a sum is in the log") };
        let at = |row: RowOf| match row.words {
            [] => 0,
            words => row_sum(words, row.level, self.state.shape, index),
        };
        let mut total = at(self.total).wrapping_sub(at(self.windows[window].row));
        if !self.waiting.is_empty() {
            let units = |event| {
                sum::units(input_of(self.state.section(), part, event), plan.scale_exponent)
            };
            total += self.waiting(part, window).map(units).sum::<i128>();
        }
        total
    }

    /// The extreme of a window that has one.
    fn extreme(&self, part: usize, plan: &AggregatePlan) -> Cell {
        let Place::Extreme(index) = self.state.place(part) else {
            unreachable!("a numeric extreme is in the log")
        };
        let (window, shape) = (&self.windows[plan.window], self.state.shape);
        let turn = if plan.aggregate == Aggregate::Max { 0 } else { u64::MAX };
        let mut best = best_of(window.rows, self.level, shape, index);
        if window.has_total {
            best = best.max(row_extreme(self.total.words, self.total.level, shape, index));
        }
        let value = |event| ordered(input_of(self.state.section(), part, event)) ^ turn;
        let best = self.waiting(part, plan.window).map(value).fold(best, u64::max);
        let data_type = plan.input_type.expect("an extreme has an input");
        Cell::ok(of_ordered(best ^ turn, data_type))
    }

    /// A feature of one part: an extreme of strings, first or last.
    fn one(&self, part: usize, feature: &FeaturePlan, plan: &AggregatePlan) -> Cell {
        let Found { start, bucket, .. } = self.windows[plan.window];
        let mut partial = Partial::empty(plan);
        match (self.state.place(part), &mut partial) {
            (Place::Column(index), partial) => {
                match (self.column(index), partial) {
                    (Some(Column::Text(column)), Partial::Extreme(extreme)) => {
                        *extreme = column.read_from(bucket);
                    }
                    (Some(Column::First(column)), Partial::First(first)) => {
                        *first = column.read_from(start);
                    }
                    (Some(Column::Last(column)), Partial::Last(last)) => {
                        *last = column.read_from(start);
                    }
                    (None, _) => {}
                    _ => unreachable!("a part is read by aggregates of its family"),
                };
            }
            _ => unreachable!("a part is read by aggregates of its family"),
        }
        for event in self.waiting(part, plan.window) {
            let value = input_of(self.state.section(), part, event);
            partial.update(&Event { time: event.time, tie: event.tie.as_ref(), value });
        }
        partial.finish(plan, feature)
    }

    fn column(&self, index: usize) -> Option<&Column> {
        let columns = self.state.columns.get(self.id as usize)?.as_ref()?;
        Some(&columns[index])
    }

    /// Kept raw events of a part in a window, and whether one of the window was dropped.
    fn raw(
        &self,
        part: usize,
        window: usize,
    ) -> (Option<impl Iterator<Item = &RawEvent> + Clone>, bool) {
        let Place::Column(index) = self.state.place(part) else {
            unreachable!("raw events are in a column")
        };
        match self.column(index) {
            Some(Column::Raw(column)) => {
                let (events, dropped) = column.read(self.windows[window].start, self.end);
                (Some(events), dropped)
            }
            _ => (None, false),
        }
    }

    /// A feature of an exact window: over the events themselves.
    fn exact(&self, part: usize, feature: &FeaturePlan, plan: &AggregatePlan) -> Cell {
        let section = self.state.section();
        let Family::Raw { events_max, inputs, filters, .. } = &section.parts[part].family else {
            unreachable!("an exact window reads a raw part")
        };
        let (kept, dropped) = self.raw(part, plan.window);
        let held = kept.clone().into_iter().flatten().count();
        let held = held as u64 + self.waiting(part, plan.window).count() as u64;
        if dropped || held > *events_max {
            return Cell::null(Status::Saturated);
        }
        let position = |list: &[usize], wanted: Option<usize>| {
            wanted.map(|wanted| {
                list.iter().position(|&item| item == wanted).expect("raw parts hold what is read")
            })
        };
        let input = position(inputs, plan.input);
        let filter = position(filters, plan.filter);
        let mut partial = Partial::empty(plan);
        let mut update = |event: &RawEvent, input: Option<usize>| {
            let value = input.map_or(&Value::Null, |input| &event.inputs[input]);
            if input.is_none() || !value.is_null() {
                partial.update(&Event { time: event.time, tie: event.tie.as_ref(), value });
            }
        };
        kept.into_iter()
            .flatten()
            .filter(|event| event.passes(filter))
            .for_each(|event| update(event, input));
        self.waiting(part, plan.window)
            .filter(|event| event.passes(plan.filter))
            .for_each(|event| update(event, plan.input));
        partial.finish(plan, feature)
    }

    /// Is there an event of the view in one of its windows?
    fn found(&self) -> bool {
        let windows = || self.view.windows.iter().enumerate();
        windows().any(|(index, window)| match window {
            Window::Exact { .. } => self.view.presence.raw.is_some_and(|part| {
                let (kept, dropped) = self.raw(part, index);
                dropped
                    || kept.into_iter().flatten().next().is_some()
                    || self.waiting(part, index).next().is_some()
            }),
            _ => self.view.presence.count.is_some_and(|part| self.count(part, index) > 0),
        })
    }
}
