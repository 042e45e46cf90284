//! Bad input of every kind, each with its whole message: what fails alone, what fails the body,
//! and that the rest of the rows is there.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_ipc::writer::StreamWriter;
use bytes::Bytes;
use headwater_kernel::blueprint::Stream;
use headwater_kernel::value::DataType;

use super::fixtures::column;
use super::*;
use crate::contract::Cause;

const GOOD: &str = r#"{"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":4}"#;

fn departures() -> Stream {
    Stream {
        name: "Departure".to_owned(),
        columns: vec![
            column("at", DataType::Timestamp, false),
            column("carrier", DataType::Str, false),
            column("delay", DataType::Float, false),
            column("seats", DataType::Int, true),
            column("late", DataType::Bool, true),
        ],
        time: "at".to_owned(),
        id: None,
        order: None,
        lateness_us: 0,
        skew_us: 600_000_000,
        dedup_us: None,
        max_age_us: None,
        idle_us: 0,
        version: String::new(),
    }
}

fn contract() -> Contract {
    Contract::of_stream(&departures(), None).unwrap()
}

fn array(rows: &str) -> Result<Decoded> {
    decode(Payload::JsonArray(Bytes::copy_from_slice(rows.as_bytes())), &contract())
}

fn lines(rows: &[u8]) -> Result<Decoded> {
    decode(Payload::Ndjson(Bytes::copy_from_slice(rows)), &contract())
}

/// Pushes a good row, `row` and a good row, and tells what is said of the one in the middle.
fn said_of(row: &str) -> (&'static str, String) {
    let decoded = array(&format!("[{GOOD}, {row}, {GOOD}]")).unwrap();
    assert_eq!(decoded.rows, vec![0, 2]);
    assert_eq!(decoded.batch.num_rows(), 2);
    assert_eq!(decoded.rows_total, 3);
    let [rejected] = decoded.rejected.as_slice() else {
        panic!("one row is rejected, not {:?}", decoded.rejected);
    };
    assert_eq!(rejected.row, 1);
    assert_eq!(rejected.original, row.as_bytes());
    let in_lines = lines(format!("{GOOD}\n{row}\n{GOOD}\n").as_bytes()).unwrap();
    assert_eq!(in_lines.rejected, decoded.rejected);
    assert_eq!(in_lines.batch, decoded.batch);
    (rejected.cause.name(), rejected.message.clone())
}

/// A test a row: cause and message of the one bad row.
macro_rules! row_tests {
    ($($name:ident: $row:expr => $cause:literal, $message:literal;)*) => {
        $(#[test]
        fn $name() {
            assert_eq!(said_of($row), ($cause, $message.to_owned()));
        })*
    };
}

