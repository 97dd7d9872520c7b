//! After an expiry nothing of the old session counts: a waiter queues again at the end, a holder has lost.

mod script;

use script::{Script, at};
use zk_recipes::hold::{Command, Deadline};
use zk_session::Code;

#[test]
fn a_waiter_queues_again_with_a_new_token_and_the_same_deadline() {
    let mut script = Script::new();
    script.acquire(Deadline::At(at(5_000)));
    script.created("T1:5", 50);
    script.listed(&["T1:5", "other__lock__0000000004"]);
    script.got_data();
    script.take();
    script.suspended();
    script.expired();
    script.expect(&["Requeued"]);
    script.renewed();
    script.expect(&["create2 T2"]);
    script.created("T2:6", 60);
    // A lagging server still shows the node of the session that has ended: it is somebody else's.
    script.listed(&["T1:5", "T2:6"]);
    script.expect(&["list", "get! T1:5", "Queued { ahead: 1 }"]);
    assert_eq!(script.runner.poll_timeout(), Some(at(5_000)));
}

#[test]
fn a_holder_has_lost() {
    let mut script = Script::held();
    script.expired();
    script.expect(&["let go", "Lost { fence: 0x32, cause: Ended(Expired) }"]);
    script.renewed();
    script.ends();
}

#[test]
fn a_doubtful_grant_is_over() {
    let mut script = Script::doubtful();
    script.expired();
    script.expect(&["let go", "Ended { fence: 0x32, cause: Ended(Expired) }"]);
    script.renewed();
    script.ends();
}

#[test]
fn a_reclaimed_grant_is_over() {
    let mut script = Script::doubtful();
    script.command(Command::Reclaim);
    script.expect(&[]);
    script.expired();
    script.expect(&["let go", "Ended { fence: 0x32, cause: Ended(Expired) }"]);
    script.ends();
}

#[test]
fn before_there_is_a_place_the_attempt_starts_over_unnoticed() {
    let making = |script: &mut Script| script.refused(Code::NoNode);
    let syncing = |script: &mut Script| script.unknown();
    let finding = |script: &mut Script| {
        script.unknown();
        script.synced();
    };
    let checking = |script: &mut Script| {
        script.unknown();
        script.synced();
        script.listed(&["T1:3"]);
    };
    let steps: [&dyn Fn(&mut Script); 5] = [&|_| {}, &making, &syncing, &finding, &checking];
    for step in steps {
        let mut script = Script::new();
        script.acquire(Deadline::Never);
        step(&mut script);
        script.take();
        script.expired();
        script.expect(&[]);
        script.renewed();
        script.expect(&["create2 T2"]);
    }
}

#[test]
fn a_leaver_has_left() {
    let mut script = Script::held();
    script.command(Command::Release);
    script.expect(&["unwatch", "delete T1:5", "let go"]);
    script.expired();
    script.expect(&["Released { by: Ended(Expired) }"]);
    script.renewed();
    script.ends();
}

#[test]
fn a_failure_that_comes_before_the_end_of_its_session_changes_nothing() {
    let mut script = Script::ranking();
    script.over();
    script.expect(&[]);
    script.expired();
    script.expect(&["Requeued"]);
    script.renewed();
    script.expect(&["create2 T2"]);
}

#[test]
fn a_closed_session_ends_everything() {
    let mut script = Script::waiting();
    script.closed();
    script.expect(&["let go", "Failed(Ended(Closed))"]);
    script.ends();
    script.acquire(Deadline::Never);
    script.expect(&["Failed(Ended(Closed))"]);
    script.ends();
    let mut script = Script::held();
    script.closed();
    script.expect(&["let go", "Lost { fence: 0x32, cause: Ended(Closed) }"]);
    script.ends();
}

#[test]
fn nodes_that_are_still_to_be_deleted_are_gone_with_their_session() {
    let mut script = Script::ranking();
    script.listed(&["T1:5", "T1:9"]);
    script.expect(&["delete T1:9", "exists! T1:5", "acquired T1:5 50/1"]);
    assert_eq!(script.runner.leftovers(), 1);
    script.expired();
    assert_eq!(script.runner.leftovers(), 0);
    script.expect(&["let go", "Lost { fence: 0x32, cause: Ended(Expired) }"]);
    script.renewed();
    script.ends();
}

#[test]
fn a_delete_that_is_refused_is_repeated_while_the_session_lasts() {
    let mut script = Script::ranking();
    script.listed(&["T1:5", "T1:9"]);
    script.take();
    script.for_call("delete T1:9").refused(Code::NoAuth);
    script.expect(&[]);
    script.until_timer();
    script.expect(&["delete T1:9"]);
    script.deleted();
    assert_eq!(script.runner.leftovers(), 0);
}
