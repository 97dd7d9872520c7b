//! What can go wrong, and how it is made to.

use super::World;
use super::clock::{MILLI, Nanos};
use super::marks::Mark;
use super::net::{End, Event};
use super::users::Aim;
use crate::{ConnId, ServerId};

/// A kind of fault. How long it lasts and whom it meets is decided when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A connection ends, for both ends or for one.
    Cut,
    /// The next answer to a client is lost, and its connection with it.
    LostReply,
    /// A connection is lost between two events of a transaction.
    LostEvent,
    /// What a connection carries from now on never arrives, and neither end is told.
    Hole,
    /// A connection carries nothing for a while.
    Stall,
    /// A client's socket takes few bytes or none for a while.
    Window,
    /// A client and a server do not reach each other, or one does not reach the other.
    Partition,
    /// A server refuses connections, or does not answer whoever wants one.
    Closed,
    ServerCrash,
    /// The server of a client dies with what it has not reported, and the client reaches no other for a while.
    Orphan,
    ServerPause,
    /// A server applies nothing for a while.
    Lag,
    /// A server and the others do not reach each other.
    CutOff,
    /// A server has too much to do.
    Throttle,
    /// A client's process stops for a while.
    ClientPause,
    ClientCrash,
    /// Somebody deletes a node of a lock.
    Operator,
    /// Bytes of an old connection are handed to the client once more.
    Stale,
    /// A server, or whoever speaks for it, says what the protocol does not allow.
    Garbage,
    /// The ensemble loses all it knows.
    Wipe,
}

impl Kind {
    pub(super) const ALL: [Self; 20] = [
        Self::Cut,
        Self::LostReply,
        Self::LostEvent,
        Self::Hole,
        Self::Stall,
        Self::Window,
        Self::Partition,
        Self::Closed,
        Self::ServerCrash,
        Self::Orphan,
        Self::ServerPause,
        Self::Lag,
        Self::CutOff,
        Self::Throttle,
        Self::ClientPause,
        Self::ClientCrash,
        Self::Operator,
        Self::Stale,
        Self::Garbage,
        Self::Wipe,
    ];

    /// In how many of a million plans it may happen.
    pub(super) const fn share(self) -> u64 {
        match self {
            Self::Wipe => 30_000,
            Self::ServerPause => 250_000,
            Self::Cut
            | Self::LostReply
            | Self::LostEvent
            | Self::Hole
            | Self::Stall
            | Self::Window
            | Self::Partition
            | Self::Closed
            | Self::ServerCrash
            | Self::Orphan
            | Self::Lag
            | Self::CutOff
            | Self::Throttle
            | Self::ClientPause
            | Self::ClientCrash
            | Self::Operator
            | Self::Stale
            | Self::Garbage => 500_000,
        }
    }
}

impl World {
    /// Makes the next fault happen, and plans the one after it.
    pub(super) fn fault(&mut self) {
        if self.is_healing || self.plan.faults.is_empty() {
            return;
        }
        let pause = self.decisions.pause(2 * self.plan.fault_pause);
        self.net.schedule(self.now + pause, Event::Fault);
        let faults = std::mem::take(&mut self.plan.faults);
        if let Some(kind) = self.decisions.pick(&faults) {
            self.faults += 1;
            self.trace.line(|| format!("FAULT {kind:?}"));
            self.strike(kind);
        }
        self.plan.faults = faults;
    }

