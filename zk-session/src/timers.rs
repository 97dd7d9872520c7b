//! What time brings. When each duty is due is a pure function of the facts; nothing is armed, hence nothing is forgotten.

use zk_proto::Xid;
use zk_proto::ops::{Ping, Sync};

use crate::calls::{How, Owner};
use crate::config::KeepAlive;
use crate::error::{Ended, Error, Fault};
use crate::link::Link;
use crate::session::{Session, confirmation};
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
        let may_ping = !self.link.is_login() && !wrong!(self, NeverPings);
        let ping = pulse.filter(|_| may_ping).and_then(|pulse| pulse.ping_due(timeout));
        let proof = pulse.filter(|_| self.wants_proof()).and_then(|pulse| pulse.keep_alive_due(timeout));
        let silence = pulse.filter(|_| !wrong!(self, WaitsInSilence)).map(|_| self.heard + timeout * 2 / 3);
        [
            (dial, Timer::Dial),
            (handshake, Timer::Handshake),
            (ping, Timer::Ping),
            (proof, Timer::Ping),
            (self.probe.due(), Timer::Probe),
            (self.moving, Timer::Move),
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
        while let Some((call, why)) = self.calls.overdue(now) {
            let error = match self.cancel(call) {
                Some(crate::Cancelled::MaybeApplied) => Error::MaybeApplied(why),
                Some(crate::Cancelled::NotSent) => Error::NotSent(why),
                // It has ended already.
                None => continue,
            };
            self.complete(call, Owner::Caller, Err(error));
        }
        let timeout = self.identity.timeout;
        let is_silent = self.heard + timeout * 2 / 3 <= now && !wrong!(self, WaitsInSilence);
        if self.link.pulse().is_some() && is_silent {
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

    /// Sends a ping, unless one is unanswered: a server that does not answer one will not answer two.
    fn ping(&mut self) {
        let Some(pulse) = self.link.pulse_mut() else { return };
        if self.config.keep_alive == KeepAlive::Ping {
            pulse.proven = Some(self.now);
        }
        if pulse.ping.is_none() {
            pulse.ping = Some(self.now);
            self.stage(Xid::PING, &Ping {}.into());
        }
    }

    fn show_life(&mut self) {
        let timeout = self.identity.timeout;
        let silent = wrong!(self, NeverPings) || self.link.is_login();
        let Some(pulse) = self.link.pulse() else { return };
        let proof_due = pulse.keep_alive_due(timeout).is_some_and(|due| due <= self.now);
        let ping_due = pulse.ping_due(timeout).is_some_and(|due| due <= self.now);
        if ping_due && !silent {
            self.ping();
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
