//! What is asked about nodes that are there, and of them.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::acl::Acl;
use crate::id::Version;
use crate::path::Path;

record! {
    /// Deletes a node that has no children.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): there is nothing to delete.
    /// - [BadVersion](crate::Code::BadVersion): somebody set the data; read again and decide anew.
    /// - [NotEmpty](crate::Code::NotEmpty): delete the children first.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `DELETE` permission on the parent.
    /// - [BadArguments](crate::Code::BadArguments): the root and the system's own nodes stay.
    pub struct Delete as DeleteRequest {
        /// The path of the node.
        pub path: Path,
        /// The version of the data that is expected.
        pub version: Version,
    }
}

record! {
    /// Asks for the bookkeeping of a node, and perhaps to be told of its next change.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): the node does not exist; the watch is set all the same, for its creation.
    /// - [NoAuth](crate::Code::NoAuth): since 3.8.4 and 3.9.2 `READ` permission is needed; no watch is set.
    pub struct Exists as ExistsRequest {
        /// The path of the node.
        pub path: Path,
        /// Whether to send one event when the node is created, deleted or its data is set.
        pub watch: bool,
    }
}

record! {
    /// Asks for the data of a node, and perhaps to be told of its next change.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): the node does not exist, and no watch is set; [`Exists`] sets one.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `READ` permission; no watch is set.
    pub struct GetData as GetDataRequest {
        /// The path of the node.
        pub path: Path,
        /// Whether to send one event when the data is set or the node deleted.
        pub watch: bool,
    }
}

impl GetData {
    /// Asks for the configuration of the ensemble, which [`EnsembleConfig`](crate::EnsembleConfig) understands. Any
    /// server since 3.5 has the node; on a server that is no part of an ensemble it has no data.
    ///
    /// The node is outside of every chroot.
    #[must_use]
    pub fn config(watch: bool) -> Self {
        Self { path: Path::config(), watch }
    }
}

record! {
    /// Sets the data of a node. Setting what is there already counts as a change.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): create the node first.
    /// - [BadVersion](crate::Code::BadVersion): somebody set the data; read again and decide anew.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `WRITE` permission.
    /// - [QuotaExceeded](crate::Code::QuotaExceeded): set less, or have the quota raised.
    pub struct SetData as SetDataRequest {
        /// The path of the node.
        pub path: Path,
        /// The data; `None` differs from no bytes, and servers keep the difference.
        pub data: Option<Bytes>,
        /// The version of the data that is expected.
        pub version: Version,
    }
}

record! {
    /// Asks who may do what with a node.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): the node does not exist.
    /// - [NoAuth](crate::Code::NoAuth): the connection has neither `READ` nor `ADMIN` permission.
    pub struct GetAcl as GetACLRequest {
        /// The path of the node.
        pub path: Path,
    }
}

record! {
    /// Sets who may do what with a node. Its data and the version of its data stay as they are.
    ///
    /// A list that was read without `ADMIN` permission has its digests masked: do not write it back.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): create the node first.
    /// - [BadVersion](crate::Code::BadVersion): somebody set the ACL; read again and decide anew.
    /// - [InvalidAcl](crate::Code::InvalidAcl): the list is empty, or an entry is not valid.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `ADMIN` permission.
    pub struct SetAcl as SetACLRequest {
        /// The path of the node.
        pub path: Path,
        /// Who may do what with the node; not empty.
        pub acl: Vec<Acl>,
        /// The version of the ACL that is expected: [`Stat::aversion`](crate::Stat::aversion), not that of the data.
        pub version: Version,
    }
}

record! {
    /// Asks for the names of a node's children, and perhaps to be told of the next change. Since 3.3
    /// [`GetChildren2`] tells more.
    ///
    /// # Errors
    ///
    /// As [`GetChildren2`].
    pub struct GetChildren as GetChildrenRequest {
        /// The path of the node.
        pub path: Path,
        /// Whether to send one event when a child is created or deleted, or the node is deleted.
        pub watch: bool,
    }
}

record! {
    /// Asks for the names of a node's children and its bookkeeping, and perhaps to be told of the next change.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): the node does not exist, and no watch is set; [`Exists`] sets one.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `READ` permission; no watch is set.
    pub struct GetChildren2 as GetChildren2Request {
        /// The path of the node.
        pub path: Path,
        /// Whether to send one event when a child is created or deleted, or the node is deleted.
        pub watch: bool,
    }
}

record! {
    /// Asks how many nodes there are below a node, at any depth.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): the node does not exist.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `READ` permission on the node; below it none is needed.
    pub struct GetAllChildrenNumber as GetAllChildrenNumberRequest {
        /// The path of the node.
        pub path: Path,
    }
}

record! {
    /// Asks for the ephemeral nodes of the session.
    ///
    /// The server compares texts: `/app` stands for `/apple`, too, and `/` for all.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub struct GetEphemerals as GetEphemeralsRequest {
        /// What the paths start with.
        pub prefix as prefixPath: Path,
    }
}

record! {
    /// Makes the connected server catch up with the leader: later reads on the connection see at least what the leader
    /// had when it handled this. Not a round of the quorum: a leader deposed without knowing it can answer.
    ///
    /// # Errors
    ///
    /// None of its own: the node need not exist.
    pub struct Sync as SyncRequest {
        /// Any path; servers only send it back.
        pub path: Path,
    }
}
