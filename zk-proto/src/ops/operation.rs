//! What is known about an operation without looking at a request.

use core::fmt;

use crate::id::Xid;
use crate::ops::{Opcode, Reply, Request};
use crate::record::Wire;

/// Ties the request of an operation to its reply.
///
/// Implemented by the requests in [`ops`](crate::ops), for callers who want the reply's own type back.
pub trait Operation: Into<Request> + Wire {
    /// The operation.
    const OPCODE: Opcode;
    /// The name of the operation, as ZooKeeper writes it.
    const NAME: &'static str;
    /// The first release whose servers have the operation.
    const SINCE: Release;
    /// What sending the operation a second time may do.
    const REPEAT: Repeat;
    /// Whether a server takes it that serves reads only. Others are answered by
    /// [`Code::NotReadOnly`](crate::Code::NotReadOnly).
    const READ_ONLY: bool;
    /// The number that the header of the request must have; `None` for the next ordinary one.
    const XID: Option<Xid>;

    /// The record that answers.
    type Reply: Wire;

    /// Takes the answer out of a reply; `None` if the reply answers another operation.
    fn reply(reply: Reply) -> Option<Self::Reply>;
}

/// What sending an operation again may do, when the reply to the first sending was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// Nothing that sending it once does not do.
    Safe,
    /// Nothing more if the request expects a version, unless the node was deleted and created again in between; but
    /// the second answer may be an error that says the first sending was applied. With
    /// [`Version::ANY`](crate::Version::ANY) it may undo what somebody else did in between.
    Conditional,
    /// It may do a second time what it does once. Find out first whether the first sending was applied.
    Never,
}

/// A release of ZooKeeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// The first number.
    pub major: u8,
    /// The second number.
    pub minor: u8,
    /// The third number.
    pub patch: u8,
}

impl Release {
    /// The release with these numbers.
    #[must_use]
    pub const fn new(major: u8, minor: u8, patch: u8) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}
