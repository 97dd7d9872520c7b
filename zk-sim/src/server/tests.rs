//! The server over its bytes: sessions, order, limits, and what ends a connection.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::*;
use crate::Version;
use crate::wire::Reader;

pub(crate) mod bytes;
mod logins;
mod matrix;
mod reads;
mod sessions;

/// Clients of one server, at a time that the test sets.
struct World {
    server: Server,
    now: Millis,
    conns: u64,
    /// What each connection was sent, without the lengths, and whether it was closed.
    sent: BTreeMap<ConnId, (Vec<Vec<u8>>, bool)>,
}

/// A session as its client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Session {
    conn: ConnId,
    id: SessionId,
    password: [u8; 16],
    timeout_ms: i32,
}

impl World {
    fn new() -> Self {
        Self::of(Config { tick_ms: 500, ..Config::default() })
    }

    fn of(config: Config) -> Self {
        let now = Millis(1_000_000);
        Self { server: Server::new(config, now), now, conns: 0, sent: BTreeMap::new() }
    }

    fn handle(&mut self, input: Input<'_>) {
        self.server.handle(input, self.now);
        while let Some(output) = self.server.poll() {
            match output {
                Output::Send(conn, bytes) => {
                    let frames = &mut self.sent.entry(conn).or_default().0;
                    frames.push(bytes.get(4..).unwrap_or_default().to_vec());
                }
                Output::Close(conn) => self.sent.entry(conn).or_default().1 = true,
            }
        }
    }

    fn pass(&mut self, span_ms: u64) {
        self.now = self.now.plus(span_ms);
        self.handle(Input::Timeout);
    }

    fn connect(&mut self) -> ConnId {
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.handle(Input::Connected(conn, Ipv4Addr::LOCALHOST.into()));
        conn
    }

    /// Sends a handshake, and reads the answer if there is one.
    fn greet(&mut self, seen: i64, timeout_ms: i32, session: SessionId, password: &[u8]) -> Option<Session> {
        let conn = self.connect();
        let body = bytes::Body::default().int(0).long(seen).int(timeout_ms).long(session.0);
        let frame = body.buffer(Some(password)).bool(false).framed();
        self.handle(Input::Received(conn, &frame));
        let answer = self.take(conn).pop()?;
        let mut reader = Reader::new(&answer);
        reader.int().unwrap();
        let (timeout_ms, id) = (reader.int().unwrap(), SessionId(reader.long().unwrap()));
        let password = reader.buffer().unwrap().unwrap().try_into().unwrap();
        Some(Session { conn, id, password, timeout_ms })
    }

    fn open(&mut self) -> Session {
        self.greet(0, 5000, SessionId(0), &[0; 16]).unwrap()
    }

    fn take(&mut self, conn: ConnId) -> Vec<Vec<u8>> {
        self.sent.get_mut(&conn).map(|(frames, _)| std::mem::take(frames)).unwrap_or_default()
    }

    fn is_closed(&self, conn: ConnId) -> bool {
        self.sent.get(&conn).is_some_and(|(_, closed)| *closed)
    }

    /// Sends a request, and returns the frames that come for it.
    fn ask(&mut self, conn: ConnId, opcode: i32, body: bytes::Body) -> Vec<Vec<u8>> {
        let mut request = bytes::Body::default().int(7).int(opcode);
        request.0.extend(body.0);
        self.handle(Input::Received(conn, &request.framed()));
        self.take(conn)
    }

    /// The error code of the answer to a request.
    fn code(&mut self, conn: ConnId, opcode: i32, body: bytes::Body) -> i32 {
        code_of(self.ask(conn, opcode, body).last().expect("every request is answered"))
    }
}

fn code_of(frame: &[u8]) -> i32 {
    Reader::new(&frame[12..]).int().unwrap()
}

/// The zxid in the header of an answer.
fn zxid_of(frame: &[u8]) -> i64 {
    Reader::new(&frame[4..]).long().unwrap()
}
