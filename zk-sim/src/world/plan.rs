//! What a seed decides before its run begins: how many there are, how fast the network is, and which faults there may be.

use super::clock::{MILLI, Nanos};
use super::decisions::Decisions;
use super::faults::Kind;
use crate::Version;

/// The circumstances of a run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// What the servers are.
    pub(super) version: Version,
    pub(super) voters: u8,
    pub(super) observers: u8,
    pub(super) clients: usize,
    pub(super) tick_ms: u32,
    pub(super) sync_limit: u32,
    pub(super) timeout_ms: u64,
    /// Whether servers without a quorum serve reads.
    pub(super) read_only: bool,
    /// Whether clients log in, and whether they must.
    pub(super) logins: Option<bool>,
    /// Whether they begin sessions of their own, in releases that must be told so.
    pub(super) local_sessions: bool,
    /// Between clients and servers.
    pub(super) road: Road,
    /// Between servers.
    pub(super) highway: Road,
    /// How much later than asked for a client's timers go off, at most.
    pub(super) jitter: Nanos,
    /// How much a client's clock may be too fast or too slow, in millionths.
    pub(super) drift: u64,
    /// The faults that may happen.
    pub(super) faults: Vec<Kind>,
    /// How long it takes from one fault to the next, on average.
    pub(super) fault_pause: Nanos,
    /// How long a user thinks between two wishes, on average.
    pub(super) think: Nanos,
    /// How often a node has much data.
    pub(super) large: u64,
    /// How many lock directories there are.
    pub(super) locks: u64,
    /// How many contenders a client runs.
    pub(super) lockers: u64,
}

/// How a link treats what is sent over it. Chances are in millionths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Road {
    pub(super) least: Nanos,
    pub(super) most: Nanos,
    /// How often something takes up to `tail`.
    pub(super) slow: u64,
    pub(super) tail: Nanos,
    /// How often bytes arrive in pieces.
    pub(super) split: u64,
}

const HALF: u64 = 500_000;

impl Plan {
    /// A third of all plans have hardly a fault: what goes wrong by itself must show, too.
    pub(super) fn draw(decisions: &mut Decisions) -> Self {
        let is_calm = decisions.below(3) == 0;
        let tick_ms = u32::try_from(decisions.scale(100, 2000)).unwrap_or(2000);
        // From the shortest that a server grants, where leases have the least room, to half of the longest.
        let timeout_ms = u64::from(tick_ms) * decisions.pick(&[4, 2, 2, 3, 6, 10]).unwrap_or(4);
        let voters = decisions.pick(&[3, 1, 5]).unwrap_or(3);
        let read_only = decisions.chance(HALF);
        let mut faults = if is_calm { vec![] } else { Self::draw_faults(decisions) };
        if read_only && !is_calm && !faults.contains(&Kind::CutOff) {
            // Without it there is hardly ever a server without a quorum.
            faults.push(Kind::CutOff);
        }
        let timeout = timeout_ms * MILLI;
        Self {
            version: decisions
                .pick(&[
                    Version::V3_8,
                    Version::V3_9,
                    Version::V3_8,
                    Version::V3_9,
                    Version::V3_5,
                    Version::V3_4,
                ])
                .unwrap_or_default(),
            voters,
            observers: u8::from(voters > 1 && decisions.chance(HALF / 2)),
            clients: usize::try_from(decisions.between(1, 4)).unwrap_or(1),
            tick_ms,
            sync_limit: u32::try_from(decisions.between(3, 10)).unwrap_or(5),
            timeout_ms,
            read_only,
            logins: decisions.chance(HALF / 4).then(|| decisions.chance(HALF)),
            local_sessions: decisions.chance(HALF),
            road: Self::draw_road(decisions, timeout, is_calm),
            highway: Self::draw_highway(decisions, u64::from(tick_ms) * MILLI),
            jitter: if is_calm { 0 } else { decisions.below(timeout / 50) },
            drift: decisions.below(10_000),
            fault_pause: 10 * timeout / decisions.scale(1, 100),
            faults,
            think: timeout / decisions.scale(1, 1000),
            large: decisions.pick(&[0, 0, 50_000]).unwrap_or(0),
            locks: decisions.between(1, 2),
            lockers: decisions.pick(&[1, 2, 0, 3]).unwrap_or(1),
        }
    }

    /// Whether nothing is meant to go wrong. Servers before 3.5 close the connections of those who ask for what they do not
    /// know, and users do.
    pub(super) fn is_calm(&self) -> bool {
        self.faults.is_empty() && self.version > Version::V3_4
    }

    /// Whether the servers report to each other as quickly as a lease assumes. A server that stops for a while does not.
    pub(super) fn keeps_the_assumptions(&self) -> bool {
        !self.faults.contains(&Kind::ServerPause)
    }

    /// Whether leases are kept by pings although servers that are cut off go on answering them.
    pub(super) fn overrates_pings(&self) -> bool {
        self.faults.contains(&Kind::CutOff)
    }

    /// Whether pings get to the leader as steadily as a proof by a transaction assumes.
    pub(super) fn pings_are_steady(&self) -> bool {
        let delays = [
            Kind::ServerPause,
            Kind::CutOff,
            Kind::ClientPause,
            Kind::Partition,
            Kind::Stall,
            Kind::Window,
            Kind::Hole,
            Kind::Lag,
        ];
        self.road.slow == 0 && !delays.iter().any(|kind| self.faults.contains(kind))
    }

    fn draw_faults(decisions: &mut Decisions) -> Vec<Kind> {
        Kind::ALL.into_iter().filter(|kind| decisions.chance(kind.share())).collect()
    }

    fn draw_road(decisions: &mut Decisions, timeout: Nanos, is_calm: bool) -> Road {
        // As slow as a session stands without being disturbed, in some worlds.
        let usual = decisions.scale(MILLI / 10, 50 * MILLI).min(timeout / 30);
        let most = decisions.pick(&[usual, usual, usual, timeout / 16]).unwrap_or(usual);
        let slow = if is_calm { 0 } else { decisions.pick(&[0, 1000, 10_000]).unwrap_or(0) };
        let split = decisions.pick(&[0, 20_000, HALF]).unwrap_or(0);
        Road { least: MILLI / 20, most, slow, tail: timeout, split }
    }

    fn draw_highway(decisions: &mut Decisions, tick: Nanos) -> Road {
        let most = decisions.scale(MILLI / 10, 5 * MILLI).min(tick / 50);
        Road { least: MILLI / 20, most, slow: 0, tail: 0, split: 0 }
    }
}
