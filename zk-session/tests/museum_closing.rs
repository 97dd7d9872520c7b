//! From the museum of bugs of clients: what becomes of calls, and of servers, when a client closes.

#[macro_use]
mod script;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use script::{Script, T, create, created, data, path, reply_bytes, show};
use zk_session::ops::{Reply, SetData};
use zk_session::{
    CallOptions, Ended, Error, Input, OnExpiry, Output, Refusal, SessionState, Timer, Version, Why,
};

/// How long closing may take, by the default configuration.
const CLOSE: Duration = Duration::from_secs(2);

/// A write of this many bytes.
fn set(length: usize) -> SetData {
    SetData { path: path("/a"), data: Some(Bytes::from(vec![0; length])), version: Version::ANY }
}

fn closed() -> Result<Reply, zk_session::Code> {
    Ok(Reply::CloseSession(()))
}

/// Takes all that is told now: how each call ended, and the other words. No call ends twice, and none after the session.
fn told(script: &mut Script, ends: &mut BTreeMap<u64, Result<(), Error>>) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(output) = script.session.poll() {
        if let Output::Completed(call, result) = output {
            assert!(!words.iter().any(|word: &String| word.starts_with("Ended")), "{call:?} ends too late");
            assert_eq!(ends.insert(call.number(), result.map(drop)), None, "{call:?} ends twice");
        } else {
            words.push(show(&output));
        }
    }
    words
}

fn is_over(script: &Script) -> bool {
    matches!(script.session.state(), SessionState::Ended(Ended::Closed))
}

/// ZOOKEEPER-794: callers of a client that was closed were never called back.
#[test]
fn museum_s055_every_call_ends_once_before_the_session_does() {
    holds_but_not_if_wrong!([ForgetsTheWaiting, NeverCloses], |config| {
        for answers in 0..20 {
            let mut script = Script::linked(config("a"));
            // Some are answered and not told, some are on their way, some staged, and some still queued.
            for _ in 0..100 {
                script.submit(set(20_000));
            }
            script.take_bytes(400_000);
            for xid in 1..=answers {
                script.reply(xid, i64::from(xid), Ok(Reply::SetData(zk_session::Stat::default())));
            }
            assert!(script.session.statistics().queued > 0);
            script.session.close(script.now);
            script.pass(CLOSE);
            let mut ends = BTreeMap::new();
            assert_eq!(told(&mut script, &mut ends), ["disconnect", "Ended(Closed)"]);
            assert_eq!(ends.len(), 100);
            let why = Why::Ended(Ended::Closed);
            for (call, end) in ends {
                let expected = match call {
                    call if call <= answers.unsigned_abs().into() => Ok(()),
                    // Each frame has 20 026 bytes.
                    call if call <= 19 => Err(Error::MaybeApplied(why)),
                    _ => Err(Error::NotSent(why)),
                };
                assert_eq!(end, expected, "call {call} of 100, {answers} answered");
            }
            assert_eq!((script.session.call_count(), script.session.poll_timeout()), (0, None));
        }
    });
}

/// ZOOKEEPER-846: closing while a call was being made and the server was slow did not come to a clean end.
#[test]
fn museum_s057_what_came_before_is_flushed_in_order_and_what_comes_after_is_refused() {
    holds_but_not_if_wrong!([ClosesOverItsQueue, ClosesAtOnce], |config| {
        let mut script = Script::linked(config("a"));
        for _ in 0..4 {
            script.submit(set(200_000));
        }
        script.session.close(script.now);
        let late = script.session.submit(create("/late"), CallOptions::default(), script.now);
        assert_eq!(late.expect_err("closing").why, Refusal::Ended(Ended::Closed));
        script.session.close(script.now);
        // The transport is slow.
        while script.take_bytes(50_000) > 0 {
            script.pass(Duration::from_millis(10));
        }
        assert_eq!(
            script.sent(),
            ["1 setData /a", "2 setData /a", "3 setData /a", "4 setData /a", "5 closeSession"]
        );
        for xid in 1..=4 {
            script.reply(xid, 9, Ok(Reply::SetData(zk_session::Stat::default())));
        }
        script.session.close(script.now);
        script.expect(&["call 1 ok", "call 2 ok", "call 3 ok", "call 4 ok"]);
        script.reply(5, 10, closed());
        script.expect(&["disconnect", "Ended(Closed)"]);
        script.session.close(script.now);
        script.expect(&[]);
    });
}

