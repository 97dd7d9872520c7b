//! From the museum of bugs of clients: watches that last, and watches that are given up.

#[macro_use]
mod script;

use std::collections::BTreeSet;

use script::links::{add_watch, added, children, exists, no_children, path};
use script::{Script, data};
use zk_session::ops::Release;
use zk_session::ops::{AddWatchMode, GetData, RemoveWatches, Reply, Request, WatchKind};
use zk_session::{CallId, Code, Config, EventKind, Stat};

use AddWatchMode::{Persistent, PersistentRecursive};
use EventKind::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

/// A client of servers that know how to take a watch away.
fn modern(mut config: Config) -> Config {
    config.release = Some(Release::new(3, 6, 0));
    config
}

fn removed(script: &mut Script) -> Vec<(String, WatchKind)> {
    let removal = |(_, request)| {
        let Request::RemoveWatches(RemoveWatches { path, kind }) = request else {
            panic!("expected removals, got {request:?}")
        };
        (path.as_str().to_owned(), kind)
    };
    let sent = script.sent_requests();
    let xids: Vec<_> = sent.iter().map(|(xid, _)| *xid).collect();
    let removals = sent.into_iter().map(removal).collect();
    for xid in xids {
        script.reply(xid, 50, Ok(Reply::RemoveWatches(())));
    }
    removals
}

/// ZOOKEEPER-4466: a server before 3.9 has one watch for each path and connection. A one-shot watch took the place of a lasting
/// one, which was lost when it fired; a recursive one took the place of one that is not.
#[test]
fn museum_s029_watches_on_one_path_do_not_collide_on_any_server() {
    holds_but_not_if_wrong!([MixesModes], |config| {
        let mut script = Script::linked(config("a"));
        script.watch("/a", Persistent, 10);
        script.watch("/a", PersistentRecursive, 10);
        script.submit(exists("/a"));
        let sent = script.sent_requests();
        let [(3, Request::Exists(look))] = &*sent else { panic!("{sent:?}") };
        assert!(!look.watch, "the lasting watch would be lost");
        script.reply(3, 10, Err(Code::NoNode));
        script.told();
        // A server before 3.9 tells of all by the recursive watch alone.
        script.event(NodeCreated, "/a");
        script.expect(&["call 3 NodeCreated /a", "call 1 NodeCreated /a", "call 2 NodeCreated /a"]);
        script.event(NodeDataChanged, "/a");
        script.event(NodeCreated, "/a/b");
        script.event(NodeDeleted, "/a/b");
        let old = script.told();
        script.event_of(14, NodeDataChanged, "/a");
        script.event_of(15, NodeCreated, "/a/b");
        script.event_of(15, NodeChildrenChanged, "/a");
        script.event_of(16, NodeDeleted, "/a/b");
        script.event_of(16, NodeChildrenChanged, "/a");
        assert_eq!(
            script.told(),
            old,
            "a server since 3.9 keeps both watches, and tells of children besides"
        );
        assert_eq!(
            old,
            [
                "call 1 NodeDataChanged /a",
                "call 2 NodeDataChanged /a",
                "call 1 NodeChildrenChanged /a",
                "call 2 NodeCreated /a/b",
                "call 1 NodeChildrenChanged /a",
                "call 2 NodeDeleted /a/b",
            ]
        );
    });
}

/// ZOOKEEPER-4475: a recursive watch was told that children had changed, because the same session waited for children
/// somewhere below.
#[test]
fn museum_s030_a_recursive_watch_hears_of_nodes_and_not_of_their_children() {
    holds_but_not_if_wrong!([TellsTreesOfChildren], |config| {
        let mut script = Script::linked(config("a"));
        script.watch("/", PersistentRecursive, 10);
        script.read(children("/a"), 10, no_children());
        script.told();
        script.event(NodeCreated, "/a/b");
        script.event(NodeChildrenChanged, "/a");
        script.expect(&["call 1 NodeCreated /a/b", "call 2 NodeChildrenChanged /a"]);
        assert_eq!(script.session.watch_count(), 1);
    });
}

