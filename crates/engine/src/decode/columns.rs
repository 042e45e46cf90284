//! Growing columns: where the values of JSON rows are laid down, one builder a column, so that a
//! row costs no allocation. A row that turns out bad is taken back by `truncate`; a builder must
//! never hold a value that the contract refuses.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use headwater_kernel::blueprint::TimeUnit;
use headwater_kernel::value::DataType;

use crate::contract::{
    Cause, Contract, Fault, FloatRule, Quality, instant_of_integer, instant_of_text, type_name,
};

/// A fault of one value, or its acceptance.
pub(super) type Checked = std::result::Result<(), Fault>;

/// One column under construction.
pub(super) struct ColumnBuilder {
    values: Values,
    nulls: NullBufferBuilder,
    nullable: bool,
    key: bool,
}

enum Values {
    Bool(BooleanBufferBuilder),
    Int(Vec<i64>),
    Float(FloatRule, Vec<f64>),
    Str { offsets: Vec<i32>, bytes: Vec<u8> },
    Instant(TimeUnit, Vec<i64>),
}

impl ColumnBuilder {
    /// A builder for the column with this index in the contract.
    pub(super) fn new(contract: &Contract, index: usize, rows: usize) -> Self {
        let column = &contract.columns()[index];
        let values = match column.data_type {
            DataType::Bool => Values::Bool(BooleanBufferBuilder::new(rows)),
            DataType::Int => Values::Int(Vec::with_capacity(rows)),
            DataType::Float => {
                Values::Float(FloatRule::new(column.scale_exponent), Vec::with_capacity(rows))
            }
            DataType::Str => {
                let mut offsets = Vec::with_capacity(rows + 1);
                offsets.push(0);
                Values::Str { offsets, bytes: Vec::with_capacity(rows * 8) }
            }
            DataType::Timestamp => Values::Instant(column.unit, Vec::with_capacity(rows)),
        };
        let key = contract.is_key(index);
        Self { values, nulls: NullBufferBuilder::new(rows), nullable: column.nullable, key }
    }

    /// Reads integers as instants of this unit, in a column of instants.
    pub(super) fn with_unit(mut self, stated: TimeUnit) -> Self {
        if let Values::Instant(unit, _) = &mut self.values {
            *unit = stated;
        }
        self
    }

    /// A null for a column that the row does not have, if it need not have it.
    pub(super) fn push_absent(&mut self) -> Checked {
        if !self.nullable {
            let message = "missing, and the column may not be null";
            return Err(Fault::new(Cause::MissingColumn, message));
        }
        self.push_null()
    }

    /// A null without asking, in the place of a value that was refused.
    pub(super) fn push_placeholder(&mut self) {
        match &mut self.values {
            Values::Bool(values) => values.append(false),
            Values::Int(values) | Values::Instant(_, values) => values.push(0),
            Values::Float(_, values) => values.push(0.0),
            Values::Str { offsets, bytes } => offsets.push(end_of(bytes)),
        }
        self.nulls.append_null();
    }

    pub(super) fn push_null(&mut self) -> Checked {
        if self.key {
            return Err(Fault::new(Cause::NullKey, "null, but the column is part of the key"));
        }
        if !self.nullable {
            return Err(Fault::new(Cause::WrongType, "null, but the column may not be null"));
        }
        self.push_placeholder();
        Ok(())
    }

    pub(super) fn push_bool(&mut self, value: bool) -> Checked {
        match &mut self.values {
            Values::Bool(values) => {
                values.append(value);
                self.nulls.append_non_null();
                Ok(())
            }
            _ => Err(self.wrong_type(&value.to_string(), "bool")),
        }
    }

