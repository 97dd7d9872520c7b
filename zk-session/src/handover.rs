//! A session on its way from one client to another.

use core::fmt;
use core::time::Duration;

use zk_proto::{Password, SessionId, Zxid};

/// What it takes to go on with a session elsewhere: in another process, or in this one after an update of its code.
///
/// Made by [`crate::Session::detach`], used by [`crate::Session::resume`]. Whoever has it can take the session over, so it
/// is a secret; its `Debug` output is not.
#[derive(Clone, PartialEq, Eq)]
pub struct Handover {
    /// The session.
    pub session: SessionId,
    /// The proof that it is ours. Servers derive it from the id: it guards against accidents only.
    pub password: Password,
    /// The negotiated timeout: within this time the session must be resumed.
    pub timeout: Duration,
    /// The newest transaction that was seen. Who resumes sees no older state.
    pub last_zxid: Zxid,
}

impl fmt::Debug for Handover {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Handover")
            .field("session", &self.session)
            .field("timeout", &self.timeout)
            .field("last_zxid", &self.last_zxid)
            .finish_non_exhaustive()
    }
}
