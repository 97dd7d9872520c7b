//! How a call can end without its reply, told by what is known about its effect.

use alloc::boxed::Box;
use alloc::string::String;

use zk_proto::ops::{Release, Request};
use zk_proto::{Code, Malformed, PathError, Zxid};

use crate::sasl::SaslError;

/// Why a call has no answer.
///
/// The two questions a caller has are "was it applied?" and "may I ask again?": the variant answers the first, and
/// with it the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server answered no. The request was not applied (nor any part of it).
    #[error("the server refused: {0}")]
    Server(Code),
    /// Certainly not applied: no transport took the whole frame. Ask again whenever `why` allows it.
    #[error("not sent: {0}")]
    NotSent(Why),
    /// The frame was handed to a transport and no reply came: it may have been applied, and may still be. Before
    /// asking again, find out (`sync`, then read), unless the request is safe to repeat.
    #[error("sent without a reply, it may have been applied: {0}")]
    MaybeApplied(Why),
    /// The call could not be made at all; nothing was sent.
    #[error("the call cannot be made: {0}")]
    Misuse(Misuse),
}

impl Error {
    /// Whether the request may have been applied in spite of the error.
    #[must_use]
    pub const fn maybe_applied(&self) -> bool {
        matches!(self, Self::MaybeApplied(_))
    }

    /// The end of the session that ended the call, if that is what happened.
    #[must_use]
    pub const fn ended(&self) -> Option<Ended> {
        match self {
            Self::NotSent(Why::Ended(ended)) | Self::MaybeApplied(Why::Ended(ended)) => Some(*ended),
            Self::NotSent(_) | Self::MaybeApplied(_) | Self::Server(_) | Self::Misuse(_) => None,
        }
    }
}

/// What kept a reply from coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// The connection was lost; the session goes on, and the engine dials.
    #[error("the connection was lost")]
    ConnectionLost,
    /// The deadline of the call came first.
    #[error("the deadline passed")]
    Deadline,
    /// As many calls, bytes or watches were under way as the configuration allows.
    #[error("too much is under way")]
    Full,
    /// There was no link, and the configuration does not let calls wait for one (any longer).
    #[error("there is no link to a server")]
    Unlinked,
    /// The session has ended; calls need a new one.
    #[error("{0}")]
    Ended(Ended),
}

/// How a session ended. It never comes back; what goes on is a new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// The server said so, or answered with another session, or nothing was heard for so long that it must be so. Its
    /// ephemeral nodes are gone or going.
    #[error("the session expired")]
    Expired,
    /// The client closed it.
    #[error("the session was closed")]
    Closed,
    /// The client could not prove who it is, and could not at any further try: a server refused its credentials or could
    /// not prove itself, or the credentials may not be sent in clear. [`crate::Session::last_fault`] says which.
    #[error("authentication failed")]
    AuthFailed,
    /// No server granted a session within [`crate::Config::establish_timeout`].
    #[error("no server granted a session in time")]
    NotEstablished,
    /// It was handed over ([`crate::Session::detach`]): it goes on elsewhere.
    #[error("the session was handed over")]
    Detached,
}

/// What a caller did that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// The encoded request is longer than the server would read (it would close the connection instead of answering).
    /// Send less, or raise the limit on both sides (`jute.maxbuffer` on the server).
    #[error("the request has {length} bytes, the limit is {limit}")]
    TooLong {
        /// Bytes of the encoded request.
        length: usize,
        /// The configured limit.
        limit: usize,
    },
    /// The operation belongs to the engine: it sends pings, restores watches, takes them away when they are given up
    /// ([`crate::Session::unwatch`]), exchanges SASL tokens and closes the session itself.
    #[error("the engine sends this request itself")]
    Reserved,
    /// The servers do not know the operation, by [`crate::Config::release`]; they would close the connection.
    #[error("the operation needs a server of {since} or later")]
    TooNew {
        /// The first release that knows the operation.
        since: Release,
    },
    /// The credential would be sent in clear over a network. Encrypt the connection, or allow it by
    /// [`crate::Config::plaintext_credentials`].
    #[error("the credential would be sent in clear")]
    InsecureAuth,
    /// There must be at least one server.
    #[error("the list of servers is empty")]
    NoServers,
    /// The path is none.
    #[error("{0}")]
    Path(PathError),
    /// The command is not legal in this state of the recipe, for the reason given.
    #[error("{0}")]
    Recipe(&'static str),
}

