//! The first frame of a connection: a session begins, goes on here, or is found to be over.

use super::{Errand, Origin, Peer, Proposal, Role, Stage};
use crate::reply;
use crate::sessions::password;
use crate::txn::Write;
use crate::wire::{Decoded, Reader};
use crate::{Code, ConnId, Millis, Quirks, SessionId};

/// What a client says first.
struct Greeting<'a> {
    last_zxid_seen: i64,
    timeout_ms: i32,
    session: SessionId,
    password: Option<&'a [u8]>,
    /// Whether a read-only server will do. Nothing from a client that is too old to know of them.
    read_only: Option<bool>,
}

impl<'a> Greeting<'a> {
    fn decode(frame: &'a [u8]) -> Decoded<Self> {
        let mut reader = Reader::new(frame);
        // The version of the protocol; there is one.
        reader.int()?;
        Ok(Self {
            last_zxid_seen: reader.long()?,
            timeout_ms: reader.int()?,
            session: SessionId(reader.long()?),
            password: reader.buffer()?,
            read_only: reader.bool().ok(),
        })
    }
}

impl Peer {
    /// A client that has seen more than this server is sent away without an answer: it must not see time go back.
    pub(super) fn greet(&mut self, conn: ConnId, frame: &[u8]) {
        let Ok(greeting) = Greeting::decode(frame) else { return self.close(conn) };
        let is_served = match self.role {
            Role::Looking => false,
            Role::ReadOnly => greeting.read_only == Some(true),
            Role::Standalone | Role::Leader | Role::Follower | Role::Observer => true,
        };
        if !is_served || greeting.last_zxid_seen > self.tree.applied().0 {
            return self.close(conn);
        }
        let is_old = greeting.read_only.is_none();
        let timeout_ms = self.config.timeout_ms(greeting.timeout_ms);
        if greeting.session == SessionId(0) {
            return self.begin(conn, timeout_ms, is_old);
        }
        // Whoever names a session ends its connection here, even with the wrong password (3.4 to 3.9).
        if let Some(older) = self.session_conn(greeting.session) {
            self.close(older);
        }
        if greeting.password != Some(&password(greeting.session)) {
            return self.refuse(conn, is_old);
        }
        let session = greeting.session;
        self.stage(conn, Stage::Greeting { session, timeout_ms, is_old });
        if self.role == Role::ReadOnly {
            let Quirks { read_only_begins, read_only_renews, .. } = self.config.quirks;
            if self.tree.session_timeout_ms(session).is_none() {
                self.renewed(conn, !read_only_begins || self.local.contains(&session));
            } else if read_only_renews {
                self.renewed(conn, true);
            } else {
                self.close(conn);
            }
        } else {
            self.errands.push_back(Errand::Renew { conn, session, timeout_ms });
        }
    }

    fn begin(&mut self, conn: ConnId, timeout_ms: u32, is_old: bool) {
        /// There was no request that this could answer.
        const NO_XID: i32 = 0;
        let is_read_only = self.role == Role::ReadOnly;
        if is_read_only && !self.config.quirks.read_only_begins {
            // It says so as if it had been asked for something else.
            return self.answer_now(conn, NO_XID, &Err(Code::NotReadOnly));
        }
        let session = self.next_session;
        self.next_session = SessionId(session.0.wrapping_add(1));
        self.stage(conn, Stage::Greeting { session, timeout_ms, is_old });
        if is_read_only {
            self.local.insert(session);
            return self.renewed(conn, true);
        }
        self.errands.push_back(Errand::Propose(Proposal {
            origin: Some(Origin { conn, xid: NO_XID }),
            session,
            identities: vec![],
            write: Write::OpenSession { timeout_ms },
        }));
    }

    /// The session is over, or the client is not its owner: the two are not told apart.
    pub(super) fn refuse(&mut self, conn: ConnId, is_old: bool) {
        let is_read_only = self.role == Role::ReadOnly;
        self.send(conn, reply::greeting(0, SessionId(0), [0; 16], is_old, is_read_only));
        self.close(conn);
    }
}

/// Where a server that starts at `now` begins to count its sessions, so that it does not repeat those of an earlier run.
pub(super) const fn first_session(server_id: u8, now: Millis) -> SessionId {
    /// Bits for the sessions of one millisecond.
    const SESSION_BITS: u32 = 16;
    const ID_SHIFT: u32 = 56;
    let counted = (now.0 << (64 - ID_SHIFT + SESSION_BITS)) >> (64 - ID_SHIFT);
    SessionId((counted | (server_id as u64) << ID_SHIFT).cast_signed())
}
