//! The bytes of a key's row: format byte, then each section's state under its fingerprint, with a
//! length, so that a reader of another generation passes over what it does not know.
//!
//! Numbers are little-endian; a log is written in its widest form only where it is that wide. A
//! numeric extreme is written as its staircase: (bucket, value) of those that beat all later ones.

use super::bytes::{Reader, put_i64, put_u8, put_u32, put_u64, put_u128};
use super::column::Column;
use super::header;
use super::log_row::{LEVEL_MAX, Row, Shape};
use super::section::SectionState;
use crate::aggregates::raw::{EVENT_BYTES_MIN, RawEvent};
use crate::error::Result;
use crate::state::bytes::damaged;

/// Version of these bytes.
pub const FORMAT: u8 = 1;

/// A section of a row as it was read.
#[derive(Debug, Default)]
pub(crate) struct SectionRow {
    pub(crate) log: Vec<Row>,
    pub(crate) columns: Box<[Column]>,
    pub(crate) waiting: Vec<RawEvent>,
}

impl SectionState {
    /// The rows of a key's log.
    pub(crate) fn log_rows(&self, id: u32) -> Vec<Row> {
        let Some(header) = self.header(id) else { return Vec::new() };
        let head = header::head_of(header);
        let stride = self.shape.stride(head.level);
        let words = self.pool.block(head.at);
        let older = words.chunks_exact(stride).take(head.rows as usize);
        let mut rows: Vec<Row> = older.map(|row| Row::of(row, head.level, self.shape)).collect();
        if header::bucket_of(header) != header::CLOSED {
            let newest = header::newest(header, self.shape);
            rows.push(Row::of(newest, header::OPEN_LEVEL, self.shape));
        }
        rows
    }

    /// Appends what is held of a key.
    pub(crate) fn write_row(&self, id: u32, out: &mut Vec<u8>) {
        let rows = self.log_rows(id);
        let level = (0..=LEVEL_MAX).find(|&level| rows.iter().all(|row| row.fits(level)));
        let level = level.expect("the widest level holds everything");
        put_u8(out, level);
        put_u32(out, rows.len() as u32);
        rows.iter().for_each(|row| write_log_row(out, row, level));
        for (index, extreme) in self.layout.extremes.iter().enumerate() {
            let steps = steps(&rows, index, extreme.count);
            put_u32(out, steps.len() as u32);
            for (bucket, value) in steps {
                put_i64(out, bucket);
                put_u64(out, value);
            }
        }
        let columns = self.columns.get(id as usize).and_then(Option::as_deref);
        put_u8(out, u8::from(columns.is_some()));
        columns.unwrap_or_default().iter().for_each(|column| column.write(out));
        let waiting = self.waiting_of(id);
        put_u32(out, waiting.len() as u32);
        waiting.iter().for_each(|event| event.write(out));
    }

    /// Reads what `write_row` wrote for a section of this layout.
    pub(crate) fn read_row(&self, bytes: &[u8]) -> Result<SectionRow> {
        let mut reader = Reader::new(bytes);
        let level = reader.u8()?;
        if level > LEVEL_MAX {
            return Err(damaged());
        }
        let count = reader.count(4 * self.shape.extremes_at(level))?;
        let mut log: Vec<Row> = (0..count)
            .map(|_| read_log_row(&mut reader, level, self.shape))
            .collect::<Result<_>>()?;
        if !log.is_sorted_by(|row, next| row.time < next.time) {
            return Err(damaged());
        }
        for (index, extreme) in self.layout.extremes.iter().enumerate() {
            for _ in 0..reader.count(16)? {
                let step = (reader.i64()?, reader.u64()?);
                if !put_step(&mut log, index, extreme.count, step) {
                    return Err(damaged());
                }
            }
        }
        let section = self.section();
        let columns: Box<[Column]> = if reader.u8()? == 0 {
            Box::default()
        } else {
            let column = |&part: &usize| Column::read(&section.parts[part], &mut reader);
            self.layout.columns.iter().map(column).collect::<Result<_>>()?
        };
        let count = reader.count(EVENT_BYTES_MIN)?;
        let (inputs, filters) = (section.inputs.len(), section.filters.len());
        let event = |_| RawEvent::read(&mut reader, inputs, filters);
        let waiting: Vec<RawEvent> = (0..count).map(event).collect::<Result<_>>()?;
        reader.end()?;
        Ok(SectionRow { log, columns, waiting })
    }

    /// Takes a row in place of what is held of a key.
    pub(crate) fn load_row(&mut self, id: u32, row: SectionRow) {
        self.start_loading(id);
        self.load_log(id, &row.log);
        self.load_columns(id, row.columns);
        self.load_waiting(id, row.waiting);
    }
}

fn write_log_row(out: &mut Vec<u8>, row: &Row, level: u8) {
    if level < 2 {
        put_u32(out, row.time as u32);
        row.counts.iter().for_each(|&count| put_u32(out, count as u32));
    } else {
        put_i64(out, row.time);
        row.counts.iter().for_each(|&count| put_u64(out, count));
    }
    for &sum in &row.sums {
        if level == 0 { put_i64(out, sum as i64) } else { put_u128(out, sum as u128) }
    }
}

fn read_log_row(reader: &mut Reader, level: u8, shape: Shape) -> Result<Row> {
    let narrow = level < 2;
    let time = if narrow { i64::from(reader.u32()?) } else { reader.i64()? };
    let count = |reader: &mut Reader| match narrow {
        true => Ok(u64::from(reader.u32()?)),
        false => reader.u64(),
    };
    let counts = (0..shape.counts).map(|_| count(reader)).collect::<Result<_>>()?;
    let sum = |reader: &mut Reader| match level {
        0 => Ok(i128::from(reader.i64()?)),
        _ => Ok(reader.u128()? as i128),
    };
    let sums = (0..shape.sums).map(|_| sum(reader)).collect::<Result<_>>()?;
    Ok(Row { time, counts, sums, extremes: vec![0; shape.extremes] })
}

/// The staircase of extreme number `index` of a log, whose inputs the log's count number `count`
/// counts.
pub(crate) fn steps(rows: &[Row], index: usize, count: usize) -> Vec<(i64, u64)> {
    let mut steps: Vec<(i64, u64)> = Vec::new();
    for (position, row) in rows.iter().enumerate().rev() {
        let value = row.extremes[index];
        if counts(rows, position, count) && steps.last().is_none_or(|later| later.1 < value) {
            steps.push((row.time, value));
        }
    }
    steps.reverse();
    steps
}

/// Puts a step of a staircase into its row. Where that row is not there its successor holds what
/// happened in it: no boundary between them is asked for. False: there is no such row.
pub(crate) fn put_step(
    log: &mut [Row],
    index: usize,
    count: usize,
    (bucket, value): (i64, u64),
) -> bool {
    let from = log.partition_point(|row| row.time < bucket);
    let Some(position) = (from..log.len()).find(|&row| counts(log, row, count)) else {
        return false;
    };
    let extreme = &mut log[position].extremes[index];
    *extreme = value.max(*extreme);
    true
}

/// Does a row count more than the one before it?
fn counts(rows: &[Row], position: usize, count: usize) -> bool {
    let before = position.checked_sub(1).map_or(0, |row| rows[row].counts[count]);
    rows[position].counts[count] > before
}
