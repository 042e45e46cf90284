//! From questions to answers: names, keys, instants, one epoch, metadata.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use common::{Double, NOON, Script, key};
use headwater_kernel::error::{Error, Kind};
use headwater_kernel::value::{Cell, Status, Value};
use headwater_serve::lookup::answer::Answer;
use headwater_serve::lookup::keys::Keys;
use headwater_serve::lookup::question::Target;
use headwater_serve::lookup::request::FeaturesRequest;
use headwater_serve::lookup::{Lookup, Query};
use headwater_store::online::Online;
use serde_json::{Value as Json, json};

const CARRIER: usize = 0;
const ROUTE: usize = 1;
const SEATS: usize = 2;

fn int(value: i64) -> Cell {
    Cell::ok(Value::Int(value))
}

fn route_key(origin: &str, dest: &str) -> Vec<u8> {
    [key(origin), key(dest)].concat()
}

fn script() -> Script {
    let mut script = Script { now: NOON, sealed_at: Some(NOON), visible: 7, ..Script::default() };
    script.newest_event_at = Some(NOON - 1);
    let late = Cell::ok(Value::Float(4.5));
    script.rows.insert((CARRIER, key("UA")), vec![int(3), late]);
    script.rows.insert((ROUTE, route_key("JFK", "LAX")), vec![int(2)]);
    script.rows.insert((SEATS, key("N1")), vec![int(180)]);
    script
}

fn ask(double: &Double, body: &Json) -> Result<Answer, Error> {
    let bytes = serde_json::to_vec(body).unwrap();
    let request = FeaturesRequest::parse(&bytes)?;
    let query = request.query(Instant::now() + Duration::from_millis(50))?;
    Lookup::new(double.plan()).answer(double, &query)
}

fn answered(double: &Double, body: &Json) -> Json {
    let mut out = Vec::new();
    ask(double, body).unwrap().write_json(&mut out);
    serde_json::from_slice(&out).unwrap()
}

fn refused(body: &Json) -> Error {
    ask(&Double::new(script()), body).unwrap_err()
}

/// A service's columns come in its own order, whatever the order in its views.
#[test]
fn a_service_answers_in_its_own_order() {
    let keys = json!([{"carrier": "UA", "origin": "JFK", "dest": "LAX", "tail": "N1"}]);
    let answer = answered(&Double::new(script()), &json!({"service": "delay_model", "keys": keys}));
    assert_eq!(
        answer,
        json!({"names": ["seats__seats", "carrier__delay_1h", "route__flights_1h"],
            "rows": [[180, 4.5, 2]], "found": [true]})
    );
}

/// One view in two roles is read by each role's own key.
#[test]
fn roles_read_their_own_keys() {
    let keys = json!([{"carrier": "UA", "rival": "DL"}, {"carrier": "DL", "rival": "UA"}]);
    let body = json!({"service": "rivals", "keys": keys, "metadata": true});
    let answer = answered(&Double::new(script()), &body);
    assert_eq!(answer["rows"], json!([[3, 4.5, null, null], [null, null, 3, 4.5]]));
    assert_eq!(answer["found"], json!([true, true]));
    assert_eq!(answer["metadata"]["views"]["Carrier"]["found"], json!([true, false]));
    assert_eq!(answer["metadata"]["views"]["rival.Carrier"]["found"], json!([false, true]));
}

/// A null part and a key never seen are answers: the empty window's, not found.
#[test]
fn null_parts_and_unknown_keys_are_answers() {
    let keys = json!([{"origin": "JFK", "dest": null}, {"origin": "JFK", "dest": "XXX"}]);
    let answer = answered(&Double::new(script()), &json!({"view": "Route", "keys": keys}));
    assert_eq!(answer["rows"], json!([[null], [null]]));
    assert_eq!(answer["found"], json!([false, false]));
}

/// Columns that are no keys are ignored, nested ones too.
#[test]
fn extra_columns_are_ignored() {
    let keys = json!([{"more": {"a": [1]}, "carrier": "UA", "n": 1.5}]);
    let answer = answered(&Double::new(script()), &json!({"view": "Carrier", "keys": keys}));
    assert_eq!(answer["rows"], json!([[3, 4.5]]));
}

/// A missing key column names the row and what is near.
#[test]
fn a_missing_key_column_names_its_row() {
    let keys = json!([{"carrier": "UA"}, {"carier": "UA"}]);
    let error = refused(&json!({"view": "Carrier", "keys": keys}));
    assert_eq!((error.kind, error.code, error.row), (Kind::Invalid, "missing_key_column", Some(1)));
    assert_eq!(error.message, "key column \"carrier\" is missing");
    assert_eq!(error.hint, "did you mean carier?");
}

/// A key of another type names the row and the column; nothing is coerced.
#[test]
fn a_wrong_type_names_row_and_column() {
    let keys = json!([{"carrier": "UA"}, {"carrier": 1}]);
    let error = refused(&json!({"view": "Carrier", "keys": keys}));
    assert_eq!((error.kind, error.code, error.row), (Kind::Invalid, "wrong_type", Some(1)));
    assert_eq!(error.message, "key column \"carrier\" is an int, not a str");
}

