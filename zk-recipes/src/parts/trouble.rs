//! What a failed call means for the machine that made it.
//!
//! It judges the error alone; what to do about an unknown effect depends on the request.

use zk_session::{Code, Error, Misuse, Why};

use crate::hold::Failure;

/// What a failed call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Not applied; ask again.
    Unsent,
    /// Perhaps applied.
    Maybe,
    /// Not applied; the server cannot take it at this moment.
    Later,
    /// The node, or its parent, is not there.
    NoNode,
    /// The node is there already.
    NodeExists,
    /// The server does not know the operation.
    Unknown,
    /// We may not.
    NoAuth,
    /// Asking again is of no use.
    Never(Failure),
    /// The session is over; its state follows, or has come already.
    Over,
}

impl Trouble {
    pub(crate) const fn of(error: Error) -> Self {
        match error {
            Error::NotSent(Why::Ended(_)) | Error::MaybeApplied(Why::Ended(_)) => Self::Over,
            Error::NotSent(_) => Self::Unsent,
            Error::MaybeApplied(_) => Self::Maybe,
            Error::Misuse(Misuse::TooNew { .. }) => Self::Unknown,
            Error::Misuse(misuse) => Self::Never(Failure::Misuse(misuse)),
            Error::Server(code) => Self::refusal(code),
            // No such error so far; nothing is known about the effect.
            _ => Self::Maybe,
        }
    }

    const fn refusal(code: Code) -> Self {
        if matches!(code, Code::SessionMoved | Code::Throttled | Code::NotReadOnly | Code::SessionExpired) {
            return Self::Later;
        }
        if matches!(code, Code::NoNode) {
            return Self::NoNode;
        }
        if matches!(code, Code::NodeExists) {
            return Self::NodeExists;
        }
        if matches!(code, Code::NoAuth) {
            return Self::NoAuth;
        }
        if matches!(code, Code::Unimplemented) {
            return Self::Unknown;
        }
        Self::Never(Failure::Server(code))
    }

    /// The failure to tell if nothing better can be made of the trouble.
    pub(crate) fn failure(self) -> Option<Failure> {
        match self {
            Self::Unsent | Self::Maybe | Self::Later | Self::Over => None,
            Self::NoNode => Some(Failure::Server(Code::NoNode)),
            Self::NodeExists => Some(Failure::Server(Code::NodeExists)),
            Self::Unknown => Some(Failure::Server(Code::Unimplemented)),
            Self::NoAuth => Some(Failure::Server(Code::NoAuth)),
            Self::Never(failure) => Some(failure),
        }
    }
}
