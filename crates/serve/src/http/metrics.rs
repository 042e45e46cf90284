//! Metrics: what the server did and how fresh what it serves is, for Prometheus.
//!
//! Names carry their unit. Counters are added to where things happen; gauges of freshness are read
//! from the state when they are asked for.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use headwater_kernel::error::Result;
use headwater_kernel::plan::{Plan, Source};
use headwater_store::online::Online;
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::figures::Figures;
use super::state::App;
use crate::backend::Receipt;

/// Upper ends of the latency buckets, seconds: from a cached answer to a long training set.
const BUCKETS_SECONDS: [f64; 16] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    10.0, 60.0,
];

/// Content type of the text format.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteStatus {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stream {
    stream: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StreamCause {
    stream: String,
    cause: String,
}

/// The metrics of a server.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RouteStatus, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    buffered: Gauge,
    accepted: Family<Stream, Counter>,
    duplicates: Family<Stream, Counter>,
    rejected: Family<StreamCause, Counter>,
    staleness: Family<Stream, Gauge<f64, std::sync::atomic::AtomicU64>>,
    watermark_lag: Family<Stream, Gauge<f64, std::sync::atomic::AtomicU64>>,
    figures: Figures,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Registers all of them.
    pub fn new() -> Self {
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("headwater")),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS_SECONDS)),
            in_flight: Gauge::default(),
            buffered: Gauge::default(),
            accepted: Family::default(),
            duplicates: Family::default(),
            rejected: Family::default(),
            staleness: Family::default(),
            watermark_lag: Family::default(),
            figures: Figures::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&self) {
        let mut registry = self.registry.lock();
        self.figures.register(&mut registry);
        registry.register("http_requests", "Requests answered", self.requests.clone());
        registry.register_with_unit(
            "http_request",
            "Time from a request's head to its reply",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register("http_in_flight", "Requests in flight", self.in_flight.clone());
        registry.register_with_unit(
            "http_bodies_held",
            "Bodies of requests in memory",
            Unit::Bytes,
            self.buffered.clone(),
        );
        registry.register("rows_accepted", "Rows pushed and applied", self.accepted.clone());
        registry.register("rows_duplicate", "Rows pushed before", self.duplicates.clone());
        registry.register("rows_rejected", "Rows rejected, by cause", self.rejected.clone());
        registry.register_with_unit(
            "staleness",
            "Clock minus the last visible arrival",
            Unit::Seconds,
            self.staleness.clone(),
        );
        registry.register_with_unit(
            "watermark_lag",
            "Clock minus the watermark",
            Unit::Seconds,
            self.watermark_lag.clone(),
        );
    }

    /// Counts a request as begun.
    pub fn began(&self) {
        self.in_flight.inc();
    }

    /// Counts a request as ended, however it ended.
    pub fn ended(&self) {
        self.in_flight.dec();
    }

    /// Counts a reply.
    pub fn answered(&self, route: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&RouteStatus { route, status }).inc();
        self.seconds.get_or_create(&Route { route }).observe(took.as_secs_f64());
    }

    /// Counts the rows of a push.
    pub fn pushed(&self, stream: &str, receipt: &Receipt) {
        let labels = Stream { stream: stream.to_owned() };
        self.accepted.get_or_create(&labels).inc_by(receipt.accepted);
        self.duplicates.get_or_create(&labels).inc_by(receipt.duplicates);
        for (cause, rows) in &receipt.rejected {
            let labels = StreamCause { stream: stream.to_owned(), cause: cause.clone() };
            self.rejected.get_or_create(&labels).inc_by(*rows);
        }
    }

    /// All metrics as text, freshness and the status read now.
    ///
    /// # Errors
    /// Kind `closed` after the state was closed.
    pub fn text(&self, app: &App) -> Result<String> {
        // A status that is no JSON has no figures; the route of the status shows it as it is.
        let status = serde_json::from_slice(&app.backend.status()?).unwrap_or_default();
        self.figures.refresh(&status);
        self.buffered.set(i64::try_from(app.buffered.used()).unwrap_or(i64::MAX));
        self.refresh(app.backend.online())?;
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry.lock());
        Ok(text)
    }

    fn refresh(&self, online: &dyn Online) -> Result<()> {
        let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let clock_us = i64::try_from(clock.as_micros()).unwrap_or(i64::MAX);
        let behind = |us: i64| (clock_us - us) as f64 / 1e6;
        let plan = online.plan();
        let epoch = online.open_epoch()?;
        for (source, view) in one_view_a_source(&plan) {
            let labels = Stream { stream: source.to_owned() };
            if let Some(arrival) = epoch.last_arrival_at(view) {
                self.staleness.get_or_create(&labels).set(behind(arrival));
            }
            if let Some(watermark) = epoch.watermark(view) {
                self.watermark_lag.get_or_create(&labels).set(behind(watermark));
            }
        }
        Ok(())
    }
}

/// Each stream and table that a view reads, with one such view.
fn one_view_a_source(plan: &Plan) -> BTreeMap<&str, usize> {
    let name = |source| match source {
        Source::Section(section) => {
            plan.blueprint.streams[plan.sections[section].stream].name.as_str()
        }
        Source::Table(table) => plan.blueprint.tables[table].name.as_str(),
    };
    plan.views.iter().enumerate().map(|(index, view)| (name(view.source), index)).collect()
}