/// Unknown names are answered with near ones of their own sort.
#[test]
fn unknown_names_tell_near_ones() {
    let service = refused(&json!({"service": "delay_modell", "keys": []}));
    assert_eq!((service.kind, service.code), (Kind::NotFound, "unknown_service"));
    assert_eq!(service.hint, "did you mean delay_model?");
    let view = refused(&json!({"view": "carrier", "keys": []}));
    assert_eq!((view.code, view.hint.as_str()), ("unknown_view", "did you mean Carrier?"));
}

/// A bare name is a service before it is a view.
#[test]
fn a_bare_name_is_matched_exactly() {
    let lookup = Lookup::new(common::plan());
    assert_eq!(lookup.question(Target::Named("rivals")).unwrap().keys.len(), 2);
    assert_eq!(lookup.question(Target::Named("Route")).unwrap().names, ["route__flights_1h"]);
    assert_eq!(lookup.question(Target::Named("route")).unwrap_err().code, "unknown_name");
}

/// A request may leave it open whether it names a service or a view.
#[test]
fn a_bare_name_is_one_question() {
    let asked = |target: &str| refused(&json!({target: "carrier", "keys": []}));
    let error = asked("name");
    assert_eq!((error.kind, error.code), (Kind::NotFound, "unknown_name"));
    assert_eq!(error.message, "no service or view is named \"carrier\"");
    assert_eq!(error.hint, asked("view").hint);
}

/// Exactly one of service, view and name is asked for.
#[test]
fn exactly_one_target_is_asked_for() {
    assert_eq!(refused(&json!({"keys": []})).code, "wrong_shape");
    let both = json!({"service": "rivals", "view": "Route", "keys": []});
    assert_eq!(refused(&both).code, "wrong_shape");
    let named = json!({"view": "Route", "name": "Route", "keys": []});
    assert_eq!(refused(&named).code, "wrong_shape");
}

/// Fields that no request has are refused by name rather than ignored.
#[test]
fn unknown_fields_are_refused() {
    let error = refused(&json!({"view": "Route", "keys": [], "att": null}));
    assert_eq!(error.code, "malformed_body");
    assert!(error.detail.starts_with("unknown field `att`"), "{}", error.detail);
}

/// All views of a question are read at one instant under one epoch.
#[test]
fn one_question_reads_one_epoch() {
    let double = Double::new(script());
    let keys = json!([{"carrier": "UA", "origin": "JFK", "dest": "LAX", "tail": "N1"}]);
    ask(&double, &json!({"service": "delay_model", "keys": keys, "metadata": true})).unwrap();
    assert_eq!(*double.script.read().epochs_opened.lock(), 1);
    assert_eq!(*double.script.read().asked.lock(), vec![NOON; 3]);
}

/// Before the sealed instant a question is refused unless history may answer.
#[test]
fn before_the_sealed_instant_is_a_conflict() {
    let error = refused(&json!({"view": "Carrier", "at": NOON - 1, "keys": [{"carrier": "UA"}]}));
    assert_eq!((error.kind, error.code), (Kind::Conflict, "before_horizon"));
    assert_eq!(
        error.message,
        "2013-07-01T11:59:59.999999Z is before the sealed instant 2013-07-01T12:00:00.000000Z \
         of Departure"
    );
}

/// A read at now below the sealed instant, as an epoch of another stream may cause, is for later.
#[test]
fn a_read_at_now_is_never_a_conflict() {
    let mut script = script();
    script.now = NOON - 1;
    let body = json!({"view": "Carrier", "keys": [{"carrier": "UA"}]});
    let error = ask(&Double::new(script), &body).unwrap_err();
    assert_eq!((error.kind, error.code), (Kind::Unavailable, "publishing"));
}

/// With history, sealed views are answered by the archive and tables by state, at one epoch.
#[test]
fn history_answers_what_is_sealed() {
    let mut script = script();
    script.archive.insert((CARRIER, key("UA")), vec![int(1), Cell::ok(Value::Float(0.5))]);
    let keys = json!([
        {"carrier": "UA", "origin": "JFK", "dest": "LAX", "tail": "N1"},
        {"carrier": null, "origin": "JFK", "dest": "LAX", "tail": "N2"}]);
    let body = json!({"service": "delay_model", "at": "2013-07-01T11:00:00Z", "history": true,
        "keys": keys, "metadata": true});
    let answer = answered(&Double::new(script), &body);
    assert_eq!(answer["rows"], json!([[180, 0.5, null], [null, null, null]]));
    assert_eq!(answer["found"], json!([true, false]));
    let views = &answer["metadata"]["views"];
    assert_eq!(views["Carrier"]["found"], json!([true, false]));
    assert_eq!(views["Route"]["found"], json!([false, false]));
    assert_eq!(views["Seats"]["found"], json!([true, false]));
}

