//! Answers as Arrow: one column a feature, by the feature's type and never by its values.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType as ArrowType, Field, Schema, TimeUnit};
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::value::{DataType, FeatureType, Value};

use super::answer::Answer;
use crate::json;

/// Key of the schema's metadata: `{"found": [...], "metadata": {...} or null}`.
pub const METADATA_KEY: &str = "headwater";

impl Answer {
    /// The features as a batch: Boolean, Int64, Float64, Utf8, Timestamp(us, UTC) and lists of
    /// them; every column nullable, nulls where the answer has null.
    ///
    /// The schema's metadata holds under [`METADATA_KEY`] what columns cannot: found and metadata.
    ///
    /// # Errors
    /// Kind `internal` where a value is not of its feature's type, which would be a fault of ours.
    pub fn to_record_batch(&self) -> Result<RecordBatch> {
        let question = &self.question;
        let mut fields = Vec::with_capacity(question.names.len());
        let mut arrays = Vec::with_capacity(question.names.len());
        for (column, feature) in question.types.iter().enumerate() {
            let values = (0..self.row_count()).map(|row| &self.row(row)[column].value);
            let array = array(*feature, values)
                .ok_or_else(|| fault(format!("{} has another type", question.names[column])))?;
            fields.push(Field::new(&question.names[column], array.data_type().clone(), true));
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.row_count()));
        let schema = Schema::new_with_metadata(fields, self.schema_metadata());
        RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)
            .map_err(|error| fault(error.to_string()))
    }
}

impl Answer {
    fn schema_metadata(&self) -> HashMap<String, String> {
        let mut out = b"{\"found\":".to_vec();
        json::list(self.found.iter(), &mut out, |found, out| json::boolean(*found, out));
        out.extend_from_slice(b",\"metadata\":");
        self.write_metadata_json(&mut out);
        out.push(b'}');
        let text = String::from_utf8(out).expect("JSON of strings is UTF-8");
        HashMap::from([(METADATA_KEY.to_owned(), text)])
    }
}

fn fault(detail: String) -> Error {
    Error::new(Kind::Internal, "wrong_answer_type", "an answer does not fit its own types")
        .with_detail(detail)
}

/// The Arrow type of a scalar.
pub fn arrow_type(data_type: DataType) -> ArrowType {
    match data_type {
        DataType::Bool => ArrowType::Boolean,
        DataType::Int => ArrowType::Int64,
        DataType::Float => ArrowType::Float64,
        DataType::Str => ArrowType::Utf8,
        DataType::Timestamp => ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

fn array<'a>(feature: FeatureType, values: impl Iterator<Item = &'a Value>) -> Option<ArrayRef> {
    match feature {
        FeatureType::Scalar(scalar) => {
            let mut builder = Scalars::new(scalar);
            for value in values {
                builder.append(value)?;
            }
            Some(builder.finish())
        }
        FeatureType::List(scalar) => {
            let mut builder = ListBuilder::new(Scalars::new(scalar));
            for value in values {
                match value {
                    Value::Null => builder.append_null(),
                    Value::List(items) => {
                        for item in items.iter() {
                            builder.values().append(item)?;
                        }
                        builder.append(true);
                    }
                    _ => return None,
                }
            }
            Some(Arc::new(builder.finish()))
        }
    }
}

/// A builder of any scalar type.
enum Scalars {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Str(StringBuilder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl Scalars {
    fn new(data_type: DataType) -> Self {
        match data_type {
            DataType::Bool => Self::Bool(BooleanBuilder::new()),
            DataType::Int => Self::Int(Int64Builder::new()),
            DataType::Float => Self::Float(Float64Builder::new()),
            DataType::Str => Self::Str(StringBuilder::new()),
            DataType::Timestamp => Self::Timestamp(
                TimestampMicrosecondBuilder::new().with_data_type(arrow_type(data_type)),
            ),
        }
    }

    /// Adds a value; none where it is of another type.
    fn append(&mut self, value: &Value) -> Option<()> {
        match (self, value) {
            (Self::Bool(builder), Value::Null) => builder.append_null(),
            (Self::Bool(builder), Value::Bool(value)) => builder.append_value(*value),
            (Self::Int(builder), Value::Null) => builder.append_null(),
            (Self::Int(builder), Value::Int(value)) => builder.append_value(*value),
            (Self::Float(builder), Value::Null) => builder.append_null(),
            (Self::Float(builder), Value::Float(value)) => builder.append_value(*value),
            (Self::Str(builder), Value::Null) => builder.append_null(),
            (Self::Str(builder), Value::Str(value)) => builder.append_value(value),
            (Self::Timestamp(builder), Value::Null) => builder.append_null(),
            (Self::Timestamp(builder), Value::Timestamp(value)) => builder.append_value(*value),
            _ => return None,
        }
        Some(())
    }

    fn inner(&self) -> &dyn ArrayBuilder {
        match self {
            Self::Bool(builder) => builder,
            Self::Int(builder) => builder,
            Self::Float(builder) => builder,
            Self::Str(builder) => builder,
            Self::Timestamp(builder) => builder,
        }
    }
}

impl ArrayBuilder for Scalars {
    fn len(&self) -> usize {
        self.inner().len()
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Int(builder) => Arc::new(builder.finish()),
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::Str(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
        }
    }

    fn finish_cloned(&self) -> ArrayRef {
        self.inner().finish_cloned()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }

    fn into_box_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}
