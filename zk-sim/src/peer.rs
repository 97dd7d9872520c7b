//! The part of a server that faces its clients: connections, their order, reads, watches. Bytes in, bytes out.
//!
//! It has no log. What needs one it puts down as an [`Errand`], and the connection waits until that is settled: by
//! [`Peer::deliver`], [`Peer::synced`] or [`Peer::renewed`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use crate::acl::{self, Id};
use crate::config::Config;
use crate::reply;
use crate::tree::Tree;
use crate::txn::{Trigger, Txn, Write};
use crate::watches::Watches;
use crate::wire::LENGTH_BYTES;
use crate::{ConnId, Millis, SessionId, Zxid, apply};

mod handshake;
mod letters;
mod login;
mod reads;
mod requests;
mod settle;
mod watching;

/// One server's connections, and its copy of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    config: Config,
    role: Role,
    tree: Tree,
    watches: Watches,
    connections: BTreeMap<ConnId, Connection>,
    /// Where each session is that has a connection here.
    sessions: BTreeMap<SessionId, ConnId>,
    outputs: VecDeque<Output>,
    errands: VecDeque<Errand>,
    next_session: SessionId,
    /// The sessions that it has begun without a quorum.
    local: BTreeSet<SessionId>,
    /// How many of the next requests are answered that there are too many.
    throttled: u32,
    received: u64,
    sent: u64,
}

/// What a server wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes.
    Send(ConnId, Vec<u8>),
    /// Close the connection when what was sent before has left.
    Close(ConnId),
}

/// What a server is to its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// All there is.
    Standalone,
    /// It orders the writes of an ensemble.
    Leader,
    /// It hands the writes of its clients to a leader.
    Follower,
    /// A follower without a vote.
    Observer,
    /// It serves reads to clients that ask for no more, since it knows no leader.
    ReadOnly,
    /// It serves nobody, since it knows no leader.
    Looking,
}

/// Where the answer to a write goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) conn: ConnId,
    pub(crate) xid: i32,
}

/// A write that wants a place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) origin: Option<Origin>,
    pub(crate) session: SessionId,
    pub(crate) identities: Vec<Id>,
    pub(crate) write: Write,
}

/// What is not for this server to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    Propose(Proposal),
    /// Everything that was written so far is to be applied first.
    Sync(Origin),
    /// A client goes on with a session.
    Renew {
        conn: ConnId,
        session: SessionId,
        timeout_ms: u32,
    },
    /// The session's client was heard.
    Touch(SessionId, u32),
}

#[derive(Clone, Debug)]
struct Connection {
    stage: Stage,
    identities: Vec<Id>,
    /// What was received of a frame that is not whole.
    rest: Vec<u8>,
    /// Whole frames that wait for the errand of the one before them.
    waiting: VecDeque<Vec<u8>>,
    /// What the answer to a sync repeats.
    path: Option<String>,
    /// The nonce of a challenge that is not answered.
    challenge: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing whole has come.
    Silent,
    /// The first frame has come, and waits for the leader's word.
    Greeting { session: SessionId, timeout_ms: u32, is_old: bool },
    /// The next request is served at once.
    Open(SessionId, u32),
    /// A request is at the leader.
    Busy(SessionId, u32),
    /// The session has gone on elsewhere.
    Moved,
}

impl Stage {
    const fn session(self) -> Option<SessionId> {
        match self {
            Self::Open(session, _) | Self::Busy(session, _) => Some(session),
            Self::Silent | Self::Greeting { .. } | Self::Moved => None,
        }
    }
}

/// The longest frame of a request, in bytes: the default of `jute.maxbuffer`.
pub const REQUEST_LENGTH_MAX: usize = 0xf_ffff;

