//! Which server to try next, for how long, and after what pause. It does not resolve names: the driver does, at every try.

use alloc::vec::Vec;
use core::time::Duration;

use zk_proto::Server;

use crate::config::Backoff;
use crate::rng::Rng;

/// No pause is shorter, so that a failed try always costs time.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// A try to connect gets its share of the session timeout, but no less than this.
const TRY_TIME_MIN: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Servers {
    order: Vec<Server>,
    next: usize,
    /// Who was tried last.
    current: Option<Server>,
    /// After the list has changed: who should be tried first.
    preferred: Vec<Server>,
    /// Tries since a link last proved its worth.
    failures: usize,
}

impl Servers {
    pub(crate) fn new(mut servers: Vec<Server>, rng: &mut Rng) -> Self {
        rng.shuffle(&mut servers);
        Self { order: servers, next: 0, current: None, preferred: Vec::new(), failures: 0 }
    }

    pub(crate) const fn count(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn all(&self) -> &[Server] {
        &self.order
    }

    pub(crate) const fn current(&self) -> Option<&Server> {
        self.current.as_ref()
    }

    /// The server to try next, round robin.
    pub(crate) fn advance(&mut self) -> Option<Server> {
        let server = match self.preferred.pop() {
            Some(server) => Some(server),
            None => self.following(),
        };
        self.current.clone_from(&server);
        server
    }

    /// The server after the one that was asked about last, without a try to move there.
    pub(crate) fn following(&mut self) -> Option<Server> {
        let server = self.order.get(self.next).cloned();
        self.next = (self.next + 1) % self.order.len().max(1);
        server
    }

    /// The next try is to be made with this one.
    pub(crate) fn prefer(&mut self, server: Server) {
        self.preferred.push(server);
    }

    /// A link has held for long enough to forget what went before.
    pub(crate) const fn proven(&mut self) {
        self.failures = 0;
    }

    /// The link was given up for a better one, which is no failure.
    pub(crate) const fn moved(&mut self) {
        self.failures = self.failures.saturating_sub(1);
    }

    /// How long a try may take when so much time is left to keep the session (`None`: there is none to keep).
    ///
    /// Each server gets its share of what is left, so that one that does not answer cannot eat it all (at most a third, if
    /// there are others). If there is no session to lose and a round was in vain, the servers may be slow rather than gone:
    /// each further round gives twice the time.
    pub(crate) fn try_time(&self, timeout: Duration, left: Option<Duration>) -> Duration {
        let count = self.order.len().max(1);
        let (round, tried) = (self.failures / count, self.failures % count);
        let part = |whole: Duration, parts: usize| whole / u32::try_from(parts).unwrap_or(u32::MAX);
        let time = if let (1.., None) = (round, left) {
            part(timeout, count).saturating_mul(doubled(round))
        } else {
            let share = part(left.unwrap_or(timeout), count - tried);
            if count == 1 { share } else { share.min(timeout / 3) }
        };
        time.min(timeout).max(TRY_TIME_MIN)
    }

    /// A try failed, or a link was lost: how long to pause.
    pub(crate) fn pause(&mut self, backoff: Backoff, timeout: Duration, rng: &mut Rng) -> Duration {
        let rounds = self.failures / self.order.len().max(1);
        self.failures = self.failures.saturating_add(1);
        let most = backoff.first.saturating_mul(doubled(rounds)).min(backoff.most).min(timeout / 4);
        rng.up_to(most).max(PAUSE_MIN)
    }

    /// There are other servers now. True if the client should move, so that all servers get their share of clients; which
    /// are to be tried first is known then.
    ///
    /// The rule is that of the official client: of `n` clients on the old servers each moves with the probability that
    /// leaves all servers, old and new, with the same number.
    pub(crate) fn update(&mut self, mut servers: Vec<Server>, linked: bool, rng: &mut Rng) -> bool {
        rng.shuffle(&mut servers);
        let (kept, added): (Vec<Server>, Vec<Server>) =
            servers.iter().cloned().partition(|server| self.order.contains(server));
        let (before, after) = (self.order.len() as u64, servers.len() as u64);
        self.order = servers;
        self.next = 0;
        self.failures = 0;
        self.preferred.clear();
        let current = self.current.clone().filter(|current| linked && self.order.contains(current));
        let is_kept = current.is_some();
        if after > before && is_kept {
            if !chance(rng, after - before, after) {
                return false;
            }
            self.preferred = added;
        } else if after > before {
            self.preferred = added;
        } else if is_kept {
            return false;
        } else {
            let kept_count = kept.len() as u64;
            let (to_kept, of) =
                (kept_count * (before - after), after * before.saturating_sub(kept_count).max(1));
            self.preferred = if chance(rng, to_kept, of) { kept } else { added };
        }
        linked
    }
}

/// Two to the power of `round`, as far as it goes.
fn doubled(round: usize) -> u32 {
    u32::try_from(round).ok().and_then(|round| 1_u32.checked_shl(round)).unwrap_or(u32::MAX)
}

fn chance(rng: &mut Rng, of: u64, all: u64) -> bool {
    rng.bits() % all.max(1) < of
}

#[cfg(test)]
mod tests;
