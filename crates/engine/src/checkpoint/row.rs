//! A saved row: a header, then the kernel's bytes.
//!
//! 56 bytes, little endian: magic `HWRW` (4) · format (2) · flags (2) · namespace (8) · fingerprint
//! of the blueprint (16) · term (8) · sequence of the checkpoint's epoch (8) · encryption key id
//! (4) · crc32c of the 52 bytes before and of the row (4). A row newer than the checkpoint that
//! holds it is damage: replaying would apply events twice.

use headwater_kernel::error::{Error, Kind, Result};
use headwater_store::online::EpochId;

use crate::log::header::Identity;

/// First bytes of a row.
pub const MAGIC: [u8; 4] = *b"HWRW";

/// Version of the header; the kernel's bytes have a version of their own.
pub const FORMAT: u16 = 1;

/// Length of the header.
pub const HEADER_BYTES: usize = 56;

/// The row with its header.
pub fn encode(identity: Identity, epoch: EpochId, row: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES + row.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    out.extend_from_slice(&0u16.to_le_bytes());
    out.extend_from_slice(&identity.namespace.to_le_bytes());
    out.extend_from_slice(&identity.fingerprint.to_le_bytes());
    out.extend_from_slice(&epoch.term.to_le_bytes());
    out.extend_from_slice(&epoch.sequence.to_le_bytes());
    out.extend_from_slice(&0u32.to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&out), row);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(row);
    out
}

/// The kernel's bytes of a row saved by `namespace` at or before the epoch `covered`.
pub fn decode(namespace: u64, covered: EpochId, bytes: &[u8]) -> Result<&[u8]> {
    let Some((header, row)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(damaged("a row is too short"));
    };
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header[..52]), row);
    if header[..4] != MAGIC || crc.to_le_bytes() != header[52..56] {
        return Err(damaged("a row has a wrong checksum"));
    }
    if header[4..6] != FORMAT.to_le_bytes() || header[6..8] != [0; 2] || header[48..52] != [0; 4] {
        return Err(Error::new(
            Kind::Data,
            "unknown_format",
            "the checkpoint has rows of a format unknown to this version",
        )
        .with_hint("open it with the version that wrote it, or a later one"));
    }
    if header[8..16] != namespace.to_le_bytes() {
        return Err(damaged("a row is of another namespace"));
    }
    let sequence = u64::from_le_bytes(header[40..48].try_into().expect("8 bytes"));
    if sequence > covered.sequence {
        return Err(damaged("a row is newer than its checkpoint"));
    }
    Ok(row)
}

/// The error for a checkpoint that cannot be believed.
pub fn damaged(reason: &str) -> Error {
    Error::new(Kind::Data, "checkpoint_damaged", "the checkpoint cannot be read")
        .with_detail(reason.to_string())
        .with_hint("remove checkpoint.redb: the state is built again from the log")
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Identity = Identity { namespace: 7, fingerprint: 11, term: 3 };

    /// The bytes of format 1. If this fails, old checkpoints cannot be read.
    #[test]
    fn the_bytes_of_format_1_stay() {
        let epoch = EpochId { term: 3, sequence: 9 };
        let bytes = encode(IDENTITY, epoch, b"row");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = "485752570100000007000000000000000b000000000000000000000000000000\
                        0300000000000000090000000000000000000000";
        assert_eq!(&hex[..104], expected);
        assert_eq!(&hex[112..], "726f77");
        assert_eq!(decode(7, epoch, &bytes).expect("row"), b"row");
    }

    #[test]
    fn a_row_newer_than_its_checkpoint_is_damage() {
        let bytes = encode(IDENTITY, EpochId { term: 3, sequence: 9 }, b"row");
        let covered = EpochId { term: 9, sequence: 8 };
        let error = decode(7, covered, &bytes).expect_err("newer");
        assert_eq!(error.detail, "a row is newer than its checkpoint");
    }

    #[test]
    fn a_changed_byte_is_damage() {
        let epoch = EpochId { term: 3, sequence: 9 };
        let bytes = encode(IDENTITY, epoch, b"row");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(decode(7, epoch, &changed).is_err(), "byte {at}");
        }
    }
}
