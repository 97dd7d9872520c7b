//! A server played by hand and a clock moved by hand: a scenario is a script of inputs and expected outputs.
#![allow(
    dead_code,
    unreachable_pub,
    unused_macros,
    reason = "each test file uses its own part of the script"
)]

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use zk_session::ops::{Create, Created, GetData, NodeData, Reply, Request};
use zk_session::proto::{
    self, Code, ConnectRequest, ConnectResponse, Deframer, EventKind, KeeperState, Password, Reader,
    RequestHeader, SessionId, Stat, WatcherEvent, Wire, Xid, Zxid,
};
use zk_session::{
    Acl, CallId, CallOptions, Config, ConnId, CreateMode, Cut, Error, Input, Instant, Notice, Output, Path,
    Session, SessionState,
};

pub mod links;

/// Tells a story, which asserts what is right, to a client that does right; with the feature `wrong` also to clients that
/// make these mistakes, who must not get through it. The story is a function of a function that makes a configuration.
macro_rules! holds_but_not_if_wrong {
    ([$($Mistake:ident),*], $story:expr) => {{
        let story: script::Story = $story;
        story(&script::config);
        #[cfg(feature = "wrong")]
        for mistake in [$(zk_session::wrong::Wrong::$Mistake),*] {
            script::goes_wrong(mistake, story);
        }
    }};
}

/// A story; it is given what makes a configuration of a list of servers.
pub type Story = fn(&dyn Fn(&str) -> Config);

/// The story must not hold for a client that makes this mistake.
#[cfg(feature = "wrong")]
pub fn goes_wrong(mistake: zk_session::wrong::Wrong, story: Story) {
    let make = |servers: &str| {
        let mut config = config(servers);
        config.wrong = Some(mistake);
        config
    };
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| story(&make)));
    assert!(told.is_err(), "the story does not notice that {mistake:?}");
}

/// The session timeout of the scripts; its thirds are whole seconds.
pub const T: Duration = Duration::from_secs(12);

pub struct Script {
    pub session: Session,
    pub now: Instant,
    pub conn: Option<ConnId>,
    /// What the client sent on the present connection and the script has not looked at.
    sent: Deframer,
}

pub fn config(servers: &str) -> Config {
    let mut config = Config::new(servers.parse().expect("a connect string of the test"), 7);
    config.session_timeout = T;
    config
}

impl Script {
    pub fn new(config: Config) -> Self {
        let now = Instant::from_nanos(1_000_000_000);
        let sent = Deframer::new(proto::FRAME_LENGTH_MAX);
        Self { session: Session::new(config, now), now, conn: None, sent }
    }

    /// A session that is linked, as session 5, and has told so.
    pub fn linked(config: Config) -> Self {
        let mut script = Self::new(config);
        script.dialed();
        script.connected();
        script.accept(5);
        script.expect(&["connected 0x5 new"]);
        script
    }

    /// The engine asks for a connection.
    pub fn dialed(&mut self) -> ConnId {
        match self.session.poll() {
            Some(Output::Connect(conn, _)) => {
                self.conn = Some(conn);
                conn
            }
            other => panic!("expected a dial, got {other:?}"),
        }
    }

    /// Time passes until the engine dials again.
    pub fn dialed_later(&mut self) -> ConnId {
        self.pass(T / 4 + Duration::from_millis(1));
        self.dialed()
    }

    /// The connection stands; returns the handshake that the engine sends.
    pub fn connected(&mut self) -> ConnectRequest {
        self.sent = Deframer::new(proto::FRAME_LENGTH_MAX);
        self.session.handle(Input::Connected(self.conn.expect("dialed")), self.now);
        self.take_bytes(usize::MAX);
        let frame = self.sent.next_frame().expect("a frame").expect("a handshake");
        ConnectRequest::decode(&mut Reader::new(&frame)).expect("a handshake")
    }

    pub fn accept(&mut self, session: i64) {
        self.accept_with(session, T);
    }

    pub fn accept_with(&mut self, session: i64, timeout: Duration) {
        self.receive(&greeting(session, timeout));
    }

    pub fn receive(&mut self, bytes: &[u8]) {
        let conn = self.conn.expect("dialed");
        self.session.receive_buffer(conn).extend_from_slice(bytes);
        self.session.handle(Input::Received(conn), self.now);
    }

    pub fn reply(&mut self, xid: i32, zxid: i64, reply: Result<Reply, Code>) {
        self.receive(&reply_bytes(xid, zxid, &reply));
    }

    pub fn event(&mut self, kind: EventKind, path: &str) {
        let event = WatcherEvent { kind, state: KeeperState::SyncConnected, path: path.into() };
        let mut bytes = Vec::new();
        proto::encode_event(&event, Zxid::new(-1), &mut bytes);
        self.receive(&bytes);
    }

    pub fn cut(&mut self) {
        self.session.handle(Input::Disconnected(self.conn.expect("dialed"), Cut::Closed), self.now);
    }

    pub fn submit(&mut self, request: impl Into<Request>) -> CallId {
        self.session.submit(request.into(), CallOptions::default(), self.now).expect("taken")
    }

    /// Submits `getData` of this path.
    pub fn get(&mut self, path: &str, watch: bool) -> CallId {
        self.submit(GetData { path: Path::new(path).expect("a path"), watch })
    }

