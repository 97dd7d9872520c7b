//! From the museum of bugs of clients: one-shot watches that were lost, told twice, or told to the wrong ones.

#[macro_use]
mod script;

use script::links::{children, exists, no_children, path};
use script::{Script, T, data};
use std::time::Duration;
use zk_session::ops::{Exists, GetChildren, GetData, NodeNames, Reply, Request};
use zk_session::proto::{Children, Zxid};
use zk_session::{Code, Ended, EventKind, Fault, SessionState, Stat};

use EventKind::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

/// kezhuw #82: one transaction changed two nodes, and the link broke between the two events. The client had taken the
/// number of the first event for what it had seen, so that the second was never told.
#[test]
fn museum_s019_an_event_does_not_move_the_clients_place_in_time() {
    holds_but_not_if_wrong!([TakesTimeFromEvents], |config| {
        let mut script = Script::linked(config("a"));
        script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
        script.read(GetData { path: path("/b"), watch: true }, 10, data("x"));
        script.told();
        script.event_of(12, NodeDataChanged, "/a");
        script.expect(&["call 1 NodeDataChanged /a"]);
        let handshake = script.cut_and_dialed();
        assert_eq!(handshake.last_zxid, Zxid::new(10));
        script.accept(5);
        let [lists] = &*script.restoring() else { panic!("expected one request") };
        assert_eq!((lists.relative_zxid, &*lists.data), (Zxid::new(10), &[path("/b")][..]));
        script.event(NodeDataChanged, "/b");
        script.restored(12);
        script.expect(&["call 2 NodeDataChanged /b", "connected 0x5 resumed"]);
    });
}

/// ZOOKEEPER-1412: followers answered reads with transaction 0, so that a client restored its watches as of a time before
/// they were set, and was told of what it had already read.
#[test]
fn museum_s020_a_spurious_event_uses_up_its_watch_once() {
    holds_but_not_if_wrong!([FiresAgain], |config| {
        let mut script = Script::linked(config("a"));
        script.read(GetData { path: path("/seen"), watch: false }, 20, data("x"));
        script.read(GetData { path: path("/a"), watch: true }, 0, data("x"));
        script.told();
        script.relinked();
        let [lists] = &*script.restoring() else { panic!("expected one request") };
        assert_eq!((lists.relative_zxid, &*lists.data), (Zxid::new(20), &[path("/a")][..]));
        script.event(NodeDataChanged, "/a");
        script.restored(30);
        script.expect(&["call 2 NodeDataChanged /a", "connected 0x5 resumed"]);
        assert_eq!(script.session.watch_count(), 0);
        // The next change is told to who asks again, and to nobody else.
        script.read(GetData { path: path("/a"), watch: true }, 30, data("y"));
        script.event(NodeDataChanged, "/a");
        script.expect(&["call 3 ok", "call 3 NodeDataChanged /a"]);
        assert_eq!(script.session.watch_count(), 0);
    });
}

/// ZOOKEEPER-1667: a node was deleted and created again while the client was away. Servers told of a creation those who
/// had looked at a node that was there, and clients looked for the watch in the wrong table.
#[test]
fn museum_s021_a_watch_fires_once_whatever_the_server_calls_the_change() {
    holds_but_not_if_wrong!([FiresAgain], |config| {
        for (was_there, kind) in [
            (true, NodeCreated),
            (true, NodeDataChanged),
            (true, NodeDeleted),
            (false, NodeCreated),
            (false, NodeDataChanged),
            (false, NodeDeleted),
        ] {
            let mut script = Script::linked(config("a"));
            script.submit(exists("/a"));
            script.sent();
            let there = Ok(Reply::Exists(Stat::default()));
            script.reply(1, 10, if was_there { there } else { Err(Code::NoNode) });
            script.relinked();
            let [lists] = &*script.restoring() else { panic!("expected one request") };
            assert_eq!((lists.data.len(), lists.exist.len()), if was_there { (1, 0) } else { (0, 1) });
            script.event(kind, "/a");
            script.event(kind, "/a");
            script.restored(12);
            assert_eq!(script.noticed(), [format!("call 1 {kind:?} /a")]);
            assert_eq!(script.session.watch_count(), 0);
            assert_eq!(script.session.oddities().unmatched_events, 1);
        }
    });
}

/// ZOOKEEPER-204: after a reconnection a read went out before the watches were set again, and its answer showed a change of
/// which the watch had not told.
#[test]
fn museum_s022_no_call_overtakes_the_watches_of_a_new_link() {
    holds_but_not_if_wrong!([OvertakesItsWatches, ForgetsItsCredentials], |config| {
        let mut config = config("a");
        config.encrypted = true;
        config.credentials = vec![script::links::digest("bob:secret")];
        let mut script = Script::new(config);
        script.dialed();
        script.connected();
        script.accept(5);
        assert_eq!(script.sent(), ["-4 auth"]);
        script.reply(-4, 0, Ok(Reply::Auth(())));
        script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
        script.cut_and_dialed();
        script.get("/a", false);
        assert!(script.sent().is_empty(), "nothing before the handshake is answered");
        script.accept(5);
        assert_eq!(script.sent(), ["-4 auth", "-8 setWatches"]);
        script.reply(-4, 0, Ok(Reply::Auth(())));
        script.event(NodeDataChanged, "/a");
        assert!(script.sent().is_empty(), "nothing before the watches stand");
        script.restored(11);
        assert_eq!(script.sent(), ["2 getData /a"]);
        script.reply(2, 11, Ok(data("y")));
        script.expect(&["call 1 NodeDataChanged /a", "connected 0x5 resumed", "call 2 ok"]);
    });
}