row_tests! {
    a_missing_column: r#"{"at":"2013-01-01T10:00:00Z","delay":4}"#
        => "missing_column", "column \"carrier\": missing, and the column may not be null";
    a_null_where_none_may_be: r#"{"at":"2013-01-01T10:00:00Z","carrier":null,"delay":4}"#
        => "wrong_type", "column \"carrier\": null, but the column may not be null";
    a_number_for_text: r#"{"at":"2013-01-01T10:00:00Z","carrier":7,"delay":4}"#
        => "wrong_type", "column \"carrier\": 7 is int, not str";
    text_for_a_number: r#"{"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":"4"}"#
        => "wrong_type", "column \"delay\": \"4\" is str, not float";
    a_float_for_an_integer: r#"{"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":4,"seats":1.0}"#
        => "wrong_type", "column \"seats\": 1.0 is float, not int";
    an_integer_for_a_boolean: r#"{"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":4,"late":1}"#
        => "wrong_type", "column \"late\": 1 is int, not bool";
    a_boolean_for_a_number: r#"{"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":true}"#
        => "wrong_type", "column \"delay\": true is bool, not float";
    a_list: r#"{"at":"2013-01-01T10:00:00Z","carrier":["UA"],"delay":4}"#
        => "wrong_type", "column \"carrier\": a list is not str";
    an_object: r#"{"at":{"day":1},"carrier":"UA","delay":4}"#
        => "wrong_type",
        "column \"at\": an object is not timestamp (ISO 8601 with offset, or an integer)";
    a_float_for_an_instant: r#"{"at":1357034400.5,"carrier":"UA","delay":4}"#
        => "wrong_type",
        "column \"at\": 1357034400.5 is float, not timestamp (ISO 8601 with offset, or an integer)";
    an_instant_without_offset: r#"{"at":"2013-01-01T10:00:00","carrier":"UA","delay":4}"#
        => "wrong_type", "column \"at\": \"2013-01-01T10:00:00\" has no offset, so it is no \
            instant: write Z or +00:00, or make it aware (tz_localize)";
    an_instant_in_seconds: r#"{"at":1357034400,"carrier":"UA","delay":4}"#
        => "time_out_of_range", "column \"at\": 1357034400 microseconds is \
            1970-01-01T00:22:37.0344Z, outside 1971-01-01 .. 2200-01-01; it looks like seconds: \
            declare hw.Timestamp(\"s\")";
    an_instant_in_milliseconds: r#"{"at":1357034400000,"carrier":"UA","delay":4}"#
        => "time_out_of_range", "column \"at\": 1357034400000 microseconds is \
            1970-01-16T16:57:14.4Z, outside 1971-01-01 .. 2200-01-01; it looks like milliseconds: \
            declare hw.Timestamp(\"ms\")";
    an_instant_in_nanoseconds: r#"{"at":1357034400000000000,"carrier":"UA","delay":4}"#
        => "time_out_of_range", "column \"at\": 1357034400000000000 microseconds, outside \
            1971-01-01 .. 2200-01-01; it looks like nanoseconds: declare hw.Timestamp(\"ns\")";
    a_year_out_of_range: r#"{"at":"1066-10-14T09:00:00Z","carrier":"UA","delay":4}"#
        => "time_out_of_range",
        "column \"at\": \"1066-10-14T09:00:00Z\" is outside 1971-01-01 .. 2200-01-01";
    a_float_too_large_for_sums: r#"{"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":-1e17}"#
        => "value_out_of_range", "column \"delay\": -1e17 is too large for exact sums at scale \
            2^-44: |x| must be below 2^56; declare hw.field(scale=...)";
    an_integer_beyond_64_bits:
        r#"{"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":4,"seats":9223372036854775808}"#
        => "value_out_of_range", "column \"seats\": 9223372036854775808 does not fit a 64-bit \
            integer";
    a_number_beyond_doubles: r#"{"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":1e999}"#
        => "value_out_of_range", "a number is too large for a double, at byte 57";
    a_column_given_twice: r#"{"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":4,"delay":5}"#
        => "malformed", "column \"delay\": the column occurs twice";
    a_row_that_is_a_number: "7" => "malformed", "the row is not an object";
    a_row_that_is_a_list: "[1, 2]" => "malformed", "the row is not an object";
    a_row_that_is_null: "null" => "malformed", "the row is not an object";
    the_first_of_two_faults_is_told: r#"{"delay":"x","carrier":1,"at":"2013-01-01T10:00:00Z"}"#
        => "wrong_type", "column \"carrier\": 1 is int, not str";
}

/// The message, detail and hint of a body that is refused whole.
fn refused(result: Result<Decoded>) -> (&'static str, String, String, String) {
    let error = result.expect_err("the body is refused");
    assert_eq!(error.kind, Kind::Invalid);
    (error.code, error.message, error.detail, error.hint)
}

#[test]
fn a_broken_array_is_refused_whole() {
    assert_eq!(
        refused(array(&format!("[{GOOD}, {{\"at\":]"))),
        (
            "malformed_body",
            "the body is not a whole JSON array".to_owned(),
            "expected value at line 1 column 64".to_owned(),
            String::new()
        )
    );
}

#[test]
fn an_array_cut_short_is_refused_whole_wherever_it_is_cut() {
    let body = format!("[{GOOD}, {GOOD}]");
    for end in 0..body.len() {
        assert_eq!(refused(array(&body[..end])).0, "malformed_body", "cut at {end}");
    }
    assert_eq!(array(&body).unwrap().batch.num_rows(), 2);
}

#[test]
fn an_array_with_something_after_it_is_refused_whole() {
    assert_eq!(
        refused(array(&format!("[{GOOD}] x"))).2,
        "trailing characters at line 1 column 58".to_owned()
    );
}

