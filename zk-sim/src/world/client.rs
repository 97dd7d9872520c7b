//! One client: an engine and its recipes, driven as an adapter would, on a clock of its own.

use zk_recipes::Host;
use zk_session::{
    CallId, CallOptions, Calls, Config, ConnId, ConnectString, Fault, Input, Instant, Order, Output, Refused,
    Request, Server, Session, SessionState,
};

use super::World;
use super::clock::{Clock, Nanos};
use super::lasting::Lasting;
use super::marks::Mark;
use super::net::{Credential, Event, Wire};
use super::truth::LifeId;
use super::users::Users;
use super::violation::Law;
use super::watching::Watching;
use crate::ServerId;

/// A client and what the world knows of it.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) clock: Clock,
    pub(super) session: Session,
    pub(super) host: Host,
    /// Whether its process runs.
    pub(super) is_up: bool,
    pub(super) paused_until: Nanos,
    /// A connection that it has given up.
    pub(super) old_conn: Option<ConnId>,
    pub(super) wires: Vec<(ConnId, crate::ConnId)>,
    /// When its next timer goes off, by its own clock and in truth.
    pub(super) alarm: Option<(Instant, Nanos)>,
    /// Counts its sessions.
    pub(super) life: u32,
    pub(super) users: Users,
    pub(super) watching: Watching,
    pub(super) lasting: Lasting,
    /// The credentials that a server has accepted.
    pub(super) proven: Vec<Credential>,
    /// How it is set up.
    pub(super) config: Config,
    pub(super) observed: Observed,
}

/// What the world has seen of a session, to hold it to its promises.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed {
    pub(super) state: SessionState,
    /// When something was heard from a server last, by the client's clock.
    pub(super) heard: Instant,
    /// When something was heard while the session was connected.
    pub(super) heard_linked: Instant,
    pub(super) timeout: core::time::Duration,
    /// Up to where its answers go.
    pub(super) zxid: i64,
    /// When it was asked to close.
    pub(super) closing: Option<Instant>,
    /// Whether a server that could know it has said that the session is over.
    pub(super) told_over: bool,
    /// Whether a server has refused who the client says it is.
    pub(super) told_no: bool,
    /// Whether a server with a quorum has granted the session.
    pub(super) is_real: bool,
    /// The session that its user knows of.
    pub(super) known: Option<zk_session::SessionId>,
    /// When it was told of another server to be moved to.
    pub(super) beckoned: Option<Instant>,
    /// Whether it has ever left a server for another one.
    pub(super) has_moved: bool,
    /// How many links were lost.
    pub(super) cuts: u32,
    /// In which step a connection was lost last, and when the first caller was told.
    pub(super) lost: (u64, u64),
    /// The connection that it had last, and to which server.
    pub(super) link: Option<(crate::ConnId, ServerId)>,
}

impl Observed {
    pub(super) const fn new() -> Self {
        Self {
            state: SessionState::Connecting,
            heard: Instant::from_nanos(0),
            heard_linked: Instant::from_nanos(0),
            timeout: core::time::Duration::ZERO,
            zxid: 0,
            closing: None,
            told_over: false,
            told_no: false,
            is_real: false,
            known: None,
            beckoned: None,
            has_moved: false,
            cuts: 0,
            lost: (0, 0),
            link: None,
        }
    }
}

/// The engine, with somebody who takes note of what it is asked for.
struct Noted<'a> {
    session: &'a mut Session,
    notes: &'a mut Vec<Note>,
}

/// What was asked for.
#[derive(Debug)]
pub(super) enum Note {
    Submitted(CallId, Request, Order),
    Unwatched(CallId),
}

impl Calls for Noted<'_> {
    fn submit(&mut self, request: Request, options: CallOptions, now: Instant) -> Result<CallId, Refused> {
        let call = self.session.submit(request.clone(), options, now)?;
        self.notes.push(Note::Submitted(call, request, options.order));
        Ok(call)
    }

    fn unwatch(&mut self, call: CallId) {
        self.notes.push(Note::Unwatched(call));
        self.session.unwatch(call);
    }

    fn hold(&mut self, more: bool, now: Instant) {
        self.session.hold(more, now);
    }
}

