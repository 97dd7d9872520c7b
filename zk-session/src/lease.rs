//! Until when the servers surely keep the session, from what this side can prove.
//!
//! It does not look at a clock: it is told when requests were sent and answered.
//!
//! A server that answers has been touched, but the *leader* decides on expiry, and a follower reports its touches only
//! with some delay; one that crashes takes the last of them with it. So an answered request counts as evidence only when
//! another one, sent a `relay` time after that answer, has been answered on the same link. The request that opens a link
//! is checked by the leader and counts at once. (ZooKeeper 3.4 to 3.9: `LearnerHandler` touches sessions on the leader's
//! pings, `checkIfValidGlobalSession` on a reconnection.)

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::config::Margins;
use crate::time::Instant;

/// Of the session timeout: the least distance between two pieces of evidence that are kept.
const SPACING: u32 = 32;

#[derive(Debug, Default)]
pub(crate) struct Lease {
    margins: Margins,
    /// The smallest timeout negotiated so far.
    timeout: Duration,
    end: Instant,
    /// When the last transaction of the session that was answered had been sent.
    committed: Option<Instant>,
    /// Answered requests that are not evidence yet: when they were sent, when they were answered.
    candidates: VecDeque<(Instant, Instant)>,
}

impl Lease {
    pub(crate) fn new(margins: Margins) -> Self {
        Self { margins, ..Self::default() }
    }

    /// A link was opened by a request sent at `sent`, with this timeout negotiated.
    pub(crate) fn opened(&mut self, sent: Instant, timeout: Duration) {
        self.timeout = if self.timeout.is_zero() { timeout } else { self.timeout.min(timeout) };
        self.candidates.clear();
        self.anchor(sent);
    }

    /// A request sent at `sent` was answered at `now`.
    pub(crate) fn answered(&mut self, sent: Instant, now: Instant) {
        while let Some(&(earlier, answer)) = self.candidates.front() {
            if sent < answer + self.timeout / self.margins.relay.max(1) {
                break;
            }
            self.anchor(earlier);
            self.candidates.pop_front();
        }
        let spaced = self.candidates.back().is_none_or(|&(last, _)| sent >= last + self.timeout / SPACING);
        if spaced {
            self.candidates.push_back((sent, now));
        }
    }

    /// The instant at which the lease runs out, or ran out.
    pub(crate) const fn end(&self) -> Instant {
        self.end
    }

    /// A transaction sent at `sent` was answered: a quorum has seen the session live.
    pub(crate) fn committed(&mut self, sent: Instant) {
        self.committed = self.committed.max(Some(sent));
    }

    /// How long the last transaction proves the session's life. When the leader handled it, the last touch it knew of was no
    /// older than a ping interval (a third of the timeout) and half a tick (a quarter, for ticks of half the timeout).
    pub(crate) fn proven_until(&self) -> Option<Instant> {
        let sent = self.committed?;
        Some(sent + (self.timeout * 5 / 12).saturating_sub(self.timeout / self.margins.drift.max(1)))
    }

    fn anchor(&mut self, sent: Instant) {
        let length = self
            .timeout
            .saturating_sub(self.timeout / self.margins.margin.max(1))
            .saturating_sub(self.timeout / self.margins.drift.max(1));
        self.end = self.end.max(sent + length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Duration = Duration::from_secs(16);

    fn at(seconds: u64) -> Instant {
        Instant::default() + Duration::from_secs(seconds)
    }

    fn lease_from(sent: Instant) -> Instant {
        sent + (T - T / 16 - T / 1000)
    }

    #[test]
    fn an_answer_counts_only_when_a_later_request_is_answered() {
        let mut lease = Lease::default();
        lease.opened(at(1), T);
        assert_eq!(lease.end(), lease_from(at(1)));
        lease.answered(at(3), at(4));
        lease.answered(at(7), at(7));
        assert_eq!(lease.end(), lease_from(at(1)), "sent before the relay time was over");
        lease.answered(at(8), at(9));
        assert_eq!(lease.end(), lease_from(at(3)));
    }

    #[test]
    fn a_new_link_discards_the_evidence_of_the_old_one() {
        let mut lease = Lease::default();
        lease.opened(at(1), T);
        lease.answered(at(3), at(4));
        lease.opened(at(5), T);
        lease.answered(at(20), at(20));
        assert_eq!(lease.end(), lease_from(at(5)));
    }

    #[test]
    fn the_lease_never_moves_back() {
        let mut lease = Lease::default();
        lease.opened(at(10), T);
        lease.opened(at(2), T / 2);
        assert_eq!(lease.end(), lease_from(at(10)));
    }

    #[test]
    fn dense_traffic_keeps_few_candidates() {
        let mut lease = Lease::default();
        lease.opened(at(0), T);
        for milli in 0..100_000 {
            let now = Instant::default() + Duration::from_millis(milli);
            lease.answered(now, now);
        }
        assert!(lease.candidates.len() <= 10, "{}", lease.candidates.len());
    }
}
