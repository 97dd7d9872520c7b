//! Sessions, identities, and the order of what is sent.

use super::bytes::Body;
use super::*;

#[test]
fn a_timeout_is_held_to_its_bounds() {
    let mut world = World::new();
    for (asked, granted) in [(0, 1000), (-1, 1000), (1001, 1001), (99_999, 10_000)] {
        assert_eq!(world.greet(0, asked, SessionId(0), &[0; 16]).unwrap().timeout_ms, granted);
    }
}

#[test]
fn a_password_is_that_of_the_session_on_every_server() {
    let password = crate::password(SessionId(72_057_891_977_363_459));
    let recorded = [0x9c, 0x6e, 5, 0x11, 0x70, 0x4d, 0xf1, 0x96, 0xb0, 0x14, 0xaf, 0x78, 6, 0x4f, 0xeb, 0x9a];
    assert_eq!(password, recorded);
}

#[test]
fn a_silent_session_expires_with_its_connection_and_its_nodes() {
    let mut world = World::new();
    let silent = world.greet(0, 1000, SessionId(0), &[0; 16]).unwrap();
    let watcher = world.open();
    assert_eq!(world.code(silent.conn, 1, Body::create("/e", 1)), 0);
    assert_eq!(world.code(watcher.conn, 3, Body::watched("/e")), 0);
    world.pass(1499);
    assert!(!world.is_closed(silent.conn));
    assert_eq!(world.server.poll_timeout(), world.now.plus(1));
    world.pass(1);
    assert!(world.is_closed(silent.conn) && world.take(silent.conn).is_empty(), "closed without a word");
    assert_eq!(world.take(watcher.conn).len(), 1);
    let over = world.greet(0, 1000, silent.id, &silent.password).unwrap();
    assert_eq!((over.timeout_ms, over.id, over.password), (0, SessionId(0), [0; 16]));
    assert!(world.is_closed(over.conn));
}

#[test]
fn every_request_keeps_a_session() {
    let mut world = World::new();
    let session = world.greet(0, 1000, SessionId(0), &[0; 16]).unwrap();
    for _ in 0..10 {
        world.pass(900);
        assert_eq!(world.code(session.conn, 11, Body::default()), 0);
    }
}

#[test]
fn a_session_goes_on_elsewhere_and_leaves_its_old_connection() {
    let mut world = World::new();
    let first = world.open();
    assert_eq!(world.code(first.conn, 1, Body::create("/e", 1)), 0);
    let second = world.greet(0, 5000, first.id, &first.password).unwrap();
    assert_eq!((second.id, second.password), (first.id, first.password));
    assert!(world.is_closed(first.conn) && !world.is_closed(second.conn));
    assert_eq!(world.code(second.conn, 3, Body::path("/e").bool(false)), 0);
    world.handle(Input::Disconnected(second.conn));
    let third = world.greet(0, 5000, first.id, &first.password).unwrap();
    assert_eq!(third.id, first.id);
}

#[test]
fn a_wrong_password_ends_a_connection_and_not_the_session() {
    let mut world = World::new();
    let session = world.open();
    let thief = world.greet(0, 5000, session.id, &[1; 16]).unwrap();
    assert_eq!(
        (thief.timeout_ms, world.is_closed(thief.conn), world.is_closed(session.conn)),
        (0, true, true)
    );
    assert_eq!(world.greet(0, 5000, session.id, &session.password).unwrap().id, session.id);
}

#[test]
fn a_client_from_the_future_is_sent_away_without_a_word() {
    let mut world = World::new();
    world.open();
    assert_eq!(world.greet(2, 5000, SessionId(0), &[0; 16]), None);
    assert!(world.is_closed(ConnId(2)));
    assert!(world.greet(1, 5000, SessionId(0), &[0; 16]).is_some());
}

#[test]
fn an_old_client_gets_an_answer_without_the_last_byte() {
    let mut world = World::new();
    let conn = world.connect();
    let body = Body::default().int(0).long(0).int(5000).long(0).buffer(Some(&[0; 16]));
    world.handle(Input::Received(conn, &body.framed()));
    assert_eq!(world.take(conn)[0].len(), 36);
}

