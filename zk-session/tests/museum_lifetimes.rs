//! From the museum of bugs of clients: how sessions begin, last and end.

#[macro_use]
mod script;

use std::time::Duration;

use script::{Script, T, create, created, data, path, show};
use zk_session::ops::{AddWatch, AddWatchMode, Exists, GetChildren2, NodeChildren, Reply, WatchAdded};
use zk_session::proto::Children;
use zk_session::{
    CallOptions, Code, Ended, Error, Input, OnExpiry, Output, Refusal, SessionState, Stat, Why,
};

const MS: Duration = Duration::from_millis(1);

/// What a driver does while no server answers: every dial fails at once, or (`black`) hangs. Returns what else is told,
/// each with the time since `from`.
fn outage(script: &mut Script, time: Duration, black: bool) -> Vec<(Duration, String)> {
    let (from, mut told) = (script.now, Vec::new());
    loop {
        while let Some(output) = script.session.poll() {
            if let Output::Connect(conn, _) = output {
                script.conn = Some(conn);
                if !black {
                    script.cut();
                }
            } else if !matches!(output, Output::Disconnect(_)) {
                told.push((script.now.since(from), show(&output)));
            }
        }
        match script.session.poll_timeout() {
            Some((due, _)) if due.since(from) <= time => script.pass(due.since(script.now)),
            _ => {
                script.now = from + time;
                return told;
            }
        }
    }
}

/// ZOOKEEPER-4508: with all servers gone for good, the client went on trying, and nobody was ever told that the session
/// was over.
#[test]
fn museum_s001_without_any_server_the_session_ends_by_its_own_clock() {
    holds_but_not_if_wrong!([WaitsForTheEnd, WaitsInSilence, ForgetsTheWaiting], |config| {
        for black in [false, true] {
            let mut config = config("a,b,c");
            config.on_expiry = OnExpiry::Stop;
            let mut script = Script::linked(config);
            script.get("/a", false);
            script.sent();
            script.reply(1, 7, Ok(data("x")));
            script.get("/b", false);
            script.sent();
            script.expect(&["call 1 ok"]);
            let told = outage(&mut script, T, black);
            let suspended =
                [(T * 2 / 3, "call 2 MaybeApplied(ConnectionLost)".into()), (T * 2 / 3, "suspended".into())];
            assert_eq!(told, suspended);
            script.get("/c", false);
            let told = outage(&mut script, T * 5, black);
            let ended = [(T / 3, "call 3 NotSent(Ended(Expired))".into()), (T / 3, "Ended(Expired)".into())];
            assert_eq!(told, ended);
            assert_eq!(script.session.poll_timeout(), None, "there is nothing more to try");
            let late = script.session.submit(create("/d"), CallOptions::default(), script.now);
            assert_eq!(late.expect_err("over").why, Refusal::Ended(Ended::Expired));
        }
    });
}

/// ZOOKEEPER-4921: the cure of the above also ended sessions that no server had ever granted, so that clients which were
/// started before their servers gave up.
#[test]
fn museum_s002_a_session_that_was_never_granted_does_not_expire() {
    holds_but_not_if_wrong!([EndsWhatNeverWas], |config| {
        for black in [false, true] {
            let mut script = Script::new(config("a"));
            script.get("/a", false);
            assert_eq!(outage(&mut script, T * 10, black), []);
            if black {
                script.cut();
            }
            script.dialed_later();
            assert_eq!(script.connected().session.raw(), 0);
            script.accept(5);
            script.expect(&["connected 0x5 new"]);
            assert_eq!(script.sent(), ["1 getData /a"]);

            let mut limited = config("a");
            limited.establish_timeout = Some(T * 3);
            let mut script = Script::new(limited);
            script.get("/a", false);
            let told = outage(&mut script, T * 10, black);
            let ended = ["call 1 NotSent(Ended(NotEstablished))", "Ended(NotEstablished)"];
            assert_eq!(told, ended.map(|text| (T * 3, text.into())));
        }
    });
}

