//! The numbers of the protocol as types of their own, so that none is taken for another.
//!
//! Nothing here counts or compares on behalf of a session; the types only know which values have a meaning.

use core::fmt;

/// The number of a request; its reply carries the same.
///
/// Ordinary requests have positive numbers. A server does not count others for its flow control, and some have a
/// meaning of their own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Xid(i32);

/// The number of a transaction: the high 32 bits are the leader's epoch, the low 32 a counter.
///
/// Failed writes consume a number, too; reads and `sync` do not.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zxid(i64);

/// The number of a session. Its high byte is the number of the server that made it, so it may be negative.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(i64);

/// The version that a conditional write expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(i32);

/// The version -1 of a node cannot be expected, because on the wire -1 means "any".
///
/// A node gets there only by four thousand million writes on a server before 3.10, whose counter does not skip the
/// value; only `/zookeeper/config` always shows it. The write can be made with [`Version::ANY`] if losing somebody
/// else's write is acceptable; any such write moves the node to version 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("version -1 means any version: write unconditionally once, then version 0 can be expected")]
pub struct VersionUnusable;

impl Xid {
    /// Marks a watch event: no request has it.
    pub const NOTIFICATION: Self = Self(-1);
    /// Marks pings and their replies. A server answers a ping with this number whatever the request had.
    pub const PING: Self = Self(-2);
    /// Marks auth packets and their replies, which may overtake replies of earlier requests.
    pub const AUTH: Self = Self(-4);
    /// Marks the renewal of watches, by convention of the C client; servers do not care.
    pub const SET_WATCHES: Self = Self(-8);
    /// The first number for an ordinary request.
    pub const FIRST: Self = Self(1);

    /// The number after this one for an ordinary request: from `i32::MAX`, and from any number that no ordinary request
    /// has, on to [`Xid::FIRST`].
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 < Self::FIRST.0 || self.0 == i32::MAX { Self::FIRST } else { Self(self.0 + 1) }
    }
}

impl Zxid {
    /// Before every transaction: what a client sends that has seen none.
    pub const ZERO: Self = Self(0);
}

impl SessionId {
    /// No session: asks for a new one, and owns what is not ephemeral.
    pub const NONE: Self = Self(0);
}

impl Version {
    /// Whatever the version is: the write is unconditional.
    pub const ANY: Self = Self(-1);

    /// Exactly this version, as a [`Stat`](crate::Stat) showed it.
    ///
    /// # Errors
    ///
    /// [`VersionUnusable`] for -1, which on the wire means "any": see there for the way out.
    pub const fn exactly(version: i32) -> Result<Self, VersionUnusable> {
        if version == Self::ANY.0 { Err(VersionUnusable) } else { Ok(Self(version)) }
    }

    /// Whether the write is unconditional.
    #[must_use]
    pub const fn is_any(self) -> bool {
        self.0 == Self::ANY.0
    }

    /// The number on the wire; -1 for [`Version::ANY`].
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0
    }
}

macro_rules! number {
    ($($Name:ident($Raw:ty) in $format:literal;)*) => {$(
        impl $Name {
            /// The number with this raw value. Every value is accepted.
            #[must_use]
            pub const fn new(raw: $Raw) -> Self {
                Self(raw)
            }

            /// The raw value, as on the wire.
            #[must_use]
            pub const fn raw(self) -> $Raw {
                self.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, $format, self.0)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, $format, self.0)
            }
        }
    )*};
}

number! {
    Xid(i32) in "{}";
    Zxid(i64) in "{:#x}";
    SessionId(i64) in "{:#x}";
}

wire_as! { Xid as i32: |xid| xid.0, Self }
wire_as! { Zxid as i64: |zxid| zxid.0, Self }
wire_as! { SessionId as i64: |session| session.0, Self }
wire_as! { Version as i32: |version| version.0, Self }

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn xids_count_up_and_wrap_around_the_reserved_ones() {
        assert_eq!(Xid::FIRST.next(), Xid::new(2));
        assert_eq!(Xid::new(i32::MAX - 1).next(), Xid::new(i32::MAX));
        assert_eq!(Xid::new(i32::MAX).next(), Xid::FIRST);
        for reserved in [i32::MIN, -8, -4, -2, -1, 0] {
            assert_eq!(Xid::new(reserved).next(), Xid::FIRST);
        }
    }

    #[test]
    fn transactions_and_sessions_are_shown_in_hex() {
        assert_eq!(format!("{} {:?}", Zxid::new(0x1_0000_0002), Zxid::ZERO), "0x100000002 0x0");
        assert_eq!(format!("{}", SessionId::new(-1)), "0xffffffffffffffff");
        assert_eq!(format!("{:?}", Xid::PING), "-2");
    }

    #[test]
    fn the_version_that_means_any_cannot_be_expected() {
        assert_eq!(Version::exactly(-1), Err(VersionUnusable));
        assert_eq!(Version::exactly(-2).map(Version::raw), Ok(-2));
        assert_eq!(Version::exactly(0).map(Version::is_any), Ok(false));
        assert!(Version::ANY.is_any());
    }
}
