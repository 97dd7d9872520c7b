//! Recorded conversations of the official Java client with real servers, told to the engine: given the same answers it asks
//! the same questions, in the same order.
//!
//! What differs on purpose: requests that restore watches have the number -8 and not the next one, and a list of watches may
//! be in another order.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use zk_session::proto::{
    self, ConnectRequest, Deframer, Greeting, Password, Reader, ReplyHeader, RequestHeader, Wire, Xid,
    encode_request,
};
use zk_session::{
    CallOptions, Config, ConnId, Cut, Handover, Input, Instant, Notice, Output, Request, Session, SessionId,
    SessionState,
};

/// The conversations that were recorded from the first byte to the last.
const WHOLE: [&str; 16] = [
    "chroot-watch-and-multi",
    "close-deletes-ephemerals",
    "connect-can-be-read-only",
    "connect-closed-session",
    "connect-reattach-same-credentials",
    "connect-timeout-high",
    "connect-wrong-password",
    "ping-idle",
    "readonly-server",
    "reconnect-idle",
    "setwatches-changed-while-away",
    "setwatches-unchanged",
    "setwatches2-all-lists",
    "setwatches2-changed-while-away",
    "setwatches2-persistent-only",
    "whoami",
];

/// One client of a conversation is the engine; the other side is what was recorded.
struct Client {
    name: String,
    session: Option<Session>,
    conn: Option<ConnId>,
    sent: Deframer,
    now: Instant,
    /// The engine's number for each recorded one.
    xids: BTreeMap<i32, Xid>,
    password: Option<Password>,
    fired: usize,
    completed: usize,
}

impl Client {
    fn new(name: String) -> Self {
        Self {
            name,
            session: None,
            conn: None,
            sent: Deframer::new(proto::FRAME_LENGTH_MAX),
            now: Instant::from_nanos(1_000_000_000),
            xids: BTreeMap::new(),
            password: None,
            fired: 0,
            completed: 0,
        }
    }

    fn session(&mut self) -> &mut Session {
        self.session.as_mut().unwrap_or_else(|| panic!("{}: nobody speaks", self.name))
    }

    fn row(&mut self, row: &Value) {
        let frame = bytes(row["hex"].as_str().expect("every row has its bytes"));
        match row["kind"].as_str() {
            Some("connect_request") => self.greets(&frame),
            Some("request" | "ping_request" | "auth_request") => self.asks(&frame),
            Some("connect_response") => {
                if let Ok(Greeting::Accepted(response)) = Greeting::decode(&frame[4..].to_vec().into()) {
                    self.password = Some(response.password);
                }
                self.hears(&frame);
            }
            Some("event" | "connect_refused_reply") => self.hears(&frame),
            Some("response" | "ping_response" | "auth_response") => self.is_answered(frame),
            // On a connection of its own.
            Some("four_letter_word") => {}
            other => panic!("{}: {other:?}", self.name),
        }
        if row["server_closes_after"] == Value::Bool(true)
            && let Some(conn) = self.conn.take()
        {
            let now = self.now;
            self.session().handle(Input::Disconnected(conn, Cut::Closed), now);
            self.listen();
        }
    }

    /// Whether this client goes on by this handshake: it knows the session, and what it has seen.
    fn goes_on(&self, recorded: &ConnectRequest) -> bool {
        self.session.as_ref().is_some_and(|session| {
            session.id() == recorded.session
                && session.last_zxid() == recorded.last_zxid
                && self.password.as_ref() == Some(&recorded.password)
                && !matches!(session.state(), SessionState::Ended(_))
        })
    }

