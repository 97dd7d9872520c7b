//! A create whose reply is lost is found by its token, and never repeated blindly.

mod script;

use script::Script;
use zk_recipes::hold::Deadline;
use zk_session::{Code, EventKind};

#[test]
fn the_node_of_a_lost_create_is_adopted_after_a_sync() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.expect(&["create2 T1", "hold"]);
    script.unknown();
    script.expect(&["sync"]);
    script.suspended();
    script.resumed();
    script.expect(&[]);
    script.synced();
    script.expect(&["list"]);
    script.listed(&["T1:3"]);
    script.expect(&["exists T1:3"]);
    script.exists(1, 33);
    script.expect(&["list"]);
    script.listed(&["T1:3"]);
    script.expect(&["exists! T1:3", "acquired T1:3 33/1"]);
}

#[test]
fn a_create_that_was_not_applied_is_repeated_with_its_token() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.unknown();
    script.synced();
    script.expect(&["create2 T1", "hold", "sync", "list"]);
    script.listed(&["somebody__lock__0000000001"]);
    script.expect(&["create2 T1"]);
}

#[test]
fn a_create_that_was_not_sent_is_sent_once_without_a_search() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.expect(&["create2 T1", "hold"]);
    script.unsent();
    script.suspended();
    script.resumed();
    script.expect(&["create2 T1"]);
    script.created("T1:0", 10);
    script.expect(&["list"]);
}

#[test]
fn a_node_of_another_session_is_not_adopted() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.unknown();
    script.synced();
    script.listed(&["T1:3"]);
    script.expect(&["create2 T1", "hold", "sync", "list", "exists T1:3"]);
    script.exists(99, 33);
    script.expect(&["delete T1:3", "create2 T2"]);
    script.for_call("delete T1:3").deleted();
    script.created("T2:4", 44);
    script.expect(&["list"]);
}

#[test]
fn a_found_node_that_vanishes_before_it_is_checked_is_made_again() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.unknown();
    script.synced();
    script.listed(&["T1:3"]);
    script.expect(&["create2 T1", "hold", "sync", "list", "exists T1:3"]);
    script.refused(Code::NoNode);
    script.expect(&["create2 T1"]);
}

#[test]
fn of_two_nodes_with_our_token_the_lower_is_kept() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.unknown();
    script.synced();
    script.expect(&["create2 T1", "hold", "sync", "list"]);
    script.listed(&["T1:4", "T1:3"]);
    script.expect(&["delete T1:4", "exists T1:3"]);
    script.exists(1, 33);
    script.expect(&["list"]);
    script.for_call("delete T1:4").deleted();
    script.listed(&["T1:3"]);
    script.expect(&["exists! T1:3", "acquired T1:3 33/1"]);
}

#[test]
fn a_second_node_that_shows_while_ranking_is_deleted() {
    let mut script = Script::ranking();
    script.listed(&["T1:5", "T1:9"]);
    script.expect(&["delete T1:9", "exists! T1:5", "acquired T1:5 50/1"]);
    script.for_call("delete T1:9").refused(Code::NoNode);
    script.exists(1, 50);
    script.command(zk_recipes::hold::Command::Release);
    script.expect(&["unwatch", "delete T1:5", "let go"]);
    // The token was in use twice: one more look, in case a third is late.
    script.deleted();
    script.expect(&["list"]);
    script.listed(&["T1:11"]);
    script.expect(&["delete T1:11", "Released { by: Deleted }"]);
    script.deleted();
    script.ends();
}

#[test]
fn a_lower_node_that_shows_while_ranking_takes_over() {
    let mut script = Script::ranking();
    script.listed(&["T1:5", "T1:2"]);
    script.expect(&["delete T1:5", "exists T1:2"]);
    script.exists(1, 20);
    script.expect(&["list"]);
    script.listed(&["T1:2"]);
    script.expect(&["exists! T1:2", "acquired T1:2 20/1"]);
}

#[test]
fn a_server_without_create2_is_asked_in_the_old_way_for_the_session() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.expect(&["create2 T1", "hold"]);
    script.refused(Code::Unimplemented);
    script.expect(&["create T1"]);
    script.created_plainly("T1:0");
    script.expect(&["exists T1:0"]);
    script.exists(1, 10);
    script.expect(&["list"]);
    // The node is deleted by somebody: the next create of this session is an old one at once.
    script.listed(&[]);
    script.expect(&["Requeued"]);
    script.until_timer();
    script.expect(&["create T2"]);
    // A new session may have other servers.
    script.expired();
    script.renewed();
    script.expect(&["create2 T3"]);
}

#[test]
fn a_server_that_knows_no_create_at_all_is_of_no_use() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.refused(Code::Unimplemented);
    script.refused(Code::Unimplemented);
    script.expect(&["create2 T1", "hold", "create T1", "let go", "Failed(Server(Unimplemented))"]);
    script.ends();
}

#[test]
fn missing_parents_are_made_from_above() {
    let lock =
        zk_recipes::Lock::new(zk_session::Path::new("/a/b/lock").unwrap(), zk_recipes::Layout::kazoo());
    let mut script = Script::with(lock);
    script.connected();
    script.acquire(Deadline::Never);
    script.refused(Code::NoNode);
    script.refused(Code::NoNode);
    script.refused(Code::NoNode);
    let first = ["hold", "create /a/b/lock", "create /a/b", "create /a"];
    script.created_plainly("/a");
    // Somebody else was quicker.
    script.refused(Code::NodeExists);
    script.created_plainly("/a/b/lock");
    let second = ["create /a/b", "create /a/b/lock"];
    let log = script.take();
    assert!(log[0].starts_with("create2 /a/b/lock/"), "{log:?}");
    assert_eq!(log[1..5], first);
    assert_eq!(log[5..7], second);
    assert_eq!(log[7], log[0]);
}

#[test]
fn lost_replies_are_survived_in_every_state() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.expect(&["create2 T1", "hold"]);
    script.refused(Code::NoNode);
    script.expect(&["create /lock"]);
    script.unknown();
    script.expect(&["create /lock"]);
    script.suspended();
    script.resumed();
    script.refused(Code::NodeExists);
    script.expect(&["create2 T1"]);
    script.unknown();
    script.expect(&["sync"]);
    script.unknown();
    script.expect(&["sync"]);
    script.synced();
    script.expect(&["list"]);
    script.unknown();
    script.expect(&["list"]);
    script.suspended();
    script.resumed();
    script.listed(&["T1:5"]);
    script.expect(&["exists T1:5"]);
    script.unknown();
    script.expect(&["exists T1:5"]);
    script.exists(1, 50);
    script.expect(&["list"]);
    script.unknown();
    script.expect(&["list"]);
    script.suspended();
    script.resumed();
    script.listed(&["T1:5", "other__lock__0000000004"]);
    script.expect(&["get! other__lock__0000000004", "Queued { ahead: 1 }"]);
    script.unknown();
    script.expect(&["list"]);
    script.listed(&["T1:5", "other__lock__0000000004"]);
    script.got_data();
    script.expect(&["get! other__lock__0000000004", "Queued { ahead: 1 }"]);
    script.fires(EventKind::NodeDeleted, "other__lock__0000000004");
    script.listed(&["T1:5"]);
    script.expect(&["list", "exists! T1:5", "acquired T1:5 50/1"]);
    script.unknown();
    script.expect(&["exists! T1:5"]);
    script.exists(1, 50);
    script.expect(&[]);
}
