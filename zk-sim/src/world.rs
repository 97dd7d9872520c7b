//! A whole world in one thread: clients, their users, a network with all its faults, and an ensemble; with laws.
//!
//! A run is a function of its [`Decisions`]: a seed draws the circumstances (how many there are, how fast, which faults), the
//! faults, and every delay. First anything may go wrong; then everything heals, and after a while all must be well. At
//! every step, and at rest, the [`Law`]s are checked against what has really happened: what the log has, when sessions
//! ended, when watches were due.
//!
//! ```
//! use zk_sim::world::{Decisions, Limits, run};
//!
//! let limits = Limits { steps: 300, ..Limits::default() };
//! let outcome = run(Decisions::from_seed(7), limits);
//! assert_eq!(outcome.violation, None);
//! assert_eq!(run(Decisions::from_seed(7), limits).hash, outcome.hash);
//! ```

use std::collections::{BTreeMap, BTreeSet};

use zk_session::Input;

use crate::ensemble::{self, Ensemble, Setup};
use crate::{Config, Millis, Quirks, ServerId, SessionId, server};
use client::{Client, Note};
use clock::{MILLI, Nanos, SECOND};
use diary::Diary;
use net::{Event, Net};
use plan::Plan;
use trace::Trace;
use truth::Truth;

pub use decisions::Decisions;
pub use marks::{Mark, Marks};
pub use shrink::shrink;
pub use violation::{Law, Violation};

mod client;
mod clock;
mod decisions;
mod diary;
mod faults;
mod happen;
mod lasting;
mod laws;
mod marks;
mod net;
mod overheard;
mod plan;
mod process;
mod promises;
mod rest;
mod servers;
mod shrink;
mod trace;
mod truth;
mod users;
mod violation;
mod watching;
mod wishes;

/// How far a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// After how many steps everything heals. Rest takes some more.
    pub steps: u64,
    /// How many of the last lines of its trace a run keeps. Lines take far longer than what they tell of.
    pub lines: usize,
    /// The mistake that all sessions make, for tests of the tests.
    #[cfg(feature = "wrong")]
    #[doc(hidden)]
    pub wrong_session: Option<zk_session::wrong::Wrong>,
    /// The mistake that all locks make, for tests of the tests.
    #[cfg(feature = "wrong")]
    #[doc(hidden)]
    pub wrong_lock: Option<zk_recipes::wrong::Wrong>,
}

