//! `Engine`: the embedded engine as Python holds it: bytes and Arrow in, bytes and Arrow out.
//!
//! Every verb releases Python's lock; those that may take long end within a second of Ctrl-C. An
//! answer goes through the same lookup as one over HTTP.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use headwater_engine::decode::Payload;
use headwater_engine::open::{Progress, Watch};
use headwater_engine::{Engine as Inner, OpenOptions, Pending, PushOptions};
use headwater_kernel::error::Result;
use headwater_serve::Backend;
use headwater_serve::backend::Page;
use headwater_serve::lookup::request::FeaturesRequest;
use headwater_serve::lookup::{Lookup, Query};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::Deserialize;

use crate::backend::{Embedded, json};
use crate::errors::{Failure, invalid};
use crate::frame::Frame;
use crate::interrupt::{awaited, interruptible};
use crate::payload::{payload, size};
use crate::server::{Server, Serving};
use crate::training::{options as training_options, parse_as_of, parse_blueprint};

/// How long a read may wait for the positions that it is to be after: as a server's default.
const READ_DEADLINE: Duration = Duration::from_secs(10);

/// What `open` takes beside the definitions; what is left out has the engine's default.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    retention_us: Option<i64>,
    idempotency_us: Option<i64>,
}

/// The engine in this process.
#[pyclass(frozen, module = "headwater._native")]
pub struct Engine {
    backend: Arc<Embedded>,
    lookup: Arc<Lookup>,
    servers: Mutex<Vec<Weak<Serving>>>,
}

type Answered = (Frame, Vec<bool>, Vec<u8>);

/// Rows up to this many bytes are decoded by the caller itself: a few milliseconds at most.
const AT_ONCE_BYTES_MAX: usize = 1 << 20;

impl Engine {
    /// Hands rows over and waits until they are durable and visible; Ctrl-C ends the wait.
    ///
    /// A large push is decoded on a thread of its own, since decoding does not look at signals.
    fn write<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'_, PyAny>,
        begin: impl FnOnce(&Inner, Payload) -> Result<Pending> + Send + 'static,
    ) -> std::result::Result<Bound<'py, PyBytes>, Failure> {
        let rows = payload(rows)?;
        let receipt = if size(&rows) <= AT_ONCE_BYTES_MAX {
            let mut pending = py.detach(|| begin(&self.backend.0, rows))?;
            awaited(py, |slice| pending.wait_for(slice))??
        } else {
            let backend = Arc::clone(&self.backend);
            interruptible(py, move |_| begin(&backend.0, rows)?.wait())?
        };
        Ok(PyBytes::new(py, &json(&receipt.to_json())?))
    }
}

/// Calls a function of Python's with the progress; what it raises goes to `sys.unraisablehook`.
fn told(watch: Py<PyAny>) -> Watch {
    Watch(Arc::new(move |progress: Progress| {
        let Progress { done, total, rate, left_s } = progress;
        // There is no answer when the interpreter is about to end: then nobody looks any more.
        let _ = Python::try_attach(|py| {
            if let Err(error) = watch.call1(py, (done, total, rate, left_s)) {
                error.write_unraisable(py, None);
            }
        });
    }))
}

#[pymethods]
impl Engine {
    /// Open a directory, or an empty engine in memory; `watch` is called now and then with how far
    /// a long backfill has come: events read, events in all, events a second, seconds left.
    #[staticmethod]
    #[pyo3(signature = (blueprint, path, namespace, options, watch=None))]
    fn open(
        py: Python<'_>,
        blueprint: &[u8],
        path: Option<PathBuf>,
        namespace: String,
        options: &[u8],
        watch: Option<Py<PyAny>>,
    ) -> std::result::Result<Self, Failure> {
        let given: Options = serde_json::from_slice(options).map_err(|error| {
            invalid("unknown_option", "an option of the engine is not understood")
                .with_detail(error.to_string())
        })?;
        let default = OpenOptions::new(parse_blueprint(blueprint)?);
        let options = OpenOptions {
            path,
            namespace,
            retention_us: given.retention_us,
            idempotency_us: given.idempotency_us.unwrap_or(default.idempotency_us),
            watch: watch.map(told),
            ..default
        };
        let engine = interruptible(py, move |_| Inner::open(&options))?;
        let lookup = Arc::new(Lookup::new(Arc::clone(engine.plan())));
        Ok(Self { backend: Arc::new(Embedded(engine)), lookup, servers: Mutex::default() })
    }

