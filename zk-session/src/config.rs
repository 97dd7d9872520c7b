//! What a session is told at its start.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use zk_proto::ops::{Auth, Release};
use zk_proto::{ConnectString, Zxid};

use crate::sasl::Mechanism;
use crate::time::Instant;

/// What a session is told at its start. [`Config::new`] gives the defaults.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The servers, and the node that is to be the client's root.
    pub servers: ConnectString,
    /// The session timeout to ask for. The server clamps it, by default to 2..=20 of its ticks (4 s to 40 s).
    pub session_timeout: Duration,
    /// What the order of the servers and all jitter are drawn from. Give each client a seed of its own.
    pub seed: u64,
    /// The pauses between tries to connect.
    pub backoff: Backoff,
    /// How long to try for a first session: then it ends as [`crate::Ended::NotEstablished`]. `None`: for ever. (A session
    /// that a server has granted ends by its own timeout.)
    pub establish_timeout: Option<Duration>,
    /// What to do when the session has expired.
    pub on_expiry: OnExpiry,
    /// How long [`crate::Session::close`] tries to tell the server, if the session timeout is not shorter.
    pub close_timeout: Duration,
    /// What becomes of calls that are made while there is no link.
    pub unlinked: Unlinked,
    /// Whether a server without a quorum will do, for reads (`readonlymode.enabled` on the server). The session is then
    /// [`crate::SessionState::ReadOnly`], and the engine looks for a better server on a second connection.
    pub read_only: bool,
    /// Whether to follow the ensemble's configuration (`/zookeeper/config`) and use the servers that it names. Where it
    /// cannot be read, or names no usable server, nothing changes.
    pub follow_reconfig: bool,
    /// The oldest release among the servers, if it is known. Requests that it does not know are refused before anything is
    /// sent; a server would close the connection. `None`: everything is sent, and what a server turns out not to know the
    /// engine does not send of itself again.
    pub release: Option<Release>,
    /// The newest transaction that the client has seen in an earlier life: no server that knows less is accepted.
    pub seen: Zxid,
    /// Credentials for every connection, in this order, before anything else is sent. If a server refuses one of them, the
    /// session ends as [`crate::Ended::AuthFailed`].
    pub credentials: Vec<Auth>,
    /// The SASL login for every connection; nothing else is sent before it has succeeded.
    pub sasl: Option<Arc<dyn Mechanism>>,
    /// Whether the driver encrypts its connections. Without that, credentials are sent to this machine only, unless
    /// [`Config::plaintext_credentials`] says otherwise.
    pub encrypted: bool,
    /// Whether credentials may be sent in clear over a network. The `digest` scheme sends the password itself.
    pub plaintext_credentials: bool,
    /// How the session's life is proven while something is held.
    pub keep_alive: KeepAlive,
    /// What the lease keeps back for the unknown.
    pub margins: Margins,
    /// Most calls that may be queued or under way at once.
    pub calls_max: usize,
    /// Most bytes of requests that may wait to be sent, but a single call always may.
    pub queued_length_max: usize,
    /// Most watches.
    pub watches_max: usize,
    /// Longest request, in bytes of its frame without the length prefix. More than the server's `jute.maxbuffer` makes the
    /// server close the connection without an answer.
    pub request_length_max: usize,
    /// Longest frame that is taken from a server. Servers do not limit their replies.
    pub frame_length_max: usize,
    /// The mistake to make, for tests of the tests.
    #[cfg(feature = "wrong")]
    #[doc(hidden)]
    pub wrong: Option<crate::wrong::Wrong>,
}

impl Config {
    /// Enough for any program that awaits its calls, and little enough to bound what a stalled link can pile up.
    pub const CALLS_MAX: usize = 16_384;
    /// As many of the longest requests as a stalled link should hold in memory.
    pub const QUEUED_LENGTH_MAX: usize = 64 * 1024 * 1024;
    /// Beyond this a client should watch subtrees.
    pub const WATCHES_MAX: usize = 1_000_000;

    /// The defaults: a session timeout of 10 s, going on after an expiry, and the limits of a server's defaults.
    #[must_use]
    pub fn new(servers: ConnectString, seed: u64) -> Self {
        Self {
            servers,
            session_timeout: Duration::from_secs(10),
            seed,
            backoff: Backoff::default(),
            establish_timeout: None,
            on_expiry: OnExpiry::Renew,
            close_timeout: Duration::from_secs(2),
            unlinked: Unlinked::Wait { most: None },
            read_only: false,
            follow_reconfig: false,
            release: None,
            seen: Zxid::ZERO,
            credentials: Vec::new(),
            sasl: None,
            encrypted: false,
            plaintext_credentials: false,
            keep_alive: KeepAlive::Sync,
            margins: Margins::default(),
            calls_max: Self::CALLS_MAX,
            queued_length_max: Self::QUEUED_LENGTH_MAX,
            watches_max: Self::WATCHES_MAX,
            request_length_max: zk_proto::REQUEST_LENGTH_MAX,
            frame_length_max: zk_proto::FRAME_LENGTH_MAX,
            #[cfg(feature = "wrong")]
            wrong: None,
        }
    }
}

/// The pauses between tries to connect: a random time up to `first`, doubled after each full round of the servers, up to
/// `most` (and never more than a quarter of the session timeout).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest pause before the second try.
    pub first: Duration,
    /// The longest pause of all.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), most: Duration::from_secs(5) }
    }
}

/// What to do when the session has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnExpiry {
    /// Go on with a new session. Calls, watches, locks and ephemeral nodes of the old one have ended and are not restored.
    Renew,
    /// Stop: every further call is refused. Whoever wants to decide by himself stops, and makes a new session if he likes.
    Stop,
}

/// What becomes of calls that are made while there is no link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unlinked {
    /// They wait for the next link, for so long at most; then they end with [`crate::Why::Unlinked`].
    Wait {
        /// `None`: as long as the session lasts. A call's own deadline holds besides.
        most: Option<Duration>,
    },
    /// They are refused with [`crate::Refusal::Unlinked`]. Those that a link was lost over end with
    /// [`crate::Why::Unlinked`].
    Refuse,
}

impl Unlinked {
    /// Until when a call may wait for a link that is missing since `now`. Not that instant: what is due then has been done.
    pub(crate) fn until(self, now: Instant) -> Option<Instant> {
        match self {
            Self::Wait { most } => most.map(|most| now + most.max(Duration::from_nanos(1))),
            Self::Refuse => None,
        }
    }
}

/// How the session's life is proven while something is held ([`crate::Calls::hold`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepAlive {
    /// By pings, which cost a server nothing. One that is cut off from its leader answers them after the session has
    /// expired: a guard may outlive its session by as long as such a server takes to notice (`syncLimit` ticks).
    Ping,
    /// By `sync`, which a server that is cut off from its leader cannot answer. A leader that was deposed and does not know
    /// it still can.
    Sync,
    /// By a transaction that changes nothing (a multi of one check), which needs a quorum and is written to its logs.
    Commit,
}

/// What the lease keeps back for the unknown, in parts of the session timeout: `1 / n` each.
///
/// The defaults hold for servers whose ticks are a third of the session timeout or shorter. Behind observers take half the
/// `relay` number, since their touches are relayed twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margins {
    /// The time within which the touches that a server has seen reach its leader.
    pub relay: u32,
    /// What is kept back in any case.
    pub margin: u32,
    /// What two clocks may drift apart within one timeout.
    pub drift: u32,
}

impl Default for Margins {
    fn default() -> Self {
        Self { relay: 4, margin: 16, drift: 1000 }
    }
}
