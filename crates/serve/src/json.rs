//! The smallest pieces of JSON, written by hand into a buffer: strings, numbers, values.
//!
//! Answers are written so because serde_json costs a third of a small answer's time and half of a
//! large one's. Nothing here allocates but the buffer; nothing here knows what an answer is.

use headwater_kernel::error::Error;
use headwater_kernel::value::Value;

use crate::instant;

/// For each byte below 0x80: 0 as it is, `u` as `\u00XX`, else the letter after the backslash.
static ESCAPES: [u8; 128] = escapes();

const fn escapes() -> [u8; 128] {
    let mut table = [0; 128];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table
}

/// Appends a string with its quotes.
pub fn string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        let escape = if byte < 0x80 { ESCAPES[byte as usize] } else { 0 };
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&bytes[copied..index]);
        copied = index + 1;
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            let hex = [b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(&hex);
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// Appends an integer.
pub fn integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends an unsigned integer.
pub fn unsigned(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a finite double in the fewest digits that read back as the same double.
pub fn float(value: f64, out: &mut Vec<u8>) {
    // A value is finite by the kernel's promise; were it not, the text would not be JSON.
    assert!(value.is_finite(), "a float in an answer is finite");
    out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
}

/// Appends `true` or `false`.
pub fn boolean(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Appends a value: null, scalar or list; instants as ISO text.
pub fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(inner) => boolean(*inner, out),
        Value::Int(inner) => integer(*inner, out),
        Value::Float(inner) => float(*inner, out),
        Value::Str(inner) => string(inner, out),
        Value::Timestamp(inner) => timestamp(*inner, out),
        Value::List(items) => list(items.iter(), out, self::value),
    }
}

/// Appends an instant as quoted ISO text.
pub fn timestamp(us: i64, out: &mut Vec<u8>) {
    out.push(b'"');
    instant::write(us, out);
    out.push(b'"');
}

/// Appends an instant, or null.
pub fn timestamp_or_null(us: Option<i64>, out: &mut Vec<u8>) {
    match us {
        Some(us) => timestamp(us, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a list of what `item` writes for each.
pub fn list<T>(
    items: impl Iterator<Item = T>,
    out: &mut Vec<u8>,
    mut item: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(b'[');
    for (index, each) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item(each, out);
    }
    out.push(b']');
}

/// Appends `"name":` after a comma unless it is the object's first.
pub fn name(text: &str, first: bool, out: &mut Vec<u8>) {
    if !first {
        out.push(b',');
    }
    string(text, out);
    out.push(b':');
}

/// Appends `{"name":`: the beginning of an object.
pub fn name_first(text: &str, out: &mut Vec<u8>) {
    out.push(b'{');
    name(text, true, out);
}

/// The body of an error: `{"error": {"code", "kind", "message", "detail", "hint"}}`, and `row`
/// inside where a row is at fault.
pub fn error(error: &Error) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(b"{\"error\":{\"code\":");
    string(error.code, &mut out);
    name("kind", false, &mut out);
    string(error.kind.name(), &mut out);
    name("message", false, &mut out);
    string(&error.message, &mut out);
    name("detail", false, &mut out);
    string(&error.detail, &mut out);
    name("hint", false, &mut out);
    string(&error.hint, &mut out);
    if let Some(row) = error.row {
        name("row", false, &mut out);
        unsigned(row, &mut out);
    }
    out.extend_from_slice(b"}}");
    out
}

#[cfg(test)]
mod tests {
    use headwater_kernel::error::Kind;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    proptest! {
        /// Any string is written byte for byte as serde_json writes it, up to how controls are
        /// escaped, and reads back as itself.
        #[test]
        fn strings_read_back(value in any::<String>()) {
            let written = text(|out| string(&value, out));
            prop_assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), value);
        }

        /// Any finite double reads back as the same bits.
        #[test]
        fn doubles_read_back_bit_for_bit(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let written = text(|out| float(value, out));
            let read: f64 = std::str::from_utf8(&written).unwrap().parse().unwrap();
            prop_assert_eq!(read.to_bits(), bits);
            prop_assert!(serde_json::from_slice::<f64>(&written).is_ok());
        }
    }

    /// An error is one object, with its row only where there is one.
    #[test]
    fn an_error_is_written_whole() {
        let fault = Error::new(Kind::Invalid, "wrong_type", "not a \"str\"").with_hint("mend it");
        let plain: serde_json::Value = serde_json::from_slice(&error(&fault)).unwrap();
        let body = json!({"error": {"code": "wrong_type", "kind": "invalid",
            "message": "not a \"str\"", "detail": "", "hint": "mend it"}});
        assert_eq!(plain, body);
        let at_row: serde_json::Value = serde_json::from_slice(&error(&fault.at_row(7))).unwrap();
        assert_eq!(at_row["error"]["row"], 7);
    }
}
