//! Determinism, and the absence of panics and endless loops under any order of calls and any bytes.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "each part of a play carries out the steps that are its own"
)]

mod script;

use std::time::Duration;

use proptest::prelude::*;
use script::config;
use zk_session::ops::{
    AddWatch, AddWatchMode, Auth, Exists, GetChildren2, GetData, NodeChildren, NodeData, Opcode, Reply,
    Request, SaslToken, SetData, Sync, Synced, WatchAdded,
};
use zk_session::proto::{
    self, Code, ConnectResponse, Deframer, EventKind, KeeperState, Password, Reader, RequestHeader, Secret,
    Stat, WatcherEvent, Wire,
};
use zk_session::sasl::Plain;
use zk_session::{
    CallId, CallOptions, Config, ConnId, Cut, Input, Instant, KeepAlive, Order, Output, Path, Server,
    Session, SessionId, SessionState, Unlinked, Version, Xid, Zxid,
};

/// What a driver, a user or a server may do next.
#[derive(Clone, Debug)]
enum Step {
    Submit(u8, Option<u16>, u8),
    Pipeline,
    EndPipeline,
    Confirm,
    Servers(u8),
    Detach,
    Cancel(u8),
    Unwatch(u8),
    Hold(bool),
    Close,
    Abort,
    Connected(u8),
    Accept(u8, i64, u16, bool),
    /// The oldest request that was sent and not answered is answered, by this error if by any.
    Answer(Option<i32>),
    Reply(u8, i32, bool),
    Event(u8, u8, u8),
    /// Four-letter words are answered so.
    Word(u8, bool),
    Bytes(u8, Vec<u8>),
    Cut(u8),
    Transmit(u8, u16),
    Timeout,
    Pass(u16),
    Back(u16),
    Succeed,
}

fn step() -> impl Strategy<Value = Step> {
    let conn = 0_u8..4;
    prop_oneof![
        6 => (any::<u8>(), any::<Option<u16>>(), any::<u8>())
            .prop_map(|(what, deadline, how)| Step::Submit(what, deadline, how)),
        1 => Just(Step::Pipeline),
        1 => Just(Step::EndPipeline),
        1 => prop::bool::weighted(0.1).prop_map(|now| if now { Step::Detach } else { Step::Timeout }),
        1 => Just(Step::Confirm),
        1 => any::<u8>().prop_map(Step::Servers),
        12 => prop_oneof![4 => Just(None), 1 => prop_oneof![Just(-101), Just(-115), Just(-6), Just(-112), Just(-124)].prop_map(Some)]
            .prop_map(Step::Answer),
        3 => (conn.clone(), 0_u8..7, any::<u8>()).prop_map(|(conn, kind, at)| Step::Event(conn, kind, at)),
        2 => (conn.clone(), any::<bool>()).prop_map(|(conn, rw)| Step::Word(conn, rw)),
        1 => any::<u8>().prop_map(Step::Cancel),
        1 => any::<u8>().prop_map(Step::Unwatch),
        1 => any::<bool>().prop_map(Step::Hold),
        1 => Just(Step::Succeed),
        6 => conn.clone().prop_map(Step::Connected),
        6 => (conn.clone(), -1_i64..3, 0_u16..9000, prop::bool::weighted(0.2))
            .prop_map(|(conn, id, timeout, ro)| Step::Accept(conn, id, timeout, ro)),
        6 => (conn.clone(), -8_i32..6, any::<bool>()).prop_map(|(conn, xid, ok)| Step::Reply(conn, xid, ok)),
        2 => (conn.clone(), prop::collection::vec(any::<u8>(), 0..64)).prop_map(|(conn, bytes)| Step::Bytes(conn, bytes)),
        2 => conn.clone().prop_map(Step::Cut),
        6 => (conn, any::<u16>()).prop_map(|(conn, n)| Step::Transmit(conn, n)),
        6 => Just(Step::Timeout),
        6 => (0_u16..6000).prop_map(Step::Pass),
        1 => any::<u16>().prop_map(Step::Back),
    ]
}

/// What the server of the present connection has been sent and has not answered.
#[derive(Default)]
struct Served {
    conn: Option<ConnId>,
    sent: Option<Deframer>,
    unanswered: Vec<(Xid, i32)>,
    greeted: bool,
}

