//! Handshakes, signs of life, reconnections, the ends of a session.

mod script;

use std::time::Duration;

use script::{Script, T, config, data};
use zk_session::{CallOptions, Ended, Fault, Instant, OnExpiry, Output, Refusal, SessionState, Timer, Zxid};

#[test]
fn a_handshake_carries_what_the_session_has_seen() {
    let mut script = Script::new(config("a"));
    script.dialed();
    let first = script.connected();
    assert_eq!((first.session.raw(), first.last_zxid, first.timeout_ms), (0, Zxid::ZERO, 12_000));
    script.accept_with(-5, T / 2);
    script.expect(&["connected 0xfffffffffffffffb new"]);
    script.get("/a", false);
    script.sent();
    script.reply(1, 77, Ok(data("x")));
    script.cut();
    script.dialed_later_after(&["call 1 ok", "suspended"]);
    let second = script.connected();
    assert_eq!((second.session.raw(), second.last_zxid, second.timeout_ms), (-5, Zxid::new(77), 12_000));
}

#[test]
fn an_idle_link_is_pinged_and_a_silent_one_is_dropped() {
    let mut script = Script::linked(config("a"));
    script.pass(T / 3 - Duration::from_millis(1));
    assert!(script.sent().is_empty());
    script.pass(Duration::from_millis(1));
    assert_eq!(script.sent(), ["-2 ping"]);
    script.reply(-2, 3, Ok(zk_session::ops::Reply::Ping(())));
    script.pass(T / 3);
    assert_eq!(script.sent(), ["-2 ping"]);
    assert_eq!(script.session.oddities(), zk_session::Oddities::default());
    // No answer this time, though we go on sending.
    script.get("/a", false);
    script.pass(T / 3);
    script.expect(&["disconnect", "call 1 NotSent(ConnectionLost)", "suspended"]);
    assert_eq!(script.session.last_fault(), Some(&Fault::Silence));
}

#[test]
fn pings_go_on_behind_a_long_reply_but_not_behind_a_stalled_transport() {
    let mut script = Script::linked(config("a"));
    // A frame of 256 bytes begins.
    script.receive(&[0, 0, 1, 0]);
    script.pass(T / 3);
    for _ in 0..6 {
        assert_eq!(script.sent(), ["-2 ping"]);
        script.receive(&[0]);
        script.pass(T / 3);
    }
    script.pass(T / 3 - Duration::from_millis(1));
    assert_eq!(script.sent(), ["-2 ping"], "the server does not get two at once");
    script.expect(&[]);
}

#[test]
fn answered_pings_keep_the_lease_of_an_idle_session() {
    let mut script = Script::linked(config("a"));
    for _ in 0..10 {
        script.pass(T / 3);
        assert_eq!(script.sent(), ["-2 ping"]);
        script.reply(-2, 3, Ok(zk_session::ops::Reply::Ping(())));
        assert!(script.session.lease_end() > script.now + T / 4);
    }
    script.session.hold(true, script.now);
    script.pass(T / 6);
    script.expect(&[]);
}

#[test]
fn half_a_handshake_is_no_sign_of_the_sessions_life() {
    let mut script = Script::linked(config("a"));
    let heard = script.now;
    script.cut();
    script.expect(&["suspended"]);
    for _ in 0..1_000 {
        match script.session.poll() {
            Some(Output::Connect(conn, _)) => {
                script.conn = Some(conn);
                script.connected();
                script.receive(&[0, 0, 0]);
            }
            Some(Output::State(SessionState::Ended(Ended::Expired))) => {
                assert_eq!(script.now.since(heard), T * 4 / 3);
                return;
            }
            Some(Output::Disconnect(_)) => {}
            Some(other) => panic!("{other:?}"),
            None => {
                let (due, _) = script.session.poll_timeout().expect("a duty");
                script.pass(due.since(script.now));
            }
        }
    }
    panic!("the session never expires");
}

#[test]
fn what_is_held_goes_on_being_proven_in_the_next_session() {
    let mut script = Script::linked(config("a"));
    script.session.hold(true, script.now);
    script.sent();
    script.cut();
    script.dialed_later_after(&["suspended"]);
    script.connected();
    script.accept_with(0, Duration::ZERO);
    script.session = script.session.successor(script.now).expect("renewed");
    script.dialed_later_after(&["Connecting"]);
    script.connected();
    script.accept(6);
    script.expect(&["connected 0x6 new"]);
    assert_eq!(script.sent(), ["1 sync /"]);
}

