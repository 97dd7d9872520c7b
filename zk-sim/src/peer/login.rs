//! The exchange of tokens by which a client proves who it is. It does not wait behind requests that are at the leader.

use super::Peer;
use super::requests::ZERO_ZXID;
use crate::acl::Id;
use crate::quirks::Version;
use crate::reply::{self, Body};
use crate::{Code, ConnId, sasl};

const SCHEME: &str = "sasl";

impl Peer {
    /// Whether the client must log in, and has not.
    pub(super) fn lacks_login(&self, conn: ConnId) -> bool {
        let is_demanded = self.config.requires_login && self.config.quirks.version > Version::V3_4;
        is_demanded && !self.identities(conn).iter().any(|id| id.scheme == SCHEME)
    }

    pub(super) fn log_in(&mut self, conn: ConnId, xid: i32, token: Option<Vec<u8>>) {
        let is_old = self.config.quirks.version == Version::V3_4;
        let Some(token) = token else {
            // The server stumbles over a null: it closes the connection, or never answers.
            if !is_old {
                self.close(conn);
            }
            return;
        };
        if self.config.users.is_empty() {
            return self.answer(conn, xid, ZERO_ZXID, &Ok(Body::Token(None)));
        }
        match self.evaluate(conn, &token) {
            Some(token) => self.answer(conn, xid, ZERO_ZXID, &Ok(Body::Token(Some(token)))),
            None if is_old => self.close(conn),
            None => {
                let code = if self.config.requires_login { Code::SaslRequired } else { Code::AuthFailed };
                self.send(conn, reply::login_refused(xid, code));
                self.close(conn);
            }
        }
    }

    /// What is said to this token; nothing if it ends the exchange for good.
    fn evaluate(&mut self, conn: ConnId, token: &[u8]) -> Option<Vec<u8>> {
        // A real server draws it; here it is only never the same.
        let fresh = sasl::nonce(&[self.config.server_id.into(), conn.0, self.sent]);
        let connection = self.connections.get_mut(&conn)?;
        let Some(nonce) = connection.challenge.take() else {
            let challenge = token.is_empty().then(|| sasl::challenge(&fresh));
            connection.challenge = Some(fresh);
            return challenge;
        };
        let (user, proof) = sasl::verify(&self.config.users, &nonce, token)?;
        let id = Id::new(SCHEME, &user);
        if !connection.identities.contains(&id) {
            connection.identities.push(id);
        }
        Some(proof)
    }
}
