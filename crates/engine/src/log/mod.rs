//! The log: the truth from which all state can be folded again, kept as the archive.
//!
//! Append-only segment files of checksummed records. A group of records is one write and one sync;
//! nothing is acknowledged or visible before it. A segment is never changed once another follows.

pub mod header;
pub mod read;
pub mod record;
pub mod recover;
pub mod write;

#[cfg(test)]
mod tests;

/// Folder of the segments.
pub const DIR: &str = "log";

/// Bytes after which a segment is closed and another begun.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// The largest record that a reader believes in: 4 GiB, twice the largest body that is decoded. A
/// longer one is damage.
pub const RECORD_BYTES_MAX: u64 = 1 << 32;

/// One segment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Sequence of its first record; its file is named after it.
    pub first_sequence: u64,
    /// Bytes of it that hold whole records.
    pub bytes: u64,
}

impl Segment {
    /// Path of the file.
    pub fn path(&self) -> String {
        format!("{DIR}/{:020}.segment", self.first_sequence)
    }

    /// The sequence in a file's name; `None` for other files.
    pub fn sequence_of(name: &str) -> Option<u64> {
        name.strip_suffix(".segment")?.parse().ok()
    }
}

/// Where a record lies.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Location {
    /// First sequence of its segment.
    pub segment: u64,
    /// Byte in the segment's file.
    pub offset: u64,
}
