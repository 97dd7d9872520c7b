//! What leaves a client, read along on its way.

use super::World;
use super::marks::Mark;
use super::net::Credential;
use super::violation::Law;
use crate::request::{self, Request, Watch};
use crate::wire::Reader;

/// All that a client may say to a server that it only asks for its quorum.
const QUESTION: &[u8] = b"isro";
/// Where a first frame names the session.
const SESSION: std::ops::Range<usize> = 16..24;

impl World {
    /// Takes note of the requests that leave a client, and of what must have left before them.
    pub(super) fn read_along(&mut self, client: usize, id: crate::ConnId, bytes: &[u8]) {
        let Some(wire) = self.net.wires.get_mut(&id) else { return };
        let mut said = std::mem::take(&mut wire.said);
        said.extend_from_slice(bytes);
        if wire.is_probe {
            let is_question = QUESTION.starts_with(&said);
            wire.said = said;
            if !is_question {
                self.broken(Law::ProbeSaysMore, Some(client));
            }
            return;
        }
        let mut rest = &*said;
        while let Some((head, tail)) = rest.split_first_chunk::<4>()
            && let Some((frame, after)) = tail.split_at_checked(u32::from_be_bytes(*head) as usize)
        {
            rest = after;
            self.overhear(client, id, frame);
        }
        let rest = rest.to_vec();
        if let Some(wire) = self.net.wires.get_mut(&id) {
            wire.said = rest;
        }
    }

    fn overhear(&mut self, client: usize, id: crate::ConnId, frame: &[u8]) {
        let Some(wire) = self.net.wires.get_mut(&id) else { return };
        if !std::mem::replace(&mut wire.has_greeted, true) {
            let offers = frame.get(SESSION).is_some_and(|session| session != [0; 8]);
            let is_real = self.clients[client].observed.is_real;
            return if offers && !is_real {
                self.broken(Law::HearsayOffered, Some(client))
            };
        }
        let mut reader = Reader::new(frame);
        let (Ok(xid), Ok(opcode)) = (reader.int(), reader.int()) else { return };
        let body = frame.get(HEADER_BYTES..).unwrap_or_default();
        match request::decode(opcode, body, &self.quirks) {
            Ok(Request::Auth { scheme, credentials }) => {
                let credential = (scheme.unwrap_or_default(), credentials.unwrap_or_default());
                return self.shows(client, id, credential);
            }
            Ok(Request::Sasl { .. }) => return,
            Ok(Request::Ping) => return self.speaks(client, id),
            Ok(Request::Write(write)) => self.truth.sent(self.life(client), (id, xid), &write),
            Ok(Request::Watch(Watch::Remove { .. })) => self.marks.sometimes(true, Mark::WatchTakenAway),
            Ok(_) | Err(_) => {}
        }
        self.speaks(client, id);
        let Some(wire) = self.net.wires.get(&id) else { return };
        let proven = &self.clients[client].proven;
        if proven.iter().any(|credential| !wire.shown.contains(credential)) {
            self.broken(Law::CredentialIsMissing, Some(client));
        }
    }

    /// A client says something that is not part of a login.
    fn speaks(&mut self, client: usize, id: crate::ConnId) {
        let has_logged_in = self.net.wires.get(&id).is_none_or(|wire| wire.has_logged_in);
        if self.clients[client].config.sasl.is_some() && !has_logged_in {
            self.broken(Law::SpeaksBeforeLogin, Some(client));
        }
    }

    fn shows(&mut self, client: usize, id: crate::ConnId, credential: Credential) {
        let is_again = self.clients[client].proven.contains(&credential);
        self.marks.sometimes(is_again, Mark::ShownAgain);
        self.speaks(client, id);
        let Some(wire) = self.net.wires.get_mut(&id) else { return };
        if wire.shown.contains(&credential) {
            return self.broken(Law::CredentialTwice, Some(client));
        }
        wire.shown.push(credential);
    }
}

/// Bytes of the xid and the opcode before a request.
const HEADER_BYTES: usize = 8;