impl Peer {
    pub(crate) fn new(config: Config, role: Role, now: Millis) -> Self {
        Self {
            tree: Tree::new(&config.quirks),
            role,
            watches: Watches::default(),
            connections: BTreeMap::new(),
            sessions: BTreeMap::new(),
            outputs: VecDeque::new(),
            errands: VecDeque::new(),
            next_session: handshake::first_session(config.server_id, now),
            local: BTreeSet::new(),
            throttled: 0,
            received: 0,
            sent: 0,
            config,
        }
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    pub(crate) const fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn errand(&mut self) -> Option<Errand> {
        self.errands.pop_front()
    }

    pub(crate) const fn watches(&self) -> &Watches {
        &self.watches
    }

    pub(crate) fn session_conn(&self, session: SessionId) -> Option<ConnId> {
        self.sessions.get(&session).copied()
    }

    /// Takes another role. Nobody is served across such a change.
    pub(crate) fn become_role(&mut self, role: Role) {
        if role != self.role {
            self.role = role;
            self.local.clear();
            let conns: Vec<ConnId> = self.connections.keys().copied().collect();
            for conn in conns {
                self.close(conn);
            }
            self.errands.clear();
        }
    }

    /// The process has died: everything but the tree is gone, and nobody is told.
    pub(crate) fn crash(&mut self) {
        self.connections.clear();
        self.sessions.clear();
        self.local.clear();
        self.watches = Watches::default();
        self.outputs.clear();
        self.errands.clear();
        self.throttled = 0;
        self.role = Role::Looking;
    }

    /// The disk is gone as well.
    pub(crate) fn wipe(&mut self) {
        self.crash();
        self.tree = Tree::new(&self.config.quirks);
    }

    /// The next `count` requests are too many.
    pub(crate) const fn throttle(&mut self, count: u32) {
        self.throttled = count;
    }

    pub(crate) fn connected(&mut self, conn: ConnId, peer: IpAddr) {
        let identities = vec![acl::of_peer(peer)];
        let (rest, waiting, path, challenge) = (Vec::new(), VecDeque::new(), None, None);
        let stage = Stage::Silent;
        let connection = Connection { stage, identities, rest, waiting, path, challenge };
        self.connections.insert(conn, connection);
    }

    pub(crate) fn receive(&mut self, conn: ConnId, bytes: &[u8]) {
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
                Stage::Silent => self.greet(conn, frame),
                Stage::Open(session, timeout_ms) => self.request(conn, session, timeout_ms, frame),
                Stage::Greeting { .. } | Stage::Busy(..) => self.wait(conn, frame),
                Stage::Moved => self.close(conn),
            }
        }
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.rest = rest.to_vec();
        }
    }

    /// Applies the next transaction, and sends events before anybody can be answered from the new state. Then answers
    /// who asked for it, if that was here.
    pub(crate) fn deliver(&mut self, txn: &Txn, origin: Option<Origin>) {
        let (result, triggers) = apply(&mut self.tree, txn, &self.config.quirks);
        let zxid = if self.config.quirks.events_have_zxid { txn.zxid } else { Zxid(-1) };
        for trigger in triggers {
            for conn in self.watches.fire(&trigger) {
                self.tell(conn, &trigger, zxid);
            }
        }
        if let Some(origin) = origin {
            self.settle(origin, txn, result);
        }
        if txn.write == Write::CloseSession
            && let Some(conn) = self.session_conn(txn.session)
        {
            self.close(conn);
        }
    }

    /// The session has gone on at another server. The leader sees it with the next request, whatever it is.
    pub(crate) fn moved(&mut self, session: SessionId) {
        if let Some(conn) = self.sessions.remove(&session)
            && let Some(connection) = self.connections.get_mut(&conn)
        {
            connection.stage = Stage::Moved;
        }
    }

    pub(crate) fn close(&mut self, conn: ConnId) {
        self.forget(conn);
        self.outputs.push_back(Output::Close(conn));
    }

    pub(crate) fn forget(&mut self, conn: ConnId) {
        self.watches.forget(conn);
        if let Some(session) = self.connections.remove(&conn).and_then(|gone| gone.stage.session())
            && self.session_conn(session) == Some(conn)
        {
            self.sessions.remove(&session);
        }
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

    fn stage(&mut self, conn: ConnId, stage: Stage) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.stage = stage;
        }
    }

    fn identities(&self, conn: ConnId) -> &[Id] {
        self.connections.get(&conn).map_or(&[], |connection| &connection.identities)
    }
}
