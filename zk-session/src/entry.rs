//! How a link comes to life once a server has accepted the session: the login, credentials, watches, and then calls.
//!
//! Nothing of a user leaves before all of it has succeeded. It knows the order; what a login or a credential is stands in
//! `sasl` and `access`.

use alloc::vec::Vec;
use core::time::Duration;

use zk_proto::ops::{Auth, CloseSession, Request, Sasl, SaslToken, SetWatches};
use zk_proto::{
    Code, ConnectResponse, Path, Reader, ReplyHeader, RequestHeader, Secret, SessionId, Wire, Xid,
    encode_request,
};

use crate::access::Verdict;
use crate::calls::{How, Owner};
use crate::error::{Ended, Error, Fault};
use crate::link::{Link, Login, Pulse};
use crate::sasl::Step;
use crate::session::Session;
use crate::statistics::{Direction, FrameNote};
use crate::time::Instant;
use crate::words::{Answer, CallId, ConnId, Notice, Output, Reply, SessionState};
use crate::wrong::wrong;

/// No mechanism needs more tokens; a server that goes on for ever must be left.
const LOGIN_ROUNDS_MAX: u32 = 32;

impl Session {
    /// The session that the handshake asks for. One that only servers without a quorum have seen is worth nothing
    /// elsewhere.
    pub(crate) fn offered_session(&self) -> SessionId {
        if self.identity.is_real || wrong!(self, OffersHearsay) {
            self.identity.session
        } else {
            SessionId::NONE
        }
    }

    /// The handshake was answered with a session.
    pub(crate) fn accepted(
        &mut self,
        conn: ConnId,
        sent: Instant,
        response: ConnectResponse,
    ) -> Result<(), Fault> {
        if response.session == SessionId::NONE {
            // Zero asks for a session; no server can grant it.
            return Err(Fault::Refused(Code::SessionExpired));
        }
        let read_only = response.read_only == Some(true);
        if read_only && !self.config.read_only {
            return Err(Fault::Refused(Code::NotReadOnly));
        }
        let offered = self.offered_session();
        let resumed = offered != SessionId::NONE;
        if resumed && response.session != offered {
            self.end(Ended::Expired);
            return Ok(());
        }
        self.identity.is_told &= resumed;
        self.identity.session = response.session;
        self.identity.password = response.password;
        self.identity.is_real |= !read_only;
        (self.identity.unanswered, self.identity.unanswered_since) = (0, None);
        if !wrong!(self, CountsByItsWish) {
            let millis = u64::try_from(response.timeout_ms).unwrap_or(1).max(1);
            self.identity.timeout = Duration::from_millis(millis);
        }
        let limit = if wrong!(self, KnowsNoLimit) { usize::MAX } else { self.config.frame_length_max };
        self.inbox.deframer.set_limit(limit);
        self.heard = self.now;
        self.counters.links += 1;
        let keeps = resumed && wrong!(self, KeepsItsOldLease);
        if !read_only && !keeps {
            self.lease.opened(sent, self.identity.timeout);
        }
        let pulse = Pulse::new(self.now, resumed, read_only);
        self.link = Link::Proving { conn, pulse, login: None };
        self.log_in(conn)
    }

    fn log_in(&mut self, conn: ConnId) -> Result<(), Fault> {
        let (Some(mechanism), Some(server)) = (self.config.sasl.clone(), self.servers.current()) else {
            self.show();
            return Ok(());
        };
        let mut exchange = mechanism.begin(server, self.rng.token());
        let token = match exchange.initial() {
            Ok(token) => token,
            Err(error) => return self.login_failed(error.into()),
        };
        let xid = self.calls.xid();
        self.stage(xid, &Sasl { token: Secret::new(token) }.into());
        if let Link::Proving { login, .. } = &mut self.link {
            *login = Some(Login { exchange, xid, rounds: 0 });
        }
        tracing::debug!(target: "zk_session", ?conn, mechanism = mechanism.name(), "logging in");
        if wrong!(self, SpeaksBeforeItsLogin) {
            self.show();
        }
        Ok(())
    }

    /// The server answered a token.
    pub(crate) fn take_token(&mut self, header: ReplyHeader, input: &mut Reader<'_>) -> Result<(), Fault> {
        if let Some(code) = header.error {
            if wrong!(self, IgnoresItsRefusal) {
                self.logged_in();
                return Ok(());
            }
            return self.login_failed(Fault::LoginRefused(code));
        }
        let is_bare = input.rest_len() == 0 || wrong!(self, TakesHalfATokenForNone);
        let token = match SaslToken::decode(input) {
            Ok(answer) => answer.token,
            // Without a body it is as good as a token of null.
            Err(_) if is_bare => None,
            Err(malformed) => return Err(malformed.into()),
        };
        let xid = self.calls.xid();
        let Link::Proving { login: Some(login), .. } = &mut self.link else { return Ok(()) };
        login.rounds += 1;
        login.xid = xid;
        if login.rounds > LOGIN_ROUNDS_MAX {
            return self.login_failed(crate::sasl::SaslError::Unexpected.into());
        }
        match login.exchange.step(token.as_ref().map(Secret::as_bytes)) {
            Ok(Step::Send(token)) => self.stage(xid, &Sasl { token: Secret::new(token) }.into()),
            Ok(Step::Done) => self.logged_in(),
            Err(_) if wrong!(self, TrustsAnyServer) => self.logged_in(),
            Err(error) => return self.login_failed(error.into()),
        }
        Ok(())
    }

    fn logged_in(&mut self) {
        if let Link::Proving { login, .. } = &mut self.link {
            *login = None;
        }
        self.access.logged_in();
        self.show();
    }

