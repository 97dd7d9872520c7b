//! Ensembles whose messages arrive at once, unless a test cuts servers off from each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

use super::*;
use crate::server::tests::bytes::Body;
use crate::wire::Reader;
use crate::{ConnId, SessionId};

mod elections;
mod sessions;

const A: ServerId = ServerId(1);
const B: ServerId = ServerId(2);
const C: ServerId = ServerId(3);

struct Town {
    ensemble: Ensemble,
    now: Millis,
    roads: VecDeque<(ServerId, ServerId, Message)>,
    /// Servers whose messages to others do not arrive, and who hear nothing.
    cut_off: BTreeSet<ServerId>,
    /// What was not delivered because of that.
    held: VecDeque<(ServerId, ServerId, Message)>,
    conns: u64,
    sent: BTreeMap<ConnId, (Vec<Vec<u8>>, bool)>,
}

#[derive(Clone, Copy, Debug)]
struct Client {
    at: ServerId,
    conn: ConnId,
    id: SessionId,
    password: [u8; 16],
    timeout_ms: i32,
}

fn setup() -> Setup {
    Setup { server: Config { tick_ms: 200, ..Config::default() }, ..Setup::default() }
}

impl Town {
    fn new() -> Self {
        Self::of(setup())
    }

    /// An ensemble that has elected a leader.
    fn of(setup: Setup) -> Self {
        let now = Millis(1_000_000);
        let (roads, held, cut_off, sent) = Default::default();
        let ensemble = Ensemble::new(setup, now);
        let mut town = Self { ensemble, now, roads, cut_off, held, conns: 0, sent };
        town.pass(1000);
        town
    }

    fn leader(&self) -> ServerId {
        let leads =
            |id: &ServerId| self.ensemble.role(*id) == Some(Role::Leader) && !self.cut_off.contains(id);
        self.ensemble.servers().find(leads).expect("somebody leads")
    }

    fn followers(&self) -> Vec<ServerId> {
        let follows = |id: &ServerId| self.ensemble.role(*id) == Some(Role::Follower);
        self.ensemble.servers().filter(follows).collect()
    }

    fn handle(&mut self, at: ServerId, input: Input<'_>) {
        self.ensemble.handle(at, input, self.now);
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            while let Some(output) = self.ensemble.poll() {
                match output {
                    Output::Client(_, peer::Output::Send(conn, bytes)) => {
                        let frame = bytes.get(4..).unwrap_or_default().to_vec();
                        self.sent.entry(conn).or_default().0.push(frame);
                    }
                    Output::Client(_, peer::Output::Close(conn)) => {
                        self.sent.entry(conn).or_default().1 = true
                    }
                    Output::Message { from, to, message } => self.roads.push_back((from, to, message)),
                }
            }
            let Some((from, to, message)) = self.roads.pop_front() else { return };
            if self.cut_off.contains(&from) || self.cut_off.contains(&to) {
                self.held.push_back((from, to, message));
            } else {
                self.ensemble.handle(to, Input::Message(from, message), self.now);
            }
        }
    }

    /// Time passes in small steps, and every server hears of it when it wants to.
    fn pass(&mut self, span_ms: u64) {
        for _ in 0..span_ms / 10 {
            self.now = self.now.plus(10);
            for id in self.ensemble.servers().collect::<Vec<_>>() {
                if self.ensemble.poll_timeout(id).is_some_and(|at| at <= self.now) {
                    self.handle(id, Input::Client(server::Input::Timeout));
                }
            }
        }
    }

    fn crash(&mut self, at: ServerId, machine: bool) {
        self.ensemble.crash(at, machine);
        self.settle();
    }

    fn heal(&mut self) {
        self.cut_off.clear();
        self.roads.append(&mut self.held);
        self.settle();
    }

    fn connect(&mut self, at: ServerId) -> ConnId {
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.handle(at, Input::Client(server::Input::Connected(conn, Ipv4Addr::LOCALHOST.into())));
        conn
    }

    fn greet(&mut self, at: ServerId, hello: Hello) -> Option<Client> {
        let conn = self.connect(at);
        let body = Body::default().int(0).long(hello.seen).int(hello.timeout_ms).long(hello.id.0);
        self.send(at, conn, body.buffer(Some(&hello.password)).bool(hello.read_only));
        self.greeted(at, conn)
    }

    fn greeted(&mut self, at: ServerId, conn: ConnId) -> Option<Client> {
        let answer = self.take(conn).pop().filter(|frame| frame.len() > 16)?;
        let mut reader = Reader::new(&answer);
        reader.int().unwrap();
        let (timeout_ms, id) = (reader.int().unwrap(), SessionId(reader.long().unwrap()));
        let password = reader.buffer().unwrap().unwrap().try_into().unwrap();
        Some(Client { at, conn, id, password, timeout_ms })
    }

    fn open(&mut self, at: ServerId) -> Client {
        self.greet(at, Hello::default()).unwrap()
    }

    /// Goes on with a session at another server.
    fn move_to(&mut self, at: ServerId, client: Client) -> Option<Client> {
        self.greet(at, Hello { id: client.id, password: client.password, ..Hello::default() })
    }

    fn send(&mut self, at: ServerId, conn: ConnId, body: Body) {
        self.handle(at, Input::Client(server::Input::Received(conn, &body.framed())));
    }

    fn take(&mut self, conn: ConnId) -> Vec<Vec<u8>> {
        self.sent.get_mut(&conn).map(|(frames, _)| std::mem::take(frames)).unwrap_or_default()
    }

    fn is_closed(&self, client: Client) -> bool {
        self.sent.get(&client.conn).is_some_and(|(_, closed)| *closed)
    }

    /// Sends a request. Its answer's error code, if there is one at once.
    fn ask(&mut self, client: Client, opcode: i32, body: Body) -> Option<i32> {
        let mut request = Body::default().int(7).int(opcode);
        request.0.extend(body.0);
        self.send(client.at, client.conn, request);
        self.take(client.conn).last().map(|frame| Reader::new(&frame[12..]).int().unwrap())
    }

    fn create(&mut self, client: Client, path: &str, flags: i32) -> Option<i32> {
        self.ask(client, 1, Body::create(path, flags))
    }

    fn exists(&mut self, client: Client, path: &str) -> Option<i32> {
        self.ask(client, 3, Body::path(path).bool(false))
    }

    fn sync(&mut self, client: Client) -> Option<i32> {
        self.ask(client, 9, Body::path("/"))
    }

    fn ping(&mut self, client: Client) -> Option<i32> {
        self.ask(client, 11, Body::default())
    }
}

/// The first frame of a client.
#[derive(Clone, Copy, Debug)]
struct Hello {
    seen: i64,
    timeout_ms: i32,
    id: SessionId,
    password: [u8; 16],
    read_only: bool,
}

impl Default for Hello {
    fn default() -> Self {
        Self { seen: 0, timeout_ms: 600, id: SessionId(0), password: [0; 16], read_only: false }
    }
}
