//! How links and sessions end, and what ends with them.

use alloc::collections::BTreeSet;

use zk_proto::Zxid;

use crate::calls::{Owner, Queued};
use crate::config::Unlinked;
use crate::error::{Cut, Ended, Error, Fault, Why};
use crate::link::Link;
use crate::session::{Removal, Session};
use crate::words::{Answer, CallId, Notice, Order, Output, PipelineId, SessionId, SessionState};
use crate::wrong::wrong;

impl Session {
    /// The present link or try is over; the session goes on.
    pub(crate) fn lose(&mut self, fault: Fault, disconnect: bool) {
        let Some(conn) = self.link.conn() else { return };
        tracing::debug!(target: "zk_session", %fault, "link lost");
        if disconnect {
            self.outputs.push_back(Output::Disconnect(conn));
        }
        let was_live = self.link.is_live();
        if self.link.pulse().is_some() {
            self.counters.losses += 1;
        }
        let gave_up = self.is_login_hopeless(&fault);
        self.fault = Some(if self.is_answered_by_nobody(&fault) { Fault::Unanswered } else { fault });
        if self.link.pulse().is_some_and(|pulse| self.now.since(pulse.since) >= self.config.backoff.most) {
            self.servers.proven();
        }
        self.link = Link::Resting { until: self.now + self.pause() };
        self.moving = None;
        self.stop_probe();
        if was_live {
            self.fail_lost();
        }
        self.outgoing.clear();
        self.inbox.clear();
        self.watches.unlinked();
        self.access.unlinked();
        if self.removal == Removal::Asked {
            self.removal = Removal::Untried;
        }
        if gave_up {
            self.fault = Some(Fault::LoginUnanswered);
            return self.end(Ended::AuthFailed);
        }
        if wrong!(self, GivesUpOnNames) && matches!(self.fault, Some(Fault::Cut(Cut::Unresolved(_)))) {
            return self.end(Ended::NotEstablished);
        }
        if wrong!(self, DiesWithItsConnection) && self.identity.session != SessionId::NONE {
            return self.end(Ended::Expired);
        }
        if let SessionState::Connected { .. } | SessionState::ReadOnly { .. } = self.state {
            self.enter(SessionState::Suspended { valid_until: self.lease.end() });
        }
    }

    /// Calls that were on their way end, and so do those that must not overtake them.
    fn fail_lost(&mut self) {
        let before = self.outputs.len();
        let mut lost = self.fail_written(Why::ConnectionLost);
        if wrong!(self, KeepsTheQueue) {
            lost.clear();
        }
        self.broken.extend(lost.iter().filter_map(pipeline));
        self.fail_queued(Why::ConnectionLost, |call| !call.owner.is_user() || lost.contains(&call.order));
        let rule = self.config.unlinked;
        self.fail_queued(Why::Unlinked, |call| call.unlinked.unwrap_or(rule) == Unlinked::Refuse);
        self.calls.unlinked(rule, self.now);
        if lost.contains(&Order::Client) {
            self.untold =
                self.outputs.iter().skip(before).find_map(|output| {
                    if let Output::Completed(call, _) = output { Some(*call) } else { None }
                });
        }
    }

    /// Whether servers will never answer the login: they close the connection instead, again and again.
    fn is_login_hopeless(&mut self, fault: &Fault) -> bool {
        self.link.is_login() && is_closed(fault) && self.access.login_unanswered(self.servers.count())
    }

    /// A new session may know of transactions that the servers do not: another ensemble, or one restored from a backup,
    /// refuses such clients without a word. So do servers that have lost their quorum, for a while. After a full round of
    /// that, and for as long as the session timeout, the new session starts from nothing. True if all of them have refused
    /// it.
    fn is_answered_by_nobody(&mut self, fault: &Fault) -> bool {
        if !matches!(self.link, Link::Greeting { .. }) || !is_closed(fault) {
            return false;
        }
        self.identity.unanswered += 1;
        let is_new = self.identity.session == SessionId::NONE && !wrong!(self, NeverStartsAnew);
        let all_refuse = self.identity.unanswered >= self.servers.count();
        let since = *self.identity.unanswered_since.get_or_insert(self.now);
        let is_lasting = self.now.since(since) >= self.config.session_timeout;
        if is_new && all_refuse && is_lasting && self.identity.last_zxid != Zxid::ZERO {
            tracing::warn!(target: "zk_session", "no server knows the transactions seen before; starting from nothing");
            self.identity.last_zxid = Zxid::ZERO;
        }
        all_refuse
    }

    /// The session is over: everything under way ends, and then the state says so.
    pub(crate) fn end(&mut self, ended: Ended) {
        if let Link::Ended(_) = self.link {
            return;
        }
        let was_closed = self.close_by.is_some() || wrong!(self, CallsItClosed);
        let ended = if was_closed { Ended::Closed } else { ended };
        if let Some(conn) = self.link.conn() {
            self.outputs.push_back(Output::Disconnect(conn));
        }
        self.stop_probe();
        self.link = Link::Ended(ended);
        self.moving = None;
        // A pipeline may go on in the session that follows.
        let mut lost = self.fail_written(Why::Ended(ended));
        if !wrong!(self, ForgetsTheWaiting) {
            self.fail_queued(Why::Ended(ended), |call| lost.insert(call.order) | true);
        }
        self.broken.extend(lost.iter().filter_map(pipeline));
        for (call, was_sent) in self.access.end() {
            let why = Why::Ended(ended);
            let error = if was_sent { Error::MaybeApplied(why) } else { Error::NotSent(why) };
            self.complete(call, Owner::Caller, Err(error));
        }
        self.outgoing.clear();
        self.inbox.clear();
        for watch in self.watches.drain() {
            if Some(watch) != self.follows {
                self.outputs.push_back(Output::Notified(watch, Notice::Ended(ended)));
            }
        }
        self.enter(SessionState::Ended(ended));
    }

    pub(crate) fn enter(&mut self, state: SessionState) {
        tracing::debug!(target: "zk_session", ?state, session = %self.identity.session, "state");
        self.state = state;
        self.outputs.push_back(Output::State(state));
    }

    pub(crate) fn complete(&mut self, call: CallId, owner: Owner, result: Result<Answer, Error>) {
        if owner == Owner::Caller {
            self.outputs.push_back(Output::Completed(call, result));
        }
    }

    /// The frames on their way get no answer any more. Returns what must not overtake them.
    fn fail_written(&mut self, why: Why) -> BTreeSet<Order> {
        let mut lost = BTreeSet::new();
        for call in self.calls.take_written() {
            let taken = self.outgoing.took(call.end) && !wrong!(self, CallsItUnsent);
            let error = if taken { Error::MaybeApplied(why) } else { Error::NotSent(why) };
            if call.owner.is_user() && call.order != Order::Free {
                lost.insert(call.order);
            }
            self.complete(call.id, call.owner, Err(error));
        }
        lost
    }

    pub(crate) fn fail_queued(&mut self, why: Why, is_over: impl FnMut(&Queued) -> bool) {
        for call in self.calls.take_queued(is_over) {
            self.complete(call.id, call.owner, Err(Error::NotSent(why)));
        }
    }
}

const fn pipeline(order: &Order) -> Option<PipelineId> {
    match order {
        Order::Pipeline(pipeline) => Some(*pipeline),
        Order::Client | Order::Free => None,
    }
}

/// Whether the server closed the connection without a word.
const fn is_closed(fault: &Fault) -> bool {
    matches!(fault, Fault::Cut(Cut::Closed | Cut::Broken(_)))
}
