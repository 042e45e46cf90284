//! How two sides of a section become one row: what a former generation kept of some parts, and what
//! was filled of the others. Each part is taken whole from one of the two.
//!
//! The log joins by columns. Its rows are those of both sides; a column has at each of them the
//! number of its own side's last row up to there. That is what its side answers for every boundary
//! which its windows can ask for: a side may lack rows, but only where none of these lies between.
//! Rows of one side are told in buckets of the new section, by the first instant of the old one:
//! all boundaries of a part are multiples of the buckets it was kept in.

use super::column::Column;
use super::layout::{Layout, Place};
use super::log_row::Row;
use super::row::{SectionRow, put_step, steps};
use crate::aggregates::raw::RawEvent;
use crate::order::Tie;
use crate::plan::{Part, PartsCarry};
use crate::value::Value;

/// How two sides of a section become one.
pub(crate) struct Sides<'a> {
    pub(crate) carry: &'a PartsCarry,
    pub(crate) parts: &'a [Part],
    pub(crate) layout: &'a Layout,
    pub(crate) former_layout: &'a Layout,
}

impl Sides<'_> {
    /// The row of a key; a side that is not there knows nothing of it.
    pub(crate) fn join(
        &self,
        former: Option<SectionRow>,
        filled: Option<SectionRow>,
        is_ordered: bool,
    ) -> SectionRow {
        let (former, filled) = (former.unwrap_or_default(), filled.unwrap_or_default());
        let mut log = self.log(&former.log, &filled.log);
        for index in 0..self.layout.extremes.len() {
            self.put_extreme(index, &former.log, &filled.log, &mut log);
        }
        SectionRow {
            log,
            columns: self.columns(&former.columns, &filled.columns),
            waiting: self.waiting(&former.waiting, &filled.waiting, is_ordered),
        }
    }

    /// The bucket here in which a bucket of the former section begins.
    fn bucket(&self, former: i64) -> i64 {
        self.layout.bucket(former * self.former_layout.unit_us)
    }

    /// Where a part was kept in the former section; `None` for one that was filled.
    fn former_place(&self, part: usize) -> Option<Place> {
        self.carry.parts[part].map(|former| self.former_layout.places[former])
    }

    fn log(&self, former: &[Row], filled: &[Row]) -> Vec<Row> {
        let mut former: Vec<(i64, &Row)> =
            former.iter().map(|row| (self.bucket(row.time), row)).collect();
        // Of rows in one bucket the last one holds them all.
        former.reverse();
        former.dedup_by_key(|row| row.0);
        former.reverse();
        let filled: Vec<(i64, &Row)> = filled.iter().map(|row| (row.time, row)).collect();
        let mut times: Vec<i64> = former.iter().chain(&filled).map(|row| row.0).collect();
        times.sort_unstable();
        times.dedup();
        let (mut former, mut filled) = (Side::new(&former), Side::new(&filled));
        let mut rows: Vec<Row> = Vec::with_capacity(times.len());
        for time in times {
            let row = self.log_row(time, former.up_to(time), filled.up_to(time));
            // A row that adds nothing answers what the one before it does.
            let before = rows.last();
            let adds = |count: &u64, at: usize| *count != before.map_or(0, |row| row.counts[at]);
            let sums = |sum: &i128, at: usize| *sum != before.map_or(0, |row| row.sums[at]);
            if row.counts.iter().enumerate().any(|(at, count)| adds(count, at))
                || row.sums.iter().enumerate().any(|(at, sum)| sums(sum, at))
            {
                rows.push(row);
            }
        }
        rows
    }

    fn log_row(&self, time: i64, former: Option<&Row>, filled: Option<&Row>) -> Row {
        let count = |(index, &part): (usize, &usize)| match self.former_place(part) {
            Some(Place::Count(at)) => former.map_or(0, |row| row.counts[at]),
            Some(_) => unreachable!("a count was a count"),
            None => filled.map_or(0, |row| row.counts[index]),
        };
        let sum = |(index, &part): (usize, &usize)| match self.former_place(part) {
            Some(Place::Sum(at)) => former.map_or(0, |row| row.sums[at]),
            Some(_) => unreachable!("a sum was a sum"),
            None => filled.map_or(0, |row| row.sums[index]),
        };
        Row {
            time,
            counts: self.layout.counts.iter().enumerate().map(count).collect(),
            sums: self.layout.sums.iter().enumerate().map(sum).collect(),
            extremes: vec![0; self.layout.extremes.len()],
        }
    }

    /// Puts an extreme of the side that has it into the rows of both.
    fn put_extreme(&self, index: usize, former: &[Row], filled: &[Row], log: &mut [Row]) {
        let extreme = self.layout.extremes[index];
        let steps = match self.former_place(extreme.part) {
            Some(Place::Extreme(at)) => {
                let steps = steps(former, at, self.former_layout.extremes[at].count).into_iter();
                steps.map(|(bucket, value)| (self.bucket(bucket), value)).collect()
            }
            Some(_) => unreachable!("an extreme was an extreme"),
            None => steps(filled, index, extreme.count),
        };
        for step in steps {
            let done = put_step(log, index, extreme.count, step);
            assert!(done, "both sides count the inputs of an extreme");
        }
    }

    fn columns(&self, former: &[Column], filled: &[Column]) -> Box<[Column]> {
        if former.is_empty() && filled.is_empty() {
            return Box::default();
        }
        let column = |(index, &part): (usize, &usize)| match self.former_place(part) {
            Some(Place::Column(at)) => former.get(at).cloned().map(|column| match column {
                Column::Text(text) => Column::Text(text.rebucketed(|bucket| self.bucket(bucket))),
                other => other,
            }),
            Some(_) => unreachable!("a column was a column"),
            None => filled.get(index).cloned(),
        };
        let columns = self.layout.columns.iter().enumerate();
        columns
            .map(|(index, part)| {
                column((index, part)).unwrap_or_else(|| Column::empty(&self.parts[*part]))
            })
            .collect()
    }

    /// Both sides hold the same events in the order in which they came: the former one with the
    /// inputs and filters that it had, the other with those that were filled. Of events that the
    /// archive no longer has only the latest are on both sides.
    fn waiting(&self, former: &[RawEvent], filled: &[RawEvent], is_ordered: bool) -> Vec<RawEvent> {
        let count = former.len().max(filled.len());
        let at = |events: &'_ [RawEvent], index: usize| {
            (index + events.len()).checked_sub(count).map(|index| events[index].clone())
        };
        (0..count)
            .map(|index| {
                let (former, filled) = (at(former, index), at(filled, index));
                self.waiting_event(former.as_ref(), filled.as_ref(), is_ordered)
            })
            .collect()
    }

    fn waiting_event(
        &self,
        former: Option<&RawEvent>,
        filled: Option<&RawEvent>,
        is_ordered: bool,
    ) -> RawEvent {
        let either = former.or(filled).expect("an event of one side");
        // An input that can fail was evaluated where a view needed it, and is null elsewhere: each
        // side may have it where the other one has not.
        let input = |(index, from): (usize, &Option<usize>)| {
            let kept = from.and_then(|from| former.map(|event| &event.inputs[from]));
            let kept = kept.filter(|value| !value.is_null());
            let value = kept.or(filled.map(|event| &event.inputs[index]));
            value.cloned().unwrap_or(Value::Null)
        };
        let passes = |index: usize| match (self.carry.filters[index], former, filled) {
            (Some(from), Some(event), _) => event.passes(Some(from)),
            (_, _, Some(event)) => event.passes(Some(index)),
            _ => false,
        };
        let mut filters = vec![0u64; self.carry.filters.len().div_ceil(64)];
        for index in 0..self.carry.filters.len() {
            filters[index / 64] |= u64::from(passes(index)) << (index % 64);
        }
        // Ties are made again where a part that hangs on them is filled: they may have changed.
        let tie = [filled, former].into_iter().flatten().find_map(|event| event.tie.clone());
        RawEvent {
            time: either.time,
            tie: is_ordered.then(|| tie.unwrap_or_else(|| Tie::new(None, 0))),
            inputs: self.carry.inputs.iter().enumerate().map(input).collect(),
            filters: filters.into(),
        }
    }
}

/// The rows of one side, walked in time.
struct Side<'a> {
    rows: &'a [(i64, &'a Row)],
    next: usize,
}

impl<'a> Side<'a> {
    fn new(rows: &'a [(i64, &'a Row)]) -> Self {
        Side { rows, next: 0 }
    }

    /// The last row up to a bucket; buckets are asked for in order.
    fn up_to(&mut self, time: i64) -> Option<&'a Row> {
        while self.rows.get(self.next).is_some_and(|row| row.0 <= time) {
            self.next += 1;
        }
        self.next.checked_sub(1).map(|last| self.rows[last].1)
    }
}
