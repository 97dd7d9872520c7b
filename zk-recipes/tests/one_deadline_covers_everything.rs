//! The user is told at the deadline, whatever is under way; the machine stays until nothing of it is left.

mod script;

use script::{Script, at};
use zk_recipes::Recipe;
use zk_recipes::hold::Deadline;
use zk_session::{Code, EventKind};

fn started() -> Script {
    let mut script = Script::new();
    script.acquire(Deadline::At(at(1_000)));
    script.expect(&["create2 T1", "hold"]);
    assert_eq!(script.runner.poll_timeout(), Some(at(1_000)));
    script
}

#[test]
fn a_waiter_is_told_at_the_deadline_however_often_its_predecessor_changes() {
    let mut script = started();
    script.created("T1:9", 90);
    script.listed(&["T1:9", "a__lock__0000000007", "b__lock__0000000008"]);
    script.got_data();
    script.expect(&["list", "get! b__lock__0000000008", "Queued { ahead: 2 }"]);
    script.until(400);
    script.fires(EventKind::NodeDeleted, "b__lock__0000000008");
    script.listed(&["T1:9", "a__lock__0000000007"]);
    script.got_data();
    script.expect(&["list", "get! a__lock__0000000007", "Queued { ahead: 1 }"]);
    script.until(999);
    script.expect(&[]);
    script.until(1_000);
    script.expect(&["unwatch", "delete T1:9", "let go", "TimedOut"]);
    script.deleted();
    script.ends();
}

#[test]
fn a_create_under_way_at_the_deadline_lands_and_is_deleted() {
    let mut script = started();
    script.until(1_000);
    script.expect(&["let go", "TimedOut"]);
    script.created("T1:0", 10);
    script.expect(&["delete T1:0"]);
    script.deleted();
    script.ends();
}

#[test]
fn a_create_of_unknown_fate_at_the_deadline_is_looked_for() {
    let mut script = started();
    script.unknown();
    script.expect(&["sync"]);
    script.until(1_000);
    script.expect(&["let go", "TimedOut"]);
    script.synced();
    script.expect(&["list"]);
    script.listed(&["T1:0"]);
    script.expect(&["delete T1:0"]);
    script.deleted();
    script.ends();
}

#[test]
fn a_create_that_was_not_applied_leaves_nothing_to_do() {
    let mut script = started();
    script.unknown();
    script.synced();
    script.expect(&["sync", "list"]);
    script.until(1_000);
    script.expect(&["let go", "TimedOut"]);
    script.listed(&[]);
    script.ends();
}

#[test]
fn a_parent_under_way_at_the_deadline_is_awaited() {
    let mut script = started();
    script.refused(Code::NoNode);
    script.until(1_000);
    script.expect(&["create /lock", "let go", "TimedOut"]);
    assert!(!script.runner.recipe().is_idle(), "a further attempt would take the place of the write");
    script.created_plainly("/lock");
    script.ends();
}

#[test]
fn a_grant_that_comes_after_the_deadline_is_none() {
    let mut script = started();
    script.created("T1:0", 10);
    script.expect(&["list"]);
    script.until(1_000);
    script.expect(&["delete T1:0", "let go", "TimedOut"]);
    script.for_call("list").listed(&["T1:0"]);
    script.expect(&[]);
    script.deleted();
    script.ends();
}

#[test]
fn without_a_session_the_deadline_still_counts() {
    let mut script = Script::unconnected();
    script.acquire(Deadline::At(at(1_000)));
    script.expect(&["hold"]);
    script.until(1_000);
    script.expect(&["let go", "TimedOut"]);
    script.ends();
}

#[test]
fn a_deadline_of_the_past_makes_no_call() {
    let mut script = Script::new();
    script.until(2_000);
    script.acquire(Deadline::At(at(1_000)));
    script.expect(&["TimedOut"]);
    script.ends();
}

#[test]
fn a_deadline_in_an_expiry_is_not_started_anew() {
    let mut script = started();
    script.created("T1:9", 90);
    script.listed(&["T1:9", "a__lock__0000000007"]);
    script.got_data();
    script.take();
    script.expired();
    script.expect(&["Requeued"]);
    assert_eq!(script.runner.poll_timeout(), Some(at(1_000)));
    script.until(1_000);
    script.expect(&["let go", "TimedOut"]);
    script.renewed();
    script.ends();
}

#[test]
fn an_attempt_without_a_deadline_waits_without_a_timer() {
    let script = Script::waiting();
    assert_eq!(script.runner.poll_timeout(), None);
}
