//! One Arrow column to its canonical form under the contract: any width of integers, floats,
//! strings plain, large, viewed or as dictionary, instants of any unit with a zone. What cannot be
//! the declared type at all is an error of the whole batch; a bad value is a fault of its row.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType as ArrowType, TimeUnit as ArrowUnit};
use headwater_kernel::blueprint::{Column, TimeUnit};
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::value::DataType;

use super::BODY_BYTES_MAX;
use super::columns::ColumnBuilder;
use crate::contract::{
    Contract, Fault, FloatRule, INSTANT_MAX_US, INSTANT_MIN_US, Quality, canonical_type, type_name,
};

/// A canonical column, and the faults of its rows in ascending order; a faulty row holds null.
pub(super) struct Converted {
    pub(super) array: ArrayRef,
    pub(super) faults: Vec<(usize, Fault)>,
}

/// Converts `array` to what the contract declares for the column with this index.
pub(super) fn convert(
    array: &ArrayRef,
    contract: &Contract,
    index: usize,
    quality: &mut Quality,
) -> Result<Converted> {
    let column = &contract.columns()[index];
    let array = plain(array).map_err(|_| wrong_type(array.data_type(), column))?;
    if let Some(array) = as_it_is(&array, column, contract.is_key(index), quality) {
        return Ok(Converted { array, faults: Vec::new() });
    }
    if text_bytes(&array) > BODY_BYTES_MAX {
        return Err(too_large(&column.name));
    }
    let mut sink = Sink::new(ColumnBuilder::new(contract, index, array.len()), quality);
    let data_type = array.data_type().clone();
    match (column.data_type, &data_type) {
        (_, ArrowType::Null) => sink.nulls(array.len()),
        (DataType::Bool, ArrowType::Boolean) => {
            let values = array.as_boolean();
            sink.each(values, |builder, row, _| builder.push_bool(values.value(row)));
        }
        (DataType::Str | DataType::Timestamp, ArrowType::Utf8) => {
            let values = array.as_string::<i32>();
            sink.each(values, |builder, row, _| builder.push_str(values.value(row)));
        }
        (DataType::Str | DataType::Timestamp, ArrowType::LargeUtf8) => {
            let values = array.as_string::<i64>();
            sink.each(values, |builder, row, _| builder.push_str(values.value(row)));
        }
        (DataType::Str | DataType::Timestamp, ArrowType::Utf8View) => {
            let values = array.as_string_view();
            sink.each(values, |builder, row, _| builder.push_str(values.value(row)));
        }
        (DataType::Float, ArrowType::Float32 | ArrowType::Float64) => sink.floats(&array),
        (DataType::Int | DataType::Float | DataType::Timestamp, integer)
            if integer.is_integer() =>
        {
            sink.integers(&array);
        }
        (DataType::Timestamp, ArrowType::Timestamp(unit, Some(_))) => {
            // Zoned data states its unit; the column's own is for bare integers.
            sink.builder = sink.builder.with_unit(unit_of(*unit));
            sink.instants(&array, *unit);
        }
        _ => return Err(wrong_type(&data_type, column)),
    }
    Ok(sink.finish())
}

/// The column itself where no value has to be changed or refused.
fn as_it_is(
    array: &ArrayRef,
    column: &Column,
    key: bool,
    quality: &mut Quality,
) -> Option<ArrayRef> {
    let canonical = canonical_type(column.data_type);
    if *array.data_type() != canonical || ((key || !column.nullable) && array.null_count() > 0) {
        return None;
    }
    match column.data_type {
        DataType::Bool | DataType::Int | DataType::Str => Some(array.clone()),
        DataType::Timestamp => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            // Without a branch a value: nearly always all are good.
            let good = |all: bool, us: &i64| all & (INSTANT_MIN_US..=INSTANT_MAX_US).contains(us);
            let all = values.null_count() == 0 && values.values().iter().fold(true, good);
            all.then(|| array.clone())
        }
        DataType::Float => {
            let values = array.as_primitive::<Float64Type>();
            let rule = FloatRule::new(column.scale_exponent);
            rule.keeps_all(values.values(), values.nulls(), quality).then(|| array.clone())
        }
    }
}

/// The column without dictionary; anything else as it is.
pub(super) fn plain(array: &dyn Array) -> std::result::Result<ArrayRef, arrow_schema::ArrowError> {
    match array.as_any_dictionary_opt() {
        Some(dictionary) => arrow_select::take::take(dictionary.values(), dictionary.keys(), None),
        None => Ok(array.slice(0, array.len())),
    }
}

/// Bytes of text in a column of strings; 0 for any other.
fn text_bytes(array: &ArrayRef) -> usize {
    match array.data_type() {
        ArrowType::LargeUtf8 => {
            let offsets = array.as_string::<i64>().value_offsets();
            let span = offsets.last().zip(offsets.first()).map_or(0, |(end, start)| end - start);
            usize::try_from(span).unwrap_or(usize::MAX)
        }
        ArrowType::Utf8View => array.as_string_view().lengths().map(|bytes| bytes as usize).sum(),
        _ => 0,
    }
}

/// The refusal of a column whose text exceeds 32-bit offsets.
pub(super) fn too_large(column: &str) -> Error {
    let message = format!("column \"{column}\" holds more than 2 GiB of text");
    Error::new(Kind::Invalid, "malformed_body", message).with_hint("push in several batches")
}

