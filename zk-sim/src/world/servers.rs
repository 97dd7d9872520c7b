//! The servers of a world, and what they say.

use super::marks::Mark;
use super::net::Event;
use super::{Host, OPERATOR, World};
use crate::wire::{LENGTH_BYTES, Reader};
use crate::{Code, ConnId, Role, ServerId, Write, Zxid, ensemble, peer};

const HALF: u64 = 500_000;
/// The xid of events.
const EVENT_XID: i32 = -1;
/// The xid under which clients restore their watches.
const RESTORED_XID: i32 = -8;

impl World {
    pub(super) fn serve(&mut self, server: ServerId, input: ensemble::Input<'_>) {
        let now = self.millis();
        self.ensemble.handle(server, input, now);
        self.drain_servers();
    }

    /// Carries out what the servers have said, and reads what they have agreed on.
    pub(super) fn drain_servers(&mut self) {
        self.read_log();
        // What a server says at once may arrive at once.
        let mut together: Option<(ConnId, Vec<u8>)> = None;
        while let Some(output) = self.ensemble.poll() {
            match output {
                ensemble::Output::Message { from, to, message } => {
                    let road = self.plan.highway;
                    self.net.carry(self.now, (from, to), road, &mut self.decisions, message);
                }
                ensemble::Output::Client(_, peer::Output::Send(id, bytes)) => {
                    self.note_answer(id, &bytes);
                    match &mut together {
                        Some((same, before)) if *same == id && self.decisions.chance(HALF) => {
                            before.extend(bytes);
                        }
                        _ => {
                            if let Some((id, bytes)) = together.replace((id, bytes)) {
                                self.send_down(id, &bytes);
                            }
                        }
                    }
                }
                ensemble::Output::Client(_, peer::Output::Close(id)) => {
                    if let Some((id, bytes)) = together.take() {
                        self.send_down(id, &bytes);
                    }
                    if let Some(wire) = self.net.wires.get_mut(&id) {
                        wire.server_open = false;
                        // To a login that fails, servers of 3.4 say nothing.
                        if let Some(client) = self.clients.get_mut(wire.client) {
                            client.observed.told_no |= client.config.sasl.is_some() && !wire.has_logged_in;
                        }
                        let (road, gone) = (self.plan.road, Event::ClientHangup(id, true));
                        self.net.down(self.now, id, road, &mut self.decisions, gone);
                    }
                    self.net.tidy(id);
                }
            }
        }
        if let Some((id, bytes)) = together {
            self.send_down(id, &bytes);
        }
        self.refresh_all();
    }

    pub(super) fn send_down(&mut self, id: ConnId, bytes: &[u8]) {
        self.note_greeting(id, bytes);
        if self.is_lost_reply(id, bytes) {
            self.hang_up_client(id, false);
            return self.hang_up_server(id, false);
        }
        let road = self.plan.road;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, after) = self.piece(rest);
            rest = after;
            self.net.down(self.now, id, road, &mut self.decisions, Event::ToClient(id, piece.to_vec()));
        }
    }

    /// Whether this answers a request, and is not to arrive.
    pub(super) fn is_lost_reply(&mut self, id: ConnId, bytes: &[u8]) -> bool {
        let mut reader = Reader::new(bytes.get(LENGTH_BYTES..).unwrap_or_default());
        let (Ok(xid), Ok(zxid)) = (reader.int(), reader.long()) else { return false };
        let Some(wire) = self.net.wires.get_mut(&id).filter(|wire| wire.is_greeted) else { return false };
        // Answers to calls have positive numbers.
        let loses_reply = wire.loses_reply && xid > 0;
        let loses_event = wire.loses_event && xid == EVENT_XID && zxid > 0 && zxid == wire.event;
        if xid == EVENT_XID {
            wire.event = zxid;
        }
        self.marks.sometimes(loses_event, Mark::EventsParted);
        let loses = loses_reply || loses_event;
        wire.loses_reply &= !loses_reply;
        wire.loses_event &= !loses_event;
        wire.is_hole |= loses;
        loses
    }

    /// Takes note of a server that says, in its first frame, that a session is over.
    pub(super) fn note_greeting(&mut self, id: ConnId, bytes: &[u8]) {
        /// Where a greeting has the timeout.
        const TIMEOUT: std::ops::Range<usize> = 8..12;
        /// Where it says whether the server has a quorum.
        const READ_ONLY: usize = 40;
        let Some(wire) = self.net.wires.get_mut(&id).filter(|wire| !wire.is_greeted) else { return };
        wire.is_greeted = true;
        let says_over = bytes.get(TIMEOUT) == Some(&[0; 4]);
        let (is_greeting, has_quorum) = (bytes.len() > READ_ONLY, bytes.get(READ_ONLY) != Some(&1));
        if let Some(client) = self.clients.get_mut(wire.client).filter(|_| is_greeting && !wire.is_probe) {
            client.observed.told_over |= says_over && has_quorum;
            client.observed.is_real |= !says_over && has_quorum;
            self.marks.sometimes(says_over && !has_quorum, Mark::Rejected);
        }
    }

    /// Takes note of a frame that a server answers with.
    fn note_answer(&mut self, id: ConnId, frame: &[u8]) {
        let Some(wire) = self.net.wires.get_mut(&id) else { return };
        let mut reader = Reader::new(frame.get(LENGTH_BYTES..).unwrap_or_default());
        let (Ok(xid), Ok(zxid), Ok(error)) = (reader.int(), reader.long(), reader.int()) else { return };
        if xid == RESTORED_XID && error == 0 && wire.is_greeted {
            wire.restored = Some(Zxid(zxid));
        }
        if reader.buffer().is_ok_and(|token| token.is_some_and(|token| token.starts_with(b"rspauth=")))
            && error == 0
        {
            wire.has_logged_in = true;
            self.marks.sometimes(true, Mark::LoggedIn);
        }
        let says_no = [Code::AuthFailed, Code::SaslRequired].iter().any(|code| code.raw() == error);
        if let Some(client) = self.clients.get_mut(wire.client) {
            client.observed.told_no |= wire.is_greeted && says_no;
        }
    }

    /// Asks the servers when they want to hear of the time, and who leads.
    pub(super) fn refresh_all(&mut self) {
        let mut leader = None;
        for (id, host) in &mut self.servers {
            host.due = self.ensemble.poll_timeout(*id);
            if self.ensemble.role(*id) == Some(Role::Leader) {
                leader = Some(*id);
            }
        }
        if leader.is_some() && leader != self.leader {
            self.marks.sometimes(self.leader.is_some(), Mark::LeaderChanged);
            self.trace.line(|| format!("{leader:?} leads"));
            self.leader = leader;
        }
    }

    pub(super) fn server_mut(&mut self, server: ServerId) -> &mut Host {
        self.servers.entry(server).or_default()
    }

    /// An operator deletes a node.
    pub(super) fn operate(&mut self, path: String) {
        let now = self.millis();
        let open = Write::OpenSession { timeout_ms: u32::MAX };
        if self.truth.head.session_timeout_ms(OPERATOR).is_none() {
            self.ensemble.administer(OPERATOR, open, now);
        }
        let delete = Write::Change(crate::Change::Delete { path, version: -1 });
        self.ensemble.administer(OPERATOR, delete, now);
        self.drain_servers();
    }
}