    /// Tell who has the directory open, as JSON; None when no living process has.
    #[staticmethod]
    fn owner<'py>(
        py: Python<'py>,
        path: PathBuf,
    ) -> std::result::Result<Option<Bound<'py, PyBytes>>, Failure> {
        let owner = py.detach(|| Inner::owner(&path))?;
        let told = owner.map(|owner| {
            json(&serde_json::json!({"pid": owner.pid, "term": owner.term, "address": owner.address}))
        });
        Ok(told.transpose()?.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// Tell what opening did.
    fn opened<'py>(&self, py: Python<'py>) -> std::result::Result<Bound<'py, PyBytes>, Failure> {
        Ok(PyBytes::new(py, &json(&self.backend.0.report().to_json())?))
    }

    /// Push rows of a stream; the receipt.
    #[pyo3(signature = (stream, rows, arrived_at=None, idempotency_key=None))]
    fn push<'py>(
        &self,
        py: Python<'py>,
        stream: String,
        rows: &Bound<'_, PyAny>,
        arrived_at: Option<String>,
        idempotency_key: Option<String>,
    ) -> std::result::Result<Bound<'py, PyBytes>, Failure> {
        let options = PushOptions { arrived_at, idempotency_key };
        self.write(py, rows, move |engine, rows| engine.begin_push(&stream, rows, &options))
    }

    /// Put rows of a table; the receipt.
    #[pyo3(signature = (table, rows, arrived_at=None, idempotency_key=None))]
    fn put<'py>(
        &self,
        py: Python<'py>,
        table: String,
        rows: &Bound<'_, PyAny>,
        arrived_at: Option<String>,
        idempotency_key: Option<String>,
    ) -> std::result::Result<Bound<'py, PyBytes>, Failure> {
        let options = PushOptions { arrived_at, idempotency_key };
        self.write(py, rows, move |engine, rows| engine.begin_put(&table, rows, &options))
    }

    /// Answer a request of `/v1/features`: features, found, metadata.
    fn get<'py>(
        &self,
        py: Python<'py>,
        request: &[u8],
    ) -> std::result::Result<(Frame, Vec<bool>, Bound<'py, PyBytes>), Failure> {
        let at_once = py.detach(|| answer(&self.backend, &self.lookup, request, Patience::None));
        let (frame, found, metadata) = match at_once {
            Err(error) if WAITS.contains(&error.code) => {
                let (backend, lookup) = (Arc::clone(&self.backend), Arc::clone(&self.lookup));
                let request = request.to_vec();
                interruptible(py, move |_| answer(&backend, &lookup, &request, Patience::All))?
            }
            known => known?,
        };
        Ok((frame, found, PyBytes::new(py, &metadata)))
    }

    /// Return the label rows with the features of a service or view after them.
    fn training_set(
        &self,
        py: Python<'_>,
        service: String,
        labels: &Bound<'_, Frame>,
        time: String,
        as_of: &str,
    ) -> std::result::Result<Frame, Failure> {
        let (as_of, labels) = (parse_as_of(as_of)?, labels.get().batches());
        let backend = Arc::clone(&self.backend);
        let batch = interruptible(py, move |cancelled| {
            let options = training_options(time, as_of, cancelled);
            Ok(backend.0.training_set(&service, &labels, &options)?.into_batch(&[]))
        })?;
        Ok(Frame::of(batch))
    }

    /// Return a page of dead letters.
    #[pyo3(signature = (stream, limit, after=None))]
    fn dead_letters<'py>(
        &self,
        py: Python<'py>,
        stream: &str,
        limit: i64,
        after: Option<String>,
    ) -> std::result::Result<Bound<'py, PyBytes>, Failure> {
        let page = Page { limit, after };
        let bytes = py.detach(|| self.backend.dead_letters(stream, &page))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Return one dead letter, whole.
    fn dead_letter<'py>(
        &self,
        py: Python<'py>,
        stream: &str,
        letter_id: &str,
    ) -> std::result::Result<Bound<'py, PyBytes>, Failure> {
        let bytes = py.detach(|| self.backend.dead_letter(stream, letter_id))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Push a dead letter again; the receipt.
    fn replay_dead_letter<'py>(
        &self,
        py: Python<'py>,
        stream: &str,
        letter_id: &str,
    ) -> std::result::Result<Bound<'py, PyBytes>, Failure> {
        let bytes = py.detach(|| self.backend.replay_dead_letter(stream, letter_id))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Give a dead letter up.
    fn discard_dead_letter<'py>(
        &self,
        py: Python<'py>,
        stream: &str,
        letter_id: &str,
    ) -> std::result::Result<Bound<'py, PyBytes>, Failure> {
        let bytes = py.detach(|| self.backend.discard_dead_letter(stream, letter_id))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Return the state of all of it.
    fn status<'py>(&self, py: Python<'py>) -> std::result::Result<Bound<'py, PyBytes>, Failure> {
        let bytes = py.detach(|| self.backend.status())?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Start answering over HTTP, and leave the address in the directory.
    fn start_server(
        &self,
        py: Python<'_>,
        host: &str,
        port: u16,
        options: &[u8],
    ) -> std::result::Result<Server, Failure> {
        let backend = Arc::clone(&self.backend);
        let server = py.detach(|| Server::start(backend, host, port, options))?;
        self.servers.lock().push(server.running());
        Ok(server)
    }

    /// Stop its servers, make everything durable and let go of the directory.
    fn close(&self, py: Python<'_>) -> std::result::Result<(), Failure> {
        Ok(py.detach(|| {
            let servers = std::mem::take(&mut *self.servers.lock());
            for server in servers.iter().filter_map(Weak::upgrade) {
                server.stop();
            }
            self.backend.0.close()
        })?)
    }
}

/// Whether an answer may take longer than reading state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    None,
    All,
}

/// What a read says that would have to wait for a push, or to read the archive.
const WAITS: [&str; 3] = ["before_horizon", "publishing", "deadline"];

fn answer(
    backend: &Embedded,
    lookup: &Lookup,
    request: &[u8],
    patience: Patience,
) -> Result<Answered> {
    let request = FeaturesRequest::parse(request)?;
    let all = patience == Patience::All;
    let deadline = Instant::now() + if all { READ_DEADLINE } else { Duration::ZERO };
    // In this process the archive is at hand, whether it was asked for or not.
    let query = Query { history: all, ..request.query(deadline)? };
    let answer = lookup.answer(backend.online(), &query)?;
    let mut metadata = Vec::new();
    answer.write_metadata_json(&mut metadata);
    Ok((Frame::of(answer.to_record_batch()?), answer.found, metadata))
}
