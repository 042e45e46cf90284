//! Answers as JSON, by hand: `{"names", "rows", "found"}`, and `metadata` where it was asked for.

use headwater_store::online::Positions;

use super::answer::{Answer, Metadata, ViewMetadata};
use crate::json;

/// Room for a cell in the first guess at an answer's size, bytes.
const CELL_BYTES: usize = 12;

impl Answer {
    /// Appends the answer as JSON. Writes nothing else and allocates only in `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let guess = self.question.names_json.len() + self.cells.len() * CELL_BYTES + 256;
        out.reserve(guess);
        out.extend_from_slice(b"{\"names\":");
        out.extend_from_slice(&self.question.names_json);
        out.extend_from_slice(b",\"rows\":");
        json::list(0..self.row_count(), out, |row, out| {
            json::list(self.row(row).iter(), out, |cell, out| json::value(&cell.value, out));
        });
        out.extend_from_slice(b",\"found\":");
        booleans(&self.found, out);
        if self.metadata.is_some() {
            out.extend_from_slice(b",\"metadata\":");
            self.write_metadata_json(out);
        }
        out.push(b'}');
    }

    /// Appends the metadata alone: `{"t", "views", "status", "notes"}`; `null` without.
    pub fn write_metadata_json(&self, out: &mut Vec<u8>) {
        let Some(metadata) = &self.metadata else {
            out.extend_from_slice(b"null");
            return;
        };
        out.extend_from_slice(b"{\"t\":");
        json::timestamp(self.t, out);
        self.write_views(metadata, out);
        json::name("status", false, out);
        json::list(self.statuses(), out, |(row, column, status), out| {
            out.extend_from_slice(b"{\"row\":");
            json::unsigned(row as u64, out);
            json::name("column", false, out);
            json::string(column, out);
            json::name("status", false, out);
            json::string(status.name(), out);
            out.push(b'}');
        });
        json::name("notes", false, out);
        json::list(metadata.notes.iter(), out, |note, out| json::string(note, out));
        out.push(b'}');
    }

    fn write_views(&self, metadata: &Metadata, out: &mut Vec<u8>) {
        json::name("views", false, out);
        out.push(b'{');
        for (index, view) in metadata.views.iter().enumerate() {
            json::name(&view.label, index == 0, out);
            write_view(view, out);
        }
        out.push(b'}');
    }
}

fn write_view(view: &ViewMetadata, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"version\":");
    json::string(&view.version, out);
    out.extend_from_slice(b",\"epoch\":{\"term\":");
    json::unsigned(view.epoch.term, out);
    out.extend_from_slice(b",\"sequence\":");
    json::unsigned(view.epoch.sequence, out);
    out.extend_from_slice(b"},\"positions\":");
    positions(&view.positions, out);
    json::name("watermark", false, out);
    json::timestamp_or_null(view.watermark, out);
    json::name("staleness_ms", false, out);
    match view.staleness_ms {
        Some(staleness_ms) => json::integer(staleness_ms, out),
        None => out.extend_from_slice(b"null"),
    }
    json::name("found", false, out);
    booleans(&view.found, out);
    out.push(b'}');
}

fn booleans(values: &[bool], out: &mut Vec<u8>) {
    json::list(values.iter(), out, |value, out| json::boolean(*value, out));
}

/// Appends positions as a receipt has them: `{"Departure": {"0": [first, end]}}`.
pub fn positions(positions: &Positions, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (source, partitions)) in positions.iter().enumerate() {
        json::name(source, index == 0, out);
        out.push(b'{');
        for (index, (partition, (first, end))) in partitions.iter().enumerate() {
            json::name(itoa::Buffer::new().format(*partition), index == 0, out);
            json::list([first, end].into_iter(), out, |offset, out| json::unsigned(*offset, out));
        }
        out.push(b'}');
    }
    out.push(b'}');
}
