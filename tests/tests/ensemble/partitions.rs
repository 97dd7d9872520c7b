//! A follower that has lost the others goes on answering pings for a while, to clients whose sessions have expired.

use std::time::{Duration, Instant};

use zk_tests::Ensemble;
use zk_tokio::Cause;

use crate::cast::{LONG, client, play, soon, witness};

/// Well below the two seconds after which the follower gives its leader up.
const TIMEOUT: Duration = Duration::from_millis(1000);

const ROUNDS: usize = 3;

/// OBS-1. A client that takes answered pings for a proof (`KeepAlive::Ping`) holds the lock for more than a second beside the
/// next holder.
pub(crate) fn a_guard_dies_with_its_session_behind_a_partition(ensemble: &mut Ensemble) {
    play(async {
        let (witness, root) = witness(ensemble).await;
        let mut fence = None;
        for _ in 0..ROUNDS {
            let leader = ensemble.await_leader();
            let (near, far) = ((leader + 1) % 3, [leader, (leader + 2) % 3]);
            let holder = client(&ensemble.connect_string_of(&[near]), &root, TIMEOUT).await;
            let other = client(&ensemble.connect_string_of(&far), &root, LONG).await;
            let guard =
                soon("the lock", holder.lock("/lock").expect("a path").acquire()).await.expect("granted");
            assert!(Some(guard.fence()) > fence, "{} after {fence:?}", guard.fence());

            ensemble.isolate(near);
            let waiter = tokio::spawn(async move {
                let granted = other.lock("/lock").expect("a path").acquire().await.expect("granted");
                (granted, Instant::now())
            });
            let cause = soon("the loss", guard.lost()).await;
            let lost = Instant::now();
            assert!(!guard.is_valid());
            assert_eq!(cause, Cause::LeaseExpired);
            assert_eq!(ensemble.proxy(near).connections(), 1, "the follower answers");

            let (next, granted) = soon("the other's lock", waiter).await.expect("no panic");
            assert!(lost < granted, "two held the lock for {:?}", lost.duration_since(granted));
            assert!(next.fence() > guard.fence(), "{} after {}", next.fence(), guard.fence());
            fence = Some(next.fence());
            drop(guard);
            next.release().await.expect("released");
            ensemble.rejoin(near);
            ensemble.await_quorum();
            holder.close().await;
        }
        witness.close().await;
    });
}
