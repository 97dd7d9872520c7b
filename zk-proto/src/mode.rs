//! How long a created node lives and who completes its name.

use crate::error::{Malformed, What};
use crate::read::Reader;
use crate::record::Wire;
use crate::write::Sink;

/// The kind of node to create.
///
/// On the wire these are an enumeration, not a set of bits.
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
}

impl CreateMode {
    /// The mode with this number; `None` for one that `create` and `create2` do not take.
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
            Self::PersistentSequential => 2,
            Self::EphemeralSequential => 3,
        }
    }

    /// Whether the node goes with the session.
    #[must_use]
    pub const fn is_ephemeral(self) -> bool {
        matches!(self, Self::Ephemeral | Self::EphemeralSequential)
    }

    /// Whether the server appends a counter to the name: usually ten digits, and after 2147483647 a minus sign and ten
    /// digits. Take the counter by stripping the known name, not by its length.
    #[must_use]
    pub const fn is_sequential(self) -> bool {
        matches!(self, Self::PersistentSequential | Self::EphemeralSequential)
    }
}

impl Wire for CreateMode {
    const LEN_MIN: usize = 4;

    fn encoded_len(&self) -> usize {
        Self::LEN_MIN
    }

    fn encode(&self, out: &mut impl Sink) {
        self.raw().encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let at = input.at();
        let raw = input.int()?;
        Self::new(raw).ok_or_else(|| input.malformed(at, What::Mode(raw)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::proof;

    #[test]
    fn a_mode_is_one_of_four() {
        for (raw, ephemeral, sequential) in
            [(0, false, false), (1, true, false), (2, false, true), (3, true, true)]
        {
            let mode = CreateMode::new(raw).unwrap();
            assert_eq!((mode.raw(), mode.is_ephemeral(), mode.is_sequential()), (raw, ephemeral, sequential));
            proof::holds(&mode);
        }
        assert_eq!(CreateMode::default(), CreateMode::Persistent);
        for raw in [-1, 4, 5, 6, 7, i32::MAX] {
            let error = proof::decode::<CreateMode>(&raw.to_be_bytes()).unwrap_err();
            assert_eq!((error.what, error.at), (What::Mode(raw), 0));
        }
    }
}
