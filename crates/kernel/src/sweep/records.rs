//! Compact records: what a view needs of an event, as a few words, laid out key by key.
//!
//! A record is its time, one word a value lane, one bit a selection, and the event's address where
//! order or strings need it. The scatter keeps the order of a key's events and computes nothing.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType as ArrowType;

use super::directory::{Directory, NONE, PROBES};
use super::keys::{Keys, mixed};
use super::{EventColumns, Events, Located};
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::prefetch::prefetch;

/// Rows are handled in blocks, so that a record is still in the nearest cache for its next lane.
const BLOCK_ROWS: usize = 256;

/// Which events an aggregate uses: those with the input not null, for which the filter is true.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Selection {
    /// Index of the input that must not be null.
    pub(super) input: Option<usize>,
    /// Index of the filter that must be true.
    pub(super) filter: Option<usize>,
}

/// What a record of a view holds; offsets are in words.
#[derive(Debug)]
pub(super) struct Layout {
    /// Events for which this filter is false are dropped; none: all stay.
    pub(super) presence: Option<usize>,
    /// Inputs whose values are carried; lane `i` is word `1 + i`.
    pub(super) lanes: Vec<usize>,
    /// Selections that leave something out; number `i` is bit `i % 64` of flag word `i / 64`.
    pub(super) selections: Vec<Selection>,
    /// Is the address (chunk and row) of the event carried, as the last word?
    pub(super) addressed: bool,
}

impl Layout {
    /// Words of a record.
    pub(super) fn width(&self) -> usize {
        self.flags() + self.selections.len().div_ceil(64) + usize::from(self.addressed)
    }

    /// The first flag word.
    fn flags(&self) -> usize {
        1 + self.lanes.len()
    }

    /// Word and bit of a selection.
    pub(super) fn flag(&self, selection: usize) -> (usize, usize) {
        (self.flags() + selection / 64, selection % 64)
    }
}

/// The address of an event as one word.
#[inline]
pub(super) fn address(chunk: usize, row: usize) -> u64 {
    (chunk as u64) << 32 | row as u64
}

/// Chunk and row of an address.
#[inline]
pub(super) fn place(address: u64) -> (usize, usize) {
    ((address >> 32) as usize, (address & 0xffff_ffff) as usize)
}

/// Finds the key number of each row of a chunk, [`NONE`] for those that no answer needs: key null
/// or not asked about, time outside `[start, end)`, presence false.
pub(super) fn locate(
    batch: &EventColumns<'_>,
    presence: Option<usize>,
    directory: &Directory<'_>,
    span: (i64, i64),
) -> Result<Vec<u32>> {
    let keys = Keys::new(batch.keys, batch.times.len())?;
    let present = presence.map(|filter| &batch.filters[filter]);
    let needed = |row: usize, time: i64| {
        let present = present.is_none_or(|bits| bits.value(row)) & keys.is_valid(row);
        (time >= span.0) & (time < span.1) & present
    };
    if let Some((dense, values)) = directory.dense(&keys) {
        let rows = batch.times.iter().zip(values).enumerate();
        let find = |(row, (&time, &value)): (usize, (&i64, &i64))| {
            let id = dense.find(value);
            if needed(row, time) { id } else { NONE }
        };
        return Ok(rows.map(find).collect());
    }
    let mut ids = vec![NONE; batch.times.len()];
    let mut words = [0; PROBES];
    let mut wanted = [(0_u32, 0_u64); PROBES];
    for (block, (ids, times)) in ids.chunks_mut(PROBES).zip(batch.times.chunks(PROBES)).enumerate()
    {
        let first_row = block * PROBES;
        let words = &mut words[..times.len()];
        keys.words(first_row, words);
        let mut count = 0;
        for (offset, (&time, &word)) in times.iter().zip(words.iter()).enumerate() {
            let row = first_row + offset;
            let hash = mixed(word);
            directory.prefetch(hash);
            wanted[count] = (offset as u32, hash);
            count += usize::from(needed(row, time));
        }
        for &(offset, hash) in &wanted[..count] {
            let offset = offset as usize;
            ids[offset] = directory.find(words[offset], hash, &keys, first_row + offset);
        }
    }
    Ok(ids)
}

/// Lays out the words of the records of the keys from `first_key` on; `ids` are the key numbers of each chunk,
/// `starts` holds where each key's records start among those of all keys, and one more entry at the
/// end.
pub(super) fn scatter(
    events: &Events<'_>,
    layout: &Layout,
    ids: &[&Located],
    first_key: u32,
    starts: &[u32],
) -> Result<Vec<u64>> {
    let width = layout.width();
    let (Some(base), Some(end)) = (starts.first(), starts.last()) else { return Ok(Vec::new()) };
    let mut words: Vec<u64> = memory::zeros((end - base) as usize * width);
    let mut next: Vec<u32> = starts.iter().map(|start| start - base).collect();
    let mut block = [(0, 0); BLOCK_ROWS];
    for (chunk, ids) in ids.iter().enumerate() {
        let sources = Sources::of(events, layout, chunk)?;
        for (index, block_ids) in ids.0.chunks(BLOCK_ROWS).enumerate() {
            let first_row = index * BLOCK_ROWS;
            let block = assign(block_ids, first_row, first_key, &mut next, &mut block);
            block.iter().for_each(|&(_, record)| prefetch(&words, record as usize * width));
            sources.write(block, &mut words, width);
        }
    }
    Ok(words)
}

