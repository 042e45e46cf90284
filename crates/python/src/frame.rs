//! `Frame`: rows in Arrow, as Python holds them.
//!
//! It exists so that results need no Arrow library: they hand themselves to any by capsule, and to
//! people as dicts. It is immutable, and must never copy a batch to give it away.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, Float32Array, Float64Array, RecordBatch, RecordBatchOptions};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyList, PyString};

use crate::errors::{Failure, arrow, invalid};
use crate::{capsules, rows, values};

/// Rows in Arrow.
#[pyclass(frozen, module = "headwater._native")]
pub struct Frame {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Frame {
    /// A frame of one batch.
    pub fn of(batch: RecordBatch) -> Self {
        Self { schema: batch.schema(), batches: vec![batch] }
    }

    /// Its batches; all have its schema. At least one, so that the schema is never lost.
    pub fn batches(&self) -> Vec<RecordBatch> {
        match self.batches.is_empty() {
            true => vec![RecordBatch::new_empty(self.schema.clone())],
            false => self.batches.clone(),
        }
    }
}

#[pymethods]
impl Frame {
    /// Take the rows of any object with `__arrow_c_stream__` or `__arrow_c_array__`.
    #[staticmethod]
    fn from_arrow(rows: &Bound<'_, PyAny>) -> Result<Self, Failure> {
        let (schema, batches) = capsules::import(rows)?;
        Ok(Self { schema, batches })
    }

    /// Take a list of dicts; types are read off the values.
    #[staticmethod]
    fn from_dicts(rows: &Bound<'_, PyList>) -> Result<Self, Failure> {
        Ok(Self::of(rows::batch(rows)?))
    }

    /// Read a stream or a file of Arrow's IPC format.
    #[staticmethod]
    fn from_ipc(py: Python<'_>, data: &Bound<'_, PyBytes>) -> Result<Self, Failure> {
        let bytes = data.as_bytes();
        let (schema, batches) = py.detach(|| read_ipc(bytes)).map_err(|error| arrow(&error))?;
        Ok(Self { schema, batches })
    }

    /// Write a stream of Arrow's IPC format.
    fn to_ipc<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>, Failure> {
        let written = py.detach(|| {
            let mut writer = StreamWriter::try_new(Vec::new(), &self.schema)?;
            for batch in &self.batches {
                writer.write(batch)?;
            }
            writer.into_inner()
        });
        Ok(PyBytes::new(py, &written.map_err(|error| arrow(&error))?))
    }

    /// Hand over all rows, by Arrow's C stream; the schema cannot be bargained about.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // Consumers cast; the interface allows a producer to give what it has.
        drop(requested_schema);
        capsules::export(py, self.schema.clone(), self.batches.clone())
    }