/// kezhuw 280ae6f: when the session had expired while the ensemble was down, watchers were told that the client had been
/// closed, which nobody had asked for.
#[test]
fn museum_s008_watchers_and_state_say_expired_and_not_closed() {
    holds_but_not_if_wrong!([CallsItClosed, WaitsForTheEnd], |config| {
        let mut script = Script::linked(config("a,b"));
        script.get("/data", true);
        script.submit(Exists { path: path("/exist"), watch: true });
        script.submit(GetChildren2 { path: path("/child"), watch: true });
        script.submit(AddWatch { path: path("/lasting"), mode: AddWatchMode::Persistent });
        script.submit(AddWatch { path: path("/below"), mode: AddWatchMode::PersistentRecursive });
        script.sent();
        script.reply(1, 7, Ok(data("x")));
        script.reply(2, 7, Err(Code::NoNode));
        let children = NodeChildren { children: Children::default(), stat: Stat::default() };
        script.reply(3, 7, Ok(Reply::GetChildren2(children)));
        script.reply(4, 7, Ok(Reply::AddWatch(WatchAdded { error: None })));
        script.reply(5, 7, Ok(Reply::AddWatch(WatchAdded { error: None })));
        script.expect(&["call 1 ok", "call 2 NoNode", "call 3 ok", "call 4 ok", "call 5 ok"]);
        script.cut();
        script.expect(&["suspended"]);
        let told = outage(&mut script, T * 2, false);
        let mut expected: Vec<_> =
            (1..=5).map(|call| (T * 4 / 3, format!("call {call} ended Expired"))).collect();
        expected.push((T * 4 / 3, "Ended(Expired)".into()));
        assert_eq!(told, expected);
        assert_eq!(script.session.state(), &SessionState::Ended(Ended::Expired));
    });
}

/// go-zookeeper e37691e: a mere connection reset made the client begin a new session, so that its ephemeral nodes went away
/// a while later.
#[test]
fn museum_s009_a_reset_connection_costs_a_connection_and_not_the_session() {
    holds_but_not_if_wrong!([DiesWithItsConnection], |config| {
        let mut script = Script::new(config("a,b"));
        script.dialed();
        script.connected();
        script.receive(&script::greeting_with(5, T, b"sixteen of bytes"));
        script.expect(&["connected 0x5 new"]);
        script.submit(create("/mine"));
        script.sent();
        script.reply(1, 7, created("/mine"));
        script.cut();
        script.expect(&["call 1 ok", "suspended"]);
        script.pass(100 * MS);
        script.dialed();
        let handshake = script.connected();
        assert_eq!((handshake.session.raw(), handshake.last_zxid.raw()), (5, 7));
        assert_eq!(handshake.password.as_bytes(), b"sixteen of bytes");
        script.accept(5);
        script.expect(&["connected 0x5 resumed"]);
    });
}

/// CURATOR-561: whoever had to tell that the session had expired failed once, the event was lost, and the client was expiring
/// for ever.
#[test]
fn museum_s012_the_end_is_a_level_and_not_only_an_edge() {
    holds_but_not_if_wrong!([WaitsForTheEnd, ForgetsTheWaiting], |config| {
        let mut script = Script::linked(config("a"));
        script.cut();
        script.expect(&["suspended"]);
        script.get("/a", false);
        // From here on nobody listens.
        script.now = script.now + T * 2;
        for _ in 0..3 {
            script.session.handle(Input::Timeout, script.now);
            assert_eq!(script.session.state(), &SessionState::Ended(Ended::Expired));
            assert_eq!(script.session.poll_timeout(), None);
        }
        let late = script.session.submit(create("/b"), CallOptions::default(), script.now);
        assert_eq!(late.expect_err("over").why, Refusal::Ended(Ended::Expired));
        let mut next = script.session.successor(script.now).expect("the client goes on");
        assert!(matches!(next.poll(), Some(Output::State(SessionState::Connecting))));
        // Whoever listens at last hears all of it, once.
        script.expect(&["call 1 NotSent(Ended(Expired))", "Ended(Expired)"]);
    });
}

/// CURATOR-525: a slow task told that the session was lost after the connection had been repaired, and the client was a
/// zombie from then on.
#[test]
fn museum_s013_a_loss_that_was_repaired_is_not_told_any_more() {
    holds_but_not_if_wrong!([KeepsItsOldLease], |config| {
        let mut script = Script::linked(config("a"));
        script.session.hold(true, script.now);
        script.sent();
        script.pass(T / 3);
        script.cut();
        script.expect(&["suspended"]);
        let end = script.session.lease_end();
        script.dialed_later();
        script.connected();
        script.accept(5);
        script.expect(&["connected 0x5 resumed"]);
        script.sent();
        // The instant at which the loss would have been told.
        script.pass(end.since(script.now));
        script.expect(&[]);
        assert!(script.session.state().is_connected());
    });
    // If both have come when the driver wakes up, they are told in their order.
    let mut script = Script::linked(script::config("a"));
    script.session.hold(true, script.now);
    script.cut();
    script.expect(&["suspended"]);
    script.dialed_later();
    script.connected();
    script.now = script.session.lease_end();
    script.accept(5);
    script.expect(&["LeaseExpired", "connected 0x5 resumed"]);
}

