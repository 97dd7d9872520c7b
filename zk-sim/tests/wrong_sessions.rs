//! Worlds have teeth: each session that makes a mistake on purpose is found out, and each lock that the explorer is not
//! needed for (`wrong_locks` has them all).
#![allow(clippy::print_stdout, reason = "how soon is what one wants to know")]

use zk_recipes::wrong::Wrong as WrongLock;
use zk_session::wrong::Wrong as WrongSession;
use zk_sim::world::{Decisions, Limits, Outcome, run, shrink};

/// Within so many seeds a mistake must show.
const SEEDS: u64 = 1000;

fn found_out(name: &str, limits: Limits) -> Option<Outcome> {
    let broken =
        |seed| Some((seed, run(Decisions::from_seed(seed), limits))).filter(|(_, it)| it.violation.is_some());
    let (seed, outcome) = (0..SEEDS).find_map(broken)?;
    let law = outcome.violation.as_ref().map(|violation| violation.law);
    println!("{name}: {law:?} with seed {seed}");
    Some(outcome)
}

#[test]
fn every_wrong_session_is_found_out() {
    let unseen = |wrong: &WrongSession| {
        let limits = Limits { wrong_session: Some(*wrong), ..Limits::default() };
        found_out(&format!("{wrong:?}"), limits).is_none()
    };
    assert_eq!(WrongSession::IN_WORLDS.into_iter().filter(unseen).collect::<Vec<_>>(), []);
}

#[test]
fn every_wrong_lock_is_found_out() {
    // The explorer sees these. Two waste what is others', and break nothing for good; the others show too seldom here.
    let explored = [
        WrongLock::WatchesTheFirst,
        WrongLock::LeavesItsTry,
        WrongLock::AdoptsTheDead,
        WrongLock::MissesItself,
        WrongLock::LeavesItsNode,
        WrongLock::StopsLooking,
    ];
    let unseen = |wrong: &WrongLock| {
        let limits = Limits { wrong_lock: Some(*wrong), ..Limits::default() };
        !explored.contains(wrong) && found_out(&format!("{wrong:?}"), limits).is_none()
    };
    assert_eq!(WrongLock::ALL.into_iter().filter(unseen).collect::<Vec<_>>(), []);
}

#[test]
fn a_failure_is_made_simpler_and_stays_one() {
    let limits = Limits { wrong_session: Some(WrongSession::WaitsInSilence), ..Limits::default() };
    let outcome = found_out("WaitsInSilence", limits).expect("it is found out");
    let law = outcome.violation.as_ref().map(|violation| violation.law).expect("a law is broken");
    let simple = shrink(&outcome.decisions, law, limits, 200);
    let broken = run(Decisions::from_list(simple.clone()), limits).violation;
    assert_eq!(broken.map(|violation| violation.law), Some(law));
    let faults = |list: &[u64]| list.iter().filter(|choice| **choice != 0).count();
    assert!(faults(&simple) * 4 < faults(&outcome.decisions), "{simple:?}");
}
