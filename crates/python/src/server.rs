//! `Server`: the feature server over an engine in this process.
//!
//! Settings come as JSON, so that a new bound is one line here and one in the settings. It never
//! takes Python's lock while it answers.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use headwater_kernel::error::Result;
use headwater_serve::http;
use headwater_serve::http::ServerOptions;
use pyo3::prelude::*;
use serde::Deserialize;

use crate::backend::Embedded;
use crate::errors::invalid;

/// Bounds as Python gives them; what is left out has the default of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Bounds {
    body_max: Option<usize>,
    connections_max: Option<usize>,
    reads_max: Option<usize>,
    writes_max: Option<usize>,
    trainings_max: Option<usize>,
    threads: Option<usize>,
    deadline_ms: Option<u64>,
    write_deadline_ms: Option<u64>,
    training_deadline_ms: Option<u64>,
    stop_timeout_ms: Option<u64>,
}

/// A server with the engine that tells others where it answers.
pub struct Serving {
    server: http::Server,
    backend: Arc<Embedded>,
}

impl Serving {
    /// Starts to answer, and leaves the address in the engine's directory.
    fn start(backend: Arc<Embedded>, options: ServerOptions) -> Result<Self> {
        backend.0.ready()?;
        let server = http::Server::start(backend.clone(), options)?;
        let mut reached = server.address();
        if reached.ip().is_unspecified() {
            // It listens on all addresses; who finds it in the directory is on this machine.
            reached.set_ip(match reached {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        backend.0.announce(Some(&format!("http://{reached}")))?;
        Ok(Self { server, backend })
    }

    /// Takes the address back, refuses new requests, and returns when the accepted ones are done.
    pub fn stop(&self) {
        // It fails once the engine is closed: then the directory, too, is no longer ours.
        let _ = self.backend.0.announce(None);
        self.server.stop();
    }
}

/// A running feature server.
#[pyclass(frozen, module = "headwater._native")]
pub struct Server(Arc<Serving>);

impl Server {
    /// Starts one over `backend`.
    pub fn start(backend: Arc<Embedded>, host: &str, port: u16, bounds: &[u8]) -> Result<Self> {
        let bounds = serde_json::from_slice(bounds).map_err(|error| {
            invalid("unknown_option", "an option of the server is not understood")
                .with_detail(error.to_string())
        })?;
        Ok(Self(Arc::new(Serving::start(backend, options(host, port, &bounds))?)))
    }

    /// For whoever has to stop it, should it still run.
    pub fn running(&self) -> Weak<Serving> {
        Arc::downgrade(&self.0)
    }
}

fn options(host: &str, port: u16, bounds: &Bounds) -> ServerOptions {
    let default = ServerOptions::default();
    let span = |given: Option<u64>, default| given.map_or(default, Duration::from_millis);
    let body_max = bounds.body_max.unwrap_or(default.body_max);
    ServerOptions {
        host: host.to_owned(),
        port,
        body_max,
        // At least one body of the largest size must fit what all may hold.
        buffered_max: default.buffered_max.max(body_max),
        connections_max: bounds.connections_max.unwrap_or(default.connections_max),
        reads_max: bounds.reads_max.unwrap_or(default.reads_max),
        writes_max: bounds.writes_max.unwrap_or(default.writes_max),
        trainings_max: bounds.trainings_max.unwrap_or(default.trainings_max),
        threads: bounds.threads.unwrap_or(default.threads),
        deadline: span(bounds.deadline_ms, default.deadline),
        write_deadline: span(bounds.write_deadline_ms, default.write_deadline),
        training_deadline: span(bounds.training_deadline_ms, default.training_deadline),
        stop_timeout: span(bounds.stop_timeout_ms, default.stop_timeout),
        ..default
    }
}

#[pymethods]
impl Server {
    /// Host and port on which it listens.
    #[getter]
    fn address(&self) -> String {
        self.0.server.address().to_string()
    }

    /// Refuse new requests, finish those that are running, return; twice does nothing.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }
}
