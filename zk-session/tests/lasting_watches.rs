//! Watches that stay: who is told of what, what servers are asked for and asked to forget.

mod script;

use script::links::{add_watch, added, children, exists, no_children, path};
use script::{Script, config, data};
use zk_session::ops::{AddWatchMode, GetData, Release, Reply};
use zk_session::{CallId, Code, Config, EventKind, Fault, Stat};

use AddWatchMode::{Persistent, PersistentRecursive};
use EventKind::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

fn modern(servers: &str) -> Config {
    let mut config = config(servers);
    config.release = Some(Release::new(3, 6, 0));
    config
}

fn removed(script: &mut Script, xid: i32) {
    script.reply(xid, 10, Ok(Reply::RemoveWatches(())));
}

#[test]
fn a_watch_that_was_given_up_before_its_call_left_is_taken_away_again() {
    let mut script = Script::new(modern("a"));
    let call = script.submit(add_watch("/a", PersistentRecursive));
    script.session.unwatch(call);
    script.dialed();
    script.connected();
    script.accept(5);
    assert_eq!(script.sent(), ["1 addWatch /a"]);
    script.reply(1, 10, Ok(added()));
    assert_eq!(script.sent(), ["2 removeWatches /a"], "the server watches for nobody");
    script.event(NodeCreated, "/a/b");
    removed(&mut script, 2);
    script.expect(&["connected 0x5 new", "call 1 ok"]);
    assert_eq!(script.session.watch_count(), 0);
}

#[test]
fn a_lasting_watch_is_taken_away_when_the_last_one_it_serves_has_fired() {
    for mode in [Persistent, PersistentRecursive] {
        let mut script = Script::linked(modern("a"));
        script.watch("/a", mode, 10);
        script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
        script.read(children("/a"), 10, no_children());
        script.told();
        script.session.unwatch(CallId::new(1));
        assert!(script.sent().is_empty(), "the reads have no other watch");
        script.event(NodeDataChanged, "/a");
        assert!(script.sent().is_empty());
        script.event(NodeDeleted, "/a");
        assert_eq!(script.sent(), ["4 removeWatches /a"]);
        script.expect(&["call 2 NodeDataChanged /a", "call 3 NodeDeleted /a"]);
    }
}

#[test]
fn several_owners_share_one_watch_of_the_server() {
    let mut script = Script::linked(modern("a"));
    for _ in 0..3 {
        script.watch("/a", Persistent, 10);
    }
    script.told();
    script.event(NodeDataChanged, "/a");
    script.expect(&["call 1 NodeDataChanged /a", "call 2 NodeDataChanged /a", "call 3 NodeDataChanged /a"]);
    script.session.unwatch(CallId::new(2));
    script.session.unwatch(CallId::new(1));
    assert!(script.sent().is_empty());
    script.event(NodeDataChanged, "/a");
    script.expect(&["call 3 NodeDataChanged /a"]);
    script.session.unwatch(CallId::new(3));
    assert_eq!(script.sent(), ["4 removeWatches /a"]);
    removed(&mut script, 4);
    script.relinked();
    assert!(script.sent().is_empty(), "nothing is restored");
}

#[test]
fn a_watch_that_is_set_while_another_is_taken_away_stands() {
    let mut script = Script::linked(modern("a"));
    script.watch("/a", Persistent, 10);
    script.told();
    script.session.unwatch(CallId::new(1));
    script.submit(add_watch("/a", Persistent));
    script.submit(exists("/a"));
    assert_eq!(script.sent(), ["2 removeWatches /a", "3 addWatch /a", "4 exists /a"]);
    // It was on its way when the first watch was taken away.
    script.event(NodeDataChanged, "/a");
    removed(&mut script, 2);
    script.expect(&[]);
    script.reply(3, 11, Ok(added()));
    script.reply(4, 11, Ok(Reply::Exists(Stat::default())));
    script.event(NodeDataChanged, "/a");
    script.expect(&["call 3 ok", "call 4 ok", "call 4 NodeDataChanged /a", "call 3 NodeDataChanged /a"]);
    assert!(script.sent().is_empty());
}

