//! One server by itself: connections and bytes in, bytes out.
//!
//! It has no socket and no clock: whoever drives it tells what happened and when, and carries out what it says. A write is
//! appended to its own log and applied at once. For several servers, see [`Ensemble`](crate::Ensemble).

use std::net::IpAddr;

use crate::config::Config;
use crate::log::Log;
use crate::peer::{Errand, Output, Peer, Proposal, Role};
use crate::sessions::Sessions;
use crate::tree::Tree;
use crate::txn::Write;
use crate::{ConnId, Millis, ServerId, SessionId};

/// A standalone server.
///
/// The same inputs give the same outputs.
#[derive(Clone, Debug)]
pub struct Server {
    peer: Peer,
    log: Log,
    sessions: Sessions,
    next_reap: Millis,
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

impl Server {
    /// A server that was never used.
    #[must_use]
    pub fn new(config: Config, now: Millis) -> Self {
        Self {
            log: Log::new(config.log_kept_max),
            sessions: Sessions::new(config.tick_ms),
            next_reap: now.plus(config.reap_interval_ms),
            peer: Peer::new(config, Role::Standalone, now),
        }
    }

    /// Takes in what has happened. What is due by `now` happens before it.
    pub fn handle(&mut self, input: Input<'_>, now: Millis) {
        self.advance(now);
        match input {
            Input::Connected(conn, address) => self.peer.connected(conn, address),
            Input::Received(conn, bytes) => self.peer.receive(conn, bytes),
            Input::Disconnected(conn) => self.peer.forget(conn),
            Input::Timeout => {}
        }
        while let Some(errand) = self.peer.errand() {
            self.settle(errand, now);
        }
    }

    /// The next thing to be done, in the order in which it is to be done.
    pub fn poll(&mut self) -> Option<Output> {
        self.peer.poll()
    }

    /// When the server wants to hear of the time again at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Millis {
        self.sessions.next_deadline().map_or(self.next_reap, |deadline| deadline.min(self.next_reap))
    }

    /// The tree as it is now.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        self.peer.tree()
    }

    /// The log, which keeps as much as the configuration asks for.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// How the server is set up.
    #[must_use]
    pub const fn config(&self) -> &Config {
        self.peer.config()
    }

    /// Ends sessions whose time is over, and deletes nodes that have outlived their purpose.
    fn advance(&mut self, now: Millis) {
        while let Some(session) = self.sessions.expired(now) {
            self.commit(of_the_server(session, Write::CloseSession), now);
        }
        if now >= self.next_reap {
            self.next_reap = now.plus(self.config().reap_interval_ms);
            for path in self.tree().reapable(now) {
                // One that is refused has changed in the meantime.
                self.commit(of_the_server(SessionId(0), Write::Reap { path }), now);
            }
        }
    }

    fn settle(&mut self, errand: Errand, now: Millis) {
        match errand {
            Errand::Propose(proposal) => self.commit(proposal, now),
            Errand::Sync(origin) => self.peer.synced(origin),
            Errand::Renew { conn, session, timeout_ms } => {
                let lives = self.sessions.renew(session, timeout_ms, HERE, now);
                self.peer.renewed(conn, lives);
            }
            Errand::Touch(session, timeout_ms) => self.sessions.touch(session, timeout_ms, now),
        }
    }

    /// Appends a write to the log and applies it.
    fn commit(&mut self, proposal: Proposal, now: Millis) {
        let Proposal { origin, session, identities, write } = proposal;
        if let Write::OpenSession { timeout_ms } = write {
            self.sessions.open(session, timeout_ms, Some(HERE), now);
        }
        if write == Write::CloseSession {
            self.sessions.close(session);
        }
        let txn = self.log.append(now, session, identities.into(), write);
        self.peer.deliver(&txn, origin);
    }
}

/// There is no other.
const HERE: ServerId = ServerId(1);

/// A write that no client has asked for.
pub(crate) const fn of_the_server(session: SessionId, write: Write) -> Proposal {
    Proposal { origin: None, session, identities: vec![], write }
}

#[cfg(test)]
pub(crate) mod tests;