    /// Hand over the schema.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyCapsule>, Failure> {
        capsules::export_schema(py, &self.schema)
    }

    /// How many rows there are.
    #[getter]
    fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Names of the columns, in order.
    #[getter]
    fn column_names(&self) -> Vec<&str> {
        self.schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    /// Arrow types of the columns, in order, as text.
    #[getter]
    fn column_types(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.data_type().to_string()).collect()
    }

    /// Texts that travel with the schema.
    #[getter]
    fn schema_metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let texts = PyDict::new(py);
        for (key, value) in self.schema.metadata() {
            texts.set_item(key, value)?;
        }
        Ok(texts)
    }

    /// The first `count` rows.
    fn head(&self, count: usize) -> Self {
        let mut left = count;
        let mut batches = Vec::new();
        for batch in &self.batches {
            let taken = left.min(batch.num_rows());
            batches.push(batch.slice(0, taken));
            left -= taken;
        }
        Self { schema: self.schema.clone(), batches }
    }

    /// The same rows as frames of `rows` rows each, the last of what is left.
    fn split(&self, rows: usize) -> Result<Vec<Self>, Failure> {
        if rows == 0 {
            return Err(invalid("out_of_range", "a part of a frame has at least one row").into());
        }
        let part = |batches| Self { schema: self.schema.clone(), batches };
        let (mut parts, mut batches, mut room) = (Vec::new(), Vec::new(), rows);
        for batch in &self.batches {
            let mut start = 0;
            while start < batch.num_rows() {
                let taken = room.min(batch.num_rows() - start);
                batches.push(batch.slice(start, taken));
                start += taken;
                room -= taken;
                if room == 0 {
                    parts.push(part(std::mem::take(&mut batches)));
                    room = rows;
                }
            }
        }
        if !batches.is_empty() {
            parts.push(part(batches));
        }
        Ok(parts)
    }

    /// The rows of all frames, one after the other, with these texts beside the first's schema.
    #[staticmethod]
    fn joined(
        frames: Vec<PyRef<'_, Self>>,
        schema_metadata: HashMap<String, String>,
    ) -> Result<Self, Failure> {
        let Some(first) = frames.first() else {
            return Err(invalid("no_frames", "there are no frames to join").into());
        };
        let fields = first.schema.fields().clone();
        if frames.iter().any(|frame| *frame.schema.fields() != fields) {
            return Err(invalid("columns_disagree", "the frames differ in their columns").into());
        }
        let schema = SchemaRef::new(Schema::new_with_metadata(fields, schema_metadata));
        let batches = frames.iter().flat_map(|frame| &frame.batches).map(|batch| {
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            RecordBatch::try_new_with_options(schema.clone(), batch.columns().to_vec(), &options)
        });
        let batches = batches.collect::<Result<Vec<_>, _>>().map_err(|error| arrow(&error))?;
        Ok(Self { schema, batches })
    }

    /// The same rows with NaN for null in the columns of floats that have one of these names.
    fn nulls_as_nan(&self, names: Vec<String>) -> Result<Self, Failure> {
        let chosen = |index: usize| names.contains(self.schema.field(index).name());
        let batches = self.batches.iter().map(|batch| {
            let columns = batch.columns().iter().enumerate().map(|(index, column)| {
                match chosen(index) && column.null_count() > 0 {
                    true => nulls_as_nan(column),
                    false => column.clone(),
                }
            });
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            RecordBatch::try_new_with_options(self.schema.clone(), columns.collect(), &options)
        });
        let batches = batches.collect::<Result<Vec<_>, _>>().map_err(|error| arrow(&error))?;
        Ok(Self { schema: self.schema.clone(), batches })
    }

    /// The columns of these names, in this order.
    fn select(&self, names: Vec<String>) -> Result<Self, Failure> {
        let indices: Result<Vec<usize>, _> =
            names.iter().map(|name| self.schema.index_of(name)).collect();
        let indices = indices.map_err(|error| {
            invalid("unknown_column", "no such column").with_detail(error.to_string())
        })?;
        let schema = self.schema.project(&indices).map_err(|error| arrow(&error))?;
        let schema = SchemaRef::new(schema);
        let batches = self.batches.iter().map(|batch| {
            let columns = indices.iter().map(|index| batch.column(*index).clone()).collect();
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        });
        let batches = batches.collect::<Result<Vec<_>, _>>().map_err(|error| arrow(&error))?;
        Ok(Self { schema, batches })
    }

    /// One dict a row.
    fn to_dicts<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyList>, Failure> {
        let names: Vec<Bound<'py, PyString>> =
            self.column_names().into_iter().map(|name| PyString::new(py, name)).collect();
        let list = PyList::empty(py);
        for batch in &self.batches {
            let columns = batch.columns().iter().map(|array| values::column(py, array.as_ref()));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            for row in 0..batch.num_rows() {
                let fields = PyDict::new(py);
                for (name, values) in names.iter().zip(&columns) {
                    fields.set_item(name, &values[row])?;
                }
                list.append(fields)?;
            }
        }
        Ok(list)
    }

    /// One list a column, by name.
    fn to_columns<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyDict>, Failure> {
        let columns = PyDict::new(py);
        for (index, name) in self.column_names().into_iter().enumerate() {
            let list = PyList::empty(py);
            for batch in &self.batches {
                for value in values::column(py, batch.column(index).as_ref())? {
                    list.append(value)?;
                }
            }
            columns.set_item(name, list)?;
        }
        Ok(columns)
    }

    fn __len__(&self) -> usize {
        self.num_rows()
    }

    fn __repr__(&self) -> String {
        let columns: Vec<String> = self
            .schema
            .fields()
            .iter()
            .map(|field| format!("{}: {}", field.name(), field.data_type()))
            .collect();
        format!("Frame({} rows; {})", self.num_rows(), columns.join(", "))
    }
}

/// A column of floats with NaN for null; any other as it is.
fn nulls_as_nan(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float32 => {
            let values = column.as_primitive::<Float32Type>();
            Arc::new(Float32Array::from_iter_values(values.iter().map(|x| x.unwrap_or(f32::NAN))))
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>();
            Arc::new(Float64Array::from_iter_values(values.iter().map(|x| x.unwrap_or(f64::NAN))))
        }
        _ => column.clone(),
    }
}

/// How a file of the IPC format begins; a stream begins with a message.
const FILE_MAGIC: &[u8] = b"ARROW1";

fn read_ipc(bytes: &[u8]) -> Result<(SchemaRef, Vec<RecordBatch>), ArrowError> {
    if bytes.starts_with(FILE_MAGIC) {
        let reader = FileReader::try_new(Cursor::new(bytes), None)?;
        return Ok((reader.schema(), reader.collect::<Result<Vec<_>, _>>()?));
    }
    let reader = StreamReader::try_new(Cursor::new(bytes), None)?;
    Ok((reader.schema(), reader.collect::<Result<Vec<_>, _>>()?))
}
