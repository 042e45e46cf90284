//! The header with which every record begins: what it is, whose, by which writer, how long, intact?
//!
//! 80 bytes, little endian:
//! magic `HWTR` (4) · kind (1) · op (1) · format (2) · namespace (8) · blueprint fingerprint (16) ·
//! term (8) · sequence (8) · group (8) · encryption key id (4) · flags (4) · metadata bytes (4) ·
//! body bytes (4) · crc32c of metadata and body (4) · crc32c of the 76 bytes before it (4).
//! A reader never guesses: another format, kind, op, key or flag is refused.

use headwater_kernel::error::{Error, Kind, Result};

/// First bytes of every record.
pub const MAGIC: [u8; 4] = *b"HWTR";

/// Version of header, metadata and body together.
pub const FORMAT: u16 = 1;

/// Length of a header.
pub const HEADER_BYTES: usize = 80;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// The beginning of a segment; no payload.
    Segment,
    /// Rows of a stream or table, applied as one.
    Epoch,
    /// What was decided about a dead letter.
    Decision,
    /// The definitions in force from here on.
    Generation,
}

/// What a record does to the rows it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Nothing: the record names no rows.
    None,
    /// Adds them.
    Insert,
    /// From here on, as if they had never been. Written by no version yet.
    Retract,
    /// Removes what belongs to a subject. Written by no version yet.
    Erase,
}

/// Whose records these are: the same in all that one writer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Hash of the namespace (project and environment).
    pub namespace: u64,
    /// Fingerprint of the blueprint.
    pub fingerprint: u128,
    /// The writer's term.
    pub term: u64,
}

/// A decoded header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the record holds.
    pub kind: RecordKind,
    /// What it does.
    pub op: Op,
    /// By whom.
    pub identity: Identity,
    /// Number of the record, one higher at each.
    pub sequence: u64,
    /// Sequence of the first record that was written and synced together with this one.
    pub group: u64,
    /// Length of the metadata.
    pub metadata_bytes: u32,
    /// Length of the body.
    pub body_bytes: u32,
    /// Checksum of both.
    pub payload_crc: u32,
}

/// Why bytes are no header.
#[derive(Debug)]
pub enum NotAHeader {
    /// Too short, another magic or a wrong checksum: torn or damaged.
    Broken,
    /// Intact, but of a format, kind, op, key or flag that this version does not know.
    Unknown(Error),
}

impl Header {
    /// The record's length with header and payload.
    pub fn record_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.metadata_bytes) + u64::from(self.body_bytes)
    }

    /// Its bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0..4].copy_from_slice(&MAGIC);
        out[4] = self.kind.code();
        out[5] = self.op.code();
        out[6..8].copy_from_slice(&FORMAT.to_le_bytes());
        out[8..16].copy_from_slice(&self.identity.namespace.to_le_bytes());
        out[16..32].copy_from_slice(&self.identity.fingerprint.to_le_bytes());
        out[32..40].copy_from_slice(&self.identity.term.to_le_bytes());
        out[40..48].copy_from_slice(&self.sequence.to_le_bytes());
        out[48..56].copy_from_slice(&self.group.to_le_bytes());
        // 56..60 encryption key id: 0, none; 60..64 flags: 0, none are defined.
        out[64..68].copy_from_slice(&self.metadata_bytes.to_le_bytes());
        out[68..72].copy_from_slice(&self.body_bytes.to_le_bytes());
        out[72..76].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = crc32c::crc32c(&out[..76]);
        out[76..80].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The header at the beginning of `bytes`.
    pub fn decode(bytes: &[u8]) -> std::result::Result<Self, NotAHeader> {
        let bytes = bytes.get(..HEADER_BYTES).ok_or(NotAHeader::Broken)?;
        let intact = crc32c::crc32c(&bytes[..76]) == u32_at(bytes, 76);
        if bytes[0..4] != MAGIC || !intact {
            return Err(NotAHeader::Broken);
        }
        known(bytes).map_err(NotAHeader::Unknown)
    }
}

/// The fields of an intact header, if all are known.
fn known(bytes: &[u8]) -> Result<Header> {
    let format = u16::from_le_bytes([bytes[6], bytes[7]]);
    if format != FORMAT {
        return Err(unknown(format!("format {format}")));
    }
    let kind = RecordKind::from_code(bytes[4])
        .ok_or_else(|| unknown(format!("kind {} of record", bytes[4])))?;
    let op = Op::from_code(bytes[5]).ok_or_else(|| unknown(format!("op {}", bytes[5])))?;
    if !matches!(op, Op::None | Op::Insert) {
        return Err(unknown(format!("op {op:?}")));
    }
    if u32_at(bytes, 56) != 0 {
        return Err(unknown(format!("encryption key {}", u32_at(bytes, 56))));
    }
    if u32_at(bytes, 60) != 0 {
        return Err(unknown(format!("flags {:#x}", u32_at(bytes, 60))));
    }
    let fingerprint: [u8; 16] = bytes[16..32].try_into().expect("16 bytes");
    Ok(Header {
        kind,
        op,
        identity: Identity {
            namespace: u64_at(bytes, 8),
            fingerprint: u128::from_le_bytes(fingerprint),
            term: u64_at(bytes, 32),
        },
        sequence: u64_at(bytes, 40),
        group: u64_at(bytes, 48),
        metadata_bytes: u32_at(bytes, 64),
        body_bytes: u32_at(bytes, 68),
        payload_crc: u32_at(bytes, 72),
    })
}

fn unknown(what: String) -> Error {
    Error::new(Kind::Data, "unknown_format", format!("the log has {what}, unknown to this version"))
        .with_hint("open it with the version that wrote it, or a later one")
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

impl RecordKind {
    fn code(self) -> u8 {
        match self {
            RecordKind::Segment => 1,
            RecordKind::Epoch => 2,
            RecordKind::Decision => 3,
            RecordKind::Generation => 4,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::Segment, Self::Epoch, Self::Decision, Self::Generation]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

impl Op {
    fn code(self) -> u8 {
        match self {
            Op::None => 0,
            Op::Insert => 1,
            Op::Retract => 2,
            Op::Erase => 3,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::None, Self::Insert, Self::Retract, Self::Erase]
            .into_iter()
            .find(|op| op.code() == code)
    }
}
