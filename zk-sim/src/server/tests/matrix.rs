//! Which watch hears of which change, against what real servers were seen to send.

use serde_json::Value;

use super::bytes::Body;
use super::*;

const MATRIX: &str = include_str!("../../../tests/data/watch-matrix.json");

/// The parent of the watched node, so that the root stays out of it.
const PARENT: &str = "/p";
const W: &str = "/p/w";

#[test]
fn every_watch_hears_what_it_hears_from_real_servers() {
    let matrix: Value = serde_json::from_str(MATRIX).unwrap();
    let mut cells = 0;
    for (watch, actions) in matrix["matrix"].as_object().unwrap() {
        for (action, expected) in actions.as_object().unwrap() {
            for version in [Version::V3_8, Version::V3_9] {
                let (registered, events) = cell(version, watch, action);
                assert_eq!(
                    registered,
                    expected["register"].as_str().unwrap(),
                    "{version:?} {watch} {action}"
                );
                let expected: Vec<(String, String)> =
                    serde_json::from_value(expected["events"].clone()).unwrap();
                assert_eq!(events, expected, "{version:?} {watch} {action}");
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 2 * 6 * 16);
}

fn cell(version: Version, watch: &str, action: &str) -> (&'static str, Vec<(String, String)>) {
    let mut world = World::of(Config { quirks: crate::Quirks::of(version), ..Config::default() });
    let (watcher, actor) = (world.open().conn, world.open().conn);
    for path in before(action) {
        assert_eq!(world.code(actor, 1, Body::create(path, 0)), 0);
    }
    let (opcode, body) = match watch {
        "exists" => (3, Body::watched(W)),
        "data" => (4, Body::watched(W)),
        "children" => (8, Body::watched(W)),
        "children2" => (12, Body::watched(W)),
        "persistent" => (106, Body::path(W).int(0)),
        "recursive" => (106, Body::path(W).int(1)),
        other => panic!("an unknown watch {other}"),
    };
    let registered = if world.code(watcher, opcode, body) == 0 { "OK" } else { "NONODE" };
    act(&mut world, actor, action);
    (registered, world.take(watcher).iter().map(|frame| event(frame)).collect())
}

/// The nodes that are there when the watch is set.
fn before(action: &str) -> &'static [&'static str] {
    match action {
        "create_self" | "multi_create_self_and_child" => &[PARENT],
        "delete_child" | "set_child" | "create_grandchild" | "multi_delete_child_and_self" => {
            &[PARENT, W, "/p/w/c"]
        }
        "delete_grandchild" | "set_grandchild" => &[PARENT, W, "/p/w/c", "/p/w/c/g"],
        _ => &[PARENT, W],
    }
}

fn act(world: &mut World, actor: ConnId, action: &str) {
    let (c, g) = ("/p/w/c", "/p/w/c/g");
    let create = |path: &str| (1, Body::create(path, 0));
    let delete = |path: &str| (2, Body::path(path).int(-1));
    let set = |path: &str| (5, Body::path(path).buffer(Some(b"x")).int(-1));
    let acl = Body::path(W).int(1).int(31).text("world").text("anyone").int(-1);
    let requests = match action {
        "create_self" => vec![create(W)],
        "delete_self" => vec![delete(W)],
        "set_self" => vec![set(W)],
        "setacl_self" => vec![(7, acl)],
        "create_child" => vec![create(c)],
        "delete_child" => vec![delete(c)],
        "set_child" => vec![set(c)],
        "create_grandchild" => vec![create(g)],
        "delete_grandchild" => vec![delete(g)],
        "set_grandchild" => vec![set(g)],
        "create_sibling" => vec![create("/p/w2")],
        "multi_create_self_and_child" => vec![multi([create(W), create(c)])],
        "multi_delete_child_and_self" => vec![multi([delete(c), delete(W)])],
        "multi_set_self_twice" => vec![multi([set(W), set(W)])],
        "failed_multi_set_self" => vec![multi([set(W), delete("/none")])],
        "delete_then_recreate_self" => vec![delete(W), create(W)],
        other => panic!("an unknown action {other}"),
    };
    for (opcode, body) in requests {
        assert_eq!(world.code(actor, opcode, body), 0, "{action}");
    }
}

fn multi(items: [(i32, Body); 2]) -> (i32, Body) {
    let mut body = Body::default();
    for (opcode, item) in items {
        body = body.int(opcode).bool(false).int(-1);
        body.0.extend(item.0);
    }
    (14, body.int(-1).bool(true).int(-1))
}

fn event(frame: &[u8]) -> (String, String) {
    let mut reader = Reader::new(&frame[16..]);
    let kind = ["Created", "Deleted", "DataChanged", "ChildrenChanged"];
    let kind = kind[usize::try_from(reader.int().unwrap() - 1).unwrap()];
    assert_eq!(reader.int(), Ok(3));
    (format!("Node{kind}"), reader.path().unwrap().replacen(W, "W", 1))
}
