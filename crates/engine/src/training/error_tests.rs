//! Questions that cannot be answered, each with its whole message, and what is passed through.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use headwater_kernel::error::Error;
use headwater_kernel::value::Value;
use serde_json::{Value as Json, json};

use super::fixtures::{ask, at, frame, labels, values};
use super::*;

fn trips() -> Json {
    json!([{"driver": "ann", "at": at(0.0), "fare": 1.0, "seen_at": at(5.0)}])
}

fn refused(target: &str, labels: RecordBatch, as_of: AsOf, arrived_at: Option<&str>) -> Error {
    let frames = vec![frame("Trip", trips())];
    ask(target, &[labels], frames, as_of, arrived_at).expect_err("the question is refused")
}

fn told(error: &Error) -> (&'static str, &str, &str) {
    (error.code, error.message.as_str(), error.hint.as_str())
}

/// The labels with one column replaced (or added at the end), or dropped.
fn with(name: &str, values: Option<ArrayRef>) -> RecordBatch {
    let batch = labels(&[(Some("ann"), at(10.0)), (Some("ann"), at(11.0))]);
    let names: Vec<String> =
        batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
    let mut columns: Vec<(String, ArrayRef)> =
        names.into_iter().zip(batch.columns().iter().cloned()).collect();
    columns.retain(|(column, _)| column != name);
    columns.extend(values.map(|values| (name.to_owned(), values)));
    let columns = columns.into_iter().map(|(name, values)| (name, values, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

#[test]
fn an_unknown_name_is_answered_with_a_near_one() {
    let error = refused("trip", with("x", None), AsOf::EventTime, None);
    assert_eq!(
        told(&error),
        ("unknown_name", "no service or view is named \"trip\"", "did you mean Trips?")
    );
}

#[test]
fn a_missing_key_column_is_named_with_a_near_one() {
    let batch = with("driver", None);
    let batch = {
        let names: ArrayRef = Arc::new(StringArray::from(vec!["ann", "ann"]));
        let mut columns: Vec<(String, ArrayRef)> = vec![("Drivers".to_owned(), names)];
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            columns.push((field.name().clone(), column.clone()));
        }
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let error = refused("Trips", batch, AsOf::EventTime, None);
    assert_eq!(
        told(&error),
        (
            "missing_key_column",
            "key column \"driver\" of Trips is missing in the labels",
            "did you mean Drivers?"
        )
    );
}

#[test]
fn a_missing_time_column_is_named() {
    let error = refused("Trips", with("asked_at", None), AsOf::EventTime, None);
    assert_eq!(
        told(&error),
        (
            "missing_time_column",
            "the labels have no column \"asked_at\" with the instants asked about",
            "there are: driver, rival, place"
        )
    );
}

#[test]
fn a_label_column_with_the_name_of_a_feature_is_refused() {
    let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let error = refused("Trips", with("trips__n_1h", Some(values)), AsOf::EventTime, None);
    assert_eq!(
        told(&error),
        (
            "name_clash",
            "label column \"trips__n_1h\" has the name of a feature",
            "rename the label column"
        )
    );
}

#[test]
fn a_null_instant_is_named_by_its_row() {
    let times = TimestampMicrosecondArray::from(vec![Some(at(1.0)), None]).with_timezone("UTC");
    let error = refused("Trips", with("asked_at", Some(Arc::new(times))), AsOf::EventTime, None);
    assert_eq!(
        told(&error),
        (
            "wrong_type",
            "label row 1: column \"asked_at\": null, but the column may not be null",
            ""
        )
    );
    assert_eq!(error.row, Some(1));
}

#[test]
fn naive_instants_are_refused_with_the_remedy() {
    let times = TimestampMicrosecondArray::from(vec![at(1.0), at(2.0)]);
    let error = refused("Trips", with("asked_at", Some(Arc::new(times))), AsOf::EventTime, None);
    assert_eq!(
        told(&error),
        (
            "naive_instant",
            "the instants of label column \"asked_at\" have no zone",
            "make them aware, e.g. df[\"asked_at\"].dt.tz_localize(\"UTC\")"
        )
    );
    assert_eq!(error.row, Some(0));
    let texts: ArrayRef =
        Arc::new(StringArray::from(vec!["2013-07-01T10:00:00Z", "2013-07-01T10:00:00"]));
    let error = refused("Trips", with("asked_at", Some(texts)), AsOf::EventTime, None);
    assert_eq!(
        told(&error),
        (
            "naive_instant",
            "label row 1: column \"asked_at\": \"2013-07-01T10:00:00\" has no offset, so it is no \
             instant: write Z or +00:00, or make it aware (tz_localize)",
            ""
        )
    );
    assert_eq!(error.row, Some(1));
}

#[test]
fn no_labels_at_all_are_answered_with_the_columns_that_are_asked_for() {
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(0));
    let schema = Arc::new(arrow_schema::Schema::empty());
    let none = RecordBatch::try_new_with_options(schema, Vec::new(), &options).unwrap();
    let frames = vec![frame("Trip", trips())];
    let (set, _) = ask("Trips", &[none], frames, AsOf::EventTime, None).expect("answered");
    let names: Vec<String> =
        set.batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
    let (asked, features) = names.split_at(2);
    assert_eq!(asked, ["driver", "asked_at"]);
    assert!(!features.is_empty());
    assert_eq!(set.batch.num_rows(), 0);
}

#[test]
fn a_key_column_of_another_type_is_refused() {
    let drivers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let error = refused("Trips", with("driver", Some(drivers)), AsOf::EventTime, None);
    assert_eq!(
        told(&error),
        (
            "wrong_type",
            "column \"driver\" is Int64, not str",
            "nothing but an integer for a float is converted"
        )
    );
}

#[test]
fn instants_may_be_text_or_integers() {
    let text: ArrayRef =
        Arc::new(StringArray::from(vec!["2013-01-01T10:10:00Z", "2013-01-01T11:11:00+01:00"]));
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![at(10.0), at(11.0)]));
    for times in [text, integers] {
        let frames = vec![frame("Trip", trips())];
        let labels = with("asked_at", Some(times.clone()));
        let (set, _) = ask("Trips", &[labels], frames, AsOf::EventTime, None).unwrap();
        assert_eq!(values(&set, "trips__n_1h"), vec![Value::Int(1); 2]);
        assert_eq!(set.batch.column_by_name("asked_at"), Some(&times));
    }
}

