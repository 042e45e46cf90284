//! A batch prepared for the fold, 64 rows at a time: for each part a mask of the rows it takes,
//! for each sum the fixed-point numbers, for each extreme the ordered ones. Column by column, so
//! that the loop over rows only adds.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};

use super::layout::{Extreme, Layout};
use super::log_row::{Delta, Prepared, Shape};
use crate::aggregates::extreme::{ordered, ordered_i64};
use crate::aggregates::raw::RawEvent;
use crate::aggregates::sum::units;
use crate::fixed::{narrow_scale, to_fixed, to_fixed_narrow};
use crate::fold::FoldBatch;
use crate::order::ordered_f64;
use crate::plan::Section;
use crate::value::{DataType, Value};

/// Rows folded together.
pub(crate) const CHUNK: usize = 64;

/// One input, downcast once.
pub(crate) enum Input<'a> {
    Bool(&'a BooleanBuffer),
    Int(&'a [i64]),
    Float(&'a [f64]),
    Str(&'a StringArray),
    Timestamp(&'a [i64]),
}

pub(crate) struct InputColumn<'a> {
    input: Input<'a>,
    nulls: Option<&'a NullBuffer>,
    scale_exponent: i32,
}

impl<'a> InputColumn<'a> {
    fn new(array: &'a ArrayRef, data_type: DataType, scale_exponent: i32) -> Self {
        let input = match data_type {
            DataType::Bool => Input::Bool(array.as_boolean().values()),
            DataType::Int => Input::Int(array.as_primitive::<Int64Type>().values()),
            DataType::Float => Input::Float(array.as_primitive::<Float64Type>().values()),
            DataType::Str => Input::Str(array.as_string::<i32>()),
            DataType::Timestamp => {
                Input::Timestamp(array.as_primitive::<TimestampMicrosecondType>().values())
            }
        };
        InputColumn { input, nulls: array.nulls(), scale_exponent }
    }

    /// The value of a row; NaN and infinities are null, -0.0 is 0.0.
    pub(crate) fn value(&self, row: usize) -> Value {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return Value::Null;
        }
        match &self.input {
            Input::Bool(values) => Value::Bool(values.value(row)),
            Input::Int(values) => Value::Int(values[row]),
            Input::Float(values) if values[row].is_finite() => Value::Float(values[row] + 0.0),
            Input::Float(_) => Value::Null,
            Input::Str(values) => Value::Str(values.value(row).into()),
            Input::Timestamp(values) => Value::Timestamp(values[row]),
        }
    }

    /// Rows with a usable value, of 64 from `start`.
    fn valid(&self, start: usize, length: usize) -> u64 {
        let mut mask = match self.nulls {
            Some(nulls) => bits(nulls.inner(), start, length),
            None => ones(length),
        };
        if let Input::Float(values) = &self.input {
            let values = &values[start..start + length];
            if values.iter().fold(false, |odd, value| odd | !value.is_finite()) {
                for (bit, value) in values.iter().enumerate() {
                    mask &= !(u64::from(!value.is_finite()) << bit);
                }
            }
        }
        mask
    }

    /// Fixed-point numbers of the rows in `mask`, 0 elsewhere; returns the rows whose number does
    /// not fit 64 bits.
    fn narrow(&self, start: usize, length: usize, mask: u64, out: &mut [i64; CHUNK]) -> u64 {
        let mut wide = 0u64;
        match &self.input {
            Input::Float(values) => {
                let scale = narrow_scale(self.scale_exponent);
                let values = values[start..start + length].iter();
                for (bit, (to, &value)) in out.iter_mut().zip(values).enumerate() {
                    let number = to_fixed_narrow(value, scale);
                    wide |= u64::from(number.is_none()) << bit;
                    *to = number.unwrap_or(0);
                }
            }
            Input::Int(values) => out[..length].copy_from_slice(&values[start..start + length]),
            Input::Bool(values) => {
                for (bit, number) in out[..length].iter_mut().enumerate() {
                    *number = i64::from(values.value(start + bit));
                }
            }
            Input::Str(_) | Input::Timestamp(_) => unreachable!("the plan sums numbers only"),
        }
        if mask != ones(length) {
            for (bit, number) in out.iter_mut().enumerate() {
                *number &= -((mask >> bit & 1) as i64);
            }
        }
        wide & mask
    }

    /// The exact fixed-point number of a row that has a usable value.
    fn wide(&self, row: usize) -> i128 {
        match &self.input {
            Input::Float(values) => to_fixed(values[row], self.scale_exponent)
                .expect("range is checked when events are accepted"),
            _ => units(&self.value(row), self.scale_exponent),
        }
    }

    /// Numbers that compare as the values do, turned round where the least counts; 0 for the rows
    /// that are not in `mask`.
    fn ordered(
        &self,
        (start, length): (usize, usize),
        mask: u64,
        greatest: bool,
        out: &mut [u64; CHUNK],
    ) {
        let turn = if greatest { 0 } else { u64::MAX };
        let rows = out[..length].iter_mut().enumerate();
        match &self.input {
            Input::Float(values) => {
                rows.for_each(|(bit, to)| *to = ordered_f64(values[start + bit] + 0.0) ^ turn);
            }
            Input::Int(values) | Input::Timestamp(values) => {
                rows.for_each(|(bit, to)| *to = ordered_i64(values[start + bit]) ^ turn);
            }
            Input::Bool(values) => {
                rows.for_each(|(bit, to)| *to = u64::from(values.value(start + bit)) ^ turn);
            }
            Input::Str(_) => unreachable!("strings have columns of their own"),
        }
        if mask != ones(length) {
            for (bit, number) in out.iter_mut().enumerate() {
                *number &= 0u64.wrapping_sub(mask >> bit & 1);
            }
        }
    }
}

fn ones(length: usize) -> u64 {
    if length == CHUNK { u64::MAX } else { (1 << length) - 1 }
}

/// Up to 64 bits of a buffer.
fn bits(buffer: &BooleanBuffer, start: usize, length: usize) -> u64 {
    let bytes = buffer.values();
    let at = buffer.offset() + start;
    let (byte, shift) = (at / 8, at % 8);
    let mut word = [0u8; 16];
    let end = (at + length).div_ceil(8).min(bytes.len());
    word[..end - byte].copy_from_slice(&bytes[byte..end]);
    (u128::from_le_bytes(word) >> shift) as u64 & ones(length)
}

/// A batch with its inputs downcast.
pub(crate) struct Batch<'a> {
    pub(crate) batch: &'a FoldBatch<'a>,
    pub(crate) inputs: Vec<InputColumn<'a>>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(section: &Section, batch: &'a FoldBatch<'a>) -> Batch<'a> {
        let rows = batch.keys.len();
        assert_eq!(batch.times.len(), rows, "a time for each row");
        assert_eq!(batch.inputs.len(), section.inputs.len(), "inputs as the section's");
        assert_eq!(batch.filters.len(), section.filters.len(), "filters as the section's");
        assert!(batch.inputs.iter().all(|input| input.len() == rows), "inputs of every row");
        assert!(batch.filters.iter().all(|filter| filter.len() == rows), "filters of every row");
        let ties = batch.ties.map_or(0, <[_]>::len);
        assert!(!section.ordered || ties == rows, "ties of every row of an ordered section");
        let input = |(array, expression): (&'a ArrayRef, &crate::blueprint::Expression)| {
            let scale_exponent = match expression.data_type {
                DataType::Float => expression.scale_exponent,
                _ => 0,
            };
            InputColumn::new(array, expression.data_type, scale_exponent)
        };
        Batch { batch, inputs: batch.inputs.iter().zip(&section.inputs).map(input).collect() }
    }

    /// A row as it waits: all inputs and filters of the section.
    pub(crate) fn raw_event(&self, row: usize) -> RawEvent {
        let mut filters = vec![0u64; self.batch.filters.len().div_ceil(64)];
        for (index, filter) in self.batch.filters.iter().enumerate() {
            filters[index / 64] |= u64::from(filter.value(row)) << (index % 64);
        }
        RawEvent {
            time: self.batch.times[row],
            tie: self.batch.ties.map(|ties| ties[row].clone()),
            inputs: self.inputs.iter().map(|input| input.value(row)).collect(),
            filters: filters.into(),
        }
    }

    pub(crate) fn passes(&self, filter: Option<usize>, row: usize) -> bool {
        filter.is_none_or(|index| self.batch.filters[index].value(row))
    }
}

/// 64 rows prepared.
#[derive(Default)]
pub(crate) struct Chunk {
    /// By part: the rows it takes.
    pub(crate) masks: Vec<u64>,
    /// By count of the log: the rows it takes.
    counts: Vec<u64>,
    /// By sum of the log.
    sums: Vec<[i64; CHUNK]>,
    /// By extreme of the log: numbers that compare as the values do, 0 where there is none.
    extremes: Vec<[u64; CHUNK]>,
    /// Rows of which some sum does not fit 64 bits.
    pub(crate) wide: u64,
    /// Rows that the log takes.
    pub(crate) logged: u64,
    /// Parts' inputs and filters by distinct (input, filter).
    valid: Vec<u64>,
    filters: Vec<u64>,
}

impl Chunk {
    /// A first row as the log, of this shape, takes it.
    #[inline(always)]
    pub(crate) fn prepared(&self, shape: Shape) -> Prepared<'_> {
        Prepared {
            counts: &self.counts[..shape.counts],
            sums: &self.sums[..shape.sums],
            extremes: &self.extremes[..shape.extremes],
            bit: 0,
        }
    }

    pub(crate) fn new(layout: &Layout) -> Chunk {
        Chunk {
            masks: vec![0; layout.places.len()],
            counts: vec![0; layout.counts.len()],
            sums: vec![[0; CHUNK]; layout.sums.len()],
            extremes: vec![[0; CHUNK]; layout.extremes.len()],
            wide: 0,
            logged: 0,
            valid: Vec::new(),
            filters: Vec::new(),
        }
    }

    #[inline(never)]
    pub(crate) fn prepare(
        &mut self,
        section: &Section,
        layout: &Layout,
        batch: &Batch,
        start: usize,
        length: usize,
    ) {
        self.valid.clear();
        self.valid.extend(batch.inputs.iter().map(|input| input.valid(start, length)));
        self.filters.clear();
        self.filters.extend(batch.batch.filters.iter().map(|filter| bits(filter, start, length)));
        for (mask, part) in self.masks.iter_mut().zip(&section.parts) {
            let valid = part.input.map_or(ones(length), |input| self.valid[input]);
            *mask = valid & part.filter.map_or(u64::MAX, |filter| self.filters[filter]);
        }
        (self.wide, self.logged) = (0, 0);
        for (mask, &part) in self.counts.iter_mut().zip(&layout.counts) {
            *mask = self.masks[part];
            self.logged |= *mask;
        }
        for (out, &part) in self.sums.iter_mut().zip(&layout.sums) {
            let input = section.parts[part].input.expect("a sum has an input");
            let mask = self.masks[part];
            self.wide |= batch.inputs[input].narrow(start, length, mask, out);
            self.logged |= mask;
        }
        for (out, extreme) in self.extremes.iter_mut().zip(&layout.extremes) {
            let input = section.parts[extreme.part].input.expect("an extreme has an input");
            let mask = self.masks[extreme.part];
            batch.inputs[input].ordered((start, length), mask, extreme.greatest, out);
        }
    }
}

