//! What a session is told at its start.

use core::time::Duration;

use zk_proto::ConnectString;

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
    /// What to do when the session has expired.
    pub on_expiry: OnExpiry,
    /// How long [`crate::Session::close`] tries to tell the server, if the session timeout is not shorter.
    pub close_timeout: Duration,
    /// Most calls that may be queued or under way at once.
    pub calls_max: usize,
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

    /// The defaults: a session timeout of 10 s, going on after an expiry, and the limits of a server's defaults.
    #[must_use]
    pub fn new(servers: ConnectString, seed: u64) -> Self {
        Self {
            servers,
            session_timeout: Duration::from_secs(10),
            seed,
            backoff: Backoff::default(),
            on_expiry: OnExpiry::Renew,
            close_timeout: Duration::from_secs(2),
            calls_max: Self::CALLS_MAX,
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
    /// Stop: every further call is refused.
    Stop,
}
