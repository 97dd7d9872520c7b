//! An attempt that is not to wait writes nothing unless the lock looks free, and waits for nothing but answers.

mod script;

use script::Script;
use zk_recipes::hold::{Command, Deadline};
use zk_session::Code;

#[test]
fn a_held_lock_is_seen_by_one_listing() {
    let mut script = Script::new();
    script.acquire(Deadline::Now);
    script.expect(&["list"]);
    script.listed(&["other__lock__0000000004", "lease_holder"]);
    script.expect(&["NotAcquired"]);
    script.ends();
}

#[test]
fn a_reader_is_a_holder_too() {
    let mut script = Script::new();
    script.acquire(Deadline::Now);
    script.listed(&["other__rlock__0000000004"]);
    script.expect(&["list", "NotAcquired"]);
    script.ends();
}

#[test]
fn a_free_lock_is_taken() {
    let mut script = Script::new();
    script.acquire(Deadline::Now);
    script.listed(&["lease_holder"]);
    script.expect(&["list", "create2 T1", "hold"]);
    script.created("T1:5", 50);
    script.listed(&["T1:5"]);
    script.expect(&["list", "exists! T1:5", "acquired T1:5 50/1"]);
}

#[test]
fn a_missing_directory_is_a_free_lock() {
    let mut script = Script::new();
    script.acquire(Deadline::Now);
    script.refused(Code::NoNode);
    script.refused(Code::NoNode);
    script.created_plainly("/lock");
    script.expect(&["list", "create2 T1", "hold", "create /lock", "create2 T1"]);
}

#[test]
fn a_rival_who_was_quicker_wins() {
    let mut script = Script::new();
    script.acquire(Deadline::Now);
    script.listed(&[]);
    script.created("T1:5", 50);
    script.expect(&["list", "create2 T1", "hold", "list"]);
    script.listed(&["T1:5", "other__lock__0000000004"]);
    script.expect(&["delete T1:5", "let go", "NotAcquired"]);
    script.deleted();
    script.ends();
}

#[test]
fn without_a_link_the_answer_comes_at_once() {
    let mut script = Script::unconnected();
    script.acquire(Deadline::Now);
    script.expect(&["NotAcquired"]);
    script.connected();
    script.suspended();
    script.acquire(Deadline::Now);
    script.expect(&["NotAcquired"]);
    script.ends();
}

#[test]
fn a_link_lost_while_probing_ends_the_attempt() {
    let mut script = Script::new();
    script.acquire(Deadline::Now);
    script.unknown();
    script.expect(&["list", "NotAcquired"]);
    script.ends();
}

#[test]
fn a_link_lost_while_joining_ends_the_attempt_and_leaves_nothing() {
    let mut script = Script::new();
    script.acquire(Deadline::Now);
    script.listed(&[]);
    script.expect(&["list", "create2 T1", "hold"]);
    script.unknown();
    script.suspended();
    script.expect(&["sync", "let go", "NotAcquired"]);
    script.resumed();
    script.synced();
    script.listed(&["T1:5"]);
    script.expect(&["list", "delete T1:5"]);
    script.deleted();
    script.ends();
}

#[test]
fn probing_can_be_cancelled_and_refused() {
    let mut script = Script::new();
    script.acquire(Deadline::Now);
    script.command(Command::Cancel);
    script.expect(&["list", "Cancelled"]);
    script.listed(&[]);
    script.ends();
    script.acquire(Deadline::Now);
    script.refused(Code::NoAuth);
    script.expect(&["list", "Failed(Server(NoAuth))"]);
    script.acquire(Deadline::Now);
    script.expired();
    script.expect(&["list", "Failed(Ended(Expired))"]);
    script.ends();
}