/// One watch of each kind, which no lasting one serves: what asks for it, its answer, what fires it and what takes it away.
fn kinds() -> [(Request, Result<Reply, Code>, EventKind, WatchKind); 5] {
    let there = Reply::Exists(Stat::default());
    [
        (GetData { path: path("/a"), watch: true }.into(), Ok(data("x")), NodeDataChanged, WatchKind::Data),
        (exists("/a").into(), Ok(there), NodeDataChanged, WatchKind::Data),
        (children("/a").into(), Ok(no_children()), NodeChildrenChanged, WatchKind::Children),
        (add_watch("/a", Persistent).into(), Ok(added()), NodeDataChanged, WatchKind::Any),
        (add_watch("/a", PersistentRecursive).into(), Ok(added()), NodeDataChanged, WatchKind::Any),
    ]
}

/// ZOOKEEPER-4471: the removal of one watch took others of the path with it, those of other kinds and those that last.
#[test]
fn museum_s031_the_removal_of_a_watch_leaves_the_others() {
    holds_but_not_if_wrong!([TakesAllKindsAway, GivesUpAnother], |config| {
        for (first, second) in (0..5).flat_map(|first| (0..5).map(move |second| (first, second))) {
            let mut script = Script::linked(modern(config("a")));
            for index in [first, second] {
                let (request, answer, _, _) = kinds()[index].clone();
                script.submit(request);
                let xid = script.last_sent();
                script.reply(xid, 10, answer);
            }
            script.told();
            script.session.unwatch(CallId::new(1));
            let (_, _, fires, kind) = kinds()[second].clone();
            for (at, taken) in removed(&mut script) {
                let same = taken == kind || taken == WatchKind::Any || kind == WatchKind::Any;
                assert!(!same, "{first} {second}: {taken:?} of {at} takes the other one away");
            }
            script.event(fires, "/a");
            assert_eq!(script.noticed(), [format!("call 2 {fires:?} /a")], "{first} {second}");
            if kind == WatchKind::Any {
                script.session.unwatch(CallId::new(2));
                assert_eq!(removed(&mut script), [("/a".to_owned(), WatchKind::Any)]);
            }
            assert_eq!(script.session.watch_count(), 0);
        }
    });
}

/// ZOOKEEPER-2611: of two watches with the same handler the one that was given up went on, and the other was silent.
#[test]
fn museum_s032_who_gives_up_a_watch_gives_up_his_own() {
    holds_but_not_if_wrong!([GivesUpAnother], |config| {
        let mut script = Script::linked(modern(config("a")));
        for _ in 0..3 {
            script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
        }
        script.told();
        script.session.unwatch(CallId::new(2));
        assert!(script.sent().is_empty(), "the server goes on watching for the others");
        script.event(NodeDataChanged, "/a");
        script.expect(&["call 1 NodeDataChanged /a", "call 3 NodeDataChanged /a"]);
        assert_eq!(script.session.watch_count(), 0);
    });
}

/// kezhuw d20c161: while a lasting watch was being set, an older watch of the path was given up, and a read of it failed. The
/// failure set off the removal that had been held back, which took the new watch away.
#[test]
fn museum_s033_no_removal_overtakes_a_watch_that_is_being_set() {
    holds_but_not_if_wrong!([WatchesAFailure, ArmsAtOnce], |config| {
        let mut script = Script::linked(modern(config("a")));
        script.read(exists("/a"), 10, Reply::Exists(Stat::default()));
        script.told();
        script.get("/a", true);
        script.submit(add_watch("/a", Persistent));
        script.session.unwatch(CallId::new(1));
        let sent = script.sent();
        assert_eq!(sent, ["2 getData /a", "3 addWatch /a"]);
        script.reply(2, 11, Err(Code::NoNode));
        assert!(script.sent().is_empty(), "a removal would take the new watch away");
        assert_eq!(script.session.watch_count(), 0);
        script.reply(3, 11, Ok(added()));
        assert!(script.sent().is_empty());
        script.expect(&["call 2 NoNode", "call 3 ok"]);
        for _ in 0..2 {
            script.event(NodeCreated, "/a");
            script.expect(&["call 3 NodeCreated /a"]);
        }
    });
}

