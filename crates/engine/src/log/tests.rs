//! The log under power cuts, damage and unknown formats, and its bytes.

use std::sync::Arc;

use arrow_array::{Float64Array, RecordBatch, StringArray};

use super::header::{HEADER_BYTES, Header, Identity, Op, RecordKind};
use super::read::{for_each, read_one};
use super::record::{
    DecisionMeta, EpochMeta, PushMeta, RejectedRow, decode_body, encode_body, encode_meta, runs,
};
use super::recover::recover;
use super::write::{Group, Log};
use super::{Segment, read};
use crate::files::fake::{Fake, Random};
use crate::files::{Files, read_all};

const IDENTITY: Identity = Identity { namespace: 7, fingerprint: 11, term: 3 };

fn open(files: &Fake) -> (Log, u64) {
    let found = recover(files, 7).expect("recover");
    let files: Arc<dyn Files> = Arc::new(files.clone());
    (Log::new(files, IDENTITY, found.segments, 2_000).expect("open"), found.next_sequence)
}

fn decision(letter: u64) -> Vec<u8> {
    encode_meta(&DecisionMeta { letter: format!("{letter:0200}"), wall_at: 5 })
}

fn sequences(files: &Fake) -> Vec<u64> {
    let found = recover(files, 7).expect("recover");
    let mut out = Vec::new();
    for_each(files, &found.segments, (0, u64::MAX), |record| {
        out.push(record.header.sequence);
        Ok(())
    })
    .expect("read");
    out
}

#[test]
fn what_was_appended_is_read_back_over_segments() {
    let disk = Fake::new(1);
    let (mut log, mut next) = open(&disk);
    let mut places = Vec::new();
    for _ in 0..20 {
        let mut group = Group::new(IDENTITY, next);
        group.push(RecordKind::Decision, Op::None, &decision(next), b"body");
        group.push(RecordKind::Decision, Op::None, &decision(next), b"");
        next = group.next_sequence();
        places.extend(log.append(&group).expect("append"));
    }
    assert!(log.segments().len() > 3, "{:?}", log.segments());
    assert_eq!(sequences(&disk), (1..=40).collect::<Vec<_>>());
    let one = read_one(&disk, places[17]).expect("read");
    assert_eq!((one.header.sequence, one.location), (18, places[17]));
}

#[test]
fn no_power_cut_loses_a_synced_group_or_leaves_a_gap() {
    let mut torn = 0;
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let disk = Fake::new(seed);
        let (mut log, mut next) = open(&disk);
        disk.power_off_after(random.below(60));
        let mut synced = next;
        for _ in 0..30 {
            let mut group = Group::new(IDENTITY, next);
            for _ in 0..=random.below(4) {
                group.push(RecordKind::Decision, Op::None, &decision(next), &[9; 700]);
            }
            next = group.next_sequence();
            if log.append(&group).is_err() {
                break;
            }
            synced = next;
        }
        let after = disk.cut();
        let found = sequences(&after);
        assert_eq!(found, (1..=found.len() as u64).collect::<Vec<_>>(), "seed {seed}");
        assert!(found.len() as u64 + 1 >= synced, "seed {seed}: {found:?}, synced {synced}");
        torn += usize::from(found.len() as u64 + 1 < next);
        let (mut log, next) = open(&after);
        let mut group = Group::new(IDENTITY, next);
        group.push(RecordKind::Decision, Op::None, &decision(next), b"");
        log.append(&group).expect("goes on");
        assert_eq!(sequences(&after).len() as u64, next, "seed {seed}");
    }
    assert!(torn > 50, "only {torn} of 300 cuts took anything");
}

#[test]
fn a_push_without_its_end_is_cut_whole() {
    let disk = Fake::new(1);
    let (mut log, next) = open(&disk);
    let mut group = Group::new(IDENTITY, next);
    let part = |more| {
        let push = PushMeta { more, ..PushMeta::default() };
        encode_meta(&EpochMeta { pushes: vec![push], ..EpochMeta::default() })
    };
    group.push(RecordKind::Epoch, Op::Insert, &part(false), b"");
    group.push(RecordKind::Epoch, Op::Insert, &part(true), b"");
    group.push(RecordKind::Epoch, Op::Insert, &part(true), b"");
    log.append(&group).expect("append");
    assert_eq!(sequences(&disk), [1]);
}

