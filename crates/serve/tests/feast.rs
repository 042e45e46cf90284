//! Feast's wire: what its own client sends and reads.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::client::{Client, Reply};
use common::{Double, NOON, Script, key};
use headwater_kernel::value::{Cell, Status, Value};
use headwater_serve::http::{Server, ServerOptions};
use serde_json::{Value as Json, json};

fn ask(body: &Json) -> Reply {
    let mut script = Script { now: NOON, ..Script::default() };
    let row = |first: Cell, second: Cell| vec![first, second];
    let int = |value| Cell::ok(Value::Int(value));
    script.rows.insert((0, key("UA")), row(int(3), Cell::ok(Value::Float(4.5))));
    script.rows.insert((0, key("DL")), row(Cell::null(Status::Overflow), Cell::default()));
    script.rows.insert((2, key("N1")), vec![int(180)]);
    let options = ServerOptions { port: 0, threads: 1, ..ServerOptions::default() };
    let server = Server::start(Arc::new(Double::new(script)), options).unwrap();
    Client::new(server.address()).post("/get-online-features", body)
}

const NONE: &str = "1970-01-01T00:00:00Z";
const T: &str = "2013-07-01T12:00:00.000000Z";

/// Features of several views, entity columns first, a status and a time for each value.
#[test]
fn features_are_answered_by_column() {
    let reply = ask(&json!({
        "entities": {"tail": ["N1", "N2", "N1"], "carrier": ["UA", "AA", "DL"], "other": [1, 2, 3]},
        "features": ["Carrier:flights_1h", "seats:seats", "Carrier:carrier__delay_1h"],
        "full_feature_names": false, "include_feature_view_version_metadata": false}));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let entity = |values: Json| {
        json!({"values": values, "statuses": ["PRESENT", "PRESENT", "PRESENT"],
            "event_timestamps": [NONE, NONE, NONE]})
    };
    assert_eq!(
        reply.json(),
        json!({"results": [
            entity(json!(["N1", "N2", "N1"])),
            entity(json!(["UA", "AA", "DL"])),
            {"values": [3, null, null], "statuses": ["PRESENT", "NOT_FOUND", "INVALID"],
                "event_timestamps": [T, NONE, T]},
            {"values": [180, null, 180], "statuses": ["PRESENT", "NOT_FOUND", "PRESENT"],
                "event_timestamps": [T, NONE, T]},
            {"values": [4.5, null, null], "statuses": ["PRESENT", "NOT_FOUND", "NULL_VALUE"],
                "event_timestamps": [T, NONE, T]}],
            "metadata": {"feature_names": ["tail", "carrier", "flights_1h", "seats", "delay_1h"]}})
    );
}

/// A service is asked by name; full names are our columns.
#[test]
fn a_service_is_asked_by_name() {
    let entities = json!({"carrier": ["UA"], "rival": ["DL"]});
    let mut body = json!({"entities": entities, "feature_service": "rivals"});
    let clash = ask(&body);
    assert_eq!(clash.status, 400);
    let inner: Json = serde_json::from_str(clash.json().as_str().unwrap()).unwrap();
    assert_eq!(inner["class"], "FeatureNameCollisionError");
    body["full_feature_names"] = json!(true);
    assert_eq!(
        ask(&body).json()["metadata"]["feature_names"],
        json!([
            "carrier",
            "rival",
            "carrier__flights_1h",
            "carrier__delay_1h",
            "rival__carrier__flights_1h",
            "rival__carrier__delay_1h"
        ])
    );
}

/// Unknown names are 404 with a JSON string that names the class its client raises.
#[test]
fn unknown_names_raise_the_clients_own_class() {
    let of = |body: Json| {
        let reply = ask(&body);
        let inner: Json = serde_json::from_str(reply.json().as_str().unwrap()).unwrap();
        (reply.status, inner["module"].clone(), inner["class"].clone())
    };
    let errors = json!("feast.errors");
    assert_eq!(
        of(json!({"entities": {"carrier": ["UA"]}, "features": ["nope:x"]})),
        (404, errors.clone(), json!("FeatureViewNotFoundException"))
    );
    assert_eq!(
        of(json!({"entities": {"carrier": ["UA"]}, "feature_service": "nope"})),
        (404, errors, json!("FeatureServiceNotFoundException"))
    );
}

/// Other errors are a JSON string; a body that cannot be read has its framework's shape.
#[test]
fn other_errors_are_plain_strings() {
    let missing = ask(&json!({"entities": {"tail": ["N1"]}, "features": ["Carrier:flights_1h"]}));
    assert_eq!(missing.status, 422);
    assert_eq!(missing.json(), json!("key column \"carrier\" is missing; hint: there are: tail"));
    let feature = ask(&json!({"entities": {"carrier": ["UA"]}, "features": ["Carrier:nope"]}));
    assert_eq!(feature.status, 404);
    let ragged = ask(&json!({"entities": {"a": [1], "b": []}, "features": ["Carrier:flights_1h"]}));
    assert_eq!(ragged.status, 422);
    assert!(ragged.json()["detail"][0]["msg"].is_string());
}