#[test]
fn a_read_whose_lasting_watch_was_refused_gets_one_of_its_own() {
    let mut script = Script::linked(modern("a"));
    script.submit(add_watch("/a", Persistent));
    script.get("/a", true);
    let sent = script.sent_requests();
    assert!(format!("{sent:?}").contains("watch: false"), "{sent:?}");
    script.reply(1, 10, Err(Code::MarshallingError));
    script.reply(2, 11, Ok(data("x")));
    // No server has it: the next link sets it, as of what the answer has shown.
    script.expect(&["call 1 MarshallingError", "call 2 ok", "disconnect", "suspended"]);
    script.dialed_later();
    script.connected();
    script.accept(5);
    let [lists] = &*script.restoring() else { panic!("expected one request") };
    assert_eq!((lists.relative_zxid.raw(), &*lists.data), (11, &[path("/a")][..]));
    script.restored(12);
    script.expect(&["connected 0x5 resumed"]);
    script.event(NodeDataChanged, "/a");
    script.expect(&["call 2 NodeDataChanged /a"]);
}

#[test]
fn what_a_lasting_watch_serves_is_restored_on_its_own() {
    let mut script = Script::linked(modern("a"));
    script.watch("/a", PersistentRecursive, 10);
    script.watch("/a", Persistent, 10);
    script.read(GetData { path: path("/a"), watch: true }, 20, data("x"));
    script.relinked();
    let [lists] = &*script.restoring() else { panic!("expected one request") };
    // What was missed is told to the read; a server before 3.9 lets the later, lasting watch win.
    assert_eq!((&*lists.data, &*lists.recursive), (&[path("/a")][..], &[path("/a")][..]));
    assert!(
        lists.persistent.is_empty(),
        "the recursive one serves it: two do not stand side by side before 3.9"
    );
    script.event(NodeDataChanged, "/a");
    script.restored(30);
    script.expect(&[
        "call 1 gap since 20",
        "call 2 gap since 20",
        "call 3 NodeDataChanged /a",
        "call 2 NodeDataChanged /a",
        "call 1 NodeDataChanged /a",
        "connected 0x5 resumed",
    ]);
}

#[test]
fn servers_that_cannot_take_a_watch_away_are_asked_once_and_when_it_does_no_harm() {
    let mut script = Script::linked(config("a"));
    script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
    script.read(GetData { path: path("/b"), watch: true }, 10, data("x"));
    script.get("/c", false);
    script.sent();
    script.session.unwatch(CallId::new(1));
    assert!(script.sent().is_empty(), "a call is under way, which would be lost with the connection");
    script.reply(3, 10, Ok(data("c")));
    assert_eq!(script.sent(), ["4 removeWatches /a"]);
    script.reply(4, 10, Err(Code::Unimplemented));
    script.told();
    script.relinked();
    let [lists] = &*script.restoring() else { panic!("expected one request") };
    assert_eq!(lists.data, [path("/b")]);
    script.restored(10);
    script.session.unwatch(CallId::new(2));
    assert!(script.sent().is_empty(), "the servers do not know how");
    script.event(NodeDataChanged, "/b");
    assert_eq!(script.told(), ["connected 0x5 resumed"]);
}

#[test]
fn a_recursive_watch_of_the_root_hears_of_everything_once() {
    let mut script = Script::linked(modern("a"));
    script.watch("/", PersistentRecursive, 10);
    script.watch("/a", PersistentRecursive, 10);
    script.read(children("/a"), 10, no_children());
    script.read(children("/"), 10, no_children());
    script.told();
    script.event(NodeCreated, "/a/b");
    script.expect(&["call 3 NodeChildrenChanged /a", "call 2 NodeCreated /a/b", "call 1 NodeCreated /a/b"]);
    script.event(NodeChildrenChanged, "/a");
    script.event(NodeChildrenChanged, "/");
    script.expect(&["call 4 NodeChildrenChanged /"]);
    script.event(NodeDeleted, "/a");
    script.expect(&["call 2 NodeDeleted /a", "call 1 NodeDeleted /a"]);
    script.event(NodeDataChanged, "/");
    script.expect(&["call 1 NodeDataChanged /"]);
    script.event(NodeCreated, "/ab");
    script.expect(&["call 1 NodeCreated /ab"]);
}

