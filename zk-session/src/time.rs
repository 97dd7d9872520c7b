//! Engine time: a point on a monotonic clock that the driver owns.
//!
//! It does not read a clock. The driver chooses an epoch (its own start will do) and hands in nanoseconds since then;
//! the clock must go on while the machine is suspended, or a lease outlives its session.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// A point in engine time, in nanoseconds since an epoch of the driver's choice.
///
/// Arithmetic saturates: an instant beyond 584 years is "never".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The instant that is never reached.
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`, zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER { out.write_str("never") } else { Duration::from_nanos(self.0).fmt(out) }
    }
}
