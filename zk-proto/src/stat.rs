//! The bookkeeping of a node.

use crate::error::Malformed;
use crate::id::{SessionId, Zxid};
use crate::read::Reader;
use crate::record::Wire;
use crate::schema::{Field, Kind, Schema};
use crate::write::Sink;

/// What the server knows about a node besides its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stat {
    /// The transaction that created the node.
    pub czxid: Zxid,
    /// The transaction that last set the data; that of the creation if none did.
    pub mzxid: Zxid,
    /// When the node was created: Unix milliseconds of the leader's clock.
    pub ctime: i64,
    /// When the data was last set: Unix milliseconds of the leader's clock.
    pub mtime: i64,
    /// How often the data was set. Wraps; for [`Version::exactly`](crate::Version::exactly).
    pub version: i32,
    /// How many children were created and deleted, taken together. This is not the counter of sequential names, which
    /// counts creations only.
    pub cversion: i32,
    /// How often the ACL was set.
    pub aversion: i32,
    /// The session at whose end the node goes; [`SessionId::NONE`] unless it is ephemeral, for container and TTL nodes
    /// too.
    pub ephemeral_owner: SessionId,
    /// The bytes of data; 0 for null data.
    pub data_length: i32,
    /// The number of children.
    pub num_children: i32,
    /// The transaction that last created or deleted a child; that of the node's creation if none did.
    pub pzxid: Zxid,
}

impl Stat {
    /// The bytes of a stat on the wire.
    pub const LEN: usize = 68;
}

impl Wire for Stat {
    const LEN_MIN: usize = Self::LEN;

    const KIND: Kind = Kind::Record(&Schema {
        name: "Stat",
        fields: &[
            Field { name: "czxid", kind: Kind::Long },
            Field { name: "mzxid", kind: Kind::Long },
            Field { name: "ctime", kind: Kind::Long },
            Field { name: "mtime", kind: Kind::Long },
            Field { name: "version", kind: Kind::Int },
            Field { name: "cversion", kind: Kind::Int },
            Field { name: "aversion", kind: Kind::Int },
            Field { name: "ephemeralOwner", kind: Kind::Long },
            Field { name: "dataLength", kind: Kind::Int },
            Field { name: "numChildren", kind: Kind::Int },
            Field { name: "pzxid", kind: Kind::Long },
        ],
    });

    fn encoded_len(&self) -> usize {
        Self::LEN
    }

    fn encode(&self, out: &mut impl Sink) {
        let mut bytes = [0; Self::LEN];
        bytes[0..8].copy_from_slice(&self.czxid.raw().to_be_bytes());
        bytes[8..16].copy_from_slice(&self.mzxid.raw().to_be_bytes());
        bytes[16..24].copy_from_slice(&self.ctime.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.mtime.to_be_bytes());
        bytes[32..36].copy_from_slice(&self.version.to_be_bytes());
        bytes[36..40].copy_from_slice(&self.cversion.to_be_bytes());
        bytes[40..44].copy_from_slice(&self.aversion.to_be_bytes());
        bytes[44..52].copy_from_slice(&self.ephemeral_owner.raw().to_be_bytes());
        bytes[52..56].copy_from_slice(&self.data_length.to_be_bytes());
        bytes[56..60].copy_from_slice(&self.num_children.to_be_bytes());
        bytes[60..68].copy_from_slice(&self.pzxid.raw().to_be_bytes());
        out.put(&bytes);
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let bytes = input.within("Stat", Reader::array::<{ Self::LEN }>)?;
        Ok(Self {
            czxid: Zxid::new(long::<0>(bytes)),
            mzxid: Zxid::new(long::<8>(bytes)),
            ctime: long::<16>(bytes),
            mtime: long::<24>(bytes),
            version: int::<32>(bytes),
            cversion: int::<36>(bytes),
            aversion: int::<40>(bytes),
            ephemeral_owner: SessionId::new(long::<44>(bytes)),
            data_length: int::<52>(bytes),
            num_children: int::<56>(bytes),
            pzxid: Zxid::new(long::<60>(bytes)),
        })
    }
}

/// The `long` at an offset that is known when the program is compiled, and so is its being inside.
const fn long<const AT: usize>(bytes: &[u8; Stat::LEN]) -> i64 {
    const { assert!(AT + 8 <= Stat::LEN) };
    i64::from_be_bytes([
        bytes[AT],
        bytes[AT + 1],
        bytes[AT + 2],
        bytes[AT + 3],
        bytes[AT + 4],
        bytes[AT + 5],
        bytes[AT + 6],
        bytes[AT + 7],
    ])
}

/// As `long`, for an `int`.
const fn int<const AT: usize>(bytes: &[u8; Stat::LEN]) -> i32 {
    const { assert!(AT + 4 <= Stat::LEN) };
    i32::from_be_bytes([bytes[AT], bytes[AT + 1], bytes[AT + 2], bytes[AT + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::proof;

    #[test]
    fn every_field_has_its_place() {
        let bytes: [u8; Stat::LEN] = core::array::from_fn(|at| at as u8);
        let stat: Stat = proof::decode(&bytes).unwrap();
        assert_eq!(stat.czxid, Zxid::new(0x0001_0203_0405_0607));
        assert_eq!(stat.mzxid, Zxid::new(0x0809_0a0b_0c0d_0e0f));
        assert_eq!(stat.ctime, 0x1011_1213_1415_1617);
        assert_eq!(stat.mtime, 0x1819_1a1b_1c1d_1e1f);
        assert_eq!([stat.version, stat.cversion, stat.aversion], [0x2021_2223, 0x2425_2627, 0x2829_2a2b]);
        assert_eq!(stat.ephemeral_owner, SessionId::new(0x2c2d_2e2f_3031_3233));
        assert_eq!([stat.data_length, stat.num_children], [0x3435_3637, 0x3839_3a3b]);
        assert_eq!(stat.pzxid, Zxid::new(0x3c3d_3e3f_4041_4243));
        assert_eq!(proof::encode(&stat), bytes);
        proof::holds(&stat);
    }
}
