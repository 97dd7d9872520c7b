//! The commands of four letters, which operators and some clients send instead of a first frame.
//!
//! Their answers have the lines that tools look for, not all lines of a real server.

use std::fmt::Write as _;

use super::{Peer, Role, Stage};
use crate::wire::LENGTH_BYTES;
use crate::{ConnId, Kind};

impl Peer {
    /// Answers and closes, if the first bytes of a connection are such a command. They cannot be the length of a frame.
    pub(super) fn answer_letters(&mut self, conn: ConnId, letters: [u8; LENGTH_BYTES]) -> bool {
        let text = match &letters {
            b"ruok" => "imok".into(),
            b"isro" => self.access().into(),
            b"srvr" | b"stat" | b"mntr" if self.role == Role::Looking => NOT_SERVING.into(),
            b"srvr" => self.summary(""),
            b"stat" => self.summary(&self.clients()),
            b"mntr" => self.measures(),
            b"conf" => self.settings(),
            b"envi" => self.environment(),
            _ => return false,
        };
        self.send(conn, text.into_bytes());
        self.close(conn);
        true
    }

    fn summary(&self, clients: &str) -> String {
        format!(
            "Zookeeper version: {}-zk-sim, built on none\n{clients}Latency min/avg/max: 0/0.0/0\nReceived: {}\n\
             Sent: {}\nConnections: {}\nOutstanding: 0\nZxid: {}\nMode: {}\nNode count: {}\n",
            self.config.quirks.version.name(),
            self.received,
            self.sent,
            self.connections.len(),
            self.tree.applied(),
            self.mode(),
            self.tree.count(),
        )
    }

    const fn access(&self) -> &'static str {
        match self.role {
            Role::Looking => "null",
            Role::ReadOnly => "ro",
            Role::Standalone | Role::Leader | Role::Follower | Role::Observer => "rw",
        }
    }

    const fn mode(&self) -> &'static str {
        match self.role {
            Role::Standalone => "standalone",
            Role::Leader => "leader",
            Role::Follower => "follower",
            Role::Observer => "observer",
            Role::ReadOnly => "read-only",
            Role::Looking => "looking",
        }
    }

    fn clients(&self) -> String {
        let mut text = String::from("Clients:\n");
        for (conn, connection) in &self.connections {
            let peer = connection.identities.first().map_or("", |id| &id.id);
            let open = u8::from(connection.stage != Stage::Silent);
            let _ = writeln!(text, " /{peer}:{}[{open}](queued=0,recved=0,sent=0)", conn.0);
        }
        text + "\n"
    }

    fn measures(&self) -> String {
        let ephemerals =
            self.tree.nodes().filter(|(_, node)| matches!(node.kind, Kind::Ephemeral(_))).count();
        let size = |(path, data): (&str, Option<&[u8]>)| path.len() + data.map_or(0, <[u8]>::len);
        let sizes = self.tree.nodes().map(|(path, node)| size((path, node.data.as_deref())));
        let lines = [
            ("version", format!("{}-zk-sim, built on none", self.config.quirks.version.name())),
            ("server_state", self.mode().into()),
            ("avg_latency", "0.0".into()),
            ("min_latency", "0".into()),
            ("max_latency", "0".into()),
            ("packets_received", self.received.to_string()),
            ("packets_sent", self.sent.to_string()),
            ("num_alive_connections", self.connections.len().to_string()),
            ("outstanding_requests", "0".into()),
            ("znode_count", self.tree.count().to_string()),
            ("watch_count", self.watches.count().to_string()),
            ("ephemerals_count", ephemerals.to_string()),
            ("approximate_data_size", sizes.sum::<usize>().to_string()),
        ];
        let mut text = String::new();
        for (name, value) in lines {
            let _ = writeln!(text, "zk_{name}\t{value}");
        }
        text
    }

    fn settings(&self) -> String {
        format!(
            "tickTime={}\nminSessionTimeout={}\nmaxSessionTimeout={}\nserverId={}\n",
            self.config.tick_ms,
            self.config.timeout_ms_min(),
            self.config.timeout_ms_max(),
            self.config.server_id,
        )
    }

    fn environment(&self) -> String {
        format!(
            "Environment:\nzookeeper.version={}-zk-sim, built on none\n",
            self.config.quirks.version.name()
        )
    }
}

/// What operators are told by a server that knows no leader.
const NOT_SERVING: &str = "This ZooKeeper instance is not currently serving requests\n";
