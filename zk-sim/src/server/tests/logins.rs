//! Logins: what is answered, when the connection ends, and as whom one is known afterwards.

use super::bytes::Body;
use super::*;
use crate::Quirks;

const SASL: i32 = 102;
const ANSWER: &str = "username=\"bob\",realm=\"zk-sasl-md5\",nonce=\"NONCE\",nc=00000001,cnonce=\"abc\",\
                      digest-uri=\"zookeeper/zk-sasl-md5\",qop=auth,response=";

fn server(version: Version, requires_login: bool) -> World {
    let quirks = Quirks { has_logins: true, ..Quirks::of(version) };
    let users = BTreeMap::from([("bob".into(), "bobsecret".into())]);
    World::of(Config { tick_ms: 500, quirks, users, requires_login, ..Config::default() })
}

fn token(bytes: &[u8]) -> Body {
    Body::default().buffer(Some(bytes))
}

/// The token in an answer, and its error.
fn read(frame: &[u8]) -> (i32, Option<Vec<u8>>) {
    (code_of(frame), Reader::new(&frame[16..]).buffer().unwrap().map(<[u8]>::to_vec))
}

/// Answers the challenge as somebody who knows this password.
fn prove(world: &mut World, conn: ConnId, password: &str) -> Option<(i32, Option<Vec<u8>>)> {
    let (_, challenge) = read(&world.ask(conn, SASL, token(b""))[0]);
    let challenge = String::from_utf8(challenge.unwrap()).unwrap();
    let nonce = challenge.split('"').nth(3).unwrap();
    assert_eq!(nonce.len(), 40, "as long as that of a real server");
    let response = crate::sasl::tests::response("bob", password, nonce, "abc");
    let answer = ANSWER.replace("NONCE", nonce) + &response;
    world.ask(conn, SASL, token(answer.as_bytes())).first().map(|frame| read(frame))
}

#[test]
fn who_knows_the_password_is_known_by_name() {
    let mut world = server(Version::V3_9, true);
    let session = world.open();
    let (code, proof) = prove(&mut world, session.conn, "bobsecret").unwrap();
    assert!(code == 0 && proof.unwrap().starts_with(b"rspauth="));
    let own = Body::path("/own").buffer(None).int(1).int(31).text("sasl").text("bob").int(0);
    assert_eq!(world.code(session.conn, 1, own), 0);
    assert_eq!(world.code(session.conn, 4, Body::path("/own").bool(false)), 0);
}

#[test]
fn who_does_not_is_refused_and_left() {
    for (version, requires_login, told) in [
        (Version::V3_9, false, Some((-115, None))),
        (Version::V3_8, true, Some((-124, None))),
        (Version::V3_4, false, None),
    ] {
        let mut world = server(version, requires_login);
        let session = world.open();
        assert_eq!(prove(&mut world, session.conn, "guess"), told, "{version:?}");
        assert!(world.is_closed(session.conn));
    }
}

#[test]
fn a_first_token_that_says_something_is_refused() {
    let mut world = server(Version::V3_8, false);
    let session = world.open();
    assert_eq!(read(&world.ask(session.conn, SASL, token(b"garbage=1"))[0]), (-115, None));
    assert!(world.is_closed(session.conn));
}

#[test]
fn without_users_every_token_is_answered_by_none() {
    let mut world = World::new();
    let session = world.open();
    for text in ["", "xyz"] {
        assert_eq!(read(&world.ask(session.conn, SASL, token(text.as_bytes()))[0]), (0, None));
    }
    assert!(!world.is_closed(session.conn));
    assert!(world.ask(session.conn, SASL, Body::default().buffer(None)).is_empty());
    assert!(world.is_closed(session.conn), "it stumbles over a null");
}

#[test]
fn where_logins_are_demanded_nothing_else_comes_first() {
    for opcode in [11, 3] {
        let mut world = server(Version::V3_9, true);
        let session = world.open();
        let frames = world.ask(session.conn, opcode, Body::path("/").bool(false));
        assert_eq!((code_of(&frames[0]), zxid_of(&frames[0])), (-124, 0));
        assert!(world.is_closed(session.conn));
    }
    let mut world = server(Version::V3_4, true);
    let session = world.open();
    assert_eq!(world.code(session.conn, 11, Body::default()), 0, "3.4 does not know the setting");
}

#[test]
fn a_login_is_that_of_its_connection() {
    let mut world = server(Version::V3_9, false);
    let session = world.open();
    let own =
        |scheme: &str, id: &str| Body::path("/own").buffer(None).int(1).int(31).text(scheme).text(id).int(0);
    assert_eq!(world.code(session.conn, 1, own("auth", "")), -114, "there is nobody to stand for");
    prove(&mut world, session.conn, "bobsecret");
    assert_eq!(world.code(session.conn, 1, own("auth", "")), 0);
    let other = world.open();
    assert_eq!(world.code(other.conn, 4, Body::path("/own").bool(false)), -102);
}
