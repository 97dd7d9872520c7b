//! One try after another: to the next server, the handshake, and then the calls that wait.

use core::time::Duration;

use zk_proto::ops::{RemoveWatches, WatchKind};
use zk_proto::{ConnectRequest, Password, SessionId, Xid, encode_connect};

use crate::calls::Written;
use crate::error::{Ended, Fault};
use crate::link::Link;
use crate::session::{Removal, Session};
use crate::time::Instant;
use crate::watches::{Kind, Wanted};
use crate::words::{CallId, ConnId, Output, Request};
use crate::wrong::wrong;

/// Calls are staged while fewer bytes than this wait for the transport; the others stay queued, where a deadline or a
/// cancellation can still take them out unsent.
const STAGED_LENGTH_MAX: usize = 256 * 1024;

impl Session {
    /// Starts the next try to connect.
    pub(crate) fn try_next_server(&mut self, now: Instant) {
        let Some(server) = self.servers.advance() else {
            self.link = Link::Resting { until: Instant::NEVER };
            return;
        };
        if !self.may_show(&server) {
            self.fault = Some(Fault::InsecureAuth);
            return self.end(Ended::AuthFailed);
        }
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        self.counters.tries += 1;
        let timeout = self.identity.timeout;
        let is_granted = self.offered_session() != SessionId::NONE;
        let left = is_granted.then(|| (self.heard + timeout * 4 / 3).since(now));
        let time = self.servers.try_time(timeout, left);
        let time = if wrong!(self, SpendsAllOnOneServer) { timeout * 4 / 3 } else { time };
        self.link = Link::Dialing { conn, until: now + time };
        self.outputs.push_back(Output::Connect(conn, server));
    }

    /// The connection stands: sends the handshake.
    pub(crate) fn greet(&mut self, conn: ConnId) {
        let Link::Dialing { conn: dialed, until } = self.link else { return };
        if dialed != conn {
            return;
        }
        self.outgoing.clear();
        self.inbox.clear();
        let session = self.offered_session();
        let password =
            if session == SessionId::NONE { Password::zero() } else { self.identity.password.clone() };
        let request = ConnectRequest {
            last_zxid: if wrong!(self, ForgetsWhatItSaw) {
                zk_proto::Zxid::ZERO
            } else {
                self.identity.last_zxid
            },
            timeout_ms: i32::try_from(self.config.session_timeout.as_millis()).unwrap_or(i32::MAX),
            session,
            password,
            read_only: Some(self.config.read_only),
        };
        if wrong!(self, LogsItsSecrets) {
            tracing::debug!(target: "zk_session", password = ?request.password.as_bytes(), "greeting");
        }
        encode_connect(&request, &mut self.outgoing);
        self.link = Link::Greeting { conn, sent: self.now, until };
    }

    /// Stages queued calls as long as the transport keeps up, and then what servers may forget.
    pub(crate) fn pump(&mut self) {
        if wrong!(self, HearsItself) && self.outgoing.pending() > 0 {
            self.heard = self.now;
        }
        if self.moving.is_some() {
            return self.move_on();
        }
        while self.may_stage() {
            let Some((call, xid)) = self.calls.next() else { return self.tidy_up() };
            let mut request = call.request;
            let mut wanted = Wanted::by(&request);
            if let Some(wanted) = wanted.as_mut().filter(|_| !wrong!(self, MixesModes)) {
                self.watches.asking(wanted, &mut request);
            }
            wanted = self.mistaken(wanted, call.id);
            self.stage(xid, &request);
            self.calls.written(Written {
                id: call.id,
                owner: call.owner,
                xid,
                opcode: request.opcode(),
                wanted,
                is_unwatched: call.is_unwatched,
                order: call.order,
                deadline: call.deadline,
                sent: self.now,
                end: self.outgoing.end(),
            });
        }
    }

    /// What clients that do wrong make of a watch; others leave it as it is.
    fn mistaken(&mut self, mut wanted: Option<Wanted>, call: CallId) -> Option<Wanted> {
        if wrong!(self, ArmsAtOnce) {
            self.watches.answered(&wanted.take()?, None, Some(call));
        }
        if wrong!(self, MisfilesChildren) {
            wanted.as_mut()?.kind = Kind::Data;
        }
        wanted
    }

    fn may_stage(&self) -> bool {
        let is_first = wrong!(self, SpeaksBeforeItsGreeting) && matches!(self.link, Link::Greeting { .. });
        let is_early = wrong!(self, SpeaksBeforeItsLogin) && self.link.is_login();
        (self.link.is_live() || is_first || is_early)
            && !self.access.is_under_way()
            && self.removal != Removal::Asked
            && self.outgoing.pending() < STAGED_LENGTH_MAX
    }

    /// Asks the server to forget watches that nobody wants any more, when there is nothing better to do.
    fn tidy_up(&mut self) {
        if self.close_by.is_some() {
            return;
        }
        while self.may_stage() {
            let may_ask = match self.removal {
                Removal::Known => true,
                // The server may close the connection over it.
                Removal::Untried => !self.calls.has_written(),
                Removal::Asked | Removal::Unknown => false,
            };
            let Some((path, kind)) = may_ask.then(|| self.watches.forgettable()).flatten() else { return };
            let kind = if wrong!(self, TakesAllKindsAway) { WatchKind::Any } else { kind };
            let request = Request::from(RemoveWatches { path, kind });
            let (id, mut xid) = (self.calls.number(), self.calls.xid());
            if wrong!(self, LeavesOutItsXid) {
                xid = Xid::new(0);
            }
            self.stage(xid, &request);
            self.calls.written(Written::own(id, xid, &request, self.now, self.outgoing.end()));
            if self.removal == Removal::Untried {
                self.removal = Removal::Asked;
            }
        }
    }

    pub(crate) fn pause(&mut self) -> Duration {
        if wrong!(self, NeverPauses) {
            return Duration::ZERO;
        }
        self.servers.pause(self.config.backoff, self.identity.timeout, &mut self.rng)
    }
}
