//! The words that a driver, a recipe and a user share with the engine: what may happen, and what is to be done.
//!
//! Nothing here acts. `Input` and `Output` are exhaustive on purpose: a driver that forgets a case does not compile.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

pub use zk_proto::ops::{Reply, Request};
pub use zk_proto::{EventKind, Path, PathError, Server, SessionId, Zxid};

use crate::config::Unlinked;
use crate::error::{Cut, Ended, Error, Refused};
use crate::time::Instant;

/// Names one connection that the driver makes for the engine; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub(crate) u64);

/// Names one call, and the watch that the call sets; never reused within a client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

impl CallId {
    /// The call with this number. For tables and tests; the engine hands out its own.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of the call.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "call {}", self.0)
    }
}

/// What has happened, for [`crate::Session::handle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The connection that [`Output::Connect`] asked for stands.
    Connected(ConnId),
    /// Bytes were appended to [`crate::Session::receive_buffer`].
    Received(ConnId),
    /// The connection could not be made, or has ended.
    Disconnected(ConnId, Cut),
    /// The instant of [`crate::Session::poll_timeout`] has come.
    Timeout,
}

/// What is to be done or told, from [`crate::Session::poll`], in the order in which it must be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Connect to this server, then say [`Input::Connected`] or [`Input::Disconnected`].
    Connect(ConnId, Server),
    /// Close this connection. Nothing need be said about it afterwards.
    Disconnect(ConnId),
    /// The call has ended. Every submitted call ends exactly once.
    Completed(CallId, Result<Answer, Error>),
    /// News of the watch that this call set.
    Notified(CallId, Notice),
    /// The session entered this state.
    State(SessionState),
}

/// A reply and the transaction up to which the server had applied its log when it answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The last transaction that the answering server had applied; for a write, its own.
    pub zxid: Zxid,
    /// What the operation answers.
    pub reply: Reply,
}

/// News of a watch. A one-shot watch gets exactly one, unless its owner drops it first; a persistent one gets any number,
/// and [`Notice::Ended`] is its last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// What was watched for has happened.
    Fired(WatchEvent),
    /// For persistent watches only: the link was lost and there is another. Servers do not tell persistent watches what
    /// happened in between: read again. It comes before any event of the new link.
    Gap {
        /// The newest transaction that the client had seen when the link was lost.
        since: Zxid,
    },
    /// The session ended.
    Ended(Ended),
}

/// News from the server about a node, in the paths of the client (its chroot stripped).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WatchEvent {
    /// What happened.
    pub kind: EventKind,
    /// The node it happened to.
    pub path: Path,
}

/// What a session is. As an edge it arrives by [`Output::State`], as a level it stands in [`crate::Session::state`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// No server has granted a session so far.
    Connecting,
    /// Linked to a server. After a resumption the watches stand again, and the events that were missed have been told.
    Connected {
        /// The session.
        session: SessionId,
        /// The negotiated timeout.
        timeout: Duration,
        /// The session of before goes on; else it is a new one.
        resumed: bool,
    },
    /// Linked to a server that has no quorum, which [`crate::Config::read_only`] allows. It answers reads, which may be old
    /// without bound, and refuses writes with [`zk_proto::Code::NotReadOnly`]. The engine looks for a better one.
    ReadOnly {
        /// The session. If it was granted by such a server, it goes on under another id once there is a quorum.
        session: SessionId,
        /// The negotiated timeout.
        timeout: Duration,
    },
    /// The link is lost. The session may live on; the engine dials.
    Suspended {
        /// The lease: until then the servers surely keep the session and its ephemeral nodes.
        valid_until: Instant,
    },
    /// The lease has run out: the client cannot prove any more that the session lives. It may, and be resumed. Told only
    /// while something is held (see [`Calls::hold`]).
    LeaseExpired,
    /// The session is over. No state follows.
    Ended(Ended),
}

impl SessionState {
    /// Whether the session is linked to a server that has a quorum.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }
}

/// How a call is to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// The call ends at this instant at the latest. `None`: it ends with its reply, a cut, or the session.
    pub deadline: Option<Instant>,
    /// Which calls it must not overtake across a loss of the link. (On one link, all are in order.)
    pub order: Order,
    /// What becomes of it if there is no link; `None`: what the configuration says.
    pub unlinked: Option<Unlinked>,
}

/// Which calls a call must not overtake when the link is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// All others with this order. When the link is lost, those that were not sent end with
    /// [`NotSent`](Error::NotSent), so that none of them runs although one before it may not have.
    #[default]
    Client,
    /// Those of the same pipeline. When one of them is lost, it is broken: all further ones end with
    /// [`NotSent`](Error::NotSent), even those made later, until [`crate::Session::end_pipeline`].
    Pipeline(PipelineId),
    /// None: unless it was on its way, it waits for the next link.
    Free,
}

/// Names one sequence of calls, see [`Order::Pipeline`]; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineId(pub(crate) u64);

/// Which of its duties makes the engine ask for a timeout. For logs and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// The pause after a failed try ends.
    Dial,
    /// The connection or the handshake takes too long.
    Handshake,
    /// A sign of life is due.
    Ping,
    /// The search for a read-write server goes on.
    Probe,
    /// A move to another server has waited long enough for answers.
    Move,
    /// The server has been silent for too long.
    Silence,
    /// The lease runs out.
    Lease,
    /// The session must be taken for expired, or was not granted in time.
    Expiry,
    /// A call ends for want of a reply.
    Deadline,
    /// Closing has taken long enough.
    Close,
}

/// What can be taken for a path: a [`Path`], or text that is checked when the call is made.
pub trait IntoPath {
    /// The path.
    ///
    /// # Errors
    /// [`PathError`] says what is wrong with the text, and where.
    fn into_path(self) -> Result<Path, PathError>;
}

impl IntoPath for Path {
    fn into_path(self) -> Result<Path, PathError> {
        Ok(self)
    }
}

impl IntoPath for &Path {
    fn into_path(self) -> Result<Path, PathError> {
        Ok(self.clone())
    }
}

impl IntoPath for &str {
    fn into_path(self) -> Result<Path, PathError> {
        Path::new(self)
    }
}

impl IntoPath for &String {
    fn into_path(self) -> Result<Path, PathError> {
        Path::new(self)
    }
}

/// The engine as a recipe's runner sees it: somewhere to put calls.
pub trait Calls {
    /// Submits a request; see [`crate::Session::submit`].
    ///
    /// # Errors
    /// [`Refused`] hands the request back.
    fn submit(&mut self, request: Request, options: CallOptions, now: Instant) -> Result<CallId, Refused>;

    /// Gives up the watch that `call` set or will set; nothing more is told about it.
    fn unwatch(&mut self, call: CallId);

    /// Counts one more holder (`true`) or one less: something whose owner relies on the session's life. While there is
    /// one, the engine proves the session's life more often and tells [`SessionState::LeaseExpired`].
    fn hold(&mut self, more: bool, now: Instant);
}
