//! Histories of the model itself are in order, and each corruption of one is seen.

use std::collections::VecDeque;

use zk_session::ops::{
    Check, Create2, Delete, Exists, GetChildren2, GetData, Multi, NodeData, SetData, Sync,
};
use zk_session::{CreateMode, Rng, Version};

use super::*;
use crate::read::{Reader, Watched};
use crate::reply::Body;
use crate::request;
use crate::txn::Write;
use crate::watches::Watches;
use crate::{ConnId, Millis, Tree, apply, translate};

mod corrupted;
mod random;

/// A server and its clients, who write down what they are told.
struct Run {
    tree: Tree,
    log: Vec<Txn>,
    watches: Watches,
    history: History,
    /// What each client is still to be told.
    wires: Vec<VecDeque<Letter>>,
    time: u64,
    position: u64,
}

enum Letter {
    End(usize, Outcome),
    Event(crate::txn::Event, String),
}

const CLIENTS: usize = 3;

impl Run {
    fn new() -> Self {
        let mut run = Self {
            tree: Tree::new(&Quirks::default()),
            log: Vec::new(),
            watches: Watches::default(),
            history: History::default(),
            wires: (0..CLIENTS).map(|_| VecDeque::new()).collect(),
            time: 0,
            position: 0,
        };
        for client in 0..CLIENTS {
            let _ = run.commit(client, Write::OpenSession { timeout_ms: 1000 });
        }
        run
    }

    fn commit(&mut self, client: usize, write: Write) -> Result<Body, crate::Code> {
        let zxid = crate::Zxid(self.tree.applied().0 + 1);
        let session = asked::session(session(client));
        let txn = Txn { zxid, time: Millis(self.time), session, identities: [].into(), write };
        let (result, triggers) = apply(&mut self.tree, &txn, &Quirks::default());
        self.log.push(txn);
        for trigger in triggers {
            for ConnId(number) in self.watches.fire(&trigger) {
                self.wires[number as usize].push_back(Letter::Event(trigger.event, trigger.path.clone()));
            }
        }
        result.map(Body::Outcome)
    }

    /// A client makes a call; its fate is open.
    fn make(&mut self, client: usize, request: impl Into<Request>) -> usize {
        self.time += 1;
        self.history.calls.push(Call {
            client: client as u64,
            session: session(client),
            invoked: Instant::from_nanos(self.time),
            returned: None,
            position: u64::MAX,
            request: request.into(),
            outcome: Outcome::MaybeApplied,
        });
        self.history.calls.len() - 1
    }

    /// The server takes a call.
    fn serve(&mut self, call: usize) {
        let quirks = Quirks::default();
        let client = self.history.calls[call].client as usize;
        let request = self.history.calls[call].request.clone();
        let result = match translate::asked(&request, &quirks).unwrap() {
            request::Request::Write(write) => self.commit(client, write),
            request::Request::Read(read) => {
                let session = asked::session(session(client));
                let result = Reader { session, identities: &[] }.read(&self.tree, &read, &quirks);
                match read.watch(&result) {
                    Some(Watched::Data(path)) => {
                        self.watches.watch_data(path, ConnId(client as u64), &quirks);
                    }
                    Some(Watched::Children(path)) => {
                        self.watches.watch_children(path, ConnId(client as u64), &quirks);
                    }
                    None => {}
                }
                result
            }
            request::Request::Sync { path } => Ok(Body::Path(path)),
            request::Request::CloseSession => self.commit(client, Write::CloseSession),
            request::Request::Watch(_)
            | request::Request::Ping
            | request::Request::Auth { .. }
            | request::Request::Sasl { .. }
            | request::Request::Reconfig => panic!("nobody asks for {request:?}"),
        };
        let zxid = Zxid::new(self.tree.applied().0);
        let outcome = match result {
            Ok(body) => Outcome::Ok { zxid, reply: translate::answered(request.opcode(), body) },
            Err(code) => Outcome::Refused { code: translate::refused(code), zxid: Some(zxid) },
        };
        self.wires[client].push_back(Letter::End(call, outcome));
    }

    /// A client reads the next thing it is told.
    fn read(&mut self, client: usize) -> Option<usize> {
        self.time += 1;
        self.position += 1;
        match self.wires[client].pop_front()? {
            Letter::End(at, outcome) => {
                let call = &mut self.history.calls[at];
                (call.outcome, call.position) = (outcome, self.position);
                call.returned = Some(Instant::from_nanos(self.time));
                Some(at)
            }
            Letter::Event(event, path) => {
                let kind = match event {
                    crate::txn::Event::Created => EventKind::NodeCreated,
                    crate::txn::Event::Deleted => EventKind::NodeDeleted,
                    crate::txn::Event::DataChanged => EventKind::NodeDataChanged,
                    crate::txn::Event::ChildrenChanged => EventKind::NodeChildrenChanged,
                };
                let (session, position) = (session(client), self.position);
                let path = Path::new(&path).unwrap();
                self.history.events.push(Noticed { client: client as u64, session, kind, path, position });
                None
            }
        }
    }

    /// A call from its making to its end.
    fn call(&mut self, client: usize, request: impl Into<Request>) -> usize {
        let call = self.make(client, request);
        self.serve(call);
        while self.read(client) != Some(call) {}
        call
    }

    /// The end of a call is not known.
    fn lose(&mut self, call: usize) {
        self.time += 1;
        self.position += 1;
        let client = self.history.calls[call].client as usize;
        self.wires[client].retain(|letter| !matches!(letter, Letter::End(at, _) if *at == call));
        let call = &mut self.history.calls[call];
        (call.outcome, call.position) = (Outcome::MaybeApplied, self.position);
        call.returned = Some(Instant::from_nanos(self.time));
    }

    fn judged(&self) -> Result<Report, Violation> {
        replay(&self.history, &Quirks::default())
    }

    fn judged_with_log(&self) -> Result<Report, Violation> {
        replay_with_log(&self.history, &self.log, &Quirks::default())
    }
}

const fn session(client: usize) -> SessionId {
    SessionId::new(client as i64 + 100)
}

fn path(text: &str) -> Path {
    Path::new(text).unwrap()
}

fn create(at: &str, mode: CreateMode) -> Create2 {
    Create2 { path: path(at), data: Some("first".into()), acl: zk_session::Acl::open_unsafe(), mode }
}

fn set(at: &str, data: &str) -> SetData {
    SetData { path: path(at), data: Some(data.to_owned().into()), version: Version::ANY }
}

fn get(at: &str, watch: bool) -> GetData {
    GetData { path: path(at), watch }
}

fn sync(at: &str) -> Sync {
    Sync { path: path(at) }
}