#[test]
fn a_body_that_is_no_array_is_refused_with_the_remedy() {
    assert_eq!(
        refused(array(GOOD)),
        (
            "malformed_body",
            "the body is not a JSON array".to_owned(),
            String::new(),
            "send an array of objects, or NDJSON with its content type".to_owned()
        )
    );
}

#[test]
fn an_array_that_is_not_utf8_is_refused_whole() {
    let mut body = format!("[{GOOD}]").into_bytes();
    body[40] = 0xff;
    assert_eq!(
        refused(decode(Payload::JsonArray(body.into()), &contract())),
        (
            "malformed_body",
            "the body is not UTF-8".to_owned(),
            "the first bad byte is at offset 40".to_owned(),
            String::new()
        )
    );
}

#[test]
fn a_line_that_is_not_json_fails_alone() {
    let decoded = lines(format!("{GOOD}\n\n  \r\n{{\"at\":\n{GOOD}\r\n{{\"at").as_bytes()).unwrap();
    assert_eq!(decoded.rows, vec![0, 2]);
    assert_eq!(
        decoded.rejected,
        vec![
            Rejection {
                row: 1,
                cause: Cause::Malformed,
                message: "not JSON: EOF while parsing a value at byte 6".to_owned(),
                original: Bytes::from_static(b"{\"at\":"),
            },
            Rejection {
                row: 3,
                cause: Cause::Malformed,
                message: "not JSON: EOF while parsing a string at byte 4".to_owned(),
                original: Bytes::from_static(b"{\"at"),
            },
        ]
    );
}

#[test]
fn a_line_that_is_not_utf8_fails_alone() {
    let decoded =
        lines(&[GOOD.as_bytes(), b"\n{\"at\":\"\xff\"}\n", GOOD.as_bytes()].concat()).unwrap();
    assert_eq!(decoded.rows, vec![0, 2]);
    assert_eq!(decoded.rejected[0].cause, Cause::Malformed);
    assert_eq!(decoded.rejected[0].message, "not UTF-8 from byte 7 on");
    assert_eq!(decoded.rejected[0].original, Bytes::from_static(b"{\"at\":\"\xff\"}"));
}

#[test]
fn a_last_line_without_its_newline_is_a_row() {
    assert_eq!(lines(GOOD.as_bytes()).unwrap().rows, vec![0]);
}

#[test]
fn a_deep_nesting_costs_no_stack() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let row = GOOD.replace("\"UA\"", &deep);
    let with_gate = GOOD.replace("{", &format!("{{\"gate\":{deep},"));
    let decoded = array(&format!("[{GOOD},{row},{deep},{with_gate}]")).unwrap();
    assert_eq!(decoded.rows, vec![0, 3]);
    assert_eq!(decoded.rejected[0].message, "column \"carrier\": a list is not str");
    assert_eq!(decoded.rejected[1].message, "the row is not an object");
}

#[test]
fn nothing_is_no_row() {
    assert_eq!(array("[]").unwrap().rows_total, 0);
    assert_eq!(lines(b"").unwrap().rows_total, 0);
    assert_eq!(decode(Payload::Batches(vec![]), &contract()).unwrap().rows_total, 0);
}

#[test]
fn unknown_columns_are_ignored_and_counted() {
    let row = r#"{"at":"2013-01-01T10:00:00Z","gate":"B4","carrier":"UA","delay":4,"gate":null}"#;
    let decoded = array(&format!("[{row}]")).unwrap();
    assert_eq!(decoded.rows, vec![0]);
    assert_eq!(decoded.quality.unknown_values, 2);
    assert_eq!(decoded.quality.unknown_names, ["gate".to_owned()].into());
}

#[test]
fn a_missing_column_that_may_be_null_is_null() {
    let decoded = array(&format!("[{GOOD}]")).unwrap();
    assert!(decoded.batch.column_by_name("seats").unwrap().is_null(0));
    assert!(decoded.batch.column_by_name("late").unwrap().is_null(0));
}

fn instants(values: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("America/New_York"))
}

const TEN_US: i64 = 1_357_034_400_000_000;