/// Gives each row of a block that belongs to the range of keys its record number; both loops do
/// without a branch a row, as which keys come is not to be foreseen.
fn assign<'b>(
    ids: &[u32],
    first_row: usize,
    first_key: u32,
    next: &mut [u32],
    block: &'b mut [(u32, u32); BLOCK_ROWS],
) -> &'b [(u32, u32)] {
    // No key's number and none below the range is below the range's length, once wrapped around.
    let keys = next.len() as u32 - 1;
    let mut count = 0;
    for (row, &id) in (first_row as u32..).zip(ids) {
        let key = id.wrapping_sub(first_key);
        block[count] = (row, key);
        count += usize::from(key < keys);
    }
    for (_, place) in &mut block[..count] {
        let record = &mut next[*place as usize];
        *place = *record;
        *record += 1;
    }
    &block[..count]
}

/// Where the words of a chunk's records come from.
struct Sources<'a> {
    chunk: usize,
    times: &'a [i64],
    lanes: Vec<Lane<'a>>,
    flags: Vec<Flag<'a>>,
    addressed: bool,
}

/// The values of one input as words.
enum Lane<'a> {
    Bits(&'a BooleanBuffer),
    Integers(&'a [i64]),
    Floats(&'a [f64]),
}

/// The rows of one selection.
struct Flag<'a> {
    valid: Option<&'a NullBuffer>,
    filter: Option<&'a BooleanBuffer>,
}

impl<'a> Sources<'a> {
    fn of(events: &'a Events<'_>, layout: &Layout, chunk: usize) -> Result<Self> {
        let batch = &events.chunks[chunk];
        let lanes = layout.lanes.iter().map(|&input| lane(&batch.inputs[input])).collect();
        let flag = |selection: &Selection| Flag {
            valid: selection.input.and_then(|input| batch.inputs[input].nulls()),
            filter: selection.filter.map(|filter| &batch.filters[filter]),
        };
        Ok(Self {
            chunk,
            times: batch.times,
            lanes: Result::from_iter::<Vec<_>>(lanes)?,
            flags: layout.selections.iter().map(flag).collect(),
            addressed: layout.addressed,
        })
    }

    /// Writes the records of a block of (row, record number).
    fn write(&self, block: &[(u32, u32)], words: &mut [u64], width: usize) {
        for &(row, record) in block {
            words[record as usize * width] = self.times[row as usize] as u64;
        }
        for (index, lane) in self.lanes.iter().enumerate() {
            let word = 1 + index;
            match lane {
                Lane::Bits(bits) => {
                    put(block, words, width, word, |row| u64::from(bits.value(row)));
                }
                Lane::Integers(values) => put(block, words, width, word, |row| values[row] as u64),
                Lane::Floats(values) => put(block, words, width, word, |row| values[row].to_bits()),
            }
        }
        let flags = 1 + self.lanes.len();
        for (index, flag) in self.flags.iter().enumerate() {
            let (word, bit) = (flags + index / 64, index % 64);
            for &(row, record) in block {
                words[record as usize * width + word] |= flag.value(row as usize) << bit;
            }
        }
        if self.addressed {
            put(block, words, width, width - 1, |row| address(self.chunk, row));
        }
    }
}

impl Flag<'_> {
    #[inline]
    fn value(&self, row: usize) -> u64 {
        let valid = self.valid.is_none_or(|nulls| nulls.is_valid(row));
        u64::from(valid && self.filter.is_none_or(|bits| bits.value(row)))
    }
}

#[inline]
fn put(
    block: &[(u32, u32)],
    words: &mut [u64],
    width: usize,
    word: usize,
    value: impl Fn(usize) -> u64,
) {
    for &(row, record) in block {
        words[record as usize * width + word] = value(row as usize);
    }
}

fn lane(input: &ArrayRef) -> Result<Lane<'_>> {
    match input.data_type() {
        ArrowType::Boolean => Ok(Lane::Bits(input.as_boolean().values())),
        ArrowType::Int64 => Ok(Lane::Integers(input.as_primitive::<Int64Type>().values())),
        ArrowType::Float64 => Ok(Lane::Floats(input.as_primitive::<Float64Type>().values())),
        ArrowType::Timestamp(..) => {
            Ok(Lane::Integers(input.as_primitive::<TimestampMicrosecondType>().values()))
        }
        other => Err(Error::new(
            Kind::Internal,
            "sweep_input",
            format!("an input of type {other} has no words"),
        )),
    }
}
