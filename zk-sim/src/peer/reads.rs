//! What is answered from the tree as it is. Reads change nothing but the watches.

use super::Peer;
use crate::read::{Reader, Watched};
use crate::reply::Body;
use crate::request::Read;
use crate::{Code, ConnId, SessionId};

impl Peer {
    pub(super) fn read(&mut self, conn: ConnId, session: SessionId, read: &Read) -> Result<Body, Code> {
        let reader = Reader { session, identities: self.identities(conn) };
        let result = reader.read(&self.tree, read, &self.config.quirks);
        match read.watch(&result) {
            Some(Watched::Data(path)) => self.watches.watch_data(path, conn, &self.config.quirks),
            Some(Watched::Children(path)) => self.watches.watch_children(path, conn, &self.config.quirks),
            None => {}
        }
        result
    }
}
