//! The words that all of the model shares: ids and instants. Nothing here acts.

use std::fmt;

/// Milliseconds since the Unix epoch. The model has no clock; this comes in with every input and never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// The instant `span` milliseconds later.
    #[must_use]
    pub const fn plus(self, span: u64) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// The milliseconds since `earlier`, or 0 when it is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The number of a transaction: the epoch in the high half, a counter in the low one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zxid(pub i64);

impl fmt::Display for Zxid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:#x}", self.0)
    }
}

/// The id of a session; its high byte is the id of the server that made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub i64);

/// One connection of a client, named by whoever drives the server. A number is not used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// One server of an ensemble, counted from 1: the high byte of the ids of the sessions that begin there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u8);