/// ZOOKEEPER-3706: closing during an outage of the network set the final state at the very moment at which the thread that
/// connects set another one, and went on for ever.
#[test]
fn museum_s060_nothing_comes_after_the_end() {
    holds_but_not_if_wrong!([NeverCloses], |config| {
        for moment in 0..3 {
            let mut script = Script::linked(config("a,b"));
            script.cut();
            script.expect(&["suspended"]);
            if moment > 0 {
                script.dialed_later();
            }
            if moment > 1 {
                script.connected();
            }
            let began = script.now;
            script.session.close(script.now);
            let mut words = Vec::new();
            // The network is a black hole: every dial hangs, until the client has had enough.
            while script.now < began + CLOSE {
                let (due, _) = script.session.poll_timeout().expect("an end is due");
                script.pass(due.since(script.now).min((began + CLOSE).since(script.now)));
                while let Some(output) = script.session.poll() {
                    if let Output::Connect(conn, _) = output {
                        script.conn = Some(conn);
                    } else if !matches!(output, Output::Disconnect(_)) {
                        words.push(show(&output));
                    }
                }
            }
            assert_eq!(words, ["Ended(Closed)"], "closed at moment {moment}");
            // The connection that was being made stands at last, and even speaks.
            script.session.handle(Input::Connected(script.conn.expect("dialed")), script.now);
            script.accept(5);
            script.cut();
            script.session.handle(Input::Timeout, script.now + T);
            script.expect(&[]);
            assert!(is_over(&script));
            assert_eq!(script.take_bytes(usize::MAX), 0);
            assert_eq!(script.session.poll_timeout(), None);
            assert!(script.session.successor(script.now).is_none());
        }
    });
}

/// ZOOKEEPER-1493: closing from within a completion dropped the completions whose replies had been read already.
#[test]
fn museum_s061_replies_that_were_read_count_though_the_client_closes_between_them() {
    holds_but_not_if_wrong!([ClosesAtOnce], |config| {
        let mut script = Script::linked(config("a"));
        for index in 1..=6 {
            script.get(&format!("/{index}"), false);
        }
        script.sent();
        let replies = |range: std::ops::RangeInclusive<i32>| {
            range.flat_map(|xid| reply_bytes(xid, 9, &Ok(data("x")))).collect::<Vec<_>>()
        };
        // Three replies are understood, and one lies in the buffer, when the first caller hears of his and closes.
        script.receive(&replies(1..=3));
        let conn = script.conn.expect("linked");
        script.session.receive_buffer(conn).extend_from_slice(&replies(4..=4));
        assert!(matches!(script.session.poll(), Some(Output::Completed(_, Ok(_)))));
        script.session.close(script.now);
        script.session.handle(Input::Received(conn), script.now);
        script.expect(&["call 2 ok", "call 3 ok", "call 4 ok"]);
        assert_eq!(script.sent(), ["7 closeSession"]);
        script.receive(&replies(5..=5));
        script.cut();
        let mut ends = BTreeMap::new();
        assert_eq!(told(&mut script, &mut ends), ["suspended"]);
        let lost = Err(Error::MaybeApplied(Why::ConnectionLost));
        assert_eq!(ends, BTreeMap::from([(5, Ok(())), (6, lost)]));
    });
}

/// ZOOKEEPER-2894: a client that was dropped with completions that nobody had fetched kept them, and what waited on them.
#[test]
fn museum_s062_an_abandoned_session_keeps_nothing() {
    holds_but_not_if_wrong!([ForgetsTheWaiting], |config| {
        let mut script = Script::linked(config("a"));
        let payload = Bytes::from(vec![7; 100_000]);
        for _ in 0..10 {
            script.submit(SetData { path: path("/a"), data: Some(payload.clone()), version: Version::ANY });
        }
        script.take_bytes(250_000);
        script.reply(1, 9, Ok(Reply::SetData(zk_session::Stat::default())));
        script.session.abort();
        let mut ends = BTreeMap::new();
        assert_eq!(told(&mut script, &mut ends), ["disconnect", "Ended(Closed)"]);
        let (maybe, not) = (
            Err(Error::MaybeApplied(Why::Ended(Ended::Closed))),
            Err(Error::NotSent(Why::Ended(Ended::Closed))),
        );
        let expected =
            (1..=10).map(|call| (call, [Ok(()), maybe, not][usize::from(call > 1) + usize::from(call > 2)]));
        assert_eq!(ends, expected.collect());
        assert_eq!((script.session.call_count(), script.session.statistics().staged_bytes), (0, 0));
        assert!(payload.is_unique(), "no call holds on to its data");
    });
}

