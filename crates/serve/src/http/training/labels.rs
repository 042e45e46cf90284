//! Label rows as JSON: their keys and times typed for the training set, everything else kept as it
//! was written.
//!
//! For NDJSON out, a row's own text is continued with its features: what was not understood cannot
//! be changed. For Arrow out, the other columns get the type that all their values have.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{Field, Schema};
use headwater_kernel::blueprint::RequestKey;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::value::DataType;
use serde_json::value::RawValue;

use super::cells;
use crate::backend::Format;
use crate::json;
use crate::lookup::keys::{Part, parts_of_rows};
use crate::lookup::request::malformed;
use crate::lookup::rows::{Rows, Scalar};

/// Label rows, with the text of each.
#[derive(Debug)]
pub struct Labels<'a> {
    texts: Vec<&'a str>,
    rows: Rows<'a>,
}

impl<'a> Labels<'a> {
    /// Reads one object a line, or a JSON array of objects.
    ///
    /// # Errors
    /// `malformed_body` (invalid), with the row where one row is at fault.
    pub fn parse(bytes: &'a [u8], format: Format) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
        let texts: Vec<&str> = if format == Format::JsonArray {
            let items: Vec<&RawValue> =
                serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
            items.into_iter().map(|item| item.get().trim()).collect()
        } else {
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
        };
        let mut rows = Rows::default();
        for (row, text) in texts.iter().enumerate() {
            rows.push_json(text)
                .map_err(|error| malformed(error.to_string()).at_row(row as u64))?;
        }
        Ok(Self { texts, rows })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Keys and times as a batch: a column for each key, then the time's unless it is a key.
    ///
    /// # Errors
    /// Kind `invalid` with the row: a column missing or of a wrong type, a null time.
    pub fn to_batch(&self, keys: &[RequestKey], time: &str) -> Result<RecordBatch> {
        let mut columns = keys.to_vec();
        let at = columns.iter().position(|column| column.name == time);
        let parts = parts_of_rows(&self.rows, &columns)?;
        let mut arrays: Vec<ArrayRef> = (0..columns.len())
            .map(|place| typed(columns[place].data_type, parts.iter(), place, columns.len()))
            .collect();
        if at.is_none() {
            let time = RequestKey { name: time.to_owned(), data_type: DataType::Timestamp };
            let times = parts_of_rows(&self.rows, std::slice::from_ref(&time)).map_err(of_time)?;
            if let Some(row) = times.iter().position(|part| *part == Part::Null) {
                let message = format!("time column {:?} is null", time.name);
                let error = Error::new(Kind::Invalid, "null_time", message);
                return Err(error.at_row(row as u64));
            }
            arrays.push(typed(time.data_type, times.iter(), 0, 1));
            columns.push(time);
        }
        let fields = columns.iter().zip(&arrays);
        let fields = fields.map(|(column, array)| field(&column.name, array)).collect();
        batch(fields, HashMap::new(), arrays, self.len())
    }

    /// Each row's own text with its features at the end: the columns of `answered` from `width` on.
    ///
    /// # Errors
    /// `name_clash` (invalid) where a label has a feature's name.
    pub fn spliced(&self, answered: &RecordBatch, width: usize) -> Result<Vec<u8>> {
        self.names(answered, width)?;
        let schema = answered.schema_ref();
        let features = &schema.fields()[width..];
        let mut out = Vec::with_capacity(self.texts.iter().map(|text| text.len() * 2).sum());
        for (row, text) in self.texts.iter().enumerate() {
            let open = text.strip_suffix('}').expect("an object ends with a brace");
            out.extend_from_slice(open.as_bytes());
            for (feature, array) in features.iter().zip(&answered.columns()[width..]) {
                // A label row is never empty: it has a time.
                json::name(feature.name(), false, &mut out);
                cells::write(array, row, &mut out)?;
            }
            out.extend_from_slice(b"}\n");
        }
        Ok(out)
    }

    /// All label columns in order of first use, then the features.
    ///
    /// # Errors
    /// As [`Labels::spliced`], and `mixed_types` (invalid) where a column has no one type.
    pub fn joined(&self, answered: &RecordBatch, width: usize) -> Result<RecordBatch> {
        let names = self.names(answered, width)?;
        let schema = answered.schema_ref();
        let mut fields = Vec::with_capacity(names.len() + schema.fields().len() - width);
        let mut arrays = Vec::with_capacity(fields.capacity());
        for name in names {
            let known = schema.fields()[..width].iter().position(|field| field.name() == name);
            let array = match known {
                Some(place) => Arc::clone(answered.column(place)),
                None => self.inferred(name)?,
            };
            fields.push(field(name, &array));
            arrays.push(array);
        }
        fields.extend(schema.fields()[width..].iter().map(|field| field.as_ref().clone()));
        arrays.extend_from_slice(&answered.columns()[width..]);
        batch(fields, schema.metadata().clone().into(), arrays, self.len())
    }

    /// The names of all label columns in order of first use.
    fn names(&self, answered: &RecordBatch, width: usize) -> Result<Vec<&str>> {
        let features: HashSet<&str> =
            answered.schema_ref().fields()[width..].iter().map(|f| f.name().as_str()).collect();
        let mut seen = HashSet::new();
        let mut names = Vec::new();
        for row in 0..self.len() {
            for name in self.rows.names(row) {
                if features.contains(name) {
                    let message = format!("label column {name:?} has the name of a feature");
                    return Err(Error::new(Kind::Invalid, "name_clash", message)
                        .with_hint("rename the label column"));
                }
                if seen.insert(name) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    fn inferred(&self, name: &str) -> Result<ArrayRef> {
        let scalars: Vec<Option<&Scalar<'_>>> = (0..self.len())
            .map(|row| self.rows.find(row, name).filter(|scalar| **scalar != Scalar::Null))
            .collect();
        let values = || scalars.iter().copied();
        let all = |is: fn(&Scalar<'_>) -> bool| scalars.iter().flatten().all(|scalar| is(scalar));
        if all(|scalar| matches!(scalar, Scalar::Str(_))) {
            let text = |scalar: Option<&'_ Scalar<'_>>| match scalar {
                Some(Scalar::Str(text)) => Some(text.to_string()),
                _ => None,
            };
            return Ok(Arc::new(values().map(text).collect::<StringArray>()));
        }
        if all(|scalar| matches!(scalar, Scalar::Bool(_))) {
            let boolean = |scalar: Option<&Scalar<'_>>| match scalar {
                Some(Scalar::Bool(value)) => Some(*value),
                _ => None,
            };
            return Ok(Arc::new(values().map(boolean).collect::<BooleanArray>()));
        }
        if all(|scalar| matches!(scalar, Scalar::Int(_))) {
            let integer = |scalar: Option<&Scalar<'_>>| match scalar {
                Some(Scalar::Int(value)) => Some(*value),
                _ => None,
            };
            return Ok(Arc::new(values().map(integer).collect::<Int64Array>()));
        }
        if all(|scalar| matches!(scalar, Scalar::Int(_) | Scalar::Float(_))) {
            let float = |scalar: Option<&Scalar<'_>>| match scalar {
                Some(Scalar::Int(value)) => Some(*value as f64),
                Some(Scalar::Float(value)) => Some(*value),
                _ => None,
            };
            return Ok(Arc::new(values().map(float).collect::<Float64Array>()));
        }
        Err(Error::new(
            Kind::Invalid,
            "mixed_types",
            format!("label column {name:?} has no one scalar type"),
        )
        .with_hint("ask for NDJSON, which returns labels as they were written"))
    }
}

fn of_time(mut error: Error) -> Error {
    error.message = error.message.replacen("key column", "time column", 1);
    if error.code == "missing_key_column" {
        error.code = "missing_time_column";
    }
    error
}

fn field(name: &str, array: &ArrayRef) -> Field {
    Field::new(name, array.data_type().clone(), true)
}

fn batch(
    fields: Vec<Field>,
    metadata: HashMap<String, String>,
    arrays: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch> {
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, arrays, &options).map_err(|error| {
        Error::new(Kind::Internal, "unwritable_batch", "label columns do not fit each other")
            .with_detail(error.to_string())
    })
}

/// Every `width`-th part from `place` on, as an array of a type.
fn typed<'p, 'a: 'p>(
    data_type: DataType,
    parts: impl Iterator<Item = &'p Part<'a>>,
    place: usize,
    width: usize,
) -> ArrayRef {
    let parts = parts.skip(place).step_by(width);
    match data_type {
        DataType::Bool => Arc::new(
            parts
                .map(|part| if let Part::Bool(value) = part { Some(*value) } else { None })
                .collect::<BooleanArray>(),
        ),
        DataType::Int => Arc::new(
            parts
                .map(|part| if let Part::Int(value) = part { Some(*value) } else { None })
                .collect::<Int64Array>(),
        ),
        DataType::Str => Arc::new(
            parts
                .map(|part| if let Part::Str(value) = part { Some(*value) } else { None })
                .collect::<StringArray>(),
        ),
        DataType::Timestamp => {
            let instants = parts
                .map(|part| if let Part::Timestamp(value) = part { Some(*value) } else { None })
                .collect::<TimestampMicrosecondArray>();
            Arc::new(instants.with_timezone("UTC"))
        }
        DataType::Float => unreachable!("no key is a float: typing refused it"),
    }
}
