//! Little-endian bytes of rows: writers append to a buffer, the reader checks every length, so
//! that damaged bytes are an error and never a panic or a huge allocation.

use crate::error::{Error, Kind, Result};
use crate::key::{TAG_BOOL, TAG_FLOAT, TAG_INT, TAG_NULL, TAG_STR, TAG_TIMESTAMP};
use crate::order::Tie;
use crate::value::Value;

pub(crate) fn put_u8(out: &mut Vec<u8>, value: u8) {
    out.push(value);
}

pub(crate) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u128(out: &mut Vec<u8>, value: u128) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a scalar: its tag and its bytes.
pub(crate) fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => put_u8(out, TAG_NULL),
        Value::Bool(value) => out.extend_from_slice(&[TAG_BOOL, u8::from(*value)]),
        Value::Int(value) => {
            put_u8(out, TAG_INT);
            put_i64(out, *value);
        }
        Value::Float(value) => {
            put_u8(out, TAG_FLOAT);
            put_u64(out, value.to_bits());
        }
        Value::Str(text) => {
            put_u8(out, TAG_STR);
            put_bytes(out, text.as_bytes());
        }
        Value::Timestamp(value) => {
            put_u8(out, TAG_TIMESTAMP);
            put_i64(out, *value);
        }
        Value::List(_) => unreachable!("state holds scalars only"),
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, u32::try_from(bytes.len()).expect("a value is below 4 GiB"));
    out.extend_from_slice(bytes);
}

/// Appends a tie.
pub(crate) fn put_tie(out: &mut Vec<u8>, tie: &Tie) {
    match tie.declared() {
        None => put_u8(out, 0),
        Some(declared) => {
            put_u8(out, 1);
            put_bytes(out, declared);
        }
    }
    put_u128(out, tie.hash());
}

pub(crate) fn read_value(reader: &mut Reader) -> Result<Value> {
    Ok(match reader.u8()? {
        TAG_NULL => Value::Null,
        TAG_BOOL => Value::Bool(reader.u8()? != 0),
        TAG_INT => Value::Int(reader.i64()?),
        TAG_FLOAT => Value::Float(f64::from_bits(reader.u64()?)),
        TAG_STR => {
            let text = std::str::from_utf8(reader.bytes()?).map_err(|_| damaged())?;
            Value::Str(text.into())
        }
        TAG_TIMESTAMP => Value::Timestamp(reader.i64()?),
        _ => return Err(damaged()),
    })
}

pub(crate) fn read_tie(reader: &mut Reader) -> Result<Tie> {
    let declared = match reader.u8()? {
        0 => None,
        1 => Some(reader.bytes()?),
        _ => return Err(damaged()),
    };
    Ok(Tie::new(declared, reader.u128()?))
}

pub(crate) fn damaged() -> Error {
    Error::new(Kind::Data, "damaged", "a stored row of state is damaged")
}

/// Reads what the writers wrote.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or_else(damaged)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(crate) fn u128(&mut self) -> Result<u128> {
        Ok(u128::from_le_bytes(self.array()?))
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    /// A number of items of at least so many bytes each: no more than the rest can hold.
    pub(crate) fn count(&mut self, bytes_min: usize) -> Result<usize> {
        let count = self.u32()? as usize;
        if count.saturating_mul(bytes_min) > self.rest.len() { Err(damaged()) } else { Ok(count) }
    }

    /// The format byte that begins a row.
    pub(crate) fn format(&mut self, known: u8) -> Result<()> {
        let format = self.u8()?;
        if format == known {
            return Ok(());
        }
        let message = format!("a stored row has format {format}, this kernel reads {known}");
        Err(Error::new(Kind::Data, "unknown_format", message))
    }

    pub(crate) fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(damaged()) }
    }
}
