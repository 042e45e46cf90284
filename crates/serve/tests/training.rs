//! Training sets over HTTP: labels out as they came in, by line or by Arrow; errors; cancelling.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use common::server::start;

const LABELS: &str = "{\"t\": \"2013-07-01T12:00:00Z\", \"tail\": \"N1\", \"carrier\": \"UA\", \
    \"origin\": null, \"dest\": \"LAX\", \"late\": true, \"more\": {\"a\": [1, 2.50]}}\n\
    {\"late\": false, \"t\": 1372680000000000, \"tail\": \"N2\", \"carrier\": \"DL\", \
    \"origin\": \"JFK\", \"dest\": \"LAX\"}\n";

const TRAINING: &str = "/v1/training-sets?service=delay_model&time=t&as_of=arrival";

/// Labels in NDJSON come back as they were written, with their features behind.
#[test]
fn labels_come_back_as_they_were_written() {
    let (double, _server, mut client) = start();
    let reply = client.request(
        "POST",
        TRAINING,
        "Content-Type: application/x-ndjson\r\n",
        LABELS.as_bytes(),
    );
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<&str> = LABELS.lines().map(|line| line.strip_suffix('}').unwrap()).collect();
    let expected =
        format!("{},\"seats__seats\":100}}\n{},\"seats__seats\":101}}\n", lines[0], lines[1]);
    assert_eq!(reply.text(), expected);
    let labels = double.labels.lock().take().unwrap();
    let names: Vec<_> = labels.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["tail", "carrier", "origin", "dest", "t"]);
    assert_eq!(labels.column(4).data_type().to_string(), "Timestamp(µs, \"UTC\")");
}

/// The same labels come back as Arrow where that is accepted, typed by their values.
#[test]
fn labels_may_come_back_as_arrow() {
    let (_double, _server, mut client) = start();
    let accept = "Accept: application/vnd.apache.arrow.stream\r\n";
    let lines = LABELS.replace(", \"more\": {\"a\": [1, 2.50]}", "");
    let reply = client.request("POST", TRAINING, accept, lines.as_bytes());
    let batch = headwater_serve::arrow::read(&reply.body).unwrap();
    let columns: Vec<String> = batch
        .schema()
        .fields()
        .iter()
        .map(|field| format!("{}: {}", field.name(), field.data_type()))
        .collect();
    assert_eq!(
        columns,
        [
            "t: Timestamp(µs, \"UTC\")",
            "tail: Utf8",
            "carrier: Utf8",
            "origin: Utf8",
            "dest: Utf8",
            "late: Boolean",
            "seats__seats: Int64"
        ]
    );
    // And from Arrow to NDJSON.
    let headers = "Content-Type: application/vnd.apache.arrow.stream\r\n\
        Accept: application/x-ndjson\r\n";
    let bytes = headwater_serve::arrow::write(&batch.project(&[0, 1, 5]).unwrap()).unwrap();
    let reply = client.request("POST", TRAINING, headers, &bytes);
    assert_eq!(
        reply.text().lines().next(),
        Some(
            "{\"t\":\"2013-07-01T12:00:00.000000Z\",\"tail\":\"N1\",\"late\":true,\
             \"seats__seats\":100}"
        )
    );
    let refused = client.request("POST", TRAINING, accept, LABELS.as_bytes());
    assert_eq!(refused.error(), (400, "mixed_types".into()));
}

/// What is wrong with labels names the row.
#[test]
fn wrong_labels_name_their_row() {
    let (_double, _server, mut client) = start();
    let mut ask = |lines: &str| {
        let reply = client.request("POST", TRAINING, "", lines.as_bytes());
        let error = reply.json()["error"].clone();
        (reply.status, error["code"].as_str().unwrap().to_owned(), error["row"].as_u64())
    };
    let good = LABELS.lines().next().unwrap();
    let without = good.replace("\"t\": \"2013-07-01T12:00:00Z\", ", "");
    let clash = good.replace("\"late\"", "\"seats__seats\"");
    assert_eq!(ask(&format!("{good}\n{without}")), (422, "missing_time_column".into(), Some(1)));
    assert_eq!(ask(&good.replace("Z\"", "\"")), (422, "naive_instant".into(), Some(0)));
    assert_eq!(ask(&format!("{good}\n{{")), (400, "malformed_body".into(), Some(1)));
    assert_eq!(ask(&good.replace("\"N1\"", "5")), (422, "wrong_type".into(), Some(0)));
    assert_eq!(ask(&clash), (400, "name_clash".into(), None));
}

/// A training set whose client went away, or whose deadline passed, is told to stop.
#[test]
fn an_abandoned_training_set_is_cancelled() {
    let (double, _server, mut client) = start();
    *double.delay.lock() = Duration::from_secs(30);
    let deadline = "Headwater-Deadline-Ms: 50\r\n";
    let reply = client.request("POST", TRAINING, deadline, LABELS.as_bytes());
    assert_eq!(reply.error(), (504, "deadline".into()));
    let until = Instant::now() + Duration::from_secs(5);
    while !double.cancelled.load(Ordering::SeqCst) {
        assert!(Instant::now() < until, "the work goes on");
        thread::sleep(Duration::from_millis(5));
    }
}
