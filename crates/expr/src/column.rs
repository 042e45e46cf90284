//! Typed columns and the generic loops over them.
//!
//! A literal stays one value (`constant`) until a loop needs it, so that comparing a column with a
//! number allocates only the answer. Slots under a null may hold anything: a loop computes them and
//! never looks at them.

use arrow_array::types::Int64Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use headwater_kernel::value::DataType;

/// A column of one of the five types; instants are kept as integers.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    Bool(BooleanArray),
    Int(Int64Array),
    Float(Float64Array),
    Str(StringArray),
    Timestamp(Int64Array),
}

/// A column, or one value that stands for every row.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub column: Column,
    /// The column has one row, which is the value of every row.
    pub constant: bool,
}

/// Values of one type: one a row, or one for all.
#[derive(Clone, Copy)]
pub(crate) enum Lane<'a, T> {
    Each(&'a [T]),
    One(T),
}

/// Strings: one a row, or one for all.
#[derive(Clone, Copy)]
pub(crate) enum Text<'a> {
    Each(&'a StringArray),
    One(&'a str),
}

impl Column {
    /// The column of a batch in canonical Arrow type.
    pub fn read(array: &ArrayRef, data_type: DataType) -> Option<Self> {
        let any = array.as_any();
        Some(match data_type {
            DataType::Bool => Column::Bool(any.downcast_ref::<BooleanArray>()?.clone()),
            DataType::Int => Column::Int(any.downcast_ref::<Int64Array>()?.clone()),
            DataType::Float => Column::Float(any.downcast_ref::<Float64Array>()?.clone()),
            DataType::Str => Column::Str(any.downcast_ref::<StringArray>()?.clone()),
            DataType::Timestamp => {
                let instants = any.downcast_ref::<TimestampMicrosecondArray>()?;
                Column::Timestamp(instants.reinterpret_cast::<Int64Type>())
            }
        })
    }

    /// `rows` nulls.
    pub fn null(data_type: DataType, rows: usize) -> Self {
        match data_type {
            DataType::Bool => Column::Bool(BooleanArray::new_null(rows)),
            DataType::Int => Column::Int(Int64Array::new_null(rows)),
            DataType::Float => Column::Float(Float64Array::new_null(rows)),
            DataType::Str => Column::Str(StringArray::new_null(rows)),
            DataType::Timestamp => Column::Timestamp(Int64Array::new_null(rows)),
        }
    }

    fn array(&self) -> &dyn Array {
        match self {
            Column::Bool(array) => array,
            Column::Int(array) | Column::Timestamp(array) => array,
            Column::Float(array) => array,
            Column::Str(array) => array,
        }
    }
}

impl From<Column> for Operand {
    fn from(column: Column) -> Self {
        Operand { column, constant: false }
    }
}

impl Operand {
    /// One value for every row.
    pub fn literal(column: Column) -> Self {
        assert_eq!(column.array().len(), 1, "a literal is one value");
        Operand { column, constant: true }
    }

    /// The null mask over `rows` rows.
    pub fn nulls(&self, rows: usize) -> Option<NullBuffer> {
        if !self.constant {
            return self.column.array().nulls().cloned();
        }
        self.column.array().is_null(0).then(|| NullBuffer::new_null(rows))
    }

    /// A set bit where the value is not null.
    pub fn present(&self, rows: usize) -> BooleanBuffer {
        self.nulls(rows).map_or_else(|| BooleanBuffer::new_set(rows), NullBuffer::into_inner)
    }

    /// The same, one value a row.
    pub fn expand(self, rows: usize) -> Self {
        if !self.constant {
            return self;
        }
        let nulls = self.nulls(rows);
        let column = match self.column {
            Column::Bool(array) => {
                let bits = if array.value(0) {
                    BooleanBuffer::new_set(rows)
                } else {
                    BooleanBuffer::new_unset(rows)
                };
                Column::Bool(BooleanArray::new(bits, nulls))
            }
            Column::Int(array) => Column::Int(Int64Array::new(fill(array.value(0), rows), nulls)),
            Column::Timestamp(array) => {
                Column::Timestamp(Int64Array::new(fill(array.value(0), rows), nulls))
            }
            Column::Float(array) => {
                Column::Float(Float64Array::new(fill(array.value(0), rows), nulls))
            }
            Column::Str(array) => {
                let value = array.is_valid(0).then(|| array.value(0));
                Column::Str(std::iter::repeat_n(value, rows).collect())
            }
        };
        column.into()
    }

    /// Integers or instants.
    pub fn ints(&self) -> Lane<'_, i64> {
        match &self.column {
            Column::Int(array) | Column::Timestamp(array) if self.constant => {
                Lane::One(array.value(0))
            }
            Column::Int(array) | Column::Timestamp(array) => Lane::Each(array.values()),
            _ => unreachable!("bind gives integers here"),
        }
    }

    /// Floats.
    pub fn floats(&self) -> Lane<'_, f64> {
        match &self.column {
            Column::Float(array) if self.constant => Lane::One(array.value(0)),
            Column::Float(array) => Lane::Each(array.values()),
            _ => unreachable!("bind gives floats here"),
        }
    }

    /// Strings.
    pub fn texts(&self) -> Text<'_> {
        match &self.column {
            Column::Str(array) if self.constant => Text::One(array.value(0)),
            Column::Str(array) => Text::Each(array),
            _ => unreachable!("bind gives strings here"),
        }
    }

    /// Booleans as (set where true, set where false).
    pub fn truths(&self, rows: usize) -> (BooleanBuffer, BooleanBuffer) {
        let Column::Bool(array) = &self.clone().expand(rows).column else {
            unreachable!("bind gives booleans here")
        };
        match array.nulls() {
            None => (array.values().clone(), !array.values()),
            Some(nulls) => (array.values() & nulls.inner(), &!array.values() & nulls.inner()),
        }
    }
}

