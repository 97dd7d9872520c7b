//! Which server to try next, and after what pause. It does not resolve names: the driver does, at every try.

use alloc::vec::Vec;
use core::time::Duration;

use zk_proto::Server;

use crate::config::Backoff;
use crate::rng::Rng;

/// No pause is shorter, so that a failed try always costs time.
const PAUSE_MIN: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(crate) struct Servers {
    order: Vec<Server>,
    next: usize,
    /// Tries since a link last proved its worth.
    failures: usize,
}

impl Servers {
    pub(crate) fn new(mut servers: Vec<Server>, rng: &mut Rng) -> Self {
        rng.shuffle(&mut servers);
        Self { order: servers, next: 0, failures: 0 }
    }

    pub(crate) const fn count(&self) -> usize {
        self.order.len()
    }

    /// The server to try next, round robin.
    pub(crate) fn advance(&mut self) -> Option<Server> {
        let server = self.order.get(self.next).cloned();
        self.next = (self.next + 1) % self.order.len().max(1);
        server
    }

    /// A link has held for long enough to forget what went before.
    pub(crate) const fn proven(&mut self) {
        self.failures = 0;
    }

    /// A try failed, or a link was lost: how long to pause.
    pub(crate) fn pause(&mut self, backoff: Backoff, timeout: Duration, rng: &mut Rng) -> Duration {
        let rounds = self.failures / self.order.len().max(1);
        self.failures = self.failures.saturating_add(1);
        let doubled =
            u32::try_from(rounds).ok().and_then(|rounds| 1_u32.checked_shl(rounds)).unwrap_or(u32::MAX);
        let most = backoff.first.saturating_mul(doubled).min(backoff.most).min(timeout / 4);
        rng.up_to(most).max(PAUSE_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_rounds_and_stay_below_their_limits() {
        let server = |port| Server { host: "a".into(), port };
        let mut rng = Rng::new(1);
        let mut servers = Servers::new([server(1), server(2)].into(), &mut rng);
        let backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_secs(5) };
        for try_ in 0..200 {
            let pause = servers.pause(backoff, Duration::from_secs(8), &mut rng);
            let most = Duration::from_millis(100)
                .saturating_mul(1 << (try_ / 2).min(20))
                .min(Duration::from_secs(2));
            assert!((PAUSE_MIN..=most).contains(&pause), "try {try_}: {pause:?}");
        }
    }

    #[test]
    fn a_failed_try_always_costs_time() {
        let mut rng = Rng::new(1);
        let mut servers = Servers::new(Vec::new(), &mut rng);
        let none = Backoff { first: Duration::ZERO, most: Duration::ZERO };
        assert_eq!(servers.pause(none, Duration::from_secs(8), &mut rng), PAUSE_MIN);
    }

    #[test]
    fn every_server_gets_its_turn() {
        let all: Vec<_> = (1..=5).map(|port| Server { host: "a".into(), port }).collect();
        let mut servers = Servers::new(all.clone(), &mut Rng::new(7));
        let mut tried: Vec<_> = (0..5).filter_map(|_| servers.advance()).collect();
        assert_ne!(tried, all, "this seed shuffles");
        tried.sort_by_key(|server| server.port);
        assert_eq!(tried, all);
    }
}
