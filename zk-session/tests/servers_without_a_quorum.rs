//! Read-only servers: what their word is worth, what a session does with them, and how it finds a better one.

#[macro_use]
mod script;

use std::time::Duration;

use script::links::path;
use script::{Script, T, data};
use zk_session::ops::{AddWatchMode, Delete, GetData, Reply};
use zk_session::{Code, Config, Cut, Ended, Fault, Input, SessionState, Version, Zxid};

fn tolerant(mut config: Config) -> Config {
    config.read_only = true;
    config
}

/// A client whose first server has no quorum.
fn on_its_own(config: Config) -> Script {
    let mut script = Script::new(tolerant(config));
    script.dialed();
    assert_eq!(script.connected().read_only, Some(true));
    script.accept_read_only(9);
    assert!(script.told()[0].starts_with("ReadOnly"));
    script
}

/// A client with a real session, which goes on with a server without a quorum.
fn stranded(config: Config) -> Script {
    let mut script = Script::linked(tolerant(config));
    script.read(GetData { path: path("/a"), watch: false }, 7, data("x"));
    script.cut_and_dialed();
    script.accept_read_only(5);
    assert!(script.told()[0].starts_with("ReadOnly"));
    script
}

#[test]
fn its_word_that_a_session_is_over_is_hearsay() {
    holds_but_not_if_wrong!([BelievesHearsay], |config| {
        let mut script = Script::linked(tolerant(config("a,b")));
        script.cut_and_dialed();
        script.expire(true);
        script.expect(&["disconnect"]);
        assert_eq!(script.session.last_fault(), Some(&Fault::Refused(Code::SessionExpired)));
        script.dialed_later();
        assert_eq!(script.connected().session.raw(), 5);
        script.expire(false);
        script.expect(&["disconnect", "Ended(Expired)"]);
    });
}

#[test]
fn the_session_it_grants_is_worth_nothing_elsewhere() {
    holds_but_not_if_wrong!([OffersHearsay], |config| {
        let mut script = on_its_own(config("a,b"));
        script.watch("/w", AddWatchMode::Persistent, 3);
        script.read(GetData { path: path("/w"), watch: true }, 3, data("x"));
        script.told();
        script.cut();
        assert!(script.told()[0].starts_with("suspended"));
        script.dialed_later();
        let handshake = script.connected();
        assert_eq!((handshake.session.raw(), handshake.last_zxid), (0, Zxid::new(3)));
        script.accept(20);
        // What it watched there it goes on watching.
        assert_eq!(script.restoring().len(), 1);
        script.restored(8);
        script.expect(&["call 1 gap since 3", "connected 0x14 new"]);
        script.cut_and_dialed();
        script.accept(20);
    });
}

#[test]
fn a_real_session_that_it_serves_stays_real() {
    let mut script = stranded(tolerant(script::config("a,b")));
    let handshake = script.cut_and_dialed();
    assert_eq!(handshake.session.raw(), 5);
    script.accept(5);
    script.expect(&["connected 0x5 resumed"]);
}

#[test]
fn who_did_not_ask_for_it_is_not_served_by_it() {
    let mut script = Script::linked(script::config("a,b"));
    assert_eq!(script.cut_and_dialed().read_only, Some(false));
    script.accept_read_only(5);
    script.expect(&["disconnect"]);
    assert_eq!(script.session.last_fault(), Some(&Fault::Refused(Code::NotReadOnly)));
    // Since 3.7 a server that may not grant a session answers with the head of a reply, and leaves the connection open.
    let mut script = Script::new(tolerant(script::config("a,b")));
    script.dialed();
    script.connected();
    let refusal = script::reply_bytes(0, 3, &Err(Code::NotReadOnly));
    script.receive(&refusal);
    script.expect(&["disconnect"]);
    assert_eq!(script.session.last_fault(), Some(&Fault::Refused(Code::NotReadOnly)));
    script.dialed_later();
}

#[test]
fn it_answers_reads_and_refuses_the_rest() {
    let mut script = stranded(script::config("a,b"));
    script.get("/a", true);
    script.submit(Delete { path: path("/a"), version: Version::ANY });
    let xid = script.last_sent();
    script.reply(xid - 1, 6, Ok(data("old")));
    // It knows less than the client has seen.
    assert!(matches!(script.session.last_fault(), Some(Fault::WentBack { .. })));
    let mut script = stranded(script::config("a,b"));
    script.get("/a", true);
    script.submit(Delete { path: path("/a"), version: Version::ANY });
    let xid = script.last_sent();
    script.reply(xid - 1, 7, Ok(data("old")));
    script.reply(xid, 7, Err(Code::NotReadOnly));
    script.expect(&["call 2 ok", "call 3 NotReadOnly"]);
    assert!(matches!(script.session.state(), SessionState::ReadOnly { .. }));
}