#[test]
fn the_newest_transaction_is_never_forgotten_for_an_older_one() {
    let mut script = Script::linked(config("a"));
    // Auth replies carry no transaction, and neither do those of servers before ZOOKEEPER-1412.
    for (xid, zxid) in [(1, 50), (2, 0), (3, -1)] {
        script.get("/a", false);
        script.sent();
        script.reply(xid, zxid, Ok(data("x")));
        script.expect(&[&format!("call {xid} ok")]);
        assert_eq!(script.session.last_zxid(), Zxid::new(50));
    }
}

#[test]
fn a_server_that_goes_back_is_left() {
    let mut script = Script::linked(config("a"));
    script.get("/a", false);
    script.sent();
    script.reply(1, 50, Ok(data("x")));
    script.get("/a", false);
    script.sent();
    script.reply(2, 40, Ok(data("y")));
    script.expect(&["call 1 ok", "disconnect", "call 2 MaybeApplied(ConnectionLost)", "suspended"]);
    assert_eq!(script.session.oddities().zxid_regressions, 1);
    let (seen, got) = (Zxid::new(50), Zxid::new(40));
    assert_eq!(script.session.last_fault(), Some(&Fault::WentBack { seen, got }));
    script.dialed_later();
    assert_eq!(script.connected().last_zxid, Zxid::new(50));
}

#[test]
fn a_busy_link_is_not_pinged() {
    let mut script = Script::linked(config("a"));
    for xid in 1..10 {
        script.get("/a", false);
        assert_eq!(script.sent(), [format!("{xid} getData /a")]);
        script.reply(xid, 9, Ok(data("x")));
        script.pass(T / 3 - Duration::from_millis(1));
        assert!(script.sent().is_empty());
    }
    script.pass(Duration::from_millis(1));
    assert_eq!(script.sent(), ["-2 ping"]);
}

#[test]
fn a_link_that_has_held_makes_the_pauses_short_again() {
    let first = config("a").backoff.first;
    for (held, short) in [(Duration::from_secs(1), false), (Duration::from_secs(6), true)] {
        let mut script = Script::new(config("a"));
        for _ in 0..10 {
            script.dialed();
            script.cut();
            script.pass(T / 4);
        }
        script.dialed();
        script.connected();
        script.accept(5);
        script.pass(held);
        script.cut();
        let (due, _) = script.session.poll_timeout().expect("a pause");
        assert_eq!(due.since(script.now) <= first, short, "{:?} after {held:?}", due.since(script.now));
    }
}

#[test]
fn any_byte_is_a_sign_of_life_but_a_report_without_bytes_is_none() {
    let mut script = Script::linked(config("a"));
    script.pass(T / 3);
    script.receive(&[0]);
    script.pass(T * 2 / 3 - Duration::from_millis(1));
    script.expect(&[]);
    script.receive(&[]);
    script.pass(Duration::from_millis(1));
    script.expect(&["disconnect", "suspended"]);
}

#[test]
fn a_server_that_never_answers_costs_its_share_of_the_timeout() {
    let mut script = Script::new(config("a,b,c"));
    // After a round in vain the servers may be slow: each further round gives twice the time, up to the whole timeout.
    for share in [T / 3, T / 3, T / 3, T * 2 / 3, T * 2 / 3, T * 2 / 3, T, T, T, T] {
        script.dialed();
        script.connected();
        script.pass(share - Duration::from_millis(1));
        script.expect(&[]);
        script.pass(Duration::from_millis(1));
        script.expect(&["disconnect"]);
        assert_eq!(script.session.last_fault(), Some(&Fault::Silence));
        let (due, timer) = script.session.poll_timeout().expect("the engine never gives up");
        assert_eq!(timer, Timer::Dial);
        script.pass(due.since(script.now));
    }
}

