//! What all handlers share: the backend, the lookup, the bounds and the metrics.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::HeaderMap;
use headwater_kernel::error::{Error, Kind, Result};
use tokio::time::{Duration, Instant};

use super::admission::Bound;
use super::metrics::Metrics;
use super::options::ServerOptions;
use super::work::{Gate, stopping};
use crate::backend::Backend;
use crate::lookup::Lookup;

/// The request header with a client's own deadline, milliseconds.
pub const DEADLINE_HEADER: &str = "headwater-deadline-ms";

/// What a request costs, and so in which queue it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Features and everything else that reads.
    Read,
    /// Events and rows of tables.
    Write,
    /// Training sets.
    Training,
    /// Health, readiness, status and metrics: always let in.
    Operation,
}

/// What all handlers share.
pub struct App {
    /// The state and its verbs.
    pub backend: Arc<dyn Backend>,
    /// From a question to its answer.
    pub lookup: Arc<Lookup>,
    /// The settings.
    pub options: ServerOptions,
    /// Requests, events, staleness.
    pub metrics: Metrics,
    /// Requests for features in flight.
    pub reads: Bound,
    /// Pushes and puts in flight.
    pub writes: Bound,
    /// Training sets in flight.
    pub trainings: Bound,
    /// Bytes of bodies held.
    pub buffered: Bound,
    /// Pushes and puts that run.
    pub write_gate: Gate,
    /// Training sets that run.
    pub training_gate: Gate,
    /// Waits, archive reads and dead letters that run.
    pub slow_gate: Gate,
    /// Status requests that run: apart, so that no load keeps an operator out.
    pub operation_gate: Gate,
    stopped: AtomicBool,
}

/// Status requests that run at once.
const OPERATIONS_RUNNING: usize = 2;

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("options", &self.options).finish_non_exhaustive()
    }
}

impl App {
    /// The state of a server over `backend`.
    pub fn new(backend: Arc<dyn Backend>, options: ServerOptions) -> Self {
        let lookup = Arc::new(Lookup::new(backend.online().plan()));
        Self {
            metrics: Metrics::new(),
            reads: Bound::new("requests for features in flight", options.reads_max),
            writes: Bound::new("pushes in flight", options.writes_max),
            trainings: Bound::new("training sets in flight", options.trainings_max),
            buffered: Bound::new("bytes of bodies held", options.buffered_max),
            write_gate: Gate::new(options.writes_running),
            training_gate: Gate::new(options.trainings_running),
            slow_gate: Gate::new(options.slow_running),
            operation_gate: Gate::new(OPERATIONS_RUNNING),
            stopped: AtomicBool::new(false),
            backend,
            lookup,
            options,
        }
    }

    /// Lets no request in from now on.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Nothing while requests are let in.
    ///
    /// # Errors
    /// `stopping` (unavailable).
    pub fn admitting(&self) -> Result<()> {
        if self.stopped.load(Ordering::SeqCst) { Err(stopping()) } else { Ok(()) }
    }

    /// Waits until no work runs.
    pub async fn close(&self) {
        self.write_gate.close().await;
        self.training_gate.close().await;
        self.slow_gate.close().await;
        self.operation_gate.close().await;
    }

    /// The times of a request that begins now.
    ///
    /// # Errors
    /// `wrong_deadline` (invalid) where the header is no number of milliseconds.
    pub fn times(&self, class: Class, headers: &HeaderMap) -> Result<Times> {
        let setting = match class {
            Class::Read | Class::Operation => self.options.deadline,
            Class::Write => self.options.write_deadline,
            Class::Training => self.options.training_deadline,
        };
        let started = Instant::now();
        let own = own_deadline(headers)?.map(|own| started + own.min(setting));
        let body = started + self.options.body_timeout;
        Ok(Times { body: own.map_or(body, |own| own.min(body)), own, setting })
    }
}

/// The times of a request.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When its body has to be there.
    pub body: Instant,
    own: Option<Instant>,
    setting: Duration,
}

impl Times {
    /// When it has to be answered: the client's own deadline (counted from the request's head, at
    /// most the setting), else the setting counted from now, when its body is there.
    pub fn answer(&self) -> Instant {
        self.own.unwrap_or_else(|| Instant::now() + self.setting)
    }
}

fn own_deadline(headers: &HeaderMap) -> Result<Option<Duration>> {
    let Some(value) = headers.get(DEADLINE_HEADER) else { return Ok(None) };
    let ms: Option<u64> = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    ms.map(|ms| Some(Duration::from_millis(ms))).ok_or_else(|| {
        Error::new(Kind::Invalid, "wrong_deadline", format!("{DEADLINE_HEADER} is no number"))
            .with_hint("send whole milliseconds, e.g. 250")
    })
}
