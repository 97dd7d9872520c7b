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
use std::net::Ipv4Addr;

use zk_session::{Cut, Input};

use crate::ensemble::{self, Ensemble, Setup};
use crate::peer;
use crate::{Config, ConnId, Millis, Quirks, Role, ServerId, SessionId, Write, server};
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
mod laws;
mod marks;
mod net;
mod plan;
mod shrink;
mod trace;
mod truth;
mod users;
mod violation;
mod watching;

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
        let server = Config { tick_ms: plan.tick_ms, ..Config::default() };
        let quirks = server.quirks;
        let setup = Setup {
            server,
            voters: plan.voters,
            observers: plan.observers,
            sync_limit: plan.sync_limit,
            election_ms: u64::from(plan.tick_ms / 4).max(20),
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
        if !self.plan.is_calm() {
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

    fn happen(&mut self, event: Event) {
        match event {
            Event::Dialed(id) => self.dialed(id),
            Event::Connected(id) => {
                if let Some((client, conn)) = self.client_end(id) {
                    self.input(client, Input::Connected(conn));
                }
            }
            Event::Refused(id) => self.client_loses(id, Cut::Refused),
            Event::ToServer(id, bytes) => {
                if let Some(server) = self.server_end(id) {
                    self.serve(server, ensemble::Input::Client(server::Input::Received(id, &bytes)));
                }
            }
            Event::ToClient(id, bytes) => {
                if let Some((client, conn)) = self.client_end(id) {
                    self.deliver(client, conn, &bytes);
                }
            }
            Event::ServerHangup(id) => self.server_loses(id),
            Event::ClientHangup(id, orderly) => {
                let cut = if orderly { Cut::Closed } else { Cut::Broken("reset".into()) };
                self.client_loses(id, cut);
            }
            Event::Message(from, to, message) => self.serve(to, ensemble::Input::Message(from, message)),
            Event::Turn(client) => self.turn(client),
            Event::Writable(client) => self.widen(client),
            Event::Fault => self.fault(),
            Event::ServerStarts(server) => {
                self.ensemble.start(server, self.millis());
                self.serve(server, ensemble::Input::Client(server::Input::Timeout));
            }
            Event::ClientStarts(client) => {
                if !self.clients[client].is_up {
                    self.start_client(client);
                }
            }
        }
    }

    /// Until when whoever the event is for does not run.
    fn is_paused(&self, event: &Event) -> Option<Nanos> {
        let until = match event {
            Event::Connected(id)
            | Event::Refused(id)
            | Event::ToClient(id, _)
            | Event::ClientHangup(id, _) => self.clients.get(self.net.wires.get(id)?.client)?.paused_until,
            Event::Turn(client) | Event::Writable(client) => self.clients.get(*client)?.paused_until,
            Event::ToServer(id, _) | Event::ServerHangup(id) => {
                self.servers.get(&self.net.wires.get(id)?.server)?.paused_until
            }
            Event::Message(_, to, _) => self.servers.get(to)?.paused_until,
            Event::Dialed(_) | Event::Fault | Event::ServerStarts(_) | Event::ClientStarts(_) => 0,
        };
        Some(until).filter(|until| *until > self.now)
    }

    /// A client that still has this connection, and its name for it.
    fn client_end(&self, id: ConnId) -> Option<(usize, zk_session::ConnId)> {
        let wire = self.net.wires.get(&id)?;
        (wire.client_open && self.clients.get(wire.client)?.is_up).then_some((wire.client, wire.conn))
    }

    fn server_end(&self, id: ConnId) -> Option<ServerId> {
        self.net.wires.get(&id).filter(|wire| wire.server_open).map(|wire| wire.server)
    }

    fn dialed(&mut self, id: ConnId) {
        let Some(wire) = self.net.wires.get_mut(&id) else { return };
        let server = wire.server;
        let (until, is_silent) = self.servers.get(&server).map(|host| host.closed).unwrap_or_default();
        let is_closed = self.now < until;
        let road = self.plan.road;
        if is_closed && is_silent {
            return;
        }
        if is_closed || self.ensemble.role(server).is_none() {
            return self.net.down(self.now, id, road, &mut self.decisions, Event::Refused(id));
        }
        wire.server_open = true;
        self.net.down(self.now, id, road, &mut self.decisions, Event::Connected(id));
        let connected = server::Input::Connected(id, Ipv4Addr::LOCALHOST.into());
        self.serve(server, ensemble::Input::Client(connected));
    }

    fn client_loses(&mut self, id: ConnId, cut: Cut) {
        let Some((client, conn)) = self.client_end(id) else { return };
        self.clients[client].wires.retain(|(known, _)| *known != conn);
        if let Some(wire) = self.net.wires.get_mut(&id) {
            wire.client_open = false;
            let (server, seen) = (wire.server, self.clients[client].session.last_zxid().raw());
            let applied = self.ensemble.tree(server).map_or(seen, |tree| tree.applied().0);
            let was_linked = self.clients[client].session.state().is_connected();
            self.marks.sometimes(!was_linked && applied < seen, Mark::SentAway);
        }
        self.net.tidy(id);
        self.input(client, Input::Disconnected(conn, cut));
    }

    fn server_loses(&mut self, id: ConnId) {
        let Some(server) = self.server_end(id) else { return };
        if let Some(wire) = self.net.wires.get_mut(&id) {
            wire.server_open = false;
        }
        self.net.tidy(id);
        self.serve(server, ensemble::Input::Client(server::Input::Disconnected(id)));
    }

    fn widen(&mut self, client: usize) {
        for wire in self.net.wires.values_mut().filter(|wire| wire.client == client) {
            wire.window = None;
        }
        if self.clients[client].is_up {
            self.transmit(client);
        }
    }

    fn serve(&mut self, server: ServerId, input: ensemble::Input<'_>) {
        let now = self.millis();
        self.ensemble.handle(server, input, now);
        self.drain_servers();
    }

    /// Carries out what the servers have said, and reads what they have agreed on.
    fn drain_servers(&mut self) {
        self.read_log();
        while let Some(output) = self.ensemble.poll() {
            match output {
                ensemble::Output::Message { from, to, message } => {
                    let road = self.plan.highway;
                    self.net.carry(self.now, (from, to), road, &mut self.decisions, message);
                }
                ensemble::Output::Client(_, peer::Output::Send(id, bytes)) => self.send_down(id, &bytes),
                ensemble::Output::Client(_, peer::Output::Close(id)) => {
                    if let Some(wire) = self.net.wires.get_mut(&id) {
                        wire.server_open = false;
                        let (road, gone) = (self.plan.road, Event::ClientHangup(id, true));
                        self.net.down(self.now, id, road, &mut self.decisions, gone);
                    }
                    self.net.tidy(id);
                }
            }
        }
        self.refresh_all();
    }

    fn send_down(&mut self, id: ConnId, bytes: &[u8]) {
        self.note_greeting(id, bytes);
        if self.is_lost_reply(id, bytes) {
            self.hang_up_client(id, false);
            return self.hang_up_server(id, false);
        }
        let road = self.plan.road;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, after) = self.piece(rest);
            rest = after;
            self.net.down(self.now, id, road, &mut self.decisions, Event::ToClient(id, piece.to_vec()));
        }
    }

    /// Whether this answers a request, and is not to arrive.
    fn is_lost_reply(&mut self, id: ConnId, bytes: &[u8]) -> bool {
        /// Where a frame has its xid, which is positive in answers to calls.
        const XID: std::ops::Range<usize> = 4..8;
        let xid = bytes.get(XID).and_then(|xid| xid.try_into().ok()).map(i32::from_be_bytes);
        let Some(wire) = self.net.wires.get_mut(&id) else { return false };
        let loses = wire.loses_reply && wire.is_greeted && xid.is_some_and(|xid| xid > 0);
        wire.loses_reply &= !loses;
        wire.is_hole |= loses;
        loses
    }

    /// Takes note of a server that says, in its first frame, that a session is over.
    fn note_greeting(&mut self, id: ConnId, bytes: &[u8]) {
        /// Where a greeting has the timeout.
        const TIMEOUT: std::ops::Range<usize> = 8..12;
        let Some(wire) = self.net.wires.get_mut(&id).filter(|wire| !wire.is_greeted) else { return };
        wire.is_greeted = true;
        let says_over = bytes.get(TIMEOUT) == Some(&[0; 4]);
        if let Some(client) = self.clients.get_mut(wire.client) {
            client.observed.told_over |= says_over;
        }
    }

    /// Asks the servers when they want to hear of the time, and who leads.
    fn refresh_all(&mut self) {
        let mut leader = None;
        for (id, host) in &mut self.servers {
            host.due = self.ensemble.poll_timeout(*id);
            if self.ensemble.role(*id) == Some(Role::Leader) {
                leader = Some(*id);
            }
        }
        if leader.is_some() && leader != self.leader {
            self.marks.sometimes(self.leader.is_some(), Mark::LeaderChanged);
            self.trace.line(|| format!("{leader:?} leads"));
            self.leader = leader;
        }
    }

    fn server_mut(&mut self, server: ServerId) -> &mut Host {
        self.servers.entry(server).or_default()
    }

    /// An operator deletes a node.
    fn operate(&mut self, path: String) {
        let now = self.millis();
        let open = Write::OpenSession { timeout_ms: u32::MAX };
        if self.truth.head.session_timeout_ms(OPERATOR).is_none() {
            self.ensemble.administer(OPERATOR, open, now);
        }
        let delete = Write::Change(crate::Change::Delete { path, version: -1 });
        self.ensemble.administer(OPERATOR, delete, now);
        self.drain_servers();
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
