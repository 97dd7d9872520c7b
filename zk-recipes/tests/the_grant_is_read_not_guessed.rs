//! Whatever wakes a waiter, only a listing that shows it first grants the lock, and only on a proven session.

mod script;

use script::Script;
use zk_session::{Code, EventKind};

const OTHER: &str = "other__lock__0000000004";

#[test]
fn a_predecessor_that_went_before_it_was_watched_is_ranked_again() {
    let mut script = Script::ranking();
    script.listed(&["T1:5", OTHER]);
    script.expect(&["get! other__lock__0000000004", "Queued { ahead: 1 }"]);
    script.refused(Code::NoNode);
    script.expect(&["list"]);
    script.listed(&["T1:5"]);
    script.expect(&["exists! T1:5", "acquired T1:5 50/1"]);
}

#[test]
fn the_end_of_a_predecessor_may_leave_another_one() {
    let mut script = Script::waiting();
    script.fires(EventKind::NodeDeleted, OTHER);
    script.expect(&["list"]);
    script.listed(&["T1:5", "third__lock__0000000003"]);
    script.expect(&["get! third__lock__0000000003", "Queued { ahead: 1 }"]);
}

#[test]
fn a_changed_predecessor_is_watched_again() {
    let mut script = Script::waiting();
    script.fires(EventKind::NodeDataChanged, OTHER);
    script.expect(&["get! other__lock__0000000004"]);
    script.got_data();
    script.fires(EventKind::NodeDeleted, OTHER);
    script.expect(&["list"]);
}

#[test]
fn where_the_predecessor_may_not_be_read_the_directory_is_watched() {
    let mut script = Script::ranking();
    script.listed(&["T1:5", OTHER]);
    script.refused(Code::NoAuth);
    script.expect(&["get! other__lock__0000000004", "Queued { ahead: 1 }", "list!"]);
    script.listed(&["T1:5", OTHER]);
    script.expect(&["Queued { ahead: 1 }"]);
    script.fires(EventKind::NodeChildrenChanged, "/lock");
    script.expect(&["list!"]);
    script.listed(&["T1:5"]);
    script.expect(&["unwatch", "exists! T1:5", "acquired T1:5 50/1"]);
}

#[test]
fn a_directory_that_goes_while_it_is_watched_costs_the_place() {
    let mut script = Script::ranking();
    script.listed(&["T1:5", OTHER]);
    script.refused(Code::NoAuth);
    script.listed(&["T1:5", OTHER]);
    script.take();
    script.fires(EventKind::NodeDeleted, "/lock");
    script.refused(Code::NoNode);
    script.expect(&["list!", "Requeued"]);
    script.until_timer();
    script.expect(&["create2 T2"]);
}

#[test]
fn an_answer_from_before_the_lease_ran_out_grants_nothing() {
    let mut script = Script::ranking();
    script.lease_expired();
    script.listed(&["T1:5"]);
    script.expect(&[]);
    script.resumed();
    script.expect(&["list"]);
    script.listed(&["T1:5"]);
    script.expect(&["exists! T1:5", "acquired T1:5 50/1"]);
}

#[test]
fn an_answer_from_before_a_cut_grants_nothing() {
    let mut script = Script::ranking();
    script.suspended();
    script.listed(&["T1:5"]);
    script.expect(&[]);
    script.expired();
    script.expect(&["Requeued"]);
    script.renewed();
    script.expect(&["create2 T2"]);
}

#[test]
fn a_waiter_keeps_its_place_through_cut_and_lease() {
    let mut script = Script::waiting();
    script.suspended();
    script.lease_expired();
    script.resumed();
    script.expect(&[]);
    script.fires(EventKind::NodeDeleted, OTHER);
    script.expect(&["list"]);
}

#[test]
fn a_missing_own_node_costs_the_place() {
    let mut script = Script::waiting();
    script.fires(EventKind::NodeDeleted, OTHER);
    script.listed(&["third__lock__0000000006"]);
    script.expect(&["list", "Requeued"]);
    let pause = script.until_timer();
    assert!((25..=75).contains(&pause), "{pause}");
    script.expect(&["create2 T2"]);
}
