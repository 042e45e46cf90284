//! The log as a crash left it: the torn tail is cut, all else must be whole.
//!
//! What was written last and not synced may be there in parts. A record that was written by a
//! later sync than a broken one proves that the broken one had been durable: that is damage and an
//! error, never cut. Records of a push that lacks its end are cut with it: it was not acknowledged.

use bytes::Bytes;
use headwater_kernel::error::{Error, Kind, Result};

use super::header::{HEADER_BYTES, Header, MAGIC, RecordKind};
use super::read::{Broken, Record, record_at, refuse, segment_bytes};
use super::{DIR, Segment};
use crate::files::Files;

/// What recovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Segments, oldest first, each with the bytes that hold whole records.
    pub segments: Vec<Segment>,
    /// Sequence after the last record; 1 for an empty log.
    pub next_sequence: u64,
    /// Highest term of the last segment's records; 0 for an empty log.
    pub term: u64,
    /// Bytes that were cut off.
    pub cut_bytes: u64,
}

/// Finds the end of the log and cuts what is torn. `namespace` must be the one that wrote it.
pub fn recover(files: &dyn Files, namespace: u64) -> Result<Recovered> {
    let io = |error: std::io::Error| storage(&error);
    files.create_dir(DIR).map_err(io)?;
    let mut segments = Vec::new();
    for name in files.list(DIR).map_err(io)? {
        let Some(first_sequence) = Segment::sequence_of(&name) else { continue };
        let segment = Segment { first_sequence, bytes: 0 };
        let bytes = files.open(&segment.path()).and_then(|file| file.len()).map_err(io)?;
        segments.push(Segment { first_sequence, bytes });
    }
    let Some(last) = segments.last_mut() else {
        return Ok(Recovered { next_sequence: 1, ..Recovered::default() });
    };
    let data = segment_bytes(files, last)?;
    let end = find_end(last, &data)?;
    if end.namespace.is_some_and(|found| found != namespace) {
        return Err(Error::new(
            Kind::Conflict,
            "other_namespace",
            "this data belongs to another project or environment",
        )
        .with_hint("give this project a data path of its own"));
    }
    let cut_bytes = last.bytes - end.bytes;
    if cut_bytes > 0 {
        let file = files.open(&last.path()).map_err(io)?;
        file.set_len(end.bytes).and_then(|()| file.sync()).map_err(io)?;
        last.bytes = end.bytes;
    }
    sync_again(files, last, &data, end.last_group_at.min(end.bytes)).map_err(io)?;
    let mut term = end.term;
    if end.bytes == 0 && segments.len() > 1 {
        // The last segment had nothing durable: the term is that of the segment before it.
        term = last_term(files, &segments[segments.len() - 2])?;
    }
    Ok(Recovered { segments, next_sequence: end.next_sequence, term, cut_bytes })
}

/// An error of the operating system in a call that cannot go on without it.
pub fn storage(error: &std::io::Error) -> Error {
    Error::new(Kind::Unavailable, "storage_failed", "the data folder cannot be read or written")
        .with_detail(error.to_string())
}

/// Writes the last group once more and syncs it. If its sync had failed, the operating system may
/// show bytes that the disk never got; from here on they are promised.
fn sync_again(files: &dyn Files, last: &Segment, data: &Bytes, from: u64) -> std::io::Result<()> {
    if from < last.bytes {
        let file = files.open(&last.path())?;
        let at = |offset: u64| usize::try_from(offset).expect("within the data");
        file.write_at(from, &data[at(from)..at(last.bytes)])?;
        file.sync()?;
        files.sync_dir(DIR)?;
    }
    Ok(())
}

struct End {
    bytes: u64,
    /// Where the records begin that were synced last.
    last_group_at: u64,
    next_sequence: u64,
    term: u64,
    namespace: Option<u64>,
}

/// The end of what is whole in the last segment.
fn find_end(segment: &Segment, data: &Bytes) -> Result<End> {
    let mut end = End {
        bytes: 0,
        last_group_at: 0,
        next_sequence: segment.first_sequence,
        term: 0,
        namespace: None,
    };
    let mut last_group = segment.first_sequence;
    let mut open_push: Option<(u64, u64)> = None;
    let mut offset = 0;
    loop {
        let record = match record_at(data, segment.first_sequence, offset) {
            Ok(record) => record,
            Err(Broken::End) => break,
            Err(Broken::Unknown(error)) => {
                return Err(refuse(&segment.path(), offset, Broken::Unknown(error)));
            }
            Err(Broken::Damaged(reason)) => {
                if synced_after(&data[offset as usize..], end.next_sequence) {
                    return Err(refuse(&segment.path(), offset, Broken::Damaged(reason)));
                }
                break;
            }
        };
        offset += record.header.record_bytes();
        end.namespace = Some(record.header.identity.namespace);
        end.term = record.header.identity.term;
        if record.header.kind == RecordKind::Segment {
            end.bytes = offset;
            continue;
        }
        if record.header.sequence != end.next_sequence {
            let broken = Broken::Damaged("a record is missing before it");
            return Err(refuse(&segment.path(), record.location.offset, broken));
        }
        if record.header.group != last_group {
            last_group = record.header.group;
            end.last_group_at = record.location.offset;
        }
        if goes_on(&record)? {
            open_push.get_or_insert((record.location.offset, record.header.sequence));
        } else {
            open_push = None;
        }
        end.bytes = offset;
        end.next_sequence += 1;
    }
    if let Some((bytes, sequence)) = open_push {
        end.bytes = bytes;
        end.next_sequence = sequence;
    }
    if end.next_sequence == segment.first_sequence {
        // A header alone promises nothing; the segment is begun again.
        end.bytes = 0;
    }
    Ok(end)
}

fn goes_on(record: &Record) -> Result<bool> {
    if record.header.kind != RecordKind::Epoch {
        return Ok(false);
    }
    Ok(record.epoch()?.pushes.last().is_some_and(|push| push.more))
}

/// Is there, in `data`, a header written by a later group than the one that lacks `sequence`?
fn synced_after(data: &[u8], sequence: u64) -> bool {
    data.windows(MAGIC.len())
        .enumerate()
        .filter(|(_, window)| *window == MAGIC)
        .filter_map(|(at, _)| Header::decode(&data[at..]).ok())
        .any(|header| header.kind != RecordKind::Segment && header.group > sequence)
}

/// The term of the last record of a closed segment.
fn last_term(files: &dyn Files, segment: &Segment) -> Result<u64> {
    let data = segment_bytes(files, segment)?;
    let mut offset = 0;
    let mut term = 0;
    while offset + HEADER_BYTES as u64 <= segment.bytes {
        let record = record_at(&data, segment.first_sequence, offset)
            .map_err(|broken| refuse(&segment.path(), offset, broken))?;
        offset += record.header.record_bytes();
        term = record.header.identity.term;
    }
    Ok(term)
}
