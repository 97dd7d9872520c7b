//! Releasing, cancelling and failing: the node goes, whatever becomes of the replies, and the user is told once.

mod script;

use script::Script;
use zk_recipes::hold::{Command, Deadline, Wish};
use zk_recipes::{Layout, Lock};
use zk_session::{Code, Path, Refusal};

#[test]
fn a_lost_reply_to_the_delete_is_asked_for_again() {
    let mut script = Script::held();
    script.command(Command::Release);
    script.expect(&["unwatch", "delete T1:5", "let go"]);
    script.unknown();
    script.expect(&["delete T1:5"]);
    script.suspended();
    script.resumed();
    script.refused(Code::NoNode);
    script.expect(&["Released { by: Deleted }"]);
    script.ends();
}

#[test]
fn a_delete_that_is_refused_is_told_once_and_repeated() {
    let mut script = Script::held();
    script.command(Command::Release);
    script.take();
    script.refused(Code::NoAuth);
    script.expect(&["Stuck(NoAuth)"]);
    script.until_timer();
    script.expect(&["delete T1:5"]);
    script.refused(Code::NoAuth);
    script.expect(&[]);
    script.until_timer();
    script.deleted();
    script.expect(&["delete T1:5", "Released { by: Deleted }"]);
    script.ends();
}

#[test]
fn a_cancelled_create_of_unknown_fate_is_found_and_deleted() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.command(Command::Cancel);
    script.expect(&["create2 T1", "hold", "let go"]);
    script.unknown();
    script.synced();
    script.listed(&["T1:5"]);
    script.expect(&["sync", "list", "delete T1:5"]);
    script.deleted();
    script.expect(&["Cancelled"]);
    script.ends();
}

#[test]
fn a_cancelled_create_that_was_not_applied_leaves_nothing() {
    for refusal in [Code::NoNode, Code::NoAuth, Code::Throttled, Code::Unimplemented] {
        let mut script = Script::new();
        script.acquire(Deadline::Never);
        script.command(Command::Cancel);
        script.take();
        script.refused(refusal);
        script.expect(&["Cancelled"]);
        script.ends();
    }
}

#[test]
fn a_cancelled_node_that_is_being_checked_is_deleted() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.unknown();
    script.synced();
    script.listed(&["T1:5"]);
    script.take();
    script.command(Command::Cancel);
    script.expect(&["delete T1:5", "let go"]);
    script.deleted();
    script.expect(&["Cancelled"]);
    script.for_call("exists T1:5").exists(1, 50);
    script.ends();
}

#[test]
fn a_cancelled_waiter_gives_up_its_watch_and_its_node() {
    let mut script = Script::waiting();
    script.command(Command::Cancel);
    script.expect(&["unwatch", "delete T1:5", "let go"]);
    script.deleted();
    script.expect(&["Cancelled"]);
    script.ends();
}

#[test]
fn an_abandoned_machine_leaves_in_silence() {
    for mut script in [Script::waiting(), Script::held(), Script::doubtful()] {
        script.command(Command::Abandon);
        script.expect(&["unwatch", "delete T1:5", "let go"]);
        script.deleted();
        script.ends();
    }
    let mut script = Script::held();
    script.command(Command::Release);
    script.command(Command::Abandon);
    script.expect(&["unwatch", "delete T1:5", "let go"]);
    script.deleted();
    script.ends();
}

#[test]
fn a_refusal_for_good_fails_and_removes_the_node() {
    let mut script = Script::ranking();
    script.refused(Code::NoAuth);
    script.expect(&["delete T1:5", "let go", "Failed(Server(NoAuth))"]);
    script.deleted();
    script.ends();
    let mut script = Script::ranking();
    script.listed(&["T1:5", "other__lock__0000000004"]);
    script.refused(Code::QuotaExceeded);
    script.take();
    script.deleted();
    script.ends();
}

#[test]
fn a_refused_search_for_a_lost_create_fails_and_goes_on_searching() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.unknown();
    script.synced();
    script.take();
    script.refused(Code::NoAuth);
    script.expect(&["sync", "let go", "Failed(Server(NoAuth))"]);
    script.synced();
    script.refused(Code::NoAuth);
    script.expect(&["list"]);
    script.until_timer();
    script.listed(&["T1:5"]);
    script.expect(&["list", "delete T1:5"]);
    script.deleted();
    script.ends();
}

#[test]
fn names_of_another_layout_are_refused() {
    let mut script = Script::ranking();
    let foreign = "_c_01234567-89ab-cdef-0123-456789abcdef-lock-0000000003";
    script.listed(&["T1:5", "lease_holder", foreign]);
    script.expect(&["delete T1:5", "let go", &format!("Failed(Foreign({foreign:?}))")]);
    script.deleted();
    script.ends();
}