fn frame(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

fn carriers(rows: usize) -> ArrayRef {
    Arc::new(StringArray::from(vec!["UA"; rows]))
}

fn frame_refused(batch: RecordBatch, arrived_at: Option<&str>) -> (&'static str, String, String) {
    let contract = Contract::of_stream(&departures(), arrived_at).unwrap();
    let error = decode(Payload::Batches(vec![batch]), &contract).unwrap_err();
    (error.code, error.message, error.hint)
}

#[test]
fn a_frame_with_a_column_twice_is_refused_as_a_whole() {
    let batch =
        frame(vec![("at", instants(vec![TEN_US])), ("carrier", carriers(1)), ("x", carriers(1))]);
    let twice = vec!["at", "carrier", "carrier"];
    let fields = twice.into_iter().zip(batch.columns());
    let fields = fields.map(|(name, column)| (name, column.clone(), true));
    let batch = RecordBatch::try_from_iter_with_nullable(fields).unwrap();
    assert_eq!(
        frame_refused(batch, None),
        (
            "duplicate_column",
            "column \"carrier\" occurs twice".to_owned(),
            "rename or drop one of the two".to_owned()
        )
    );
}

#[test]
fn a_frame_without_the_arrivals_that_were_named_is_refused_as_a_whole() {
    let seen = instants(vec![TEN_US]);
    let batch =
        frame(vec![("at", instants(vec![TEN_US])), ("carrier", carriers(1)), ("seen_at", seen)]);
    assert_eq!(
        frame_refused(batch, Some("sene_at")),
        (
            "missing_arrivals",
            "there is no column \"sene_at\" with the arrivals".to_owned(),
            "did you mean seen_at?".to_owned()
        )
    );
}

#[test]
fn rows_of_which_none_has_the_arrivals_that_were_named_are_refused_as_a_whole() {
    let contract = Contract::of_stream(&departures(), Some("sene_at")).unwrap();
    let row = r#"{"at": 1, "carrier": "UA", "seen_at": 2}"#;
    for payload in [
        Payload::Ndjson(format!("{row}\n{row}\n{{").into()),
        Payload::JsonArray(format!("[{row}, {row}]").into()),
    ] {
        let error = decode(payload, &contract).unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str(), error.hint.as_str()),
            (
                "missing_arrivals",
                "there is no column \"sene_at\" with the arrivals",
                "did you mean seen_at?"
            )
        );
    }
    let one = format!("{row}\n{}\n", row.replace("seen_at", "sene_at"));
    let decoded = decode(Payload::Ndjson(one.into()), &contract).unwrap();
    assert_eq!(decoded.rejected.len(), 2, "a row that has it stands for itself");
    let broken = decode(Payload::Ndjson("{\n1".into()), &contract).unwrap();
    assert_eq!(broken.rejected.len(), 2, "of what is no row nothing is known");
}

#[test]
fn words_for_floats_are_read_in_any_row_of_json() {
    let words = [
        r#"{"at":1357034400000000,"carrier":"UA","delay":NaN}"#,
        r#"{"at": 1357034400000000, "carrier": "U\u0041", "delay": NaN, "more": [NaN]}"#,
        r#"{"delay": -Infinity, "carrier": "\"NaN\"", "at": 1357034400000000}"#,
        r#"{"at": 1357034400000000, "carrier": NaN, "delay": 1.0}"#,
        r#"{"at": 1357034400000000, "carrier": Infinity, "delay": 1.0}"#,
    ];
    for payload in [
        Payload::Ndjson(words.join("\n").into()),
        Payload::JsonArray(format!("[{}]", words.join(" ,\n")).into()),
    ] {
        let decoded = decode(payload, &contract()).unwrap();
        assert_eq!(decoded.rows, vec![0, 1, 2]);
        assert_eq!(decoded.quality.not_finite, 3);
        let told: Vec<(u32, Cause, &str, &[u8])> = decoded
            .rejected
            .iter()
            .map(|one| (one.row, one.cause, one.message.as_str(), one.original.as_ref()))
            .collect();
        let null = "column \"carrier\": null, but the column may not be null";
        let float = "column \"carrier\": inf is float, not str";
        assert_eq!(
            told,
            vec![
                (3, Cause::WrongType, null, words[3].as_bytes()),
                (4, Cause::WrongType, float, words[4].as_bytes()),
            ]
        );
    }
    for broken in ["NaNs", "1NaN", "nan", "-NaN", "NaN1", "NaN e"] {
        let row = words[0].replace("NaN", broken);
        let decoded = decode(Payload::Ndjson(row.clone().into()), &contract()).unwrap();
        assert_eq!(decoded.rejected[0].cause, Cause::Malformed, "{row}");
        let error = decode(Payload::JsonArray(format!("[{row}]").into()), &contract());
        assert_eq!(error.unwrap_err().code, "malformed_body", "{row}");
    }
}