#[test]
fn every_end_of_a_session_ends_everything_once_and_tells_the_state_last() {
    type Killing = fn(&mut Script);
    let by_the_server: Killing = |script| {
        script.cut();
        script.dialed_later_after(&["call 2 NotSent(ConnectionLost)", "suspended"]);
        script.connected();
        script.get("/waiting", false);
        script.accept_with(0, Duration::ZERO);
        script.expect(&[
            "disconnect",
            "call 3 NotSent(Ended(Expired))",
            "call 1 ended Expired",
            "Ended(Expired)",
        ]);
    };
    let by_another_session: Killing = |script| {
        script.cut();
        script.dialed_later_after(&["call 2 NotSent(ConnectionLost)", "suspended"]);
        script.connected();
        script.accept(6);
        script.expect(&["disconnect", "call 1 ended Expired", "Ended(Expired)"]);
    };
    let by_silence: Killing = |script| {
        script.cut();
        script.expect(&["call 2 NotSent(ConnectionLost)", "suspended"]);
        let lost = script.now;
        let told = loop {
            match script.session.poll() {
                Some(Output::Connect(conn, _)) => script.conn = Some(conn),
                Some(Output::Disconnect(_)) => {}
                Some(told) => break script::show(&told),
                None => {
                    let (due, _) = script.session.poll_timeout().expect("a duty");
                    script.pass(due.since(script.now));
                }
            }
        };
        assert_eq!(told, "call 1 ended Expired");
        assert_eq!(script.now.since(lost), T * 4 / 3);
        script.expect(&["Ended(Expired)"]);
    };
    for (name, kill) in [("server", by_the_server), ("another", by_another_session), ("silence", by_silence)]
    {
        let mut script = Script::linked(config("a"));
        script.get("/watched", true);
        script.sent();
        script.reply(1, 5, Ok(data("x")));
        script.expect(&["call 1 ok"]);
        script.get("/under/way", false);
        kill(&mut script);
        assert_eq!(script.session.poll_timeout(), None, "{name}");
        let refused =
            script.session.submit(zk_session::ops::Ping {}.into(), CallOptions::default(), script.now);
        assert_eq!(refused.expect_err("ended").why, Refusal::Ended(Ended::Expired), "{name}");
    }
}

#[test]
fn an_expired_session_is_followed_by_a_new_one_if_so_configured() {
    for policy in [OnExpiry::Renew, OnExpiry::Stop] {
        let mut configured = config("a");
        configured.on_expiry = policy;
        let mut script = Script::linked(configured);
        script.get("/a", false);
        script.sent();
        script.reply(1, 42, Ok(data("x")));
        script.cut();
        assert!(script.session.successor(script.now).is_none(), "it may still live");
        script.dialed_later_after(&["call 1 ok", "suspended"]);
        script.connected();
        script.accept_with(0, Duration::ZERO);
        script.expect(&["disconnect", "Ended(Expired)"]);
        let Some(next) = script.session.successor(script.now) else {
            assert_eq!(policy, OnExpiry::Stop);
            continue;
        };
        assert_eq!(policy, OnExpiry::Renew);
        script.session = next;
        script.expect(&["Connecting"]);
        let call = script.get("/b", false);
        assert_eq!(call.number(), 2, "call numbers go on");
        script.dialed_later();
        let handshake = script.connected();
        assert_eq!((handshake.session.raw(), handshake.last_zxid), (0, Zxid::new(42)));
        script.accept(6);
        script.expect(&["connected 0x6 new"]);
        assert_eq!(script.sent(), ["1 getData /b"]);
    }
}

#[test]
fn a_new_session_forgets_transactions_that_no_server_knows() {
    let mut script = Script::linked(config("a,b"));
    script.get("/a", false);
    script.sent();
    script.reply(1, 42, Ok(data("x")));
    script.cut();
    script.dialed_later_after(&["call 1 ok", "suspended"]);
    script.connected();
    script.accept_with(0, Duration::ZERO);
    script.session = script.session.successor(script.now).expect("renewed");
    script.expect(&["Connecting"]);
    // A quorum that is lost for a while looks the same, hence it takes as long as the session timeout.
    let mut refused = None;
    loop {
        script.dialed_later();
        if script.connected().last_zxid == Zxid::ZERO {
            break;
        }
        script.cut();
        refused.get_or_insert(script.now);
        assert!(refused.is_some_and(|first| script.now.since(first) <= 2 * T), "it is never forgotten");
    }
    assert!(refused.is_some_and(|first| script.now.since(first) >= T));
}

#[test]
fn closing_flushes_and_says_so() {
    let mut script = Script::linked(config("a"));
    script.get("/a", false);
    script.session.close(script.now);
    script.session.close(script.now);
    let refused = script.session.submit(zk_session::ops::Ping {}.into(), CallOptions::default(), script.now);
    assert_eq!(refused.expect_err("closing").why, Refusal::Ended(Ended::Closed));
    assert_eq!(script.sent(), ["1 getData /a", "2 closeSession"]);
    script.reply(1, 9, Ok(data("x")));
    script.reply(2, 10, Ok(zk_session::ops::Reply::CloseSession(())));
    script.expect(&["call 1 ok", "disconnect", "Ended(Closed)"]);
    assert!(script.session.successor(script.now).is_none());
}