impl Client {
    pub(super) fn new(config: Config, host_seed: u64, clock: Clock, now: Nanos, life: u32) -> Self {
        Self {
            session: Session::new(config.clone(), clock.local(now)),
            host: Host::new(host_seed),
            clock,
            is_up: true,
            paused_until: 0,
            old_conn: None,
            wires: Vec::new(),
            alarm: None,
            life,
            users: Users::default(),
            watching: Watching::default(),
            lasting: Lasting::default(),
            proven: Vec::new(),
            config,
            observed: Observed::new(),
        }
    }

    fn due(&self) -> Option<Instant> {
        let session = self.session.poll_timeout().map(|(due, _)| due);
        session.into_iter().chain(self.host.timeout()).min()
    }
}

/// Rounds in which an engine must have said everything.
const ROUNDS_MAX: usize = 10_000;
/// Slices handed to one write.
const SLICES: usize = 4;

impl World {
    /// The servers as clients name them: the port is the number of the server.
    pub(super) fn connect_string(&self) -> ConnectString {
        let server = |id: ServerId| Server { host: "server".into(), port: u16::from(id.0) };
        ConnectString {
            servers: self.ensemble.servers().map(server).collect(),
            chroot: zk_session::Path::root(),
        }
    }

    pub(super) fn local(&self, client: usize) -> Instant {
        self.clients[client].clock.local(self.now)
    }

    pub(super) fn life(&self, client: usize) -> LifeId {
        (client, self.clients[client].life)
    }

    /// Hands a client an input, and does whatever follows.
    pub(super) fn input(&mut self, client: usize, input: Input) {
        let now = self.local(client);
        let is_timeout = input == Input::Timeout;
        let session = &mut self.clients[client].session;
        session.handle(input, now);
        if is_timeout && session.poll_timeout().is_some_and(|(due, _)| due <= now) {
            self.broken(Law::TimerStandsStill, Some(client));
        }
        self.drive(client);
        if is_timeout {
            self.check_timers(client);
        }
    }

    /// Lets a client's recipes and users do something with its engine, and takes note of what they ask it for.
    pub(super) fn ask<R>(
        &mut self,
        client: usize,
        act: impl FnOnce(&mut Host, &mut dyn Calls, &mut Users, Instant) -> R,
    ) -> R {
        let now = self.local(client);
        let mut notes = std::mem::take(&mut self.notes);
        let own = &mut self.clients[client];
        let mut calls = Noted { session: &mut own.session, notes: &mut notes };
        let result = act(&mut own.host, &mut calls, &mut own.users, now);
        self.take_notes(client, &mut notes);
        self.notes = notes;
        result
    }

    /// Does everything that a client can do without waiting.
    pub(super) fn drive(&mut self, client: usize) {
        self.ask(client, |host, calls, _, now| host.tick(now, calls));
        let now = self.local(client);
        let mut rounds = 0;
        loop {
            while let Some(output) = self.clients[client].session.poll() {
                rounds += 1;
                if rounds > ROUNDS_MAX {
                    return self.broken(Law::NoRest, Some(client));
                }
                self.observe(client, &output);
                if let Some(output) = self.ask(client, |host, calls, _, now| host.handle(output, now, calls))
                {
                    self.route(client, output);
                }
            }
            let Some(next) = self.clients[client].session.successor(now) else { break };
            self.begin_life(client, next);
        }
        self.hear_lockers(client);
        self.transmit(client);
        self.set_alarm(client);
    }

    fn begin_life(&mut self, client: usize, next: Session) {
        let own = &mut self.clients[client];
        own.session = next;
        own.life += 1;
        own.watching = Watching::default();
        own.lasting = Lasting::default();
        own.observed = Observed::new();
    }

    fn route(&mut self, client: usize, output: Output) {
        match output {
            Output::Connect(conn, server) => {
                self.dial(client, conn, ServerId(u8::try_from(server.port).unwrap_or(1)))
            }
            Output::Disconnect(conn) => self.give_up(client, conn),
            Output::Completed(call, _) => {
                self.clients[client].users.calls.retain(|own| *own != call);
            }
            Output::Notified(..) | Output::State(_) => {}
        }
    }