impl From<PathError> for Error {
    fn from(error: PathError) -> Self {
        Self::Misuse(Misuse::Path(error))
    }
}

/// A request that was not taken; it comes back untouched.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// The request as it was submitted.
    pub request: Box<Request>,
    /// Why it was not taken.
    pub why: Refusal,
}

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// As many calls, bytes or watches are under way as the configuration allows. Await or give up some of them first.
    #[error("too much is under way")]
    Full,
    /// There is no link, and the configuration says [`crate::Unlinked::Refuse`]. Ask again after
    /// [`crate::SessionState::Connected`].
    #[error("there is no link to a server")]
    Unlinked,
    /// The session has ended, or is being closed.
    #[error("{0}")]
    Ended(Ended),
    /// The call could not be made in any state.
    #[error("{0}")]
    Misuse(Misuse),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full => Self::NotSent(Why::Full),
            Refusal::Unlinked => Self::NotSent(Why::Unlinked),
            Refusal::Ended(ended) => Self::NotSent(Why::Ended(ended)),
            Refusal::Misuse(misuse) => Self::Misuse(misuse),
        }
    }
}

/// Why a link to a server was given up. For logs and for [`crate::Session::last_fault`]: the engine dials again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The driver could not connect, or its connection broke.
    #[error("{0}")]
    Cut(#[from] Cut),
    /// The server sent what the protocol does not allow.
    #[error("the server broke the protocol: {0}")]
    Malformed(#[from] Malformed),
    /// A reply came for another request than the oldest one under way.
    #[error("a reply with xid {0} answers no request that is due")]
    UnexpectedReply(i32),
    /// The server answered the handshake with a refusal (a read-only server without local sessions does).
    #[error("the server refused the handshake: {0}")]
    Refused(Code),
    /// The server answered a call with word that the session is over or has moved to another server. The next handshake
    /// tells which.
    #[error("the server does not serve the session any more: {0}")]
    SessionRefused(Code),
    /// The server refused to restore the watches.
    #[error("the server refused to restore the watches: {0}")]
    WatchesRefused(Code),
    /// A reply shows an older state than one before it did: the server is not one of this ensemble, or has lost data.
    #[error("the server went back from transaction {seen} to {got}")]
    WentBack {
        /// The newest transaction that was seen.
        seen: Zxid,
        /// The one that the reply showed.
        got: Zxid,
    },
    /// The exchange of SASL tokens failed on this side.
    #[error("{0}")]
    Sasl(#[from] SaslError),
    /// The server refused the client's SASL tokens.
    #[error("the server refused the SASL login: {0}")]
    LoginRefused(Code),
    /// Servers close the connection again and again where they should answer a SASL token (3.4 refuses so).
    #[error("servers close the connection instead of answering the SASL login")]
    LoginUnanswered,
    /// The server refused a credential.
    #[error("the server refused a credential: {0}")]
    AuthRefused(Code),
    /// A credential would have to be sent in clear to this server; see [`crate::Config::plaintext_credentials`].
    #[error("a credential would be sent in clear")]
    InsecureAuth,
    /// All servers close the connection instead of answering the handshake. They know less than this client has seen
    /// (they were restored from a backup, or are others), have no quorum, or have too many connections.
    #[error("every server closes the connection instead of answering the handshake")]
    Unanswered,
    /// A read was to set a watch that a persistent one beside it would serve, but the server has refused that one. The next link
    /// sets it.
    #[error("a watch stands on no server")]
    WatchMissing,
    /// The server had no quorum, and another one has.
    #[error("a read-write server was found")]
    FoundReadWrite,
    /// The list of servers has changed, and the load is balanced anew.
    #[error("the list of servers has changed")]
    Rebalanced,
    /// Nothing was heard for two thirds of the session timeout, or the handshake took longer than its share.
    #[error("the server was silent for too long")]
    Silence,
}

/// What ended a connection, in the words of a driver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cut {
    /// Nobody listens at the address.
    #[error("connection refused")]
    Refused,
    /// The name has no address.
    #[error("the host name does not resolve: {0}")]
    Unresolved(String),
    /// The peer closed the connection.
    #[error("closed by the server")]
    Closed,
    /// The connection broke, as the operating system words it.
    #[error("{0}")]
    Broken(String),
}
