//! The explorer finds out every lock that makes a mistake: without that, it would say nothing about the one that makes none.
#![allow(clippy::print_stdout, reason = "the number of states is what one wants to know")]
#![cfg(feature = "wrong")]

use zk_recipes::Layout;
use zk_recipes::hold::Deadline;
use zk_recipes::wrong::Wrong;
use zk_sim::explore::specs::Locks;
use zk_sim::explore::{Budget, Limits, explore};

const NONE: Budget = Budget { cuts: 0, pauses: 0, expiries: 0, deletes: 0, creates: 0, changes_of_mind: 0 };

/// How many locks it takes, with which faults, to see the mistake, and what is seen to be broken.
fn scene(mistake: Wrong) -> (usize, Budget, &'static str) {
    let order = "who comes first is granted first";
    let (lease, node) = ("guards die with their lease", "a valid guard has a node");
    let rest = "at rest everybody has what they want and nothing else";
    match mistake {
        Wrong::AdoptsTheDead => (2, Budget { expiries: 1, ..NONE }, node),
        Wrong::CreatesAgain => (2, Budget { cuts: 1, ..NONE }, "one node for each peer"),
        Wrong::ComparesNames => (2, NONE, order),
        Wrong::WatchesTheFirst => (3, NONE, "who waits is woken by the one just ahead"),
        Wrong::TrustsTheEvent => (3, Budget { changes_of_mind: 1, ..NONE }, order),
        Wrong::TrustsAnOldListing => (2, Budget { pauses: 1, ..NONE }, lease),
        Wrong::MissesItself => (2, Budget { deletes: 1, ..NONE }, order),
        Wrong::IgnoresItsEnd => (2, Budget { deletes: 1, ..NONE }, rest),
        Wrong::OutlivesItsLease => (2, Budget { pauses: 1, ..NONE }, lease),
        Wrong::OutlivesItsSession => (2, Budget { expiries: 1, ..NONE }, node),
        Wrong::ReclaimsUnseen => (2, Budget { pauses: 1, deletes: 1, ..NONE }, rest),
        Wrong::NumbersItsFence => (2, NONE, "fences grow"),
        Wrong::LeavesItsCreate => (2, Budget { changes_of_mind: 1, ..NONE }, rest),
        Wrong::LeavesItsNode => (2, Budget { cuts: 1, ..NONE }, rest),
        Wrong::StopsLooking => (2, Budget { cuts: 1, changes_of_mind: 1, ..NONE }, rest),
        Wrong::LeavesItsTry => (2, NONE, rest),
    }
}

#[test]
fn every_mistake_is_found_out() {
    let mut missed = Vec::new();
    for mistake in Wrong::ALL {
        let (peers, budget, broken) = scene(mistake);
        let mut locks = Locks::new(peers, Layout::kazoo()).with_change(move |lock| lock.wrongly(mistake));
        if mistake == Wrong::LeavesItsTry {
            locks = locks.with_patience(Deadline::Now);
        }
        let report = explore(&locks, budget, Limits::default());
        println!("{mistake:?}: {report}\n");
        if report.violations.iter().all(|violation| violation.breach.invariant != broken) {
            missed.push((mistake, report.violations.first().map(|found| found.breach.invariant)));
        }
    }
    assert!(missed.is_empty(), "not found out: {missed:?}");
}