/// ZOOKEEPER-1105: closing did not tell the server, or did not wait until it had heard, and ephemeral nodes stayed for the
/// whole session timeout.
#[test]
fn museum_s063_the_server_is_told_after_the_calls_and_waited_for() {
    holds_but_not_if_wrong!([ClosesAtOnce], |config| {
        let mut script = Script::linked(config("a"));
        script.submit(create("/mine"));
        script.sent();
        script.reply(1, 9, created("/mine"));
        for index in 1..=3 {
            script.get(&format!("/{index}"), false);
        }
        script.session.close(script.now);
        assert_eq!(script.sent(), ["2 getData /1", "3 getData /2", "4 getData /3", "5 closeSession"]);
        script.expect(&["call 1 ok"]);
        for xid in 2..=4 {
            script.pass(CLOSE / 5);
            script.reply(xid, 9, Ok(data("x")));
        }
        script.expect(&["call 2 ok", "call 3 ok", "call 4 ok"]);
        assert!(!is_over(&script), "the server has not answered");
        script.reply(5, 10, closed());
        script.expect(&["disconnect", "Ended(Closed)"]);

        // A session that a server is granting at this moment is closed as well.
        let mut script = Script::new(config("a"));
        script.dialed();
        script.connected();
        script.session.close(script.now);
        script.accept(5);
        script.expect(&["connected 0x5 new"]);
        assert_eq!(script.sent(), ["1 closeSession"]);
        script.reply(1, 9, closed());
        script.expect(&["disconnect", "Ended(Closed)"]);
    });
}

/// go-zookeeper 463724b: closing waited for ever for a server that did not answer.
#[test]
fn museum_s064_closing_waits_so_long_and_no_longer() {
    holds_but_not_if_wrong!([NeverCloses, ForgetsTheWaiting], |config| {
        let long = Duration::from_secs(3600);
        for (wish, most) in [(CLOSE, CLOSE), (long, T), (Duration::ZERO, Duration::ZERO)] {
            for is_linked in [true, false] {
                let mut config = config("a");
                config.close_timeout = wish;
                let mut script = Script::linked(config);
                script.submit(set(10));
                script.sent();
                if !is_linked {
                    // The server takes the connection and says nothing.
                    script.cut();
                    script.expect(&["call 1 MaybeApplied(ConnectionLost)", "suspended"]);
                    script.dialed_later();
                    script.connected();
                    script.submit(set(10));
                }
                let began = script.now;
                script.session.close(script.now);
                let mut ends = BTreeMap::new();
                let mut words = Vec::new();
                while !is_over(&script) {
                    let (due, _) = script.session.poll_timeout().expect("an end is due");
                    script.pass(due.since(script.now));
                    words.extend(told(&mut script, &mut ends));
                    assert!(script.now <= began + most, "closing for {:?}", script.now.since(began));
                }
                assert_eq!(words.last().map(|word| &**word), Some("Ended(Closed)"));
                assert_eq!(ends.len(), 1);
                let end = ends.into_values().next();
                assert!(
                    matches!(
                        (is_linked, end),
                        (true, Some(Err(Error::MaybeApplied(_)))) | (false, Some(Err(Error::NotSent(_))))
                    ),
                    "{end:?}"
                );
            }
        }
    });
}

/// go-zookeeper 7f9aac4: closing waited for room in a queue that was full, and that nothing would ever empty.
#[test]
fn museum_s065_a_full_queue_does_not_keep_a_client_from_closing() {
    holds_but_not_if_wrong!([ForgetsTheWaiting], |config| {
        let mut small = config("a");
        small.calls_max = 100;
        small.on_expiry = OnExpiry::Stop;
        let mut script = Script::new(small);
        for _ in 0..100 {
            script.submit(create("/a"));
        }
        let full = script.session.submit(create("/a"), CallOptions::default(), script.now);
        assert_eq!(full.expect_err("full").why, Refusal::Full);
        script.dialed();
        script.cut();
        assert!(matches!(script.session.poll_timeout(), Some((_, Timer::Dial))));
        script.session.close(script.now);
        let mut ends = BTreeMap::new();
        assert_eq!(told(&mut script, &mut ends), ["Ended(Closed)"]);
        assert_eq!(ends.len(), 100);
        assert!(ends.values().all(|end| *end == Err(Error::NotSent(Why::Ended(Ended::Closed)))));
        assert_eq!(script.session.poll_timeout(), None);
    });
}