    /// Lets time pass, with a timeout at each instant that the engine asks for.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        let mut rounds = 0;
        while let Some((due, timer)) = self.session.poll_timeout().filter(|(due, _)| *due <= until) {
            self.now = self.now.max(due);
            self.session.handle(Input::Timeout, self.now);
            let next = self.session.poll_timeout();
            assert!(next.is_none_or(|(next, _)| next > self.now), "{timer:?} comes again at once: {next:?}");
            rounds += 1;
            assert!(rounds < 10_000, "an endless loop of timeouts");
        }
        self.now = until;
    }

    /// The transport takes up to `n` bytes.
    pub fn take_bytes(&mut self, mut n: usize) -> usize {
        let conn = self.conn.expect("dialed");
        let mut taken = 0;
        loop {
            let mut slices: [&[u8]; 3] = [&[]; 3];
            let used = self.session.transmit(conn, &mut slices);
            let bytes = slices[..used].concat();
            let bytes = &bytes[..bytes.len().min(n)];
            if bytes.is_empty() {
                return taken;
            }
            self.sent.buffer().extend_from_slice(bytes);
            self.session.transmitted(conn, bytes.len());
            n -= bytes.len();
            taken += bytes.len();
        }
    }

    /// Everything the client sends now, as `xid operation path`.
    pub fn sent(&mut self) -> Vec<String> {
        self.sent_requests().into_iter().map(|(xid, request)| show_request(xid, &request)).collect()
    }

    pub fn sent_requests(&mut self) -> Vec<(i32, Request)> {
        self.take_bytes(usize::MAX);
        let mut requests = Vec::new();
        while let Some(frame) = self.sent.next_frame().expect("frames") {
            let mut input = Reader::new(&frame);
            let header = RequestHeader::decode(&mut input).expect("a header");
            requests.push((header.xid.raw(), Request::decode(header.opcode, &mut input).expect("a request")));
        }
        requests
    }

    /// The outputs so far are these, and there are no more.
    #[track_caller]
    pub fn expect(&mut self, expected: &[&str]) {
        let outputs: Vec<_> =
            std::iter::from_fn(|| self.session.poll()).map(|output| show(&output)).collect();
        assert_eq!(outputs, expected);
    }
}

/// The frame of a reply.
pub fn reply_bytes(xid: i32, zxid: i64, reply: &Result<Reply, Code>) -> Vec<u8> {
    let mut bytes = Vec::new();
    proto::encode_reply(Xid::new(xid), Zxid::new(zxid), reply.as_ref().map_err(|code| *code), &mut bytes);
    bytes
}

/// The bytes by which a server accepts a session.
pub fn greeting(session: i64, timeout: Duration) -> Vec<u8> {
    greeting_with(session, timeout, Password::zero().as_bytes())
}

pub fn greeting_with(session: i64, timeout: Duration, password: &[u8]) -> Vec<u8> {
    let response = ConnectResponse {
        timeout_ms: i32::try_from(timeout.as_millis()).expect("a timeout of the test"),
        session: SessionId::new(session),
        password: Password::new(Bytes::copy_from_slice(password)),
        read_only: Some(false),
    };
    let mut bytes = Vec::new();
    proto::encode_connect_response(&response, &mut bytes);
    bytes
}

pub fn data(text: &'static str) -> Reply {
    Reply::GetData(NodeData { data: Some(text.into()), stat: Stat::default() })
}

/// A path of a test.
pub fn path(text: &str) -> Path {
    Path::new(text).expect("a path of the test")
}

/// Creates an ephemeral node.
pub fn create(text: &str) -> Request {
    Create { path: path(text), data: None, acl: Acl::open_unsafe(), mode: CreateMode::Ephemeral }.into()
}

/// The node was created.
pub fn created(text: &str) -> Result<Reply, Code> {
    Ok(Reply::Create(Created { path: path(text) }))
}

fn show_request(xid: i32, request: &Request) -> String {
    let mut text = format!("{xid} {}", request.opcode().name());
    if let Some(path) = request.path() {
        write!(text, " {path}").expect("a string");
    }
    text
}

/// An output in the words of a script.
pub fn show(output: &Output) -> String {
    match output {
        Output::Connect(_, server) => format!("connect {server}"),
        Output::Disconnect(_) => "disconnect".into(),
        Output::Completed(call, Ok(_)) => format!("{call:?} ok"),
        Output::Completed(call, Err(Error::Server(code))) => format!("{call:?} {code:?}"),
        Output::Completed(call, Err(error)) => format!("{call:?} {error:?}"),
        Output::Notified(call, Notice::Fired(event)) => format!("{call:?} {:?} {}", event.kind, event.path),
        Output::Notified(call, Notice::Gap { since }) => format!("{call:?} gap since {}", since.raw()),
        Output::Notified(call, Notice::Ended(ended)) => format!("{call:?} ended {ended:?}"),
        Output::State(SessionState::Connected { session, resumed, .. }) => {
            format!("connected {session} {}", if *resumed { "resumed" } else { "new" })
        }
        Output::State(SessionState::Suspended { .. }) => "suspended".into(),
        Output::State(state) => format!("{state:?}"),
    }
}
