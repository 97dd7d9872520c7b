//! What is refused for its size or number, what a session counts, and what it remembers of the last frames.

mod script;

use std::time::Duration;

use script::links::path;
use script::{Script, T, config, data};
use zk_session::ops::{Batch, Check, Delete, GetData, Multi, MultiRead, Reply, Request, SetData};
use zk_session::proto::Wire;
use zk_session::{
    CallId, CallOptions, Code, Config, Direction, Input, Misuse, Order, Refusal, Statistics, Version, Zxid,
};

fn set(at: &str, length: usize) -> Request {
    SetData { path: path(at), data: Some(vec![b'x'; length].into()), version: Version::ANY }.into()
}

/// What becomes of the request; the frame that it comes to, if it is taken.
fn sent(config: Config, request: Request) -> Result<usize, Refusal> {
    let mut script = Script::linked(config);
    let taken = script.session.submit(request, CallOptions::default(), script.now);
    taken.map_err(|refused| refused.why)?;
    Ok(script.take_bytes(usize::MAX) - 4)
}

fn limited(servers: &str, limit: usize) -> Config {
    let mut config = config(servers);
    config.request_length_max = limit;
    config
}

#[test]
fn a_request_is_as_long_as_its_frame_with_the_chroot() {
    for servers in ["a", "a/app", "a/a/very/long/chroot"] {
        let checks = |count| {
            let check = Check { path: path("/x/y"), version: Version::ANY };
            Request::from(Multi { ops: Batch(vec![check.into(); count]) })
        };
        let reads = |count| {
            let read = GetData { path: path("/x/y"), watch: false };
            Request::from(MultiRead { ops: Batch(vec![read.into(); count]) })
        };
        let root = Request::from(SetData { path: path("/"), data: None, version: Version::ANY });
        for request in [
            set("/a", 100),
            set("/a/b", 0),
            root,
            checks(1),
            checks(40),
            reads(40),
            GetData::config(false).into(),
        ] {
            let length = sent(limited(servers, 1_000_000), request.clone()).expect("no limit to speak of");
            assert_eq!(sent(limited(servers, length), request.clone()), Ok(length), "{servers} {request:?}");
            let refused = sent(limited(servers, length - 1), request.clone());
            let too_long = Refusal::Misuse(Misuse::TooLong { length, limit: length - 1 });
            assert_eq!(refused, Err(too_long), "{servers} {request:?}");
        }
    }
}

#[test]
fn a_stalled_link_holds_so_many_bytes_and_calls() {
    let mut config = config("a");
    config.queued_length_max = 10_000;
    config.calls_max = 20;
    let mut script = Script::new(config);
    // One call always may wait, however long it is.
    script.submit(set("/a", 50_000));
    let refused = |script: &mut Script, request| {
        script.session.submit(request, CallOptions::default(), script.now).map_err(|refused| refused.why)
    };
    assert_eq!(refused(&mut script, set("/a", 0)), Err(Refusal::Full));
    assert!(script.session.cancel(CallId::new(1)).is_some());
    for _ in 0..9 {
        script.submit(set("/a", 1_000));
    }
    let queued = script.session.statistics();
    assert_eq!(queued.queued, 9);
    assert!((9_000..10_000).contains(&queued.queued_bytes), "{queued:?}");
    assert_eq!(refused(&mut script, set("/a", 1_000)), Err(Refusal::Full));
    for _ in 0..11 {
        script.submit(set("/a", 0));
    }
    assert_eq!(refused(&mut script, set("/a", 0)), Err(Refusal::Full));
    let call = refused(&mut script, script::links::digest("bob:1").into());
    assert_eq!(call, Err(Refusal::Misuse(Misuse::InsecureAuth)));
    script.dialed();
    script.connected();
    script.accept(5);
    script.sent();
    let under_way = script.session.statistics();
    assert_eq!((under_way.queued, under_way.queued_bytes, under_way.in_flight), (0, 0, 20));
    assert_eq!(refused(&mut script, set("/a", 0)), Err(Refusal::Full), "calls under way count");
    script.reply(1, 1, Err(Code::NoNode));
    script.submit(set("/a", 0));
}