    fn strike(&mut self, kind: Kind) {
        let span = self.span();
        let until = self.now + span;
        match kind {
            Kind::Cut => self.cut(),
            Kind::Hole => {
                if let Some(wire) = self.some_wire().and_then(|id| self.net.wires.get_mut(&id)) {
                    wire.is_hole = true;
                }
            }
            Kind::LostReply => {
                if let Some(wire) = self.some_wire().and_then(|id| self.net.wires.get_mut(&id)) {
                    wire.loses_reply = true;
                }
            }
            Kind::LostEvent => {
                self.net.wires.values_mut().for_each(|wire| wire.loses_event = true);
            }
            Kind::Stall => {
                if let Some(id) = self.some_wire() {
                    self.net.stall(id, until);
                }
            }
            Kind::Window => self.narrow(until),
            Kind::Partition => self.part(until),
            Kind::Closed => {
                let server = self.some_server();
                let silent = self.decisions.chance(500_000);
                self.server_mut(server).closed = (until, silent);
            }
            Kind::ServerCrash => self.crash_server(until),
            Kind::Orphan => self.orphan(until),
            Kind::ServerPause => {
                let server = self.some_server();
                let host = self.server_mut(server);
                host.paused_until = host.paused_until.max(until);
            }
            Kind::Lag => {
                let server = self.some_server();
                self.ensemble.lag(server, super::millis(until));
                self.refresh_all();
            }
            Kind::CutOff => self.cut_off(until),
            Kind::Throttle => {
                let (server, count) = (self.some_server(), self.decisions.between(1, 5));
                self.ensemble.throttle(server, u32::try_from(count).unwrap_or(1));
                self.marks.sometimes(true, Mark::Throttled);
            }
            Kind::ClientPause => {
                let client = self.some_client();
                let own = &mut self.clients[client];
                own.paused_until = own.paused_until.max(until);
            }
            Kind::ClientCrash => {
                let client = self.some_client();
                self.stop_client(client);
                self.net.schedule(until, Event::ClientStarts(client));
            }
            Kind::Operator => self.meddle(),
            Kind::Stale => self.stale_bytes(),
            Kind::Garbage => self.garbage(),
            Kind::Wipe => self.wipe(),
        }
    }

    /// How long a fault lasts: up to three session timeouts, mostly less.
    fn span(&mut self) -> Nanos {
        let timeout = self.plan.timeout_ms * MILLI;
        self.decisions.scale(timeout / 100, 3 * timeout)
    }

    fn some_wire(&mut self) -> Option<ConnId> {
        let open = self.net.open();
        self.decisions.pick(&open)
    }

    fn some_server(&mut self) -> ServerId {
        let servers: Vec<ServerId> = self.ensemble.servers().collect();
        self.decisions.pick(&servers).unwrap_or(ServerId(1))
    }

    fn some_client(&mut self) -> usize {
        usize::try_from(self.decisions.below(self.clients.len() as u64)).unwrap_or_default()
    }

    fn cut(&mut self) {
        let Some(id) = self.some_wire() else { return };
        let (both, to_client, orderly) =
            (self.decisions.chance(500_000), self.decisions.chance(500_000), self.decisions.chance(500_000));
        if both || to_client {
            self.hang_up_client(id, orderly);
        }
        if both || !to_client {
            self.hang_up_server(id, orderly);
        }
        if !both && let Some(wire) = self.net.wires.get_mut(&id) {
            // The other end is not told: for it the connection has become a hole.
            wire.is_hole = true;
        }
    }

    /// Ends a connection for its client: what is under way to it still arrives, or is lost.
    pub(super) fn hang_up_client(&mut self, id: ConnId, orderly: bool) {
        if orderly {
            let road = self.plan.road;
            self.net.down(self.now, id, road, &mut self.decisions, Event::ClientHangup(id, true));
        } else {
            self.net.schedule(self.now, Event::ClientHangup(id, false));
        }
    }

    pub(super) fn hang_up_server(&mut self, id: ConnId, orderly: bool) {
        if orderly {
            let road = self.plan.road;
            self.net.up(self.now, id, road, &mut self.decisions, Event::ServerHangup(id));
        } else {
            self.net.schedule(self.now, Event::ServerHangup(id));
        }
    }

    fn narrow(&mut self, until: Nanos) {
        let Some(id) = self.some_wire() else { return };
        let window = usize::try_from(self.decisions.below(200)).unwrap_or_default();
        if let Some(wire) = self.net.wires.get_mut(&id) {
            wire.window = Some(window);
            let client = wire.client;
            self.net.schedule(until, Event::Writable(client));
        }
    }

    fn part(&mut self, until: Nanos) {
        let (client, server) = (self.some_client(), self.some_server());
        let (client, server) = (End::Client(client), End::Server(server));
        let directions = self.decisions.below(3);
        if directions != 1 {
            self.net.block(client, server, until);
        }
        if directions != 2 {
            self.net.block(server, client, until);
        }
    }