impl Served {
    fn takes(&mut self, conn: ConnId, bytes: &[u8]) {
        if self.conn != Some(conn) {
            *self = Self { conn: Some(conn), ..Self::default() };
        }
        let sent = self.sent.get_or_insert_with(|| Deframer::new(proto::FRAME_LENGTH_MAX));
        sent.buffer().extend_from_slice(bytes);
        while let Ok(Some(frame)) = sent.next_frame() {
            if !std::mem::replace(&mut self.greeted, true) {
                continue;
            }
            let header = RequestHeader::decode(&mut Reader::new(&frame)).expect("the engine sends requests");
            self.unanswered.push((header.xid, header.opcode));
        }
    }

    fn answer(&mut self, zxid: i64, code: Option<i32>) -> Option<(ConnId, Vec<u8>)> {
        let conn = self.conn?;
        if self.unanswered.is_empty() {
            return None;
        }
        let (xid, opcode) = self.unanswered.remove(0);
        let reply = code.and_then(Code::new).map_or_else(|| Ok(good_answer(opcode)), Err);
        let mut bytes = Vec::new();
        proto::encode_reply(xid, Zxid::new(zxid), reply.as_ref().map_err(|code| *code), &mut bytes);
        Some((conn, bytes))
    }
}

fn good_answer(opcode: i32) -> Reply {
    let is = |other: Opcode| other.raw() == opcode;
    let stat = Stat::default();
    if is(Opcode::Exists) {
        Reply::Exists(stat)
    } else if is(Opcode::SetData) {
        Reply::SetData(stat)
    } else if is(Opcode::GetChildren2) {
        Reply::GetChildren2(NodeChildren { children: Default::default(), stat })
    } else if is(Opcode::Sync) {
        Reply::Sync(Synced { path: Path::root() })
    } else if is(Opcode::Sasl) {
        Reply::Sasl(SaslToken { token: None })
    } else if is(Opcode::AddWatch) {
        Reply::AddWatch(WatchAdded { error: None })
    } else if is(Opcode::GetData) {
        let config = "server.1=one:1:2:participant;3\nserver.2=two:1:2:participant;3\nversion=1";
        Reply::GetData(NodeData { data: Some(config.into()), stat })
    } else {
        // Without a body: what else the engine sends has none, or makes the answer malformed.
        Reply::Ping(())
    }
}

/// A session and everybody around it.
struct Play {
    session: Session,
    now: Instant,
    conns: Vec<ConnId>,
    served: Served,
    zxid: i64,
    seen: Vec<String>,
    submitted: u64,
    completed: u64,
    cancelled: u64,
    pipeline: Option<zk_session::PipelineId>,
}

/// Carries the steps out, then aborts or closes; returns everything that could be seen from outside.
fn run(kind: u16, steps: &[Step]) -> Vec<String> {
    let now = Instant::from_nanos(1 << 40);
    let mut play = Play {
        session: Session::new(configured(kind), now),
        now,
        conns: Vec::new(),
        served: Served::default(),
        zxid: 0,
        seen: Vec::new(),
        submitted: 0,
        completed: 0,
        cancelled: 0,
        pipeline: None,
    };
    play.listen();
    for step in steps.iter().chain([&Step::Close, &Step::Abort]) {
        play.step(step);
        play.listen();
    }
    assert_eq!(play.completed + play.cancelled, play.submitted, "every call ends exactly once");
    let session = &play.session;
    assert_eq!((session.call_count(), session.watch_count(), session.poll_timeout()), (0, 0, None));
    play.seen
}

/// A configuration out of many.
fn configured(kind: u16) -> Config {
    let mut config = config("a,b/app");
    let bit = |at: u16| kind >> at & 1 == 1;
    config.plaintext_credentials = true;
    config.read_only = bit(0);
    config.follow_reconfig = bit(1);
    if bit(2) && bit(3) {
        config.sasl = Some(std::sync::Arc::new(Plain::new("bob", "secret").expect("usable")));
    }
    if bit(4) {
        config.credentials.push(auth(0));
    }
    if bit(5) {
        config.unlinked = Unlinked::Wait { most: Some(Duration::from_secs(1)) };
    }
    if bit(6) && bit(7) {
        config.unlinked = Unlinked::Refuse;
    }
    config.keep_alive = [KeepAlive::Sync, KeepAlive::Ping, KeepAlive::Commit][usize::from(kind >> 8) % 3];
    if bit(12) {
        config.establish_timeout = Some(Duration::from_secs(30));
    }
    config
}

