//! What the wire says: handshake, replies, watch events.
//!
//! It reads frames and changes the session accordingly. A frame that the protocol does not allow is a fault of the link,
//! never of the session.

use bytes::Bytes;
use zk_proto::ops::{Opcode, Reply};
use zk_proto::{
    Code, EventKind, Greeting, Malformed, Path, Reader, ReplyHeader, SessionId, WatcherEvent, Wire, Xid, Zxid,
};

use crate::calls::{Owner, Written};
use crate::error::{Cut, Ended, Error, Fault, Why};
use crate::link::{Link, Pulse};
use crate::session::{Removal, Session};
use crate::statistics::{Direction, FrameNote};
use crate::watches::{Armed, Fired};
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
        let counts = |pulse: &Pulse| pulse.ping.is_none() || !wrong!(self, HearsOnlyPongs);
        if self.link.pulse().is_some_and(counts) {
            self.heard = self.now;
        }
    }

    fn take_frame(&mut self, frame: &Bytes) -> Result<(), Fault> {
        self.counters.frames += 1;
        match self.link {
            Link::Greeting { conn, sent, .. } => match Greeting::decode(frame)? {
                Greeting::Accepted(response) => self.accepted(conn, sent, response),
                Greeting::Expired { read_only } => self.told_expired(read_only),
                Greeting::Refused(code) => Err(Fault::Refused(code)),
            },
            Link::Proving { .. } | Link::Live { .. } => self.take_reply(frame),
            // No handshake is under way: the server speaks out of turn.
            Link::Dialing { .. } | Link::Resting { .. } | Link::Ended(_) => {
                Err(Fault::UnexpectedReply(Xid::NOTIFICATION.raw()))
            }
        }
    }

    /// A server says that the session is over.
    fn told_expired(&mut self, read_only: bool) -> Result<(), Fault> {
        // One without a quorum may merely not know it.
        let is_hearsay = read_only && self.identity.is_real && !wrong!(self, BelievesHearsay);
        if self.offered_session() == SessionId::NONE || is_hearsay {
            return Err(Fault::Refused(Code::SessionExpired));
        }
        self.end(Ended::Expired);
        Ok(())
    }

    fn take_reply(&mut self, frame: &Bytes) -> Result<(), Fault> {
        let mut input = Reader::new(frame);
        let header = ReplyHeader::decode(&mut input)?;
        self.note_reply(&header, frame.len());
        if let Link::Proving { login: Some(login), .. } = &self.link
            && login.xid == header.xid
        {
            return self.take_token(header, &mut input);
        }
        let is_own = matches!(header.xid, Xid::PING | Xid::SET_WATCHES);
        if is_own && let Some(code @ Code::SessionClosedRequireSaslAuth) = header.error {
            self.login_is_missing(code);
            return Ok(());
        }
        match header.xid {
            Xid::NOTIFICATION => self.take_event(header, &mut input),
            Xid::PING => self.take_pong(),
            Xid::AUTH if !wrong!(self, ExpectsOneQueue) => self.take_verdict(header),
            Xid::SET_WATCHES => self.take_restored(header),
            xid => {
                self.check_zxid(&header)?;
                let any = wrong!(self, TakesWhatComes);
                let Some(call) = self.calls.answered(|due| due == xid || any) else {
                    return Err(Fault::UnexpectedReply(xid.raw()));
                };
                self.take_answer(call, header, &mut input)
            }
        }
    }

    /// A server whose state goes back is not to be believed.
    fn check_zxid(&mut self, header: &ReplyHeader) -> Result<(), Fault> {
        let seen = self.identity.last_zxid;
        let goes_back = header.error.is_none() && header.zxid > Zxid::ZERO && header.zxid < seen;
        if goes_back && !wrong!(self, LivesBackwards) {
            self.oddities.zxid_regressions += 1;
            return Err(Fault::WentBack { seen, got: header.zxid });
        }
        Ok(())
    }

    fn note_reply(&mut self, header: &ReplyHeader, length: usize) {
        let Some(conn) = self.link.conn() else { return };
        self.recorder.note(FrameNote {
            at: self.now,
            conn,
            direction: Direction::In,
            xid: header.xid,
            code: header.error.map_or(0, Code::raw),
            zxid: header.zxid,
            length,
        });
    }

    fn take_pong(&mut self) -> Result<(), Fault> {
        let ping = self.link.pulse_mut().and_then(Pulse::ponged);
        match ping {
            Some(sent) => self.prove(sent),
            None if wrong!(self, FearsStrayPongs) => return Err(Fault::UnexpectedReply(Xid::PING.raw())),
            None => self.oddities.unexpected_pings += 1,
        }
        Ok(())
    }

    fn take_restored(&mut self, header: ReplyHeader) -> Result<(), Fault> {
        let restoring = match self.link.pulse_mut() {
            Some(pulse) if pulse.restoring > 0 => &mut pulse.restoring,
            _ => return Err(Fault::UnexpectedReply(header.xid.raw())),
        };
        if let Some(code) = header.error {
            return Err(Fault::WatchesRefused(code));
        }
        *restoring -= 1;
        self.go_live_when_proven();
        Ok(())
    }

    fn take_event(&mut self, header: ReplyHeader, input: &mut Reader<'_>) -> Result<(), Fault> {
        if wrong!(self, TakesTimeFromEvents) {
            self.identity.last_zxid = self.identity.last_zxid.max(header.zxid);
        }
        let event = WatcherEvent::decode(input)?;
        let (Ok(path), false) = (Path::new(&event.path), matches!(event.kind, EventKind::Unknown(_))) else {
            if wrong!(self, DreadsUnknownEvents) {
                return Err(Fault::UnexpectedReply(header.xid.raw()));
            }
            self.oddities.unknown_events += 1;
            return Ok(());
        };
        if wrong!(self, DreadsForeignPaths) && !path.starts_with(self.chroot.root()) {
            return Err(Fault::UnexpectedReply(header.xid.raw()));
        }
        let fired = self.fired(event.kind, &path);
        if !fired.expected {
            self.oddities.unmatched_events += 1;
        }
        for (watch, WatchEvent { kind, path }) in fired.told {
            if Some(watch) == self.follows {
                self.read_config();
                continue;
            }
            let path = if wrong!(self, TellsServerPaths) { path } else { self.chroot.inward(path) };
            let event = WatchEvent { kind, path };
            self.outputs.push_back(Output::Notified(watch, Notice::Fired(event)));
        }
        Ok(())
    }

    /// Whom an event concerns.
    fn fired(&mut self, kind: EventKind, path: &Path) -> Fired {
        let before = wrong!(self, FiresAgain).then(|| self.watches.clone());
        let mut fired = self.watches.fire(kind, path);
        if wrong!(self, MixesItsWatches) {
            fired.told.extend(self.watches.fire(EventKind::NodeChildrenChanged, path).told);
        }
        if wrong!(self, TellsTreesOfChildren) && kind == EventKind::NodeChildrenChanged {
            fired.told.extend(self.watches.fire(EventKind::NodeDataChanged, path).told);
        }
        if let Some(before) = before {
            self.watches = before;
        }
        fired
    }

    fn take_answer(
        &mut self,
        mut call: Written,
        header: ReplyHeader,
        input: &mut Reader<'_>,
    ) -> Result<(), Fault> {
        self.identity.last_zxid = self.identity.last_zxid.max(header.zxid);
        self.counters.answered_within(self.now.since(call.sent));
        let result = match header.error {
            Some(code) => Err(Error::Server(code)),
            None => match Reply::decode(call.opcode, input) {
                Ok(reply) => Ok(Answer { zxid: header.zxid, reply: self.inward(reply) }),
                Err(malformed) => return Err(self.unreadable(&call, malformed)),
            },
        };
        let is_armed = self.arm(&mut call, &header);
        self.prove(call.sent);
        if result.is_ok() && !call.opcode.read_only() && call.opcode != Opcode::Sync {
            self.lease.committed(call.sent);
        }
        self.deliver(&call, result);
        match header.error {
            // The server closes the connection now, and what is sent on it would be lost.
            Some(Code::Unimplemented) if call.owner == Owner::Unwatch => Err(Fault::Cut(Cut::Closed)),
            Some(code @ (Code::SessionExpired | Code::SessionMoved)) if !wrong!(self, IgnoresThatItMoved) => {
                Err(Fault::SessionRefused(code))
            }
            Some(code @ Code::SessionClosedRequireSaslAuth) => {
                self.login_is_missing(code);
                Ok(())
            }
            // The next link sets it, as of what this answer has shown.
            _ if !is_armed => Err(Fault::WatchMissing),
            _ => Ok(()),
        }
    }

    /// The server serves only who has logged in. It says so to the first request, be it a ping, and closes the connection.
    fn login_is_missing(&mut self, code: Code) {
        self.fault = Some(Fault::LoginRefused(code));
        self.end(Ended::AuthFailed);
    }

    /// Hands the answer to whoever waits for it.
    fn deliver(&mut self, call: &Written, result: Result<Answer, Error>) {
        match call.owner {
            Owner::KeepAlive => {
                if let Some(pulse) = self.link.pulse_mut() {
                    pulse.proven = Some(self.now);
                }
            }
            Owner::Close => self.end(Ended::Closed),
            Owner::Unwatch => {
                self.removal = match result {
                    Err(Error::Server(Code::Unimplemented)) => Removal::Unknown,
                    _ => Removal::Known,
                };
            }
            Owner::Follow => self.followed(call.id, result),
            Owner::Caller | Owner::Nobody => self.complete(call.id, call.owner, result),
        }
    }

    /// The watch that a call has set stands from here on.
    /// False if it stands for the client alone: it was to be served by a watch that the server refused after all.
    fn arm(&mut self, call: &mut Written, header: &ReplyHeader) -> bool {
        let Some(wanted) = call.wanted.take() else { return true };
        let owned = !call.is_unwatched && matches!(call.owner, Owner::Caller | Owner::Follow);
        let failure = header.error.filter(|_| !wrong!(self, WatchesAFailure));
        let armed = self.watches.answered(&wanted, failure, owned.then_some(call.id));
        !matches!(armed, Some((_, Armed::Bare)))
    }

    /// The server answered yes, in words that cannot be read.
    fn unreadable(&mut self, call: &Written, malformed: Malformed) -> Fault {
        self.complete(call.id, call.owner, Err(Error::MaybeApplied(Why::ConnectionLost)));
        malformed.into()
    }

    fn inward(&mut self, mut reply: Reply) -> Reply {
        if !wrong!(self, TellsServerPaths) && !self.chroot.reply_inward(&mut reply) {
            self.oddities.foreign_paths += 1;
        }
        reply
    }

    /// A request sent at `sent` was answered. A lease that had run out on an unbroken link is good again when there is
    /// new evidence for it.
    fn prove(&mut self, sent: crate::Instant) {
        let has_quorum = |pulse: &Pulse| !pulse.read_only || wrong!(self, TrustsTheQuorumless);
        if !self.link.pulse().is_some_and(has_quorum) {
            return;
        }
        if wrong!(self, TrustsEveryAnswer) {
            self.lease.opened(sent, self.identity.timeout);
        }
        self.lease.answered(sent, self.now);
        let is_back = self.state == SessionState::LeaseExpired && self.now < self.lease.end();
        if self.link.is_live() && is_back {
            let (session, timeout) = (self.identity.session, self.identity.timeout);
            self.enter(SessionState::Connected { session, timeout, resumed: true });
        }
    }
}