/// ZOOKEEPER-551: clients asked to restore watches on their first connection, and where there was nothing to restore.
#[test]
fn museum_s023_where_no_watch_stands_none_is_restored() {
    holds_but_not_if_wrong!([RestoresNothing], |config| {
        let mut script = Script::linked(config("a"));
        assert!(script.sent().is_empty());
        script.relinked();
        assert!(script.sent().is_empty());
        script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
        script.told();
        script.cut_and_dialed();
        script.expire(false);
        script.expect(&["disconnect", "call 1 ended Expired", "Ended(Expired)"]);
        script.session = script.session.successor(script.now).expect("renewed");
        script.told();
        script.dialed_later();
        assert_eq!(script.connected().session.raw(), 0);
        script.accept(6);
        assert!(script.sent().is_empty());
        script.expect(&["connected 0x6 new"]);
    });
}

/// ZOOKEEPER-961: watches were restored by the paths that the client uses below its chroot. The server set them elsewhere.
#[test]
fn museum_s024_watches_are_restored_by_the_servers_paths() {
    holds_but_not_if_wrong!([RestoresItsOwnPaths, TellsServerPaths], |config| {
        let mut script = Script::linked(config("a/app"));
        script.read(GetData { path: path("/x"), watch: true }, 10, data("x"));
        script.told();
        script.relinked();
        let [lists] = &*script.restoring() else { panic!("expected one request") };
        assert_eq!(lists.data, [path("/app/x")]);
        script.restored(10);
        script.event(NodeDataChanged, "/app/x");
        script.expect(&["connected 0x5 resumed", "call 1 NodeDataChanged /x"]);
    });
}

/// ZOOKEEPER-137: whom an event concerns was looked up when it was handed out. A watch that was set in between was used up
/// by a change that was older than it.
#[test]
fn museum_s025_an_event_concerns_the_watches_that_stood_before_it() {
    holds_but_not_if_wrong!([ArmsAtOnce], |config| {
        let mut script = Script::linked(config("a"));
        script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
        script.get("/a", true);
        script.sent();
        // It is on its way to the client when the second read is on its way to the server.
        script.event(NodeDataChanged, "/a");
        script.get("/a", true);
        script.sent();
        script.reply(2, 11, Ok(data("y")));
        script.reply(3, 11, Ok(data("y")));
        script.expect(&["call 1 ok", "call 1 NodeDataChanged /a", "call 2 ok", "call 3 ok"]);
        assert_eq!(script.session.watch_count(), 2);
        script.event(NodeDeleted, "/a");
        script.expect(&["call 2 NodeDeleted /a", "call 3 NodeDeleted /a"]);
    });
}

/// go-zookeeper 90e39fa: who waited for children was woken by any change of the node, and then had no watch any more.
#[test]
fn museum_s026_each_event_uses_up_the_watches_of_its_kind_alone() {
    holds_but_not_if_wrong!([MixesItsWatches, MisfilesChildren], |config| {
        for (kind, woken, left) in [
            (NodeDataChanged, &["call 1 NodeDataChanged /a", "call 2 NodeDataChanged /a"][..], 1),
            (NodeCreated, &["call 1 NodeCreated /a", "call 2 NodeCreated /a"], 1),
            (NodeChildrenChanged, &["call 3 NodeChildrenChanged /a"], 2),
            (NodeDeleted, &["call 1 NodeDeleted /a", "call 2 NodeDeleted /a", "call 3 NodeDeleted /a"], 0),
        ] {
            let mut script = Script::linked(config("a"));
            script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
            script.read(exists("/a"), 10, Reply::Exists(Stat::default()));
            script.read(children("/a"), 10, no_children());
            script.told();
            script.event(kind, "/a/b");
            script.event(kind, "/ab");
            script.event(kind, "/");
            script.expect(&[]);
            script.event(kind, "/a");
            script.expect(woken);
            assert_eq!(script.session.watch_count(), left, "{kind:?}");
        }
    });
}

