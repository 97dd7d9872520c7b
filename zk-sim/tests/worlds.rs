//! Worlds break no law, and go the same way whenever they are run.
//!
//! The example `swarm` goes further: `cargo run --release -p zk-sim --example swarm -- --seeds 0..20000`.

use zk_sim::world::{Decisions, Limits, Mark, Marks, run};

const LIMITS: Limits = Limits {
    steps: 3000,
    lines: 0,
    #[cfg(feature = "wrong")]
    wrong_session: None,
    #[cfg(feature = "wrong")]
    wrong_lock: None,
};

#[test]
fn no_law_is_broken() {
    let mut marks = Marks::default();
    for seed in 0..300 {
        let outcome = run(Decisions::from_seed(seed), LIMITS);
        assert!(outcome.violation.is_none(), "seed {seed}, {}", outcome.violation.expect("it is there"));
        marks.add(&outcome.marks);
    }
    let common = [
        Mark::Resumed,
        Mark::Expired,
        Mark::MaybeApplied,
        Mark::StaleRead,
        Mark::Granted,
        Mark::GuardLapsed,
        Mark::GapTold,
        Mark::ServedByLasting,
        Mark::WatchTakenAway,
        Mark::ShownAgain,
        Mark::Unshown,
        Mark::PipelineBroken,
        Mark::FreeSurvived,
        Mark::ReadOnlyEntered,
        Mark::MovedByList,
        Mark::Confirmed,
        Mark::LoggedIn,
        Mark::AuthFailed,
    ];
    assert!(
        common.iter().all(|mark| marks.count(*mark) > 0),
        "never: {:?}",
        marks.missed().collect::<Vec<_>>()
    );
}

#[test]
fn a_seed_gives_the_same_run_again_and_another_seed_another() {
    let mut hashes = std::collections::BTreeSet::new();
    for seed in 0..30 {
        let [first, second] = [(), ()].map(|()| run(Decisions::from_seed(seed), LIMITS));
        assert_eq!(
            (first.hash, first.steps, first.nanos),
            (second.hash, second.steps, second.nanos),
            "seed {seed}"
        );
        hashes.insert(first.hash);
    }
    assert_eq!(hashes.len(), 30);
}

#[test]
fn the_decisions_of_a_run_are_the_run() {
    for seed in 0..10 {
        let first = run(Decisions::from_seed(seed), LIMITS);
        let again = run(Decisions::from_list(first.decisions.clone()), LIMITS);
        assert_eq!((first.hash, first.decisions), (again.hash, again.decisions), "seed {seed}");
    }
}

#[test]
fn a_run_that_is_watched_goes_no_other_way() {
    let silent = run(Decisions::from_seed(5), LIMITS);
    let watched = run(Decisions::from_seed(5), Limits { lines: 20, ..LIMITS });
    assert_eq!(watched.hash, silent.hash);
    assert_eq!((silent.lines.len(), watched.lines.len()), (0, 20));
}
