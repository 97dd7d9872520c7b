//! The answers that are more than names and values.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::{WordRefused, answered, hex, owned};
use crate::id::{SessionId, Zxid};

/// The answer to `srvr`, and to `stat` with the clients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerStatus {
    /// The release and its build.
    pub version: Option<String>,
    /// How long requests took.
    pub latency: Option<Latency>,
    /// Packets that came in.
    pub received: Option<u64>,
    /// Packets that went out.
    pub sent: Option<u64>,
    /// Connections that are open, this one among them.
    pub connections: Option<u64>,
    /// Requests that wait.
    pub outstanding: Option<u64>,
    /// The last transaction.
    pub zxid: Option<Zxid>,
    /// What the server is in its ensemble.
    pub mode: Option<Mode>,
    /// Nodes, the system's own among them.
    pub nodes: Option<u64>,
    /// The clients, if `stat` was asked.
    pub clients: Vec<ServerConnection>,
}

/// How long requests took, in milliseconds, since the server started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// The shortest.
    pub min_ms: u64,
    /// The mean; a whole number before 3.6.
    pub avg_ms: f64,
    /// The longest.
    pub max_ms: u64,
}

/// What a server is in its ensemble.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It leads.
    Leader,
    /// It follows and votes.
    Follower,
    /// It follows without a vote.
    Observer,
    /// It is no part of an ensemble.
    Standalone,
    /// It has lost its quorum and serves reads only.
    ReadOnly,
    /// Something that this crate has no name for.
    Unknown(String),
}

impl ServerStatus {
    /// Understands the answer.
    ///
    /// # Errors
    ///
    /// [`WordRefused`] if the server did not answer.
    pub fn new(answer: &str) -> Result<Self, WordRefused> {
        let answer = answered(answer)?;
        let mut status = Self { clients: connections(answer), ..Self::default() };
        for (name, value) in answer.lines().filter_map(|line| line.split_once(": ")) {
            let number = value.trim().parse().ok();
            match name.trim() {
                "Zookeeper version" => status.version = Some(owned(value)),
                "Latency min/avg/max" => status.latency = Latency::new(value),
                "Received" => status.received = number,
                "Sent" => status.sent = number,
                "Connections" => status.connections = number,
                "Outstanding" => status.outstanding = number,
                "Zxid" => status.zxid = hex(value).map(Zxid::new),
                "Mode" => status.mode = Some(Mode::new(value.trim())),
                "Node count" => status.nodes = number,
                _ => {}
            }
        }
        Ok(status)
    }
}

impl Latency {
    fn new(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('/');
        let (min, avg, max) = (parts.next()?, parts.next()?, parts.next()?);
        let (min_ms, max_ms) = (min.parse().ok()?, max.parse().ok()?);
        Some(Self { min_ms, avg_ms: avg.parse().ok()?, max_ms })
    }
}

impl Mode {
    fn new(text: &str) -> Self {
        match text {
            "leader" => Self::Leader,
            "follower" => Self::Follower,
            "observer" => Self::Observer,
            "standalone" => Self::Standalone,
            "read-only" => Self::ReadOnly,
            other => Self::Unknown(other.into()),
        }
    }
}

/// A connection of a server: a line of `cons`, or a client of `stat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConnection {
    /// The address of the client.
    pub address: String,
    /// The session; `None` in `stat`, and for a connection without one.
    pub session: Option<SessionId>,
    /// All that the line says of the connection, by ZooKeeper's names: `queued`, `recved`, `sent`, `lop`, `to` and so on.
    pub values: BTreeMap<String, String>,
}

impl ServerConnection {
    /// Understands the answer to `cons`.
    ///
    /// # Errors
    ///
    /// [`WordRefused`] if the server did not answer.
    pub fn all(answer: &str) -> Result<Vec<Self>, WordRefused> {
        answered(answer).map(connections)
    }

    /// The connection of a line such as `/127.0.0.1:5000[1](queued=0,recved=1,sent=1,sid=0x1)`.
    fn new(line: &str) -> Option<Self> {
        let (address, rest) = line.trim().strip_prefix('/')?.rsplit_once('[')?;
        let (_, values) = rest.split_once("](")?;
        let values: BTreeMap<_, _> = values
            .trim_end_matches(')')
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (owned(name), owned(value)))
            .collect();
        let session = values.get("sid").and_then(|sid| hex(sid)).map(SessionId::new);
        Some(Self { address: owned(address), session, values })
    }
}

fn connections(answer: &str) -> Vec<ServerConnection> {
    answer.lines().filter_map(ServerConnection::new).collect()
}

/// The answer to `isro`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Reads and writes.
    ReadWrite,
    /// Reads only: the quorum is lost.
    ReadOnly,
    /// Nobody: the server looks for its quorum.
    Nobody,
}

impl Service {
    /// Understands the answer; whatever it is but the two words, the server serves nobody.
    ///
    /// # Errors
    ///
    /// [`WordRefused`] if the server did not answer.
    pub fn new(answer: &str) -> Result<Self, WordRefused> {
        answered(answer).map(|answer| match answer {
            "rw" => Self::ReadWrite,
            "ro" => Self::ReadOnly,
            _ => Self::Nobody,
        })
    }
}

/// The answer to `wchs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct WatchSummary {
    /// Connections that watch something.
    pub connections: Option<u64>,
    /// Paths that are watched.
    pub paths: Option<u64>,
    /// Watches.
    pub watches: Option<u64>,
}

impl WatchSummary {
    /// Understands the answer.
    ///
    /// # Errors
    ///
    /// [`WordRefused`] if the server did not answer.
    pub fn new(answer: &str) -> Result<Self, WordRefused> {
        let mut summary = Self::default();
        for line in answered(answer)?.lines() {
            if let Some((connections, paths)) = line.split_once(" connections watching ") {
                summary.connections = connections.trim().parse().ok();
                summary.paths = paths.split(' ').next().and_then(|paths| paths.parse().ok());
            } else if let Some(watches) = line.strip_prefix("Total watches:") {
                summary.watches = watches.trim().parse().ok();
            }
        }
        Ok(summary)
    }
}

/// The answer to `dump`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionDump {
    /// The sessions that the server tracks; a follower tracks none.
    pub sessions: Vec<SessionId>,
    /// The ephemeral nodes by the session that owns them.
    pub ephemerals: BTreeMap<SessionId, Vec<String>>,
}

impl SessionDump {
    /// Understands the answer.
    ///
    /// # Errors
    ///
    /// [`WordRefused`] if the server did not answer.
    pub fn new(answer: &str) -> Result<Self, WordRefused> {
        let mut dump = Self::default();
        let (mut tracked, mut owner) = (true, None);
        for line in answered(answer)?.lines().map(str::trim) {
            let session = hex(line.trim_end_matches(':')).map(SessionId::new);
            if line.starts_with("ephemeral nodes dump") || line.starts_with("Connections dump") {
                (tracked, owner) = (false, None);
            } else if let Some(session) = session {
                if tracked {
                    dump.sessions.push(session);
                } else if line.ends_with(':') {
                    owner = Some(session);
                }
            } else if let Some(owner) = owner.filter(|_| line.starts_with('/')) {
                dump.ephemerals.entry(owner).or_default().push(line.into());
            }
        }
        Ok(dump)
    }
}
