//! The first frame of a connection: a session begins, goes on here, or is found to be over.

use super::{Server, Stage};
use crate::reply;
use crate::sessions::password;
use crate::txn::Write;
use crate::wire::{Decoded, Reader};
use crate::{ConnId, Millis, SessionId};

/// What a client says first.
struct Greeting<'a> {
    last_zxid_seen: i64,
    timeout_ms: i32,
    session: SessionId,
    password: Option<&'a [u8]>,
    /// Whether the client is too old to know of read-only servers.
    is_old: bool,
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
            is_old: reader.bool().is_err(),
        })
    }
}

impl Server {
    /// A client that has seen more than this server is sent away without an answer: it must not see time go back.
    pub(super) fn greet(&mut self, conn: ConnId, frame: &[u8], now: Millis) {
        let Ok(greeting) = Greeting::decode(frame) else { return self.close(conn) };
        if greeting.last_zxid_seen > self.tree.applied().0 {
            return self.close(conn);
        }
        let timeout_ms = self.config.timeout_ms(greeting.timeout_ms);
        let session = if greeting.session == SessionId(0) {
            let session = self.next_session;
            self.next_session = SessionId(session.0.wrapping_add(1));
            // It opens a session, which nothing can refuse.
            let _ = self.commit(session, vec![], Write::OpenSession { timeout_ms }, now);
            session
        } else {
            // Whoever names a session ends its connection, even with the wrong password (3.4 to 3.9).
            if let Some(older) = self.sessions.conn(greeting.session) {
                self.close(older);
            }
            greeting.session
        };
        let is_new = greeting.session == SessionId(0);
        let secret = password(session);
        let is_owner = is_new || greeting.password == Some(&secret);
        if !is_owner || self.tree.session_timeout_ms(session).is_none() {
            self.send(conn, reply::greeting(0, SessionId(0), [0; 16], greeting.is_old));
            return self.close(conn);
        }
        self.sessions.open(session, timeout_ms, conn, now);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.stage = Stage::Open(session);
        }
        self.send(conn, reply::greeting(timeout_ms, session, secret, greeting.is_old));
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