#[test]
fn nan_and_infinities_become_null_and_are_counted() {
    let delays = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0];
    let batch = frame(vec![
        ("at", instants(vec![TEN_US; 4])),
        ("carrier", carriers(4)),
        ("delay", Arc::new(Float64Array::from(delays))),
    ]);
    let decoded = decode(Payload::Batches(vec![batch]), &contract()).unwrap();
    assert_eq!(decoded.rows, vec![0, 1, 2, 3]);
    assert_eq!(decoded.quality.not_finite, 3);
    let delay = decoded.batch.column_by_name("delay").unwrap();
    let delay = delay.as_any().downcast_ref::<Float64Array>().unwrap();
    assert_eq!((0..4).map(|row| delay.is_null(row)).collect::<Vec<_>>(), [true, true, true, false]);
    assert_eq!(delay.value(3).to_bits(), 0);
}

#[test]
fn what_rounding_costs_is_counted() {
    let body = r#"[{"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":0.1},
                   {"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":0.5}]"#;
    let quality = array(body).unwrap().quality;
    assert_eq!(quality.rounded, 1);
    let lost = (0.1_f64 * 2f64.powi(44)).round_ties_even() / 2f64.powi(44) - 0.1;
    assert_eq!(quality.rounding_max, lost.abs());
}

#[test]
fn bad_rows_of_a_frame_fail_alone_and_keep_their_values() {
    let batch = frame(vec![
        ("at", instants(vec![TEN_US, 1_357_034_400, TEN_US])),
        ("carrier", Arc::new(StringArray::from(vec![Some("UA"), Some("DL"), None]))),
        ("delay", Arc::new(Float64Array::from(vec![1.0, f64::NAN, 3.0]))),
        ("seats", Arc::new(UInt64Array::from(vec![180, 9, 10]))),
        ("late", Arc::new(BooleanArray::from(vec![true, false, true]))),
        ("gate", Arc::new(Int64Array::from(vec![1, 2, 3]))),
    ]);
    let decoded = decode(Payload::Batches(vec![batch.slice(0, 1), batch.slice(1, 2)]), &contract());
    let decoded = decoded.unwrap();
    assert_eq!(decoded.rows, vec![0]);
    assert_eq!(decoded.quality.unknown_values, 3);
    let told: Vec<_> = decoded
        .rejected
        .iter()
        .map(|r| {
            (r.row, r.cause.name(), r.message.as_str(), std::str::from_utf8(&r.original).unwrap())
        })
        .collect();
    assert_eq!(
        told,
        vec![
            (
                1,
                "time_out_of_range",
                "column \"at\": 1357034400 microseconds is 1970-01-01T00:22:37.0344Z, outside \
                 1971-01-01 .. 2200-01-01; it looks like seconds: declare hw.Timestamp(\"s\")",
                "{\"at\":\"1970-01-01T00:22:37.0344Z\",\"carrier\":\"DL\",\"delay\":NaN,\
                 \"seats\":9,\"late\":false,\"gate\":2}"
            ),
            (
                2,
                "wrong_type",
                "column \"carrier\": null, but the column may not be null",
                "{\"at\":\"2013-01-01T10:00:00Z\",\"carrier\":null,\"delay\":3.0,\"seats\":10,\
                 \"late\":true,\"gate\":3}"
            ),
        ]
    );
}

#[test]
fn every_row_of_a_frame_without_a_required_column_fails() {
    let batch = frame(vec![
        ("at", instants(vec![TEN_US; 2])),
        ("delay", Arc::new(Float64Array::from(vec![1.0, 2.0]))),
    ]);
    let decoded = decode(Payload::Batches(vec![batch]), &contract()).unwrap();
    assert_eq!(decoded.rows, Vec::<u32>::new());
    let told: Vec<_> =
        decoded.rejected.iter().map(|r| (r.cause.name(), r.message.as_str())).collect();
    let each = ("missing_column", "column \"carrier\": missing, and the column may not be null");
    assert_eq!(told, vec![each, each]);
}

