//! A test double of a backend: it answers what a test puts into it, and keeps what was pushed.
//!
//! It exists so that lookup and HTTP are tested without an engine; it folds nothing. The engine is
//! tested behind the same server where both are known.
#![allow(dead_code)]

pub mod client;
pub mod server;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrow_array::builder::Int64Builder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use headwater_kernel::blueprint::Blueprint;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::{Plan, Source};
use headwater_kernel::value::Cell;
use headwater_serve::Backend;
use headwater_serve::backend::{Page, Payload, PushOptions, Receipt, TrainingOptions};
use headwater_store::online::{Epoch, EpochId, HistoryRows, Online, Positions};
use parking_lot::{Mutex, RwLock};
use serde_json::json;

/// 2013-07-01T12:00:00Z.
pub const NOON: i64 = 1_372_680_000_000_000;

/// Canonical bytes of a key of one string.
pub fn key(text: &str) -> Vec<u8> {
    let mut bytes = vec![4];
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

fn feature(column: &str, aggregate: &str, kind: serde_json::Value) -> serde_json::Value {
    let input = match aggregate {
        "count" => serde_json::Value::Null,
        _ => json!({"tree": {"op": "column", "name": "delay"}, "type": "float", "fallible": false}),
    };
    json!({"column": column, "name": column, "type": {"scalar": kind}, "compute": {
        "kind": "aggregate", "aggregate": aggregate, "input": input, "where": null, "n": null,
        "window": {"kind": "sliding", "width_us": 3_600_000_000_i64, "resolution_us": 60_000_000}}})
}

fn column(name: &str, kind: &str) -> serde_json::Value {
    json!({"name": name, "type": kind, "nullable": true})
}

fn key_of(name: &str, kind: &str) -> serde_json::Value {
    json!({"name": name, "type": kind, "column": name})
}

/// Views Carrier (key carrier), Route (keys origin and dest) and Seats (a table, key tail); the
/// services delay_model (columns of all three out of their order), shared with a role.
pub fn plan() -> Arc<Plan> {
    let departure = json!({"name": "Departure", "time": "departed_at", "id": null, "order": null,
        "lateness_us": 60_000_000, "skew_us": 0, "dedup_us": null, "max_age_us": null,
        "idle_us": 60_000_000, "version": "s1", "columns": [
            {"name": "departed_at", "type": "timestamp", "nullable": false},
            column("carrier", "str"), column("origin", "str"), column("dest", "str"),
            column("delay", "float")]});
    let plane = json!({"name": "Plane", "key": ["tail"], "valid_from": null, "timeless": true,
        "delay_us": 0, "ttl_us": null, "version": "t1",
        "columns": [column("tail", "str"), column("seats", "int")]});
    let view = |name: &str, keys: serde_json::Value, features: serde_json::Value| {
        json!({"name": name, "stream": "Departure", "table": null, "keys": keys, "where": null,
            "include_current": false, "events_max": 100, "features": features,
            "version": format!("v-{name}")})
    };
    let carrier = view(
        "Carrier",
        json!([key_of("carrier", "str")]),
        json!([
            feature("carrier__flights_1h", "count", json!("int")),
            feature("carrier__delay_1h", "mean", json!("float"))
        ]),
    );
    let route = view(
        "Route",
        json!([key_of("origin", "str"), key_of("dest", "str")]),
        json!([feature("route__flights_1h", "count", json!("int"))]),
    );
    let mut seats = view("Seats", json!([key_of("tail", "str")]), json!([]));
    seats["stream"] = json!(null);
    seats["table"] = json!("Plane");
    seats["features"] = json!([{"column": "seats__seats", "name": "seats",
        "type": {"scalar": "int"}, "compute": {"kind": "column", "source": "seats"}}]);
    let text = |name: &str| json!({"name": name, "type": "str"});
    let output = |name: &str, input: usize, column: &str| {
        let (name, input) = (json!(name), json!(input));
        json!({"name": name, "input": input, "column": column})
    };
    let delay_model = json!({"name": "delay_model", "version": "m1",
        "keys": [text("tail"), text("carrier"), text("origin"), text("dest")],
        "inputs": [
            {"view": "Carrier", "role": null, "keys": ["carrier"]},
            {"view": "Route", "role": null, "keys": ["origin", "dest"]},
            {"view": "Seats", "role": null, "keys": ["tail"]}],
        "columns": [
            output("seats__seats", 2, "seats__seats"),
            output("carrier__delay_1h", 0, "carrier__delay_1h"),
            output("route__flights_1h", 1, "route__flights_1h")]});
    let rivals = json!({"name": "rivals", "version": "m2", "keys": [text("carrier"), text("rival")],
        "inputs": [
            {"view": "Carrier", "role": null, "keys": ["carrier"]},
            {"view": "Carrier", "role": "rival", "keys": ["rival"]}],
        "columns": [
            output("carrier__flights_1h", 0, "carrier__flights_1h"),
            output("carrier__delay_1h", 0, "carrier__delay_1h"),
            output("rival__carrier__flights_1h", 1, "carrier__flights_1h"),
            output("rival__carrier__delay_1h", 1, "carrier__delay_1h")]});
    let blueprint: Blueprint = serde_json::from_value(json!({"format": 1, "meaning": 1,
        "streams": [departure], "tables": [plane], "views": [carrier, route, seats],
        "services": [delay_model, rivals]}))
    .expect("the blueprint has the shape of its format");
    Arc::new(Plan::new(blueprint).expect("the blueprint derives"))
}

/// What the double answers with.
#[derive(Default)]
pub struct Script {
    /// The clock and the sealed instant of the stream.
    pub now: i64,
    pub sealed_at: Option<i64>,
    pub newest_event_at: Option<i64>,
    /// Features by view and key bytes.
    pub rows: HashMap<(usize, Vec<u8>), Vec<Cell>>,
    /// Features by view and key bytes before the sealed instant.
    pub archive: HashMap<(usize, Vec<u8>), Vec<Cell>>,
    /// The offset after the last visible event.
    pub visible: u64,
    /// Instants asked of `read`, to show that one question reads at one.
    pub asked: Mutex<Vec<i64>>,
    pub epochs_opened: Mutex<u64>,
}

/// The double.
pub struct Double {
    pub plan: Arc<Plan>,
    pub script: RwLock<Script>,
    pub pushed: Mutex<Vec<(String, Payload, PushOptions)>>,
    pub delay: Mutex<Duration>,
    pub unready: AtomicBool,
    pub cancelled: AtomicBool,
    pub labels: Mutex<Option<RecordBatch>>,
}

impl Double {
    pub fn new(script: Script) -> Self {
        Self {
            plan: plan(),
            script: RwLock::new(script),
            pushed: Mutex::default(),
            delay: Mutex::default(),
            unready: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            labels: Mutex::default(),
        }
    }

    fn empty(&self, view: usize) -> Vec<Cell> {
        vec![Cell::default(); self.plan.views[view].features.len()]
    }
}

impl Online for Double {
    fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    fn open_epoch(&self) -> Result<Box<dyn Epoch + '_>> {
        *self.script.read().epochs_opened.lock() += 1;
        Ok(Box::new(Opened { double: self, script: self.script.read() }))
    }

    fn history(
        &self,
        epoch: EpochId,
        view: usize,
        keys: &[Option<Vec<u8>>],
        _t: i64,
    ) -> Result<HistoryRows> {
        assert_eq!(epoch, EpochId { term: 1, sequence: 9 });
        let script = self.script.read();
        let mut rows = HistoryRows::default();
        for key in keys {
            let cells = key.as_ref().and_then(|key| script.archive.get(&(view, key.clone())));
            rows.found.push(cells.is_some());
            rows.cells.extend(cells.cloned().unwrap_or_else(|| self.empty(view)));
        }
        Ok(rows)
    }

    fn wait_for(&self, positions: &Positions, deadline: Instant) -> Result<()> {
        let end = positions.values().flat_map(|parts| parts.values()).map(|range| range.1).max();
        while self.script.read().visible < end.unwrap_or(0) {
            if Instant::now() >= deadline {
                return Err(Error::new(Kind::Unavailable, "deadline", "the deadline passed"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

struct Opened<'a> {
    double: &'a Double,
    script: parking_lot::RwLockReadGuard<'a, Script>,
}

impl Opened<'_> {
    fn of_stream(&self, view: usize) -> bool {
        matches!(self.double.plan.views[view].source, Source::Section(_))
    }
}

impl Epoch for Opened<'_> {
    fn id(&self) -> EpochId {
        EpochId { term: 1, sequence: 9 }
    }

    fn choose_t(&self, at: Option<i64>, _views: &[usize]) -> i64 {
        at.unwrap_or(self.script.now)
    }

    fn sealed_at(&self, view: usize) -> Option<i64> {
        self.script.sealed_at.filter(|_| self.of_stream(view))
    }

    fn read(&self, view: usize, key: Option<&[u8]>, t: i64, out: &mut Vec<Cell>) -> bool {
        self.script.asked.lock().push(t);
        let cells = key.and_then(|key| self.script.rows.get(&(view, key.to_vec())));
        out.extend(cells.cloned().unwrap_or_else(|| self.double.empty(view)));
        cells.is_some()
    }

    fn positions(&self, view: usize) -> Positions {
        let name = if self.of_stream(view) { "Departure" } else { "Plane" };
        BTreeMap::from([(name.into(), BTreeMap::from([(0, (0, self.script.visible))]))])
    }

    fn watermark(&self, _view: usize) -> Option<i64> {
        self.script.newest_event_at.map(|newest| newest - 60_000_000)
    }

    fn newest_event_at(&self, _view: usize) -> Option<i64> {
        self.script.newest_event_at
    }

    fn last_arrival_at(&self, _view: usize) -> Option<i64> {
        self.script.sealed_at
    }
}

impl Backend for Double {
    fn online(&self) -> &dyn Online {
        self
    }

    fn ready(&self) -> Result<()> {
        match self.unready.load(Ordering::SeqCst) {
            true => Err(Error::new(Kind::Unavailable, "recovering", "recovery goes on")),
            false => Ok(()),
        }
    }

    fn push(&self, stream: &str, rows: Payload, options: &PushOptions) -> Result<Receipt> {
        if stream != "Departure" {
            return Err(Error::new(Kind::NotFound, "unknown_stream", "no such stream")
                .with_hint("did you mean Departure?"));
        }
        std::thread::sleep(*self.delay.lock());
        self.pushed.lock().push((stream.into(), rows, options.clone()));
        let body = br#"{"accepted":2,"duplicates":1,"rejected":[],"positions":{}}"#.to_vec();
        let rejected = vec![("wrong_type".into(), 3)];
        Ok(Receipt { accepted: 2, duplicates: 1, rejected, body })
    }

    fn put(&self, table: &str, rows: Payload, options: &PushOptions) -> Result<Receipt> {
        self.pushed.lock().push((table.into(), rows, options.clone()));
        Ok(Receipt { body: b"{}".to_vec(), ..Receipt::default() })
    }

    fn training_set(
        &self,
        service: &str,
        labels: RecordBatch,
        _options: &TrainingOptions,
        cancelled: &AtomicBool,
    ) -> Result<RecordBatch> {
        if service != "delay_model" {
            return Err(Error::new(Kind::NotFound, "unknown_name", "no such service"));
        }
        let until = Instant::now() + *self.delay.lock();
        while Instant::now() < until {
            if cancelled.load(Ordering::SeqCst) {
                self.cancelled.store(true, Ordering::SeqCst);
                return Err(Error::new(Kind::Unavailable, "cancelled", "told to stop"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        *self.labels.lock() = Some(labels.clone());
        let mut seats = Int64Builder::new();
        (0..labels.num_rows()).for_each(|row| seats.append_value(100 + row as i64));
        let mut fields = labels.schema().fields().to_vec();
        fields.push(Arc::new(Field::new("seats__seats", DataType::Int64, true)));
        let mut arrays: Vec<ArrayRef> = labels.columns().to_vec();
        arrays.push(Arc::new(seats.finish()));
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("equal lengths"))
    }

    fn dead_letters(&self, stream: &str, page: &Page) -> Result<Vec<u8>> {
        let body = json!({"letters": [stream, page.limit, page.after], "next": null});
        Ok(body.to_string().into_bytes())
    }

    fn dead_letter(&self, stream: &str, id: &str) -> Result<Vec<u8>> {
        Ok(json!({"stream": stream, "id": id}).to_string().into_bytes())
    }

    fn replay_dead_letter(&self, _stream: &str, id: &str) -> Result<Vec<u8>> {
        Ok(json!({"replayed": id}).to_string().into_bytes())
    }

    fn discard_dead_letter(&self, _stream: &str, id: &str) -> Result<Vec<u8>> {
        Err(Error::new(Kind::Conflict, "already_discarded", format!("{id} was discarded")))
    }

    fn status(&self) -> Result<Vec<u8>> {
        let quality = json!({"not_finite": 2, "unknown_columns": []});
        let stream = json!({"dead_letters_open": 4, "quality": quality});
        let status = json!({"streams": {"Departure": stream}, "state": {"keys": 3, "bytes": 99}});
        Ok(status.to_string().into_bytes())
    }
}
