//! The operations of ZooKeeper, one row each.
//!
//! A new operation is a new row, and a record for its reply if no other has it. When to send what is decided elsewhere.
//!
//! The errors that a row names are those that are its own. Any request can besides be refused with
//! [MarshallingError](crate::Code::MarshallingError), [SessionExpired](crate::Code::SessionExpired),
//! [Throttled](crate::Code::Throttled) and
//! [SessionClosedRequireSaslAuth](crate::Code::SessionClosedRequireSaslAuth), and every write and `sync` on a read-only
//! server with [NotReadOnly](crate::Code::NotReadOnly). The text of each code says what to do.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::acl::Acl;
use crate::error::{Malformed, What};
use crate::id::{Version, Zxid};
use crate::mode::CreateMode;
use crate::path::Path;
use crate::read::Reader;
use crate::record::Wire;
use crate::stat::Stat;
use crate::write::Sink;

mod operation;
mod replies;
#[macro_use]
mod table;

pub use operation::{Operation, Release, Repeat};
pub use replies::{Created, CreatedNode, NodeChildren, NodeData, Synced};

operations! {
    /// Creates a node, and answers with its path. Where the server is 3.5 or later, [`Create2`] tells more.
    ///
    /// # Errors
    ///
    /// - [NodeExists](crate::Code::NodeExists): take another name, or use the node that is there.
    /// - [NoNode](crate::Code::NoNode): the parent is missing; create it first.
    /// - [NoChildrenForEphemerals](crate::Code::NoChildrenForEphemerals): the parent is ephemeral; use another.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `CREATE` permission on the parent.
    /// - [InvalidAcl](crate::Code::InvalidAcl): the list is empty, or an entry is not valid.
    /// - [BadArguments](crate::Code::BadArguments): the server has stricter rules for paths than [`Path`].
    /// - [QuotaExceeded](crate::Code::QuotaExceeded): delete something, or have the quota raised.
    /// - [EphemeralOnLocalSession](crate::Code::EphemeralOnLocalSession): the session must be global.
    create 1 since (3, 0, 0) repeat Never
    Create {
        /// The path of the node. For a sequential mode the server appends the counter to it; a name of the counter
        /// alone, which servers make below a path that ends in a slash, cannot be asked for.
        pub path: Path,
        /// The data; `None` differs from no bytes, and servers keep the difference.
        pub data: Option<Bytes>,
        /// Who may do what with the node; not empty.
        pub acl: Vec<Acl>,
        /// The kind of node.
        pub mode: CreateMode,
    } => Created;

    /// Deletes a node that has no children.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): there is nothing to delete.
    /// - [BadVersion](crate::Code::BadVersion): somebody set the data; read again and decide anew.
    /// - [NotEmpty](crate::Code::NotEmpty): delete the children first.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `DELETE` permission on the parent.
    /// - [BadArguments](crate::Code::BadArguments): the root and the system's own nodes stay.
    delete 2 since (3, 0, 0) repeat Conditional
    Delete {
        /// The path of the node.
        pub path: Path,
        /// The version of the data that is expected.
        pub version: Version,
    } => ();

    /// Asks for the bookkeeping of a node, and perhaps to be told of its next change.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): the node does not exist; the watch is set all the same, for its creation.
    /// - [NoAuth](crate::Code::NoAuth): since 3.8.4 and 3.9.2 `READ` permission is needed; no watch is set.
    exists 3 since (3, 0, 0) repeat Safe
    Exists {
        /// The path of the node.
        pub path: Path,
        /// Whether to send one event when the node is created, deleted or its data is set.
        pub watch: bool,
    } => Stat;

    /// Asks for the data of a node, and perhaps to be told of its next change.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): the node does not exist, and no watch is set; [`Exists`] sets one.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `READ` permission; no watch is set.
    getData 4 since (3, 0, 0) repeat Safe
    GetData {
        /// The path of the node.
        pub path: Path,
        /// Whether to send one event when the data is set or the node deleted.
        pub watch: bool,
    } => NodeData;

    /// Sets the data of a node. Setting what is there already counts as a change.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): create the node first.
    /// - [BadVersion](crate::Code::BadVersion): somebody set the data; read again and decide anew.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `WRITE` permission.
    /// - [QuotaExceeded](crate::Code::QuotaExceeded): set less, or have the quota raised.
    setData 5 since (3, 0, 0) repeat Conditional
    SetData {
        /// The path of the node.
        pub path: Path,
        /// The data; `None` differs from no bytes, and servers keep the difference.
        pub data: Option<Bytes>,
        /// The version of the data that is expected.
        pub version: Version,
    } => Stat;

    /// Makes the connected server catch up with the leader: later reads on the connection see at least what the leader
    /// had when it handled this. Not a round of the quorum: a leader deposed without knowing it can answer.
    ///
    /// # Errors
    ///
    /// None of its own: the node need not exist.
    sync 9 since (3, 0, 0) repeat Safe
    Sync {
        /// Any path; servers only send it back.
        pub path: Path,
    } => Synced;

    /// Keeps the session alive. Its number is [`Xid::PING`](crate::Xid::PING).
    ///
    /// # Errors
    ///
    /// None of its own.
    ping 11 since (3, 0, 0) repeat Safe
    Ping {} => ();

    /// Asks for the names of a node's children and its bookkeeping, and perhaps to be told of the next change.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): the node does not exist, and no watch is set; [`Exists`] sets one.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `READ` permission; no watch is set.
    getChildren2 12 since (3, 3, 0) repeat Safe
    GetChildren2 {
        /// The path of the node.
        pub path: Path,
        /// Whether to send one event when a child is created or deleted, or the node is deleted.
        pub watch: bool,
    } => NodeChildren;

    /// Creates a node, and answers with its path and bookkeeping.
    ///
    /// # Errors
    ///
    /// As [`Create`], and [Unimplemented](crate::Code::Unimplemented) from a server before 3.5: use that one.
    create2 15 since (3, 5, 0) repeat Never
    Create2 {
        /// The path of the node. For a sequential mode the server appends the counter to it; a name of the counter
        /// alone, which servers make below a path that ends in a slash, cannot be asked for.
        pub path: Path,
        /// The data; `None` differs from no bytes, and servers keep the difference.
        pub data: Option<Bytes>,
        /// Who may do what with the node; not empty.
        pub acl: Vec<Acl>,
        /// The kind of node.
        pub mode: CreateMode,
    } => CreatedNode;

    /// Sets watches anew after a reconnect. For a node that has changed since `relative_zxid` the server sends the event
    /// before the reply, and sets no watch.
    ///
    /// Split long lists over several requests: a server does not take one longer than
    /// [`REQUEST_LENGTH_MAX`](crate::REQUEST_LENGTH_MAX), and closes the connection.
    ///
    /// # Errors
    ///
    /// None of its own.
    setWatches 101 since (3, 0, 0) repeat Safe
    SetWatches {
        /// The last transaction that a reply showed. Events do not count: a transaction can fire several.
        pub relative_zxid: Zxid,
        /// Watches of data on nodes that were there.
        pub data: Vec<Path>,
        /// Watches for the creation of nodes that were not there.
        pub exist: Vec<Path>,
        /// Watches of children.
        pub child: Vec<Path>,
    } => ();

    /// Ends the session and deletes its ephemeral nodes. The server closes the connection after the reply.
    ///
    /// # Errors
    ///
    /// None of its own. If the reply is lost, the session ends at the latest when it expires.
    closeSession -11 since (3, 0, 0) repeat Safe
    CloseSession {} => ();
}

#[cfg(test)]
mod tests;