#[test]
fn nothing_had_arrived_by_the_last_label() {
    let early = labels(&[(Some("ann"), at(1.0)), (Some("ann"), at(4.0))]);
    let error = refused("Trips", early, AsOf::Arrival, Some("seen_at"));
    assert_eq!(
        told(&error),
        (
            "no_arrivals",
            "no event had arrived by the last label, at 2013-01-01T10:04:00Z",
            "push history with arrived_at=, or ask as_of=\"event_time\""
        )
    );
    assert_eq!(error.detail, "the first event arrived at 2013-01-01T10:05:00Z");
    let error = refused("Trips", with("x", None), AsOf::Arrival, None);
    assert_eq!(
        told(&error),
        (
            "no_arrivals",
            "as_of=\"arrival\" needs to know when the rows of Trip arrived",
            "name their column with arrived_at=, or ask as_of=\"event_time\""
        )
    );
}

#[test]
fn frames_are_known_needed_and_given_once() {
    let asked = || [with("x", None)];
    let ask = |frames| ask("Trips", &asked(), frames, AsOf::EventTime, None).map(|_| ());
    let error = ask(vec![]).unwrap_err();
    assert_eq!(
        told(&error),
        (
            "missing_frame",
            "Trips reads Trip, and no frame of it is given",
            "add \"Trip\" to the frames, with no rows if there are none"
        )
    );
    let error = ask(vec![frame("Trips", trips())]).unwrap_err();
    assert_eq!(
        told(&error),
        ("unknown_stream", "no stream or table is named Trips", "did you mean Trip?")
    );
    let error = ask(vec![frame("Trip", trips()), frame("Trip", trips())]).unwrap_err();
    assert_eq!(told(&error), ("two_frames", "two frames of Trip are given", "join them"));
    let error = ask(vec![frame("Trip", json!({}))]).unwrap_err();
    assert_eq!(error.message, "Trip: the body is not a JSON array");
    ask(vec![frame("Car", json!("not read, so not looked at")), frame("Trip", trips())]).unwrap();
}

#[test]
fn labels_in_several_batches_keep_their_order_and_may_be_none() {
    let one = with("x", None);
    let parts = [one.slice(1, 1), one.slice(0, 0), one.slice(0, 1)];
    let (set, _) =
        ask("Trips", &parts, vec![frame("Trip", trips())], AsOf::EventTime, None).unwrap();
    assert_eq!(values(&set, "asked_at"), [at(11.0), at(10.0)].map(Value::Timestamp).to_vec());
    let none = [one.slice(0, 0)];
    let (set, _) =
        ask("Trips", &none, vec![frame("Trip", trips())], AsOf::Arrival, Some("seen_at")).unwrap();
    assert_eq!(set.batch.num_rows(), 0);
}

#[test]
fn a_caller_who_stops_it_gets_an_error() {
    let cancelled = AtomicBool::new(true);
    for as_of in [AsOf::EventTime, AsOf::Arrival] {
        let options = TrainingOptions {
            time: "asked_at".to_owned(),
            as_of,
            continues: None,
            threads: 2,
            cancelled: &cancelled,
            progress: None,
        };
        let transform = super::fixtures::world();
        let mut history = History::empty(transform.plan());
        let stream = &transform.plan().blueprint.streams[0];
        let contract = crate::contract::Contract::of_stream(stream, None).unwrap();
        let payload = crate::decode::Payload::JsonArray(trips().to_string().into());
        let rows = crate::decode::decode(payload, &contract).unwrap().batch;
        history.streams[0].push(HistoryBatch { rows, arrived: Arrived::At(at(5.0)) });
        let error = point_in_time(&transform, "Trips", &[with("x", None)], &history, &options);
        assert_eq!(error.unwrap_err().code, "cancelled");
    }
}

#[test]
fn what_can_be_said_of_the_set_goes_with_it() {
    let frames = vec![frame(
        "Trip",
        json!([
            {"driver": "ann", "at": at(0.0), "fare": 1.0},
            {"driver": "ann", "at": "ten"},
        ]),
    )];
    let (set, reports) = ask("Trips", &[with("x", None)], frames, AsOf::EventTime, None).unwrap();
    let batch = set.into_batch(&reports);
    let metadata: Json =
        serde_json::from_str(&batch.schema_ref().metadata()[METADATA_KEY]).unwrap();
    assert_eq!(
        metadata,
        json!({
            "as_of": "event_time",
            "views": {"Trips": {"version": "Trips", "found_rows": 2, "found": [true, true]}},
            "status": [],
            "status_values": 0,
            "timeless": [],
            "notes": [],
            "frames": [{
                "name": "Trip", "accepted": 1, "duplicates": 0,
                "rejected": [{
                    "row": 1, "cause": "wrong_type",
                    "message": "column \"at\": \"ten\" is not ISO 8601 with an offset",
                }],
                "rejected_rows": 1,
            }],
        })
    );
}