    /// It would fail again.
    fn login_failed(&mut self, fault: Fault) -> Result<(), Fault> {
        tracing::warn!(target: "zk_session", %fault, "the login failed");
        self.fault = Some(fault);
        self.end(Ended::AuthFailed);
        Ok(())
    }

    /// Sends what every connection needs before the calls: credentials first, since what a watch tells depends on them.
    fn show(&mut self) {
        for auth in self.access.send_all() {
            if !wrong!(self, ForgetsItsCredentials) {
                self.stage(Xid::AUTH, &auth.into());
            }
        }
        if wrong!(self, ForgetsItsCredentials) {
            self.access.unlinked();
        }
        let since = self.identity.last_zxid;
        if self.counters.links > 1 && !wrong!(self, HidesTheGap) {
            for watch in self.watches.lasting() {
                self.outputs.push_back(Output::Notified(watch, Notice::Gap { since }));
            }
        }
        // Some may have been given up while there was no link.
        self.watches.unlinked();
        let mut requests = self.watches.restore(since);
        if wrong!(self, ForgetsItsWatches) {
            requests.clear();
        }
        if wrong!(self, RestoresNothing) && requests.is_empty() {
            let [data, exist, child] = <[Vec<Path>; 3]>::default();
            requests.push(SetWatches { relative_zxid: since, data, exist, child }.into());
        }
        for request in requests {
            self.restore(request);
        }
        self.go_live_when_proven();
    }

    /// Sends a request that sets watches.
    pub(crate) fn restore(&mut self, mut request: Request) {
        if wrong!(self, RestoresFromNow)
            && let Request::SetWatches(watches) = &mut request
        {
            watches.relative_zxid = zk_proto::Zxid::new(i64::MAX);
        }
        if wrong!(self, RestoresItsOwnPaths) {
            request.each_path(&mut |path| *path = self.chroot.inward(path.clone()));
        }
        self.stage(Xid::SET_WATCHES, &request);
        let is_awaited = !wrong!(self, OvertakesItsWatches);
        if let Some(pulse) = self.link.pulse_mut() {
            pulse.restoring += usize::from(is_awaited);
        }
    }

    /// Stages a request of the engine's own.
    pub(crate) fn stage(&mut self, xid: Xid, request: &Request) {
        encode_request(xid, request, &mut self.outgoing);
        self.note_request(xid, request);
        if let Some(pulse) = self.link.pulse_mut() {
            pulse.sent = self.now;
        }
    }

    pub(crate) fn note_request(&mut self, xid: Xid, request: &Request) {
        let Some(conn) = self.link.conn() else { return };
        self.recorder.note(FrameNote {
            at: self.now,
            conn,
            direction: Direction::Out,
            xid,
            code: request.opcode().raw(),
            zxid: zk_proto::Zxid::ZERO,
            length: request.encoded_len() + RequestHeader::LEN_MIN,
        });
    }

    /// The client is known, the watches stand again, and what was missed has been told.
    pub(crate) fn go_live_when_proven(&mut self) {
        let Link::Proving { conn, pulse, login: None } = &self.link else { return };
        if pulse.restoring > 0 || self.access.is_under_way() {
            return;
        }
        let (conn, pulse) = (*conn, *pulse);
        self.link = Link::Live { conn, pulse };
        self.fault = None;
        self.calls.linked();
        let (session, timeout) = (self.identity.session, self.identity.timeout);
        if pulse.read_only {
            self.enter(SessionState::ReadOnly { session, timeout });
            if !wrong!(self, SettlesForLess) {
                self.probe.start(self.now);
            }
        } else {
            // A session of which its owner has not heard is new to him, whatever the servers know of it.
            let resumed = pulse.resumed && self.identity.is_told;
            self.enter(SessionState::Connected { session, timeout, resumed });
        }
        self.identity.is_told = true;
        if self.close_by.is_some() {
            self.calls.queue(CloseSession {}.into(), Owner::Close, How::default());
            return;
        }
        if self.holders > 0 {
            self.keep_alive();
        }
        if self.config.follow_reconfig {
            self.read_config();
        }
    }

    /// The user adds a credential.
    pub(crate) fn add_credential(&mut self, auth: Auth, deadline: Option<Instant>) -> CallId {
        let call = self.calls.number();
        if self.access.has(&auth) {
            let answer = Answer { zxid: self.identity.last_zxid, reply: Reply::Auth(()) };
            self.complete(call, Owner::Caller, Ok(answer));
            return call;
        }
        let is_new = self.access.add(auth, call, deadline);
        let is_open = is_new && self.link.pulse().is_some() && !self.link.is_login();
        if let Some(auth) = is_open.then(|| self.access.send_last()).flatten() {
            self.stage(Xid::AUTH, &auth.into());
        }
        call
    }

    /// The server answered a credential.
    pub(crate) fn take_verdict(&mut self, header: ReplyHeader) -> Result<(), Fault> {
        let answer = Answer { zxid: self.identity.last_zxid, reply: Reply::Auth(()) };
        match (self.access.answered(header.error.is_none()), header.error) {
            (Verdict::Accepted(callers), _) => {
                for call in callers {
                    self.complete(call, Owner::Caller, Ok(answer.clone()));
                }
                self.go_live_when_proven();
                self.pump();
                Ok(())
            }
            (Verdict::Dropped(callers), Some(code)) => {
                for call in callers {
                    self.complete(call, Owner::Caller, Err(Error::Server(code)));
                }
                Err(Fault::AuthRefused(code))
            }
            (Verdict::Refused, Some(code)) => {
                self.fault = Some(Fault::AuthRefused(code));
                self.end(Ended::AuthFailed);
                Ok(())
            }
            _ => Err(Fault::UnexpectedReply(header.xid.raw())),
        }
    }
}
