//! The records that answer operations.
//!
//! An operation whose success says everything is answered by `()`, and `exists`, `setData` and `setACL` by a bare
//! [`Stat`].

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::acl::Acl;
use crate::children::Children;
use crate::code::Code;
use crate::path::Path;
use crate::secret::Secret;
use crate::stat::Stat;

record! {
    /// Answers [`Create`](super::Create).
    pub struct Created as CreateResponse {
        /// The path of the node, with the counter if the mode is sequential.
        pub path: Path,
    }
}

record! {
    /// Answers [`Create2`](super::Create2), [`CreateContainer`](super::CreateContainer) and
    /// [`CreateTtl`](super::CreateTtl).
    pub struct CreatedNode as Create2Response {
        /// The path of the node, with the counter if the mode is sequential.
        pub path: Path,
        /// The bookkeeping of the new node.
        pub stat: Stat,
    }
}

record! {
    /// Answers [`GetData`](super::GetData), and [`Reconfig`](super::Reconfig) with the new configuration.
    pub struct NodeData as GetDataResponse {
        /// The data; `None` if the node was given none, which differs from no bytes. It shares the memory of the frame
        /// it came in.
        pub data: Option<Bytes>,
        /// The bookkeeping that belongs to the data.
        pub stat: Stat,
    }
}

record! {
    /// Answers [`GetChildren2`](super::GetChildren2).
    pub struct NodeChildren as GetChildren2Response {
        /// The names of the children.
        pub children: Children,
        /// The bookkeeping that belongs to the names.
        pub stat: Stat,
    }
}

record! {
    /// Answers [`Sync`](super::Sync).
    pub struct Synced as SyncResponse {
        /// The path of the request.
        pub path: Path,
    }
}

record! {
    /// Answers [`GetAcl`](super::GetAcl).
    pub struct NodeAcl as GetACLResponse {
        /// Who may do what. Without `ADMIN` permission the hashes of digests read `x` (since 3.4.14 and 3.5.5).
        pub acl: Vec<Acl>,
        /// The bookkeeping of the node.
        pub stat: Stat,
    }
}

record! {
    /// Answers [`GetChildren`](super::GetChildren).
    pub struct NodeNames as GetChildrenResponse {
        /// The names of the children.
        pub children: Children,
    }
}

record! {
    /// Answers [`GetEphemerals`](super::GetEphemerals).
    pub struct Ephemerals as GetEphemeralsResponse {
        /// The paths of the nodes on the server, in no particular order.
        pub paths as ephemerals: Vec<Path>,
    }
}

record! {
    /// Answers [`GetAllChildrenNumber`](super::GetAllChildrenNumber).
    pub struct Descendants as GetAllChildrenNumberResponse {
        /// How many nodes there are below the node. Below the root the system's own nodes are counted, too.
        pub total as totalNumber: i32,
    }
}

record! {
    /// Answers [`AddWatch`](super::AddWatch).
    pub struct WatchAdded as ErrorResponse {
        /// Servers send no error here: the header has it.
        pub error as err: Option<Code>,
    }
}

record! {
    /// Answers [`Sasl`](super::Sasl).
    pub struct SaslToken as SetSASLResponse {
        /// The answer to the client's token. Null as the first answer means that the server has no SASL; null at the
        /// end of some mechanisms means that nothing more is to be said.
        pub token: Option<Secret>,
    }
}

record! {
    /// Answers [`WhoAmI`](super::WhoAmI).
    pub struct Identities as WhoAmIResponse {
        /// Who the connection is; its address is always among them.
        pub identities as clientInfo: Vec<ClientInfo>,
    }
}

record! {
    /// One identity of a connection.
    pub struct ClientInfo {
        /// The scheme.
        pub scheme as authScheme: String,
        /// The name within the scheme; of a digest only what stands before the colon.
        pub user: String,
    }
}