#[test]
fn without_an_order_nothing_is_granted() {
    for last in ["other__lock__2147483647", "other__lock__-2147483648"] {
        let mut script = Script::ranking();
        script.listed(&["T1:5", last]);
        script.expect(&["delete T1:5", "let go", "Failed(Exhausted)"]);
        script.deleted();
        script.ends();
    }
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.created("T1:2147483647", 10);
    script.expect(&["create2 T1", "hold", "delete T1:2147483647", "let go", "Failed(Exhausted)"]);
    script.deleted();
    script.ends();
}

#[test]
fn another_attempt_may_follow_while_the_last_one_leaves() {
    let mut script = Script::held();
    script.command(Command::Release);
    script.acquire(Deadline::Never);
    script.expect(&["unwatch", "delete T1:5", "let go"]);
    script.deleted();
    script.expect(&["create2 T2", "hold", "Released { by: Deleted }"]);
    script.created("T2:6", 60);
    script.listed(&["T2:6"]);
    script.expect(&["list", "exists! T2:6", "acquired T2:6 60/1"]);
}

#[test]
fn a_command_that_cannot_be_done_changes_nothing() {
    let wish = || Command::Acquire(Wish { identifier: String::new(), deadline: Deadline::Never });
    let leaving = || {
        let mut script = Script::held();
        script.command(Command::Release);
        script.take();
        script
    };
    let misuses: [(Script, Vec<Command>); 5] = [
        (Script::new(), vec![Command::Release, Command::Reclaim, Command::Cancel]),
        (Script::ranking(), vec![wish(), Command::Release, Command::Reclaim]),
        (Script::waiting(), vec![wish(), Command::Release, Command::Reclaim]),
        (Script::held(), vec![wish(), Command::Reclaim, Command::Cancel]),
        (leaving(), vec![Command::Release, Command::Reclaim, Command::Cancel]),
    ];
    for (mut script, commands) in misuses {
        for command in commands {
            let before = script.runner.recipe().clone();
            script.command(command.clone());
            let log = script.take();
            assert!(matches!(&log[..], [line] if line.starts_with("Misuse")), "{command:?}: {log:?}");
            assert_eq!(*script.runner.recipe(), before);
        }
    }
}

#[test]
fn a_full_engine_is_asked_again_a_little_later() {
    let mut script = Script::new();
    script.engine(Some(Refusal::Full));
    script.acquire(Deadline::Never);
    script.expect(&["hold"]);
    assert_eq!(script.until_timer(), 1);
    assert_eq!(script.until_timer(), 1);
    script.engine(None);
    assert_eq!(script.until_timer(), 1);
    script.take();
    script.until_timer();
    script.expect(&["create2 T1"]);
}

#[test]
fn a_request_that_cannot_be_made_fails() {
    let mut script = Script::with(Lock::new(Path::new("/lock").unwrap(), Layout::default()));
    script.connected();
    script.engine(Some(Refusal::Misuse(zk_session::Misuse::TooLong { length: 2, limit: 1 })));
    script.acquire(Deadline::Never);
    script.until_timer();
    script.expect(&["hold", "let go", "Failed(Misuse(TooLong { length: 2, limit: 1 }))"]);
    script.ends();
}

#[test]
fn a_found_node_that_may_not_be_read_fails_and_is_deleted() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.unknown();
    script.synced();
    script.listed(&["T1:5"]);
    script.take();
    script.refused(Code::NoAuth);
    script.expect(&["delete T1:5", "let go", "Failed(Server(NoAuth))"]);
    script.unknown();
    script.expect(&["delete T1:5"]);
    script.deleted();
    script.ends();
}

#[test]
fn a_token_that_was_sent_twice_is_looked_for_once_more_at_the_end() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.unknown();
    script.synced();
    script.listed(&[]);
    script.take();
    script.created("T1:5", 50);
    script.command(Command::Cancel);
    script.expect(&["list", "delete T1:5", "let go"]);
    script.deleted();
    script.expect(&["list"]);
    script.listed(&["T1:4"]);
    script.expect(&["delete T1:4", "Cancelled"]);
    script.deleted();
    script.for_call("list").listed(&[]);
    script.ends();
}

#[test]
fn a_token_that_was_found_twice_is_looked_for_once_more_at_the_end() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    script.unknown();
    script.synced();
    script.listed(&["T1:5", "T1:6"]);
    script.for_call("delete T1:6").deleted();
    script.exists(1, 50);
    script.listed(&["T1:5"]);
    script.exists(1, 50);
    script.command(Command::Release);
    script.take();
    script.deleted();
    script.expect(&["list"]);
    script.listed(&[]);
    script.expect(&["Released { by: Deleted }"]);
    script.ends();
}