#[test]
fn it_does_not_prove_that_a_session_lives() {
    holds_but_not_if_wrong!([TrustsTheQuorumless], |config| {
        let mut script = Script::linked(tolerant(config("a,b")));
        script.session.hold(true, script.now);
        script.sent();
        let lease = script.session.lease_end();
        script.cut_and_dialed();
        script.accept_read_only(5);
        script.told();
        for _ in 0..8 {
            script.pass(T / 6);
            for (xid, request) in script.sent_requests() {
                assert!(xid == -2, "nothing that needs a quorum: {request:?}");
                script.reply(-2, 3, Ok(Reply::Ping(())));
            }
            if script.now >= lease {
                break;
            }
        }
        assert!(script.session.lease_end() <= lease);
        assert_eq!(script.session.state(), &SessionState::LeaseExpired);
        assert_eq!(script.session.proven_until(), None);
    });
}

#[test]
fn the_search_begins_soon_and_becomes_rare() {
    let mut script = on_its_own(script::config("a,b,c"));
    let mut pauses = Vec::new();
    let mut asked = Vec::new();
    for _ in 0..14 {
        let begin = script.now;
        let (probe, server) = loop {
            script.pass(Duration::from_millis(50));
            for (xid, _) in script.sent_requests() {
                script.reply(xid, 1, Ok(Reply::Ping(())));
            }
            if script.session.poll_timeout().is_none_or(|(due, _)| due > script.now)
                && let Some(zk_session::Output::Connect(conn, server)) = script.session.poll()
            {
                break (conn, server);
            }
        };
        pauses.push(script.now.since(begin).as_millis());
        asked.push(server.host);
        script.session.handle(Input::Disconnected(probe, Cut::Refused), script.now);
        script.expect(&["disconnect"]);
    }
    let expected =
        [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 60_000, 60_000, 60_000, 60_000];
    assert_eq!(pauses, expected);
    asked.truncate(6);
    assert_eq!(asked[..3], asked[3..], "one server after the other");
    // A new link of the same kind begins anew.
    script.cut();
    script.told();
    script.dialed_later();
    script.connected();
    script.accept_read_only(9);
    script.told();
    script.pass(Duration::from_millis(100));
    script.asked_for();
}

#[test]
fn the_search_ends_with_the_link_and_with_the_session() {
    for close in [false, true] {
        let mut script = on_its_own(script::config("a,b"));
        script.pass(Duration::from_millis(100));
        let (probe, _) = script.asked_for();
        script.asks(probe);
        if close {
            script.session.abort();
            script.expect(&["disconnect", "disconnect", "Ended(Closed)"]);
        } else {
            script.cut();
            script.expect(&["disconnect", "suspended"]);
        }
        // What the other server says now concerns nobody.
        script.answers(probe, "rw");
        script.expect(&[]);
    }
}

#[test]
fn what_is_under_way_is_answered_before_a_better_server_is_taken() {
    for is_answered in [true, false] {
        let mut script = stranded(script::config("a,b"));
        script.get("/a", false);
        script.sent();
        script.pass(Duration::from_millis(100));
        let (probe, server) = script.asked_for();
        script.asks(probe);
        script.answers(probe, "rw");
        script.expect(&["disconnect"]);
        script.get("/b", false);
        assert!(script.sent().is_empty(), "it waits for the better server");
        script.pass(T / 3 - Duration::from_millis(1));
        script.expect(&[]);
        if is_answered {
            script.reply(2, 7, Ok(data("x")));
            script.expect(&["call 2 ok", "disconnect", "suspended", &format!("connect {server}")]);
        } else {
            script.pass(Duration::from_millis(1));
            let told = script.told();
            assert_eq!(told[1..3], ["call 2 MaybeApplied(ConnectionLost)", "call 3 NotSent(ConnectionLost)"]);
            assert_eq!(told.last(), Some(&format!("connect {server}")));
        }
        assert_eq!(script.session.last_fault(), Some(&Fault::FoundReadWrite));
    }
}

#[test]
fn a_better_server_that_is_gone_again_is_no_loss() {
    let mut script = stranded(script::config("a,b"));
    script.pass(Duration::from_millis(100));
    let (probe, _) = script.asked_for();
    script.asks(probe);
    script.answers(probe, "rw");
    assert_eq!(script.told().len(), 4);
    let (due, _) = script.session.poll_timeout().expect("the try");
    assert!(due.since(script.now) <= T / 2);
    script.pass(due.since(script.now));
    assert!(script.told().contains(&"disconnect".to_owned()), "the try takes too long");
    script.dialed_later();
    assert_eq!(script.connected().session.raw(), 5);
    script.expire(false);
    assert_eq!(script.session.state(), &SessionState::Ended(Ended::Expired));
}
