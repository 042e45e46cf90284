//! Ids seen within a stream's dedup horizon: a repeated one is dropped.
//!
//! Ids are kept as 128-bit hashes of their canonical bytes. The horizon runs between arrivals, from
//! the first accepted one: a repeat neither renews nor extends it.

use std::collections::{HashMap, VecDeque};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType as ArrowType;
use xxhash_rust::xxh3::xxh3_128;

/// Ids of one stream by arrival.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    horizon_us: i64,
    arrivals: HashMap<u128, i64>,
    /// In order of acceptance; arrivals never decrease within a stream.
    order: VecDeque<(i64, u128)>,
}

impl Ids {
    /// No ids yet; a repeat up to `horizon_us` after the first is one.
    pub fn new(horizon_us: i64) -> Self {
        Self { horizon_us, ..Self::default() }
    }

    /// Was the id accepted at most the horizon before `arrived_at`?
    pub fn repeated(&self, id: u128, arrived_at: i64) -> bool {
        self.arrivals.get(&id).is_some_and(|first| arrived_at - first <= self.horizon_us)
    }

    /// Notes an accepted id.
    pub fn accept(&mut self, id: u128, arrived_at: i64) {
        self.arrivals.insert(id, arrived_at);
        self.order.push_back((arrived_at, id));
    }

    /// Forgets what no later arrival can repeat.
    pub fn expire(&mut self, arrived_at: i64) {
        while let Some((first, id)) = self.order.front().copied() {
            if arrived_at - first <= self.horizon_us {
                break;
            }
            self.order.pop_front();
            if self.arrivals.get(&id) == Some(&first) {
                self.arrivals.remove(&id);
            }
        }
    }

    /// The arrival before which nothing is held.
    pub fn oldest(&self) -> Option<i64> {
        self.order.front().map(|(arrived_at, _)| *arrived_at)
    }

    /// All that is held, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u128)> + '_ {
        self.order.iter().copied()
    }

    /// How many ids are held.
    pub fn len(&self) -> usize {
        self.arrivals.len()
    }

    /// Is none held?
    pub fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }
}

/// The ids of an epoch's accepted rows with their arrivals: the rows' own, or `visible_at`.
pub fn ids_of(body: &RecordBatch, column: usize, visible_at: i64) -> Vec<(i64, u128)> {
    let arrivals = crate::state::apply::arrivals(body);
    let arrival = |row: usize| arrivals.as_ref().map_or(visible_at, |arrivals| arrivals[row]);
    let column = body.column(column);
    (0..body.num_rows()).filter_map(|row| Some((arrival(row), id_hash(column, row)?))).collect()
}

/// The hash of the id in a row of a canonical column; `None` for null, which never repeats.
pub fn id_hash(column: &ArrayRef, row: usize) -> Option<u128> {
    if column.is_null(row) {
        return None;
    }
    let number = |tag: u8, value: [u8; 8]| {
        let mut bytes = [tag; 9];
        bytes[1..].copy_from_slice(&value);
        xxh3_128(&bytes)
    };
    Some(match column.data_type() {
        ArrowType::Boolean => xxh3_128(&[1, u8::from(column.as_boolean().value(row))]),
        ArrowType::Int64 => number(2, column.as_primitive::<Int64Type>().value(row).to_le_bytes()),
        ArrowType::Float64 => {
            number(3, column.as_primitive::<Float64Type>().value(row).to_le_bytes())
        }
        ArrowType::Utf8 => xxh3_128(column.as_string::<i32>().value(row).as_bytes()),
        ArrowType::Timestamp(..) => {
            number(5, column.as_primitive::<TimestampMicrosecondType>().value(row).to_le_bytes())
        }
        other => unreachable!("canonical columns are never of type {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::Ids;

    #[test]
    fn a_repeat_is_one_up_to_the_horizon_from_the_first() {
        let mut ids = Ids::new(10);
        ids.accept(7, 100);
        assert!(ids.repeated(7, 100) && ids.repeated(7, 110));
        assert!(!ids.repeated(7, 111) && !ids.repeated(8, 100));
    }

    #[test]
    fn what_can_repeat_no_more_is_forgotten() {
        let mut ids = Ids::new(10);
        ids.accept(7, 100);
        ids.accept(8, 105);
        ids.expire(110);
        assert_eq!(ids.len(), 2);
        ids.expire(111);
        assert_eq!(ids.iter().collect::<Vec<_>>(), [(105, 8)]);
        ids.accept(7, 112);
        ids.expire(116);
        assert_eq!(ids.iter().collect::<Vec<_>>(), [(112, 7)]);
    }
}