impl Default for Limits {
    /// 5,000 steps, and no lines.
    fn default() -> Self {
        Self {
            steps: 5000,
            lines: 0,
            #[cfg(feature = "wrong")]
            wrong_session: None,
            #[cfg(feature = "wrong")]
            wrong_lock: None,
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many things happened.
    pub steps: u64,
    /// How much time passed in the world, in nanoseconds.
    pub nanos: u64,
    /// How many faults happened.
    pub faults: u64,
    /// Tells this run from any other that went differently.
    pub hash: u64,
    /// What happened that ought to happen now and then.
    pub marks: Marks,
    /// The first law that was broken, if one was.
    pub violation: Option<Violation>,
    /// The last lines of the trace, as many as were asked for.
    pub lines: Vec<String>,
    /// Every choice that was made.
    pub decisions: Vec<u64>,
}

/// Runs a world until it rests or breaks a law.
#[must_use]
pub fn run(decisions: Decisions, limits: Limits) -> Outcome {
    World::new(decisions, limits).run()
}

/// Everything there is.
#[derive(Debug)]
struct World {
    now: Nanos,
    steps: u64,
    limits: Limits,
    decisions: Decisions,
    plan: Plan,
    quirks: Quirks,
    ensemble: Ensemble,
    servers: BTreeMap<ServerId, Host>,
    net: Net,
    clients: Vec<Client>,
    /// What a client has asked its engine for, and nobody has looked at.
    notes: Vec<Note>,
    truth: Truth,
    diary: Diary,
    /// Who created each contender of a lock.
    contenders: BTreeMap<i64, SessionId>,
    /// The contenders that an operator has deleted.
    meddled: BTreeSet<i64>,
    /// The highest fence that was granted for each lock.
    fences: BTreeMap<u64, i64>,
    /// Counts what callers do and hear, to know which came first.
    moments: u64,
    /// Makes the data of every write different.
    stamp: u64,
    faults: u64,
    /// From then on nothing goes wrong any more.
    is_healing: bool,
    rest_at: Nanos,
    leader: Option<ServerId>,
    marks: Marks,
    trace: Trace,
    violation: Option<Violation>,
}

/// What a server runs on.
#[derive(Clone, Copy, Debug, Default)]
struct Host {
    due: Option<Millis>,
    paused_until: Nanos,
    /// Until when it takes no connections, and whether it says so.
    closed: (Nanos, bool),
}

/// Where the servers' clocks start: any moment will do.
const EPOCH: Millis = Millis(1_600_000_000_000);
/// The session by which an operator writes.
const OPERATOR: SessionId = SessionId(0x7f00_0000_0000_0001);

impl World {
    fn new(decisions: Decisions, limits: Limits) -> Self {
        let mut decisions = decisions;
        let plan = Plan::draw(&mut decisions);
        let mut quirks = Quirks::of(plan.version);
        quirks.read_only_begins |= plan.local_sessions;
        quirks.has_logins = plan.logins.is_some();
        let users = plan.logins.map(|_| wishes::login()).into_iter().collect();
        let requires_login = plan.logins == Some(true);
        let server = Config { quirks, tick_ms: plan.tick_ms, users, requires_login, ..Config::default() };
        let setup = Setup {
            server,
            voters: plan.voters,
            observers: plan.observers,
            sync_limit: plan.sync_limit,
            election_ms: u64::from(plan.tick_ms / 4).max(20),
            read_only_after_ms: plan.read_only.then_some(u64::from(plan.tick_ms)),
            ..Setup::default()
        };
        let ensemble = Ensemble::new(setup, EPOCH);
        let servers = ensemble.servers().map(|id| (id, Host::default())).collect();
        Self {
            now: 0,
            diary: Diary::default(),
            steps: 0,
            limits,
            decisions,
            quirks,
            ensemble,
            servers,
            net: Net::default(),
            clients: Vec::new(),
            notes: Vec::new(),
            truth: Truth::new(quirks, !plan.faults.contains(&faults::Kind::Throttle)),
            contenders: BTreeMap::new(),
            meddled: BTreeSet::new(),
            fences: BTreeMap::new(),
            moments: 0,
            stamp: 0,
            faults: 0,
            is_healing: false,
            rest_at: Nanos::MAX,
            leader: None,
            marks: Marks::default(),
            trace: Trace::new(limits.lines),
            violation: None,
            plan,
        }
    }

    fn run(mut self) -> Outcome {
        let plan = self.plan.clone();
        self.trace.line(|| format!("{plan:?}"));
        self.refresh_all();
        for client in 0..self.plan.clients {
            self.start_client(client);
        }
        if !self.plan.faults.is_empty() {
            self.net.schedule(self.plan.fault_pause, Event::Fault);
        }
        while self.violation.is_none() {
            if self.steps >= self.limits.steps && !self.is_healing {
                self.heal();
            }
            if !self.step() {
                self.check_rest();
                self.judge();
                break;
            }
        }
        Outcome {
            steps: self.steps,
            nanos: self.now,
            faults: self.faults,
            hash: self.trace.hash(),
            marks: self.marks,
            violation: self.violation,
            lines: self.trace.into_lines(),
            decisions: self.decisions.made().to_vec(),
        }
    }

    /// Does the next thing; nothing if it is time to rest.
    fn step(&mut self) -> bool {
        let event = self.net.next_at().unwrap_or(Nanos::MAX);
        let (client_at, client) = self.next_client();
        let (server_at, server) = self.next_server();
        let next = event.min(client_at).min(server_at);
        if next >= self.rest_at || next == Nanos::MAX {
            return false;
        }
        self.now = self.now.max(next);
        self.steps += 1;
        self.trace.step(self.steps, self.now);
        if event == next {
            if let Some(due) = self.net.pop() {
                match self.is_paused(&due.event) {
                    Some(until) => self.net.defer(due, until),
                    None => self.happen(due.event),
                }
            }
        } else if server_at == next {
            self.serve(server, ensemble::Input::Client(server::Input::Timeout));
        } else {
            self.clients[client].alarm = None;
            self.input(client, Input::Timeout);
        }
        true
    }

    fn next_client(&self) -> (Nanos, usize) {
        let alarms = self.clients.iter().enumerate();
        let at = |(number, client): (usize, &Client)| {
            client.alarm.map(|(_, at)| (at.max(client.paused_until), number))
        };
        alarms.filter_map(at).min().unwrap_or((Nanos::MAX, 0))
    }

    fn next_server(&self) -> (Nanos, ServerId) {
        let due = |(id, host): (&ServerId, &Host)| {
            let due = host.due?;
            Some((due.since(EPOCH).saturating_mul(MILLI).max(host.paused_until), *id))
        };
        self.servers.iter().filter_map(due).min().unwrap_or((Nanos::MAX, ServerId(1)))
    }

    /// From here on all goes well.
    fn heal(&mut self) {
        self.is_healing = true;
        self.trace.line(|| "HEAL".into());
        self.net.unblock_all();
        let servers: Vec<ServerId> = self.servers.keys().copied().collect();
        for server in servers {
            self.server_mut(server).closed = (0, false);
            let now = self.millis();
            self.ensemble.lag(server, now);
            self.ensemble.throttle(server, 0);
            self.ensemble.start(server, now);
        }
        self.plan.road.slow = 0;
        self.plan.jitter = 0;
        for client in 0..self.clients.len() {
            self.net.schedule(self.now, Event::Writable(client));
        }
        self.refresh_all();
        let timeout = self.plan.timeout_ms * MILLI;
        // What is under way may take another three timeouts; then four, and a while for elections and back-off.
        self.rest_at = self.now + 7 * timeout + 10 * SECOND + 20 * u64::from(self.plan.tick_ms) * MILLI;
    }

    fn broken(&mut self, law: Law, client: Option<usize>) {
        if self.violation.is_none() {
            self.violation = Some(Violation { law, step: self.steps, client });
        }
    }

    fn millis(&self) -> Millis {
        millis(self.now)
    }
}

/// What the servers' clocks show at this moment.
const fn millis(at: Nanos) -> Millis {
    EPOCH.plus(at / MILLI)
}
