//! The clock of one host: it starts somewhere, and goes a little too fast or too slow.

use zk_session::Instant;

/// Nanoseconds of the world's own time.
pub(super) type Nanos = u64;

pub(super) const MILLI: Nanos = 1_000_000;
pub(super) const SECOND: Nanos = 1000 * MILLI;

/// What a host takes for the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) offset: Nanos,
    /// How much it is too fast, in millionths.
    pub(super) drift: i64,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    /// What the clock shows.
    pub(super) fn local(self, now: Nanos) -> Instant {
        let gained = i128::from(now) * i128::from(self.drift) / MILLION;
        let local = i128::from(now) + i128::from(self.offset) + gained;
        Instant::from_nanos(u64::try_from(local).unwrap_or(u64::MAX))
    }

    /// When the clock will first show at least this.
    pub(super) fn when(self, local: Instant) -> Nanos {
        if local == Instant::NEVER {
            return Nanos::MAX;
        }
        let since = i128::from(local.as_nanos()) - i128::from(self.offset);
        let rate = MILLION + i128::from(self.drift);
        let mut now = u64::try_from((since * MILLION).div_euclid(rate)).unwrap_or(0);
        while self.local(now) < local {
            now += 1;
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_comes_when_the_clock_shows_it_and_not_before() {
        for drift in [-10_000, -7, 0, 333, 10_000] {
            let clock = Clock { offset: 5 * SECOND, drift };
            for local in [5 * SECOND, 6 * SECOND + 1, 86_400 * SECOND, 86_400 * SECOND + 7] {
                let when = clock.when(Instant::from_nanos(local));
                assert!(clock.local(when).as_nanos() >= local);
                assert!(when == 0 || clock.local(when - 1).as_nanos() < local, "drift {drift}");
            }
        }
    }

    #[test]
    fn never_does_not_come() {
        assert_eq!(Clock { offset: 1, drift: 0 }.when(Instant::NEVER), Nanos::MAX);
    }
}
