//! The records that answer operations.
//!
//! An operation whose success says everything is answered by `()`, and `exists` and `setData` by a bare
//! [`Stat`].

use bytes::Bytes;

use crate::children::Children;
use crate::path::Path;
use crate::stat::Stat;

record! {
    /// Answers [`Create`](super::Create).
    pub struct Created {
        /// The path of the node, with the counter if the mode is sequential.
        pub path: Path,
    }
}

record! {
    /// Answers [`Create2`](super::Create2).
    pub struct CreatedNode {
        /// The path of the node, with the counter if the mode is sequential.
        pub path: Path,
        /// The bookkeeping of the new node.
        pub stat: Stat,
    }
}

record! {
    /// Answers [`GetData`](super::GetData).
    pub struct NodeData {
        /// The data; `None` if the node was given none, which differs from no bytes. It shares the memory of the frame
        /// it came in.
        pub data: Option<Bytes>,
        /// The bookkeeping that belongs to the data.
        pub stat: Stat,
    }
}

record! {
    /// Answers [`GetChildren2`](super::GetChildren2).
    pub struct NodeChildren {
        /// The names of the children.
        pub children: Children,
        /// The bookkeeping that belongs to the names.
        pub stat: Stat,
    }
}

record! {
    /// Answers [`Sync`](super::Sync).
    pub struct Synced {
        /// The path of the request.
        pub path: Path,
    }
}
