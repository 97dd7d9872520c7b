//! Where an attempt to hold something stands: what a guard needs to know, kept from the news of its machine.
//!
//! It does not wait for anything; an adapter wakes whoever waits for a change.

use crate::hold::{Cause, Event, Failure, Freed, Grant};

/// Where an attempt to hold something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing is decided.
    Waiting,
    /// The guard of this grant is valid, as far as the machine knows. Whether it is valid at this very moment is a question
    /// of the lease and the clock.
    Held(Grant),
    /// The guard of this grant has died. Only after [`Cause::LeaseExpired`] the grant may still stand.
    Lost(Grant, Cause),
    /// It was given back.
    Released(Freed),
    /// The attempt has ended without a grant.
    Denied(Denial),
}

/// Why an attempt has ended without a grant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Denial {
    /// The deadline has passed. Try again, for longer.
    #[error("not granted in time")]
    TimedOut,
    /// Somebody else holds it, and the attempt was not to wait.
    #[error("held by somebody else")]
    NotAcquired,
    /// The attempt was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The attempt has failed.
    #[error("{0}")]
    Failed(Failure),
}

impl Status {
    /// Takes news into account; whether something has changed.
    pub fn apply(&mut self, event: &Event) -> bool {
        let next = match (&*self, event) {
            (_, Event::Acquired(grant) | Event::Regained(grant)) => Self::Held(grant.clone()),
            (
                Self::Held(grant) | Self::Lost(grant, _),
                Event::Lost { cause, .. } | Event::Ended { cause, .. },
            ) => Self::Lost(grant.clone(), *cause),
            (_, Event::Released { by }) => Self::Released(*by),
            (_, Event::TimedOut) => Self::Denied(Denial::TimedOut),
            (_, Event::NotAcquired) => Self::Denied(Denial::NotAcquired),
            (_, Event::Cancelled) => Self::Denied(Denial::Cancelled),
            (_, Event::Failed(failure)) => Self::Denied(Denial::Failed(failure.clone())),
            (Self::Waiting, Event::Misuse(misuse)) => Self::Denied(Denial::Failed(Failure::Misuse(*misuse))),
            _ => return false,
        };
        *self = next;
        true
    }
}
