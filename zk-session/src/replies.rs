//! What the wire says: handshake, replies, watch events.
//!
//! It reads frames and changes the session accordingly. A frame that the protocol does not allow is a fault of the link,
//! never of the session.

use core::time::Duration;

use bytes::Bytes;
use zk_proto::ops::{Reply, Request};
use zk_proto::{
    Code, ConnectResponse, EventKind, Greeting, Malformed, Path, Reader, ReplyHeader, SessionId,
    WatcherEvent, Wire, Xid, encode_request,
};

use crate::calls::{Owner, Written};
use crate::error::{Ended, Error, Fault, Why};
use crate::link::{Link, Pulse};
use crate::session::Session;
use crate::words::{Answer, ConnId, Notice, Output, SessionState, WatchEvent};
use crate::wrong::wrong;

impl Session {
    /// Understands what was read on this connection.
    pub(crate) fn receive(&mut self, conn: ConnId) {
        if !self.link.is(conn) {
            return;
        }
        if self.inbox.deframer.buffer().len() > self.inbox.incomplete {
            self.heard_something();
        }
        while self.link.is(conn) {
            let outcome = match self.inbox.deframer.next_frame() {
                Ok(Some(frame)) => self.take_frame(&frame),
                Ok(None) => break,
                Err(malformed) => Err(malformed.into()),
            };
            if let Err(fault) = outcome {
                self.lose(fault, true);
            }
        }
        self.inbox.incomplete = self.inbox.deframer.buffer().len();
    }

    fn heard_something(&mut self) {
        // The answer to a handshake may be that the session is over: only an established link is a sign of its life.
        if self.link.pulse().is_some() {
            self.heard = self.now;
        }
    }

    fn take_frame(&mut self, frame: &Bytes) -> Result<(), Fault> {
        match self.link {
            Link::Greeting { conn, sent, .. } => match Greeting::decode(frame)? {
                Greeting::Accepted(response) => self.accepted(conn, sent, response),
                Greeting::Expired { .. } if self.identity.session == SessionId::NONE => {
                    Err(Fault::Refused(Code::SessionExpired))
                }
                Greeting::Expired { .. } => {
                    self.end(Ended::Expired);
                    Ok(())
                }
                Greeting::Refused(code) => Err(Fault::Refused(code)),
            },
            Link::Proving { .. } | Link::Live { .. } => self.take_reply(frame),
            // No handshake is under way: the server speaks out of turn.
            Link::Dialing { .. } | Link::Resting { .. } | Link::Ended(_) => {
                Err(Fault::UnexpectedReply(Xid::NOTIFICATION.raw()))
            }
        }
    }

    fn accepted(
        &mut self,
        conn: ConnId,
        sent: crate::Instant,
        response: ConnectResponse,
    ) -> Result<(), Fault> {
        if response.session == SessionId::NONE {
            // Zero asks for a session; no server can grant it.
            return Err(Fault::Refused(Code::SessionExpired));
        }
        if response.read_only == Some(true) {
            return Err(Fault::Refused(Code::NotReadOnly));
        }
        let resumed = self.identity.session != SessionId::NONE;
        if resumed && response.session != self.identity.session {
            self.end(Ended::Expired);
            return Ok(());
        }
        self.identity.session = response.session;
        self.identity.password = response.password;
        self.identity.timeout = Duration::from_millis(u64::try_from(response.timeout_ms).unwrap_or(1).max(1));
        self.inbox.deframer.set_limit(self.config.frame_length_max);
        self.heard = self.now;
        self.lease.opened(sent, self.identity.timeout);
        let mut requests = self.watches.restore(self.identity.last_zxid);
        if wrong!(self, ForgetsItsWatches) {
            requests.clear();
        }
        for request in &mut requests {
            if wrong!(self, RestoresFromNow) {
                request.relative_zxid = zk_proto::Zxid::new(i64::MAX);
            }
        }
        let pending = requests.len();
        for request in requests {
            encode_request(Xid::SET_WATCHES, &Request::from(request), &mut self.outgoing);
        }
        let pulse = Pulse::new(self.now);
        let pending = if wrong!(self, OvertakesItsWatches) { 0 } else { pending };
        self.link = Link::Proving { conn, pulse, pending, resumed };
        self.go_live_when_proven();
        Ok(())
    }

    /// The watches stand again, and what was missed has been told.
    fn go_live_when_proven(&mut self) {
        let Link::Proving { conn, pending: 0, resumed, ref pulse } = self.link else { return };
        let pulse = Pulse { since: pulse.since, sent: pulse.sent, ping: pulse.ping, proven: pulse.proven };
        self.link = Link::Live { conn, pulse };
        self.fault = None;
        let (session, timeout) = (self.identity.session, self.identity.timeout);
        self.enter(SessionState::Connected { session, timeout, resumed });
        if self.close_by.is_some() {
            self.calls.queue(zk_proto::ops::CloseSession {}.into(), Owner::Close, None);
        } else if self.holders > 0 {
            self.keep_alive();
        }
    }

