//! Engine time for this process.
//!
//! On Linux it is the clock that goes on while the machine is suspended, as a lease needs it: a laptop that wakes up must
//! see that its session is over. Elsewhere it is the standard monotonic clock.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;
use std::time::Duration;

use zk_session::Instant;

/// The present instant.
pub(crate) fn now() -> Instant {
    /// The epoch lies a little in the past, so that every instant of the engine is after it.
    static EPOCH: LazyLock<Duration> = LazyLock::new(monotonic);
    let elapsed = monotonic().saturating_sub(*EPOCH);
    Instant::from_nanos(1) + elapsed
}

#[cfg(target_os = "linux")]
fn monotonic() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

#[cfg(not(target_os = "linux"))]
fn monotonic() -> Duration {
    static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

/// A seed from the randomness that the standard library gives its hash maps.
pub(crate) fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Bytes that nobody else draws. They are no secret.
pub(crate) fn token() -> [u8; 16] {
    (u128::from(seed()) << 64 | u128::from(seed())).to_be_bytes()
}
