//! HTTP against a scripted backend: routes, errors, bad input, bounds, deadlines, the end.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use common::client::Client;
use common::server::{alive, question, start, start_with};
use common::{NOON, key};
use headwater_kernel::value::Cell;
use headwater_serve::backend::{Format, PushOptions};
use headwater_serve::http::{Server, ServerOptions};
use serde_json::{Value as Json, json};

/// Several questions are answered over one connection.
#[test]
fn features_are_answered_on_one_connection() {
    let (_double, _server, mut client) = start();
    let mut named = question();
    named["name"] = named.as_object_mut().unwrap().remove("view").unwrap();
    for body in [question(), question(), named] {
        let reply = client.post("/v1/features", &body);
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(
            reply.json(),
            json!({"names": ["carrier__flights_1h", "carrier__delay_1h"],
                "rows": [[3, 4.5], [null, null]], "found": [true, false]})
        );
    }
}

/// Requests sent without waiting are answered in their order.
#[test]
fn pipelined_requests_are_answered_in_order() {
    let (_double, _server, mut client) = start();
    let body = question().to_string();
    let request = Client::head("POST", "/v1/features", "", body.len()) + &body;
    client.send((request.clone() + &Client::head("GET", "/nope", "", 0) + &request).as_bytes());
    let statuses: Vec<u16> = (0..3).map(|_| client.reply().unwrap().status).collect();
    assert_eq!(statuses, [200, 404, 200]);
}

/// An answer comes as Arrow where that is accepted.
#[test]
fn features_may_be_answered_in_arrow() {
    let (_double, _server, mut client) = start();
    let accept = "Accept: application/vnd.apache.arrow.stream\r\n";
    let body = question().to_string();
    let reply = client.request("POST", "/v1/features", accept, body.as_bytes());
    assert_eq!(reply.header("content-type"), Some("application/vnd.apache.arrow.stream"));
    let batch = headwater_serve::arrow::read(&reply.body).unwrap();
    assert_eq!(batch.num_rows(), 2);
    let schema = batch.schema();
    assert_eq!(schema.field(1).name(), "carrier__delay_1h");
    assert_eq!(
        schema.metadata().get("headwater").unwrap().as_str(),
        r#"{"found":[true,false],"metadata":null}"#
    );
}

/// Every error has one body, and the status that the surface gives it.
#[test]
fn errors_have_one_body() {
    let (_double, _server, mut client) = start();
    let reply = client.post("/v1/features", &json!({"view": "Carrier", "keys": [{"a": 1}]}));
    assert_eq!(reply.status, 422);
    assert_eq!(
        reply.json(),
        json!({"error": {"code": "missing_key_column", "kind": "invalid",
            "message": "key column \"carrier\" is missing", "detail": "",
            "hint": "there are: a", "row": 0}})
    );
    let statuses = [
        (json!({"service": "nope", "keys": []}), (404, "unknown_service")),
        (json!({"view": "Carrier", "keys": [{"carrier": 5}]}), (422, "wrong_type")),
        (json!({"view": "Carrier", "keys": [], "at": NOON - 1}), (409, "before_horizon")),
        (json!({"keys": []}), (400, "wrong_shape")),
        (json!({"view": "Carrier", "keys": {}}), (400, "malformed_body")),
        (json!([]), (400, "malformed_body")),
        (json!([null, "Carrier", null, [{"carrier": "UA"}]]), (400, "malformed_body")),
    ];
    for (body, (status, code)) in statuses {
        assert_eq!(client.post("/v1/features", &body).error(), (status, code.into()), "{body}");
    }
}

/// A route that is not there and a method that a route has not get the same body.
#[test]
fn unknown_routes_and_methods_are_errors_of_the_same_shape() {
    let (_double, _server, mut client) = start();
    assert_eq!(client.get("/v1/feature").error(), (404, "unknown_route".into()));
    assert_eq!(client.get("/v1/features").error(), (405, "method_not_allowed".into()));
    assert_eq!(client.post("/health", &json!({})).error(), (405, "method_not_allowed".into()));
}

/// What is not JSON, not UTF-8 or empty is a bad request, and the connection lives on.
#[test]
fn unreadable_bodies_are_bad_requests() {
    let (_double, server, mut client) = start();
    for body in [&b"{\"view\": "[..], b"\xff\xfe", b"", b"{\"view\":\"\xc3\x28\",\"keys\":[]}"] {
        let reply = client.request("POST", "/v1/features", "", body);
        assert_eq!(reply.error(), (400, "malformed_body".into()));
    }
    alive(&server);
}

