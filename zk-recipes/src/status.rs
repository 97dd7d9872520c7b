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
    /// The guard has died. Only after [`Cause::LeaseExpired`] the grant may still stand.
    Lost(Cause),
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
        let next = match event {
            Event::Acquired(grant) | Event::Regained(grant) => Self::Held(grant.clone()),
            Event::Lost { cause, .. } | Event::Ended { cause, .. } => Self::Lost(*cause),
            Event::Released { by } => Self::Released(*by),
            Event::TimedOut => Self::Denied(Denial::TimedOut),
            Event::NotAcquired => Self::Denied(Denial::NotAcquired),
            Event::Cancelled => Self::Denied(Denial::Cancelled),
            Event::Failed(failure) => Self::Denied(Denial::Failed(failure.clone())),
            Event::Misuse(misuse) if *self == Self::Waiting => {
                Self::Denied(Denial::Failed(Failure::Misuse(*misuse)))
            }
            Event::Queued { .. }
            | Event::Requeued
            | Event::Suspended { .. }
            | Event::Resumed
            | Event::Stuck(_)
            | Event::Misuse(_) => return false,
        };
        *self = next;
        true
    }
}
