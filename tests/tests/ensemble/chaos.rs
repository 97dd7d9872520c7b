//! Everything at once: see `zk_tests::chaos`.

use std::time::Duration;

use zk_tests::Ensemble;
use zk_tests::chaos::{Plan, Report, Verdict, run};

/// The faults of a seed are always the same; what they hit is not.
const SEED: u64 = 20_240_607;

/// Runs in which the servers break their own promises say nothing of ours. They are rare.
const TRIES: u64 = 3;

pub(crate) fn whatever_fails_clients_are_told_the_truth(ensemble: &mut Ensemble) {
    for seed in SEED..SEED + TRIES {
        let report = run(ensemble, &Plan { duration: Duration::from_secs(40), ..Plan::new(seed) });
        match report.verdict() {
            Verdict::Kept => return has_played(&report),
            Verdict::Broken => panic!("{report}"),
            Verdict::Inconclusive => ensemble.renew().unwrap_or_else(|error| panic!("{error}")),
        }
    }
    panic!("the servers have contradicted themselves in each of {TRIES} runs");
}

/// What is not played is not compared.
fn has_played(report: &Report) {
    for outcome in ["ok", "maybe applied", "not sent", "BadVersion"] {
        assert!(report.ended(outcome) > 0, "no call has ended like this: {outcome}\n{report}");
    }
    for event in ["links lost", "sessions resumed", "sessions expired", "locks granted", "guards released"] {
        assert!(report.happened(event) > 0, "this has not happened: {event}\n{report}");
    }
    assert!(report.watches_fired > 0 && report.watches_expired > 0 && report.watches_closed > 0, "{report}");
}