/// Every request that can set a one-shot watch, what it is answered, and the changes that must fire it.
fn one_shot() -> Vec<(Request, Result<Reply, Code>, &'static [EventKind])> {
    let names = NodeNames { children: Children::default() };
    let at = || path("/zookeeper/config");
    vec![
        (GetData { path: at(), watch: true }.into(), Ok(data("x")), &[NodeDataChanged, NodeDeleted]),
        (
            exists("/zookeeper/config").into(),
            Ok(Reply::Exists(Stat::default())),
            &[NodeDataChanged, NodeDeleted],
        ),
        (exists("/zookeeper/config").into(), Err(Code::NoNode), &[NodeCreated]),
        (
            GetChildren { path: at(), watch: true }.into(),
            Ok(Reply::GetChildren(names)),
            &[NodeChildrenChanged, NodeDeleted],
        ),
        (children("/zookeeper/config").into(), Ok(no_children()), &[NodeChildrenChanged, NodeDeleted]),
        (GetData::config(true).into(), Ok(data("x")), &[NodeDataChanged]),
    ]
}

/// Kazoo #514: the watch of one of the two requests for children was filed with those of data, and never fired.
#[test]
fn museum_s027_every_request_that_sets_a_watch_is_told_of_its_change() {
    holds_but_not_if_wrong!([MisfilesChildren, FiresAgain], |config| {
        for (request, answer, changes) in one_shot() {
            for change in changes {
                let mut script = Script::linked(config("a"));
                script.submit(request.clone());
                script.sent();
                script.reply(1, 10, answer.clone());
                script.told();
                script.event(*change, "/zookeeper/config");
                script.event(*change, "/zookeeper/config");
                script.expect(&[&format!("call 1 {change:?} /zookeeper/config")]);
            }
        }
    });
}

/// Kazoo #29: after a reconnection the client held its watches for set, and the new server knew nothing of them.
#[test]
fn museum_s028_watches_of_every_kind_outlive_a_link() {
    holds_but_not_if_wrong!([ForgetsItsWatches], |config| {
        for (request, answer, changes) in one_shot() {
            let mut script = Script::linked(config("a,b,c"));
            script.submit(request);
            script.sent();
            script.reply(1, 10, answer);
            for _ in 0..3 {
                script.relinked();
                let [lists] = &*script.restoring() else { panic!("expected one request") };
                assert_eq!(lists.data.len() + lists.exist.len() + lists.child.len(), 1);
                script.restored(11);
            }
            script.told();
            script.event(changes[0], "/zookeeper/config");
            script.expect(&[&format!("call 1 {:?} /zookeeper/config", changes[0])]);
        }
    });
}

/// go-zookeeper #83: who waited for a watch was told neither of a partition nor of the session's end, and took what he knew
/// for current for ever.
#[test]
fn museum_s037_a_watch_ends_with_its_session_and_in_time() {
    holds_but_not_if_wrong!([WaitsForTheEnd, WaitsInSilence], |config| {
        let mut script = Script::linked(config("a"));
        let heard = script.now;
        script.read(Exists { path: path("/a"), watch: true }, 10, Reply::Exists(Stat::default()));
        script.told();
        let tick = Duration::from_millis(100);
        let (mut suspended, mut ended) = (None, None);
        while script.now.since(heard) < T * 10 && ended.is_none() {
            script.pass(tick);
            for output in script.told() {
                match &*output {
                    "suspended" => suspended = Some(script.now.since(heard)),
                    "call 1 ended Expired" => ended = Some(script.now.since(heard)),
                    _ => {}
                }
            }
        }
        assert!(suspended.expect("told of the loss") <= T * 2 / 3 + tick);
        assert!(ended.expect("told of the end") <= T * 4 / 3 + tick);
        assert_eq!(script.session.state(), &SessionState::Ended(Ended::Expired));
        assert_eq!(script.session.last_fault(), Some(&Fault::Silence));
    });
}

/// go-zookeeper #35: watches were restored as of a number that an answer on the new connection had already moved on, so that
/// what had changed in between was never told.
#[test]
fn museum_s038_watches_are_restored_as_of_the_old_link() {
    holds_but_not_if_wrong!([RestoresFromNow], |config| {
        let mut config = config("a");
        config.encrypted = true;
        config.credentials = vec![script::links::digest("bob:secret")];
        let mut script = Script::new(config);
        script.dialed();
        script.connected();
        script.accept(5);
        script.sent();
        script.reply(-4, 0, Ok(Reply::Auth(())));
        script.read(GetData { path: path("/b"), watch: true }, 10, data("x"));
        script.relinked();
        // The first answers of the new link are newer than the change of which the client must hear.
        script.reply(-4, 40, Ok(Reply::Auth(())));
        script.pass(T / 3);
        let sent = script.sent_requests();
        let [(-4, _), (-8, Request::SetWatches(lists)), (-2, _)] = &*sent else { panic!("{sent:?}") };
        assert_eq!((lists.relative_zxid, &*lists.data), (Zxid::new(10), &[path("/b")][..]));
        script.reply(-2, 40, Ok(Reply::Ping(())));
        script.relinked();
        let sent = script.sent_requests();
        let [(-4, _), (-8, Request::SetWatches(lists))] = &*sent else { panic!("{sent:?}") };
        assert_eq!((lists.relative_zxid, &*lists.data), (Zxid::new(10), &[path("/b")][..]));
    });
}
