//! Determinism, and the absence of panics and endless loops under any order of calls and any bytes.

mod script;

use std::time::Duration;

use proptest::prelude::*;
use script::config;
use zk_session::ops::{Exists, GetData, Request, SetData, Sync};
use zk_session::proto::{self, ConnectResponse, Password};
use zk_session::{
    CallId, CallOptions, ConnId, Cut, Input, Instant, Output, Path, Session, SessionId, Version, Xid, Zxid,
};

/// What a driver, a user or a server may do next.
#[derive(Clone, Debug)]
enum Step {
    Submit(u8, Option<u16>),
    Cancel(u8),
    Unwatch(u8),
    Hold(bool),
    Close,
    Abort,
    Connected(u8),
    Accept(u8, i64, u16),
    Reply(u8, i32, bool),
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
        6 => (any::<u8>(), any::<Option<u16>>()).prop_map(|(what, deadline)| Step::Submit(what, deadline)),
        1 => any::<u8>().prop_map(Step::Cancel),
        1 => any::<u8>().prop_map(Step::Unwatch),
        1 => any::<bool>().prop_map(Step::Hold),
        1 => Just(Step::Succeed),
        6 => conn.clone().prop_map(Step::Connected),
        6 => (conn.clone(), -1_i64..3, 0_u16..9000).prop_map(|(conn, id, timeout)| Step::Accept(conn, id, timeout)),
        6 => (conn.clone(), -8_i32..6, any::<bool>()).prop_map(|(conn, xid, ok)| Step::Reply(conn, xid, ok)),
        2 => (conn.clone(), prop::collection::vec(any::<u8>(), 0..64)).prop_map(|(conn, bytes)| Step::Bytes(conn, bytes)),
        2 => conn.clone().prop_map(Step::Cut),
        6 => (conn, any::<u16>()).prop_map(|(conn, n)| Step::Transmit(conn, n)),
        6 => Just(Step::Timeout),
        6 => (0_u16..6000).prop_map(Step::Pass),
        1 => any::<u16>().prop_map(Step::Back),
    ]
}

/// Carries the steps out, then aborts or closes; returns everything that could be seen from outside.
fn run(steps: &[Step]) -> Vec<String> {
    let mut seen = Vec::new();
    let mut conns: Vec<ConnId> = Vec::new();
    let mut now = Instant::from_nanos(1 << 40);
    let mut session = Session::new(config("a,b/app"), now);
    let mut submitted = 0_u64;
    let mut completed = 0_u64;
    let mut cancelled = 0_u64;
    for step in steps.iter().chain([&Step::Close, &Step::Abort]) {
        // The newest connection is number 0.
        let conn = |back: u8| conns.len().checked_sub(usize::from(back) + 1).map(|index| conns[index]);
        match step {
            Step::Submit(what, deadline) => {
                let deadline = deadline.map(|millis| now + Duration::from_millis(u64::from(millis)));
                submitted += u64::from(
                    session
                        .submit(request(*what), CallOptions { deadline, ..CallOptions::default() }, now)
                        .is_ok(),
                );
            }
            Step::Cancel(call) => {
                cancelled += u64::from(session.cancel(CallId::new((*call).into())).is_some())
            }
            Step::Unwatch(call) => session.unwatch(CallId::new((*call).into())),
            Step::Hold(more) => session.hold(*more, now),
            Step::Close => session.close(now),
            Step::Abort => session.abort(),
            Step::Connected(back) => {
                if let Some(conn) = conn(*back) {
                    session.handle(Input::Connected(conn), now);
                }
            }
            Step::Accept(back, id, timeout) => {
                receive(&mut session, conn(*back), now, &greeting(*id, *timeout))
            }
            Step::Reply(back, xid, ok) => receive(&mut session, conn(*back), now, &reply(*xid, *ok)),
            Step::Bytes(back, bytes) => receive(&mut session, conn(*back), now, bytes),
            Step::Cut(back) => {
                if let Some(conn) = conn(*back) {
                    session.handle(Input::Disconnected(conn, Cut::Closed), now);
                }
            }
            Step::Transmit(back, n) => {
                if let Some(conn) = conn(*back) {
                    let mut slices: [&[u8]; 4] = [&[]; 4];
                    let used = session.transmit(conn, &mut slices);
                    seen.push(format!("{:?}", slices[..used].concat()));
                    session.transmitted(conn, usize::from(*n));
                }
            }
            Step::Timeout => {
                if let Some((due, _)) = session.poll_timeout() {
                    now = now.max(due);
                    session.handle(Input::Timeout, now);
                    let next = session.poll_timeout();
                    assert!(next.is_none_or(|(next, _)| next > now), "a timeout at once: {next:?}");
                }
            }
            Step::Pass(millis) => now = now + Duration::from_millis(u64::from(*millis)),
            Step::Back(millis) => {
                now = Instant::from_nanos(now.as_nanos() - u64::from(*millis) * 1_000);
            }
            Step::Succeed => {
                if let Some(next) = session.successor(now) {
                    session = next;
                }
            }
        }
        for round in 0.. {
            assert!(round < 10_000, "an endless loop of outputs");
            let Some(output) = session.poll() else { break };
            match &output {
                Output::Connect(conn, _) => conns.push(*conn),
                Output::Completed(..) => completed += 1,
                Output::Disconnect(_) | Output::Notified(..) | Output::State(_) => {}
            }
            seen.push(format!("{output:?}"));
        }
        seen.push(format!("{:?} {:?}", session.state(), session.poll_timeout()));
    }
    assert_eq!(completed + cancelled, submitted, "every call ends exactly once");
    assert_eq!((session.call_count(), session.watch_count(), session.poll_timeout()), (0, 0, None));
    seen
}

fn request(what: u8) -> Request {
    let path = Path::new(["/a", "/b", "/"][usize::from(what) % 3]).expect("a path");
    match what % 4 {
        0 => GetData { path, watch: true }.into(),
        1 => Exists { path, watch: true }.into(),
        2 => SetData { path, data: Some(vec![what; usize::from(what) * 64].into()), version: Version::ANY }
            .into(),
        _ => Sync { path }.into(),
    }
}

fn greeting(id: i64, timeout: u16) -> Vec<u8> {
    let response = ConnectResponse {
        timeout_ms: timeout.into(),
        session: SessionId::new(id),
        password: Password::zero(),
        read_only: Some(false),
    };
    let mut bytes = Vec::new();
    proto::encode_connect_response(&response, &mut bytes);
    bytes
}

fn reply(xid: i32, ok: bool) -> Vec<u8> {
    let answer = script::data("x");
    let result = if ok { Ok(&answer) } else { Err(zk_session::Code::NoNode) };
    let mut bytes = Vec::new();
    proto::encode_reply(Xid::new(xid), Zxid::new(i64::from(xid) + 10), result, &mut bytes);
    bytes
}

fn receive(session: &mut Session, conn: Option<ConnId>, now: Instant, bytes: &[u8]) {
    if let Some(conn) = conn {
        session.receive_buffer(conn).extend_from_slice(bytes);
        session.handle(Input::Received(conn), now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_order_of_calls_ends_every_call_once_and_repeats_exactly(steps in prop::collection::vec(step(), 0..120)) {
        prop_assert_eq!(run(&steps), run(&steps));
    }
}
