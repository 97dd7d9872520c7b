//! How often a machine may ask again before it must rest, and for how long.
//!
//! It keeps no time: it says how long a rest is, and its owner waits.

use core::time::Duration;

use zk_session::{Instant, Rng};

use crate::outbox::Errands;

/// A state calls three times at most (once, and twice again) before something other than a reply must happen.
const REPEATS_MAX: u8 = 2;

/// Counts the setbacks of a machine: replies that make it call again what it has called before.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Pace {
    repeats: u8,
    pause: Pause,
}

/// A pause that doubles each time, from 50 ms to 5 s, and is then spread over half to one and a half times its length, so
/// that many clients do not come back at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Pause {
    doublings: u8,
}

impl Pace {
    /// Something other than a reply has happened: the machine may ask again.
    pub(crate) const fn refresh(&mut self) {
        self.repeats = 0;
    }

    /// The machine has got where it wanted: the next rest is a short one.
    pub(crate) const fn progress(&mut self) {
        self.pause.doublings = 0;
    }

    /// A setback: whether the machine may ask again at once. If not, it must rest.
    pub(crate) const fn may_repeat(&mut self) -> bool {
        let may = self.repeats < REPEATS_MAX;
        if may {
            self.repeats += 1;
        }
        may
    }

    /// When a rest that begins now ends.
    pub(crate) fn rest(&mut self, now: Instant, errands: &mut Errands) -> Instant {
        now + self.pause.next(errands.rng())
    }
}

impl Pause {
    pub(crate) const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(5);

    pub(crate) fn next(&mut self, rng: &mut Rng) -> Duration {
        let whole = (Self::FIRST * (1 << self.doublings)).min(Self::LONGEST);
        if whole < Self::LONGEST {
            self.doublings += 1;
        }
        whole / 2 + rng.up_to(whole)
    }
}
