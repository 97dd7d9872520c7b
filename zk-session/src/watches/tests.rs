//! Who is told of what, what the server is asked for, and what it may forget.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use zk_proto::Zxid;
use zk_proto::ops::{SetWatches, WatchKind};

use super::restore::RESTORE_LENGTH_MAX;
use super::*;

fn path(text: &str) -> Path {
    Path::new(text).expect("a path of the test")
}

fn call(number: u64) -> CallId {
    CallId::new(number)
}

fn request(kind: Kind, at: &str) -> Request {
    let path = path(at);
    match kind {
        Kind::Data => ops::GetData { path, watch: true }.into(),
        Kind::Exist => ops::Exists { path, watch: true }.into(),
        Kind::Child => ops::GetChildren2 { path, watch: true }.into(),
        Kind::Persistent => ops::AddWatch { path, mode: AddWatchMode::Persistent }.into(),
        Kind::Recursive => ops::AddWatch { path, mode: AddWatchMode::PersistentRecursive }.into(),
    }
}

/// A call that wants a watch is written; what the server is asked for is returned as well.
fn ask(watches: &mut Watches, kind: Kind, at: &str) -> (Wanted, Request) {
    let mut request = request(kind, at);
    let mut wanted = Wanted::by(&request).expect("it wants a watch");
    watches.asking(&mut wanted, &mut request);
    (wanted, request)
}

fn answer(watches: &mut Watches, wanted: &Wanted, owner: u64) -> Option<(Kind, Armed)> {
    let error = (wanted.kind == Kind::Data && wanted.or_missing).then_some(Code::NoNode);
    watches.answered(wanted, error, Some(call(owner)))
}

fn set(watches: &mut Watches, owner: u64, kind: Kind, at: &str) {
    let (wanted, _) = ask(watches, kind, at);
    assert_eq!(answer(watches, &wanted, owner), Some((kind, Armed::Served)));
}

fn fire(watches: &mut Watches, event: EventKind, at: &str) -> Vec<String> {
    let told = watches.fire(event, &path(at)).told;
    told.into_iter()
        .map(|(owner, event)| format!("{} {:?} {}", owner.number(), event.kind, event.path))
        .collect()
}

fn frames(watches: &Watches) -> Vec<Vec<String>> {
    let text = |(kind, paths): (&str, Vec<Path>)| -> Vec<String> {
        paths.into_iter().map(|path| format!("{kind} {path}")).collect()
    };
    let frame = |request| {
        let lists = if let Request::SetWatches(it) = request {
            vec![("data", it.data), ("exist", it.exist), ("child", it.child)]
        } else if let Request::SetWatches2(it) = request {
            vec![
                ("data", it.data),
                ("exist", it.exist),
                ("child", it.child),
                ("persistent", it.persistent),
                ("recursive", it.recursive),
            ]
        } else {
            panic!("it restores no watches: {request:?}")
        };
        lists.into_iter().flat_map(text).collect()
    };
    watches.restore(Zxid::new(9)).into_iter().map(frame).collect()
}

#[test]
fn an_event_fires_the_one_shot_watches_of_its_kinds_once() {
    let rows = [
        (EventKind::NodeCreated, vec!["2 NodeCreated /a", "1 NodeCreated /a"]),
        (EventKind::NodeDataChanged, vec!["2 NodeDataChanged /a", "1 NodeDataChanged /a"]),
        (EventKind::NodeChildrenChanged, vec!["3 NodeChildrenChanged /a"]),
        (EventKind::NodeDeleted, vec!["2 NodeDeleted /a", "1 NodeDeleted /a", "3 NodeDeleted /a"]),
        (EventKind::Unknown(99), vec![]),
    ];
    for (event, expected) in rows {
        let mut watches = Watches::default();
        set(&mut watches, 1, Kind::Data, "/a");
        set(&mut watches, 2, Kind::Exist, "/a");
        set(&mut watches, 3, Kind::Child, "/a");
        set(&mut watches, 4, Kind::Data, "/b");
        assert_eq!(fire(&mut watches, event, "/a"), expected, "{event:?}");
        assert_eq!(fire(&mut watches, event, "/a"), [""; 0], "{event:?} again");
        assert_eq!(watches.len(), 4 - expected.len());
    }
}