#[test]
fn an_event_comes_before_the_answer_to_the_write_that_caused_it() {
    let mut world = World::new();
    let session = world.open();
    assert_eq!(world.code(session.conn, 3, Body::watched("/a")), -101);
    let frames = world.ask(session.conn, 1, Body::create("/a", 0));
    let xids: Vec<_> = frames.iter().map(|frame| Reader::new(frame).int().unwrap()).collect();
    assert_eq!(xids, [-1, 7]);
    assert_eq!(zxid_of(&frames[0]), -1);

    let mut world = World::of(Config { quirks: crate::Quirks::of(Version::V3_9), ..Config::default() });
    let session = world.open();
    world.ask(session.conn, 3, Body::watched("/a"));
    let frames = world.ask(session.conn, 1, Body::create("/a", 0));
    assert_eq!(zxid_of(&frames[0]), zxid_of(&frames[1]), "from 3.9 on, an event has its zxid");
}

#[test]
fn a_refused_write_takes_a_zxid_and_a_read_none() {
    let mut world = World::new();
    let session = world.open();
    let zxids = [(2, Body::path("/x").int(0)), (4, Body::path("/x").bool(false)), (14, Body::default())]
        .map(|(opcode, body)| zxid_of(&world.ask(session.conn, opcode, body)[0]));
    assert_eq!(zxids, [2, 2, 3]);
}

#[test]
fn a_closed_session_is_answered_and_nothing_after_it() {
    let mut world = World::new();
    let session = world.open();
    let close = Body::default().int(9).int(-11).framed();
    let ping = Body::default().int(-2).int(11).framed();
    world.handle(Input::Received(session.conn, &[close, ping].concat()));
    assert_eq!(world.take(session.conn).len(), 1);
    assert!(world.is_closed(session.conn));
    assert_eq!(world.greet(0, 5000, session.id, &session.password).unwrap().timeout_ms, 0);
}

#[test]
fn credentials_are_proven_or_end_the_connection() {
    let super_digest = Some(crate::digest_id("super:test"));
    let mut world = World::of(Config { super_digest, ..Config::default() });
    let (user, operator) = (world.open(), world.open());
    let auth = |scheme: &str, data: &str| Body::default().int(0).text(scheme).text(data);
    assert_eq!(world.code(user.conn, 100, auth("digest", "u:p")), 0);
    let secret = Body::path("/s").buffer(None).int(1).int(31).text("auth").text("").int(0);
    assert_eq!(world.code(user.conn, 1, secret.clone()), 0);
    let read = Body::path("/s").bool(false);
    assert_eq!(world.code(operator.conn, 4, read.clone()), -102);
    assert_eq!(world.code(operator.conn, 1, secret), -114, "nothing is proven yet");
    assert_eq!(world.code(operator.conn, 100, auth("digest", "super:test")), 0);
    assert_eq!(world.code(operator.conn, 4, read), 0);
    assert_eq!(world.code(user.conn, 100, auth("kerberos", "")), -115);
    assert!(world.is_closed(user.conn));
}

#[test]
fn abandoned_nodes_go_at_the_next_look() {
    let mut world = World::of(Config { reap_interval_ms: 1000, ..Config::default() });
    let session = world.open();
    let mortal = Body::create("/t", 5).long(10);
    assert_eq!(world.code(session.conn, 21, mortal), 0);
    assert_eq!(world.code(session.conn, 106, Body::path("/t").int(0)), 0);
    world.pass(999);
    assert!(world.server.tree().node("/t").is_some());
    world.pass(1);
    assert!(world.server.tree().node("/t").is_none());
    assert_eq!(world.take(session.conn).len(), 1);
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    let run = || {
        let mut world = World::new();
        let session = world.open();
        for path in ["/b", "/a", "/a/c"] {
            world.ask(session.conn, 1, Body::create(path, 0));
        }
        (world.ask(session.conn, 12, Body::path("/").bool(false)), world.server.tree().clone())
    };
    assert_eq!(run(), run());
}
