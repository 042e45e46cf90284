//! Definitions, rows and questions that the tests of the engine share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use bytes::Bytes;
use headwater_kernel::blueprint::Blueprint;
use headwater_kernel::key::encode_key;
use headwater_kernel::value::{Cell, Value};
use headwater_store::online::Online;
use serde_json::{Value as Json, json};

use crate::clock::HandClock;
use crate::decode::Payload;
use crate::engine::Engine;
use crate::files::fake::Fake;
use crate::options::{OpenOptions, PushOptions};
use crate::receipt::Receipt;

/// 2024-01-01T00:00:00Z.
pub const START: i64 = 1_704_067_200_000_000;

/// One minute.
pub const MINUTE: i64 = 60_000_000;

/// A folder of one test, empty at first and gone at its end.
pub struct Folder(PathBuf);

impl Folder {
    /// `name` is of no other test.
    pub fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("headwater-{name}-{}", std::process::id()));
        fs::create_dir(&path).expect("the folder is new");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind fails no test.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn column(name: &str, data_type: &str, nullable: bool) -> Json {
    json!({"name": name, "type": data_type, "nullable": nullable})
}

fn input(name: &str, data_type: &str) -> Json {
    json!({"tree": ["col", name], "type": data_type, "fallible": false, "text": name})
}

/// A feature of a view.
pub fn feature(column: &str, aggregate: &str, of: Option<Json>, window: Json, kind: Json) -> Json {
    let n = if kind.get("list").is_some() { json!(3) } else { Json::Null };
    json!({
        "column": column, "name": column, "type": kind,
        "compute": {"kind": "aggregate", "aggregate": aggregate, "input": of, "where": null,
                    "n": n, "window": window},
    })
}

fn view(name: &str, stream: &str, key: &str, version: &str, features: Vec<Json>) -> Json {
    json!({
        "name": name, "stream": stream, "table": null,
        "keys": [{"name": key, "type": "str", "column": key}], "where": null,
        "include_current": false, "events_max": 1000, "features": features, "version": version,
    })
}

/// One hour by minutes.
pub fn hour() -> Json {
    json!({"kind": "sliding", "width_us": 3_600_000_000_i64, "resolution_us": 60_000_000})
}

fn views() -> Vec<Json> {
    let amount = || Some(input("amount", "float"));
    let day = json!({"kind": "sliding", "width_us": 86_400_000_000_i64,
                     "resolution_us": 1_800_000_000_i64});
    let exact = json!({"kind": "exact", "width_us": 600_000_000});
    let parsed = json!({"tree": ["cast", "int", ["col", "note"]], "type": "int",
                        "fallible": true, "text": "CAST(note AS int)"});
    let list = json!({"list": "float"});
    let lifetime = json!({"kind": "lifetime"});
    vec![
        view(
            "UserRides",
            "Ride",
            "user",
            "1",
            vec![
                feature("rides", "count", None, hour(), json!({"scalar": "int"})),
                feature("spent", "sum", amount(), hour(), json!({"scalar": "float"})),
                feature("mean", "mean", amount(), day.clone(), json!({"scalar": "float"})),
                feature("recent", "last", amount(), day, list),
                feature("most", "max", amount(), exact, json!({"scalar": "float"})),
                feature("ever", "count", None, lifetime, json!({"scalar": "int"})),
            ],
        ),
        view(
            "Parsed",
            "Ride",
            "user",
            "1",
            vec![feature("total", "sum", Some(parsed), hour(), json!({"scalar": "int"}))],
        ),
        view(
            "Visits",
            "Visit",
            "user",
            "1",
            vec![feature("visits", "count", None, hour(), json!({"scalar": "int"}))],
        ),
        json!({
            "name": "PlaceNow", "stream": null, "table": "Place",
            "keys": [{"name": "place", "type": "str", "column": "place"}], "where": null,
            "include_current": false, "events_max": 1000, "version": "1",
            "features": [{"column": "size", "name": "size", "type": {"scalar": "int"},
                          "compute": {"kind": "column", "source": "size"}}],
        }),
    ]
}

fn stream(name: &str, columns: Vec<Json>, id: Option<&str>) -> Json {
    json!({
        "name": name, "columns": columns, "time": "at", "id": id, "order": null,
        "lateness_us": 3_600_000_000_i64, "skew_us": 600_000_000, "max_age_us": null,
        "dedup_us": id.map(|_| 86_400_000_000_i64), "idle_us": 60_000_000, "version": "1",
    })
}

