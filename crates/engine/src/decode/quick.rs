//! The quick reading of a row: plain JSON as programs write it, read by the schema in one pass,
//! about twice as fast as the general parser. It accepts good rows only; whatever it does not know
//! (escapes, exponents, nesting, a fault of any kind) it leaves untouched to the general one, which
//! is also its oracle in the tests. It must never accept what the general parser would not.

use super::columns::ColumnBuilder;
use super::row::Rows;

/// Most digits of a number that are read here: below 2^53 a mantissa is an exact double, and with
/// at most 22 decimals one division rounds it right.
const DIGITS_MAX: usize = 15;

/// Exact powers of ten.
const POWERS: [f64; DIGITS_MAX + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

impl Rows<'_> {
    /// Reads the row that begins at `start` and accepts it: where it ends. None, and nothing
    /// changed, if it is for the general parser to read.
    pub(super) fn quick_row(&mut self, text: &str, start: usize) -> Option<usize> {
        self.quick(text, start, |_| true)
    }

    /// Reads and accepts the row that is all of `line`; false, and nothing changed, as above.
    pub(super) fn quick_line(&mut self, line: &str) -> bool {
        self.quick(line, 0, |end| end == line.len()).is_some()
    }

    fn quick(&mut self, text: &str, start: usize, ends: impl Fn(usize) -> bool) -> Option<usize> {
        let before = self.begin_row();
        let mut reader = Reader { text, bytes: text.as_bytes(), at: start };
        match self.quick_columns(&mut reader) {
            Some(()) if ends(reader.at) && self.end_row_quietly() => Some(reader.at),
            _ => {
                self.forget_row(before);
                None
            }
        }
    }

    fn quick_columns(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        reader.take(b'{')?;
        reader.skip_space();
        if reader.peek()? == b'}' {
            reader.at += 1;
            return Some(());
        }
        let mut expected = 0;
        loop {
            let name = reader.string()?;
            reader.skip_space();
            reader.take(b':')?;
            reader.skip_space();
            match self.column_of(name, expected) {
                Some(column) => {
                    expected = column + 1;
                    self.first_time(column)?;
                    let (builder, quality) = self.builder(column);
                    reader.value(builder, quality)?;
                }
                None => {
                    reader.skip_scalar()?;
                    self.note_unknown(name);
                }
            }
            reader.skip_space();
            match reader.next()? {
                b',' => reader.skip_space(),
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }
}

/// Walks over the text of a body.
pub(super) struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

/// A plain number as it was written.
struct Number {
    negative: bool,
    digits: u64,
    /// How many of the digits stand after the point; none for an integer.
    decimals: Option<usize>,
}

impl<'t> Reader<'t> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.bytes.get(self.at..self.at + word.len())? == word;
        self.at += word.len();
        found.then_some(())
    }

    /// A string without escapes.
    #[inline]
    fn string(&mut self) -> Option<&'t str> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            match self.next()? {
                b'"' => return self.text.get(start..self.at - 1),
                b'\\' | 0..0x20 => return None,
                _ => {}
            }
        }
    }

    /// A number of few digits without exponent.
    #[inline]
    fn number(&mut self) -> Option<Number> {
        let negative = self.peek()? == b'-';
        self.at += usize::from(negative);
        let start = self.at;
        let mut digits = 0_u64;
        let mut point = None;
        loop {
            match self.peek() {
                Some(byte @ b'0'..=b'9') => {
                    digits = digits.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                }
                Some(b'.') if point.is_none() => point = Some(self.at),
                Some(b'.' | b'e' | b'E') => return None,
                _ => break,
            }
            self.at += 1;
        }
        let whole = point.unwrap_or(self.at) - start;
        let decimals = point.map(|point| self.at - point - 1);
        // JSON knows neither 01 nor 1. nor .1, and 16 digits may not be an exact double. Integers
        // of up to 18 digits are exact; as a double they are left to the general parser.
        let leading_zero = whole > 1 && self.bytes[start] == b'0';
        let few = match decimals {
            None => whole <= 18,
            Some(decimals) => decimals > 0 && whole + decimals <= DIGITS_MAX,
        };
        (whole > 0 && few && !leading_zero).then_some(Number { negative, digits, decimals })
    }

    /// A value into its column.
    #[inline]
    fn value(
        &mut self,
        builder: &mut ColumnBuilder,
        quality: &mut crate::contract::Quality,
    ) -> Option<()> {
        match self.peek()? {
            b'"' => builder.push_str(self.string()?).ok(),
            b'n' => {
                self.word(b"null")?;
                builder.push_null().ok()
            }
            b'N' => {
                self.word(b"NaN")?;
                builder.push_not_finite(f64::NAN, quality).ok()
            }
            b't' => {
                self.word(b"true")?;
                builder.push_bool(true).ok()
            }
            b'f' => {
                self.word(b"false")?;
                builder.push_bool(false).ok()
            }
            _ => {
                let number = self.number()?;
                match number.decimals {
                    None => builder.push_int(number.integer()?, quality).ok(),
                    Some(decimals) => builder.push_float(number.float(decimals), quality).ok(),
                }
            }
        }
    }

    /// Passes over a value of no column.
    fn skip_scalar(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'n' => self.word(b"null"),
            b'N' => self.word(b"NaN"),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            _ => self.number().map(|_| ()),
        }
    }
}

impl Number {
    /// The integer; none for -0, which is a float.
    fn integer(&self) -> Option<i64> {
        let value = i64::try_from(self.digits).ok()?;
        match self.negative {
            false => Some(value),
            true if value == 0 => None,
            true => Some(-value),
        }
    }

    /// The double next to the number: both operands are exact, so one division rounds right.
    #[allow(clippy::cast_precision_loss)]
    fn float(&self, decimals: usize) -> f64 {
        let value = self.digits as f64 / POWERS[decimals];
        if self.negative { -value } else { value }
    }
}

#[cfg(test)]
#[path = "quick_tests.rs"]
mod tests;