/// What a row adds to the log, the exact way.
#[derive(Clone, Copy)]
pub(crate) struct ExactDelta<'a> {
    pub(crate) chunk: &'a Chunk,
    pub(crate) bit: usize,
    pub(crate) section: &'a Section,
    pub(crate) layout: &'a Layout,
    pub(crate) batch: &'a Batch<'a>,
    pub(crate) row: usize,
}

impl Delta for ExactDelta<'_> {
    fn count(self, index: usize) -> u32 {
        (self.chunk.counts[index] >> self.bit & 1) as u32
    }

    fn sum(self, index: usize) -> i128 {
        let part = self.layout.sums[index];
        if self.chunk.masks[part] >> self.bit & 1 == 0 {
            return 0;
        }
        let input = self.section.parts[part].input.expect("a sum has an input");
        self.batch.inputs[input].wide(self.row)
    }

    fn extreme(self, index: usize) -> u64 {
        self.chunk.extremes[index][self.bit]
    }
}

/// What an event that waited adds to the log.
#[derive(Clone, Copy)]
pub(crate) struct RawDelta<'a> {
    pub(crate) section: &'a Section,
    pub(crate) layout: &'a Layout,
    pub(crate) event: &'a RawEvent,
}

impl RawDelta<'_> {
    pub(crate) fn takes(self, part: usize) -> bool {
        let part = &self.section.parts[part];
        let usable = part.input.is_none_or(|input| !self.event.inputs[input].is_null());
        usable && self.event.passes(part.filter)
    }

    pub(crate) fn logged(self) -> bool {
        // What an extreme takes its count takes as well.
        self.layout.counts.iter().chain(&self.layout.sums).any(|&part| self.takes(part))
    }
}

impl Delta for RawDelta<'_> {
    fn count(self, index: usize) -> u32 {
        u32::from(self.takes(self.layout.counts[index]))
    }

    fn sum(self, index: usize) -> i128 {
        let part = self.layout.sums[index];
        if !self.takes(part) {
            return 0;
        }
        let input = self.section.parts[part].input.expect("a sum has an input");
        let expression = &self.section.inputs[input];
        let scale_exponent =
            if expression.data_type == DataType::Float { expression.scale_exponent } else { 0 };
        units(&self.event.inputs[input], scale_exponent)
    }

    fn extreme(self, index: usize) -> u64 {
        let Extreme { part, greatest, .. } = self.layout.extremes[index];
        if !self.takes(part) {
            return 0;
        }
        let input = self.section.parts[part].input.expect("an extreme has an input");
        let value = ordered(&self.event.inputs[input]);
        if greatest { value } else { !value }
    }
}
