//! Reading a view off the state of a key at `t`: the log is searched once for each window, then
//! each feature is a difference, a step of a staircase or a column's answer; events that wait are
//! added one by one. Nothing is changed, so that any number of readers may read.

use super::column::{Column, input_of};
use super::layout::Place;
use super::log::{first_row_from, row_count, row_sum};
use super::pool::start as block_start;
use super::section::SectionState;
use super::stairs::best_from;
use crate::aggregates::extreme::of_ordered;
use crate::aggregates::raw::RawEvent;
use crate::aggregates::{Event, Partial, count, or_default, sum};
use crate::blueprint::Aggregate;
use crate::plan::{AggregatePlan, Family, FeatureCompute, FeaturePlan, Reads, ViewPlan};
use crate::value::{Cell, Status, Value};
use crate::window::{Window, end as window_end};

/// Windows of a view that are looked up without an allocation.
const WINDOWS_INLINE: usize = 16;

/// One key at one instant.
struct Reader<'a> {
    state: &'a SectionState,
    id: u32,
    view: &'a ViewPlan,
    /// By window: its first instant.
    starts: &'a [i64],
    /// By window: words of the log row before its start; `usize::MAX` for the beginning.
    rows: &'a [usize],
    /// Words of the last row of the log; `usize::MAX` for none.
    total: usize,
    level: u8,
    waiting: &'a [RawEvent],
    end: i64,
}

const NO_ROW: usize = usize::MAX;

impl SectionState {
    /// Reads a view of this section; see `SpaceState::read`.
    pub(crate) fn read(&self, view: &ViewPlan, id: Option<u32>, t: i64, out: &mut [Cell]) -> bool {
        assert_eq!(out.len(), view.features.len(), "a cell for each feature");
        assert!(t >= self.sealed_at, "an instant before the sealed one is read from the archive");
        let Some(id) = id else {
            for (feature, cell) in view.features.iter().zip(out) {
                *cell = Partial::empty(plan_of(feature)).finish(plan_of(feature), feature);
            }
            return false;
        };
        let count = view.windows.len();
        let mut inline = ([0i64; WINDOWS_INLINE], [NO_ROW; WINDOWS_INLINE]);
        let mut more = (Vec::new(), Vec::new());
        let (starts, rows) = if count <= WINDOWS_INLINE {
            (&mut inline.0[..count], &mut inline.1[..count])
        } else {
            more.0.resize(count, 0);
            more.1.resize(count, NO_ROW);
            (&mut more.0[..], &mut more.1[..])
        };
        for (window, start) in view.windows.iter().zip(&mut *starts) {
            *start = window.start(t, view.include_current);
        }
        let head = self.head(id);
        let total = self.search_log(view, id, starts, rows);
        let reader = Reader {
            state: self,
            id,
            view,
            starts,
            rows,
            total,
            level: head.level,
            waiting: self.waiting_of(id),
            end: window_end(t, view.include_current),
        };
        for (feature, cell) in view.features.iter().zip(out) {
            *cell = reader.feature(feature, plan_of(feature));
        }
        reader.found()
    }

    /// Finds, for each aligned window, the row before its start; returns the last row.
    fn search_log(&self, view: &ViewPlan, id: u32, starts: &[i64], rows: &mut [usize]) -> usize {
        let head = self.head(id);
        if head.rows == 0 {
            return NO_ROW;
        }
        let stride = self.shape.stride(head.level);
        let base = block_start(head.at);
        for ((window, &start), row) in view.windows.iter().zip(starts).zip(rows) {
            if matches!(window, Window::Exact { .. }) {
                continue;
            }
            let bucket = self.layout.bucket_of_start(start);
            let next = first_row_from(&self.pool.words, head, self.shape, bucket);
            *row = if next == 0 { NO_ROW } else { base + (next - 1) * stride };
        }
        base + (head.rows as usize - 1) * stride
    }
}

fn plan_of(feature: &FeaturePlan) -> &AggregatePlan {
    match &feature.compute {
        FeatureCompute::Aggregate(plan) => plan,
        FeatureCompute::Column(_) => unreachable!("a view of a section has aggregates only"),
    }
}

impl Reader<'_> {
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
            Reads::One(part) => match self.state.place(part) {
                Place::Stair(index) if self.waiting.is_empty() => self.stair(index, plan),
                _ => return self.one(part, feature, plan),
            },
            Reads::Raw(part) => return self.exact(part, feature, plan),
        };
        or_default(cell, feature)
    }

    /// Waiting events in a window that a part takes.
    fn waiting(&self, part: usize, window: usize) -> impl Iterator<Item = &RawEvent> {
        let start = self.starts[window];
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
        let words = &self.state.pool.words;
        let at = |row: usize| {
            if row == NO_ROW { 0 } else { row_count(&words[row..], self.level, index) }
        };
        let mut count = at(self.total) - at(self.rows[window]);
        if !self.waiting.is_empty() {
            count += self.waiting(part, window).count() as u64;
        }
        count
    }

    #[inline]
    fn sum(&self, part: usize, window: usize, plan: &AggregatePlan) -> i128 {
        let Place::Sum(index) = self.state.place(part) else { unreachable!("a sum is in the log") };
        let words = &self.state.pool.words;
        let at = |row: usize| {
            if row == NO_ROW {
                0
            } else {
                row_sum(&words[row..], self.level, self.state.shape, index)
            }
        };
        let mut total = at(self.total).wrapping_sub(at(self.rows[window]));
        if !self.waiting.is_empty() {
            let units = |event| {
                sum::units(input_of(self.state.section(), part, event), plan.scale_exponent)
            };
            total += self.waiting(part, window).map(units).sum::<i128>();
        }
        total
    }

    /// A feature of one part: an extreme, first or last.
    fn one(&self, part: usize, feature: &FeaturePlan, plan: &AggregatePlan) -> Cell {
        let start = self.starts[plan.window];
        let bucket = self.state.layout.bucket_of_start(start);
        let mut partial = Partial::empty(plan);
        match (self.state.place(part), &mut partial) {
            (Place::Stair(index), Partial::Extreme(extreme)) => {
                extreme.best = Some(self.stair(index, plan).value).filter(|best| !best.is_null());
            }
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

    /// The extreme that a staircase answers, without waiting events.
    #[inline]
    fn stair(&self, index: usize, plan: &AggregatePlan) -> Cell {
        let bucket = self.state.layout.bucket_of_start(self.starts[plan.window]);
        let turn = if plan.aggregate == Aggregate::Max { 0 } else { u64::MAX };
        let data_type = plan.input_type.expect("an extreme has an input");
        let stair = self.state.stair(self.id, index);
        let best = best_from(&self.state.pool.words, stair, bucket);
        Cell::ok(best.map_or(Value::Null, |value| of_ordered(value ^ turn, data_type)))
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
                let (events, dropped) = column.read(self.starts[window], self.end);
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