/// An instant of any unit in microseconds, floored; none if it overflows 64 bits.
pub(super) fn instant_us(array: &dyn Array, row: usize) -> Option<i64> {
    let ArrowType::Timestamp(unit, _) = array.data_type() else {
        return None;
    };
    match unit {
        ArrowUnit::Second => {
            array.as_primitive::<TimestampSecondType>().value(row).checked_mul(1_000_000)
        }
        ArrowUnit::Millisecond => {
            array.as_primitive::<TimestampMillisecondType>().value(row).checked_mul(1_000)
        }
        ArrowUnit::Microsecond => Some(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        ArrowUnit::Nanosecond => {
            Some(array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1_000))
        }
    }
}

/// A builder that keeps the faults and goes on.
struct Sink<'q> {
    builder: ColumnBuilder,
    faults: Vec<(usize, Fault)>,
    quality: &'q mut Quality,
}

type Push = std::result::Result<(), Fault>;

impl<'q> Sink<'q> {
    fn new(builder: ColumnBuilder, quality: &'q mut Quality) -> Self {
        Self { builder, faults: Vec::new(), quality }
    }

    fn each<A: Array>(
        &mut self,
        array: &A,
        push: impl Fn(&mut ColumnBuilder, usize, &mut Quality) -> Push,
    ) {
        let nulls = array.logical_nulls();
        for row in 0..array.len() {
            let pushed = if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                self.builder.push_null()
            } else {
                push(&mut self.builder, row, self.quality)
            };
            if let Err(fault) = pushed {
                self.faults.push((row, fault));
                self.builder.push_placeholder();
            }
        }
    }

    fn nulls(&mut self, rows: usize) {
        for row in 0..rows {
            if let Err(fault) = self.builder.push_null() {
                self.faults.push((row, fault));
                self.builder.push_placeholder();
            }
        }
    }

    fn floats(&mut self, array: &ArrayRef) {
        if let Some(values) = array.as_primitive_opt::<Float32Type>() {
            self.each(values, |builder, row, quality| {
                builder.push_float(f64::from(values.value(row)), quality)
            });
        } else {
            let values = array.as_primitive::<Float64Type>();
            self.each(values, |builder, row, quality| {
                builder.push_float(values.value(row), quality)
            });
        }
    }

    fn integers(&mut self, array: &ArrayRef) {
        match array.data_type() {
            ArrowType::Int8 => self.narrow::<Int8Type>(array),
            ArrowType::Int16 => self.narrow::<Int16Type>(array),
            ArrowType::Int32 => self.narrow::<Int32Type>(array),
            ArrowType::Int64 => self.narrow::<Int64Type>(array),
            ArrowType::UInt8 => self.narrow::<UInt8Type>(array),
            ArrowType::UInt16 => self.narrow::<UInt16Type>(array),
            ArrowType::UInt32 => self.narrow::<UInt32Type>(array),
            _ => {
                let values = array.as_primitive::<UInt64Type>();
                self.each(values, |builder, row, quality| match i64::try_from(values.value(row)) {
                    Ok(value) => builder.push_int(value, quality),
                    Err(_) => builder.push_large(values.value(row), quality),
                });
            }
        }
    }

    fn narrow<T: ArrowPrimitiveType>(&mut self, array: &ArrayRef)
    where
        i64: From<T::Native>,
    {
        let values = array.as_primitive::<T>();
        self.each(values, |builder, row, quality| {
            builder.push_int(i64::from(values.value(row)), quality)
        });
    }

    fn instants(&mut self, array: &ArrayRef, unit: ArrowUnit) {
        let array = array.as_ref();
        match unit {
            ArrowUnit::Second => self.ticks::<TimestampSecondType>(array),
            ArrowUnit::Millisecond => self.ticks::<TimestampMillisecondType>(array),
            ArrowUnit::Microsecond => self.ticks::<TimestampMicrosecondType>(array),
            ArrowUnit::Nanosecond => self.ticks::<TimestampNanosecondType>(array),
        }
    }

    fn ticks<T: ArrowPrimitiveType<Native = i64>>(&mut self, array: &dyn Array) {
        let values = array.as_primitive::<T>();
        self.each(values, |builder, row, quality| builder.push_int(values.value(row), quality));
    }

    fn finish(self) -> Converted {
        Converted { array: self.builder.finish(), faults: self.faults }
    }
}

fn unit_of(unit: ArrowUnit) -> TimeUnit {
    match unit {
        ArrowUnit::Second => TimeUnit::S,
        ArrowUnit::Millisecond => TimeUnit::Ms,
        ArrowUnit::Microsecond => TimeUnit::Us,
        ArrowUnit::Nanosecond => TimeUnit::Ns,
    }
}

fn wrong_type(found: &ArrowType, column: &Column) -> Error {
    let (name, wanted) = (&column.name, type_name(column.data_type));
    let zone = match (column.data_type, found) {
        (DataType::Timestamp, ArrowType::Timestamp(_, None)) => " without a zone",
        _ => "",
    };
    let message = format!("column \"{name}\" is {found}{zone}, not {wanted}");
    let error = Error::new(Kind::Invalid, "wrong_type", message);
    match (column.data_type, found) {
        (DataType::Timestamp, ArrowType::Timestamp(_, None)) => error.with_hint(format!(
            "its instants have no zone; make them aware, e.g. \
             df[\"{name}\"].dt.tz_localize(\"UTC\")"
        )),
        (DataType::Timestamp, ArrowType::Date32 | ArrowType::Date64) => {
            error.with_hint("a date is no instant; choose its hour and zone")
        }
        (DataType::Int, float) if float.is_floating() => error.with_hint(format!(
            "integers with gaps become floats in pandas; use \
             df[\"{name}\"].astype(\"Int64\")"
        )),
        (DataType::Str, ArrowType::Binary | ArrowType::LargeBinary) => {
            error.with_hint("decode the bytes to text")
        }
        _ => error.with_hint("nothing but an integer for a float is converted"),
    }
}
