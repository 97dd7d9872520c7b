//! Transactions, what becomes of them, and whom they may wake. Data only; `apply` gives it meaning.

use std::sync::Arc;

use crate::acl::{Acl, AclAsked, Id};
use crate::{Code, Millis, SessionId, Stat, Zxid};

/// An entry of the log. It holds what was asked and by whom; what comes of it follows from the tree it is applied to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Txn {
    /// Its place in the log.
    pub zxid: Zxid,
    /// When the leader took it.
    pub time: Millis,
    /// Who asked.
    pub session: SessionId,
    /// As whom the session's connection was known at that moment.
    pub identities: Arc<[Id]>,
    /// What was asked.
    pub write: Write,
}

/// What goes through the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// The session begins, with this timeout.
    OpenSession {
        /// The negotiated timeout.
        timeout_ms: u32,
    },
    /// One change.
    Change(Change),
    /// Sets who may do what.
    SetAcl {
        /// Of which node.
        path: String,
        /// The list, if it is not null.
        acl: Option<Vec<AclAsked>>,
        /// The version of the ACL that is expected, -1 for any.
        version: i32,
    },
    /// All of these changes, or none.
    Multi(Vec<Change>),
    /// The server deletes a node that has outlived its purpose.
    Reap {
        /// Which.
        path: String,
    },
    /// A request that was refused before it was looked at; it takes its place in the log all the same.
    Refused(Code),
    /// The session ends, and with it its ephemeral nodes.
    CloseSession,
}

/// A change that can be part of a multi.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Creates a node.
    Create(Create),
    /// Deletes a node.
    Delete {
        /// Which.
        path: String,
        /// The version of its data that is expected, -1 for any.
        version: i32,
    },
    /// Sets a node's data.
    SetData {
        /// Of which node.
        path: String,
        /// The data.
        data: Option<Arc<[u8]>>,
        /// The version that is expected, -1 for any.
        version: i32,
    },
    /// Changes nothing, and fails if the node is not there or has another version. Not to be asked for alone.
    Check {
        /// Which node.
        path: String,
        /// The version that is expected, -1 for any.
        version: i32,
    },
}

/// A node that is to be created, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Create {
    /// Its path, to which a number is added when the flags say so.
    pub path: String,
    /// Its data.
    pub data: Option<Arc<[u8]>>,
    /// Its ACL, if it is not null.
    pub acl: Option<Vec<AclAsked>>,
    /// What kind of node, unless the form says so.
    pub flags: i32,
    /// By which operation.
    pub form: Form,
}

/// The operation a create was asked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `create`, answered by the path.
    Plain,
    /// `create2`, answered by the path and the stat.
    WithStat,
    /// `createContainer`.
    Container,
    /// `createTTL`, with the time to live in milliseconds.
    Ttl(i64),
}

/// What a transaction has done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A session began or ended.
    Session,
    /// A node was created.
    Created {
        /// Its path, with its number.
        path: String,
        /// Its stat right after.
        stat: Stat,
        /// By which operation.
        form: Form,
    },
    /// A node was deleted.
    Deleted,
    /// Data was set.
    DataSet(Stat),
    /// An ACL was set.
    AclSet(Stat),
    /// The node is there and has the version.
    Checked,
    /// All changes were made, with these outcomes.
    Multi(Vec<Self>),
    /// No change of a multi was made.
    MultiFailed {
        /// How many there were.
        count: usize,
        /// Which was the first that could not be.
        at: usize,
        /// Why.
        code: Code,
    },
}

/// A change that watches may be waiting for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Trigger {
    /// What happened.
    pub event: Event,
    /// To which node.
    pub path: String,
    /// The ACL of the node, for those who are told only what they may read.
    pub acl: Arc<[Acl]>,
}

/// What can happen to a node; the discriminant is the type on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum Event {
    /// It was created.
    Created = 1,
    /// It was deleted.
    Deleted = 2,
    /// Its data was set.
    DataChanged = 3,
    /// A child was created or deleted.
    ChildrenChanged = 4,
}

impl Event {
    /// The event with this type on the wire.
    pub(crate) fn of(raw: i32) -> Option<Self> {
        let all = [Self::Created, Self::Deleted, Self::DataChanged, Self::ChildrenChanged];
        all.into_iter().find(|event| *event as i32 == raw)
    }
}