    fn take_reply(&mut self, frame: &Bytes) -> Result<(), Fault> {
        let mut input = Reader::new(frame);
        let header = ReplyHeader::decode(&mut input)?;
        match header.xid {
            Xid::NOTIFICATION => self.take_event(&mut input),
            Xid::PING => {
                self.take_pong();
                Ok(())
            }
            Xid::SET_WATCHES => self.take_restored(header),
            xid => {
                let Some(call) = self.calls.answered(xid) else {
                    return Err(Fault::UnexpectedReply(xid.raw()));
                };
                self.take_answer(call, header, &mut input)
            }
        }
    }

    fn take_pong(&mut self) {
        let ping = self.link.pulse_mut().and_then(|pulse| pulse.ping.take());
        match ping {
            Some(sent) => self.prove(sent),
            None => self.oddities.unexpected_pings += 1,
        }
    }

    fn take_restored(&mut self, header: ReplyHeader) -> Result<(), Fault> {
        let Link::Proving { pending, .. } = &mut self.link else {
            return Err(Fault::UnexpectedReply(header.xid.raw()));
        };
        if let Some(code) = header.error {
            return Err(Fault::WatchesRefused(code));
        }
        *pending = pending.saturating_sub(1);
        self.go_live_when_proven();
        Ok(())
    }

    fn take_event(&mut self, input: &mut Reader<'_>) -> Result<(), Fault> {
        let event = WatcherEvent::decode(input)?;
        let (Ok(path), false) = (Path::new(&event.path), matches!(event.kind, EventKind::Unknown(_))) else {
            self.oddities.unknown_events += 1;
            return Ok(());
        };
        let mut fired = self.watches.fire(event.kind, &path);
        if wrong!(self, MixesItsWatches) {
            fired.extend(self.watches.fire(EventKind::NodeChildrenChanged, &path));
        }
        if fired.is_empty() {
            self.oddities.unmatched_events += 1;
        }
        let path = self.chroot.inward(path);
        for watch in fired {
            let event = WatchEvent { kind: event.kind, path: path.clone() };
            self.outputs.push_back(Output::Notified(watch, Notice::Fired(event)));
        }
        Ok(())
    }

    fn take_answer(
        &mut self,
        call: Written,
        header: ReplyHeader,
        input: &mut Reader<'_>,
    ) -> Result<(), Fault> {
        if header.zxid > self.identity.last_zxid {
            self.identity.last_zxid = header.zxid;
        } else if header.zxid < self.identity.last_zxid && header.error.is_none() {
            self.oddities.zxid_regressions += 1;
        }
        let result = match header.error {
            Some(code) => Err(Error::Server(code)),
            None => match Reply::decode(call.opcode, input) {
                Ok(reply) => Ok(Answer { zxid: header.zxid, reply: self.inward(reply) }),
                Err(malformed) => return Err(self.unreadable(&call, malformed)),
            },
        };
        let failure = header.error.filter(|_| !wrong!(self, WatchesAFailure));
        if let Some((kind, path)) = call.wanted.and_then(|wanted| wanted.armed(failure)) {
            self.watches.add(call.id, kind, path);
        }
        self.prove(call.sent);
        match call.owner {
            Owner::KeepAlive => {
                if let Some(pulse) = self.link.pulse_mut() {
                    pulse.proven = Some(self.now);
                }
            }
            Owner::Close => self.end(Ended::Closed),
            Owner::Caller | Owner::Nobody => self.complete(call.id, call.owner, result),
        }
        match header.error {
            Some(code @ (Code::SessionExpired | Code::SessionMoved)) => Err(Fault::SessionRefused(code)),
            _ => Ok(()),
        }
    }

    /// The server answered yes, in words that cannot be read.
    fn unreadable(&mut self, call: &Written, malformed: Malformed) -> Fault {
        self.complete(call.id, call.owner, Err(Error::MaybeApplied(Why::ConnectionLost)));
        malformed.into()
    }

    fn inward(&mut self, mut reply: Reply) -> Reply {
        if !self.chroot.reply_inward(&mut reply) {
            self.oddities.foreign_paths += 1;
        }
        reply
    }

    /// A request sent at `sent` was answered. A lease that had run out on an unbroken link is good again when there is
    /// new evidence for it.
    fn prove(&mut self, sent: crate::Instant) {
        if wrong!(self, TrustsEveryAnswer) {
            self.lease.opened(sent, self.identity.timeout);
        }
        self.lease.answered(sent, self.now);
        let live = matches!(self.link, Link::Live { .. });
        if live && self.state == SessionState::LeaseExpired && self.now < self.lease.end() {
            let (session, timeout) = (self.identity.session, self.identity.timeout);
            self.enter(SessionState::Connected { session, timeout, resumed: true });
        }
    }
}
