//! How long a created node lives and who completes its name.

use crate::error::{Malformed, What};
use crate::read::Reader;

/// The kind of node to create.
///
/// On the wire these are an enumeration, not a set of bits. A mode whose name ends in `Numbered` has the same number as
/// the one that ends in `Sequential`; what differs is the slash that is written after the path. On the root there is
/// none to add, so that the two are the same, and read as `Numbered`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CreateMode {
    /// Lives until it is deleted.
    #[default]
    Persistent,
    /// Goes with the session, and cannot have children.
    Ephemeral,
    /// Lives until it is deleted; the server appends a counter to the name.
    PersistentSequential,
    /// Goes with the session; the server appends a counter to the name.
    EphemeralSequential,
    /// Lives until it is deleted; its name is the counter alone, and the path is that of its parent.
    PersistentNumbered,
    /// Goes with the session; its name is the counter alone, and the path is that of its parent.
    EphemeralNumbered,
}

impl CreateMode {
    /// The mode with this number; `None` for one that `create` and `create2` do not take. The numbered modes have no
    /// number of their own.
    #[must_use]
    pub const fn new(raw: i32) -> Option<Self> {
        Some(match raw {
            0 => Self::Persistent,
            1 => Self::Ephemeral,
            2 => Self::PersistentSequential,
            3 => Self::EphemeralSequential,
            _ => return None,
        })
    }

    /// The number on the wire.
    #[must_use]
    pub const fn raw(self) -> i32 {
        match self {
            Self::Persistent => 0,
            Self::Ephemeral => 1,
            Self::PersistentSequential | Self::PersistentNumbered => 2,
            Self::EphemeralSequential | Self::EphemeralNumbered => 3,
        }
    }

    /// Whether the node goes with the session.
    #[must_use]
    pub const fn is_ephemeral(self) -> bool {
        matches!(self, Self::Ephemeral | Self::EphemeralSequential | Self::EphemeralNumbered)
    }

    /// Whether the server appends a counter to the name: usually ten digits, and after 2147483647 a minus sign and ten
    /// digits. Take the counter by stripping the known name, not by its length.
    #[must_use]
    pub const fn is_sequential(self) -> bool {
        matches!(self, Self::PersistentSequential | Self::EphemeralSequential) || self.is_numbered()
    }

    /// Whether the name of the node is the counter alone, below the path that is given.
    #[must_use]
    pub const fn is_numbered(self) -> bool {
        matches!(self, Self::PersistentNumbered | Self::EphemeralNumbered)
    }

    /// The mode that a number means after a path that ends in a slash.
    pub(crate) const fn numbered(raw: i32) -> Option<Self> {
        match raw {
            2 => Some(Self::PersistentNumbered),
            3 => Some(Self::EphemeralNumbered),
            _ => None,
        }
    }
}

/// The kind of node that goes when it was left alone for too long.
///
/// There are no ephemeral ones: on the wire these have numbers of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TtlMode {
    /// Has the name that is given.
    #[default]
    Persistent,
    /// The server appends a counter to the name.
    PersistentSequential,
    /// The name is the counter alone, and the path is that of the parent.
    PersistentNumbered,
}

impl TtlMode {
    /// The mode with this number; `None` for one that would end the server: `createTTL` takes two numbers only.
    #[must_use]
    pub const fn new(raw: i32) -> Option<Self> {
        match raw {
            5 => Some(Self::Persistent),
            6 => Some(Self::PersistentSequential),
            _ => None,
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn raw(self) -> i32 {
        match self {
            Self::Persistent => 5,
            Self::PersistentSequential | Self::PersistentNumbered => 6,
        }
    }

    /// Whether the name of the node is the counter alone, below the path that is given.
    #[must_use]
    pub const fn is_numbered(self) -> bool {
        matches!(self, Self::PersistentNumbered)
    }

    /// The mode that a number means after a path that ends in a slash.
    pub(crate) const fn numbered(raw: i32) -> Option<Self> {
        if raw == 6 { Some(Self::PersistentNumbered) } else { None }
    }
}

/// How long a node without children stays after its data was last set, in milliseconds: from 1 to
/// [`Ttl::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(i64);

/// A time to live is from 1 to 1099511627775 milliseconds, some 34 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{0} ms is no time to live, which is from 1 to 1099511627775")]
pub struct TtlOutOfRange(pub i64);

impl Ttl {
    /// The longest: the server keeps it in 40 bits.
    pub const MAX: Self = Self((1 << 40) - 1);

    /// That many milliseconds.
    ///
    /// # Errors
    ///
    /// [`TtlOutOfRange`] outside 1 to 1099511627775; servers refuse it, and -1 with a wrong mode ends them.
    pub const fn from_ms(ms: i64) -> Result<Self, TtlOutOfRange> {
        if ms < 1 || ms > Self::MAX.0 { Err(TtlOutOfRange(ms)) } else { Ok(Self(ms)) }
    }

    /// The milliseconds.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let at = input.at();
        let ms = input.long()?;
        Self::from_ms(ms).map_err(|TtlOutOfRange(ms)| input.malformed(at, What::Ttl(ms)))
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_mode_is_one_of_four_on_the_wire() {
        for (raw, ephemeral, sequential) in
            [(0, false, false), (1, true, false), (2, false, true), (3, true, true)]
        {
            let mode = CreateMode::new(raw).unwrap();
            assert_eq!((mode.raw(), mode.is_ephemeral(), mode.is_sequential()), (raw, ephemeral, sequential));
            assert!(!mode.is_numbered());
            let numbered = CreateMode::numbered(raw);
            assert_eq!(numbered.is_some(), sequential);
            if let Some(mode) = numbered {
                assert_eq!((mode.raw(), mode.is_ephemeral(), mode.is_sequential()), (raw, ephemeral, true));
                assert!(mode.is_numbered());
            }
        }
        assert_eq!(CreateMode::default(), CreateMode::Persistent);
        for raw in [-1, 4, 5, 6, 7, i32::MAX] {
            assert_eq!((CreateMode::new(raw), CreateMode::numbered(raw)), (None, None));
        }
    }

    #[test]
    fn a_node_with_a_time_to_live_has_modes_of_its_own() {
        for raw in (-1..10).filter(|raw| *raw != 5 && *raw != 6) {
            assert_eq!((TtlMode::new(raw), TtlMode::numbered(raw)), (None, None));
        }
        assert_eq!((TtlMode::new(5), TtlMode::numbered(5)), (Some(TtlMode::Persistent), None));
        let (sequential, numbered) = (TtlMode::PersistentSequential, TtlMode::PersistentNumbered);
        assert_eq!((TtlMode::new(6), TtlMode::numbered(6)), (Some(sequential), Some(numbered)));
        assert_eq!([TtlMode::default(), sequential, numbered].map(TtlMode::raw), [5, 6, 6]);
        assert!(numbered.is_numbered() && !sequential.is_numbered());
    }

    #[test]
    fn a_time_to_live_has_bounds() {
        for (ms, fits) in [
            (i64::MIN, false),
            (-1, false),
            (0, false),
            (1, true),
            (1_099_511_627_775, true),
            (1_099_511_627_776, false),
        ] {
            assert_eq!(Ttl::from_ms(ms).map(Ttl::ms), if fits { Ok(ms) } else { Err(TtlOutOfRange(ms)) });
        }
        assert_eq!(Ttl::MAX.ms(), 1_099_511_627_775);
        assert!(TtlOutOfRange(-1).to_string().starts_with("-1 ms is no time to live"));
    }
}
