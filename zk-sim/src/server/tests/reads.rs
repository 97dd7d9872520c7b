//! What is answered from the tree, and how watches are restored.

use super::bytes::Body;
use super::*;

/// The paths, or names, that an answer holds.
fn texts(frame: &[u8]) -> Vec<String> {
    assert_eq!(code_of(frame), 0);
    Reader::new(&frame[16..]).paths().unwrap()
}

/// Types and paths of the events among some frames.
fn events(frames: &[Vec<u8>]) -> Vec<(i32, String)> {
    let events = frames.iter().filter(|frame| frame.starts_with(&(-1_i32).to_be_bytes()));
    let read = |frame: &Vec<u8>| {
        let mut reader = Reader::new(&frame[16..]);
        let (kind, _) = (reader.int().unwrap(), reader.int().unwrap());
        (kind, reader.path().unwrap())
    };
    events.map(read).collect()
}

#[test]
fn a_ping_is_answered_as_one_whatever_its_xid() {
    let mut world = World::new();
    let session = world.open();
    let answer = world.ask(session.conn, 11, Body::default()).remove(0);
    assert_eq!((answer.len(), Reader::new(&answer).int()), (16, Ok(-2)));
}

#[test]
fn a_sync_gives_back_its_path_and_null() {
    let mut world = World::new();
    let session = world.open();
    assert_eq!(world.ask(session.conn, 9, Body::path("x"))[0][16..], Body::path("x").0);
    assert_eq!(world.ask(session.conn, 9, Body::default().buffer(None))[0][16..], Body::default().int(-1).0);
}

#[test]
fn own_ephemerals_are_found_by_a_prefix_of_text() {
    let mut world = World::new();
    let (session, other) = (world.open(), world.open());
    for path in ["/a", "/ab", "/b"] {
        world.ask(session.conn, 1, Body::create(path, 1));
    }
    assert_eq!(texts(&world.ask(session.conn, 103, Body::path("/a"))[0]), ["/a", "/ab"]);
    for all in [Body::default().buffer(None), Body::path(""), Body::path("/"), Body::path(" / ")] {
        assert_eq!(texts(&world.ask(session.conn, 103, all.clone())[0]).len(), 3);
        assert!(texts(&world.ask(other.conn, 103, all)[0]).is_empty());
    }
}

#[test]
fn restored_watches_tell_what_was_missed_and_are_set_otherwise() {
    let mut world = World::new();
    let session = world.open();
    for path in ["/old", "/set"] {
        world.ask(session.conn, 1, Body::create(path, 0));
    }
    let seen = world.server.tree().applied().0;
    world.ask(session.conn, 5, Body::path("/set").buffer(None).int(-1));
    world.ask(session.conn, 1, Body::create("/old/c", 0));
    let list = |paths: &[&str]| {
        let count = Body::default().int(i32::try_from(paths.len()).unwrap());
        paths.iter().fold(count, |body, path| body.text(path))
    };
    let mut body = Body::default().long(seen);
    for paths in [["/old", "/set", "/gone"], ["/old", "/none", "/none"], ["/old", "/set", "/gone"]] {
        body.0.extend(list(&paths).0);
    }
    let told = world.ask(session.conn, 101, body);
    let expected = [(3, "/set"), (2, "/gone"), (1, "/old"), (4, "/old"), (2, "/gone")];
    assert_eq!(events(&told), expected.map(|(kind, path)| (kind, path.to_owned())));
    assert_eq!(told.len(), expected.len() + 1, "then comes the answer");
    let later = world.ask(session.conn, 5, Body::path("/old").buffer(None).int(-1));
    assert_eq!(events(&later), [(3, "/old".to_owned())]);
    let later = world.ask(session.conn, 1, Body::create("/none", 0));
    assert_eq!(events(&later), [(1, "/none".to_owned())]);
    let later = world.ask(session.conn, 1, Body::create("/set/c", 0));
    assert_eq!(events(&later), [(4, "/set".to_owned())]);
}

#[test]
fn the_types_of_watches_are_those_of_the_version() {
    for (version, expected) in [(Version::V3_8, [-121, -121, -121, -5, -5]), (Version::V3_9, [-121; 5])] {
        let mut world = World::of(Config { quirks: crate::Quirks::of(version), ..Config::default() });
        let session = world.open();
        let codes = [1, 2, 3, 4, 5].map(|kind| world.code(session.conn, 18, Body::path("/a").int(kind)));
        assert_eq!(codes, expected, "{version:?}");
        assert_eq!(world.code(session.conn, 17, Body::path("/a").int(6)), -5);
    }
}

#[test]
fn an_event_is_for_who_may_read_and_uses_the_watch_up() {
    let mut world = World::new();
    let (watcher, actor) = (world.open().conn, world.open().conn);
    world.ask(actor, 1, Body::create("/a", 0));
    world.ask(watcher, 3, Body::watched("/a"));
    let allow = |perms: i32| Body::path("/a").int(1).int(perms).text("world").text("anyone").int(-1);
    let set = Body::path("/a").buffer(None).int(-1);
    assert_eq!(world.code(actor, 7, allow(30)), 0);
    assert_eq!(world.code(actor, 5, set.clone()), 0);
    assert!(world.take(watcher).is_empty());
    assert_eq!(world.code(watcher, 4, Body::watched("/a")), -102);
    assert_eq!(world.code(watcher, 3, Body::path("/a").bool(false)), 0, "exists needs nothing in 3.8.0");
    assert_eq!(world.code(actor, 7, allow(31)), 0);
    assert_eq!(world.code(actor, 5, set), 0);
    assert!(world.take(watcher).is_empty(), "neither watch is left");
}

#[test]
fn a_read_of_many_fails_item_by_item() {
    let mut world = World::new();
    let session = world.open();
    let item = |body: Body, opcode, path| body.int(opcode).bool(false).int(-1).text(path).bool(true);
    let body = item(item(Body::default(), 8, "/zookeeper"), 4, "/none").int(-1).bool(true).int(-1);
    let answer = world.ask(session.conn, 22, body).remove(0);
    let names = Body::default().int(8).bool(false).int(0).int(2).text("config").text("quota");
    let error = names.int(-1).bool(false).int(-101).int(-101);
    assert_eq!(answer[16..], error.int(-1).bool(true).int(-1).0);
}
