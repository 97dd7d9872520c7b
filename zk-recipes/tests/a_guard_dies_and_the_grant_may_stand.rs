//! The life of a grant: its guard dies with the lease, its node with whoever deletes it, and only a verified node gives a
//! new guard.

mod script;

use script::Script;
use zk_recipes::hold::Command;
use zk_session::{Code, EventKind};

#[test]
fn a_reclaimed_grant_has_the_same_fence_and_the_next_term() {
    let mut script = Script::doubtful();
    script.resumed();
    script.expect(&[]);
    script.command(Command::Reclaim);
    script.expect(&["unwatch", "exists! T1:5"]);
    script.exists(1, 50);
    script.expect(&["regained T1:5 50/2"]);
    script.suspended();
    script.lease_expired();
    script.resumed();
    script.take();
    script.command(Command::Reclaim);
    script.exists(1, 50);
    script.expect(&["unwatch", "exists! T1:5", "regained T1:5 50/3"]);
}

#[test]
fn a_reclaim_waits_for_the_proof_of_life() {
    let mut script = Script::doubtful();
    script.command(Command::Reclaim);
    script.expect(&[]);
    script.resumed();
    script.expect(&["unwatch", "exists! T1:5"]);
    // The lease runs out again before the answer is read.
    script.lease_expired();
    script.exists(1, 50);
    script.expect(&[]);
    script.resumed();
    script.exists(1, 50);
    script.expect(&["unwatch", "exists! T1:5", "regained T1:5 50/2"]);
}

#[test]
fn a_reclaim_of_a_deleted_node_ends_the_grant() {
    let mut script = Script::doubtful();
    script.command(Command::Reclaim);
    script.resumed();
    script.take();
    script.refused(Code::NoNode);
    script.expect(&["unwatch", "let go", "Ended { fence: 0x32, cause: NodeGone }"]);
    script.ends();
}

#[test]
fn a_node_deleted_while_in_doubt_ends_the_grant() {
    let mut script = Script::doubtful();
    script.fires(EventKind::NodeDeleted, "T1:5");
    script.expect(&["let go", "Ended { fence: 0x32, cause: NodeGone }"]);
    script.ends();
}

#[test]
fn a_doubtful_grant_can_be_released() {
    let mut script = Script::doubtful();
    script.command(Command::Release);
    script.expect(&["unwatch", "delete T1:5", "let go"]);
    script.deleted();
    script.expect(&["Released { by: Deleted }"]);
    script.ends();
}

#[test]
fn a_node_deleted_by_somebody_kills_the_guard() {
    let mut script = Script::held();
    script.fires(EventKind::NodeDeleted, "T1:5");
    script.expect(&["let go", "Lost { fence: 0x32, cause: NodeGone }"]);
    script.ends();
}

#[test]
fn a_node_deleted_before_it_is_watched_kills_the_guard() {
    let mut script = Script::ranking();
    script.listed(&["T1:5"]);
    script.take();
    script.refused(Code::NoNode);
    script.expect(&["unwatch", "let go", "Lost { fence: 0x32, cause: NodeGone }"]);
    script.ends();
}

#[test]
fn a_changed_node_is_watched_again() {
    let mut script = Script::held();
    script.fires(EventKind::NodeDataChanged, "T1:5");
    script.expect(&["exists! T1:5"]);
    script.exists(1, 50);
    script.expect(&[]);
}

#[test]
fn a_short_cut_is_told_and_costs_nothing() {
    let mut script = Script::held();
    script.suspended();
    script.resumed();
    script.expect(&["Suspended { valid_until: 9s }", "Resumed"]);
}

#[test]
fn a_node_that_may_not_be_read_is_watched_by_its_directory() {
    let mut script = Script::ranking();
    script.listed(&["T1:5"]);
    script.take();
    script.refused(Code::NoAuth);
    script.expect(&["list!"]);
    script.listed(&["T1:5"]);
    script.fires(EventKind::NodeChildrenChanged, "/lock");
    script.expect(&["list!"]);
    script.listed(&["other__lock__0000000009"]);
    script.expect(&["unwatch", "let go", "Lost { fence: 0x32, cause: NodeGone }"]);
    script.ends();
}

#[test]
fn a_grant_that_may_not_be_verified_is_given_up() {
    let mut script = Script::doubtful();
    script.resumed();
    script.command(Command::Reclaim);
    script.refused(Code::NoAuth);
    script.expect(&["unwatch", "exists! T1:5", "list!"]);
    script.refused(Code::NoAuth);
    script.expect(&["delete T1:5", "let go", "Ended { fence: 0x32, cause: Refused(NoAuth) }"]);
    script.deleted();
    script.ends();
}
