//! The server: a runtime, a listener, its connections, and an end that loses nothing.
//!
//! Stopping: no new connection, no new request (503), every accepted one answered, running pushes
//! ended, then the runtime goes. It must never be stopped from one of its own threads.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use headwater_kernel::error::{Error, Kind, Result};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, watch};

use super::options::ServerOptions;
use super::patience::Patient;
use super::routes;
use super::state::App;
use crate::backend::Backend;

/// How long accepting rests after the system refused a connection (out of descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Largest head of a request, bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// A running server; stops when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    connections: Arc<Semaphore>,
    connections_max: u32,
    stop_timeout: Duration,
    runtime: Mutex<Option<Runtime>>,
}

impl Server {
    /// Listens, and answers from `backend` until stopped.
    ///
    /// # Errors
    /// `address_in_use`, `cannot_listen` (unavailable) and what the backend says while it is asked
    /// for its plan.
    pub fn start(backend: Arc<dyn Backend>, options: ServerOptions) -> Result<Self> {
        let listener = listen(&options)?;
        let address = listener.local_addr().map_err(|error| cannot_listen(&options, &error))?;
        let mut builder = Builder::new_multi_thread();
        if options.threads > 0 {
            builder.worker_threads(options.threads);
        }
        let blocking = options.writes_running + options.trainings_running + options.slow_running;
        let runtime = builder
            .enable_all()
            .thread_name("headwater-http")
            // Every gate full, and some threads for the runtime's own use.
            .max_blocking_threads(blocking + 8)
            .build()
            .map_err(|error| cannot_listen(&options, &error))?;
        let (stop, stopped) = watch::channel(false);
        let connections_max = u32::try_from(options.connections_max.max(1)).unwrap_or(u32::MAX);
        let connections = Arc::new(Semaphore::new(connections_max as usize));
        let stop_timeout = options.stop_timeout;
        let (head_timeout, write_timeout) = (options.head_timeout, options.write_timeout);
        let app = Arc::new(App::new(backend, options));
        let router = routes::router(Arc::clone(&app));
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).map_err(|error| {
                Error::new(Kind::Unavailable, "cannot_listen", error.to_string())
            })?
        };
        let accepting = Accepting {
            router,
            stopped,
            connections: Arc::clone(&connections),
            http: http(head_timeout),
            write_timeout,
        };
        runtime.spawn(accepting.run(listener));
        let runtime = Mutex::new(Some(runtime));
        Ok(Self { address, app, stop, connections, connections_max, stop_timeout, runtime })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: returns when every accepted request is answered, or after `stop_timeout`. Doing it
    /// again does nothing.
    pub fn stop(&self) {
        let Some(runtime) = self.runtime.lock().take() else { return };
        self.app.stop();
        // Nobody listens any more where accepting has ended by itself.
        let _ = self.stop.send(true);
        let all_ended = async {
            let closed = self.connections.acquire_many(self.connections_max).await;
            drop(closed);
            self.app.close().await;
        };
        let _ =
            runtime.block_on(async { tokio::time::timeout(self.stop_timeout, all_ended).await });
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn listen(options: &ServerOptions) -> Result<StdListener> {
    let listener = StdListener::bind((options.host.as_str(), options.port))
        .map_err(|error| cannot_listen(options, &error))?;
    listener.set_nonblocking(true).map_err(|error| cannot_listen(options, &error))?;
    Ok(listener)
}

fn cannot_listen(options: &ServerOptions, error: &std::io::Error) -> Error {
    let place = format!("{}:{}", options.host, options.port);
    if error.kind() == std::io::ErrorKind::AddrInUse {
        return Error::new(Kind::Unavailable, "address_in_use", format!("{place} is in use"))
            .with_hint("choose another [server] port, or 0 for a free one");
    }
    Error::new(Kind::Unavailable, "cannot_listen", format!("cannot listen on {place}"))
        .with_detail(error.to_string())
}

fn http(head_timeout: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_header_size(HEAD_BYTES_MAX)
        // A client may end its side after the request: it still gets its reply.
        .half_close(true);
    builder
}

struct Accepting {
    router: Router,
    stopped: watch::Receiver<bool>,
    connections: Arc<Semaphore>,
    http: http1::Builder,
    write_timeout: Duration,
}

impl Accepting {
    async fn run(mut self, listener: TcpListener) {
        loop {
            let Ok(permit) = Arc::clone(&self.connections).acquire_owned().await else { return };
            let accepted = tokio::select! {
                biased;
                _ = self.stopped.wait_for(|stopped| *stopped) => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let connection = self.connection(stream);
            tokio::spawn(async move {
                connection.await;
                drop(permit);
            });
        }
    }

    fn connection(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + 'static {
        // Without it a small reply may wait for the client's acknowledgement; not fatal.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(self.router.clone());
        let stream = TokioIo::new(Patient::new(stream, self.write_timeout));
        let serving = self.http.serve_connection(stream, service);
        let mut stopped = self.stopped.clone();
        async move {
            let mut serving = pin!(serving);
            tokio::select! {
                // A broken connection is the client's affair; what it asked for is answered or not.
                _ = serving.as_mut() => return,
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}
