//! Arrow's C interface in Python capsules: record batches in and out without a copy.
//!
//! It exists so that pyarrow, polars, pandas and others are read and served without being imported.
//! It must never keep a pointer of a capsule: a stream is taken out of it, once.

use std::ffi::CStr;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods, PyTuple};

use crate::c_stream::{Batches, Columns};
use crate::errors::{Failure, arrow, invalid};

const STREAM: &CStr = c"arrow_array_stream";
const ARRAY: &CStr = c"arrow_array";
const SCHEMA: &CStr = c"arrow_schema";

/// Schema and batches of an object with `__arrow_c_stream__` or `__arrow_c_array__`.
///
/// The producer runs under Python's lock: it may be Python code.
pub fn import(object: &Bound<'_, PyAny>) -> Result<(SchemaRef, Vec<RecordBatch>), Failure> {
    if let Ok(method) = object.getattr("__arrow_c_stream__") {
        let capsule = method.call0()?.cast_into::<PyCapsule>().map_err(PyErr::from)?;
        return import_stream(&capsule);
    }
    if let Ok(method) = object.getattr("__arrow_c_array__") {
        let pair = method.call0()?.cast_into::<PyTuple>().map_err(PyErr::from)?;
        let schema = pair.get_item(0)?.cast_into::<PyCapsule>().map_err(PyErr::from)?;
        let array = pair.get_item(1)?.cast_into::<PyCapsule>().map_err(PyErr::from)?;
        return import_array(&schema, &array);
    }
    let kind = object.get_type().name()?.to_string();
    Err(invalid("not_arrow", format!("{kind} has no arrow interface"))
        .with_hint("give an object with __arrow_c_stream__ or __arrow_c_array__")
        .into())
}

fn import_stream(capsule: &Bound<'_, PyCapsule>) -> Result<(SchemaRef, Vec<RecordBatch>), Failure> {
    let pointer = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of this name holds such a struct, by the PyCapsule interface of Arrow;
    // `from_raw` takes its content and marks the one in the capsule as released.
    let batches = unsafe { Batches::new(FFI_ArrowArrayStream::from_raw(pointer.as_ptr())) };
    let batches = batches.map_err(|error| raised_or(capsule.py(), &error))?;
    let schema = batches.schema();
    let batches: Result<Vec<RecordBatch>, ArrowError> = batches.collect();
    Ok((schema, batches.map_err(|error| raised_or(capsule.py(), &error))?))
}

/// A producer written in Python may have raised: then that exception is the better message.
fn raised_or(py: Python<'_>, error: &ArrowError) -> Failure {
    match PyErr::take(py) {
        Some(raised) => Failure::Python(raised),
        None => arrow(error).into(),
    }
}

fn import_array(
    schema: &Bound<'_, PyCapsule>,
    array: &Bound<'_, PyCapsule>,
) -> Result<(SchemaRef, Vec<RecordBatch>), Failure> {
    let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
    let array = array.pointer_checked(Some(ARRAY))?.cast::<FFI_ArrowArray>();
    // SAFETY: capsules of these names hold such structs; both are moved out of their capsules
    // (`from_raw` leaves released ones).
    let (schema, array) = unsafe {
        (FFI_ArrowSchema::from_raw(schema.as_ptr()), FFI_ArrowArray::from_raw(array.as_ptr()))
    };
    let columns = Columns::new(schema).map_err(|_| not_rows())?;
    // SAFETY: producer's promise, as above; the columns are those that it gave with the array.
    let batch = unsafe { columns.batch(array) }.map_err(|error| arrow(&error))?;
    Ok((columns.schema(), vec![batch]))
}

fn not_rows() -> headwater_kernel::error::Error {
    invalid("not_rows", "the arrow object is a column, not rows")
        .with_hint("give a table or a record batch: columns with names")
}

/// A capsule from which a consumer takes all batches.
pub fn export<'py>(
    py: Python<'py>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
) -> PyResult<Bound<'py, PyCapsule>> {
    let reader = RecordBatchIterator::new(batches.into_iter().map(Ok), schema);
    let stream = FFI_ArrowArrayStream::new(Box::new(reader));
    PyCapsule::new_with_value(py, stream, STREAM)
}

/// A capsule with the schema alone.
pub fn export_schema<'py>(
    py: Python<'py>,
    schema: &Schema,
) -> Result<Bound<'py, PyCapsule>, Failure> {
    let schema = FFI_ArrowSchema::try_from(schema).map_err(|error| arrow(&error))?;
    Ok(PyCapsule::new_with_value(py, schema, SCHEMA)?)
}
