//! Record batches out of the structs of Arrow's C interface.
//!
//! It exists beside the reader of arrow-rs for one deviation: Polars gives a column of the type
//! `null` a buffer, where the format has none, and arrow-rs refuses the whole frame. It must never
//! change what a buffer holds.

use std::ffi::{CStr, c_void};

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array, RecordBatch, RecordBatchOptions, StructArray};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};

/// The batches of a stream.
pub struct Batches {
    stream: FFI_ArrowArrayStream,
    columns: Columns,
}

impl Batches {
    /// Asks a stream for its schema.
    ///
    /// # Safety
    /// `stream` was filled by a producer that keeps to the C stream interface.
    pub unsafe fn new(mut stream: FFI_ArrowArrayStream) -> Result<Self, ArrowError> {
        let get_schema = stream.get_schema().ok_or_else(released)?;
        let mut schema = FFI_ArrowSchema::empty();
        // SAFETY: the stream is not released, since it still has its callback.
        let code = unsafe { get_schema(&raw mut stream, &raw mut schema) };
        if code != 0 {
            return Err(last_error(&mut stream, code));
        }
        Ok(Self { stream, columns: Columns::new(schema)? })
    }

    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.columns.schema.clone()
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let get_next = self.stream.get_next()?;
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: as for the schema.
        let code = unsafe { get_next(&raw mut self.stream, &raw mut array) };
        if code != 0 {
            return Some(Err(last_error(&mut self.stream, code)));
        }
        if array.is_released() {
            return None;
        }
        // SAFETY: the producer's promise: its arrays have the schema that it gave.
        Some(unsafe { self.columns.batch(array) })
    }
}

fn released() -> ArrowError {
    ArrowError::CDataInterface("the stream was taken before".into())
}

fn last_error(stream: &mut FFI_ArrowArrayStream, code: i32) -> ArrowError {
    let text = stream.get_last_error().map(|get| {
        // SAFETY: the stream is not released; the text lives until its next call.
        unsafe { get(&raw mut *stream) }
    });
    let text = text.filter(|text| !text.is_null()).map(|text| {
        // SAFETY: not null, and by the interface a string with an end.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    });
    ArrowError::CDataInterface(text.unwrap_or_else(|| format!("the producer failed ({code})")))
}

/// The columns that a producer described.
pub struct Columns {
    given: FFI_ArrowSchema,
    schema: SchemaRef,
}

impl Columns {
    /// Reads a schema of rows.
    pub fn new(given: FFI_ArrowSchema) -> Result<Self, ArrowError> {
        let schema = SchemaRef::new(Schema::try_from(&given)?);
        Ok(Self { given, schema })
    }

    /// The same for arrow-rs.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Rows as a batch, without a copy.
    ///
    /// # Safety
    /// `array` was filled by a producer that keeps to the C data interface, with these columns.
    pub unsafe fn batch(&self, mut array: FFI_ArrowArray) -> Result<RecordBatch, ArrowError> {
        // SAFETY: the array has these columns, by this function's own condition.
        unsafe { forget_buffers_of_nulls((&raw mut array).cast(), &self.given) };
        let rows = DataType::Struct(self.schema.fields().clone());
        // SAFETY: likewise.
        let rows = StructArray::from(unsafe { from_ffi_and_data_type(array, rows) }?);
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(self.schema(), rows.into_parts().1, &options)
    }
}

/// `ArrowArray` as the C data interface lays it out; arrow-rs keeps its fields to itself.
#[repr(C)]
struct CArray {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *mut *const c_void,
    children: *mut *mut Self,
    dictionary: *mut Self,
    release: Option<unsafe extern "C" fn(*mut Self)>,
    private_data: *mut c_void,
}

const _: () = assert!(size_of::<CArray>() == size_of::<FFI_ArrowArray>());

/// The format string of the type `null`.
const NULL_FORMAT: &str = "n";

/// Makes columns of the type `null` say that they have no buffers, at every depth.
///
/// Producers free by what is in `private_data`, so that the number is for readers alone.
///
/// # Safety
/// `array` is not released and has the form that `column` describes.
unsafe fn forget_buffers_of_nulls(array: *mut CArray, column: &FFI_ArrowSchema) {
    // SAFETY: of the form of `column`, each array has as many children, and a dictionary where
    // that has one; the pointers to them are valid as long as it is not released.
    unsafe {
        if column.format() == NULL_FORMAT {
            (*array).n_buffers = 0;
        }
        let children = usize::try_from((*array).n_children).unwrap_or(0);
        for (place, child) in column.children().enumerate().take(children) {
            forget_buffers_of_nulls(*(*array).children.add(place), child);
        }
        if let (Some(values), false) = (column.dictionary(), (*array).dictionary.is_null()) {
            forget_buffers_of_nulls((*array).dictionary, values);
        }
    }
}