fn fill<T: arrow_buffer::ArrowNativeType>(value: T, rows: usize) -> ScalarBuffer<T> {
    vec![value; rows].into()
}

impl<T: Copy> Lane<'_, T> {
    pub fn at(&self, row: usize) -> T {
        match self {
            Lane::Each(values) => values[row],
            Lane::One(value) => *value,
        }
    }
}

impl<'a> Text<'a> {
    pub fn at(&self, row: usize) -> &'a str {
        match self {
            Text::Each(array) => array.value(row),
            Text::One(value) => value,
        }
    }
}

/// `f` of each row.
pub(crate) fn map1<A: Copy, O>(a: Lane<A>, rows: usize, mut f: impl FnMut(A) -> O) -> Vec<O> {
    match a {
        Lane::Each(a) => a.iter().map(|&a| f(a)).collect(),
        Lane::One(a) => (0..rows).map(|_| f(a)).collect(),
    }
}

/// `f` of each pair of rows.
pub(crate) fn map2<A: Copy, B: Copy, O>(
    a: Lane<A>,
    b: Lane<B>,
    rows: usize,
    mut f: impl FnMut(A, B) -> O,
) -> Vec<O> {
    match (a, b) {
        (Lane::Each(a), Lane::Each(b)) => a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect(),
        (Lane::Each(a), Lane::One(b)) => a.iter().map(|&a| f(a, b)).collect(),
        (Lane::One(a), Lane::Each(b)) => b.iter().map(|&b| f(a, b)).collect(),
        (Lane::One(a), Lane::One(b)) => (0..rows).map(|_| f(a, b)).collect(),
    }
}

/// A bit for each pair of rows.
pub(crate) fn test2<A: Copy>(
    a: Lane<A>,
    b: Lane<A>,
    rows: usize,
    f: impl Fn(A, A) -> bool,
) -> BooleanBuffer {
    match (a, b) {
        (Lane::Each(a), Lane::Each(b)) => {
            let (a, b) = (&a[..rows], &b[..rows]);
            BooleanBuffer::collect_bool(rows, |row| f(a[row], b[row]))
        }
        (Lane::Each(a), Lane::One(b)) => {
            let a = &a[..rows];
            BooleanBuffer::collect_bool(rows, |row| f(a[row], b))
        }
        (Lane::One(a), Lane::Each(b)) => {
            let b = &b[..rows];
            BooleanBuffer::collect_bool(rows, |row| f(a, b[row]))
        }
        (Lane::One(a), Lane::One(b)) => BooleanBuffer::collect_bool(rows, |_| f(a, b)),
    }
}

/// The null mask of a result that is null where any operand is.
pub(crate) fn nulls_of(operands: &[Operand], rows: usize) -> Option<NullBuffer> {
    operands
        .iter()
        .fold(None, |all, operand| NullBuffer::union(all.as_ref(), operand.nulls(rows).as_ref()))
}

/// Is the row present under this mask?
pub(crate) fn is_present(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_none_or(|nulls| nulls.is_valid(row))
}

/// Integers with their mask.
pub(crate) fn ints(values: Vec<i64>, nulls: Option<NullBuffer>) -> Operand {
    Column::Int(Int64Array::new(values.into(), nulls)).into()
}

/// Instants with their mask.
pub(crate) fn instants(values: Vec<i64>, nulls: Option<NullBuffer>) -> Operand {
    Column::Timestamp(Int64Array::new(values.into(), nulls)).into()
}

/// Booleans with their mask.
pub(crate) fn bools(bits: BooleanBuffer, nulls: Option<NullBuffer>) -> Operand {
    Column::Bool(BooleanArray::new(bits, nulls)).into()
}

/// Floats with their mask; what is not finite becomes null, and -0.0 becomes 0.0.
pub(crate) fn floats(mut values: Vec<f64>, mut nulls: Option<NullBuffer>) -> Operand {
    let mut finite = true;
    for value in &mut values {
        *value += 0.0;
        finite &= value.is_finite();
    }
    if !finite {
        let kept = BooleanBuffer::collect_bool(values.len(), |row| values[row].is_finite());
        nulls = NullBuffer::union(nulls.as_ref(), Some(&NullBuffer::new(kept)));
    }
    Column::Float(Float64Array::new(values.into(), nulls)).into()
}

/// Strings, each written by `write` behind those before it; null under the mask.
pub(crate) fn strings(
    rows: usize,
    nulls: Option<NullBuffer>,
    mut write: impl FnMut(usize, &mut String),
) -> Operand {
    let mut text = String::with_capacity(rows * 8);
    let mut offsets = Vec::with_capacity(rows + 1);
    offsets.push(0i32);
    for row in 0..rows {
        if is_present(nulls.as_ref(), row) {
            write(row, &mut text);
        }
        offsets.push(i32::try_from(text.len()).expect("the text of a batch is below 2 GiB"));
    }
    let offsets = OffsetBuffer::new(offsets.into());
    let array = StringArray::try_new(offsets, Buffer::from(text.into_bytes()), nulls);
    Column::Str(array.expect("strings end where strings end")).into()
}
