//! What time brings. When each duty is due is a pure function of the facts; nothing is armed, hence nothing is forgotten.

use zk_proto::Xid;
use zk_proto::ops::{Ping, Sync};

use crate::calls::{How, Owner};
use crate::config::KeepAlive;
use crate::error::{Ended, Error, Fault, Why};
use crate::link::Link;
use crate::session::{Session, confirmation};
use crate::time::Instant;
use crate::words::{CallId, SessionId, SessionState, Timer};
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
        let proof = pulse.filter(|_| self.wants_proof()).and_then(|pulse| pulse.keep_alive_due(timeout));
        [
            (dial, Timer::Dial),
            (handshake, Timer::Handshake),
            (self.ping_due(), Timer::Ping),
            (proof, Timer::Ping),
            (self.probe.due(), Timer::Probe),
            (self.moving, Timer::Move),
            (self.silence_due(), Timer::Silence),
            (self.lease_due(), Timer::Lease),
            (self.expiry_due(), Timer::Expiry),
            (self.calls.deadline(), Timer::Deadline),
            (self.access.deadline(), Timer::Deadline),
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
        while let Some((call, why)) = self.overdue() {
            let error = match self.cancel(call) {
                Some(crate::Cancelled::MaybeApplied) => Error::MaybeApplied(why),
                Some(crate::Cancelled::NotSent) => Error::NotSent(why),
                // It has ended already.
                None => continue,
            };
            self.complete(call, Owner::Caller, Err(error));
        }
        if due(self.silence_due()) {
            self.lose(Fault::Silence, true);
        }
        if due(self.expiry_due()) {
            let granted = self.identity.session != SessionId::NONE;
            return self.end(if granted { Ended::Expired } else { Ended::NotEstablished });
        }
        if due(self.moving) {
            return self.move_on();
        }
        if due(self.probe.due()) {
            if self.probe.is_resting() { self.probe_next() } else { self.probe_in_vain() }
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

    /// A call that must end now.
    fn overdue(&mut self) -> Option<(CallId, Why)> {
        let credential = self.access.overdue(self.now).map(|call| (call, Why::Deadline));
        credential.or_else(|| self.calls.overdue(self.now))
    }

    /// Tells once that the lease has run out.
    pub(crate) fn check_lease(&mut self) {
        if self.lease_due().is_some_and(|due| due <= self.now) {
            self.enter(SessionState::LeaseExpired);
        }
    }

    /// Sends the proof of life that holders rely on.
    pub(crate) fn keep_alive(&mut self) {
        if !self.wants_proof() {
            return;
        }
        let path = self.chroot.root().clone();
        let request = match self.config.keep_alive {
            KeepAlive::Ping => return self.ping(),
            KeepAlive::Sync => Sync { path }.into(),
            KeepAlive::Commit => confirmation(path),
        };
        if self.link.pulse_mut().is_some_and(|pulse| pulse.proven.take().is_some()) {
            self.calls.queue(request, Owner::KeepAlive, How::default());
        }
    }

    fn ping(&mut self) {
        let is_due = self.ping_due().is_some_and(|due| due <= self.now);
        let Some(pulse) = self.link.pulse_mut() else { return };
        if self.config.keep_alive == KeepAlive::Ping {
            pulse.proven = Some(self.now);
        }
        if pulse.ping.is_none() || is_due {
            pulse.pinged(self.now);
            self.stage(Xid::PING, &Ping {}.into());
        }
    }

    fn show_life(&mut self) {
        let timeout = self.identity.timeout;
        let Some(pulse) = self.link.pulse() else { return };
        let proof_due = pulse.keep_alive_due(timeout).is_some_and(|due| due <= self.now);
        let ping_due = self.ping_due().is_some_and(|due| due <= self.now);
        if ping_due {
            self.ping();
        } else if wrong!(self, PutsOffItsPing)
            && let Some(pulse) = self.link.pulse_mut()
        {
            pulse.sent = self.now;
        }
        if proof_due {
            self.keep_alive();
        }
    }

    fn wants_proof(&self) -> bool {
        let has_quorum = self.link.pulse().is_some_and(|pulse| !pulse.read_only);
        self.holders > 0 && self.link.is_live() && has_quorum
    }

    fn lease_due(&self) -> Option<Instant> {
        let told = match self.state {
            SessionState::Connected { .. }
            | SessionState::ReadOnly { .. }
            | SessionState::Suspended { .. } => false,
            SessionState::Connecting | SessionState::LeaseExpired | SessionState::Ended(_) => true,
        };
        (self.holders > 0 && !told).then(|| self.lease.end())
    }

    /// A third of the timeout after the last frame. Servers keep a session by what they hear, hence a ping whose answer is
    /// stuck behind a long reply is followed by others; but not one that the transport has not even taken.
    fn ping_due(&self) -> Option<Instant> {
        let pulse = self.link.pulse().filter(|_| !self.link.is_login() && !wrong!(self, NeverPings))?;
        if pulse.ping.is_some() && wrong!(self, FloodsWithPings) {
            return Some(self.now);
        }
        let was_taken = self.outgoing.pending() == 0 && !wrong!(self, WaitsForItsPong);
        (pulse.ping.is_none() || was_taken).then(|| pulse.sent + self.identity.timeout / 3)
    }

    fn silence_due(&self) -> Option<Instant> {
        let pulse = self.link.pulse().filter(|_| !wrong!(self, WaitsInSilence))?;
        let counts_all = self.link.is_login() && wrong!(self, CountsTheLogin);
        let heard = if counts_all { pulse.since } else { self.heard };
        Some(heard + self.identity.timeout * 2 / 3)
    }

    /// Without a link, a session from which nothing was heard for 4/3 of its timeout has expired on any server whose
    /// clock ticks; waiting for a server to say so could take for ever. One that was never granted cannot expire; it has
    /// the time that the configuration gives it.
    fn expiry_due(&self) -> Option<Instant> {
        let linked = self.link.pulse().is_some() || matches!(self.link, Link::Ended(_));
        let linked = linked || wrong!(self, WaitsForTheEnd);
        if linked {
            return None;
        }
        if self.identity.session != SessionId::NONE || wrong!(self, EndsWhatNeverWas) {
            return Some(self.heard + self.identity.timeout * 4 / 3);
        }
        self.config.establish_timeout.map(|within| self.began + within)
    }

    fn close_due(&self) -> Option<Instant> {
        self.close_by.filter(|_| !matches!(self.link, Link::Ended(_)) && !wrong!(self, NeverCloses))
    }
}