    /// The client opens a connection.
    fn greets(&mut self, frame: &[u8]) {
        let recorded = handshake(frame);
        if self.session.is_some() {
            if let Some(conn) = self.conn.take() {
                let now = self.now;
                self.session().handle(Input::Disconnected(conn, Cut::Closed), now);
            }
            self.pass(Duration::from_secs(2));
        } else {
            self.session = Some(self.begin(&recorded));
            self.listen();
        }
        let conn = self.conn.unwrap_or_else(|| panic!("{}: the engine does not connect", self.name));
        self.sent = Deframer::new(proto::FRAME_LENGTH_MAX);
        let now = self.now;
        self.session().handle(Input::Connected(conn), now);
        let sent = self.takes().expect("a handshake");
        let sent = ConnectRequest::decode(&mut Reader::new(&sent.into())).expect("a handshake");
        assert_eq!(sent, recorded, "{}", self.name);
    }

    fn begin(&self, recorded: &ConnectRequest) -> Session {
        let mut config = Config::new("a".parse().expect("a connect string"), 1);
        config.session_timeout =
            Duration::from_millis(u64::try_from(recorded.timeout_ms).expect("a timeout"));
        config.read_only = recorded.read_only == Some(true);
        config.plaintext_credentials = true;
        if recorded.session == SessionId::NONE {
            return Session::new(config, self.now);
        }
        let handover = Handover {
            session: recorded.session,
            password: recorded.password.clone(),
            timeout: config.session_timeout,
            last_zxid: recorded.last_zxid,
        };
        Session::resume(config, handover, self.now)
    }

    /// The client sends a request.
    fn asks(&mut self, frame: &[u8]) {
        let whole = frame[4..].to_vec().into();
        let mut input = Reader::new(&whole);
        let header = RequestHeader::decode(&mut input).expect("a header");
        let request = Request::decode(header.opcode, &mut input).expect("a request");
        let now = self.now;
        if let Request::CloseSession(_) = request {
            self.session().close(now);
        } else if let Request::Ping(_) = request {
            self.pass_until_ping();
        } else if !matches!(request, Request::SetWatches(_) | Request::SetWatches2(_)) {
            let taken = self.session().submit(request.clone(), CallOptions::default(), now);
            taken.unwrap_or_else(|refused| panic!("{}: {refused}", self.name));
        }
        let sent = self.takes().unwrap_or_else(|| panic!("{}: nothing is sent for {request:?}", self.name));
        let sent_whole = sent.into();
        let mut input = Reader::new(&sent_whole);
        let own = RequestHeader::decode(&mut input).expect("a header");
        let sent = Request::decode(own.opcode, &mut input).expect("a request");
        assert_eq!(sorted(sent), sorted(request), "{}", self.name);
        self.xids.insert(header.xid.raw(), own.xid);
    }

    fn pass_until_ping(&mut self) {
        let tick = Duration::from_millis(1);
        for _ in 0..100_000 {
            if self.session.as_ref().is_some_and(|session| {
                let mut out: [&[u8]; 1] = [&[]];
                self.conn.is_some_and(|conn| session.transmit(conn, &mut out) > 0)
            }) {
                return;
            }
            self.pass(tick);
        }
        panic!("{}: no ping", self.name);
    }

    /// The server answers a request.
    fn is_answered(&mut self, mut frame: Vec<u8>) {
        let header = ReplyHeader::decode(&mut Reader::new(&frame[4..].to_vec().into())).expect("a header");
        let own = self.xids.get(&header.xid.raw()).copied().unwrap_or(header.xid);
        frame[4..8].copy_from_slice(&own.raw().to_be_bytes());
        let before = self.completed;
        self.hears(&frame);
        let is_call = own.raw() > 0 || own == Xid::AUTH;
        let has_ended = matches!(self.session().state(), SessionState::Ended(_));
        assert_eq!(self.completed - before, usize::from(is_call && !has_ended), "{}: {header:?}", self.name);
    }

    fn hears(&mut self, frame: &[u8]) {
        let (conn, now) = (self.conn.expect("a connection"), self.now);
        self.session().receive_buffer(conn).extend_from_slice(frame);
        self.session().handle(Input::Received(conn), now);
        self.listen();
    }

