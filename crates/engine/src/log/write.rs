//! Appending to the log: a group of records is one write and one sync.
//!
//! After a failed call nothing more may be appended: what the disk holds is unknown until the log
//! is opened again.

use std::io;
use std::sync::Arc;

use super::header::{HEADER_BYTES, Header, Identity, Op, RecordKind};
use super::{DIR, Location, Segment};
use crate::files::{File, Files};

/// Records that will be written together.
#[derive(Debug)]
pub struct Group {
    identity: Identity,
    first_sequence: u64,
    next_sequence: u64,
    bytes: Vec<u8>,
    offsets: Vec<u64>,
}

impl Group {
    /// An empty group whose first record gets `next_sequence`.
    pub fn new(identity: Identity, next_sequence: u64) -> Self {
        Self {
            identity,
            first_sequence: next_sequence,
            next_sequence,
            bytes: Vec::new(),
            offsets: Vec::new(),
        }
    }

    /// Adds a record and returns its sequence.
    pub fn push(&mut self, kind: RecordKind, op: Op, metadata: &[u8], body: &[u8]) -> u64 {
        self.offsets.push(self.bytes.len() as u64);
        let sequence = self.next_sequence;
        let header =
            header(self.identity, (kind, op), (sequence, self.first_sequence), metadata, body);
        self.bytes.extend_from_slice(&header.encode());
        self.bytes.extend_from_slice(metadata);
        self.bytes.extend_from_slice(body);
        self.next_sequence += 1;
        sequence
    }

    /// The sequence that the next record will get.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Has it no record?
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }
}

fn header(
    identity: Identity,
    (kind, op): (RecordKind, Op),
    (sequence, group): (u64, u64),
    metadata: &[u8],
    body: &[u8],
) -> Header {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("a record is below 4 GiB");
    Header {
        kind,
        op,
        identity,
        sequence,
        group,
        metadata_bytes: length(metadata),
        body_bytes: length(body),
        payload_crc: crc32c::crc32c_append(crc32c::crc32c(metadata), body),
    }
}

/// The end of the log.
#[derive(Debug)]
pub struct Log {
    files: Arc<dyn Files>,
    identity: Identity,
    segment_bytes: u64,
    segments: Vec<Segment>,
    file: Option<Arc<dyn File>>,
}

impl Log {
    /// Goes on after `segments`, the recovered ones: the last of them is written further.
    pub fn new(
        files: Arc<dyn Files>,
        identity: Identity,
        segments: Vec<Segment>,
        segment_bytes: u64,
    ) -> io::Result<Self> {
        let file = match segments.last() {
            Some(segment) => Some(files.open(&segment.path())?),
            None => None,
        };
        Ok(Self { files, identity, segment_bytes, segments, file })
    }

    /// Writes a group and makes it durable; returns where each record lies.
    pub fn append(&mut self, group: &Group) -> io::Result<Vec<Location>> {
        assert!(!group.is_empty(), "an empty group is never written");
        let full = self.segments.last().is_none_or(|segment| segment.bytes >= self.segment_bytes);
        if full {
            self.begin_segment(group.first_sequence)?;
        }
        let segment = self.segments.last_mut().expect("a segment was begun");
        let file = self.file.as_ref().expect("the last segment is open");
        let mut start = segment.bytes;
        if start == 0 {
            let kind = (RecordKind::Segment, Op::None);
            let sequence = (segment.first_sequence, segment.first_sequence);
            let mut bytes = header(self.identity, kind, sequence, &[], &[]).encode().to_vec();
            bytes.extend_from_slice(&group.bytes);
            start = HEADER_BYTES as u64;
            file.write_at(0, &bytes)?;
        } else {
            file.write_at(start, &group.bytes)?;
        }
        file.sync()?;
        if segment.bytes == 0 {
            self.files.sync_dir(DIR)?;
        }
        segment.bytes = start + group.bytes();
        let segment = segment.first_sequence;
        Ok(group.offsets.iter().map(|o| Location { segment, offset: start + o }).collect())
    }

    fn begin_segment(&mut self, first_sequence: u64) -> io::Result<()> {
        let segment = Segment { first_sequence, bytes: 0 };
        self.file = Some(self.files.open(&segment.path())?);
        self.segments.push(segment);
        Ok(())
    }

    /// The segments, oldest first; the last one is still written.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Removes the oldest segment for good; the last one stays.
    pub fn remove_oldest(&mut self) -> io::Result<()> {
        assert!(self.segments.len() > 1, "the segment being written stays");
        self.files.remove(&self.segments[0].path())?;
        self.files.sync_dir(DIR)?;
        self.segments.remove(0);
        Ok(())
    }
}
