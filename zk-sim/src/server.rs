//! One server by itself: connections and bytes in, bytes out.
//!
//! It has no socket and no clock: whoever drives it tells what happened and when, and carries out what it says. An
//! ensemble is not its business; a write is appended to its own log and applied at once.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use crate::acl::{self, Id};
use crate::config::Config;
use crate::log::Log;
use crate::reply;
use crate::sessions::Sessions;
use crate::tree::Tree;
use crate::txn::{Outcome, Trigger, Txn, Write};
use crate::watches::Watches;
use crate::wire::LENGTH_BYTES;
use crate::{Code, ConnId, Millis, SessionId, Zxid, apply};

mod handshake;
mod letters;
mod reads;
mod requests;
mod watching;

/// A standalone server.
///
/// The same inputs give the same outputs.
#[derive(Clone, Debug)]
pub struct Server {
    config: Config,
    tree: Tree,
    log: Log,
    watches: Watches,
    sessions: Sessions,
    connections: BTreeMap<ConnId, Connection>,
    outputs: VecDeque<Output>,
    next_session: SessionId,
    next_reap: Millis,
    received: u64,
    sent: u64,
}

/// What can happen to a server.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A client has connected from this address. The number of the connection is new.
    Connected(ConnId, IpAddr),
    /// Bytes have come, cut anywhere.
    Received(ConnId, &'a [u8]),
    /// The connection has ended. For a connection that the server has closed itself nothing needs to be told.
    Disconnected(ConnId),
    /// The instant of [`Server::poll_timeout`] has come.
    Timeout,
}

/// What a server wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes.
    Send(ConnId, Vec<u8>),
    /// Close the connection when what was sent before has left.
    Close(ConnId),
}

#[derive(Clone, Debug)]
struct Connection {
    stage: Stage,
    identities: Vec<Id>,
    /// What was received of a frame that is not whole.
    rest: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing whole has come.
    Silent,
    Open(SessionId),
}

/// The longest frame of a request, in bytes: the default of `jute.maxbuffer`.
pub const REQUEST_LENGTH_MAX: usize = 0xf_ffff;

impl Server {
    /// A server that was never used.
    #[must_use]
    pub fn new(config: Config, now: Millis) -> Self {
        Self {
            tree: Tree::new(&config.quirks),
            log: Log::new(config.log_kept_max),
            watches: Watches::default(),
            sessions: Sessions::new(config.tick_ms),
            connections: BTreeMap::new(),
            outputs: VecDeque::new(),
            next_session: handshake::first_session(config.server_id, now),
            next_reap: now.plus(config.reap_interval_ms),
            received: 0,
            sent: 0,
            config,
        }
    }

    /// Takes in what has happened. What is due by `now` happens before it.
    pub fn handle(&mut self, input: Input<'_>, now: Millis) {
        self.advance(now);
        match input {
            Input::Connected(conn, peer) => {
                let identities = vec![acl::of_peer(peer)];
                self.connections.insert(conn, Connection { stage: Stage::Silent, identities, rest: vec![] });
            }
            Input::Received(conn, bytes) => self.receive(conn, bytes, now),
            Input::Disconnected(conn) => self.forget(conn),
            Input::Timeout => {}
        }
    }

    /// The next thing to be done, in the order in which it is to be done.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When the server wants to hear of the time again at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Millis {
        self.sessions.next_deadline().map_or(self.next_reap, |deadline| deadline.min(self.next_reap))
    }

    /// The tree as it is now.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The log, which keeps as much as the configuration asks for.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// How the server is set up.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Ends sessions whose time is over, and deletes nodes that have outlived their purpose.
    fn advance(&mut self, now: Millis) {
        while let Some(session) = self.sessions.expired(now) {
            self.end_session(session, now);
        }
        if now >= self.next_reap {
            self.next_reap = now.plus(self.config.reap_interval_ms);
            for path in self.tree.reapable(now) {
                // One that is refused has changed in the meantime.
                let _ = self.commit(SessionId(0), vec![], Write::Reap { path }, now);
            }
        }
    }

    fn end_session(&mut self, session: SessionId, now: Millis) {
        let conn = self.sessions.conn(session);
        self.sessions.close(session);
        let _ = self.commit(session, vec![], Write::CloseSession, now);
        if let Some(conn) = conn {
            self.close(conn);
        }
    }

    fn receive(&mut self, conn: ConnId, bytes: &[u8], now: Millis) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let mut whole = std::mem::take(&mut connection.rest);
        whole.extend_from_slice(bytes);
        let mut rest = &*whole;
        // A frame may end its connection, and then what follows it is nobody's.
        while let Some(stage) = self.connections.get(&conn).map(|connection| connection.stage) {
            let Some((head, tail)) = rest.split_first_chunk::<LENGTH_BYTES>() else { break };
            if stage == Stage::Silent && self.answer_letters(conn, *head) {
                return;
            }
            let length = usize::try_from(i32::from_be_bytes(*head)).unwrap_or(usize::MAX);
            if length == 0 || length > REQUEST_LENGTH_MAX {
                return self.close(conn);
            }
            let Some((frame, after)) = tail.split_at_checked(length) else { break };
            rest = after;
            self.received += 1;
            match stage {
                Stage::Silent => self.greet(conn, frame, now),
                Stage::Open(session) => self.request(conn, session, frame, now),
            }
        }
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.rest = rest.to_vec();
        }
    }

    /// Appends a write to the log and applies it.
    fn commit(
        &mut self,
        session: SessionId,
        identities: Vec<Id>,
        write: Write,
        now: Millis,
    ) -> Result<Outcome, Code> {
        let txn = self.log.append(now, session, identities.into(), write);
        self.deliver(&txn)
    }

    /// Applies the next transaction, and sends events before anybody can be answered from the new state.
    fn deliver(&mut self, txn: &Txn) -> Result<Outcome, Code> {
        let (result, triggers) = apply(&mut self.tree, txn, &self.config.quirks);
        let zxid = if self.config.quirks.events_have_zxid { txn.zxid } else { Zxid(-1) };
        for trigger in triggers {
            for conn in self.watches.fire(&trigger) {
                self.tell(conn, &trigger, zxid);
            }
        }
        result
    }

    fn tell(&mut self, conn: ConnId, trigger: &Trigger, zxid: Zxid) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let may_know = !self.config.quirks.events_need_read
            || acl::check(&trigger.acl, acl::READ, &connection.identities).is_ok();
        if may_know {
            self.send(conn, reply::event(zxid, trigger.event, &trigger.path));
        }
    }

    fn send(&mut self, conn: ConnId, bytes: Vec<u8>) {
        self.sent += 1;
        self.outputs.push_back(Output::Send(conn, bytes));
    }

    fn close(&mut self, conn: ConnId) {
        self.forget(conn);
        self.outputs.push_back(Output::Close(conn));
    }

    fn forget(&mut self, conn: ConnId) {
        self.watches.forget(conn);
        if let Some(Connection { stage: Stage::Open(session), .. }) = self.connections.remove(&conn) {
            self.sessions.disconnect(session, conn);
        }
    }
}

#[cfg(test)]
mod tests;
