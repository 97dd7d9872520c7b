//! How links and sessions end, and what ends with them.

use zk_proto::Zxid;

use crate::calls::Owner;
use crate::error::{Ended, Error, Fault, Why};
use crate::link::Link;
use crate::session::Session;
use crate::words::{Answer, CallId, Notice, Output, SessionId, SessionState};
use crate::wrong::wrong;

impl Session {
    /// The present link or try is over; the session goes on.
    pub(crate) fn lose(&mut self, fault: Fault, disconnect: bool) {
        let Some(conn) = self.link.conn() else { return };
        tracing::debug!(target: "zk_session", %fault, "link lost");
        if disconnect {
            self.outputs.push_back(Output::Disconnect(conn));
        }
        let was_live = matches!(self.link, Link::Live { .. });
        self.forget_future_after(&fault);
        self.fault = Some(fault);
        if self.link.pulse().is_some_and(|pulse| self.now.since(pulse.since) >= self.config.backoff.most) {
            self.servers.proven();
        }
        self.link = Link::Resting { until: self.now + self.pause() };
        let before = self.outputs.len();
        if was_live {
            self.fail_written(Why::ConnectionLost);
            if !wrong!(self, KeepsTheQueue) {
                self.fail_queued(Why::ConnectionLost);
            }
        }
        if let Some(Output::Completed(first, _)) = self.outputs.get(before) {
            self.untold = Some(*first);
        }
        self.outgoing.clear();
        self.inbox.clear();
        if wrong!(self, DiesWithItsConnection) && self.identity.session != SessionId::NONE {
            return self.end(Ended::Expired);
        }
        if let SessionState::Connected { .. } = self.state {
            self.enter(SessionState::Suspended { valid_until: self.lease.end() });
        }
    }

    /// A new session may know of transactions that the servers do not: another ensemble, or one restored from a backup,
    /// refuses such clients without a word. After a full round of that the new session starts from nothing.
    fn forget_future_after(&mut self, fault: &Fault) {
        let greeting = matches!(self.link, Link::Greeting { .. });
        if !greeting || !matches!(fault, Fault::Cut(_)) || self.identity.session != SessionId::NONE {
            return;
        }
        self.identity.unanswered += 1;
        if self.identity.unanswered >= self.servers.count() && self.identity.last_zxid != Zxid::ZERO {
            tracing::warn!(target: "zk_session", "no server knows the transactions seen before; starting from nothing");
            self.identity.last_zxid = Zxid::ZERO;
        }
    }

    /// The session is over: everything under way ends, and then the state says so.
    pub(crate) fn end(&mut self, ended: Ended) {
        if let Link::Ended(_) = self.link {
            return;
        }
        let ended = if self.close_by.is_some() { Ended::Closed } else { ended };
        if let Some(conn) = self.link.conn() {
            self.outputs.push_back(Output::Disconnect(conn));
        }
        self.link = Link::Ended(ended);
        self.fail_written(Why::Ended(ended));
        if !wrong!(self, ForgetsTheWaiting) {
            self.fail_queued(Why::Ended(ended));
        }
        self.outgoing.clear();
        self.inbox.clear();
        for watch in self.watches.drain() {
            self.outputs.push_back(Output::Notified(watch, Notice::Ended(ended)));
        }
        self.enter(SessionState::Ended(ended));
    }

    pub(crate) fn enter(&mut self, state: SessionState) {
        tracing::debug!(target: "zk_session", ?state, session = %self.identity.session, "state");
        self.state = state;
        self.outputs.push_back(Output::State(state));
    }

    pub(crate) fn complete(&mut self, call: CallId, owner: Owner, result: Result<Answer, Error>) {
        match owner {
            Owner::Caller => self.outputs.push_back(Output::Completed(call, result)),
            Owner::Nobody | Owner::KeepAlive | Owner::Close => {}
        }
    }

    fn fail_written(&mut self, why: Why) {
        for call in self.calls.take_written() {
            let taken = self.outgoing.took(call.end) && !wrong!(self, CallsItUnsent);
            let error = if taken { Error::MaybeApplied(why) } else { Error::NotSent(why) };
            self.complete(call.id, call.owner, Err(error));
        }
    }

    fn fail_queued(&mut self, why: Why) {
        for call in self.calls.take_queued() {
            self.complete(call.id, call.owner, Err(Error::NotSent(why)));
        }
    }
}
