//! The server below the peers: the tree and the watches of the model, without bytes.
//!
//! What a request does is decided by `apply` and by reads, as in a server; here they are only put to work.

use std::hash::{Hash, Hasher};

use zk_session::Request;

use crate::acl::{self, AclAsked};
use crate::path::{self, ROOT};
use crate::read::{Reader, Watched};
use crate::reply::Body;
use crate::request;
use crate::txn::{Change, Create, Event, Form, Txn, Write};
use crate::watches::Watches;
use crate::{Acl, Code, ConnId, Millis, Quirks, SessionId, Tree, Zxid, apply, translate};

/// A server that every peer has a connection to.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    tree: Tree,
    watches: Watches,
    quirks: Quirks,
}

/// An event for the connection of a peer.
#[derive(Clone, Debug)]
pub(super) struct Fired {
    pub(super) peer: usize,
    pub(super) event: Event,
    pub(super) path: String,
}

/// The numbers of all transactions have this epoch, by which they are told from other numbers.
pub(super) const EPOCH: i64 = 0x7a78_6964;

/// Who meddles.
const OPERATOR: SessionId = SessionId(-1);
/// Time stands still on the server: no container is reaped, and states that differ in times only are one.
const NOW: Millis = Millis(0);

impl Ground {
    /// A server with these nodes.
    pub(super) fn new(nodes: &[String], quirks: Quirks) -> Self {
        let mut tree = Tree::new(&quirks);
        tree.reached(Zxid(EPOCH << 32));
        let mut ground = Self { tree, watches: Watches::default(), quirks };
        ground.open(OPERATOR);
        for path in nodes {
            let _ = ground.create(path, false);
        }
        ground
    }

    pub(super) const fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(super) fn open(&mut self, session: SessionId) {
        let _ = self.commit(session, Write::OpenSession { timeout_ms: 0 }, &mut Vec::new());
    }

    pub(super) fn close(&mut self, session: SessionId, fired: &mut Vec<Fired>) {
        let _ = self.commit(session, Write::CloseSession, fired);
    }

    /// Answers a request. A watch that it leaves is set.
    pub(super) fn serve(
        &mut self,
        peer: usize,
        session: SessionId,
        asked: &Request,
        fired: &mut Vec<Fired>,
    ) -> Result<Body, Code> {
        match translate::asked(asked, &self.quirks)? {
            request::Request::Write(write) => self.commit(session, write, fired),
            request::Request::Read(read) => {
                let reader = Reader { session, identities: &[] };
                let result = reader.read(&self.tree, &read, &self.quirks);
                match read.watch(&result) {
                    Some(Watched::Data(path)) => self.watch_data(path, peer),
                    Some(Watched::Children(path)) => self.watch_children(path, peer),
                    None => {}
                }
                result
            }
            request::Request::Sync { path } => Ok(Body::Path(path)),
            request::Request::Ping => Ok(Body::Nothing),
            request::Request::Watch(_)
            | request::Request::Auth { .. }
            | request::Request::Sasl { .. }
            | request::Request::Reconfig
            | request::Request::CloseSession => Err(Code::Unimplemented),
        }
    }

    pub(super) fn watch_data(&mut self, path: &str, peer: usize) {
        self.watches.watch_data(path, conn(peer), &self.quirks);
    }

    pub(super) fn watch_children(&mut self, path: &str, peer: usize) {
        self.watches.watch_children(path, conn(peer), &self.quirks);
    }

    /// The connection of a peer is lost, and its watches with it.
    pub(super) fn forget(&mut self, peer: usize) {
        self.watches.forget(conn(peer));
    }

    /// The nodes that an operator may delete: what is nobody's parent and not there from the start.
    pub(super) fn deletable(&self, nodes: &[String]) -> impl Iterator<Item = &str> {
        let own = move |path: &str| is_own(path) && !nodes.iter().any(|node| node == path);
        let free = self.tree.nodes().filter(|(_, node)| node.children.is_empty());
        free.map(|(path, _)| path).filter(move |path| own(path))
    }

    /// An operator deletes a node.
    pub(super) fn delete(&mut self, path: &str) -> Vec<Fired> {
        let mut fired = Vec::new();
        let change = Change::Delete { path: path.into(), version: -1 };
        let _ = self.commit(OPERATOR, Write::Change(change), &mut fired);
        fired
    }

    /// An operator creates a node, if it can be.
    pub(super) fn create(&mut self, path: &str, sequential: bool) -> Vec<Fired> {
        let acl = Acl::open().into_iter().map(AclAsked::from).collect();
        let create = Create {
            path: path.into(),
            data: None,
            acl: Some(acl),
            flags: if sequential { SEQUENTIAL } else { 0 },
            form: Form::WithStat,
        };
        let mut fired = Vec::new();
        let _ = self.commit(OPERATOR, Write::Change(Change::Create(create)), &mut fired);
        fired
    }

    fn commit(&mut self, session: SessionId, write: Write, fired: &mut Vec<Fired>) -> Result<Body, Code> {
        let zxid = Zxid(self.tree.applied().0 + 1);
        let txn = Txn { zxid, time: NOW, session, identities: [].into(), write };
        let (result, triggers) = apply(&mut self.tree, &txn, &self.quirks);
        for trigger in triggers {
            if self.quirks.events_need_read && acl::check(&trigger.acl, acl::READ, &[]).is_err() {
                continue;
            }
            let conns = self.watches.fire(&trigger);
            fired.extend(conns.into_iter().filter_map(|ConnId(number)| {
                let peer = usize::try_from(number).ok()?;
                Some(Fired { peer, event: trigger.event, path: trigger.path.clone() })
            }));
        }
        result.map(Body::Outcome)
    }
}

impl Hash for Ground {
    /// The last zxid is left out: the next one is higher than all in any case.
    fn hash<H: Hasher>(&self, state: &mut H) {
        for own in self.tree.nodes().filter(|(path, _)| is_own(path)) {
            own.hash(state);
        }
        self.watches.hash(state);
    }
}

/// The flags of a persistent sequential create.
const SEQUENTIAL: i32 = 2;

/// Whether the node is not the server's.
fn is_own(path: &str) -> bool {
    path != ROOT && !path::is_within(path, path::SYSTEM[0])
}

const fn conn(peer: usize) -> ConnId {
    ConnId(peer as u64)
}
