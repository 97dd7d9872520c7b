//! Waiting for a condition instead of for a time.

use std::thread;
use std::time::{Duration, Instant};

/// How often a condition is looked at: well under the shortest session timeout the servers here allow (400 ms).
const POLL_INTERVAL: Duration = Duration::from_millis(3);

/// Waits until `condition` holds, and looks once more when `limit` has passed.
///
/// # Panics
///
/// With `what` when the condition does not hold by then.
#[track_caller]
pub fn wait_until(what: &str, limit: Duration, condition: impl FnMut() -> bool) {
    assert!(comes_true(limit, condition), "waited {limit:?} in vain until {what}");
}

/// As [`wait_until`], and says whether the condition holds.
pub(crate) fn comes_true(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        let late = start.elapsed() >= limit;
        let holds = condition();
        if holds || late {
            return holds;
        }
        thread::sleep(POLL_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_comes_true_ends_the_wait() {
        let mut looks = 0;
        wait_until("looked thrice", Duration::from_secs(10), || {
            looks += 1;
            looks == 3
        });
        assert_eq!(looks, 3);
    }

    #[test]
    #[should_panic(expected = "in vain until pigs fly")]
    fn the_limit_panics_with_what_was_awaited() {
        wait_until("pigs fly", Duration::from_millis(10), || false);
    }

    #[test]
    fn a_limit_of_nothing_looks_once() {
        wait_until("it is so already", Duration::ZERO, || true);
    }
}
