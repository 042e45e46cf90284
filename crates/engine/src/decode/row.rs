//! One JSON row straight into the column builders: serde_json parses, the visitors here lay the
//! values down. A value of the wrong type never stops the parse, so that the row's end is found and
//! only the row fails. Nothing is allocated for a good row.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::columns::{Checked, ColumnBuilder};
use crate::contract::{Cause, Contract, Fault, Quality};

/// Rows under construction.
pub(super) struct Rows<'c> {
    contract: &'c Contract,
    builders: Vec<ColumnBuilder>,
    /// The stamp of the last row that had the column.
    seen: Vec<u64>,
    /// Number of the reading, from 1.
    stamp: u64,
    accepted: usize,
    failure: Option<(usize, Fault)>,
    quality: Quality,
    /// Members of the next row that are words for floats, ascending, and covered up in its text.
    words: Vec<(usize, f64)>,
}

/// Figures of quality as they were before a row.
pub(super) struct Figures {
    not_finite: u64,
    unknown_values: u64,
    rounded: u64,
    rounding_max: f64,
}

/// The parts of finished rows.
pub(super) struct Finished {
    pub(super) builders: Vec<ColumnBuilder>,
    pub(super) quality: Quality,
}

impl<'c> Rows<'c> {
    pub(super) fn new(contract: &'c Contract, rows_expected: usize) -> Self {
        let builders = (0..contract.columns().len())
            .map(|index| ColumnBuilder::new(contract, index, rows_expected))
            .collect();
        Self {
            contract,
            builders,
            seen: vec![0; contract.columns().len()],
            stamp: 0,
            accepted: 0,
            failure: None,
            quality: Quality::default(),
            words: Vec::new(),
        }
    }

    /// A seed that parses the next row; call [`Rows::end_row`] after it.
    pub(super) fn seed(&mut self) -> RowSeed<'_, 'c> {
        self.stamp += 1;
        RowSeed { rows: self }
    }

    /// The same of a row whose words are covered up.
    pub(super) fn seed_with(&mut self, words: Vec<(usize, f64)>) -> RowSeed<'_, 'c> {
        self.words = words;
        self.seed()
    }

    /// Has no row had this column?
    pub(super) fn never_seen(&self, column: usize) -> bool {
        self.seen[column] == 0
    }

    /// Names of columns that the contract does not know.
    pub(super) fn unknown_names(&self) -> impl Iterator<Item = &String> {
        self.quality.unknown_names.iter()
    }

    /// Begins a reading that may be given up: what [`Rows::forget_row`] needs.
    pub(super) fn begin_row(&mut self) -> Figures {
        self.stamp += 1;
        let Quality { not_finite, unknown_values, rounded, rounding_max, .. } = self.quality;
        Figures { not_finite, unknown_values, rounded, rounding_max }
    }

    /// Accepts the row if no column is missing that must be there.
    #[inline]
    pub(super) fn end_row_quietly(&mut self) -> bool {
        self.fill_missing();
        let accepted = self.failure.take().is_none();
        self.accepted += usize::from(accepted);
        accepted
    }

    /// Gives a reading up, as if it had never been.
    #[cold]
    pub(super) fn forget_row(&mut self, before: Figures) {
        self.take_back();
        self.quality.not_finite = before.not_finite;
        self.quality.unknown_values = before.unknown_values;
        self.quality.rounded = before.rounded;
        self.quality.rounding_max = before.rounding_max;
    }

    /// The column of a name, looking first where the row before had it.
    #[inline]
    pub(super) fn column_of(&self, name: &str, expected: usize) -> Option<usize> {
        let columns = self.contract.columns();
        if columns.get(expected).is_some_and(|column| column.name == name) {
            return Some(expected);
        }
        columns.iter().position(|column| column.name == name)
    }

    /// Marks a column as met in this row; none if it was before.
    #[inline]
    pub(super) fn first_time(&mut self, column: usize) -> Option<()> {
        let before = std::mem::replace(&mut self.seen[column], self.stamp);
        (before != self.stamp).then_some(())
    }

    /// The builder of a column, and the figures.
    #[inline]
    pub(super) fn builder(&mut self, column: usize) -> (&mut ColumnBuilder, &mut Quality) {
        (&mut self.builders[column], &mut self.quality)
    }

    /// Counts a value of an unknown column.
    pub(super) fn note_unknown(&mut self, name: &str) {
        self.quality.unknown(name, 1);
    }

    /// Ends a row that was parsed to its end: none when it is accepted, else why not.
    pub(super) fn end_row(&mut self) -> Option<(Cause, String)> {
        if self.failure.is_none() {
            self.fill_missing();
        }
        match self.failure.take() {
            None => {
                self.accepted += 1;
                None
            }
            Some((column, fault)) => {
                self.take_back();
                Some(match self.contract.columns().get(column) {
                    Some(column) => fault.in_column(&column.name),
                    None => (fault.cause, fault.message),
                })
            }
        }
    }

