//! What proves that a session lives, how long that is good for, and what is sent while somebody relies on it.

mod script;

use std::time::Duration;

use script::links::path;
use script::{Script, T, data};
use zk_session::ops::{
    Batch, Check, Delete, GetData, Multi, MultiReply, MultiResult, Reply, Request, SetData, Sync, Synced,
};
use zk_session::{
    CallOptions, Code, Config, Instant, KeepAlive, Refusal, SessionState, Stat, Unlinked, Version,
};

/// What a transaction that is answered proves: the least that its leader can have known.
const PROOF: Duration = Duration::from_nanos(T.as_nanos() as u64 * 5 / 12 - T.as_nanos() as u64 / 1_000);

fn config(servers: &str) -> Config {
    script::config(servers)
}

fn checked(error: Option<Code>) -> Reply {
    let result = error.map_or(MultiResult::Checked, |code| MultiResult::Error(Some(code)));
    Reply::Multi(MultiReply { results: Batch(vec![result]) })
}

fn confirmation(at: &str) -> Request {
    let check = Check { path: path(at), version: Version::ANY };
    Multi { ops: Batch(vec![check.into()]) }.into()
}

fn proven(script: &Script) -> Option<Instant> {
    script.session.proven_until()
}

#[test]
fn a_confirmation_is_a_transaction_that_changes_nothing() {
    for (servers, root) in [("a", "/"), ("a/app", "/app")] {
        let mut script = Script::linked(config(servers));
        assert_eq!(proven(&script), None);
        let sent = script.now;
        script.session.confirm(CallOptions::default(), script.now).expect("taken");
        assert_eq!(script.sent_requests(), [(1, confirmation(root))]);
        script.pass(T / 4);
        assert_eq!(proven(&script), None);
        script.reply(1, 3, Ok(checked(None)));
        script.expect(&["call 1 ok"]);
        assert_eq!(proven(&script), Some(sent + PROOF), "it counts from when it was sent");
    }
}

#[test]
fn every_transaction_of_the_session_is_a_proof_and_nothing_else_is() {
    let write = SetData { path: path("/a"), data: None, version: Version::ANY };
    let delete = Delete { path: path("/a"), version: Version::ANY };
    let read = GetData { path: path("/a"), watch: false };
    for (request, answer, proves) in [
        (write.clone().into(), Ok(Reply::SetData(Stat::default())), true),
        (delete.into(), Ok(Reply::Delete(())), true),
        (confirmation("/"), Ok(checked(Some(Code::NoNode))), true),
        (read.into(), Ok(data("x")), false),
        (Request::from(Sync { path: path("/") }), Ok(Reply::Sync(Synced { path: path("/") })), false),
        // A server without a quorum says this of itself.
        (write.into(), Err(Code::NotReadOnly), false),
    ] {
        let mut script = Script::linked(config("a"));
        script.submit(request.clone());
        script.sent();
        script.reply(1, 3, answer);
        assert_eq!(proven(&script).is_some(), proves, "{request:?}");
    }
}

#[test]
fn a_proof_outlasts_its_link_and_is_never_taken_back() {
    let mut script = Script::linked(config("a"));
    script.session.confirm(CallOptions::default(), script.now).expect("taken");
    script.sent();
    script.reply(1, 3, Ok(checked(None)));
    let first = proven(&script);
    script.cut_and_dialed();
    assert_eq!(proven(&script), first);
    script.accept(5);
    script.session.confirm(CallOptions::default(), script.now).expect("taken");
    let xid = script.last_sent();
    script.cut();
    script.reply_late(xid);
    assert_eq!(proven(&script), first, "an answer that was lost proves nothing");
}

#[test]
fn a_session_in_the_place_of_another_has_its_own_proofs() {
    let mut script = Script::linked(config("a"));
    script.session.confirm(CallOptions::default(), script.now).expect("taken");
    script.sent();
    script.reply(1, 3, Ok(checked(None)));
    script.cut_and_dialed();
    script.expire(false);
    let next = script.session.successor(script.now).expect("renewed");
    assert_eq!(next.proven_until(), None);
}

#[test]
fn who_may_not_wait_is_not_confirmed_without_a_link() {
    let mut script = Script::new(config("a"));
    let options = CallOptions { unlinked: Some(Unlinked::Refuse), ..CallOptions::default() };
    let refused = script.session.confirm(options, script.now).expect_err("no link");
    assert_eq!((refused.why, *refused.request), (Refusal::Unlinked, confirmation("/")));
}