#[test]
fn watches_end_with_the_session_in_the_order_of_their_calls() {
    let mut script = Script::linked(modern("a"));
    script.watch("/b", Persistent, 10);
    script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
    script.watch("/a", PersistentRecursive, 10);
    script.told();
    script.cut_and_dialed();
    script.expire(false);
    script.expect(&[
        "disconnect",
        "call 1 ended Expired",
        "call 2 ended Expired",
        "call 3 ended Expired",
        "Ended(Expired)",
    ]);
    assert_eq!(script.session.watch_count(), 0);
    assert_eq!(script.session.last_fault(), Some(&Fault::Cut(zk_session::Cut::Closed)));
}

#[test]
fn what_is_given_up_without_a_link_is_not_restored() {
    let mut script = Script::linked(modern("a"));
    script.watch("/a", Persistent, 10);
    script.read(GetData { path: path("/b"), watch: true }, 10, data("x"));
    script.cut();
    script.session.unwatch(CallId::new(1));
    script.told();
    script.dialed_later();
    script.session.unwatch(CallId::new(2));
    script.connected();
    script.accept(5);
    assert!(script.sent().is_empty());
    script.expect(&["connected 0x5 resumed"]);
}

#[test]
fn what_is_given_up_while_it_is_restored_is_taken_away_again() {
    let mut script = Script::linked(modern("a"));
    script.watch("/a", Persistent, 10);
    script.read(GetData { path: path("/b"), watch: true }, 10, data("x"));
    script.relinked();
    assert_eq!(script.restoring().len(), 1);
    script.session.unwatch(CallId::new(1));
    script.session.unwatch(CallId::new(2));
    assert!(script.sent().is_empty(), "not before the watches stand");
    script.event(NodeDataChanged, "/a");
    script.restored(10);
    assert_eq!(script.sent(), ["3 removeWatches /a", "4 removeWatches /b"]);
    script.expect(&["connected 0x5 resumed"]);
}

#[test]
fn no_call_is_risked_on_a_server_that_may_not_know_how_to_take_a_watch_away() {
    let mut script = Script::linked(config("a"));
    script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
    script.read(GetData { path: path("/b"), watch: true }, 10, data("x"));
    script.told();
    script.session.unwatch(CallId::new(1));
    script.session.unwatch(CallId::new(2));
    script.get("/c", false);
    assert_eq!(script.sent(), ["3 removeWatches /a"], "a server before 3.5 would close the connection now");
    script.reply(3, 10, Err(Code::Unimplemented));
    script.expect(&["disconnect", "suspended"]);
    script.dialed_later();
    script.connected();
    script.accept(5);
    assert_eq!(script.sent(), ["4 getData /c"]);
    script.expect(&["connected 0x5 resumed"]);

    // Nor is anything known if the link is lost before the answer.
    let mut script = Script::linked(config("a"));
    script.read(GetData { path: path("/a"), watch: true }, 10, data("x"));
    script.session.unwatch(CallId::new(1));
    script.get("/c", false);
    assert_eq!(script.sent(), ["2 removeWatches /a"]);
    script.relinked();
    assert_eq!(script.sent(), ["3 getData /c"]);
    script.get("/d", true);
    let xid = script.last_sent();
    script.reply(3, 10, Ok(data("x")));
    script.reply(xid, 10, Ok(data("x")));
    script.session.unwatch(CallId::new(4));
    assert_eq!(script.sent(), ["5 removeWatches /d"]);
    script.get("/e", false);
    assert!(script.sent().is_empty());
    removed(&mut script, 5);
    assert_eq!(script.sent(), ["6 getData /e"]);
}