/// Tables have no sealed instant: every instant can be asked of state.
#[test]
fn tables_are_read_at_any_instant() {
    let body = json!({"view": "Seats", "at": NOON - 1, "keys": [{"tail": "N1"}]});
    assert_eq!(answered(&Double::new(script()), &body)["rows"], json!([[180]]));
}

/// An instant without an offset, out of range or of another type is refused.
#[test]
fn instants_are_not_guessed() {
    let at = |at: Json| refused(&json!({"view": "Route", "keys": [], "at": at})).code;
    assert_eq!(at(json!("2013-07-01T12:00:00")), "naive_instant");
    assert_eq!(at(json!(1_372_680_000)), "time_out_of_range");
    assert_eq!(at(json!(1.5)), "wrong_shape");
    assert_eq!(at(json!("noon")), "malformed_instant");
}

/// The metadata says what stands behind every view.
#[test]
fn metadata_is_complete() {
    let mut script = script();
    script.now = NOON + 1_500_000;
    let overflow = Cell::null(Status::Overflow);
    script.rows.insert((CARRIER, key("DL")), vec![overflow, int(0)]);
    let keys = json!([{"carrier": "UA"}, {"carrier": "DL"}]);
    let body = json!({"view": "Carrier", "keys": keys, "metadata": true});
    let answer = answered(&Double::new(script), &body);
    assert_eq!(
        answer["metadata"],
        json!({"t": "2013-07-01T12:00:01.500000Z",
            "views": {"Carrier": {"version": "v-Carrier", "epoch": {"term": 1, "sequence": 9},
                "positions": {"Departure": {"0": [0, 7]}},
                "watermark": "2013-07-01T11:58:59.999999Z", "staleness_ms": 1500,
                "found": [true, true]}},
            "status": [{"row": 1, "column": "carrier__flights_1h", "status": "overflow"}],
            "notes": []})
    );
}

/// A read at now that no event can reach says so; one that an event reaches does not.
#[test]
fn a_read_past_every_window_says_so() {
    let mut script = script();
    // One hour at a resolution of a minute reaches back to 11:00:00 at 12:00:30.
    script.now = NOON + 30_000_000;
    script.newest_event_at = Some(NOON - 3_600_000_000);
    let double = Double::new(script);
    let body = json!({"view": "Carrier", "keys": [], "metadata": true});
    assert_eq!(answered(&double, &body)["metadata"]["notes"], json!([]));
    double.script.write().newest_event_at = Some(NOON - 3_600_000_001);
    assert_eq!(
        answered(&double, &body)["metadata"]["notes"],
        json!(["Carrier: the newest event of Departure is of 2013-07-01T10:59:59.999999Z, older \
            than every window at 2013-07-01T12:00:30.000000Z; ask at an earlier instant with at"])
    );
    let at = json!({"view": "Carrier", "keys": [], "metadata": true, "at": NOON + 30_000_000});
    assert_eq!(answered(&double, &at)["metadata"]["notes"], json!([]));
}

/// A question after a receipt waits until its positions are visible, at most to the deadline.
#[test]
fn after_waits_for_positions() {
    let double = Double::new(script());
    let after = |end: u64| {
        let after = json!({"Departure": {"0": [end - 1, end]}});
        ask(&double, &json!({"view": "Route", "keys": [], "after": after}))
    };
    assert!(after(7).is_ok());
    assert_eq!(after(8).unwrap_err().code, "deadline");
}

fn ask_arrow(column: ArrayRef) -> Result<Answer, Error> {
    let double = Double::new(script());
    let batch = RecordBatch::try_from_iter([("carrier", column)]).unwrap();
    let query = Query {
        target: Target::View("Carrier"),
        keys: Keys::Arrow(&batch),
        at: None,
        history: false,
        after: None,
        deadline: Instant::now(),
        metadata: false,
    };
    Lookup::new(double.plan()).answer(&double, &query)
}

/// Keys may come as Arrow, with the same nulls and refusals.
#[test]
fn keys_may_come_as_arrow() {
    let answer = ask_arrow(Arc::new(StringArray::from(vec![Some("UA"), None]))).unwrap();
    assert_eq!(answer.found, [true, false]);
    assert_eq!(answer.row(0), [int(3), Cell::ok(Value::Float(4.5))]);
    let error = ask_arrow(Arc::new(Int64Array::from(vec![None, Some(1)]))).unwrap_err();
    assert_eq!((error.code, error.row), ("wrong_type", Some(1)));
    assert_eq!(error.message, "key column \"carrier\" is Arrow Int64, not a str");
}

/// More rows than a question may have are refused, one fewer are answered.
#[test]
fn rows_are_bounded() {
    let rows = |count: usize| {
        ask_arrow(Arc::new(StringArray::from(vec![Some("UA"); count])))
            .map(|answer| answer.found.len())
    };
    assert_eq!(rows(100_000).unwrap(), 100_000);
    assert_eq!(rows(100_001).unwrap_err().code, "too_many_keys");
}
