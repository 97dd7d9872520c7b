//! A lock that all clients want: no two hold it at a time, and fences grow.
//!
//! One process and one clock see all holders, so that guards can be compared in time: the failures are of servers and links,
//! never of the clients' clocks.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use zk_session::{Acl, CreateMode, Zxid};
use zk_tokio::{Cause, Denial, Guard};

use super::lane::Lane;
use super::ledger::Ledger;

const PATH: &str = "/lock";

/// The latest grant that any client was told of.
#[derive(Debug, Default)]
pub(super) struct Exclusion(Mutex<Option<Zxid>>);

impl Exclusion {
    fn grant(&self, guard: &Guard, ledger: &Ledger) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.expect(latest.is_none_or(|latest| guard.fence() > latest), || {
            format!("granted {} after {latest:?}", guard.fence())
        });
        *latest = Some(guard.fence()).max(*latest);
    }

    /// Whether the guard is valid; if it is although another was granted before this question, two hold the lock.
    fn is_valid(&self, guard: &Guard, ledger: &Ledger) -> bool {
        let latest = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let valid = guard.is_valid();
        ledger.expect(!valid || latest <= Some(guard.fence()), || {
            format!("{} is held although {latest:?} was granted", guard.fence())
        });
        valid
    }
}

/// Returns what was written under the lock by a guard that was valid before and after: the fence, and the number of the
/// node, which counts all such writes.
pub(super) async fn play(mut lane: Lane) -> Vec<(Zxid, String)> {
    let mut written = Vec::new();
    while lane.goes_on().await {
        match acquire(&mut lane).await {
            Ok(guard) => {
                lane.stage.ledger.count("locks granted");
                lane.stage.exclusion.grant(&guard, &lane.stage.ledger);
                hold(&mut lane, guard, &mut written).await;
            }
            Err(Denial::TimedOut | Denial::NotAcquired) => {
                lane.stage.ledger.count("locks not granted in time")
            }
            Err(denial) => lane.stage.ledger.violation(format!("lock: {denial}")),
        }
    }
    written
}

async fn acquire(lane: &mut Lane) -> Result<Guard, Denial> {
    let limit = Duration::from_millis(200) + lane.rng.up_to(Duration::from_secs(3));
    let client = lane.client.within(limit);
    #[cfg(feature = "wrong")]
    if let Some(super::Mistake::Lock(mistake)) = lane.plan.mistake {
        let path = zk_session::Path::new(PATH).expect("it is a path");
        return client
            .hold(zk_recipes::Lock::new(path, zk_recipes::Layout::default()).wrongly(mistake), "")
            .await;
    }
    let lock = client.lock(PATH).expect("it is a path");
    if lane.below(4) == 0 { lock.try_acquire().await } else { lock.acquire().await }
}

async fn hold(lane: &mut Lane, guard: Guard, written: &mut Vec<(Zxid, String)>) {
    let until = tokio::time::Instant::now() + lane.rng.up_to(HOLD_MAX);
    while lane.stage.exclusion.is_valid(&guard, &lane.stage.ledger) && tokio::time::Instant::now() < until {
        if lane.below(4) == 0 {
            let mode = CreateMode::PersistentSequential;
            let call = lane.client.create("/audit/n-", "", Acl::open_unsafe(), mode);
            if let Ok(path) = lane.call("create under the lock", &[], call).await
                && lane.stage.exclusion.is_valid(&guard, &lane.stage.ledger)
            {
                written.push((guard.fence(), path.as_str().to_owned()));
            }
        }
        // A guard is looked at far more often than it can change hands.
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    let valid = lane.stage.exclusion.is_valid(&guard, &lane.stage.ledger);
    if valid && lane.below(5) == 0 {
        lane.stage.ledger.count("guards dropped");
        return;
    }
    let guard = if !valid && guard.lost().await == Cause::LeaseExpired && lane.below(2) == 0 {
        let Ok(guard) = guard.reclaim().await else {
            return lane.stage.ledger.count("guards lost");
        };
        lane.stage.ledger.count("locks regained");
        lane.stage.exclusion.is_valid(&guard, &lane.stage.ledger);
        guard
    } else {
        guard
    };
    let released = guard.release().await;
    lane.stage.ledger.count(if released.is_ok() { "guards released" } else { "guards lost" });
}

/// What a valid guard has written is in the order of fences.
pub(super) fn check(mut written: Vec<(Zxid, String)>, ledger: &Ledger) {
    written.sort_by(|one, other| one.1.cmp(&other.1));
    for pair in written.windows(2) {
        ledger.expect(pair[0].0 <= pair[1].0, || format!("written under the lock out of order: {pair:?}"));
    }
}

const HOLD_MAX: Duration = Duration::from_millis(400);
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