/// A body that ends before its length is not applied, and is answered where anyone still listens.
#[test]
fn a_cut_off_body_is_not_applied() {
    let (double, server, mut client) = start();
    client.send(Client::head("POST", "/v1/events/Departure", "", 1_000).as_bytes());
    client.send(b"[{\"carrier\": \"UA\"}]");
    client.end_sending();
    assert_eq!(client.reply().unwrap().error(), (400, "cut_off".into()));
    let mut chunked = Client::new(server.address());
    chunked.send(b"POST /v1/events/Departure HTTP/1.1\r\nHost: t\r\n");
    chunked.send(b"Transfer-Encoding: chunked\r\n\r\n4\r\n[{}]\r\n");
    chunked.end_sending();
    assert_eq!(chunked.reply().unwrap().error(), (400, "cut_off".into()));
    let mut gone = Client::new(server.address());
    gone.send(Client::head("POST", "/v1/events/Departure", "", 1_000).as_bytes());
    drop(gone);
    alive(&server);
    assert!(double.pushed.lock().is_empty());
}

/// A body of the largest size is taken; one byte more is 413, declared or in chunks.
#[test]
fn bodies_are_bounded() {
    let (double, server) = start_with(|options| options.body_max = 1_000);
    let mut client = Client::new(server.address());
    let reply = client.request("POST", "/v1/events/Departure", "", &[b' '; 1_000]);
    assert_eq!(reply.status, 200);
    let reply = client.request("POST", "/v1/events/Departure", "", &[b' '; 1_001]);
    assert_eq!(reply.error(), (413, "too_large".into()));
    assert_eq!(reply.header("connection"), Some("close"));
    let mut chunked = Client::new(server.address());
    chunked.send(b"POST /v1/events/Departure HTTP/1.1\r\nHost: t\r\n");
    chunked.send(b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n");
    chunked.send(&[b' '; 1_001]);
    chunked.send(b"\r\n0\r\n\r\n");
    assert_eq!(chunked.reply().unwrap().error(), (413, "too_large".into()));
    assert_eq!(double.pushed.lock().len(), 1);
}

/// A client that sends a huge body without looking still gets its 413.
#[test]
fn a_huge_body_gets_its_reply() {
    let (_double, server) = start_with(|options| options.body_max = 8 * 1024 * 1024);
    let mut client = Client::new(server.address());
    let reply = client.request("POST", "/v1/events/Departure", "", &vec![b' '; 9 * 1024 * 1024]);
    assert_eq!(reply.error(), (413, "too_large".into()));
    alive(&server);
}

/// A client that sends its head or its body too slowly loses its connection, not the server.
#[test]
fn slow_clients_are_let_go() {
    let (_double, server) = start_with(|options| {
        options.head_timeout = Duration::from_millis(200);
        options.body_timeout = Duration::from_millis(200);
    });
    let mut head = Client::new(server.address());
    head.send(b"POST /v1/feat");
    let mut body = Client::new(server.address());
    body.send(Client::head("POST", "/v1/features", "", 100).as_bytes());
    body.send(b"{");
    assert_eq!(body.reply().unwrap().error(), (504, "slow_body".into()));
    assert!(head.reply().is_none_or(|reply| reply.status == 408));
    alive(&server);
}

/// A client that does not read its replies loses its connection after a while.
#[test]
fn a_client_that_does_not_read_is_let_go() {
    let (_double, server) = start_with(|options| {
        options.connections_max = 1;
        options.write_timeout = Duration::from_millis(200);
    });
    let mut deaf = Client::new(server.address());
    deaf.stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let keys: Vec<Json> = vec![json!({"carrier": "UA"}); 100_000];
    let body = json!({"view": "Carrier", "keys": keys}).to_string();
    // Several MB of answers: more than both sides' buffers take.
    for _ in 0..8 {
        let head = Client::head("POST", "/v1/features", "", body.len());
        if deaf.stream.write_all((head + &body).as_bytes()).is_err() {
            break;
        }
    }
    // The only connection is free again.
    alive(&server);
}

/// A broken promise behind a request is its own 500; the server lives on.
#[test]
fn a_broken_promise_costs_one_request() {
    let (double, server, mut client) = start();
    double.script.write().rows.insert((0, key("XX")), vec![Cell::default(); 3]);
    let keys = json!([{"carrier": "XX"}]);
    let reply = client.post("/v1/features", &json!({"view": "Carrier", "keys": keys}));
    assert_eq!(reply.error(), (500, "panicked".into()));
    let slow = json!({"view": "Carrier", "keys": keys, "history": true});
    assert_eq!(client.post("/v1/features", &slow).error(), (500, "panicked".into()));
    alive(&server);
}

/// What is no HTTP is refused, and the server lives on.
#[test]
fn what_is_no_http_is_refused() {
    let (_double, server, mut client) = start();
    client.send(b"GET /health SPDY/9\r\n\r\n");
    assert_eq!(client.reply().unwrap().status, 400);
    let mut encrypted = Client::new(server.address());
    encrypted.send(b"\x16\x03\x01\x02\x00 hello\r\n\r\n");
    assert_eq!(encrypted.reply().map(|reply| reply.status), Some(400));
    let mut large = Client::new(server.address());
    let header = format!("X: {}\r\n", "a".repeat(100_000));
    large.stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let reply = large.request("GET", "/health", &header, b"");
    assert_eq!(reply.status, 431);
    alive(&server);
}

/// Events reach the backend with their format, arrivals and idempotency key.
#[test]
fn events_are_handed_on() {
    let (double, _server, mut client) = start();
    let headers = "Content-Type: application/x-ndjson\r\nIdempotency-Key: k1\r\n";
    let path = "/v1/events/Departure?arrived_at=seen_at";
    let reply = client.request("POST", path, headers, b"{\"a\":1}\n");
    let receipt = json!({"accepted": 2, "duplicates": 1, "rejected": [], "positions": {}});
    assert_eq!((reply.status, reply.json()), (200, receipt));
    let pushed = double.pushed.lock();
    let (stream, payload, options) = &pushed[0];
    assert_eq!((stream.as_str(), payload.format), ("Departure", Format::Ndjson));
    assert_eq!(&payload.bytes[..], b"{\"a\":1}\n");
    let expected =
        PushOptions { arrived_at: Some("seen_at".into()), idempotency_key: Some("k1".into()) };
    assert_eq!(*options, expected);
}

/// A body's format is its content type's, or its first byte's where that says nothing.
#[test]
fn formats_are_told_apart() {
    let (double, _server, mut client) = start();
    let mut format = |content_type: &str, body: &[u8]| {
        let header = format!("Content-Type: {content_type}\r\n");
        let reply = client.request("PUT", "/v1/tables/Plane", &header, body);
        (reply.status == 200).then(|| double.pushed.lock().pop().unwrap().1.format)
    };
    let json = "application/json; charset=utf-8";
    assert_eq!(format(json, b" [{}]"), Some(Format::JsonArray));
    assert_eq!(format(json, b"\n{}"), Some(Format::Ndjson));
    assert_eq!(format("application/x-www-form-urlencoded", b"[]"), Some(Format::JsonArray));
    assert_eq!(
        format("application/octet-stream", b"\xff\xff\xff\xff\0\0\0\0"),
        Some(Format::ArrowStream)
    );
    assert_eq!(format("application/vnd.apache.arrow.stream", b""), Some(Format::ArrowStream));
    assert_eq!(format("application/x-ndjson", b"[]"), Some(Format::Ndjson));
    assert_eq!(format("text/csv", b"a,b"), None);
}

/// An unknown stream is 404 with what is near; a parameter that no route has is 400.
#[test]
fn unknown_streams_and_parameters_are_errors() {
    let (_double, _server, mut client) = start();
    let reply = client.post("/v1/events/Departures", &json!([]));
    assert_eq!(reply.error(), (404, "unknown_stream".into()));
    assert_eq!(reply.json()["error"]["hint"], "did you mean Departure?");
    let reply = client.post("/v1/events/Departure?arived_at=x", &json!([]));
    assert_eq!(reply.error(), (400, "wrong_parameter".into()));
}

/// A name in the path that is no UTF-8 is an error with the body that all have.
#[test]
fn an_unreadable_path_has_the_body_of_every_error() {
    let (_double, _server, mut client) = start();
    let reply = client.post("/v1/events/%ff", &json!([]));
    assert_eq!(reply.error(), (400, "wrong_path".into()));
    let reply = client.get("/v1/dead-letters/Departure/%ff");
    assert_eq!(reply.error(), (400, "wrong_path".into()));
}

/// An idempotency key is any text; what is too long is for the backend to say.
#[test]
fn an_idempotency_key_is_any_text() {
    let (double, _server, mut client) = start();
    let key = "Idempotency-Key: \u{43a}\u{43b}\u{44e}\u{447}\r\n";
    let reply = client.request("POST", "/v1/events/Departure", key, b"[]");
    assert_eq!(reply.status, 200);
    let (_, _, options) = double.pushed.lock().pop().expect("a push");
    assert_eq!(options.idempotency_key.as_deref(), Some("\u{43a}\u{43b}\u{44e}\u{447}"));
}

/// Dead letters are listed, shown, replayed and discarded.
#[test]
fn dead_letters_have_their_routes() {
    let (_double, _server, mut client) = start();
    let listed = client.get("/v1/dead-letters/Departure?limit=5&after=a%2Fb").json();
    assert_eq!(listed, json!({"letters": ["Departure", 5, "a/b"], "next": null}));
    let shown = client.get("/v1/dead-letters/Departure/0-7").json();
    assert_eq!(shown, json!({"stream": "Departure", "id": "0-7"}));
    let replayed = client.post("/v1/dead-letters/Departure/0-7/replay", &json!(null));
    assert_eq!(replayed.json(), json!({"replayed": "0-7"}));
    let discarded = client.post("/v1/dead-letters/Departure/0-7/discard", &json!(null));
    assert_eq!(discarded.error(), (409, "already_discarded".into()));
    let wordy = client.get("/v1/dead-letters/Departure?limit=all");
    assert_eq!(wordy.error(), (400, "wrong_parameter".into()));
}

/// Health, readiness and status answer; not ready is 503 with Retry-After.
#[test]
fn operations_answer() {
    let (double, _server, mut client) = start();
    assert_eq!(client.get("/health").status, 200);
    assert_eq!(client.get("/ready").status, 200);
    assert_eq!(client.get("/v1/status").json()["state"], json!({"keys": 3, "bytes": 99}));
    double.unready.store(true, Ordering::SeqCst);
    let reply = client.get("/ready");
    assert_eq!(reply.error(), (503, "recovering".into()));
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(client.get("/health").status, 200);
}

/// The metrics count requests by route and status, rows by cause, and tell freshness.
#[test]
fn metrics_count_what_happened() {
    let (_double, _server, mut client) = start();
    client.post("/v1/features", &question());
    client.post("/v1/features", &json!([]));
    client.post("/v1/events/Departure", &json!([]));
    let text = client.get("/metrics").text();
    for line in [
        "headwater_http_requests_total{route=\"/v1/features\",status=\"200\"} 1",
        "headwater_http_requests_total{route=\"/v1/features\",status=\"400\"} 1",
        "headwater_http_request_seconds_count{route=\"/v1/features\"} 2",
        "headwater_http_in_flight 1",
        "headwater_rows_accepted_total{stream=\"Departure\"} 2",
        "headwater_rows_duplicate_total{stream=\"Departure\"} 1",
        "headwater_dead_letters_open{stream=\"Departure\"} 4.0",
        "headwater_quality{stream=\"Departure\",figure=\"not_finite\"} 2.0",
        "headwater_state_keys 3.0",
        "headwater_state_bytes 99.0",
        "headwater_rows_rejected_total{stream=\"Departure\",cause=\"wrong_type\"} 3",
    ] {
        assert!(text.lines().any(|have| have == line), "{line} is not in\n{text}");
    }
    let gauges = [
        "headwater_staleness_seconds{stream=\"Departure\"} ",
        "headwater_watermark_lag_seconds{stream=\"Departure\"} ",
    ];
    for gauge in gauges {
        assert!(text.lines().any(|line| line.starts_with(gauge)), "{gauge} is not in\n{text}");
    }
}

/// Past the bound of requests in flight one is turned away with 429, and told when to return.
#[test]
fn a_full_queue_turns_away() {
    let (double, server) = start_with(|options| options.writes_max = 1);
    *double.delay.lock() = Duration::from_millis(400);
    let address = server.address();
    let slow = thread::spawn(move || Client::new(address).post("/v1/events/Departure", &json!([])));
    thread::sleep(Duration::from_millis(150));
    let reply = Client::new(address).post("/v1/events/Departure", &json!([]));
    assert_eq!(reply.error(), (429, "queue_full".into()));
    assert_eq!(reply.header("retry-after"), Some("1"));
    alive(&server);
    assert_eq!(slow.join().unwrap().status, 200);
    assert_eq!(Client::new(address).post("/v1/events/Departure", &json!([])).status, 200);
}

/// What all bodies hold together is bounded, and given back.
#[test]
fn bodies_held_are_bounded_together() {
    let (_double, server) = start_with(|options| options.buffered_max = 1_000);
    let mut first = Client::new(server.address());
    first.send(Client::head("POST", "/v1/events/Departure", "", 900).as_bytes());
    first.send(&[b' '; 800]);
    thread::sleep(Duration::from_millis(150));
    let mut second = Client::new(server.address());
    let reply = second.request("POST", "/v1/events/Departure", "", &[b' '; 300]);
    assert_eq!(reply.error(), (429, "queue_full".into()));
    first.send(&[b' '; 100]);
    assert_eq!(first.reply().unwrap().status, 200);
    let mut third = Client::new(server.address());
    assert_eq!(third.request("POST", "/v1/events/Departure", "", &[b' '; 300]).status, 200);
}

/// A client's own deadline is kept; a push that had begun still ends.
#[test]
fn a_deadline_is_kept() {
    let (double, _server, mut client) = start();
    *double.delay.lock() = Duration::from_millis(400);
    let started = Instant::now();
    let deadline = "Headwater-Deadline-Ms: 50\r\n";
    let reply = client.request("POST", "/v1/events/Departure", deadline, b"[]");
    assert_eq!(reply.error(), (504, "deadline".into()));
    assert!(started.elapsed() < Duration::from_millis(350));
    thread::sleep(Duration::from_millis(600));
    assert_eq!(double.pushed.lock().len(), 1);
    let wrong = client.request("POST", "/v1/features", "Headwater-Deadline-Ms: soon\r\n", b"{}");
    assert_eq!(wrong.error(), (400, "wrong_deadline".into()));
}

/// A question after positions waits until they are visible, and ends at its deadline otherwise.
#[test]
fn after_waits_up_to_the_deadline() {
    let (double, server, mut client) = start();
    let body = |end: u64| {
        let after = json!({"Departure": {"0": [0, end]}});
        json!({"view": "Carrier", "keys": [], "after": after}).to_string()
    };
    let headers = "Headwater-Deadline-Ms: 100\r\n";
    let reply = client.request("POST", "/v1/features", headers, body(8).as_bytes());
    assert_eq!(reply.error(), (504, "deadline".into()));
    let address = server.address();
    let waiting = thread::spawn(move || {
        Client::new(address).request("POST", "/v1/features", "", body(8).as_bytes()).status
    });
    thread::sleep(Duration::from_millis(100));
    double.script.write().visible = 8;
    assert_eq!(waiting.join().unwrap(), 200);
}

/// Stopping answers what was accepted, refuses what comes after, and closes the door.
#[test]
fn stopping_loses_nothing() {
    let (double, server) = start_with(|_| {});
    *double.delay.lock() = Duration::from_millis(400);
    let address = server.address();
    let running =
        thread::spawn(move || Client::new(address).post("/v1/events/Departure", &json!([])));
    let mut abandoned = Client::new(address);
    abandoned.send((Client::head("POST", "/v1/events/Departure", "", 2) + "[]").as_bytes());
    thread::sleep(Duration::from_millis(150));
    drop(abandoned);
    let idle = Client::new(address);
    server.stop();
    assert_eq!(double.pushed.lock().len(), 2);
    assert_eq!(running.join().unwrap().status, 200);
    assert!(std::net::TcpStream::connect(address).is_err());
    drop(idle);
    server.stop();
}

/// A port that is taken is an error with what to do.
#[test]
fn a_port_in_use_is_an_error() {
    let (double, server) = start_with(|_| {});
    let options = ServerOptions { port: server.address().port(), ..ServerOptions::default() };
    let error = Server::start(double as _, options).unwrap_err();
    assert_eq!((error.code, error.hint.is_empty()), ("address_in_use", false));
}
