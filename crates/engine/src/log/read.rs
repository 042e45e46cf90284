//! Reading records back, each checked before a byte of it is believed.
//!
//! It never skips what it cannot read: the caller gets the file and the offset.

use bytes::Bytes;
use headwater_kernel::error::{Error, Kind, Result};

use super::header::{HEADER_BYTES, Header, NotAHeader, RecordKind};
use super::record::{EpochMeta, decode_meta};
use super::{Location, RECORD_BYTES_MAX, Segment};
use crate::files::Files;

/// A record whose checksums are right.
#[derive(Clone, Debug)]
pub struct Record {
    /// Where it lies.
    pub location: Location,
    /// Its header.
    pub header: Header,
    /// Its metadata.
    pub metadata: Bytes,
    /// Its body.
    pub body: Bytes,
}

impl Record {
    /// The metadata of an epoch.
    pub fn epoch(&self) -> Result<EpochMeta> {
        assert!(self.header.kind == RecordKind::Epoch, "asked of epochs only");
        decode_meta(&self.metadata)
    }
}

/// Why there is no record at an offset.
#[derive(Debug)]
pub enum Broken {
    /// The data ends here, as it should.
    End,
    /// Torn or damaged.
    Damaged(&'static str),
    /// Intact and unknown.
    Unknown(Error),
}

/// The record at `offset` of a segment's bytes.
pub fn record_at(data: &Bytes, segment: u64, offset: u64) -> std::result::Result<Record, Broken> {
    let start = usize::try_from(offset).expect("a segment fits the address space");
    if start == data.len() {
        return Err(Broken::End);
    }
    let header = match Header::decode(&data[start..]) {
        Ok(header) => header,
        Err(NotAHeader::Broken) => return Err(Broken::Damaged("no valid header")),
        Err(NotAHeader::Unknown(error)) => return Err(Broken::Unknown(error)),
    };
    if header.record_bytes() > RECORD_BYTES_MAX {
        return Err(Broken::Damaged("a length beyond all bounds"));
    }
    let metadata_end = start + HEADER_BYTES + header.metadata_bytes as usize;
    let end = metadata_end + header.body_bytes as usize;
    if end > data.len() {
        return Err(Broken::Damaged("the file ends within the record"));
    }
    if crc32c::crc32c(&data[start + HEADER_BYTES..end]) != header.payload_crc {
        return Err(Broken::Damaged("a wrong checksum"));
    }
    Ok(Record {
        location: Location { segment, offset },
        header,
        metadata: data.slice(start + HEADER_BYTES..metadata_end),
        body: data.slice(metadata_end..end),
    })
}

/// All of a segment's bytes that hold records.
pub fn segment_bytes(files: &dyn Files, segment: &Segment) -> Result<Bytes> {
    let length = usize::try_from(segment.bytes).expect("a segment fits the address space");
    let mut data = vec![0; length];
    let read = files.open(&segment.path()).and_then(|file| file.read_at(0, &mut data));
    read.map_err(|error| cannot_read(&segment.path(), 0, &error.to_string()))?;
    Ok(Bytes::from(data))
}

/// Calls `each` with every record of `segments` whose sequence is in `[from, to)`.
pub fn for_each(
    files: &dyn Files,
    segments: &[Segment],
    (from, to): (u64, u64),
    mut each: impl FnMut(Record) -> Result<()>,
) -> Result<()> {
    for (index, segment) in segments.iter().enumerate() {
        let end = segments.get(index + 1).map_or(u64::MAX, |next| next.first_sequence);
        if end <= from || segment.first_sequence >= to || segment.bytes == 0 {
            continue;
        }
        let data = segment_bytes(files, segment)?;
        let mut expected = segment.first_sequence;
        let mut offset = 0;
        while offset < segment.bytes {
            let record = record_at(&data, segment.first_sequence, offset)
                .map_err(|broken| refuse(&segment.path(), offset, broken))?;
            offset += record.header.record_bytes();
            if record.header.kind == RecordKind::Segment {
                continue;
            }
            if record.header.sequence != expected {
                let broken = Broken::Damaged("a record is missing before it");
                return Err(refuse(&segment.path(), record.location.offset, broken));
            }
            expected += 1;
            if (from..to).contains(&record.header.sequence) {
                each(record)?;
            }
        }
    }
    Ok(())
}

/// One record, by its place.
pub fn read_one(files: &dyn Files, location: Location) -> Result<Record> {
    let path = Segment { first_sequence: location.segment, bytes: 0 }.path();
    let failed = |error: std::io::Error| cannot_read(&path, location.offset, &error.to_string());
    if !files.exists(&path).map_err(failed)? {
        return Err(Error::new(Kind::NotFound, "expired", "the segment of this record is gone")
            .with_detail(format!("{path} was removed when its retention ended")));
    }
    let file = files.open(&path).map_err(failed)?;
    let mut head = vec![0; HEADER_BYTES];
    file.read_at(location.offset, &mut head).map_err(failed)?;
    let header = Header::decode(&head)
        .map_err(|_| refuse(&path, location.offset, Broken::Damaged("no valid header")))?;
    let mut data = vec![0; usize::try_from(header.record_bytes()).expect("a record fits memory")];
    file.read_at(location.offset, &mut data).map_err(failed)?;
    let record = record_at(&Bytes::from(data), location.segment, 0)
        .map_err(|broken| refuse(&path, location.offset, broken))?;
    Ok(Record { location, ..record })
}

/// The error for a place where a record should be and is not.
pub fn refuse(path: &str, offset: u64, broken: Broken) -> Error {
    match broken {
        Broken::End => cannot_read(path, offset, "the file ends early"),
        Broken::Damaged(reason) => cannot_read(path, offset, reason),
        Broken::Unknown(error) => {
            let detail = format!("{path} at byte {offset}");
            error.with_detail(detail)
        }
    }
}

fn cannot_read(path: &str, offset: u64, reason: &str) -> Error {
    let message = format!("the log is damaged: {path} at byte {offset}");
    Error::new(Kind::Data, "archive_damaged", message)
        .with_detail(reason.to_string())
        .with_hint("restore this file from a copy; nothing after it was lost or changed")
}
