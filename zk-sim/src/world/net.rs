//! Who can reach whom, how long that takes, and what is under way. Nothing is lost on a road but with its connection.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::clock::{MILLI, Nanos};
use super::decisions::Decisions;
use super::plan::Road;
use crate::ensemble::Message;
use crate::{ConnId, ServerId, Zxid};

/// Something that will happen at its time.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A client's wish to connect reaches the server.
    Dialed(ConnId),
    /// The client learns that it is connected.
    Connected(ConnId),
    /// The client learns that it is not.
    Refused(ConnId),
    ToServer(ConnId, Vec<u8>),
    ToClient(ConnId, Vec<u8>),
    /// The end of a connection reaches the server.
    ServerHangup(ConnId),
    /// The end of a connection reaches the client; whether it was ended in an orderly way.
    ClientHangup(ConnId, bool),
    Message(ServerId, ServerId, Message),
    /// A user thinks of something.
    Turn(usize),
    /// The socket of a client takes bytes again.
    Writable(usize),
    Fault,
    ServerStarts(ServerId),
    ClientStarts(usize),
}

/// Both ends of a road.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Client(usize),
    Server(ServerId),
}

/// A scheme and what proves somebody by it.
pub(super) type Credential = (String, Vec<u8>);

/// One connection of a client.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) client: usize,
    pub(super) server: ServerId,
    pub(super) conn: zk_session::ConnId,
    pub(super) client_open: bool,
    pub(super) server_open: bool,
    /// What was sent of a frame that is not whole.
    pub(super) said: Vec<u8>,
    /// Whether the first frame is over.
    pub(super) has_greeted: bool,
    /// Asks a server whether it has a quorum, and nothing else.
    pub(super) is_probe: bool,
    /// Whether the server has accepted a login.
    pub(super) has_logged_in: bool,
    /// The credentials that were sent: scheme and secret.
    pub(super) shown: Vec<Credential>,
    /// Since when the server has the watches that the client had before.
    pub(super) restored: Option<Zxid>,
    /// Whether the server has said something.
    pub(super) is_greeted: bool,
    /// What is sent from now on is accepted and never arrives.
    pub(super) is_hole: bool,
    /// The next answer ends it.
    pub(super) loses_reply: bool,
    /// The second event of a transaction ends it.
    pub(super) loses_event: bool,
    /// The transaction of the last event.
    pub(super) event: i64,
    /// How many bytes the client's socket still takes, if it does not take all.
    pub(super) window: Option<usize>,
    /// When the last that is under way arrives.
    up: Nanos,
    down: Nanos,
}

/// The roads, and what is under way on them.
#[derive(Debug, Default)]
pub(super) struct Net {
    queue: BinaryHeap<Reverse<Due>>,
    count: u64,
    pub(super) wires: BTreeMap<ConnId, Wire>,
    /// Until when nothing gets from one end to the other.
    blocked: BTreeMap<(End, End), Nanos>,
    /// When the last message from one server to another arrives.
    highways: BTreeMap<(ServerId, ServerId), Nanos>,
    next_wire: u64,
}

