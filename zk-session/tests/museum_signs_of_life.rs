//! From the museum of bugs of clients: pings, silence, and the time that a server may take.

#[macro_use]
mod script;

use std::time::Duration;

use script::{Script, T, create, data, greeting, path, reply_bytes};
use zk_session::ops::{GetChildren, NodeNames, Reply};
use zk_session::{Children, Code, Fault, Input, Output, Rng, Session, Timer};

const MS: Duration = Duration::from_millis(1);

/// ZOOKEEPER-1751: a wake-up that came a little before the second ping was due put the ping off by a whole period, and the
/// server let the session of an idle client expire.
#[test]
fn museum_s003_no_ping_is_put_off_by_late_wake_ups() {
    holds_but_not_if_wrong!([PutsOffItsPing, NeverPings], |config| {
        let jitter = Duration::from_secs(1);
        for seed in 0..50 {
            let mut rng = Rng::new(seed);
            let mut script = Script::linked(config("a"));
            let (mut last, end) = (script.now, script.now + T * 10);
            while script.now < end {
                let (due, _) = script.session.poll_timeout().expect("an idle link is pinged");
                // As late as it may be, or early without need.
                script.now = if rng.bits().is_multiple_of(3) {
                    script.now + rng.up_to(due.since(script.now))
                } else {
                    due + rng.up_to(jitter)
                };
                script.session.handle(Input::Timeout, script.now);
                let gap = script.now.since(last);
                if script.sent().is_empty() {
                    assert!(gap < T / 3 + jitter, "no frame for {gap:?}, seed {seed}");
                } else {
                    assert!(gap <= T / 3 + jitter, "no frame for {gap:?}, seed {seed}");
                    assert!(gap >= T / 3, "a frame already after {gap:?}, seed {seed}");
                    last = script.now;
                    script.now = script.now + 10 * MS;
                    script.reply(-2, 1, Ok(Reply::Ping(())));
                }
                script.expect(&[]);
            }
        }
    });
}

/// ZOOKEEPER-562: while the socket took nothing, another ping was queued at every turn of the loop.
#[test]
fn museum_s004_one_ping_is_enough_for_a_stalled_transport() {
    holds_but_not_if_wrong!([FloodsWithPings, WaitsInSilence], |config| {
        let mut script = Script::linked(config("a"));
        let linked = script.now;
        let ping = 12;
        let mut lost = None;
        while script.now < linked + T * 10 / 3 && lost.is_none() {
            script.now = script.now + 10 * MS;
            script.session.handle(Input::Timeout, script.now);
            assert!(script.session.statistics().staged_bytes <= ping, "more than a ping waits");
            while let Some(output) = script.session.poll() {
                lost = lost.or(matches!(output, Output::Disconnect(_)).then_some(script.now.since(linked)));
            }
        }
        assert_eq!(lost, Some(T * 2 / 3), "a silent link is dropped");
        assert_eq!(script.session.last_fault(), Some(&Fault::Silence));
    });
}

/// ZOOKEEPER-542: a server that took the connection and said nothing was offered the calls that waited, so the client span
/// over a socket that was always ready.
#[test]
fn museum_s005_nothing_is_offered_to_a_server_that_has_not_answered() {
    holds_but_not_if_wrong!([SpeaksBeforeItsGreeting, SpendsAllOnOneServer], |config| {
        let mut script = Script::new(config("a,b,c"));
        script.get("/before", false);
        script.dialed();
        script.connected();
        script.get("/during", false);
        let began = script.now;
        let mut wake_ups = 0;
        loop {
            assert_eq!(
                script.take_bytes(usize::MAX),
                0,
                "the socket is always ready, and there is nothing for it"
            );
            match script.session.poll_timeout() {
                Some((due, Timer::Handshake)) => script.pass(due.since(script.now)),
                other => assert!(matches!(other, Some((_, Timer::Dial))), "{other:?}"),
            }
            wake_ups += 1;
            if let Some(output) = script.session.poll() {
                assert!(matches!(output, Output::Disconnect(_)), "{output:?}");
                break;
            }
        }
        assert_eq!((wake_ups, script.now.since(began)), (1, T / 3), "its share, and then the next");
        script.dialed_later();
        script.connected();
        script.accept(5);
        script.expect(&["connected 0x5 new"]);
        assert_eq!(script.sent(), ["1 getData /before", "2 getData /during"]);
    });
}

