//! What fails, and when it is over.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use zk_session::Rng;

use crate::{Direction, Ensemble};

/// Breaks something about once a second, and mends it after a while.
#[derive(Debug)]
pub(super) struct Saboteur {
    rng: Rng,
    next: Instant,
    /// What is broken, and until when; at most one fault a node.
    afflicted: BTreeMap<usize, (Instant, Affliction)>,
    tally: BTreeMap<&'static str, u64>,
}

/// A fault that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Affliction {
    Dead,
    Paused,
    Isolated,
    /// The node and its clients hear nothing of each other.
    Silent,
}

impl Saboteur {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: Rng::new(seed), next: Instant::now(), afflicted: BTreeMap::new(), tally: BTreeMap::new() }
    }

    /// Mends what has been broken for long enough, breaks what is due, and says how long there is nothing to do.
    pub(super) fn act(&mut self, ensemble: &mut Ensemble) -> Duration {
        let now = Instant::now();
        let over: Vec<_> =
            self.afflicted.iter().filter(|(_, (until, _))| *until <= now).map(|(node, _)| *node).collect();
        for node in over {
            if let Some((_, affliction)) = self.afflicted.remove(&node) {
                mend(ensemble, node, affliction);
            }
        }
        if self.next <= now {
            self.next = now + PAUSE_MIN + self.rng.up_to(PAUSE_MORE);
            self.strike(ensemble, now);
        }
        let mended = self.afflicted.values().map(|(until, _)| *until).min();
        mended.map_or(self.next, |mended| mended.min(self.next)).saturating_duration_since(now)
    }

    pub(super) fn into_tally(self) -> BTreeMap<&'static str, u64> {
        self.tally
    }

    fn strike(&mut self, ensemble: &mut Ensemble, now: Instant) {
        let node = self.node(ensemble);
        match self.below(20) {
            0..=3 => self.afflict(ensemble, node, Affliction::Dead, now),
            4..=6 => self.afflict(ensemble, node, Affliction::Paused, now),
            7..=9 => self.afflict(ensemble, node, Affliction::Isolated, now),
            10..=11 => self.afflict(ensemble, node, Affliction::Silent, now),
            12..=14 => {
                self.count("clients of a node cut");
                ensemble.cut_clients(node);
            }
            15..=18 => {
                self.count("connection cut at a byte");
                let direction = if self.below(2) == 0 { Direction::ToServer } else { Direction::ToClient };
                ensemble.proxy(node).drop_after(direction, self.rng.bits() % CUT_WITHIN);
            }
            _ => self.blackout(ensemble, now),
        }
    }

    /// One node at a time, mostly: with two the ensemble does nothing until one is back.
    fn afflict(&mut self, ensemble: &mut Ensemble, node: usize, affliction: Affliction, now: Instant) {
        let crowded = !self.afflicted.is_empty() && self.below(5) != 0;
        if crowded || self.afflicted.contains_key(&node) {
            return;
        }
        let (name, most) = match affliction {
            Affliction::Dead => ("node killed", Duration::from_secs(2)),
            Affliction::Paused => ("node paused", Duration::from_secs(4)),
            Affliction::Isolated => ("node isolated", Duration::from_secs(4)),
            Affliction::Silent => ("clients of a node in silence", Duration::from_secs(3)),
        };
        match affliction {
            Affliction::Dead => ensemble.kill(node),
            Affliction::Paused => ensemble.pause(node),
            Affliction::Isolated => ensemble.isolate(node),
            Affliction::Silent => ensemble.proxy(node).part(true),
        }
        self.count(name);
        let until = now + AFFLICTION_MIN + self.rng.up_to(most);
        self.afflicted.insert(node, (until, affliction));
    }

    fn blackout(&mut self, ensemble: &mut Ensemble, now: Instant) {
        self.count("all nodes killed");
        let until = now + AFFLICTION_MIN + self.rng.up_to(Duration::from_secs(4));
        for node in 0..ensemble.size() {
            if let Some((_, affliction)) = self.afflicted.remove(&node) {
                mend(ensemble, node, affliction);
            }
            ensemble.kill(node);
            self.afflicted.insert(node, (until, Affliction::Dead));
        }
    }

    /// The leader, half of the time.
    fn node(&mut self, ensemble: &Ensemble) -> usize {
        let any = self.below(ensemble.size());
        if self.below(2) == 0 { ensemble.leader().unwrap_or(any) } else { any }
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.rng.bits() % count as u64).expect("it is below a usize")
    }

    fn count(&mut self, name: &'static str) {
        *self.tally.entry(name).or_default() += 1;
    }
}

fn mend(ensemble: &mut Ensemble, node: usize, affliction: Affliction) {
    match affliction {
        Affliction::Dead => ensemble.start(node),
        Affliction::Paused => ensemble.resume(node),
        Affliction::Isolated => ensemble.rejoin(node),
        Affliction::Silent => ensemble.proxy(node).part(false),
    }
}

/// Between two faults: a second, on average.
const PAUSE_MIN: Duration = Duration::from_millis(400);
const PAUSE_MORE: Duration = Duration::from_millis(1200);

/// Shorter faults are cuts.
const AFFLICTION_MIN: Duration = Duration::from_millis(200);

/// Some hundred requests, or their replies.
const CUT_WITHIN: u64 = 8192;
