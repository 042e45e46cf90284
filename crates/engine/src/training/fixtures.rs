//! A small world for tests of training sets: trips of drivers, cars, weather and prices, with
//! every kind of window and table. Instants are minutes from ten o'clock of 1 January 2013.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use headwater_kernel::error::Result;
use headwater_kernel::value::Value;
use serde_json::{Value as Json, json};

use super::*;
use crate::transform::fixtures::{column, expression, feature, plan, read, stream, view};
use crate::transform::value_at;

const TEN_US: i64 = 1_357_034_400_000_000;
const MINUTE_US: i64 = 60_000_000;

/// An instant by its minute.
pub(super) fn at(minute: f64) -> i64 {
    TEN_US + (minute * MINUTE_US as f64) as i64
}

fn table(name: &str, columns: Json, key: &str, valid_from: Option<&str>, timeless: bool) -> Json {
    json!({
        "name": name, "columns": columns, "key": [key], "valid_from": valid_from,
        "timeless": timeless, "delay_us": 0, "ttl_us": null, "version": name,
    })
}

fn table_view(name: &str, table: &str, key: &str, columns: &[(&str, &str)]) -> Json {
    let features: Vec<Json> = columns
        .iter()
        .map(|(column, kind)| {
            json!({
                "column": format!("{}__{column}", name.to_lowercase()), "name": column,
                "type": {"scalar": kind}, "compute": {"kind": "column", "source": column},
            })
        })
        .collect();
    json!({
        "name": name, "stream": null, "table": table,
        "keys": [{"name": key, "type": "str", "column": key}],
        "where": null, "include_current": false, "events_max": 100_000,
        "features": features, "version": name,
    })
}

fn trips_views() -> [Json; 2] {
    let hour = json!({"kind": "sliding", "width_us": 60 * MINUTE_US, "resolution_us": MINUTE_US});
    let exact = json!({"kind": "exact", "width_us": 10 * MINUTE_US});
    let lifetime = json!({"kind": "lifetime"});
    let long =
        expression(json!(["gt", ["col", "fare"], ["float", "15"]]), "bool", false, "fare > 15");
    let make =
        |name: &str, aggregate: &str, input: Json, filter: Json, window: &Json, kind: &str| {
            feature(name, aggregate, input, filter, window.clone(), json!({"scalar": kind}))
        };
    let fare = || read("fare", "float");
    let mut recent = make("trips__recent", "last", fare(), Json::Null, &lifetime, "float");
    recent["type"] = json!({"list": "float"});
    recent["compute"]["n"] = json!(2);
    let trips = view(
        "Trips",
        "Trip",
        "driver",
        Json::Null,
        json!([
            make("trips__n_1h", "count", Json::Null, Json::Null, &hour, "int"),
            make("trips__long_1h", "count", Json::Null, long, &hour, "int"),
            make("trips__fare_10m", "sum", fare(), Json::Null, &exact, "float"),
            make("trips__last", "last", fare(), Json::Null, &lifetime, "float"),
            make("trips__best_1h", "max", fare(), Json::Null, &hour, "float"),
            make("trips__place", "last", read("place", "str"), Json::Null, &lifetime, "str"),
            recent,
        ]),
    );
    let mut now = view(
        "Now",
        "Trip",
        "driver",
        Json::Null,
        json!([
            make("now__n_1h", "count", Json::Null, Json::Null, &hour, "int"),
            make("now__fare_10m", "sum", fare(), Json::Null, &exact, "float"),
        ]),
    );
    now["include_current"] = json!(true);
    [trips, now]
}

/// The transform of the world.
pub(super) fn world() -> Transform {
    let [trips, now] = trips_views();
    let zoned = |name: &str| json!({"name": name, "type": "timestamp", "nullable": false});
    let mut weather = table(
        "Weather",
        json!([column("place", "str"), zoned("valid_at"), column("temp", "float")]),
        "place",
        Some("valid_at"),
        false,
    );
    weather["delay_us"] = json!(60 * MINUTE_US);
    weather["ttl_us"] = json!(180 * MINUTE_US);
    let tables = json!([
        table(
            "Car",
            json!([column("driver", "str"), column("seats", "int")]),
            "driver",
            None,
            true
        ),
        weather,
        table(
            "Price",
            json!([column("place", "str"), column("rate", "float")]),
            "place",
            None,
            false
        ),
    ]);
    let cars = table_view("Cars", "Car", "driver", &[("seats", "int")]);
    let sky = table_view("Sky", "Weather", "place", &[("temp", "float")]);
    let prices = table_view("Prices", "Price", "place", &[("rate", "float")]);
    let other = json!({"view": "Trips", "role": "other", "keys": ["rival"]});
    let services = json!([{
        "name": "duel",
        "keys": [{"name": "driver", "type": "str"}, {"name": "rival", "type": "str"}],
        "inputs": [{"view": "Trips", "role": null, "keys": ["driver"]}, other],
        "columns": [
            {"name": "other__trips__n_1h", "input": 1, "column": "trips__n_1h"},
            {"name": "trips__n_1h", "input": 0, "column": "trips__n_1h"},
        ],
        "version": "duel",
    }]);
    let columns = [("driver", "str"), ("fare", "float"), ("place", "str"), ("ride", "str")];
    let streams = json!([stream("Trip", &columns, Some("ride"))]);
    let plan = plan(streams, tables, json!([trips, now, cars, sky, prices]), services);
    Transform::new(plan).expect("the world's expressions fit its streams")
}

/// Label rows: each with a driver (also the rival and the place) and an instant.
pub(super) fn labels(rows: &[(Option<&str>, i64)]) -> RecordBatch {
    let names = || -> ArrayRef { Arc::new(rows.iter().map(|row| row.0).collect::<StringArray>()) };
    let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.1));
    let columns: [(&str, ArrayRef); 4] = [
        ("driver", names()),
        ("asked_at", Arc::new(times.with_timezone("UTC"))),
        ("rival", names()),
        ("place", names()),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap()
}

/// A frame of JSON rows.
pub(super) fn frame(name: &str, rows: Json) -> Frame {
    let payload = crate::decode::Payload::JsonArray(rows.to_string().into());
    Frame { name: name.to_owned(), payload }
}

/// Asks a target of frames.
pub(super) fn ask(
    target: &str,
    labels: &[RecordBatch],
    frames: Vec<Frame>,
    as_of: AsOf,
    arrived_at: Option<&str>,
) -> Result<(TrainingSet, Vec<FrameReport>)> {
    let cancelled = AtomicBool::new(false);
    let options = TrainingOptions {
        time: "asked_at".to_owned(),
        as_of,
        continues: None,
        threads: 2,
        cancelled: &cancelled,
        progress: None,
    };
    let frame_options = FrameOptions { arrived_at: arrived_at.map(str::to_owned) };
    point_in_time_of_frames(&world(), target, labels, frames, &frame_options, &options)
}

/// The values of a column.
pub(super) fn values(set: &TrainingSet, column: &str) -> Vec<Value> {
    let column = set.batch.column_by_name(column).expect("the column is there");
    (0..column.len()).map(|row| value_at(column, row)).collect()
}

/// Found of the first view.
pub(super) fn found(set: &TrainingSet) -> Vec<bool> {
    set.views[0].found.iter().collect()
}
