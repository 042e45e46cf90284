//! A server over the double, and the question that tests ask it.

use std::sync::Arc;

use headwater_kernel::value::{Cell, Value};
use headwater_serve::http::{Server, ServerOptions};
use serde_json::{Value as Json, json};

use super::client::Client;
use super::{Double, NOON, Script, key};

pub fn script() -> Script {
    let mut script = Script { now: NOON, sealed_at: Some(NOON), visible: 7, ..Script::default() };
    script.newest_event_at = Some(NOON - 1);
    script.rows.insert((0, key("UA")), vec![Cell::ok(Value::Int(3)), Cell::ok(Value::Float(4.5))]);
    script
}

pub fn start_with(change: impl FnOnce(&mut ServerOptions)) -> (Arc<Double>, Server) {
    let double = Arc::new(Double::new(script()));
    let mut options = ServerOptions { port: 0, threads: 2, ..ServerOptions::default() };
    change(&mut options);
    let server = Server::start(Arc::clone(&double) as _, options).unwrap();
    (double, server)
}

pub fn start() -> (Arc<Double>, Server, Client) {
    let (double, server) = start_with(|_| {});
    let client = Client::new(server.address());
    (double, server, client)
}

pub fn question() -> Json {
    json!({"view": "Carrier", "keys": [{"carrier": "UA"}, {"carrier": "DL"}]})
}

pub fn alive(server: &Server) {
    assert_eq!(Client::new(server.address()).post("/v1/features", &question()).status, 200);
}
