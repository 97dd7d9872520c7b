//! Every frame after the first: which operation it is, and how it is answered.

use super::Server;
use crate::acl::Id;
use crate::reply::{self, Body};
use crate::request::{self, Request};
use crate::txn::Write;
use crate::wire::Reader;
use crate::{Code, ConnId, Millis, SessionId, Zxid, digest_id};

/// The xid of answers to pings, whatever that of the ping.
const PING_XID: i32 = -2;
/// In the answer to an operation that the server does not know.
const NO_ZXID: Zxid = Zxid(-1);
/// In answers that do not come from the tree.
const ZERO_ZXID: Zxid = Zxid(0);

impl Server {
    pub(super) fn request(&mut self, conn: ConnId, session: SessionId, frame: &[u8], now: Millis) {
        let mut reader = Reader::new(frame);
        let (Ok(xid), Ok(opcode)) = (reader.int(), reader.int()) else { return self.close(conn) };
        self.sessions.touch(session, now);
        if !request::is_known(opcode, &self.config.quirks) {
            self.answer(conn, xid, NO_ZXID, &Err(Code::Unimplemented));
            return self.close(conn);
        }
        let body = frame.get(HEADER_BYTES..).unwrap_or_default();
        match request::decode(opcode, body, &self.config.quirks) {
            Ok(request) => self.carry_out(conn, session, xid, request, now),
            Err(_) if request::is_logged(opcode, body, &self.config.quirks) => {
                let refused = Write::Refused(Code::MarshallingError);
                self.write(conn, session, xid, refused, now);
            }
            Err(_) if request::is_for_the_door(opcode) => self.close(conn),
            Err(malformed) => self.answer_now(conn, xid, &Err(malformed.into())),
        }
    }

    fn carry_out(&mut self, conn: ConnId, session: SessionId, xid: i32, request: Request, now: Millis) {
        match request {
            Request::Write(write) => self.write(conn, session, xid, write, now),
            Request::Read(read) => {
                let result = self.read(conn, session, read);
                self.answer_now(conn, xid, &result);
            }
            Request::Watch(watch) => {
                let result = self.watch(conn, watch);
                self.answer_now(conn, xid, &result);
            }
            Request::Sync { path } => self.answer_now(conn, xid, &Ok(Body::Path(path))),
            Request::Ping => self.answer_now(conn, PING_XID, &Ok(Body::Nothing)),
            Request::Reconfig => {
                let refused = Write::Refused(Code::ReconfigDisabled);
                self.write(conn, session, xid, refused, now);
            }
            Request::Sasl => self.answer(conn, xid, ZERO_ZXID, &Ok(Body::NoToken)),
            Request::Auth { scheme, credentials } => {
                let proven = self.prove(conn, scheme.as_deref(), credentials.as_deref());
                self.answer(conn, xid, ZERO_ZXID, &proven.map(|()| Body::Nothing));
                if proven.is_err() {
                    self.close(conn);
                }
            }
            Request::CloseSession => {
                self.sessions.close(session);
                self.write(conn, session, xid, Write::CloseSession, now);
                self.close(conn);
            }
        }
    }

    fn write(&mut self, conn: ConnId, session: SessionId, xid: i32, write: Write, now: Millis) {
        let identities = self.identities(conn).to_vec();
        let result = self.commit(session, identities, write, now);
        self.answer_now(conn, xid, &result.map(Body::Outcome));
    }

    /// Adds what the credentials prove to the connection. Every connection has its address already.
    fn prove(&mut self, conn: ConnId, scheme: Option<&str>, credentials: Option<&[u8]>) -> Result<(), Code> {
        match (scheme, credentials) {
            (Some("ip"), _) => Ok(()),
            (Some("digest"), Some(credentials)) => {
                let digest = digest_id(&String::from_utf8_lossy(credentials));
                let is_super = self.config.super_digest.as_ref() == Some(&digest);
                if let Some(connection) = self.connections.get_mut(&conn) {
                    let proven = is_super.then(|| Id::new("super", ""));
                    for id in proven.into_iter().chain([Id::new("digest", &digest)]) {
                        if !connection.identities.contains(&id) {
                            connection.identities.push(id);
                        }
                    }
                }
                Ok(())
            }
            _ => Err(Code::AuthFailed),
        }
    }

    pub(super) fn identities(&self, conn: ConnId) -> &[Id] {
        self.connections.get(&conn).map_or(&[], |connection| &connection.identities)
    }

    fn answer_now(&mut self, conn: ConnId, xid: i32, result: &Result<Body, Code>) {
        self.answer(conn, xid, self.tree.applied(), result);
    }

    fn answer(&mut self, conn: ConnId, xid: i32, zxid: Zxid, result: &Result<Body, Code>) {
        let frame = reply::answer(xid, zxid, result);
        self.send(conn, frame);
    }
}

/// Bytes of the xid and the opcode before a request.
const HEADER_BYTES: usize = 8;