/// Kazoo #633: replies that never ended kept the loop from writing, so that neither calls nor pings left, and the session
/// died.
#[test]
fn museum_s006_a_flood_of_replies_starves_nobody() {
    holds_but_not_if_wrong!([WaitsForItsPong, NeverPings, HearsOnlyPongs], |config| {
        let mut script = Script::linked(config("a"));
        for _ in 0..1000 {
            script.submit(GetChildren { path: path("/many"), watch: false });
        }
        assert_eq!(script.sent().len(), 1000);
        let children: Children = (0..200).map(|index| format!("node-{index:010}")).collect();
        let reply = Ok(Reply::GetChildren(NodeNames { children }));
        let flood: Vec<u8> = (1..=1000).flat_map(|xid| reply_bytes(xid, 9, &reply)).collect();
        let step = 20 * MS;
        let steps = 1200;
        assert_eq!(step * 1200, T * 2);
        let mut written = script.now;
        for (index, chunk) in flood.chunks(flood.len().div_ceil(steps)).enumerate() {
            // There is something to read whenever the loop looks; the answers to pings are behind all of it.
            script.receive(chunk);
            script.pass(step);
            if index == steps / 2 {
                script.submit(create("/urgent"));
                assert_eq!(script.sent(), ["1001 create /urgent"], "at once");
                written = script.now;
            } else if !script.sent().is_empty() {
                written = script.now;
            }
            let gap = script.now.since(written);
            assert!(gap <= T / 3 + step, "nothing was written for {gap:?}");
        }
        let ok = |output: &Output| matches!(output, Output::Completed(_, Ok(_)));
        assert_eq!(std::iter::from_fn(|| script.session.poll()).filter(ok).count(), 1000);
        assert!(script.session.state().is_connected());
    });
}

/// Kazoo #540: one overloaded server that took connections and never answered used up the whole session timeout, though
/// the others were well.
#[test]
fn museum_s007_one_silent_server_does_not_cost_the_session() {
    holds_but_not_if_wrong!([SpendsAllOnOneServer], |config| {
        for seed in 0..30 {
            let mut config = config("bad,good,better");
            config.seed = seed;
            let mut script = Script::new(config);
            link_past_the_bad(&mut script);
            script.get("/a", false);
            script.sent();
            script.reply(1, 9, Ok(data("x")));
            script.cut();
            let lost = script.now;
            link_past_the_bad(&mut script);
            assert!(script.now.since(lost) < T, "{:?}, seed {seed}", script.now.since(lost));
            assert!(script.session.state().is_connected());
        }
    });
}

/// The server "bad" takes connections and says nothing; the others do well.
fn link_past_the_bad(script: &mut Script) {
    loop {
        match script.session.poll() {
            Some(Output::Connect(conn, server)) => {
                script.conn = Some(conn);
                script.connected();
                if server.host != "bad" {
                    return script.receive(&greeting(5, T));
                }
            }
            Some(_) => {}
            None => {
                let (due, _) = script.session.poll_timeout().expect("it goes on trying");
                script.pass(due.since(script.now));
            }
        }
    }
}

/// ZOOKEEPER-710: a renewal that had been delayed gave the session back to a server that the client had left; every call on
/// the new connection was refused from then on, and the client stayed.
#[test]
fn museum_s010_a_session_that_has_moved_is_asked_for_on_another_connection() {
    holds_but_not_if_wrong!([IgnoresThatItMoved, DiesWithItsConnection], |config| {
        let mut script = Script::linked(config("a,b"));
        for round in 0..3 {
            let first = round * 2 + 1;
            script.submit(create("/refused"));
            script.get("/behind", false);
            script.sent();
            script.reply(first, 9, Err(Code::SessionMoved));
            script.expect(&[
                &format!("call {first} SessionMoved"),
                "disconnect",
                &format!("call {} MaybeApplied(ConnectionLost)", first + 1),
                "suspended",
            ]);
            assert_eq!(script.session.last_fault(), Some(&Fault::SessionRefused(Code::SessionMoved)));
            script.dialed_later();
            assert_eq!(script.connected().session.raw(), 5, "the same session");
            script.accept(5);
            script.expect(&["connected 0x5 resumed"]);
        }
        script.submit(create("/taken"));
        script.sent();
        script.reply(7, 10, script::created("/taken"));
        script.expect(&["call 7 ok"]);
    });
}

/// krojew #7: where the answer to the handshake should be, there was the end of the connection or another protocol, and the
/// client panicked.
#[test]
fn museum_s046_a_handshake_that_is_none_costs_the_try() {
    holds_but_not_if_wrong!([DiesWithItsConnection], |config| {
        let answer = greeting(5, T);
        let alert = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46];
        let http = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
        let ends = (0..answer.len()).map(|end| &answer[..end]);
        for stale in ends.chain([&alert[..], &http[..], &[0xff; 64][..]]) {
            let mut script = Script::linked(config("a,b"));
            let handover = script.session.detach().expect("a session");
            script.session = Session::resume(config("a,b"), handover, script.now);
            script.dialed();
            script.connected();
            script.receive(stale);
            // Some are seen to be no answer at once.
            if script.session.last_fault().is_none_or(|fault| matches!(fault, Fault::Cut(_))) {
                script.expect(&[]);
                script.cut();
            } else {
                script.expect(&["disconnect"]);
            }
            script.dialed_later();
            assert_eq!(script.connected().session.raw(), 5);
            script.accept(5);
            script.expect(&["connected 0x5 resumed"]);
        }
    });
}