/// What is said of a frame whose column `name` is `values`.
fn column_refused(name: &str, values: ArrayRef) -> (&'static str, String, String, String) {
    let mut columns = vec![
        ("at", instants(vec![TEN_US])),
        ("carrier", carriers(1)),
        ("delay", Arc::new(Float64Array::from(vec![1.0])) as ArrayRef),
    ];
    columns.retain(|(kept, _)| *kept != name);
    columns.push((name, values));
    refused(decode(Payload::Batches(vec![frame(columns)]), &contract()))
}

#[test]
fn naive_timestamps_are_refused_with_the_remedy() {
    let naive = Arc::new(TimestampNanosecondArray::from(vec![TEN_US * 1_000]));
    assert_eq!(
        column_refused("at", naive),
        (
            "wrong_type",
            "column \"at\" is Timestamp(ns) without a zone, not timestamp".to_owned(),
            String::new(),
            "its instants have no zone; make them aware, e.g. df[\"at\"].dt.tz_localize(\"UTC\")"
                .to_owned()
        )
    );
}

#[test]
fn a_column_of_the_wrong_type_is_refused_whole() {
    assert_eq!(
        column_refused("seats", Arc::new(Float64Array::from(vec![1.0]))),
        (
            "wrong_type",
            "column \"seats\" is Float64, not int".to_owned(),
            String::new(),
            "integers with gaps become floats in pandas; use df[\"seats\"].astype(\"Int64\")"
                .to_owned()
        )
    );
    assert_eq!(
        column_refused("delay", carriers(1)),
        (
            "wrong_type",
            "column \"delay\" is Utf8, not float".to_owned(),
            String::new(),
            "nothing but an integer for a float is converted".to_owned()
        )
    );
}

fn stream_of(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), batch.schema_ref()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn good_frame() -> RecordBatch {
    frame(vec![
        ("at", instants(vec![TEN_US, TEN_US + 1])),
        ("carrier", carriers(2)),
        ("delay", Arc::new(Float64Array::from(vec![1.0, 2.0]))),
    ])
}

#[test]
fn a_cut_arrow_stream_is_refused_wherever_it_is_cut() {
    let body = Bytes::from(stream_of(&good_frame()));
    for end in 0..body.len() {
        let refused = refused(decode(Payload::ArrowStream(body.slice(..end)), &contract()));
        assert_eq!(refused.1, "the body is not a whole Arrow IPC stream", "cut at {end}");
    }
    let whole = decode(Payload::ArrowStream(body), &contract()).unwrap();
    let direct = decode(Payload::Batches(vec![good_frame()]), &contract()).unwrap();
    assert_eq!(whole.batch, direct.batch);
}

#[test]
fn a_damaged_arrow_stream_is_an_error_or_another_value_and_never_a_crash() {
    let body = stream_of(&good_frame());
    for at in 0..body.len() {
        for bit in 0..8 {
            let mut damaged = body.clone();
            damaged[at] ^= 1 << bit;
            let _ = decode(Payload::ArrowStream(damaged.into()), &contract());
        }
    }
}

#[test]
fn arrivals_come_from_a_column_of_the_rows() {
    let contract = Contract::of_stream(&departures(), Some("seen_at")).unwrap();
    let body = r#"[{"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":4,
                    "seen_at":1357034400000007},
                   {"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":4},
                   {"at":"2013-01-01T10:00:00Z","carrier":"UA","delay":4,
                    "seen_at":"2013-01-01T11:00:00+01:00"}]"#;
    let decoded = decode(Payload::JsonArray(body.into()), &contract).unwrap();
    assert_eq!(decoded.arrived_at, Some(vec![TEN_US + 7, TEN_US]));
    assert_eq!(decoded.batch.num_columns(), 5);
    assert_eq!(
        decoded.rejected[0].message,
        "column \"seen_at\": missing, and the column may not be null"
    );
    let contract = Contract::of_stream(&departures(), Some("event_time")).unwrap();
    let decoded = decode(Payload::JsonArray(body.into()), &contract).unwrap();
    assert_eq!(decoded.arrived_at, Some(vec![TEN_US; 3]));
    let error = Contract::of_stream(&departures(), Some("carrier")).unwrap_err();
    assert_eq!(
        error.message,
        "arrived_at=\"carrier\" names a column of Departure that is not a timestamp"
    );
}
