//! How far a lease can be trusted: where it ends before its session does, and where it does not.
//!
//! One client, one ensemble of three, and a fault that is neither the client's nor its connection's.
#![allow(clippy::print_stdout, reason = "how far off a lease is, is what one wants to know")]

use std::collections::{BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

use zk_session::{CallOptions, Config, Input, Instant, KeepAlive, Output, Session, SessionState};
use zk_sim::ensemble::{self, Message, Setup};
use zk_sim::{ConnId, Ensemble, Millis, Output as Said, Role, ServerId, Write};

const TICK_MS: u32 = 200;
/// The shortest session timeout that leaves three ticks, which leases assume.
const TIMEOUT_MS: u64 = 600;
const SYNC_LIMIT: u32 = 10;
/// A millisecond on every road.
const DELAY: u64 = 1;

/// Something on its way.
enum Mail {
    Server(ServerId, ServerId, Message),
    Up(ConnId, Vec<u8>),
    Down(ConnId, Vec<u8>),
    Dial(ConnId, zk_session::ConnId, ServerId),
    HangUp(ConnId),
    Closed(ConnId),
}

struct Scene {
    now: u64,
    ensemble: Ensemble,
    session: Option<Session>,
    /// The connections of the client: their names at both ends, and where they lead.
    wires: Vec<(ConnId, zk_session::ConnId, ServerId)>,
    mail: VecDeque<(u64, Mail)>,
    /// Servers that reach no other, and are reached by none.
    cut_off: BTreeSet<ServerId>,
    paused: BTreeSet<ServerId>,
    /// When the ensemble has ended the session.
    expired: Option<u64>,
}

impl Scene {
    /// An ensemble that has had a leader for a while.
    fn new() -> Self {
        let server = zk_sim::Config { tick_ms: TICK_MS, ..zk_sim::Config::default() };
        let setup = Setup { server, sync_limit: SYNC_LIMIT, ..Setup::default() };
        let mut scene = Self {
            now: 1000,
            ensemble: Ensemble::new(setup, Millis(1000)),
            session: None,
            wires: vec![],
            mail: VecDeque::new(),
            cut_off: BTreeSet::new(),
            paused: BTreeSet::new(),
            expired: None,
        };
        scene.pass(3000);
        scene
    }

    /// Such an ensemble, and a client that holds something, at a server of this role.
    fn with_client(role: Role, keep_alive: KeepAlive, holds: bool) -> (Self, ServerId) {
        let mut scene = Self::new();
        let server = scene.server(role);
        let mut config = Config::new(format!("server:{}", server.0).parse().expect("a server"), 1);
        config.session_timeout = Duration::from_millis(TIMEOUT_MS);
        config.keep_alive = keep_alive;
        let mut session = Session::new(config, scene.instant());
        session.hold(holds, scene.instant());
        scene.session = Some(session);
        scene.pass(2000);
        assert!(scene.session().state().is_connected());
        (scene, server)
    }

    fn server(&self, role: Role) -> ServerId {
        self.ensemble.servers().find(|id| self.ensemble.role(*id) == Some(role)).expect("there is one")
    }

    fn instant(&self) -> Instant {
        Instant::from_nanos(self.now * 1_000_000)
    }

    fn session(&mut self) -> &mut Session {
        self.session.as_mut().expect("there is a client")
    }

    /// Whether the client may still rely on its session, by what it knows.
    fn relies(&mut self) -> bool {
        let now = self.instant();
        let over = matches!(self.session().state(), SessionState::Ended(_) | SessionState::LeaseExpired);
        !over && now < self.session().lease_end()
    }

    fn pass(&mut self, millis: u64) {
        for _ in 0..millis {
            self.step();
        }
    }

    fn step(&mut self) {
        self.now += 1;
        for _ in 0..self.mail.len() {
            let Some((at, mail)) = self.mail.pop_front() else { break };
            if at > self.now || !self.deliver(&mail) {
                self.mail.push_back((at, mail));
            }
        }
        for id in self.ensemble.servers().collect::<Vec<_>>() {
            let is_due = self.ensemble.poll_timeout(id).is_some_and(|due| due <= Millis(self.now));
            if is_due && !self.paused.contains(&id) {
                let timeout = ensemble::Input::Client(zk_sim::Input::Timeout);
                self.ensemble.handle(id, timeout, Millis(self.now));
            }
        }
        self.hear_servers();
        let now = self.instant();
        if let Some(session) = &mut self.session {
            while session.poll_timeout().is_some_and(|(due, _)| due <= now) {
                session.handle(Input::Timeout, now);
            }
        }
        self.hear_client();
    }

    /// Hands something to whoever it is for, unless that does not run or is not reached: then it waits.
    fn deliver(&mut self, mail: &Mail) -> bool {
        let (wires, at) = (&self.wires, Millis(self.now));
        let server_of = |id: &ConnId| wires.iter().find(|wire| wire.0 == *id).map(|wire| wire.2);
        let name_of = |id: &ConnId| wires.iter().find(|wire| wire.0 == *id).map(|wire| wire.1);
        let now = self.instant();
        match mail {
            Mail::Server(from, to, message) => {
                if self.paused.contains(to) || self.cut_off.contains(from) || self.cut_off.contains(to) {
                    return false;
                }
                self.ensemble.handle(*to, ensemble::Input::Message(*from, message.clone()), at);
            }
            Mail::Dial(id, name, server) => {
                let connected = zk_sim::Input::Connected(*id, Ipv4Addr::LOCALHOST.into());
                self.wires.push((*id, *name, *server));
                self.ensemble.handle(*server, ensemble::Input::Client(connected), at);
                self.session().handle(Input::Connected(*name), now);
            }
            Mail::Up(id, bytes) => {
                let Some(server) = server_of(id) else { return true };
                if self.paused.contains(&server) {
                    return false;
                }
                let received = zk_sim::Input::Received(*id, bytes);
                self.ensemble.handle(server, ensemble::Input::Client(received), at);
            }
            Mail::Down(id, bytes) => {
                let Some(name) = name_of(id) else { return true };
                self.session().receive_buffer(name).extend_from_slice(bytes);
                self.session().handle(Input::Received(name), now);
            }
            Mail::HangUp(id) => {
                let Some(server) = server_of(id) else { return true };
                let gone = zk_sim::Input::Disconnected(*id);
                self.ensemble.handle(server, ensemble::Input::Client(gone), at);
            }
            Mail::Closed(id) => {
                let Some(name) = name_of(id) else { return true };
                self.session().handle(Input::Disconnected(name, zk_session::Cut::Closed), now);
            }
        }
        true
    }

    fn hear_servers(&mut self) {
        let at = self.now + DELAY;
        while let Some(output) = self.ensemble.poll() {
            let mail = match output {
                ensemble::Output::Message { from, to, message } => Mail::Server(from, to, message),
                ensemble::Output::Client(_, Said::Send(id, bytes)) => Mail::Down(id, bytes),
                ensemble::Output::Client(_, Said::Close(id)) => Mail::Closed(id),
            };
            self.mail.push_back((at, mail));
        }
        let Some(own) = self.session.as_ref().map(|session| session.id().raw()) else { return };
        let ended = |txn: &zk_sim::Txn| txn.session.0 == own && txn.write == Write::CloseSession;
        if self.expired.is_none() && own != 0 && self.ensemble.committed_after(zk_sim::Zxid(0)).any(ended) {
            self.expired = Some(self.now);
        }
    }

    fn hear_client(&mut self) {
        let at = self.now + DELAY;
        let Some(session) = &mut self.session else { return };
        while let Some(output) = session.poll() {
            match output {
                Output::Connect(name, server) => {
                    let id = ConnId(self.now * 10);
                    let server = ServerId(u8::try_from(server.port).expect("the number of a server"));
                    self.mail.push_back((at, Mail::Dial(id, name, server)));
                }
                Output::Disconnect(name) => {
                    let id = self.wires.iter().find(|wire| wire.1 == name).map(|wire| wire.0);
                    self.mail.extend(id.map(|id| (at, Mail::HangUp(id))));
                }
                Output::Completed(..) | Output::Notified(..) | Output::State(_) => {}
            }
        }
        for (id, name, _) in &self.wires {
            while let Some(bytes) = session.transmit_owned(*name) {
                session.transmitted(*name, bytes.len());
                self.mail.push_back((at, Mail::Up(*id, bytes.to_vec())));
            }
        }
    }

    /// For how many milliseconds the client relies on a session that is over, if that is within `within`.
    fn overlap(&mut self, within: u64) -> u64 {
        let mut overlap = 0;
        for _ in 0..within {
            self.step();
            overlap += u64::from(self.expired.is_some() && self.relies());
        }
        overlap
    }
}

/// The longest overlap when the follower of a client is cut off from the others at any moment.
fn cut_off_from_the_quorum(keep_alive: KeepAlive) -> u64 {
    let overlap = |phase: u64| {
        let (mut scene, server) = Scene::with_client(Role::Follower, keep_alive, true);
        scene.pass(phase);
        scene.cut_off.insert(server);
        let overlap = scene.overlap(8 * TIMEOUT_MS);
        assert!(scene.expired.is_some(), "the ensemble has not heard of the session");
        overlap
    };
    (0..TIMEOUT_MS).step_by(17).map(overlap).max().expect("there are phases")
}

#[test]
fn pings_do_not_keep_a_lease_where_a_server_is_cut_off() {
    let overlap = cut_off_from_the_quorum(KeepAlive::Ping);
    println!("by pings: a guard outlives its session by up to {overlap} ms of a timeout of {TIMEOUT_MS} ms");
    assert!(overlap > 0, "such a server answers pings for {SYNC_LIMIT} ticks");
    assert!(overlap <= u64::from(SYNC_LIMIT * TICK_MS), "no longer than it takes that server to notice");
}

#[test]
fn syncs_and_transactions_keep_it() {
    for keep_alive in [KeepAlive::Sync, KeepAlive::Commit] {
        assert_eq!(cut_off_from_the_quorum(keep_alive), 0, "{keep_alive:?}");
    }
}

#[test]
fn a_leader_that_stands_still_breaks_the_assumptions() {
    // A leader that wakes ends what is over by its clock before it reads what was said to it in the meantime.
    for keep_alive in [KeepAlive::Ping, KeepAlive::Sync] {
        for role in [Role::Leader, Role::Follower] {
            let overlap = |(phase, pause): (u64, u64)| {
                let (mut scene, _) = Scene::with_client(role, keep_alive, true);
                let leader = scene.server(Role::Leader);
                scene.pass(phase);
                scene.paused.insert(leader);
                let while_it_stands = scene.overlap(pause);
                scene.paused.clear();
                while_it_stands + scene.overlap(6 * TIMEOUT_MS)
            };
            let phases = (0..TIMEOUT_MS / 2).step_by(41);
            let pauses = [TIMEOUT_MS / 2, TIMEOUT_MS, 2 * TIMEOUT_MS, u64::from(SYNC_LIMIT * TICK_MS) + 300];
            let scenes = phases.flat_map(|phase| pauses.map(|pause| (phase, pause)));
            let longest = scenes.map(overlap).max().expect("there are phases");
            println!("{keep_alive:?}, client of the {role:?}, leader stands still: up to {longest} ms");
            if (keep_alive, role) == (KeepAlive::Ping, Role::Follower) {
                assert!(longest > 0, "the follower goes on answering pings");
            }
        }
    }
}

#[test]
fn a_proof_by_a_transaction_is_good_for_as_long_as_it_says_and_not_for_the_timeout() {
    let mut shortest = u64::MAX;
    for (before, after) in (0..TIMEOUT_MS / 3).step_by(13).flat_map(|before| [(before, 0), (before, 40)]) {
        let (mut scene, server) = Scene::with_client(Role::Follower, KeepAlive::Sync, false);
        scene.pass(before);
        let (now, sent) = (scene.instant(), scene.now);
        scene.session().confirm(CallOptions::default(), now).expect("it is taken");
        let proven = scene.session().proven_until();
        while scene.session().proven_until() == proven {
            scene.step();
            assert!(scene.now < sent + 50, "the transaction is answered");
        }
        scene.pass(after);
        scene.cut_off.insert(server);
        let until = scene.session().proven_until().expect("it is proven").as_nanos() / 1_000_000;
        scene.pass(6 * TIMEOUT_MS);
        let expired = scene.expired.expect("the ensemble has not heard of the session");
        assert!(
            expired >= until,
            "{before} {after}: over at {expired}, proven until {until}, sent at {sent}"
        );
        shortest = shortest.min(expired - sent);
    }
    assert!(shortest < TIMEOUT_MS, "else a transaction would be good for the whole timeout");
    println!(
        "over {shortest} ms after a transaction was sent, of a timeout of {TIMEOUT_MS} ms, at the earliest"
    );
}
