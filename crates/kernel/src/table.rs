//! Rows of a table by key, as of `t`: bitemporal, by the instant from which a row is valid and the
//! instant at which it arrived. Reads never mutate.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use crate::error::Result;
use crate::plan::{FeatureCompute, Plan, ViewPlan};
use crate::state::bytes::{Reader, put_i64, put_u8, put_u32, put_value, read_value};
use crate::value::{Cell, Value};

/// Version of [`TableState::row_bytes`].
pub const FORMAT: u8 = 1;

/// One row of a table under its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// From when it is valid, the table's delay included, UTC microseconds.
    pub valid_from: i64,
    /// When it arrived, UTC microseconds.
    pub arrived_at: i64,
    /// Values of all columns of the table, in order of declaration.
    pub values: Box<[Value]>,
}

/// All rows of one table.
#[derive(Clone, Debug)]
pub struct TableState {
    timeless: bool,
    declares_valid_from: bool,
    delay_us: i64,
    ttl_us: Option<i64>,
    columns: usize,
    /// Versions of a key by (valid_from, order of arrival).
    rows: HashMap<Box<[u8]>, Vec<Version>, KeyHash>,
}

impl TableState {
    /// No rows yet; `table` is an index into the blueprint's tables.
    pub fn new(plan: &Plan, table: usize) -> TableState {
        let table = &plan.blueprint.tables[table];
        TableState {
            timeless: table.timeless,
            declares_valid_from: table.valid_from.is_some(),
            delay_us: table.delay_us,
            ttl_us: table.ttl_us,
            columns: table.columns.len(),
            rows: HashMap::default(),
        }
    }

    /// Adds a row. Calls come in the order of arrival: of rows valid from the same instant and
    /// arrived at the same one, the later call wins.
    ///
    /// `valid_from` is the row's own instant, without delay; `None` in a table that declares no
    /// such column (valid from arrival). `values` are all columns in order of declaration.
    pub fn put(
        &mut self,
        key: &[u8],
        valid_from: Option<i64>,
        arrived_at: i64,
        values: Vec<Value>,
    ) {
        assert_eq!(values.len(), self.columns, "a value for each column of the table");
        assert_eq!(valid_from.is_some(), self.declares_valid_from, "valid_from as declared");
        let valid_from = if self.timeless { i64::MIN } else { valid_from.unwrap_or(arrived_at) };
        let version = Version { valid_from, arrived_at, values: values.into() };
        if !self.rows.contains_key(key) {
            self.rows.insert(key.into(), Vec::new());
        }
        let versions = self.rows.get_mut(key).expect("just inserted");
        let at = versions.partition_point(|other| {
            (other.valid_from, other.arrived_at) <= (version.valid_from, version.arrived_at)
        });
        versions.insert(at, version);
    }

    /// The row that counts at `t`, of those that arrived at or before `arrived_by` (`None`: all).
    ///
    /// The greatest `valid_from` + delay <= t, not older than the ttl; of equal ones the later
    /// arrival. Of a timeless table the latest arrival of all, whatever `t` and `arrived_by`.
    pub fn find(&self, key: &[u8], t: i64, arrived_by: Option<i64>) -> Option<&Version> {
        let versions = self.rows.get(key)?;
        if self.timeless {
            return versions.last();
        }
        let arrived = |version: &&Version| arrived_by.is_none_or(|by| version.arrived_at <= by);
        let end = versions.partition_point(|version| version.valid_from + self.delay_us <= t);
        let found = versions[..end].iter().rev().find(arrived)?;
        let fresh = self.ttl_us.is_none_or(|ttl_us| t - found.valid_from <= ttl_us);
        fresh.then_some(found)
    }

    /// Reads a view of this table: fills `out` (as the view's features) and tells `found`.
    ///
    /// A key without a row that counts gives null, or the declared default.
    pub fn read(
        &self,
        view: &ViewPlan,
        key: Option<&[u8]>,
        t: i64,
        arrived_by: Option<i64>,
        out: &mut [Cell],
    ) -> bool {
        assert_eq!(out.len(), view.features.len(), "a cell for each feature");
        let row = key.and_then(|key| self.find(key, t, arrived_by));
        for (feature, cell) in view.features.iter().zip(out) {
            let FeatureCompute::Column(column) = feature.compute else {
                unreachable!("a view of a table has columns only")
            };
            let value = row.map_or(&Value::Null, |row| &row.values[column]);
            let value = if value.is_null() { &feature.default } else { value };
            *cell = Cell::ok(value.clone());
        }
        row.is_some()
    }

    /// Drops versions that no read at or after `t` can see, given all that has arrived; keys left
    /// without one are removed and returned.
    pub fn expire(&mut self, t: i64) -> Vec<Box<[u8]>> {
        let mut removed = Vec::new();
        let (delay_us, ttl_us, timeless) = (self.delay_us, self.ttl_us, self.timeless);
        self.rows.retain(|key, versions| {
            let valid = match timeless {
                true => versions.len(),
                false => versions.partition_point(|row| row.valid_from + delay_us <= t),
            };
            versions.drain(..valid.saturating_sub(1));
            let dead = |row: &Version| ttl_us.is_some_and(|ttl_us| t - row.valid_from > ttl_us);
            if !timeless && valid > 0 && dead(&versions[0]) {
                versions.remove(0);
            }
            if versions.is_empty() {
                removed.push(key.clone());
            }
            !versions.is_empty()
        });
        removed
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Is no key known?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.rows.keys().map(|key| &**key)
    }

    /// Appends the row of a key: format byte, then its versions. False for an unknown key.
    pub fn row_bytes(&self, key: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(versions) = self.rows.get(key) else { return false };
        put_u8(out, FORMAT);
        put_u32(out, versions.len() as u32);
        for version in versions {
            put_i64(out, version.valid_from);
            put_i64(out, version.arrived_at);
            version.values.iter().for_each(|value| put_value(out, value));
        }
        true
    }

    /// Takes a row written by [`TableState::row_bytes`], in place of what is held of the key.
    pub fn load_row(&mut self, key: &[u8], bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::new(bytes);
        reader.format(FORMAT)?;
        let count = reader.count(17)?;
        let mut versions = Vec::with_capacity(count);
        for _ in 0..count {
            let valid_from = reader.i64()?;
            let arrived_at = reader.i64()?;
            let values: Result<Vec<Value>> =
                (0..self.columns).map(|_| read_value(&mut reader)).collect();
            versions.push(Version { valid_from, arrived_at, values: values?.into() });
        }
        reader.end()?;
        self.rows.insert(key.into(), versions);
        Ok(())
    }
}

/// Hashes keys by xxh3 without a seed: nothing here may be random.
#[derive(Clone, Default, Debug)]
struct KeyHash;

impl BuildHasher for KeyHash {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher(0)
    }
}

struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = self.0.rotate_left(32) ^ crate::key::hash_key(bytes);
    }
}