    /// Ends a row that could not be parsed to its end.
    pub(super) fn drop_row(&mut self) {
        self.failure = None;
        self.take_back();
    }

    pub(super) fn finish(self) -> Finished {
        Finished { builders: self.builders, quality: self.quality }
    }

    fn take_back(&mut self) {
        for builder in &mut self.builders {
            builder.truncate(self.accepted);
        }
    }

    fn fill_missing(&mut self) {
        for (column, seen) in self.seen.iter().enumerate() {
            if *seen == self.stamp {
                continue;
            }
            if let Err(fault) = self.builders[column].push_absent() {
                self.failure = Some((column, fault));
                return;
            }
        }
    }

    /// Keeps the failure that comes first in the order of columns; of the whole row before all.
    #[cold]
    fn fail(&mut self, column: usize, fault: Fault) {
        let earlier = match &self.failure {
            None => true,
            Some((_, kept)) if kept.cause == Cause::Malformed => false,
            Some((at, _)) => fault.cause == Cause::Malformed || column < *at,
        };
        if earlier {
            self.failure = Some((column, fault));
        }
    }

    fn fail_row(&mut self, message: &str) {
        self.fail(usize::MAX, Fault::new(Cause::Malformed, message));
    }

    fn store(&mut self, column: usize, checked: Checked) {
        if let Err(fault) = checked {
            self.fail(column, fault);
        }
    }
}

/// Parses one row into [`Rows`].
pub(super) struct RowSeed<'r, 'c> {
    rows: &'r mut Rows<'c>,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Implements the visits of values that are not the one wanted.
macro_rules! refuse {
    ($self:ident, $message:expr; $($visit:ident: $kind:ty),*) => {
        $(fn $visit<E>($self, _: $kind) -> Result<(), E> {
            $self.rows.fail_row($message);
            Ok(())
        })*
    };
}

const NOT_AN_OBJECT: &str = "the row is not an object";

impl<'de> Visitor<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let rows = self.rows;
        let words = std::mem::take(&mut rows.words);
        let mut words = words.into_iter().peekable();
        let (mut expected, mut member) = (0, 0);
        while let Some(found) = map.next_key_seed(KeySeed { rows: &mut *rows, expected })? {
            let word = words.next_if(|(place, _)| *place == member);
            member += 1;
            let Some(column) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            expected = column + 1;
            if rows.first_time(column).is_none() {
                map.next_value::<IgnoredAny>()?;
                rows.fail(column, Fault::new(Cause::Malformed, "the column occurs twice"));
                continue;
            }
            let seed = ValueSeed { rows: &mut *rows, column };
            match word {
                None => map.next_value_seed(seed)?,
                Some((_, value)) => {
                    map.next_value::<IgnoredAny>()?;
                    seed.put(|builder, quality| builder.push_not_finite(value, quality));
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        self.rows.fail_row(NOT_AN_OBJECT);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.rows.fail_row(NOT_AN_OBJECT);
        Ok(())
    }

    refuse!(self, NOT_AN_OBJECT; visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64,
        visit_str: &str);
}

/// Finds the column of a key.
struct KeySeed<'r, 'c> {
    rows: &'r mut Rows<'c>,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, '_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_, '_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a column")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let found = self.rows.column_of(name, self.expected);
        if found.is_none() {
            self.rows.note_unknown(name);
        }
        Ok(found)
    }
}

/// Lays one value down in the builder of its column.
struct ValueSeed<'r, 'c> {
    rows: &'r mut Rows<'c>,
    column: usize,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl ValueSeed<'_, '_> {
    fn put(self, push: impl FnOnce(&mut ColumnBuilder, &mut Quality) -> Checked) {
        let Rows { builders, quality, .. } = self.rows;
        let checked = push(&mut builders[self.column], quality);
        self.rows.store(self.column, checked);
    }

    fn nested(self, found: &str) {
        let fault = self.rows.builders[self.column].refuse_nested(found);
        self.rows.fail(self.column, fault);
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.put(|builder, _| builder.push_null());
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.put(|builder, _| builder.push_bool(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.put(|builder, quality| builder.push_int(value, quality));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.put(|builder, quality| match i64::try_from(value) {
            Ok(value) => builder.push_int(value, quality),
            Err(_) => builder.push_large(value, quality),
        });
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.put(|builder, quality| builder.push_float(value, quality));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.put(|builder, _| builder.push_str(value));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        self.nested("a list");
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.nested("an object");
        Ok(())
    }
}