    pub(super) fn push_int(&mut self, value: i64, quality: &mut Quality) -> Checked {
        match &mut self.values {
            Values::Int(values) => values.push(value),
            Values::Float(..) => return self.push_float(int_as_float(value), quality),
            Values::Instant(unit, values) => values.push(instant_of_integer(value, *unit)?),
            _ => return Err(self.wrong_type(&value.to_string(), "int")),
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// A whole number above the greatest i64.
    pub(super) fn push_large(&mut self, value: u64, quality: &mut Quality) -> Checked {
        match &self.values {
            Values::Float(..) => self.push_float(large_as_float(value), quality),
            Values::Int(_) | Values::Instant(..) => Err(large_refused(value)),
            _ => Err(self.wrong_type(&value.to_string(), "int")),
        }
    }

    pub(super) fn push_float(&mut self, value: f64, quality: &mut Quality) -> Checked {
        match &mut self.values {
            Values::Float(rule, values) => match rule.check(value, quality)? {
                Some(value) => {
                    values.push(value);
                    self.nulls.append_non_null();
                }
                None => {
                    values.push(0.0);
                    self.nulls.append_null();
                }
            },
            _ => return Err(self.wrong_type(&format!("{value:?}"), "float")),
        }
        Ok(())
    }

    /// NaN or an infinity: of floats null and counted; NaN elsewhere is how frames of Python write
    /// that there is no value.
    pub(super) fn push_not_finite(&mut self, value: f64, quality: &mut Quality) -> Checked {
        match &self.values {
            Values::Float(..) => self.push_float(value, quality),
            _ if value.is_nan() => self.push_null(),
            _ => Err(self.wrong_type(&format!("{value:?}"), "float")),
        }
    }

    pub(super) fn push_str(&mut self, value: &str) -> Checked {
        match &mut self.values {
            Values::Str { offsets, bytes } => {
                bytes.extend_from_slice(value.as_bytes());
                offsets.push(end_of(bytes));
            }
            Values::Instant(_, values) => values.push(instant_of_text(value)?),
            _ => return Err(self.wrong_type(&quoted(value), "str")),
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// A list or an object, which no column holds.
    pub(super) fn refuse_nested(&self, found: &str) -> Fault {
        let message = format!("{found} is not {}", self.wanted());
        Fault::new(Cause::WrongType, message)
    }

    /// Takes back whatever follows the first `rows` values.
    pub(super) fn truncate(&mut self, rows: usize) {
        match &mut self.values {
            Values::Bool(values) => values.truncate(rows),
            Values::Int(values) | Values::Instant(_, values) => values.truncate(rows),
            Values::Float(_, values) => values.truncate(rows),
            Values::Str { offsets, bytes } => {
                offsets.truncate(rows + 1);
                let end = offsets.last().copied().unwrap_or(0);
                bytes.truncate(usize::try_from(end).expect("offsets never fall below 0"));
            }
        }
        self.nulls.truncate(rows);
    }

    /// The column as a canonical array.
    pub(super) fn finish(mut self) -> ArrayRef {
        let nulls = self.nulls.finish();
        match self.values {
            Values::Bool(mut values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Int(values) => Arc::new(Int64Array::new(values.into(), nulls)),
            Values::Float(_, values) => Arc::new(Float64Array::new(values.into(), nulls)),
            Values::Instant(_, values) => {
                let array = TimestampMicrosecondArray::new(values.into(), nulls);
                Arc::new(array.with_timezone("UTC"))
            }
            Values::Str { offsets, bytes } => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(StringArray::new(offsets, Buffer::from_vec(bytes), nulls))
            }
        }
    }

    fn wanted(&self) -> String {
        let (data_type, hint) = match &self.values {
            Values::Bool(_) => (DataType::Bool, ""),
            Values::Int(_) => (DataType::Int, ""),
            Values::Float(..) => (DataType::Float, ""),
            Values::Str { .. } => (DataType::Str, ""),
            Values::Instant(..) => (DataType::Timestamp, " (ISO 8601 with offset, or an integer)"),
        };
        format!("{}{hint}", type_name(data_type))
    }

    #[cold]
    fn wrong_type(&self, shown: &str, found: &str) -> Fault {
        let message = format!("{shown} is {found}, not {}", self.wanted());
        Fault::new(Cause::WrongType, message)
    }
}

/// Text as messages show it: quoted, cut after 40 characters.
pub(super) fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    let rest = if shown.len() < text.len() { "..." } else { "" };
    format!("\"{shown}{rest}\"")
}

/// A whole number that 64 bits with sign cannot hold.
pub(super) fn large_refused(value: u64) -> Fault {
    Fault::new(Cause::ValueOutOfRange, format!("{value} does not fit a 64-bit integer"))
}

/// The nearest double; exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
pub(super) fn int_as_float(value: i64) -> f64 {
    value as f64
}

/// The nearest double; exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
pub(super) fn large_as_float(value: u64) -> f64 {
    value as f64
}

/// Offsets of strings are 32 bits wide; `decode` refuses bodies that could exceed them.
fn end_of(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).expect("decode bounds the bytes of a batch")
}