    /// Takes note of what the engine says.
    fn listen(&mut self) {
        while let Some(output) = self.session().poll() {
            match output {
                Output::Connect(conn, _) if self.conn.is_none() => self.conn = Some(conn),
                Output::Disconnect(conn) => self.conn = self.conn.filter(|own| *own != conn),
                Output::Completed(..) => self.completed += 1,
                Output::Notified(_, Notice::Fired(_)) => self.fired += 1,
                // The second is the search for a better server.
                Output::Connect(..) | Output::Notified(..) | Output::State(_) => {}
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some((due, _)) = self.session().poll_timeout().filter(|(due, _)| *due <= until) {
            self.now = self.now.max(due);
            let now = self.now;
            self.session().handle(Input::Timeout, now);
            self.listen();
            let dialed = self.conn.is_some_and(|conn| {
                let mut out: [&[u8]; 1] = [&[]];
                self.session().transmit(conn, &mut out) == 0 && !self.session().state().is_connected()
            });
            if dialed {
                return;
            }
        }
        self.now = until;
    }

    /// The next frame that the engine sends.
    fn takes(&mut self) -> Option<Vec<u8>> {
        let conn = self.conn?;
        while let Some(bytes) = self.session().transmit_owned(conn) {
            self.session().transmitted(conn, bytes.len());
            self.sent.buffer().extend_from_slice(&bytes);
        }
        self.sent.next_frame().expect("frames").map(|frame| frame.to_vec())
    }
}

fn handshake(frame: &[u8]) -> ConnectRequest {
    ConnectRequest::decode(&mut Reader::new(&frame[4..].to_vec().into())).expect("a handshake")
}

fn sorted(mut request: Request) -> Vec<u8> {
    if let Request::SetWatches(watches) = &mut request {
        for list in [&mut watches.data, &mut watches.exist, &mut watches.child] {
            list.sort();
        }
    }
    if let Request::SetWatches2(watches) = &mut request {
        let lists = [
            &mut watches.data,
            &mut watches.exist,
            &mut watches.child,
            &mut watches.persistent,
            &mut watches.recursive,
        ];
        for list in lists {
            list.sort();
        }
    }
    let mut bytes = Vec::new();
    encode_request(Xid::FIRST, &request, &mut bytes);
    bytes
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex")).collect()
}

/// Plays a conversation, in which each connection belongs to one client.
fn play(name: &str, rows: &[Value]) -> Vec<Client> {
    let mut clients: Vec<(Option<u64>, Client)> = Vec::new();
    for row in rows {
        let number = row["conn"].as_u64();
        if row["kind"] == "connect_request" {
            let recorded = handshake(&bytes(row["hex"].as_str().expect("every row has its bytes")));
            match clients.iter_mut().find(|(_, client)| client.goes_on(&recorded)) {
                Some((own, _)) => *own = number,
                None => clients.push((number, Client::new(name.to_owned()))),
            }
        }
        if let Some((_, client)) = clients.iter_mut().find(|(own, _)| *own == number) {
            client.row(row);
        }
    }
    clients.into_iter().map(|(_, client)| client).collect()
}

#[test]
fn the_engine_asks_what_the_official_client_asked() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../zk-proto/tests/vectors");
    let mut plays: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for file in ["session", "watch", "chroot", "misc"] {
        let text = std::fs::read_to_string(format!("{directory}/{file}.jsonl")).expect("recorded frames");
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).expect("a row");
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            if WHOLE.contains(&&*text("scenario")) && text("client").starts_with("java") {
                let name = format!("{} {} {}", text("scenario"), text("client"), text("server"));
                plays.entry(name).or_default().push(row);
            }
        }
    }
    assert!(plays.len() >= 40, "{}", plays.len());
    let mut fired = 0;
    for (name, mut rows) in plays {
        rows.sort_by_key(|row| row["seq"].as_u64());
        let clients = play(&name, &rows);
        let events = rows.iter().filter(|row| row["kind"] == "event").count();
        let told: usize = clients.iter().map(|client| client.fired).sum();
        assert!(told >= events, "{name}: {told} of {events} events");
        fired += told;
    }
    assert!(fired >= 40, "{fired}");
}
