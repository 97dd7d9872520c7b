//! The form of records, as data: which fields a record has, by their names in ZooKeeper's own description.
//!
//! Every type on the wire names its kind in [`Wire::KIND`](crate::Wire::KIND), so a schema comes from the same line as
//! the codec of the record. Nothing is read here.

/// What jute calls a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// No bytes at all.
    Nothing,
    /// A `boolean`.
    Bool,
    /// A `boolean` at the end of a frame that older peers leave out.
    LateBool,
    /// An `int`.
    Int,
    /// A `long`.
    Long,
    /// A `ustring`; it may be null.
    Text,
    /// A `buffer`; it may be null.
    Buffer,
    /// A `buffer` that nobody is to see: a password, a credential, a token.
    Secret,
    /// A `vector` of such elements; it may be null.
    Vector(&'static Self),
    /// A record.
    Record(&'static Schema),
    /// The operations of a multi up to the end mark.
    Requests,
    /// The results of a multi up to the end mark.
    Results,
}

/// The fields of a record, in the order of the wire.
#[derive(Debug, PartialEq, Eq)]
pub struct Schema {
    /// The name of the record.
    pub name: &'static str,
    /// The fields.
    pub fields: &'static [Field],
}

/// One field of a record.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// The name of the field.
    pub name: &'static str,
    /// What stands there.
    pub kind: Kind,
}

impl Kind {
    /// The fewest bytes that any value of the kind has.
    #[must_use]
    pub const fn len_min(self) -> usize {
        match self {
            Self::Nothing | Self::LateBool => 0,
            Self::Bool => 1,
            Self::Int | Self::Text | Self::Buffer | Self::Secret | Self::Vector(_) => 4,
            Self::Long => 8,
            Self::Requests | Self::Results => 9,
            Self::Record(schema) => {
                let (mut length, mut index) = (0, 0);
                while index < schema.fields.len() {
                    length += schema.fields[index].kind.len_min();
                    index += 1;
                }
                length
            }
        }
    }

    /// The record, if it is one that has fields.
    #[must_use]
    pub const fn record(self) -> Option<&'static Schema> {
        match self {
            Self::Record(schema) if !schema.fields.is_empty() => Some(schema),
            Self::Nothing
            | Self::Bool
            | Self::LateBool
            | Self::Int
            | Self::Long
            | Self::Text
            | Self::Buffer
            | Self::Secret
            | Self::Vector(_)
            | Self::Record(_)
            | Self::Requests
            | Self::Results => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Wire;
    use crate::{Acl, Stat};

    #[test]
    fn a_kind_knows_its_fewest_bytes() {
        assert_eq!(Stat::KIND.len_min(), Stat::LEN_MIN);
        assert_eq!(Acl::KIND.len_min(), Acl::LEN_MIN);
        assert_eq!(Kind::Vector(&Acl::KIND).len_min(), 4);
        assert_eq!((Kind::Nothing.len_min(), Kind::Bool.len_min(), Kind::LateBool.len_min()), (0, 1, 0));
        assert_eq!((Kind::Secret.len_min(), Kind::Results.len_min()), (4, 9));
    }

    #[test]
    fn only_a_record_with_fields_is_one() {
        assert_eq!(Stat::KIND.record().map(|schema| schema.name), Some("Stat"));
        assert_eq!(<()>::KIND.record(), None);
        assert_eq!(Kind::Record(&Schema { name: "Empty", fields: &[] }).record(), None);
    }
}