/// Something that is under way.
#[derive(Debug)]
pub(super) struct Due {
    at: Nanos,
    number: u64,
    pub(super) event: Event,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl Net {
    pub(super) fn schedule(&mut self, at: Nanos, event: Event) {
        self.count += 1;
        self.queue.push(Reverse(Due { at, number: self.count, event }));
    }

    pub(super) fn next_at(&self) -> Option<Nanos> {
        self.queue.peek().map(|Reverse(due)| due.at)
    }

    pub(super) fn pop(&mut self) -> Option<Due> {
        self.queue.pop().map(|Reverse(due)| due)
    }

    /// Lets something wait for whoever it is for. It keeps its place among what comes at the same time.
    pub(super) fn defer(&mut self, due: Due, until: Nanos) {
        self.queue.push(Reverse(Due { at: until, ..due }));
    }

    /// Opens a connection from a client's side.
    pub(super) fn dial(
        &mut self,
        client: usize,
        server: ServerId,
        conn: zk_session::ConnId,
        is_probe: bool,
    ) -> ConnId {
        self.next_wire += 1;
        let id = ConnId(self.next_wire);
        let (client_open, server_open) = (true, false);
        let (is_greeted, is_hole, loses_reply, window, up, down) = (false, false, false, None, 0, 0);
        let (said, has_greeted, shown, restored) = (Vec::new(), false, Vec::new(), None);
        let wire = Wire {
            client,
            server,
            conn,
            client_open,
            server_open,
            said,
            has_greeted,
            is_probe,
            loses_event: false,
            event: 0,
            has_logged_in: false,
            shown,
            restored,
            is_greeted,
            is_hole,
            loses_reply,
            window,
            up,
            down,
        };
        self.wires.insert(id, wire);
        id
    }

    /// Forgets a connection that neither end has any more.
    pub(super) fn tidy(&mut self, id: ConnId) {
        if self.wires.get(&id).is_some_and(|wire| !wire.client_open && !wire.server_open) {
            self.wires.remove(&id);
        }
    }

    /// Sends something to the server of a connection, after what was sent before.
    pub(super) fn up(&mut self, now: Nanos, id: ConnId, road: Road, decisions: &mut Decisions, event: Event) {
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.is_hole) else { return };
        let ends = (End::Client(wire.client), End::Server(wire.server));
        let free = unblocked(&mut self.blocked, ends, now);
        wire.up = free.max(wire.up).max(free + delay(road, decisions));
        let at = wire.up;
        self.schedule(at, event);
    }

    /// Sends something to the client of a connection, after what was sent before.
    pub(super) fn down(
        &mut self,
        now: Nanos,
        id: ConnId,
        road: Road,
        decisions: &mut Decisions,
        event: Event,
    ) {
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.is_hole) else { return };
        let ends = (End::Server(wire.server), End::Client(wire.client));
        let free = unblocked(&mut self.blocked, ends, now);
        wire.down = free.max(wire.down).max(free + delay(road, decisions));
        let at = wire.down;
        self.schedule(at, event);
    }

    /// Nothing more arrives at either end before this.
    pub(super) fn stall(&mut self, id: ConnId, until: Nanos) {
        if let Some(wire) = self.wires.get_mut(&id) {
            (wire.up, wire.down) = (wire.up.max(until), wire.down.max(until));
        }
    }

    pub(super) fn carry(
        &mut self,
        now: Nanos,
        (from, to): (ServerId, ServerId),
        road: Road,
        decisions: &mut Decisions,
        message: Message,
    ) {
        let free = unblocked(&mut self.blocked, (End::Server(from), End::Server(to)), now);
        let last = self.highways.entry((from, to)).or_default();
        *last = free.max(*last).max(free + delay(road, decisions));
        let at = *last;
        self.schedule(at, Event::Message(from, to, message));
    }

    pub(super) fn block(&mut self, from: End, to: End, until: Nanos) {
        let blocked = self.blocked.entry((from, to)).or_default();
        *blocked = (*blocked).max(until);
    }

    pub(super) fn unblock_all(&mut self) {
        self.blocked.clear();
        for wire in self.wires.values_mut() {
            wire.window = None;
        }
    }

    /// The open connections, as their clients see them.
    pub(super) fn open(&self) -> Vec<ConnId> {
        self.wires.iter().filter(|(_, wire)| wire.client_open).map(|(id, _)| *id).collect()
    }
}

fn unblocked(blocked: &mut BTreeMap<(End, End), Nanos>, ends: (End, End), now: Nanos) -> Nanos {
    if blocked.is_empty() {
        return now;
    }
    let until = blocked.get(&ends).copied().unwrap_or_default();
    if until <= now {
        blocked.remove(&ends);
    }
    until.max(now)
}

fn delay(road: Road, decisions: &mut Decisions) -> Nanos {
    let usual = decisions.between(road.least, road.most);
    if decisions.chance(road.slow) { usual + decisions.between(MILLI, road.tail) } else { usual }
}
