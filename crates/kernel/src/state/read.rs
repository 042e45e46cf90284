//! Reading a view off the state of a key at `t`: the log is searched once for each window, then
//! each feature is a difference, a step of a staircase or a column's answer; events that wait are
//! added one by one. Nothing is changed, so that any number of readers may read.

use super::column::{Column, input_of};
use super::layout::Place;
use super::log::first_row_from;
use super::log_row::{row_count, row_sum};
use super::pool::start as block_start;
use super::read_short::{ROW_WORDS_MAX, Short, Step, ZEROS};
use super::section::SectionState;
use super::stairs::{STEP_WORDS, best_from};
use super::words::LINE_WORDS;
use crate::aggregates::extreme::of_ordered;
use crate::aggregates::raw::RawEvent;
use crate::aggregates::{Event, Partial, count, or_default, sum};
use crate::blueprint::Aggregate;
use crate::plan::{AggregatePlan, Family, FeatureCompute, FeaturePlan, Reads, ViewPlan};
use crate::prefetch::prefetch;
use crate::value::{Cell, Status, Value};
use crate::window::{Window, end as window_end};

/// Windows of a view that are looked up without an allocation.
pub(super) const WINDOWS_INLINE: usize = 8;

/// Cache lines of a log or a staircase that are asked for at once.
const LINES_AHEAD: usize = 6;

/// By window of a view.
#[derive(Clone, Copy)]
struct Found {
    /// Its first instant, and the bucket of that.
    start: i64,
    bucket: i64,
    /// Words of the log row before its start; [`NO_ROW`] for the beginning.
    row: usize,
}

/// One key at one instant.
struct Reader<'a> {
    state: &'a SectionState,
    id: u32,
    view: &'a ViewPlan,
    /// By window.
    windows: &'a [Found],
    /// Words of the last row of the log; `usize::MAX` for none.
    total: usize,
    level: u8,
    waiting: &'a [RawEvent],
    end: i64,
}

const NO_ROW: usize = usize::MAX;

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
        self.prefetch_rows(id);
        let nothing = Found { start: 0, bucket: i64::MIN, row: NO_ROW };
        let (mut inline, mut more) = ([nothing; WINDOWS_INLINE], Vec::new());
        let windows = match inline.get_mut(..view.windows.len()) {
            Some(windows) => windows,
            None => {
                more.resize(view.windows.len(), nothing);
                &mut more[..]
            }
        };
        for (window, found) in view.windows.iter().zip(&mut *windows) {
            found.start = window.start(t, view.include_current);
            found.bucket = self.layout.bucket_of_start(found.start);
        }
        let total = self.search_log(view, id, windows);
        let reader = Reader {
            state: self,
            id,
            view,
            windows,
            total,
            level: self.head(id).level,
            waiting: self.waiting_of(id),
            end: window_end(t, view.include_current),
        };
        let steps =
            &self.steps[self.section().views.iter().position(|&v| v == index).expect("own")];
        let words = if total == NO_ROW { 0 } else { self.shape.stride(reader.level) };
        if reader.waiting.is_empty()
            && reader.level < 2
            && words <= ROW_WORDS_MAX
            && windows.len() <= WINDOWS_INLINE
        {
            reader.read_short(steps, words, out);
        } else {
            for (feature, cell) in view.features.iter().zip(out) {
                *cell = reader.feature(feature, plan_of(feature));
            }
        }
        reader.found()
    }

    /// Starts loading the log and the staircases of a key.
    #[inline]
    fn prefetch_rows(&self, id: u32) {
        let words = &*self.pool.words;
        let ahead = |from: usize, length: usize| {
            let lines = (from..from + length).step_by(LINE_WORDS).take(LINES_AHEAD);
            lines.for_each(|at| prefetch(words, at));
            prefetch(words, from + length - 1);
        };
        let head = self.head(id);
        if head.rows > 0 {
            let length = head.rows as usize * self.shape.stride(head.level);
            ahead(block_start(head.at), length);
        }
        for index in 0..self.layout.stairs.len() {
            let stair = self.stair(id, index);
            if stair.steps > 0 {
                ahead(block_start(stair.at), stair.steps as usize * STEP_WORDS);
            }
        }
    }

    /// Finds, for each aligned window, the row before its start; returns the last row.
    fn search_log(&self, view: &ViewPlan, id: u32, windows: &mut [Found]) -> usize {
        let head = self.head(id);
        if head.rows == 0 {
            return NO_ROW;
        }
        let stride = self.shape.stride(head.level);
        let base = block_start(head.at);
        for (window, found) in view.windows.iter().zip(windows) {
            if matches!(window, Window::Exact { .. }) {
                continue;
            }
            let next = first_row_from(&self.pool.words, head, self.shape, found.bucket);
            found.row = if next == 0 { NO_ROW } else { base + (next - 1) * stride };
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
    /// Reads all features, most of them the short way; `words` is the length of a row.
    fn read_short(&self, steps: &[Step], words: usize, out: &mut [Cell]) {
        let pool = &*self.state.pool.words;
        let row = |at: usize| if at == NO_ROW { &ZEROS[..] } else { &pool[at..at + words] };
        let (mut rows, mut buckets) = ([&ZEROS[..]; WINDOWS_INLINE], [0; WINDOWS_INLINE]);
        for (found, (to, bucket)) in self.windows.iter().zip(rows.iter_mut().zip(&mut buckets)) {
            (*to, *bucket) = (row(found.row), found.bucket);
        }
        let short = Short {
            rows,
            total: row(self.total),
            wide: self.level == 1,
            shape: self.state.shape,
            buckets,
            words: pool,
        };
        for ((feature, &step), cell) in self.view.features.iter().zip(steps).zip(out) {
            *cell = match step {
                Step::Count { index, window } => short.read_count(index, window),
                Step::Sum { sum, count, window, of } => {
                    short.read_sum((sum, count), window, of, feature)
                }
                Step::Stair { index, window, turn, data_type } => {
                    let stair = self.state.stair(self.id, index);
                    short.read_stair(stair, (window, turn, data_type), feature)
                }
                Step::Long => self.feature(feature, plan_of(feature)),
            };
        }
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
        let words = &self.state.pool.words;
        let at = |row: usize| {
            if row == NO_ROW { 0 } else { row_count(&words[row..], self.level, index) }
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
        let words = &self.state.pool.words;
        let at = |row: usize| {
            if row == NO_ROW {
                0
            } else {
                row_sum(&words[row..], self.level, self.state.shape, index)
            }
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

    /// A feature of one part: an extreme, first or last.
    fn one(&self, part: usize, feature: &FeaturePlan, plan: &AggregatePlan) -> Cell {
        let Found { start, bucket, .. } = self.windows[plan.window];
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
        let bucket = self.windows[plan.window].bucket;
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