fn auth(number: u8) -> Auth {
    Auth { scheme: "digest".into(), credential: Some(Secret::new(vec![b'a', b':', number % 3].into())) }
}

impl Play {
    /// The newest connection is number 0.
    fn conn(&self, back: u8) -> Option<ConnId> {
        self.conns.len().checked_sub(usize::from(back) + 1).map(|index| self.conns[index])
    }

    fn step(&mut self, step: &Step) {
        let now = self.now;
        match step {
            Step::Submit(..) | Step::Cancel(_) | Step::Unwatch(_) | Step::Pipeline | Step::EndPipeline => {
                self.wish(step);
            }
            Step::Confirm => {
                self.submitted += u64::from(self.session.confirm(CallOptions::default(), now).is_ok());
            }
            Step::Hold(more) => self.session.hold(*more, now),
            Step::Close => self.session.close(now),
            Step::Abort => self.session.abort(),
            Step::Detach => drop(self.session.detach()),
            Step::Servers(kind) => {
                let servers = ["a", "b", "c"].into_iter().enumerate().filter(|(at, _)| kind >> at & 1 == 1);
                let servers = servers.map(|(_, host)| Server { host: host.into(), port: 2181 });
                let _ = self.session.update_servers(servers, now);
            }
            Step::Succeed => {
                if let Some(next) = self.session.successor(now) {
                    self.session = next;
                }
            }
            Step::Timeout => {
                if let Some((due, _)) = self.session.poll_timeout() {
                    self.now = now.max(due);
                    self.session.handle(Input::Timeout, self.now);
                    let next = self.session.poll_timeout();
                    assert!(next.is_none_or(|(next, _)| next > self.now), "a timeout at once: {next:?}");
                }
            }
            Step::Pass(millis) => self.now = now + Duration::from_millis(u64::from(*millis)),
            Step::Back(millis) => {
                self.now = Instant::from_nanos(now.as_nanos() - u64::from(*millis) * 1_000);
            }
            _ => self.net(step),
        }
    }

    fn wish(&mut self, step: &Step) {
        match step {
            Step::Submit(what, deadline, how) => {
                let deadline = deadline.map(|millis| self.now + Duration::from_millis(u64::from(millis)));
                let order = match (how % 4, self.pipeline) {
                    (0, _) => Order::Free,
                    (1, Some(pipeline)) => Order::Pipeline(pipeline),
                    _ => Order::Client,
                };
                let unlinked = (how >> 4 == 0).then_some(Unlinked::Refuse);
                let options = CallOptions { deadline, order, unlinked };
                self.submitted += u64::from(self.session.submit(request(*what), options, self.now).is_ok());
            }
            Step::Cancel(call) => {
                let cancelled = self.session.cancel(CallId::new((*call).into()));
                self.cancelled += u64::from(cancelled.is_some());
            }
            Step::Unwatch(call) => self.session.unwatch(CallId::new((*call).into())),
            Step::Pipeline => self.pipeline = Some(self.session.pipeline()),
            _ => {
                if let Some(pipeline) = self.pipeline.take() {
                    self.session.end_pipeline(pipeline);
                }
            }
        }
    }

    fn net(&mut self, step: &Step) {
        let now = self.now;
        match step {
            Step::Connected(back) => {
                if let Some(conn) = self.conn(*back) {
                    self.session.handle(Input::Connected(conn), now);
                }
            }
            Step::Accept(back, id, timeout, ro) => {
                self.receive(self.conn(*back), &greeting(*id, *timeout, *ro));
            }
            Step::Answer(code) => {
                self.zxid += 1;
                if let Some((conn, bytes)) = self.served.answer(self.zxid, *code) {
                    self.receive(Some(conn), &bytes);
                }
            }
            Step::Reply(back, xid, ok) => self.receive(self.conn(*back), &reply(*xid, *ok)),
            Step::Event(back, kind, at) => {
                self.receive(self.conn(*back), &event(*kind, *at));
            }
            Step::Word(back, rw) => {
                let word: &[u8] = if *rw { b"rw" } else { b"ro" };
                self.receive(self.conn(*back), word);
            }
            Step::Bytes(back, bytes) => self.receive(self.conn(*back), bytes),
            Step::Cut(back) => {
                if let Some(conn) = self.conn(*back) {
                    self.session.handle(Input::Disconnected(conn, Cut::Closed), now);
                }
            }
            Step::Transmit(back, n) => {
                if let Some(conn) = self.conn(*back) {
                    let mut slices: [&[u8]; 4] = [&[]; 4];
                    let used = self.session.transmit(conn, &mut slices);
                    let bytes = slices[..used].concat();
                    let taken = &bytes[..bytes.len().min(usize::from(*n))];
                    if taken != b"isro" {
                        self.served.takes(conn, taken);
                    }
                    self.seen.push(format!("{bytes:?}"));
                    self.session.transmitted(conn, usize::from(*n).min(bytes.len()));
                }
            }
            _ => {}
        }
    }

