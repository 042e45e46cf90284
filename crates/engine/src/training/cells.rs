//! Columns filled cell by cell in any order of rows, from what the kernel's state answers.

use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, ListArray};
use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder, OffsetBuffer};
use arrow_schema::Field;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::ViewPlan;
use headwater_kernel::value::{Cell, DataType, FeatureType, Status, Value};

use super::Answer;

/// The values of some features of one view at each label row.
pub(super) struct Cells {
    /// (index of the feature, its type, a value a row).
    columns: Vec<(usize, FeatureType, Vec<Value>)>,
    features: usize,
    found: BooleanBufferBuilder,
    statuses: Vec<(u32, u32, Status)>,
}

impl Cells {
    /// No row known yet: all null, none found.
    pub(super) fn new(view: &ViewPlan, features: &[usize], rows: usize) -> Self {
        let column = |feature: &usize| {
            (*feature, view.features[*feature].data_type, vec![Value::Null; rows])
        };
        let mut found = BooleanBufferBuilder::new(rows);
        found.append_n(rows, false);
        Self {
            columns: features.iter().map(column).collect(),
            features: view.features.len(),
            found,
            statuses: Vec::new(),
        }
    }

    /// Sets a row from the cells of all features of the view, which are left empty.
    pub(super) fn set(&mut self, row: usize, cells: &mut [Cell], found: bool) {
        self.found.set_bit(row, found);
        for (feature, _, values) in &mut self.columns {
            let cell = std::mem::take(&mut cells[*feature]);
            if cell.status != Status::Ok {
                let (row, feature) = (index(row), index(*feature));
                self.statuses.push((row, feature, cell.status));
            }
            values[row] = cell.value;
        }
    }

    /// The answer of the view.
    pub(super) fn finish(mut self) -> Result<Answer> {
        let mut columns = vec![None; self.features];
        for (feature, data_type, values) in self.columns {
            columns[feature] = Some(array_of(data_type, &values)?);
        }
        self.statuses.sort_unstable_by_key(|(row, feature, _)| (*row, *feature));
        Ok(Answer { columns, found: self.found.finish(), statuses: self.statuses })
    }
}

fn index(index: usize) -> u32 {
    u32::try_from(index).expect("label rows and features are fewer than 2^32")
}

/// Values of one feature type as a column.
pub(super) fn array_of(data_type: FeatureType, values: &[Value]) -> Result<ArrayRef> {
    match data_type {
        FeatureType::Scalar(kind) => Ok(scalars(kind, values.iter())),
        FeatureType::List(kind) => {
            let mut offsets = Vec::with_capacity(values.len() + 1);
            offsets.push(0_i32);
            let mut nulls = NullBufferBuilder::new(values.len());
            let mut items: Vec<&Value> = Vec::new();
            for value in values {
                match value {
                    Value::List(list) => items.extend(list.iter()),
                    other => debug_assert!(other.is_null(), "a list feature gives lists"),
                }
                nulls.append(!value.is_null());
                offsets.push(i32::try_from(items.len()).map_err(|_| too_long())?);
            }
            let child = scalars(kind, items.into_iter());
            let field = Arc::new(Field::new_list_field(child.data_type().clone(), true));
            let offsets = OffsetBuffer::new(offsets.into());
            Ok(Arc::new(ListArray::new(field, offsets, child, nulls.finish())))
        }
    }
}

fn scalars<'a>(kind: DataType, values: impl Iterator<Item = &'a Value>) -> ArrayRef {
    /// Appends each value, or null where it is not of the builder's type.
    macro_rules! build {
        ($builder:expr, $($pattern:pat => $value:expr),+) => {{
            let mut builder = $builder;
            for value in values {
                match value {
                    $($pattern => builder.append_value($value),)+
                    other => {
                        assert!(other.is_null(), "a feature of another type than its plan's");
                        builder.append_null();
                    }
                }
            }
            ArrayBuilder::finish(&mut builder)
        }};
    }
    match kind {
        DataType::Bool => build!(BooleanBuilder::new(), Value::Bool(value) => *value),
        DataType::Int => build!(Int64Builder::new(), Value::Int(value) => *value),
        DataType::Float => build!(Float64Builder::new(), Value::Float(value) => *value),
        DataType::Str => build!(StringBuilder::new(), Value::Str(value) => value),
        DataType::Timestamp => build!(
            TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            Value::Timestamp(value) => *value
        ),
    }
}

fn too_long() -> Error {
    Error::new(Kind::Invalid, "too_many_rows", "the lists of a feature exceed 2^31 elements")
        .with_hint("ask for fewer label rows at a time")
}
