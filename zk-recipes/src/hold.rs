//! The words of every recipe whose aim is to hold something: a lock, a permit, the lead.
//!
//! A recipe with these words needs no wrapper of its own in an adapter: acquiring gives a guard, the guard tells of its
//! loss, and dropping it releases.
//!
//! A **grant** is one node on the servers; its `fence` orders it among all grants. A **guard** is the right to act on a
//! grant for a while; its `term` counts the guards of one grant. A guard that has died never becomes valid again.

use alloc::string::String;

use zk_session::{Code, Ended, Instant, Misuse, Path, Zxid};

/// What the user of a holding recipe may wish.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Get it. Ends in exactly one of `Acquired`, `TimedOut`, `NotAcquired`, `Cancelled`, `Failed` and `Misuse`.
    Acquire(Wish),
    /// Give it back. Ends in `Released`, told when nobody else is held up any more.
    Release,
    /// After `Lost` by an expired lease: ask whether the grant still stands. Ends in `Regained` or `Ended`.
    Reclaim,
    /// Stop trying to get it. Ends in `Cancelled`, told when nothing is left on the servers; it is a misuse if there is
    /// nothing to cancel, for instance because `Acquired` is told already.
    Cancel,
    /// The user is gone: whatever there is, leave it, without further news.
    Abandon,
}

/// One attempt to get it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wish {
    /// Who wants it: stored as the data of the node, for people who look. Layouts whose peers store something else there
    /// leave it out.
    pub identifier: String,
    /// How long to try.
    pub deadline: Deadline,
}

/// How long to try. It covers everything and never starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deadline {
    /// Do not wait for anything but answers: take it if it is free. Nothing is written if it is not.
    Now,
    /// Until this instant.
    At(Instant),
    /// As long as it takes.
    Never,
}

/// What the user of a holding recipe is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// In the queue, behind so many others. Told again when the number may have changed.
    Queued {
        /// How many come first.
        ahead: usize,
    },
    /// The place in the queue was lost, with the session or by an operator; a new one at the end is being taken.
    Requeued,
    /// Granted: the first guard of this grant is valid.
    Acquired(Grant),
    /// The link is lost. The guard stays valid until the link is back (`Resumed`) or the lease runs out (`Lost`).
    Suspended {
        /// The lease, as far as it is known.
        valid_until: Instant,
    },
    /// The link is back, and the guard has been valid throughout.
    Resumed,
    /// The guard has died. After [`Cause::LeaseExpired`] the grant may still stand: reclaim it or release it.
    Lost {
        /// The fence of the grant.
        fence: Zxid,
        /// Why.
        cause: Cause,
    },
    /// The grant still stands, and a new guard is valid.
    Regained(Grant),
    /// The grant whose guard had died is gone, too.
    Ended {
        /// The fence of the grant.
        fence: Zxid,
        /// Why.
        cause: Cause,
    },
    /// Given back: the server has confirmed it, or the session is over.
    Released {
        /// What freed it.
        by: Freed,
    },
    /// The deadline has passed. What is left on the servers is removed from now on.
    TimedOut,
    /// It is not free, and the attempt was not to wait.
    NotAcquired,
    /// The attempt has ended as was wished, and nothing is left on the servers.
    Cancelled,
    /// The attempt has failed. What is left on the servers is removed from now on.
    Failed(Failure),
    /// The server does not let us delete our node, or look for it. It is asked again and again; until it agrees or the
    /// session ends, others wait.
    Stuck(Code),
    /// The command cannot be done in this state; nothing has changed.
    Misuse(Misuse),
}

/// The right to act.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The transaction that created our node. It grows from grant to grant, over all paths and all time: whoever stores
    /// something on behalf of the holder can refuse a lower fence than it has seen.
    pub fence: Zxid,
    /// Which guard of the grant this is, from 1.
    pub term: u32,
    /// Our node.
    pub path: Path,
}

/// Why a guard has died, or a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Our node is gone: an operator deleted it.
    #[error("the node of the grant is gone")]
    NodeGone,
    /// The client cannot prove any more that its session lives.
    #[error("the lease of the session has run out")]
    LeaseExpired,
    /// The session is over.
    #[error("{0}")]
    Ended(Ended),
    /// The server does not let us look at our node.
    #[error("the grant cannot be verified: {0}")]
    Refused(Code),
}

/// What freed the thing that was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Freed {
    /// Our node is deleted.
    Deleted,
    /// The session is over, and our node with it.
    Ended(Ended),
}

/// Why an attempt has failed. Trying again is of no use unless something else changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The server refuses what is needed.
    #[error("the server refused: {0}")]
    Server(Code),
    /// The calls cannot be made.
    #[error("{0}")]
    Misuse(Misuse),
    /// The directory has a child that our layout does not share it with: that one and we would not wait for each other.
    #[error("the directory is shared with a node of another layout: {0}")]
    Foreign(String),
    /// The directory has used up its sequence numbers: no order is left. Delete it when it is empty, and it starts afresh.
    #[error("the directory has used up its sequence numbers")]
    Exhausted,
    /// There will be no further session.
    #[error("{0}")]
    Ended(Ended),
}