#[test]
fn damage_before_a_later_sync_is_an_error_with_file_and_offset() {
    let disk = Fake::new(1);
    let (mut log, mut next) = open(&disk);
    for _ in 0..3 {
        let mut group = Group::new(IDENTITY, next);
        group.push(RecordKind::Decision, Op::None, &decision(next), b"");
        next = group.next_sequence();
        log.append(&group).expect("append");
    }
    let path = Segment { first_sequence: 1, bytes: 0 }.path();
    disk.damage(&path, HEADER_BYTES + 100);
    let error = recover(&disk, 7).expect_err("damaged");
    assert_eq!(error.code, "archive_damaged");
    assert_eq!(error.message, format!("the log is damaged: {path} at byte 80"));
}

#[test]
fn another_namespace_is_refused() {
    let disk = Fake::new(1);
    let (mut log, next) = open(&disk);
    let mut group = Group::new(IDENTITY, next);
    group.push(RecordKind::Decision, Op::None, &decision(1), b"");
    log.append(&group).expect("append");
    assert_eq!(recover(&disk, 8).expect_err("another").code, "other_namespace");
}

#[test]
fn an_op_of_a_later_version_is_refused_not_cut() {
    let disk = Fake::new(1);
    let (mut log, next) = open(&disk);
    let mut group = Group::new(IDENTITY, next);
    group.push(RecordKind::Epoch, Op::Retract, &encode_meta(&EpochMeta::default()), b"");
    log.append(&group).expect("append");
    let error = recover(&disk, 7).expect_err("unknown");
    assert_eq!(error.code, "unknown_format");
    assert_eq!(error.message, "the log has op Retract, unknown to this version");
    assert!(error.detail.ends_with("segment at byte 80"), "{}", error.detail);
}

fn sample() -> EpochMeta {
    EpochMeta {
        source: "Departure".into(),
        first_offset: 300,
        rows: 4,
        visible_at: 1_700_000_000_000_000,
        wall_at: 1_700_000_000_000_001,
        accepted: runs([0, 1]),
        duplicates: runs([2]),
        rejected: vec![RejectedRow {
            row: 3,
            cause: "wrong_type".into(),
            message: "no".into(),
            original: b"{}".to_vec(),
        }],
        pushes: vec![PushMeta {
            idempotency_key: Some("k".into()),
            first_offset: 300,
            rows: 4,
            more: false,
        }],
        ..EpochMeta::default()
    }
}

fn sample_rows() -> RecordBatch {
    RecordBatch::try_from_iter([
        ("carrier", Arc::new(StringArray::from(vec!["UA", "DL"])) as _),
        ("delay", Arc::new(Float64Array::from(vec![Some(1.5), None])) as _),
    ])
    .expect("batch")
}

/// The bytes of format 1. If this fails, old logs cannot be read: a change needs a new format.
#[test]
fn the_bytes_of_format_1_stay() {
    let golden = include_bytes!("../../tests/golden/log_v1.segment");
    let disk = Fake::new(1);
    let (mut log, next) = open(&disk);
    let mut group = Group::new(IDENTITY, next);
    let body = encode_body(&sample_rows());
    group.push(RecordKind::Epoch, Op::Insert, &encode_meta(&sample()), &body);
    group.push(RecordKind::Decision, Op::None, &decision(1), b"");
    log.append(&group).expect("append");
    let path = Segment { first_sequence: 1, bytes: 0 }.path();
    let written = read_all(&disk, &path).expect("read");
    if std::env::var_os("HEADWATER_WRITE_GOLDEN").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/log_v1.segment"),
            &written,
        )
        .expect("write");
    }
    assert_eq!(written, golden);
    let record = read::record_at(&golden.to_vec().into(), 1, HEADER_BYTES as u64).expect("record");
    let expected = Header {
        kind: RecordKind::Epoch,
        op: Op::Insert,
        identity: IDENTITY,
        sequence: 1,
        group: 1,
        ..record.header
    };
    assert_eq!(record.header, expected);
    assert_eq!(record.epoch().expect("epoch"), sample());
    assert_eq!(decode_body(&record.body).expect("body"), Some(sample_rows()));
}
