//! Worlds have teeth: each session and each lock that makes a mistake on purpose is found out.
#![allow(clippy::print_stdout, reason = "how soon is what one wants to know")]

use zk_recipes::wrong::Wrong as WrongLock;
use zk_session::wrong::Wrong as WrongSession;
use zk_sim::world::{Decisions, Limits, Outcome, run};

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
    assert_eq!(WrongSession::ALL.into_iter().filter(unseen).collect::<Vec<_>>(), []);
}

#[test]
fn wrong_locks_are_found_out_without_looking_for_them() {
    let seen = WrongLock::ALL.into_iter().filter(|wrong| {
        let limits = Limits { wrong_lock: Some(*wrong), ..Limits::default() };
        let found = found_out(&format!("{wrong:?}"), limits).is_some();
        if !found {
            println!("{wrong:?}: seen by the explorer only");
        }
        found
    });
    assert!(seen.count() >= 10);
}
