//! Compressed bodies: read where the codec is known, bounded by what they become, refused by name.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use common::client::{Client, Reply};
use common::server::{alive, question, start, start_with};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn push(client: &mut Client, encoding: &str, body: &[u8]) -> Reply {
    let headers = format!("Content-Encoding: {encoding}\r\n");
    client.request("POST", "/v1/events/Departure", &headers, body)
}

fn arrow(codec: CompressionType, rows: usize) -> Vec<u8> {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1; rows]));
    let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
    let options = IpcWriteOptions::default().try_with_compression(Some(codec)).unwrap();
    let schema = batch.schema();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// What arrives is what was compressed, whatever it is a request for.
#[test]
fn bodies_are_decompressed() {
    let (double, _server, mut client) = start();
    let rows = b"{\"carrier\": \"UA\"}\n".repeat(500);
    for (encoding, body) in
        [("gzip", gzip(&rows)), ("zstd", zstd(&rows)), ("identity", rows.clone())]
    {
        assert_eq!(push(&mut client, encoding, &body).status, 200, "{encoding}");
        assert_eq!(double.pushed.lock().pop().unwrap().1.bytes, rows, "{encoding}");
    }
    let body = gzip(question().to_string().as_bytes());
    let reply = client.request("POST", "/v1/features", "Content-Encoding: gzip\r\n", &body);
    assert_eq!(reply.json()["found"], serde_json::json!([true, false]));
}

/// A codec that is not known is refused by its name, and so are two at once.
#[test]
fn unknown_encodings_are_refused() {
    let (double, server, mut client) = start();
    for encoding in ["br", "gzip, zstd"] {
        let reply = push(&mut client, encoding, b"[]");
        assert_eq!(reply.error(), (415, "unsupported_encoding".into()));
        let message = format!("a body of Content-Encoding {encoding} is not understood");
        assert_eq!(reply.json()["error"]["message"], message);
        client = Client::new(server.address());
    }
    assert!(double.pushed.lock().is_empty());
}

/// A body that is not what its header says, or ends early, is refused whole.
#[test]
fn broken_bodies_are_refused() {
    let (double, server) = start_with(|_| {});
    let whole = (gzip(&[b'7'; 5_000]), zstd(&[b'7'; 5_000]));
    let (gzip, zstd) = (&whole.0[..], &whole.1[..]);
    let broken = [
        ("gzip", &b"[{}]"[..]),
        ("zstd", b"[{}]"),
        ("gzip", &gzip[..gzip.len() - 1]),
        ("zstd", &zstd[..zstd.len() - 1]),
    ];
    for (encoding, body) in broken {
        let reply = push(&mut Client::new(server.address()), encoding, body);
        assert_eq!(reply.error(), (400, "malformed_body".into()), "{encoding}");
        let message = "the body is not what its Content-Encoding says";
        assert_eq!(reply.json()["error"]["message"], message);
    }
    assert!(double.pushed.lock().is_empty());
    alive(&server);
}

/// The bound of a body counts its bytes after decompression.
#[test]
fn a_small_body_may_not_become_a_large_one() {
    let (double, server) = start_with(|options| options.body_max = 1_000_000);
    for (encoding, codec) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("zstd", zstd)] {
        let mut client = Client::new(server.address());
        assert_eq!(push(&mut client, encoding, &codec(&vec![b' '; 1_000_000])).status, 200);
        let bomb = codec(&vec![b' '; 1_000_001]);
        assert!(bomb.len() < 2_000);
        assert_eq!(push(&mut client, encoding, &bomb).error(), (413, "too_large".into()));
    }
    assert_eq!(double.pushed.lock().len(), 2);
    alive(&server);
}

/// The same holds for compressed buffers of Arrow, whatever sizes they state.
#[test]
fn compressed_arrow_is_bounded_by_what_it_becomes() {
    let (double, server) = start_with(|options| options.body_max = 1_000_000);
    let pushed = |body: &[u8]| {
        let headers = "Content-Type: application/vnd.apache.arrow.stream\r\n";
        let mut client = Client::new(server.address());
        client.request("POST", "/v1/events/Departure", headers, body)
    };
    for codec in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        assert_eq!(pushed(&arrow(codec, 100_000)).status, 200);
        assert_eq!(pushed(&arrow(codec, 130_000)).error(), (413, "too_large".into()));
    }
    let mut endless = arrow(CompressionType::ZSTD, 100_000);
    let stated = 800_000_i64.to_le_bytes();
    let at = endless.windows(8).position(|bytes| bytes == stated).unwrap();
    endless[at..at + 8].copy_from_slice(&(1_i64 << 60).to_le_bytes());
    assert_eq!(pushed(&endless).error(), (413, "too_large".into()));
    assert_eq!(double.pushed.lock().len(), 2);
    alive(&server);
}