    fn receive(&mut self, conn: Option<ConnId>, bytes: &[u8]) {
        if let Some(conn) = conn {
            self.session.receive_buffer(conn).extend_from_slice(bytes);
            self.session.handle(Input::Received(conn), self.now);
        }
    }

    fn listen(&mut self) {
        for round in 0.. {
            assert!(round < 10_000, "an endless loop of outputs");
            let Some(output) = self.session.poll() else { break };
            match &output {
                Output::Connect(conn, _) => self.conns.push(*conn),
                Output::Completed(..) => self.completed += 1,
                Output::Disconnect(_) | Output::Notified(..) | Output::State(_) => {}
            }
            if !matches!(self.session.state(), SessionState::ReadOnly { .. }) {
                self.session.recent_frames().for_each(drop);
            }
            self.seen.push(format!("{output:?}"));
        }
        let statistics = self.session.statistics();
        assert_eq!(statistics.queued + statistics.in_flight, self.session.call_count());
        self.seen.push(format!(
            "{:?} {:?} {statistics:?}",
            self.session.state(),
            self.session.poll_timeout()
        ));
    }
}

fn request(what: u8) -> Request {
    let path = Path::new(["/a", "/b", "/"][usize::from(what) % 3]).expect("a path");
    match what % 8 {
        0 => GetData { path, watch: true }.into(),
        1 => Exists { path, watch: true }.into(),
        2 => SetData { path, data: Some(vec![what; usize::from(what) * 64].into()), version: Version::ANY }
            .into(),
        3 => Sync { path }.into(),
        4 => AddWatch { path, mode: AddWatchMode::Persistent }.into(),
        5 => AddWatch { path, mode: AddWatchMode::PersistentRecursive }.into(),
        6 => auth(what / 8).into(),
        _ => GetChildren2 { path, watch: true }.into(),
    }
}

fn event(kind: u8, at: u8) -> Vec<u8> {
    let kinds = [
        EventKind::NodeCreated,
        EventKind::NodeDeleted,
        EventKind::NodeDataChanged,
        EventKind::NodeChildrenChanged,
        EventKind::Unknown(77),
    ];
    let kind = kinds[usize::from(kind) % kinds.len()];
    let path = ["/app/a", "/app/b", "/app", "/app/a/c", "/zookeeper/config"][usize::from(at) % 5];
    let event = WatcherEvent { kind, state: KeeperState::SyncConnected, path: path.into() };
    let mut bytes = Vec::new();
    proto::encode_event(&event, Zxid::new(-1), &mut bytes);
    bytes
}

fn greeting(id: i64, timeout: u16, read_only: bool) -> Vec<u8> {
    let response = ConnectResponse {
        timeout_ms: timeout.into(),
        session: SessionId::new(id),
        password: Password::zero(),
        read_only: Some(read_only),
    };
    let mut bytes = Vec::new();
    proto::encode_connect_response(&response, &mut bytes);
    bytes
}

fn reply(xid: i32, ok: bool) -> Vec<u8> {
    let answer = script::data("x");
    let result = if ok { Ok(&answer) } else { Err(Code::NoNode) };
    let mut bytes = Vec::new();
    proto::encode_reply(Xid::new(xid), Zxid::new(i64::from(xid) + 10), result, &mut bytes);
    bytes
}

proptest! {
    // `PROPTEST_CASES` sets how many schedules.

    #[test]
    fn any_order_of_calls_ends_every_call_once_and_repeats_exactly(
        kind in any::<u16>(),
        steps in prop::collection::vec(step(), 0..160),
    ) {
        prop_assert_eq!(run(kind, &steps), run(kind, &steps));
    }
}