#[test]
fn lasting_watches_stay_and_hear_what_is_theirs() {
    let mut watches = Watches::default();
    set(&mut watches, 1, Kind::Persistent, "/a");
    set(&mut watches, 2, Kind::Recursive, "/");
    set(&mut watches, 3, Kind::Recursive, "/ab");
    for _ in 0..2 {
        assert_eq!(
            fire(&mut watches, EventKind::NodeChildrenChanged, "/a"),
            ["1 NodeChildrenChanged /a"],
            "recursive watches hear of the child itself"
        );
        assert_eq!(fire(&mut watches, EventKind::NodeCreated, "/a/b"), ["2 NodeCreated /a/b"]);
        assert_eq!(
            fire(&mut watches, EventKind::NodeDeleted, "/a"),
            ["1 NodeDeleted /a", "2 NodeDeleted /a"]
        );
        assert_eq!(
            fire(&mut watches, EventKind::NodeDataChanged, "/ab/c"),
            ["3 NodeDataChanged /ab/c", "2 NodeDataChanged /ab/c"]
        );
    }
}

#[test]
fn a_one_shot_watch_beside_a_lasting_one_is_not_asked_for_and_fires_once() {
    for lasting in Kind::LASTING {
        let mut watches = Watches::default();
        let (add, _) = ask(&mut watches, lasting, "/a");
        // Even while the lasting one is on its way: the server takes them in order.
        let (data, read) = ask(&mut watches, Kind::Data, "/a");
        assert_eq!(read, ops::GetData { path: path("/a"), watch: false }.into());
        assert_eq!(answer(&mut watches, &add, 1), Some((lasting, Armed::Served)));
        assert_eq!(answer(&mut watches, &data, 2), Some((Kind::Data, Armed::Served)));
        let (child, read) = ask(&mut watches, Kind::Child, "/a");
        assert_eq!(read, ops::GetChildren2 { path: path("/a"), watch: false }.into());
        answer(&mut watches, &child, 3);
        assert_eq!(
            fire(&mut watches, EventKind::NodeDataChanged, "/a"),
            ["2 NodeDataChanged /a", "1 NodeDataChanged /a"]
        );
        assert_eq!(fire(&mut watches, EventKind::NodeDataChanged, "/a"), ["1 NodeDataChanged /a"]);
        let children = if lasting == Kind::Persistent {
            fire(&mut watches, EventKind::NodeChildrenChanged, "/a")
        } else {
            fire(&mut watches, EventKind::NodeCreated, "/a/b")
        };
        assert_eq!(children[0], "3 NodeChildrenChanged /a");
        assert_eq!(watches.len(), 1);
    }
}

#[test]
fn a_watch_whose_server_side_was_refused_stands_bare() {
    let mut watches = Watches::default();
    let (add, _) = ask(&mut watches, Kind::Persistent, "/a");
    let (data, _) = ask(&mut watches, Kind::Data, "/a");
    assert_eq!(watches.answered(&add, Some(Code::Unimplemented), Some(call(1))), None);
    assert_eq!(answer(&mut watches, &data, 2), Some((Kind::Data, Armed::Bare)));
}

#[test]
fn a_recursive_watch_serves_a_persistent_one() {
    let mut watches = Watches::default();
    set(&mut watches, 1, Kind::Recursive, "/a");
    let (add, sent) = ask(&mut watches, Kind::Persistent, "/a");
    assert_eq!(sent, request(Kind::Recursive, "/a"), "another mode would take the place of the first");
    assert_eq!(answer(&mut watches, &add, 2), Some((Kind::Persistent, Armed::Served)));
    assert_eq!(
        fire(&mut watches, EventKind::NodeCreated, "/a/b"),
        ["2 NodeChildrenChanged /a", "1 NodeCreated /a/b"]
    );
    assert_eq!(fire(&mut watches, EventKind::NodeChildrenChanged, "/a"), [""; 0], "it was told already");
    assert_eq!(frames(&watches), [["recursive /a"]]);
    watches.remove(call(1));
    assert_eq!(watches.forgettable(), None, "the other one lives by it");
    assert_eq!(
        fire(&mut watches, EventKind::NodeDeleted, "/a/b"),
        ["2 NodeChildrenChanged /a"],
        "also without the owner of the recursive one"
    );
    watches.unlinked();
    assert_eq!(frames(&watches), [["persistent /a"]]);
}

