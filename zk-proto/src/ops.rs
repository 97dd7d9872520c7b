//! The operations of ZooKeeper, one row each.
//!
//! A new operation is a new row, a record for its fields, and one for its reply if no other has it. When to send what is
//! decided elsewhere.
//!
//! The errors that a request names are those that are its own. Any request can besides be refused with
//! [MarshallingError](crate::Code::MarshallingError), [SessionExpired](crate::Code::SessionExpired),
//! [Throttled](crate::Code::Throttled) and
//! [SessionClosedRequireSaslAuth](crate::Code::SessionClosedRequireSaslAuth), with
//! [Unimplemented](crate::Code::Unimplemented) by a server older than the operation, and on a read-only server with
//! [NotReadOnly](crate::Code::NotReadOnly) where [`Opcode::read_only`] says so. The text of each code says what to do.
//!
//! Three operations have no row and cannot be sent: `check` outside of a multi and `createTTL` with another mode than
//! its own make servers die for good, and `deleteContainer` is the business of servers. [`Check`] exists within
//! [`Multi`] only, [`CreateTtl`] has no field for a wrong number, and [`RawOpcode`] takes none of them.

use crate::error::{Malformed, What};
use crate::id::Xid;
use crate::path::Path;
use crate::read::Reader;
use crate::record::Wire;
use crate::schema::{Field, Kind, Schema};
use crate::stat::Stat;
use crate::write::Sink;

mod creation;
mod multi;
mod nodes;
mod operation;
mod raw;
mod replies;
mod session;
#[macro_use]
mod table;
mod watches;

pub use creation::{Create, Create2, CreateContainer, CreateTtl};
pub use multi::{Batch, Check, Multi, MultiFailed, MultiOp, MultiRead, MultiReadOp, MultiReply, MultiResult};
pub use nodes::{
    Delete, Exists, GetAcl, GetAllChildrenNumber, GetChildren, GetChildren2, GetData, GetEphemerals, SetAcl,
    SetData, Sync,
};
pub use operation::{Operation, Release, Repeat};
pub use raw::{Raw, RawOpcode, Unsendable, name};
pub use replies::{
    ClientInfo, Created, CreatedNode, Descendants, Ephemerals, Identities, NodeAcl, NodeChildren, NodeData,
    NodeNames, SaslToken, Synced, WatchAdded,
};
pub use session::{Auth, CloseSession, Ping, Reconfig, Sasl, WhoAmI};
pub use watches::{AddWatch, AddWatchMode, CheckWatches, RemoveWatches, SetWatches, SetWatches2, WatchKind};

// Name, number, since, repeat, read-only, xid, request => reply.
operations! {
    create 1 (3, 0, 0) Never false None, Create => Created;
    delete 2 (3, 0, 0) Conditional false None, Delete => ();
    exists 3 (3, 0, 0) Safe true None, Exists => Stat as ExistsResponse(stat);
    getData 4 (3, 0, 0) Safe true None, GetData => NodeData;
    setData 5 (3, 0, 0) Conditional false None, SetData => Stat as SetDataResponse(stat);
    getACL 6 (3, 0, 0) Safe true None, GetAcl => NodeAcl;
    setACL 7 (3, 0, 0) Conditional false None, SetAcl => Stat as SetACLResponse(stat);
    getChildren 8 (3, 0, 0) Safe true None, GetChildren => NodeNames;
    sync 9 (3, 0, 0) Safe false None, Sync => Synced;
    ping 11 (3, 0, 0) Safe true Some(Xid::PING), Ping => ();
    getChildren2 12 (3, 3, 0) Safe true None, GetChildren2 => NodeChildren;
    multi 14 (3, 4, 0) Never false None, Multi => MultiReply;
    create2 15 (3, 5, 0) Never false None, Create2 => CreatedNode;
    reconfig 16 (3, 5, 0) Conditional false None, Reconfig => NodeData;
    checkWatches 17 (3, 5, 0) Safe true None, CheckWatches => ();
    removeWatches 18 (3, 5, 0) Safe true None, RemoveWatches => ();
    createContainer 19 (3, 5, 1) Never false None, CreateContainer => CreatedNode;
    createTTL 21 (3, 5, 3) Never false None, CreateTtl => CreatedNode;
    multiRead 22 (3, 6, 0) Safe true None, MultiRead => MultiReply;
    auth 100 (3, 0, 0) Safe true Some(Xid::AUTH), Auth => ();
    setWatches 101 (3, 0, 0) Safe true Some(Xid::SET_WATCHES), SetWatches => ();
    sasl 102 (3, 4, 0) Never true None, Sasl => SaslToken;
    getEphemerals 103 (3, 6, 0) Safe true None, GetEphemerals => Ephemerals;
    getAllChildrenNumber 104 (3, 6, 0) Safe true None, GetAllChildrenNumber => Descendants;
    setWatches2 105 (3, 6, 0) Safe true Some(Xid::SET_WATCHES), SetWatches2 => ();
    addWatch 106 (3, 6, 0) Safe true None, AddWatch => WatchAdded;
    whoAmI 107 (3, 7, 0) Safe true None, WhoAmI => Identities;
    closeSession -11 (3, 0, 0) Safe true None, CloseSession => ();
}

#[cfg(test)]
mod tests;
