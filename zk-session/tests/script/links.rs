//! Whole links in one step: reconnections, servers without a quorum, second connections, and watches of every kind.

use std::time::Duration;

use zk_session::ops::{
    AddWatch, AddWatchMode, Auth, Exists, GetChildren2, NodeChildren, Reply, Request, SetWatches,
    SetWatches2, WatchAdded,
};
use zk_session::proto::{
    self, Children, ConnectRequest, ConnectResponse, EventKind, KeeperState, Password, Secret, SessionId,
    Stat, WatcherEvent, Zxid,
};
use zk_session::{CallId, ConnId, Input, Output, Path, Server};

use super::{Script, T, show};

pub fn path(text: &str) -> Path {
    Path::new(text).expect("a path of the test")
}

pub fn add_watch(at: &str, mode: AddWatchMode) -> AddWatch {
    AddWatch { path: path(at), mode }
}

pub fn exists(at: &str) -> Exists {
    Exists { path: path(at), watch: true }
}

pub fn children(at: &str) -> GetChildren2 {
    GetChildren2 { path: path(at), watch: true }
}

pub fn no_children() -> Reply {
    Reply::GetChildren2(NodeChildren { children: Children::default(), stat: Stat::default() })
}

pub fn added() -> Reply {
    Reply::AddWatch(WatchAdded { error: None })
}

impl Script {
    /// What was put out so far, in words.
    pub fn told(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.poll()).map(|output| show(&output)).collect()
    }

    /// What was told of watches so far; the rest is dropped.
    pub fn noticed(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.poll())
            .filter(|output| matches!(output, Output::Notified(..)))
            .map(|output| show(&output))
            .collect()
    }

    /// The link is cut, and the next server has the client's handshake.
    pub fn cut_and_dialed(&mut self) -> ConnectRequest {
        self.cut();
        self.told();
        self.dialed_later();
        self.connected()
    }

    /// The link is cut; another server accepts the session, with watches still to be restored.
    pub fn relinked(&mut self) {
        let session = self.cut_and_dialed().session.raw();
        self.accept(session);
    }

    /// The requests that restore watches, if nothing else was sent.
    pub fn restoring(&mut self) -> Vec<SetWatches2> {
        let sent = self.sent_requests();
        let lists = |(xid, request): &(i32, Request)| {
            lists(*xid, request).unwrap_or_else(|| panic!("expected that watches are restored: {sent:?}"))
        };
        sent.iter().map(lists).collect()
    }

    /// The server has restored the watches of one request.
    pub fn restored(&mut self, zxid: i64) {
        self.reply(-8, zxid, Ok(Reply::SetWatches(())));
    }

    /// An event as servers since 3.9 send it, with the transaction that caused it.
    pub fn event_of(&mut self, zxid: i64, kind: EventKind, at: &str) {
        let event = WatcherEvent { kind, state: KeeperState::SyncConnected, path: at.into() };
        let mut bytes = Vec::new();
        proto::encode_event(&event, Zxid::new(zxid), &mut bytes);
        self.receive(&bytes);
    }

    /// A server accepts the session, without a quorum.
    pub fn accept_read_only(&mut self, session: i64) {
        self.greet(session, T, true);
    }

    /// A server without a quorum says that the session is over, or one with a quorum.
    pub fn expire(&mut self, read_only: bool) {
        self.greet(0, Duration::ZERO, read_only);
    }

    fn greet(&mut self, session: i64, timeout: Duration, read_only: bool) {
        let response = ConnectResponse {
            timeout_ms: i32::try_from(timeout.as_millis()).expect("a timeout of the test"),
            session: SessionId::new(session),
            password: Password::zero(),
            read_only: Some(read_only),
        };
        let mut bytes = Vec::new();
        proto::encode_connect_response(&response, &mut bytes);
        self.receive(&bytes);
    }

    /// The engine asks for a connection; which, and to whom.
    pub fn asked_for(&mut self) -> (ConnId, Server) {
        match self.session.poll() {
            Some(Output::Connect(conn, server)) => (conn, server),
            other => panic!("expected a dial, got {other:?}"),
        }
    }

    /// A second connection stands; returns what the client says on it.
    pub fn asks(&mut self, conn: ConnId) -> Vec<u8> {
        self.session.handle(Input::Connected(conn), self.now);
        let mut slices: [&[u8]; 3] = [&[]; 3];
        let used = self.session.transmit(conn, &mut slices);
        let said = slices[..used].concat();
        self.session.transmitted(conn, said.len());
        said
    }

    /// The server says this on a second connection.
    pub fn answers(&mut self, conn: ConnId, text: &str) {
        self.session.receive_buffer(conn).extend_from_slice(text.as_bytes());
        self.session.handle(Input::Received(conn), self.now);
    }

    /// Sets a watch by `addWatch`, which is answered with this transaction.
    pub fn watch(&mut self, at: &str, mode: AddWatchMode, zxid: i64) -> CallId {
        let call = self.submit(add_watch(at, mode));
        let xid = self.last_sent();
        self.reply(xid, zxid, Ok(added()));
        call
    }

    /// Reads with a watch, which is answered with this transaction.
    pub fn read(&mut self, request: impl Into<Request>, zxid: i64, reply: Reply) -> CallId {
        let call = self.submit(request);
        let xid = self.last_sent();
        self.reply(xid, zxid, Ok(reply));
        call
    }

    /// The number of the last frame that the client sends now.
    pub fn last_sent(&mut self) -> i32 {
        self.sent_requests().last().expect("a request").0
    }
}

/// A credential of the scheme `digest`.
pub fn digest(text: &'static str) -> Auth {
    Auth { scheme: "digest".into(), credential: Some(Secret::new(text.into())) }
}

/// The watches that a request restores; `None` if it does something else.
pub fn lists(xid: i32, request: &Request) -> Option<SetWatches2> {
    if xid != -8 {
        return None;
    }
    if let Request::SetWatches2(lists) = request {
        return Some(lists.clone());
    }
    let Request::SetWatches(SetWatches { relative_zxid, data, exist, child }) = request.clone() else {
        return None;
    };
    let (persistent, recursive) = (Vec::new(), Vec::new());
    Some(SetWatches2 { relative_zxid, data, exist, child, persistent, recursive })
}