/// The definitions as JSON, for tests that change them.
pub fn definitions() -> Json {
    let ride = vec![
        column("at", "timestamp", false),
        column("ride_id", "str", true),
        column("user", "str", true),
        column("amount", "float", true),
        column("note", "str", true),
    ];
    let visit = vec![column("at", "timestamp", false), column("user", "str", false)];
    let place = vec![
        column("place", "str", false),
        column("valid_at", "timestamp", false),
        column("size", "int", true),
    ];
    json!({
        "format": 1, "meaning": 1,
        "streams": [stream("Ride", ride, Some("ride_id")), stream("Visit", visit, None)],
        "tables": [{"name": "Place", "columns": place, "key": ["place"], "valid_from": "valid_at",
                    "timeless": false, "delay_us": 0, "ttl_us": null, "version": "1"}],
        "views": views(),
        "services": [{"name": "all", "keys": [{"name": "user", "type": "str"}],
                      "inputs": [{"view": "UserRides", "role": null, "keys": ["user"]}],
                      "columns": [{"name": "rides", "input": 0, "column": "rides"},
                                  {"name": "spent", "input": 0, "column": "spent"}],
                      "version": "1"}],
    })
}

/// Definitions of JSON.
pub fn blueprint(json: Json) -> Blueprint {
    serde_json::from_value(json).expect("a blueprint")
}

/// An engine's world: its disk and its clock.
pub struct World {
    pub disk: Fake,
    pub clock: Arc<HandClock>,
    pub definitions: Json,
    pub segment_bytes: u64,
}

impl World {
    /// An empty disk at `START`.
    pub fn new(seed: u64) -> Self {
        let clock = Arc::new(HandClock::new(START));
        let disk = Fake::new(seed);
        Self { disk, clock, definitions: definitions(), segment_bytes: 20_000 }
    }

    /// Options to open the disk with.
    pub fn options(&self) -> OpenOptions {
        OpenOptions {
            files: Some(Arc::new(self.disk.clone())),
            clock: self.clock.clone(),
            checkpoint_bytes: None,
            segment_bytes: self.segment_bytes,
            ..OpenOptions::new(blueprint(self.definitions.clone()))
        }
    }

    /// Opens the disk.
    pub fn open(&self) -> Engine {
        Engine::open(&self.options()).expect("open")
    }

    /// The same world after a power cut.
    pub fn cut(&self) -> Self {
        Self {
            disk: self.disk.cut(),
            clock: self.clock.clone(),
            definitions: self.definitions.clone(),
            segment_bytes: self.segment_bytes,
        }
    }
}

/// A ride as a JSON row.
pub fn ride(at: i64, id: &str, user: &str, amount: f64) -> Json {
    json!({"at": at, "ride_id": id, "user": user, "amount": amount, "note": "1"})
}

/// Rows as a payload.
pub fn rows(rows: &[Json]) -> Payload {
    Payload::JsonArray(Bytes::from(serde_json::to_vec(rows).expect("json")))
}

/// Pushes rides stamped by the clock.
pub fn push(engine: &Engine, rides: &[Json]) -> Receipt {
    engine.push("Ride", rows(rides), &PushOptions::default()).expect("push")
}

/// Canonical bytes of a key.
pub fn key(user: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(encode_key(&[Value::Str(user.into())], &mut bytes));
    bytes
}

/// What a view says of a key at `t`, and whether it was found.
pub fn read(engine: &Engine, view: &str, user: &str, t: i64) -> (bool, Vec<Cell>) {
    let index = engine.plan().view_index(view).expect("view");
    let epoch = engine.online().open_epoch().expect("open");
    let mut cells = Vec::new();
    let found = epoch.read(index, Some(&key(user)), t, &mut cells);
    (found, cells)
}

/// Values alone.
pub fn values(engine: &Engine, view: &str, user: &str, t: i64) -> Vec<Value> {
    read(engine, view, user, t).1.into_iter().map(|cell| cell.value).collect()
}

/// Everything that can be asked of some users at some instants from S on.
pub fn everything(engine: &Engine) -> Vec<(String, String, i64, bool, Vec<Cell>)> {
    let mut out = Vec::new();
    for (index, view) in engine.plan().views.iter().enumerate() {
        let sealed_at = engine.online().open_epoch().expect("open").sealed_at(index);
        for user in ["ann", "bob", "cid", "dan", "nobody"] {
            for ahead in [0, 1, 7 * MINUTE, 61 * MINUTE, 26 * 60 * MINUTE] {
                let t = sealed_at.unwrap_or(START) + ahead;
                let (found, cells) = read(engine, &view.name, user, t);
                out.push((view.name.clone(), user.to_string(), t, found, cells));
            }
        }
    }
    out
}

/// What the status says, without what differs between openings.
pub fn lasting_status(engine: &Engine) -> Json {
    let mut status = engine.status().expect("status");
    for name in ["epoch", "opening", "owner", "checkpoint", "log", "state"] {
        status.as_object_mut().expect("object").remove(name);
    }
    status
}

/// Does a wait on the read contract end well?
pub fn waited(online: &dyn Online, receipt: &Receipt) -> bool {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    online.wait_for(&receipt.positions, deadline).is_ok()
}