/// kezhuw #22: removals that the client sent of itself had no number of their own. The answer fitted no request, and the link
/// was given up.
#[test]
fn museum_s034_requests_of_the_engine_have_numbers_of_their_own() {
    holds_but_not_if_wrong!([LeavesOutItsXid], |config| {
        let mut script = Script::linked(modern(config("a")));
        for name in ["/a", "/b", "/c"] {
            script.read(GetData { path: path(name), watch: true }, 10, data("x"));
        }
        script.told();
        script.get("/user", false);
        for watch in 1..=3 {
            script.session.unwatch(CallId::new(watch));
            script.get("/user", false);
        }
        let sent = script.sent_requests();
        assert_eq!(sent.len(), 7);
        let distinct: BTreeSet<_> = sent.iter().map(|(xid, _)| *xid).collect();
        assert_eq!(distinct.len(), sent.len(), "{sent:?}");
        for (xid, request) in sent {
            assert!(xid > 0, "{xid} {request:?}");
            let is_user = matches!(request, Request::GetData(_));
            script.reply(xid, 11, Ok(if is_user { data("x") } else { Reply::RemoveWatches(()) }));
        }
        assert_eq!(script.told().iter().filter(|output| output.ends_with("ok")).count(), 4);
        assert!(script.session.state().is_connected());
    });
}

/// An event as no server of today sends it.
fn odd_event(kind: i32, state: i32, at: &[u8]) -> Vec<u8> {
    let length = i32::try_from(at.len()).expect("short");
    let body = [&kind.to_be_bytes()[..], &state.to_be_bytes(), &length.to_be_bytes(), at].concat();
    let header = [&(-1_i32).to_be_bytes()[..], &(-1_i64).to_be_bytes(), &0_i32.to_be_bytes()].concat();
    let frame_length = i32::try_from(header.len() + body.len()).expect("short");
    [&frame_length.to_be_bytes()[..], &header, &body].concat()
}

/// kezhuw #83: an event of a kind that the client did not know made it panic.
#[test]
fn museum_s035_odd_events_are_counted_and_cost_nothing() {
    holds_but_not_if_wrong!([DreadsUnknownEvents], |config| {
        let mut script = Script::linked(config("a"));
        script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
        script.watch("/", PersistentRecursive, 10);
        script.told();
        let numbers = || (-2..=20).chain([i32::MIN, i32::MAX]);
        let paths: [&[u8]; 9] =
            [b"/odd", b"odd", b"", b"/", b"//", b"/a/", b"/\xff\xfe", b"/\xed\xa0\x80", b"/a\0b"];
        let mut odd = 0;
        for (kind, state, at) in numbers()
            .flat_map(|kind| numbers().map(move |state| (kind, state)))
            .flat_map(|(kind, state)| paths.iter().map(move |at| (kind, state, *at)))
        {
            script.receive(&odd_event(kind, state, at));
            odd += 1;
            for told in script.told() {
                assert!(told.starts_with("call 2 Node"), "{kind} {state} {at:?}: {told}");
                assert!((1..=3).contains(&kind) && matches!(at, b"/odd" | b"/"), "{kind} {at:?}: {told}");
            }
        }
        assert_eq!(script.session.oddities().unknown_events, odd - 25 * 2 * 4);
        script.event(NodeDataChanged, "/a");
        script.expect(&["call 1 NodeDataChanged /a", "call 2 NodeDataChanged /a"]);
    });
}

/// ZOOKEEPER-4698: servers do not tell lasting watches what happened while there was no link, and neither did clients tell
/// that anything could have.
#[test]
fn museum_s036_a_lasting_watch_is_told_that_it_may_have_missed_something() {
    holds_but_not_if_wrong!([HidesTheGap], |config| {
        let mut script = Script::linked(config("a"));
        script.watch("/t", PersistentRecursive, 10);
        script.watch("/p", Persistent, 10);
        script.read(GetData { path: path("/t/y"), watch: true }, 20, data("x"));
        script.told();
        for zxid in [20, 30] {
            script.cut_and_dialed();
            script.accept(5);
            let [lists] = &*script.restoring() else { panic!("expected one request") };
            assert_eq!(lists.recursive, [path("/t")]);
            assert_eq!(lists.persistent, [path("/p")]);
            script.expect(&[&format!("call 1 gap since {zxid}"), &format!("call 2 gap since {zxid}")]);
            script.event(NodeCreated, "/t/x");
            script.restored(30);
            script.expect(&["call 1 NodeCreated /t/x", "connected 0x5 resumed"]);
            script.get("/t", false);
            let xid = script.last_sent();
            script.reply(xid, 30, Ok(data("x")));
        }
    });
}
