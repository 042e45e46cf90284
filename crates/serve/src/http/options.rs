//! The settings of a server: every bound it has, with its default and the reason for it.

use std::time::Duration;

/// Settings of a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Address to listen on.
    pub host: String,
    /// Port; 0 takes a free one.
    pub port: u16,
    /// Largest body, bytes: 64 MiB, as `[server] body_max`.
    pub body_max: usize,
    /// Most bytes of bodies held at once over all requests: eight of the largest.
    pub buffered_max: usize,
    /// Most connections; further ones wait in the listen queue.
    pub connections_max: usize,
    /// Most requests for features in flight; further ones get 429.
    pub reads_max: usize,
    /// Most pushes and puts in flight, read or running; further ones get 429.
    pub writes_max: usize,
    /// Pushes and puts that run at once: as many as one group commit is good for.
    pub writes_running: usize,
    /// Most training sets in flight; further ones get 429.
    pub trainings_max: usize,
    /// Training sets that run at once: each uses all cores by itself.
    pub trainings_running: usize,
    /// Requests that wait for positions, read the archive or look at dead letters, at once.
    pub slow_running: usize,
    /// How long a request for features may take.
    pub deadline: Duration,
    /// How long a push may take.
    pub write_deadline: Duration,
    /// How long a training set may take.
    pub training_deadline: Duration,
    /// How long a client may take for a request's head, and be idle between requests.
    pub head_timeout: Duration,
    /// How long a client may take for a request's body.
    pub body_timeout: Duration,
    /// How long a reply may stand still because its client does not read.
    pub write_timeout: Duration,
    /// How long stopping waits for accepted requests.
    pub stop_timeout: Duration,
    /// Threads of the runtime; 0 takes the number of cores.
    pub threads: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            host: "127.0.0.1".into(),
            port: 6570,
            body_max: 64 * MIB,
            buffered_max: 512 * MIB,
            connections_max: 4_096,
            reads_max: 1_024,
            writes_max: 256,
            writes_running: 64,
            trainings_max: 8,
            trainings_running: 1,
            slow_running: 16,
            deadline: Duration::from_secs(10),
            write_deadline: Duration::from_secs(60),
            training_deadline: Duration::from_secs(3_600),
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(30),
            threads: 0,
        }
    }
}