#[test]
fn a_shared_watch_stays_until_its_last_owner_leaves() {
    let mut watches = Watches::default();
    set(&mut watches, 1, Kind::Data, "/a");
    set(&mut watches, 2, Kind::Data, "/a");
    watches.remove(call(1));
    assert_eq!(watches.forgettable(), None);
    watches.remove(call(2));
    watches.remove(call(2));
    assert_eq!(watches.forgettable(), Some((path("/a"), WatchKind::Data)));
    assert_eq!(watches.forgettable(), None);
    assert_eq!(frames(&watches), [[""; 0]; 0]);
}

#[test]
fn what_the_server_may_forget_takes_nothing_else_away() {
    let mut watches = Watches::default();
    set(&mut watches, 1, Kind::Child, "/a");
    set(&mut watches, 2, Kind::Data, "/a");
    watches.remove(call(1));
    assert_eq!(watches.forgettable(), Some((path("/a"), WatchKind::Children)));
    // A lasting watch goes with all others, when nobody wants any of them.
    set(&mut watches, 3, Kind::Persistent, "/a");
    watches.remove(call(3));
    assert_eq!(watches.forgettable(), None, "the one-shot watch may live by it");
    watches.remove(call(2));
    assert_eq!(watches.forgettable(), Some((path("/a"), WatchKind::Any)));
    // Nothing is forgotten while something is on its way there.
    set(&mut watches, 4, Kind::Data, "/a");
    let (coming, _) = ask(&mut watches, Kind::Data, "/a");
    watches.remove(call(4));
    assert_eq!(watches.forgettable(), None);
    answer(&mut watches, &coming, 5);
    assert_eq!(watches.forgettable(), None, "the server has one watch for both");
    // The owner left before the answer: the server has a watch for nobody.
    let (unwanted, _) = ask(&mut watches, Kind::Child, "/b");
    watches.answered(&unwanted, None, None);
    assert_eq!(watches.forgettable(), Some((path("/b"), WatchKind::Children)));
}

#[test]
fn a_failed_read_sets_nothing_and_is_no_longer_waited_for() {
    let mut watches = Watches::default();
    let (wanted, _) = ask(&mut watches, Kind::Data, "/a");
    assert_eq!(watches.answered(&wanted, Some(Code::NoNode), Some(call(1))), None);
    assert_eq!(watches.len(), 0);
    assert!(watches.arming.is_empty());
}

#[test]
fn restoring_stays_below_the_frame_limit_and_loses_no_path() {
    let mut watches = Watches::default();
    for number in 0..10_000 {
        set(&mut watches, number, Kind::Data, &format!("/{number:0>50}"));
        set(&mut watches, 10_000 + number, Kind::Child, &format!("/{number:0>50}"));
    }
    set(&mut watches, 20_000, Kind::Recursive, "/z");
    let requests = watches.restore(Zxid::new(9));
    assert!(requests.len() > 5);
    assert!(requests.iter().all(|request| request.encoded_len() <= RESTORE_LENGTH_MAX + 64));
    assert!(
        matches!(requests.last(), Some(Request::SetWatches2(_))),
        "the newer one only where it is needed"
    );
    let older = |request: &Request| matches!(request, Request::SetWatches(SetWatches { relative_zxid, .. }) if relative_zxid.raw() == 9);
    assert_eq!(requests.iter().filter(|request| older(request)).count(), requests.len() - 1);
    assert_eq!(frames(&watches).concat().len(), 20_001);
}
