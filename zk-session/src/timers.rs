//! What time brings. When each duty is due is a pure function of the facts; nothing is armed, hence nothing is forgotten.

use zk_proto::ops::{Ping, Request, Sync};
use zk_proto::{Xid, encode_request};

use crate::calls::Owner;
use crate::error::{Ended, Error, Fault, Why};
use crate::link::Link;
use crate::session::Session;
use crate::time::Instant;
use crate::words::{SessionId, SessionState, Timer};
use crate::wrong::wrong;

impl Session {
    /// Every duty that is due some time.
    pub(crate) fn timers(&self) -> impl Iterator<Item = (Instant, Timer)> + '_ {
        let timeout = self.identity.timeout;
        let (dial, handshake) = match &self.link {
            Link::Resting { until } => (Some(*until), None),
            Link::Dialing { until, .. } | Link::Greeting { until, .. } => (None, Some(*until)),
            Link::Proving { .. } | Link::Live { .. } | Link::Ended(_) => (None, None),
        };
        let pulse = self.link.pulse();
        let ping = pulse.filter(|_| !wrong!(self, NeverPings)).and_then(|pulse| pulse.ping_due(timeout));
        let proof = pulse.filter(|_| self.wants_proof()).and_then(|pulse| pulse.keep_alive_due(timeout));
        let silence = pulse.filter(|_| !wrong!(self, WaitsInSilence)).map(|_| self.heard + timeout * 2 / 3);
        [
            (dial, Timer::Dial),
            (handshake, Timer::Handshake),
            (ping, Timer::Ping),
            (proof, Timer::Ping),
            (silence, Timer::Silence),
            (self.lease_due(), Timer::Lease),
            (self.expiry_due(), Timer::Expiry),
            (self.calls.deadline(), Timer::Deadline),
            (self.close_due(), Timer::Close),
        ]
        .into_iter()
        .filter_map(|(due, timer)| Some((due?, timer)))
        .filter(|(due, _)| *due != Instant::NEVER)
    }

    /// Does what has become due. Duties that end things come first, so that nothing new is begun for what is over.
    pub(crate) fn fire_timers(&mut self) {
        let now = self.now;
        let due = |instant: Option<Instant>| instant.is_some_and(|instant| instant <= now);
        if due(self.close_due()) {
            return self.end(Ended::Closed);
        }
        while let Some(call) = self.calls.overdue(now) {
            let error = match self.cancel(call) {
                Some(crate::Cancelled::MaybeApplied) => Error::MaybeApplied(Why::Deadline),
                Some(crate::Cancelled::NotSent) | None => Error::NotSent(Why::Deadline),
            };
            self.complete(call, Owner::Caller, Err(error));
        }
        let timeout = self.identity.timeout;
        let is_silent = self.heard + timeout * 2 / 3 <= now && !wrong!(self, WaitsInSilence);
        if self.link.pulse().is_some() && is_silent {
            self.lose(Fault::Silence, true);
        }
        if due(self.expiry_due()) {
            return self.end(Ended::Expired);
        }
        match &self.link {
            Link::Dialing { until, .. } | Link::Greeting { until, .. } if *until <= now => {
                self.lose(Fault::Silence, true);
            }
            Link::Resting { until } if *until <= now => self.try_next_server(now),
            Link::Proving { .. } | Link::Live { .. } => self.show_life(),
            Link::Dialing { .. } | Link::Greeting { .. } | Link::Resting { .. } | Link::Ended(_) => {}
        }
    }

    /// Tells once that the lease has run out.
    pub(crate) fn check_lease(&mut self) {
        if self.lease_due().is_some_and(|due| due <= self.now) {
            self.enter(SessionState::LeaseExpired);
        }
    }

    /// Sends the proof of life that holders rely on: a `sync`, which a server that is cut off from its leader cannot answer.
    pub(crate) fn keep_alive(&mut self) {
        let Link::Live { pulse, .. } = &mut self.link else { return };
        if pulse.proven.take().is_some() {
            let request = Request::from(Sync { path: self.chroot.root().clone() });
            self.calls.queue(request, Owner::KeepAlive, None);
        }
    }

    fn show_life(&mut self) {
        let timeout = self.identity.timeout;
        let silent = wrong!(self, NeverPings);
        let Some(pulse) = self.link.pulse_mut() else { return };
        if pulse.ping_due(timeout).is_some_and(|due| due <= self.now) && !silent {
            encode_request(Xid::PING, &Request::from(Ping {}), &mut self.outgoing);
            pulse.sent = self.now;
            pulse.ping = Some(self.now);
        }
        let proof_due = pulse.keep_alive_due(timeout).is_some_and(|due| due <= self.now);
        if proof_due && self.wants_proof() {
            self.keep_alive();
        }
    }

    const fn wants_proof(&self) -> bool {
        self.holders > 0 && matches!(self.link, Link::Live { .. })
    }

    fn lease_due(&self) -> Option<Instant> {
        let told = match self.state {
            SessionState::Connected { .. } | SessionState::Suspended { .. } => false,
            SessionState::Connecting | SessionState::LeaseExpired | SessionState::Ended(_) => true,
        };
        (self.holders > 0 && !told).then(|| self.lease.end())
    }

    /// Without a link, a session from which nothing was heard for 4/3 of its timeout has expired on any server whose
    /// clock ticks; waiting for a server to say so could take for ever.
    fn expiry_due(&self) -> Option<Instant> {
        let linked = self.link.pulse().is_some() || matches!(self.link, Link::Ended(_));
        let linked = linked || wrong!(self, WaitsForTheEnd);
        (self.identity.session != SessionId::NONE && !linked)
            .then(|| self.heard + self.identity.timeout * 4 / 3)
    }

    fn close_due(&self) -> Option<Instant> {
        self.close_by.filter(|_| !matches!(self.link, Link::Ended(_)) && !wrong!(self, NeverCloses))
    }
}
