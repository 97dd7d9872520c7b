//! Every frame after the first: which operation it is, and how it is answered.

use super::{Errand, Origin, Peer, Proposal, Role, Stage};
use crate::acl::Id;
use crate::reply::{self, Body};
use crate::request::{self, Request};
use crate::txn::Write;
use crate::wire::Reader;
use crate::{Code, ConnId, SessionId, Zxid, digest_id};

/// The xid of answers to pings, whatever that of the ping.
const PING_XID: i32 = -2;
/// In the answer to an operation that the server does not know.
const NO_ZXID: Zxid = Zxid(-1);
/// In answers that do not come from the tree.
pub(super) const ZERO_ZXID: Zxid = Zxid(0);

impl Peer {
    pub(super) fn request(&mut self, conn: ConnId, session: SessionId, timeout_ms: u32, frame: &[u8]) {
        let mut reader = Reader::new(frame);
        let (Ok(xid), Ok(opcode)) = (reader.int(), reader.int()) else { return self.close(conn) };
        self.errands.push_back(Errand::Touch(session, timeout_ms));
        if !request::is_known(opcode, &self.config.quirks) {
            self.answer(conn, xid, NO_ZXID, &Err(Code::Unimplemented));
            return self.close(conn);
        }
        if self.lacks_login(conn) && !request::is_for_the_door(opcode) {
            self.answer(conn, xid, ZERO_ZXID, &Err(Code::SaslRequired));
            return self.close(conn);
        }
        if self.throttled > 0 && request::can_be_throttled(opcode) {
            self.throttled -= 1;
            return self.answer_now(conn, xid, &Err(Code::Throttled));
        }
        let body = frame.get(HEADER_BYTES..).unwrap_or_default();
        match request::decode(opcode, body, &self.config.quirks) {
            Ok(request) => self.carry_out(conn, session, xid, request),
            Err(_) if request::is_logged(opcode, body, &self.config.quirks) => {
                self.propose(conn, session, xid, Write::Refused(Code::MarshallingError));
            }
            Err(_) if request::is_for_the_door(opcode) => self.close(conn),
            Err(malformed) => self.answer_now(conn, xid, &Err(malformed.into())),
        }
    }

    /// A frame comes while the request before it is at the leader. Only credentials do not wait (3.4 to 3.9).
    pub(super) fn wait(&mut self, conn: ConnId, frame: &[u8]) {
        let mut reader = Reader::new(frame);
        let opcode = reader.int().and_then(|_| reader.int());
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        match (connection.stage, opcode) {
            (Stage::Busy(session, timeout_ms), Ok(opcode)) if request::is_for_the_door(opcode) => {
                self.request(conn, session, timeout_ms, frame);
            }
            _ => connection.waiting.push_back(frame.to_vec()),
        }
    }

    fn carry_out(&mut self, conn: ConnId, session: SessionId, xid: i32, request: Request) {
        match request {
            Request::Write(write) => self.propose(conn, session, xid, write),
            Request::Read(read) => {
                let result = self.read(conn, session, &read);
                self.answer_now(conn, xid, &result);
            }
            Request::Watch(watch) => {
                let result = self.watch(conn, watch);
                self.answer_now(conn, xid, &result);
            }
            Request::Sync { path } => self.sync(conn, xid, path),
            Request::Ping => self.answer_now(conn, PING_XID, &Ok(Body::Nothing)),
            Request::Reconfig => {
                self.propose(conn, session, xid, Write::Refused(Code::ReconfigDisabled));
            }
            Request::Sasl { token } => self.log_in(conn, xid, token),
            Request::Auth { scheme, credentials } => {
                let proven = self.prove(conn, scheme.as_deref(), credentials.as_deref());
                self.answer(conn, xid, ZERO_ZXID, &proven.map(|()| Body::Nothing));
                if proven.is_err() {
                    self.close(conn);
                }
            }
            Request::CloseSession => self.propose(conn, session, xid, Write::CloseSession),
        }
    }

    fn propose(&mut self, conn: ConnId, session: SessionId, xid: i32, write: Write) {
        if self.role == Role::ReadOnly {
            return self.answer_now(conn, xid, &Err(Code::NotReadOnly));
        }
        self.defer(conn);
        let identities = self.identities(conn).to_vec();
        let origin = Some(Origin { conn, xid });
        self.errands.push_back(Errand::Propose(Proposal { origin, session, identities, write }));
    }

    fn sync(&mut self, conn: ConnId, xid: i32, path: Option<String>) {
        if self.role == Role::ReadOnly {
            return self.answer_now(conn, xid, &Err(Code::NotReadOnly));
        }
        self.defer(conn);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.path = path;
        }
        self.errands.push_back(Errand::Sync(Origin { conn, xid }));
    }

    /// What comes next on this connection waits for the leader.
    fn defer(&mut self, conn: ConnId) {
        if let Some(connection) = self.connections.get_mut(&conn)
            && let Stage::Open(session, timeout_ms) = connection.stage
        {
            connection.stage = Stage::Busy(session, timeout_ms);
        }
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

    pub(super) fn answer_now(&mut self, conn: ConnId, xid: i32, result: &Result<Body, Code>) {
        self.answer(conn, xid, self.tree.applied(), result);
    }

    pub(super) fn answer(&mut self, conn: ConnId, xid: i32, zxid: Zxid, result: &Result<Body, Code>) {
        let frame = reply::answer(xid, zxid, result);
        self.send(conn, frame);
    }
}

/// Bytes of the xid and the opcode before a request.
const HEADER_BYTES: usize = 8;
