//! What servers of an ensemble say to each other. Data only.

use crate::peer::{Origin, Proposal};
use crate::{ConnId, Millis, SessionId, Zxid};

/// Something that one server says to another. Whoever carries it need not know what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Under which leadership it was said; a message of another one is of no interest, but for those that lead to one.
    pub(super) term: u64,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody without a leader has applied the log up to here, at this moment: an old vote does not count.
    Vote(Zxid, Millis),
    /// Somebody leads.
    Lead,
    /// Somebody follows the one who leads.
    Follow,
    /// The follower has what is needed to serve clients when it has applied the log up to here.
    UpToDate(Zxid),
    /// The write of this number is to be remembered.
    Propose(u64),
    /// It is.
    Ack(u64),
    /// A majority remembers the next write; this is its place, and whom of the follower's clients it answers.
    Commit(Zxid, Option<Origin>),
    Ping,
    /// The sessions that were heard since the last one, with their timeouts.
    Pong(Vec<(SessionId, u32)>),
    /// A client of a follower writes.
    Forward(Proposal),
    /// A client of a follower wants to see what was written.
    Sync(Origin),
    /// What was written before the sync was asked for has been sent.
    Synced(Origin),
    /// A client of a follower goes on with a session.
    Renew {
        conn: ConnId,
        session: SessionId,
        timeout_ms: u32,
    },
    /// Whether it lives.
    Renewed {
        conn: ConnId,
        lives: bool,
    },
    /// The connection between the two servers has ended.
    Goodbye,
}
