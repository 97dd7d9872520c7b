//! What becomes of a connection when its errand is settled.

use super::{Connection, Origin, Peer, Stage};
use crate::reply::{self, Body};
use crate::sessions::password;
use crate::txn::{Outcome, Txn, Write};
use crate::{Code, ConnId};

impl Peer {
    /// The write of this connection is in the log and applied.
    pub(super) fn settle(&mut self, origin: Origin, txn: &Txn, result: Result<Outcome, Code>) {
        let Some(Connection { stage, .. }) = self.connections.get(&origin.conn) else { return };
        match *stage {
            Stage::Greeting { .. } => self.granted(origin.conn),
            // Whose session has moved is not answered (3.8, 3.9).
            Stage::Busy(..) if result == Err(Code::SessionMoved) => self.close(origin.conn),
            Stage::Busy(..) => {
                self.answer_now(origin.conn, origin.xid, &result.map(Body::Outcome));
                if txn.write == Write::CloseSession {
                    self.close(origin.conn);
                }
                self.resume(origin.conn);
            }
            Stage::Silent | Stage::Open(..) | Stage::Moved => {}
        }
    }

    /// Everything that was written before the sync was asked for is applied.
    pub(crate) fn synced(&mut self, origin: Origin) {
        let Some(connection) = self.connections.get_mut(&origin.conn) else { return };
        let path = connection.path.take();
        self.answer_now(origin.conn, origin.xid, &Ok(Body::Path(path)));
        self.resume(origin.conn);
    }

    /// Whether the session that this connection wants to go on with lives.
    pub(crate) fn renewed(&mut self, conn: ConnId, lives: bool) {
        let Some(Connection { stage: Stage::Greeting { is_old, .. }, .. }) = self.connections.get(&conn)
        else {
            return;
        };
        if lives { self.granted(conn) } else { self.refuse(conn, *is_old) }
    }

    fn granted(&mut self, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let Stage::Greeting { session, timeout_ms, is_old } = connection.stage else { return };
        connection.stage = Stage::Open(session, timeout_ms);
        self.sessions.insert(session, conn);
        let is_read_only = self.role == super::Role::ReadOnly;
        let greeting = reply::greeting(timeout_ms, session, password(session), is_old, is_read_only);
        self.send(conn, greeting);
        self.resume(conn);
    }

    /// Goes on with what has waited.
    fn resume(&mut self, conn: ConnId) {
        if let Some(connection) = self.connections.get_mut(&conn)
            && let Stage::Busy(session, timeout_ms) = connection.stage
        {
            connection.stage = Stage::Open(session, timeout_ms);
        }
        while let Some(connection) = self.connections.get_mut(&conn)
            && let Stage::Open(session, timeout_ms) = connection.stage
            && let Some(frame) = connection.waiting.pop_front()
        {
            self.request(conn, session, timeout_ms, &frame);
        }
    }
}
