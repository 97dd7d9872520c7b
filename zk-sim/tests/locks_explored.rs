//! Every interleaving of two or three locks with a few faults: at most one valid guard, and nothing left over at rest.
//!
//! The example `explore` goes further: `cargo run --release -p zk-sim --example explore -- lock --cuts 2 --expiries 2`.
#![allow(clippy::print_stdout, reason = "the number of states is what one wants to know")]

use zk_recipes::Layout;
use zk_recipes::hold::Deadline;
use zk_session::Instant;
use zk_sim::explore::specs::Locks;
use zk_sim::explore::{Budget, Limits, explore};

const NONE: Budget = Budget { cuts: 0, pauses: 0, expiries: 0, deletes: 0, creates: 0, changes_of_mind: 0 };

/// With fewer states than `floor` the exploration would have lost its teeth.
#[track_caller]
fn all_is_well(locks: &Locks, budget: Budget, floor: usize) {
    let report = explore(locks, budget, Limits::default());
    assert!(report.violations.is_empty(), "{report}");
    assert!(report.complete && report.states >= floor, "only {} states", report.states);
    println!("{report}, {} at rest, {budget:?}", report.at_rest);
}

#[track_caller]
fn two_locks(budget: Budget, floor: usize) {
    all_is_well(&Locks::new(2, Layout::kazoo()), budget, floor);
}

#[test]
fn two_locks_with_a_lost_link() {
    two_locks(Budget { cuts: 1, ..NONE }, 5_000);
}

#[test]
fn two_locks_with_two_lost_links() {
    two_locks(Budget { cuts: 2, ..NONE }, 25_000);
}

#[test]
fn two_locks_with_a_session_that_ends() {
    two_locks(Budget { expiries: 1, ..NONE }, 5_000);
}

#[test]
fn two_locks_with_a_paused_process_whose_session_ends() {
    two_locks(Budget { pauses: 1, expiries: 1, ..NONE }, 30_000);
}

#[test]
fn two_locks_with_a_paused_process_and_a_lost_link() {
    two_locks(Budget { cuts: 1, pauses: 1, ..NONE }, 25_000);
}

#[test]
fn two_locks_with_a_paused_process_and_a_meddling_operator() {
    two_locks(Budget { pauses: 1, deletes: 1, ..NONE }, 30_000);
}

#[test]
fn two_locks_with_a_meddling_operator() {
    two_locks(Budget { deletes: 2, ..NONE }, 20_000);
}

#[test]
fn two_locks_with_users_who_change_their_minds() {
    two_locks(Budget { changes_of_mind: 2, ..NONE }, 6_000);
}

#[test]
fn two_locks_with_a_lost_link_and_a_user_who_changes_their_mind() {
    two_locks(Budget { cuts: 1, changes_of_mind: 1, ..NONE }, 30_000);
}

#[test]
fn two_locks_whose_directory_is_shared_with_strangers() {
    for layout in [Layout::kazoo(), Layout::curator()] {
        all_is_well(&Locks::new(2, layout), Budget { creates: 1, ..NONE }, 3_000);
    }
}

#[test]
fn two_locks_with_the_names_of_curator() {
    all_is_well(&Locks::new(2, Layout::curator()), Budget { cuts: 1, ..NONE }, 5_000);
}

#[test]
fn two_locks_whose_users_do_not_wait_for_ever() {
    let locks = Locks::new(2, Layout::kazoo());
    for patience in [Deadline::Now, Deadline::At(Instant::from_nanos(1))] {
        all_is_well(&locks.clone().with_patience(patience), Budget { cuts: 1, ..NONE }, 2_000);
    }
}

#[test]
fn three_locks() {
    all_is_well(&Locks::new(3, Layout::kazoo()), NONE, 10_000);
}
