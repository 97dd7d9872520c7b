//! What a server knows the session by.

use core::time::Duration;

use zk_proto::{Password, SessionId, Zxid};

use crate::time::Instant;

#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) session: SessionId,
    pub(crate) password: Password,
    /// The negotiated timeout; before that, the one to ask for.
    pub(crate) timeout: Duration,
    /// The newest transaction that any reply has shown.
    pub(crate) last_zxid: Zxid,
    /// A server with a quorum knows the session. Others may have made it up, and may not know it.
    pub(crate) is_real: bool,
    /// The owner of the session knows that it is there.
    pub(crate) is_told: bool,
    /// Tries in a row that a server ended without an answer to the handshake of a new session.
    pub(crate) unanswered: usize,
    /// When the first of them ended.
    pub(crate) unanswered_since: Option<Instant>,
}

impl Identity {
    /// A session that no server has granted so far, by a client that has seen transactions up to `last_zxid`.
    pub(crate) fn unknown(timeout: Duration, last_zxid: Zxid) -> Self {
        Self {
            session: SessionId::NONE,
            password: Password::zero(),
            timeout,
            last_zxid,
            is_real: false,
            is_told: false,
            unanswered: 0,
            unanswered_since: None,
        }
    }
}
