//! Everything at once: see `zk_tests::chaos`.

use std::time::Duration;

use zk_tests::Ensemble;
use zk_tests::chaos::{Plan, run};

/// The faults of a seed are always the same; what they hit is not.
const SEED: u64 = 20_240_607;

pub(crate) fn whatever_fails_clients_are_told_the_truth(ensemble: &mut Ensemble) {
    let report = run(ensemble, &Plan { duration: Duration::from_secs(40), ..Plan::new(SEED) });
    assert!(report.violations.is_empty(), "{report}");
    // What is not played is not compared.
    for outcome in ["ok", "maybe applied", "not sent", "BadVersion"] {
        assert!(report.ended(outcome) > 0, "no call has ended like this: {outcome}\n{report}");
    }
    for event in ["links lost", "sessions resumed", "sessions expired", "locks granted", "guards released"] {
        assert!(report.happened(event) > 0, "this has not happened: {event}\n{report}");
    }
    assert!(report.watches_fired > 0 && report.watches_expired > 0 && report.watches_closed > 0, "{report}");
}