    fn orphan(&mut self, until: Nanos) {
        // Whoever holds something relies on its session the most.
        let holds =
            |client: &super::Client| client.users.lockers.iter().any(|it| matches!(it.aim, Aim::Holding(_)));
        let holders: Vec<usize> =
            (0..self.clients.len()).filter(|client| holds(&self.clients[*client])).collect();
        let client =
            if holders.is_empty() { self.some_client() } else { self.decisions.pick(&holders).unwrap_or(0) };
        let Some(server) = self.main_wire(client).map(|(_, wire)| wire.server) else { return };
        for other in self.ensemble.servers().collect::<Vec<_>>() {
            self.net.block(End::Client(client), End::Server(other), until);
        }
        self.kill_server(server, true);
        self.net.schedule(until, Event::ServerStarts(server));
    }

    fn cut_off(&mut self, until: Nanos) {
        let server = self.some_server();
        // Until a server knows that it has no quorum, and for long enough that clients come to it for want of others.
        let is_alone = self.plan.read_only && self.decisions.chance(500_000);
        let patience = u64::from(self.plan.sync_limit * self.plan.tick_ms) * MILLI;
        let until = if is_alone { until + 2 * patience } else { until };
        for other in self.ensemble.servers().filter(|other| *other != server).collect::<Vec<_>>() {
            if is_alone {
                self.server_mut(other).closed = (until, false);
            }
            self.net.block(End::Server(server), End::Server(other), until);
            self.net.block(End::Server(other), End::Server(server), until);
        }
    }

    fn crash_server(&mut self, until: Nanos) {
        let (server, machine) = (self.some_server(), self.decisions.chance(300_000));
        self.kill_server(server, machine);
        self.net.schedule(until, Event::ServerStarts(server));
    }

    fn kill_server(&mut self, server: ServerId, machine: bool) {
        self.ensemble.crash(server, machine);
        let lost: Vec<ConnId> =
            self.net.wires.iter().filter(|(_, wire)| wire.server == server).map(|(id, _)| *id).collect();
        for id in lost {
            if let Some(wire) = self.net.wires.get_mut(&id) {
                wire.server_open = false;
                wire.is_hole |= machine;
            }
            if !machine {
                self.net.schedule(self.now, Event::ClientHangup(id, false));
            }
        }
        self.refresh_all();
        self.drain_servers();
    }

    fn wipe(&mut self) {
        self.marks.sometimes(true, Mark::Wiped);
        let servers: Vec<ServerId> = self.ensemble.servers().collect();
        for server in &servers {
            self.kill_server(*server, false);
        }
        self.ensemble.wipe();
        self.truth.wiped();
        for server in servers {
            self.net.schedule(self.now, Event::ServerStarts(server));
        }
    }

    /// Puts something between the frames that a client is sent.
    fn garbage(&mut self) {
        const KINDS: [&[u8]; 7] = [
            // A frame of no bytes, of fewer than none, of far too many, and one that is too short for a header.
            &[0, 0, 0, 0],
            &[0xff; 4],
            &[0x7f, 0xff, 0xff, 0xff],
            &[0, 0, 0, 3, 1, 2, 3],
            // Answers to nothing: with an xid of nobody, and to credentials that were not sent.
            &[0, 0, 0, 16, 0x70, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
            &[0, 0, 0, 16, 0xff, 0xff, 0xff, 0xfc, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
            // The header of an event, and no event.
            &[0, 0, 0, 16, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        ];
        let Some(id) = self.some_wire() else { return };
        let garbage = self.decisions.pick(&KINDS).unwrap_or_default().to_vec();
        let road = self.plan.road;
        self.net.down(self.now, id, road, &mut self.decisions, Event::ToClient(id, garbage));
    }

    /// Hands a client bytes of a connection that it has given up, as a careless driver might.
    fn stale_bytes(&mut self) {
        let client = self.some_client();
        let garbage = [0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        if let Some(conn) = self.clients[client].old_conn.filter(|_| self.clients[client].is_up) {
            let now = self.local(client);
            let session = &mut self.clients[client].session;
            session.receive_buffer(conn).extend_from_slice(&garbage);
            session.handle(zk_session::Input::Received(conn), now);
            self.drive(client);
        }
    }
}