    fn dial(&mut self, client: usize, conn: ConnId, server: ServerId) {
        let is_probe = self.main_wire(client).is_some();
        if is_probe && !self.clients[client].config.read_only {
            return self.broken(Law::ProbesUnasked, Some(client));
        }
        let wire = self.net.dial(client, server, conn, is_probe);
        self.clients[client].wires.push((conn, wire));
        let road = self.plan.road;
        self.net.up(self.now, wire, road, &mut self.decisions, Event::Dialed(wire));
    }

    /// A client does not want a connection any more. The server hears of it after what was sent before.
    pub(super) fn give_up(&mut self, client: usize, conn: ConnId) {
        let wires = &mut self.clients[client].wires;
        let Some(at) = wires.iter().position(|(known, _)| *known == conn) else { return };
        let (_, id) = wires.remove(at);
        self.clients[client].old_conn = Some(conn);
        let was_moved = matches!(self.clients[client].session.last_fault(), Some(Fault::Rebalanced));
        self.marks.sometimes(was_moved, Mark::MovedByList);
        self.cut_off_from(client, id);
        if let Some(wire) = self.net.wires.get_mut(&id) {
            wire.client_open = false;
            let road = self.plan.road;
            self.net.up(self.now, id, road, &mut self.decisions, Event::ServerHangup(id));
        }
        self.net.tidy(id);
    }

    /// The connection by which a client is linked, or is about to be.
    pub(super) fn main_wire(&self, client: usize) -> Option<(crate::ConnId, &Wire)> {
        let wires = self.clients[client].wires.iter().rev();
        wires.filter_map(|(_, id)| Some((*id, self.net.wires.get(id)?))).find(|(_, wire)| !wire.is_probe)
    }

    /// A client has lost a connection, or has given it up.
    pub(super) fn cut_off_from(&mut self, client: usize, id: crate::ConnId) {
        let Some(wire) = self.net.wires.get(&id).filter(|wire| !wire.is_probe) else { return };
        // So servers of 3.4 refuse a login. Nobody can tell it from a connection that is lost.
        let is_refusal = wire.is_greeted && !wire.has_logged_in;
        self.truth.cut(self.life(client));
        let own = &mut self.clients[client];
        own.lasting.cut();
        own.observed.cuts += 1;
        own.observed.told_no |= is_refusal && own.config.sasl.is_some();
    }

    /// Writes what the engine has to say, as far as the socket takes it.
    pub(super) fn transmit(&mut self, client: usize) {
        for (conn, id) in self.clients[client].wires.clone() {
            let mut bytes = Vec::new();
            loop {
                let mut slices: [&[u8]; SLICES] = [&[]; SLICES];
                let session = &mut self.clients[client].session;
                let used = session.transmit(conn, &mut slices);
                let offered: usize = slices.iter().take(used).map(|slice| slice.len()).sum();
                let Some(wire) = self.net.wires.get_mut(&id) else { break };
                let taken = wire.window.unwrap_or(offered).min(offered);
                if taken == 0 {
                    break;
                }
                wire.window = wire.window.map(|window| window - taken);
                let whole = slices.iter().take(used).flat_map(|slice| slice.iter().copied());
                bytes.extend(whole.take(taken));
                session.transmitted(conn, taken);
            }
            if !bytes.is_empty() {
                self.read_along(client, id, &bytes);
                self.send_up(id, &bytes);
            }
        }
    }

    fn send_up(&mut self, id: crate::ConnId, bytes: &[u8]) {
        let road = self.plan.road;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, after) = self.piece(rest);
            rest = after;
            self.net.up(self.now, id, road, &mut self.decisions, Event::ToServer(id, piece.to_vec()));
        }
    }

    /// The next piece in which bytes arrive, and what is left.
    pub(super) fn piece<'a>(&mut self, bytes: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        if bytes.len() > 1 && self.decisions.chance(self.plan.road.split) {
            let at = usize::try_from(self.decisions.between(1, bytes.len() as u64 - 1)).unwrap_or(1);
            bytes.split_at(at)
        } else {
            (bytes, &[])
        }
    }

    fn set_alarm(&mut self, client: usize) {
        let due = self.clients[client].due();
        if due == self.clients[client].alarm.map(|(due, _)| due) {
            return;
        }
        let late = if self.plan.jitter == 0 { 0 } else { self.decisions.below(self.plan.jitter) };
        let own = &mut self.clients[client];
        own.alarm = due.map(|due| (due, own.clock.when(due).max(self.now).saturating_add(late)));
    }
}