/// What a session sends, and when, while it is held and every request is answered at once.
fn held(keep_alive: KeepAlive) -> (Script, Vec<(u128, String)>) {
    let mut config = config("a/app");
    config.keep_alive = keep_alive;
    let mut script = Script::linked(config);
    let begin = script.now;
    script.session.hold(true, script.now);
    let mut sent = Vec::new();
    while script.now.since(begin) < T {
        for (xid, request) in script.sent_requests() {
            let name = format!(
                "{} {:?}",
                request.opcode().name(),
                request.path().map(|path| path.as_str().to_owned())
            );
            sent.push((script.now.since(begin).as_millis(), name));
            let answer = if keep_alive == KeepAlive::Ping {
                Reply::Ping(())
            } else if keep_alive == KeepAlive::Commit {
                checked(None)
            } else {
                Reply::Sync(Synced { path: path("/app") })
            };
            script.reply(xid, 3, Ok(answer));
        }
        script.pass(Duration::from_millis(500));
        script.expect(&[]);
    }
    (script, sent)
}

#[test]
fn what_is_held_is_proven_every_sixth_of_the_timeout() {
    let every = |name: &str| [0, 2, 4, 6, 8, 10].map(|second| (second * 1_000, name.to_owned())).to_vec();
    let (script, sent) = held(KeepAlive::Sync);
    assert_eq!(sent, every("sync Some(\"/app\")"));
    assert_eq!(proven(&script), None);
    let (script, sent) = held(KeepAlive::Commit);
    assert_eq!(sent, every("multi None"));
    assert!(proven(&script).expect("proven") > script.now + T / 5);
    let (script, sent) = held(KeepAlive::Ping);
    assert_eq!(sent, every("ping None"));
    assert!(script.session.lease_end() > script.now + T / 3, "pings are taken for signs of life");
    assert_eq!(proven(&script), None);
}

#[test]
fn who_lets_go_is_proven_no_more() {
    for keep_alive in [KeepAlive::Sync, KeepAlive::Commit, KeepAlive::Ping] {
        let (mut script, _) = held(keep_alive);
        for (xid, _) in script.sent_requests() {
            let answer = if xid == -2 { Reply::Ping(()) } else { checked(None) };
            script.reply(xid, 3, if keep_alive == KeepAlive::Sync { Err(Code::NoAuth) } else { Ok(answer) });
        }
        script.session.hold(false, script.now);
        script.pass(T / 3 - Duration::from_millis(1));
        assert!(script.sent().is_empty(), "{keep_alive:?}");
        script.pass(Duration::from_millis(1));
        assert_eq!(script.sent(), ["-2 ping"]);
    }
}

#[test]
fn a_lease_that_runs_out_is_told_and_can_come_back() {
    let mut script = Script::linked(config("a"));
    script.session.hold(true, script.now);
    assert_eq!(script.sent(), ["1 sync /"]);
    let lease = script.session.lease_end();
    // The server answers pings and cannot answer what needs its leader.
    while script.now < lease {
        script.pass((T / 12).min(lease.since(script.now)));
        for (xid, _) in script.sent_requests() {
            assert_eq!(xid, -2);
            script.event(zk_session::EventKind::NodeCreated, "/sign-of-life");
        }
        script.event(zk_session::EventKind::NodeCreated, "/sign-of-life");
    }
    script.expect(&["LeaseExpired"]);
    assert_eq!(script.session.state(), &SessionState::LeaseExpired);
    // The answer alone proves the past; one to a request that was sent later proves more.
    script.reply(1, 3, Ok(Reply::Sync(Synced { path: path("/") })));
    script.expect(&[]);
    for _ in 0..3 {
        script.pass(T / 3);
        for (xid, _) in script.sent_requests() {
            let synced = Reply::Sync(Synced { path: path("/") });
            script.reply(xid, 3, Ok(if xid == -2 { Reply::Ping(()) } else { synced }));
        }
    }
    script.expect(&["connected 0x5 resumed"]);
    assert!(script.session.lease_end() > script.now);
}

trait Late {
    fn reply_late(&mut self, xid: i32);
}

impl Late for Script {
    /// An answer comes on a connection that is gone.
    fn reply_late(&mut self, xid: i32) {
        self.reply(xid, 4, Ok(checked(None)));
    }
}