#[test]
fn closing_ends_in_time_without_a_network_and_retries_with_one() {
    let mut script = Script::linked(config("a"));
    script.session.close(script.now);
    script.sent();
    script.cut();
    script.expect(&["suspended"]);
    let mut retried = script;
    retried.pass(Duration::from_millis(100));
    retried.dialed();
    retried.connected();
    retried.accept(5);
    retried.expect(&["connected 0x5 resumed"]);
    assert_eq!(retried.sent(), ["2 closeSession"]);
    retried.pass(Duration::from_millis(1899));
    retried.expect(&[]);
    retried.pass(Duration::from_millis(1));
    retried.expect(&["disconnect", "Ended(Closed)"]);

    let mut never_linked = Script::new(config("a"));
    never_linked.dialed();
    never_linked.session.close(never_linked.now);
    never_linked.expect(&["disconnect", "Ended(Closed)"]);
}

#[test]
fn a_session_that_expired_while_closing_is_closed() {
    let mut script = Script::linked(config("a"));
    script.session.close(script.now);
    script.sent();
    script.cut();
    script.expect(&["suspended"]);
    script.pass(Duration::from_millis(100));
    script.dialed();
    script.connected();
    script.accept_with(0, Duration::ZERO);
    script.expect(&["disconnect", "Ended(Closed)"]);
}

#[test]
fn servers_are_tried_in_turn_with_pauses_that_grow() {
    let mut script = Script::new(config("a,b,c"));
    let mut tried = Vec::new();
    let mut longest = Duration::ZERO;
    for _ in 0..60 {
        let Some(Output::Connect(conn, server)) = script.session.poll() else { panic!("expected a dial") };
        tried.push(server.host);
        script.conn = Some(conn);
        script.cut();
        let (due, timer) = script.session.poll_timeout().expect("a pause");
        assert_eq!(timer, Timer::Dial);
        longest = longest.max(due.since(script.now));
        script.pass(due.since(script.now));
    }
    assert!(tried.chunks(3).all(|round| round == &tried[..3]), "{tried:?}");
    assert!(longest > Duration::from_millis(1500) && longest <= T / 4, "{longest:?}");
}

#[test]
fn news_of_an_old_connection_changes_nothing() {
    let mut script = Script::linked(config("a"));
    let old = script.conn;
    script.cut();
    script.dialed_later_after(&["suspended"]);
    script.connected();
    script.accept(5);
    script.expect(&["connected 0x5 resumed"]);
    let new = std::mem::replace(&mut script.conn, old);
    script.get("/a", false);
    script.receive(&[0xff; 64]);
    script.cut();
    assert_eq!(script.take_bytes(usize::MAX), 0);
    script.conn = new;
    script.expect(&[]);
    assert_eq!(script.sent(), ["1 getData /a"]);
}

#[test]
fn while_something_is_held_life_is_proven_more_often_and_the_lease_is_told() {
    let mut script = Script::linked(config("a/app"));
    script.session.hold(true, script.now);
    assert_eq!(script.sent(), ["1 sync /app"]);
    let synced =
        || Ok(zk_session::ops::Reply::Sync(zk_session::ops::Synced { path: zk_session::Path::root() }));
    script.reply(1, 1, synced());
    for xid in 2..8 {
        script.pass(T / 6);
        let sent: Vec<_> = script.sent().into_iter().filter(|frame| frame.contains("sync")).collect();
        assert_eq!(sent, [format!("{xid} sync /app")]);
        script.reply(xid, 1, synced());
    }
    // The link stays, but nothing is heard any more.
    script.pass(T / 2);
    script.expect(&[]);
    assert!(script.session.lease_end() > script.now);
    script.pass(T / 8);
    script.expect(&["LeaseExpired"]);
    assert!(script.session.lease_end() <= script.now);
    script.pass(T * 2 / 3 - T / 2 - T / 8);
    script.expect(&["disconnect"]);
    script.dialed_later();
    script.connected();
    script.accept(5);
    script.expect(&["connected 0x5 resumed"]);
}

#[test]
fn a_pause_of_the_process_is_noticed_before_what_was_buffered_meanwhile() {
    let mut script = Script::linked(config("a"));
    script.session.hold(true, script.now);
    script.get("/a", false);
    script.sent();
    script.now = script.now + T * 2;
    script.reply(
        1,
        1,
        Ok(zk_session::ops::Reply::Sync(zk_session::ops::Synced { path: zk_session::Path::root() })),
    );
    script.expect(&["LeaseExpired"]);
    script.reply(2, 1, Ok(data("x")));
    script.expect(&["call 2 ok"]);
    assert_eq!(script.session.state(), &SessionState::LeaseExpired);
    assert!(script.session.lease_end() < Instant::NEVER);
}

trait After {
    fn dialed_later_after(&mut self, expected: &[&str]);
}

impl After for Script {
    /// The outputs so far are these; then the engine dials again.
    #[track_caller]
    fn dialed_later_after(&mut self, expected: &[&str]) {
        self.expect(expected);
        self.dialed_later();
    }
}
