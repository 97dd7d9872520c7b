//! One-shot watches: set by the reply, fired once, restored before anything else, ended with the session.

mod script;

use script::{Script, config, data};
use zk_session::ops::{Exists, GetChildren2, NodeChildren, Reply, Request};
use zk_session::proto::{Children, Zxid};
use zk_session::{CallId, Code, EventKind, Fault, Path, Stat};

fn path(text: &str) -> Path {
    Path::new(text).expect("a path of the test")
}

/// A session with a data, an exist and a child watch, by the calls 1, 2 and 3; the newest zxid seen is 30.
fn watching(servers: &str) -> Script {
    let mut script = Script::linked(config(servers));
    script.get("/data", true);
    script.submit(Exists { path: path("/exist"), watch: true });
    script.submit(GetChildren2 { path: path("/child"), watch: true });
    script.sent();
    script.reply(1, 10, Ok(data("x")));
    script.reply(2, 20, Err(Code::NoNode));
    let children = NodeChildren { children: Children::default(), stat: Stat::default() };
    script.reply(3, 30, Ok(Reply::GetChildren2(children)));
    script.expect(&["call 1 ok", "call 2 NoNode", "call 3 ok"]);
    script
}

#[test]
fn events_and_replies_come_in_wire_order_and_fire_once() {
    let mut script = watching("a");
    script.get("/data", false);
    script.sent();
    script.event(EventKind::NodeDataChanged, "/data");
    script.reply(4, 31, Ok(data("y")));
    script.event(EventKind::NodeDataChanged, "/data");
    script.event(EventKind::NodeCreated, "/exist");
    script.event(EventKind::NodeDeleted, "/child");
    script.expect(&[
        "call 1 NodeDataChanged /data",
        "call 4 ok",
        "call 2 NodeCreated /exist",
        "call 3 NodeDeleted /child",
    ]);
    assert_eq!(script.session.oddities().unmatched_events, 1);
}

#[test]
fn a_read_that_fails_sets_no_watch() {
    let mut script = Script::linked(config("a"));
    script.get("/a", true);
    script.submit(Exists { path: path("/b"), watch: true });
    script.sent();
    script.reply(1, 1, Err(Code::NoNode));
    script.reply(2, 1, Err(Code::NoAuth));
    script.expect(&["call 1 NoNode", "call 2 NoAuth"]);
    assert_eq!(script.session.watch_count(), 0);
}

#[test]
fn watches_are_restored_first_and_what_was_missed_is_told_before_the_resumption() {
    let mut script = watching("a");
    script.cut();
    script.expect(&["suspended"]);
    script.get("/call", false);
    script.dialed_later();
    script.connected();
    script.accept(5);
    let sent = script.sent_requests();
    let [(-8, Request::SetWatches(restored))] = &*sent else { panic!("expected SetWatches alone: {sent:?}") };
    assert_eq!(restored.relative_zxid, Zxid::new(30));
    assert_eq!(restored.data, [path("/data")]);
    assert_eq!(restored.exist, [path("/exist")]);
    assert_eq!(restored.child, [path("/child")]);
    script.event(EventKind::NodeDataChanged, "/data");
    script.expect(&["call 1 NodeDataChanged /data"]);
    assert!(script.sent().is_empty(), "no call leaves before the watches stand");
    script.reply(-8, 40, Ok(Reply::SetWatches(())));
    script.expect(&["connected 0x5 resumed"]);
    assert_eq!(script.sent(), ["4 getData /call"]);

    // What has fired is not restored again.
    script.cut();
    script.dialed_later_after_any();
    script.connected();
    script.accept(5);
    let sent = script.sent_requests();
    let [(-8, Request::SetWatches(restored))] = &*sent else { panic!("expected SetWatches alone: {sent:?}") };
    assert!(restored.data.is_empty());
    // The answer to SetWatches is no ordinary reply: the base of the next catch-up stays.
    assert_eq!(restored.relative_zxid, Zxid::new(30));
}

#[test]
fn a_cut_while_restoring_keeps_watches_and_waiting_calls() {
    let mut script = watching("a");
    script.cut();
    script.expect(&["suspended"]);
    script.get("/call", false);
    for _ in 0..3 {
        script.dialed_later_after_any();
        script.connected();
        script.accept(5);
        assert_eq!(script.sent(), ["-8 setWatches"]);
        script.cut();
        script.expect(&[]);
    }
    assert_eq!(script.session.watch_count(), 3);
    assert_eq!(script.session.call_count(), 1);
}

#[test]
fn a_server_that_refuses_to_restore_is_left() {
    let mut script = watching("a");
    script.cut();
    script.dialed_later_after_any();
    script.connected();
    script.accept(5);
    script.sent();
    script.reply(-8, 40, Err(Code::MarshallingError));
    script.expect(&["disconnect"]);
    assert_eq!(script.session.last_fault(), Some(&Fault::WatchesRefused(Code::MarshallingError)));
    assert_eq!(script.session.watch_count(), 3);
}

#[test]
fn many_watches_are_restored_in_several_frames_and_all_must_be_answered() {
    let mut script = Script::linked(config("a"));
    for number in 0..5_000 {
        script.get(&format!("/{number:0>60}"), true);
        script.sent();
        script.reply(number + 1, 1, Ok(data("x")));
    }
    while script.session.poll().is_some() {}
    script.cut();
    script.dialed_later_after_any();
    script.connected();
    script.accept(5);
    let sent = script.sent();
    assert!(sent.len() > 2 && sent.iter().all(|frame| frame == "-8 setWatches"), "{sent:?}");
    for _ in 1..sent.len() {
        script.reply(-8, 1, Ok(Reply::SetWatches(())));
        script.expect(&[]);
    }
    script.reply(-8, 1, Ok(Reply::SetWatches(())));
    script.expect(&["connected 0x5 resumed"]);
}