#[test]
fn so_many_watches_may_stand() {
    let mut config = config("a");
    config.watches_max = 2;
    let mut script = Script::linked(config);
    for name in ["/a", "/b"] {
        script.read(GetData { path: path(name), watch: true }, 1, data("x"));
    }
    let watch = GetData { path: path("/c"), watch: true };
    let refused = script.session.submit(watch.clone().into(), CallOptions::default(), script.now);
    assert_eq!(refused.expect_err("full").why, Refusal::Full);
    script.get("/c", false);
    script.session.unwatch(CallId::new(1));
    script.submit(watch);
}

#[test]
fn statistics_tell_how_a_session_fared() {
    let mut script = Script::linked(config("a,b"));
    let begin = Statistics::default();
    assert_eq!((begin.tries, begin.round_trip), (0, None));
    script.get("/a", false);
    script.sent();
    script.pass(Duration::from_millis(80));
    script.reply(1, 1, Ok(data("x")));
    assert_eq!(script.session.statistics().round_trip, Some(Duration::from_millis(80)));
    script.get("/a", false);
    script.sent();
    script.pass(Duration::from_millis(160));
    script.reply(2, 1, Ok(data("x")));
    assert_eq!(script.session.statistics().round_trip, Some(Duration::from_millis(90)));
    script.read(GetData { path: path("/a"), watch: true }, 1, data("x"));
    script.session.hold(true, script.now);
    script.relinked();
    script.get("/b", false);
    let now = script.session.statistics();
    assert_eq!((now.tries, now.links, now.losses), (2, 2, 1));
    assert_eq!((now.watches, now.holders, now.queued), (1, 1, 1));
    assert!(now.staged_bytes > 0, "the watch is to be restored");
    assert_eq!(now.pauses, 0);
}

#[test]
fn a_driver_that_comes_late_is_noticed() {
    let mut script = Script::linked(config("a"));
    let (due, _) = script.session.poll_timeout().expect("a duty");
    let late = |script: &mut Script, by: Duration| {
        script.now = due + by;
        script.session.handle(Input::Timeout, script.now);
        script.session.statistics()
    };
    assert_eq!(late(&mut script, T / 10 - Duration::from_millis(1)).pauses, 0);
    script.sent();
    script.reply(-2, 1, Ok(Reply::Ping(())));
    let (due, _) = script.session.poll_timeout().expect("a duty");
    script.now = due + T / 4;
    script.session.handle(Input::Timeout, script.now);
    let statistics = script.session.statistics();
    assert_eq!((statistics.pauses, statistics.pause_longest), (1, T / 4));
}

#[test]
fn the_last_frames_are_remembered_and_nothing_of_what_they_carried() {
    let mut script = Script::linked(config("a"));
    let conn = script.conn.expect("a connection");
    script.submit(Delete { path: path("/secret-name"), version: Version::ANY });
    script.sent();
    script.pass(Duration::from_millis(5));
    script.reply(1, 9, Err(Code::NotEmpty));
    script.event(zk_session::EventKind::NodeDeleted, "/secret-name");
    let notes: Vec<_> = script.session.recent_frames().copied().collect();
    let [request, reply, event] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!(
        (request.direction, request.xid.raw(), request.code, request.conn),
        (Direction::Out, 1, 2, conn)
    );
    assert_eq!((reply.direction, reply.xid.raw(), reply.code), (Direction::In, 1, Code::NotEmpty.raw()));
    assert_eq!(
        (reply.zxid, reply.length, reply.at.since(request.at)),
        (Zxid::new(9), 16, Duration::from_millis(5))
    );
    assert_eq!((event.xid.raw(), event.length), (-1, 16 + 8 + 4 + "/secret-name".len()));
    let delete = Delete { path: path("/secret-name"), version: Version::ANY };
    assert_eq!(request.length, 8 + delete.encoded_len());
    assert!(!format!("{notes:?}").contains("secret"));
    for number in 0..1_000 {
        let options = CallOptions { order: Order::Free, ..CallOptions::default() };
        let read = GetData { path: path(&format!("/{number}")), watch: false };
        script.session.submit(read.into(), options, script.now).expect("taken");
        script.sent();
    }
    let xids: Vec<_> = script.session.recent_frames().map(|note| note.xid.raw()).collect();
    assert_eq!(xids, (746..=1_001).collect::<Vec<_>>());
}
