//! Rows of JSON scalars, borrowed from the request's bytes where the text has no escapes.
//!
//! All fields of all rows stand in one vector: two allocations a request, whatever its rows.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A JSON value as a key may hold it; lists and objects are only known to be such.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction and exponent that fits 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Str(Cow<'a, str>),
    /// A list.
    List,
    /// An object.
    Object,
}

impl Scalar<'_> {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Scalar::Null => "null",
            Scalar::Bool(_) => "a bool",
            Scalar::Int(_) => "an int",
            Scalar::Float(_) => "a float",
            Scalar::Str(_) => "a str",
            Scalar::List => "a list",
            Scalar::Object => "an object",
        }
    }
}

/// Rows of named scalars.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows<'a> {
    fields: Vec<(Text<'a>, Scalar<'a>)>,
    /// Where each row's fields end.
    ends: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The scalar of a name in a row.
    pub fn find(&self, row: usize, name: &str) -> Option<&Scalar<'a>> {
        self.row(row).iter().find(|(field, _)| field.0 == name).map(|(_, scalar)| scalar)
    }

    /// The names in a row.
    pub fn names(&self, row: usize) -> impl Iterator<Item = &str> {
        self.row(row).iter().map(|(name, _)| &*name.0)
    }

    /// Adds a row; for callers that hold no JSON.
    pub fn push(&mut self, row: impl IntoIterator<Item = (Cow<'a, str>, Scalar<'a>)>) {
        self.fields.extend(row.into_iter().map(|(name, scalar)| (Text(name), scalar)));
        self.ends.push(self.fields.len());
    }

    /// Adds the row that a JSON object stands for.
    ///
    /// # Errors
    /// serde_json's, where the text is no single object; then no row is added.
    pub fn push_json(&mut self, text: &'a str) -> serde_json::Result<()> {
        let before = self.fields.len();
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = RowSeed(&mut self.fields).deserialize(&mut reader).and_then(|()| reader.end());
        match read {
            Ok(()) => self.ends.push(self.fields.len()),
            Err(_) => self.fields.truncate(before),
        }
        read
    }

    fn row(&self, row: usize) -> &[(Text<'a>, Scalar<'a>)] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.fields[start..self.ends[row]]
    }
}

/// A string that borrows where it can (serde's own `Cow` always copies inside containers).
#[derive(Clone, Debug, PartialEq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(value)))
            }
            fn visit_str<E>(self, value: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Int(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Scalar<'de>, E> {
        // Past i64 it is no int of ours; as a float it is refused by type, never wrapped.
        Ok(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Int))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Float(value))
    }
    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Str(Cow::Borrowed(value)))
    }
    fn visit_str<E>(self, value: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Str(Cow::Owned(value.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::List)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Scalar<'de>, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Object)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Rows<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowsVisitor)
    }
}

struct RowsVisitor;

impl<'de> Visitor<'de> for RowsVisitor {
    type Value = Rows<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects, one for each row of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Rows<'de>, A::Error> {
        let mut rows = Rows::default();
        while items.next_element_seed(RowSeed(&mut rows.fields))?.is_some() {
            rows.ends.push(rows.fields.len());
        }
        Ok(rows)
    }
}

/// Appends one row's fields.
struct RowSeed<'v, 'a>(&'v mut Vec<(Text<'a>, Scalar<'a>)>);

impl<'de> DeserializeSeed<'de> for RowSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of key columns")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let before = self.0.len();
        while let Some(field) = fields.next_entry()? {
            self.0.push(field);
        }
        match repeated(&self.0[before..]) {
            Some(name) => Err(A::Error::custom(format!("column {name:?} occurs twice in a row"))),
            None => Ok(()),
        }
    }
}

/// Up to this many columns, comparing each two costs less than ordering them.
const COMPARED_MAX: usize = 16;

/// A name that a row has twice: which of the two was meant cannot be known.
fn repeated<'r>(row: &'r [(Text<'_>, Scalar<'_>)]) -> Option<&'r str> {
    if row.len() <= COMPARED_MAX {
        let before = |at: usize| row[..at].iter().any(|(name, _)| *name == row[at].0);
        return (1..row.len()).find(|at| before(*at)).map(|at| &*row[at].0.0);
    }
    let mut names: Vec<&str> = row.iter().map(|(name, _)| &*name.0).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_of(columns: usize, more: &str) -> String {
        let columns: Vec<String> = (0..columns).map(|n| format!("\"k{n}\": {n}")).collect();
        format!("{{{}{more}}}", columns.join(", "))
    }

    /// A column twice in a row is refused, however many columns the row has.
    #[test]
    fn a_column_twice_in_a_row_is_refused() {
        for columns in [COMPARED_MAX - 1, COMPARED_MAX, 1_000] {
            let (twice, once) = (row_of(columns, ", \"k3\": 0"), row_of(columns, ""));
            let mut rows = Rows::default();
            let error = rows.push_json(&twice).unwrap_err().to_string();
            assert!(error.starts_with("column \"k3\" occurs twice in a row"), "{error}");
            assert!(rows.is_empty());
            rows.push_json(&once).unwrap();
            assert_eq!(rows.names(0).count(), columns);
        }
    }
}