#[test]
fn a_watch_that_was_given_up_tells_nothing() {
    let mut script = watching("a");
    script.session.unwatch(CallId::new(1));
    let coming = script.get("/late", true);
    assert_eq!(
        script.sent(),
        ["4 removeWatches /data"],
        "the server may not know how, and close the connection"
    );
    // It was on its way when the server was asked to forget it.
    script.event(EventKind::NodeDeleted, "/data");
    script.reply(4, 31, Ok(Reply::RemoveWatches(())));
    assert_eq!(script.sent(), ["5 getData /late"]);
    script.session.unwatch(coming);
    script.reply(5, 31, Ok(data("x")));
    assert_eq!(script.sent(), ["6 removeWatches /late"]);
    script.event(EventKind::NodeDeleted, "/late");
    script.reply(6, 31, Ok(Reply::RemoveWatches(())));
    script.expect(&["call 5 ok"]);
    assert_eq!(script.session.watch_count(), 2);
    script.event(EventKind::NodeCreated, "/exist");
    script.session.unwatch(CallId::new(2));
    script.expect(&[]);
}

#[test]
fn a_watch_that_was_given_up_before_its_call_left_is_not_asked_for() {
    let mut script = Script::new(config("a"));
    let waiting = [
        script.get("/a", true),
        script.submit(Exists { path: path("/b"), watch: true }),
        script.submit(GetChildren2 { path: path("/c"), watch: true }),
    ];
    for call in waiting {
        script.session.unwatch(call);
    }
    script.dialed();
    script.connected();
    script.accept(5);
    for (_, request) in script.sent_requests() {
        let text = format!("{request:?}");
        assert!(text.contains("watch: false"), "{text}");
    }
    script.reply(1, 10, Ok(data("x")));
    script.expect(&["connected 0x5 new", "call 1 ok"]);
    assert_eq!(script.session.watch_count(), 0);
}

#[test]
fn the_chroot_is_added_and_stripped_at_component_borders() {
    let mut script = Script::linked(config("a/app"));
    script.get("/", true);
    script.get("/apple", true);
    script.submit(zk_session::ops::Delete { path: Path::root(), version: zk_session::Version::ANY });
    assert_eq!(script.sent(), ["1 getData /app", "2 getData /app/apple", "3 delete /"]);
    script.reply(1, 1, Ok(data("x")));
    script.reply(2, 1, Ok(data("x")));
    script.reply(3, 1, Err(Code::BadArguments));
    script.event(EventKind::NodeDeleted, "/app/apple");
    script.event(EventKind::NodeDeleted, "/apple");
    script.expect(&["call 1 ok", "call 2 ok", "call 3 BadArguments", "call 2 NodeDeleted /apple"]);
    script.cut();
    script.dialed_later_after_any();
    script.connected();
    script.accept(5);
    let sent = script.sent_requests();
    let [(-8, Request::SetWatches(restored))] = &*sent else { panic!("expected SetWatches: {sent:?}") };
    assert_eq!(restored.data, [path("/app")]);
    script.event(EventKind::NodeDataChanged, "/app");
    script.expect(&["call 1 NodeDataChanged /"]);
}

#[test]
fn a_multi_is_taken_into_the_chroot_but_does_not_delete_its_root() {
    use zk_session::Version;
    use zk_session::ops::{Batch, Check, Delete, Multi};
    let mut script = Script::linked(config("a/app"));
    let delete = |text| Delete { path: path(text), version: Version::ANY };
    let check = |text| Check { path: path(text), version: Version::ANY };
    let ops = vec![check("/").into(), delete("/").into(), delete("/a").into()];
    script.submit(Multi { ops: Batch(ops) });
    let expected = vec![check("/app").into(), delete("/").into(), delete("/app/a").into()];
    assert_eq!(script.sent_requests(), [(1, Multi { ops: Batch(expected) }.into())]);
}

#[test]
fn what_lies_outside_the_chroot_stays_outside() {
    use zk_session::ops::{Ephemerals, GetData, GetEphemerals};
    use zk_session::{Answer, Output};
    let mut script = Script::linked(config("a/app"));
    script.submit(GetData::config(true));
    script.submit(GetEphemerals { prefix: path("/x") });
    let sent = script.sent_requests();
    assert_eq!(sent[0].1, GetData::config(true).into());
    assert_eq!(sent[1].1, GetEphemerals { prefix: path("/app/x") }.into());
    script.reply(1, 1, Ok(data("server.1=a:1:2")));
    script.expect(&["call 1 ok"]);
    script.event(EventKind::NodeDataChanged, "/zookeeper/config");
    script.expect(&["call 1 NodeDataChanged /zookeeper/config"]);
    let paths = vec![path("/app/x"), path("/app/xy"), path("/apple")];
    script.reply(2, 1, Ok(Reply::GetEphemerals(Ephemerals { paths })));
    let Some(Output::Completed(_, Ok(Answer { reply: Reply::GetEphemerals(inside), .. }))) =
        script.session.poll()
    else {
        panic!("expected the ephemeral nodes");
    };
    assert_eq!(inside.paths, [path("/x"), path("/xy")]);
    assert_eq!(script.session.oddities().foreign_paths, 0);
}

trait AfterAny {
    fn dialed_later_after_any(&mut self);
}

impl AfterAny for Script {
    /// Drops what was told so far; then the engine dials again.
    fn dialed_later_after_any(&mut self) {
        while self.session.poll().is_some() {}
        self.dialed_later();
    }
}