/// CURATOR-460: how long a connection may be suspended was measured against another budget than the timeout that the
/// server had granted.
#[test]
fn museum_s014_a_loss_is_measured_by_the_timeout_that_was_granted() {
    holds_but_not_if_wrong!([CountsByItsWish], |config| {
        let granted = T / 2;
        for (away, survives) in [(granted, true), (granted * 4 / 3 - MS, true), (granted * 4 / 3, false)] {
            let mut script = Script::new(config("a"));
            script.dialed();
            script.connected();
            script.accept_with(5, granted);
            script.expect(&["connected 0x5 new"]);
            script.session.hold(true, script.now);
            script.cut();
            script.expect(&["suspended"]);
            let (lost, lease) = (script.now, script.session.lease_end());
            assert!(lease.since(lost) < granted && lease.since(lost) > granted * 9 / 10);
            let told = outage(&mut script, away, true);
            assert_eq!(told[0], (lease.since(lost), "LeaseExpired".into()));
            assert_eq!(told.len(), if survives { 1 } else { 2 }, "after {away:?}: {told:?}");
            let is_over = matches!(script.session.state(), SessionState::Ended(Ended::Expired));
            assert_eq!(is_over, !survives, "after {away:?}");
        }
    });
}

/// Kazoo #241: after a laptop had slept, the listener that was told of the new connection made its ephemeral nodes again and
/// hung, since it ran where their replies were to be handled.
#[test]
fn museum_s015_after_a_long_sleep_the_client_goes_on_with_a_new_session() {
    holds_but_not_if_wrong!([WaitsForTheEnd, WaitsInSilence], |config| {
        let mut script = Script::linked(config("a"));
        script.get("/a", false);
        script.sent();
        script.now = script.now + T * 5;
        script.session.handle(Input::Timeout, script.now);
        script.expect(&["disconnect", "call 1 MaybeApplied(ConnectionLost)", "suspended", "Ended(Expired)"]);
        assert_eq!(script.session.statistics().pauses, 1);
        script.session = script.session.successor(script.now).expect("the client goes on");
        // The listener is told of each state and asks for its nodes before it returns.
        for path in ["/b", "/c"] {
            script.submit(create(path));
        }
        script.expect(&["Connecting"]);
        script.dialed_later();
        script.connected();
        script.accept(6);
        script.expect(&["connected 0x6 new"]);
        assert_eq!(script.sent(), ["1 create /b", "2 create /c"]);
        for (xid, text) in [(1, "/b"), (2, "/c")] {
            script.reply(xid, 9, created(text));
        }
        script.expect(&["call 2 ok", "call 3 ok"]);
        script.session.close(script.now);
        assert_eq!(script.sent(), ["3 closeSession"]);
        script.reply(3, 10, Ok(Reply::CloseSession(())));
        script.expect(&["disconnect", "Ended(Closed)"]);
    });
}

/// ZOOKEEPER-417: a create that a slow server had kept to itself was executed after the client had moved to another server
/// and found the node missing there.
#[test]
fn museum_s011_a_stray_request_may_have_been_applied() {
    holds_but_not_if_wrong!([CallsItUnsent], |config| {
        let mut script = Script::linked(config("a,b"));
        let create = script.submit(create("/a"));
        script.sent();
        script.pass(T * 2 / 3);
        let outputs: Vec<_> = std::iter::from_fn(|| script.session.poll()).collect();
        let lost = Output::Completed(create, Err(Error::MaybeApplied(Why::ConnectionLost)));
        assert!(outputs.contains(&lost), "{outputs:?}");
        let old = script.conn;
        script.dialed_later();
        script.connected();
        script.accept(5);
        script.expect(&["connected 0x5 resumed"]);
        let version = zk_session::Version::ANY;
        script.submit(zk_session::ops::Delete { path: path("/a"), version });
        script.sent();
        script.reply(2, 9, Err(Code::NoNode));
        script.expect(&["call 2 NoNode"]);
        // What the first server says at last is said to nobody.
        script.conn = old;
        script.reply(1, 10, created("/a"));
        script.expect(&[]);
        assert_eq!(script.session.last_zxid().raw(), 9);
    });
}
