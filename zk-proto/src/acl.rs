//! Who may do what with a node.
//!
//! Whether a server knows a scheme and takes an id is for the server to say.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::BitOr;
use core::str::FromStr;

/// What is allowed: a set of permissions. Bits without a name are kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Perms(i32);

impl Perms {
    /// Get the data and list the children; since 3.8.4 and 3.9.2 also ask whether the node exists.
    pub const READ: Self = Self(1);
    /// Set the data.
    pub const WRITE: Self = Self(2);
    /// Create children.
    pub const CREATE: Self = Self(4);
    /// Delete children.
    pub const DELETE: Self = Self(8);
    /// Set the ACL.
    pub const ADMIN: Self = Self(16);
    /// All of them.
    pub const ALL: Self = Self(31);

    /// The set with these bits.
    #[must_use]
    pub const fn new(raw: i32) -> Self {
        Self(raw)
    }

    /// The bits, as on the wire.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// Whether every permission of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Perms {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Perms {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            (Self::READ, "r"),
            (Self::WRITE, "w"),
            (Self::CREATE, "c"),
            (Self::DELETE, "d"),
            (Self::ADMIN, "a"),
        ];
        out.write_str("Perms(")?;
        for (_, letter) in named.iter().filter(|(perms, _)| self.contains(*perms)) {
            out.write_str(letter)?;
        }
        match self.0 & !Self::ALL.0 {
            0 => out.write_str(")"),
            unnamed => write!(out, "+{unnamed:#x})"),
        }
    }
}

wire_as! { Perms as i32: |perms| perms.0, Self }

/// Somebody, as an authentication scheme names them. `Debug` leaves out the hash of a digest.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Id {
    /// The scheme, such as `world`, `auth`, `digest`, `ip`, `sasl` or `x509`. Servers refuse null.
    pub scheme: Option<String>,
    /// The name within the scheme; for `digest` it is `user:hash`, for `auth` it is not looked at. Servers refuse null
    /// where they look at it.
    pub id: Option<String>,
}

impl Id {
    /// The id with this scheme and name.
    #[must_use]
    pub fn new(scheme: &str, id: &str) -> Self {
        Self { scheme: Some(scheme.to_owned()), id: Some(id.to_owned()) }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scheme {
            Some(scheme) => write!(out, "{}:", scheme.escape_debug())?,
            None => out.write_str("null:")?,
        }
        let Some(id) = &self.id else { return out.write_str("null") };
        if self.scheme.as_deref() != Some("digest") {
            return write!(out, "{}", id.escape_debug());
        }
        match id.split_once(':') {
            Some((user, _)) => write!(out, "{}:…", user.escape_debug()),
            None => out.write_str("…"),
        }
    }
}

wire_fields! { Id { scheme: Option<String>, id: Option<String>, } }

record! {
    /// One entry of a node's ACL. ACLs are not inherited by children.
    pub struct Acl as ACL {
        /// What is allowed.
        pub perms: Perms,
        /// To whom.
        pub id: Id,
    }
}

/// Why a text is not an entry of an ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AclError {
    /// It has fewer than two colons.
    #[error("an entry of an ACL is scheme:id:permissions")]
    Parts,
    /// A letter stands for no permission.
    #[error("{0:?} is no permission, they are c, d, r, w and a")]
    Permission(char),
}

/// As ZooKeeper's shell writes it: `world:anyone:cdrwa`. The id may hold colons.
impl FromStr for Acl {
    type Err = AclError;

    fn from_str(text: &str) -> Result<Self, AclError> {
        let (scheme, rest) = text.split_once(':').ok_or(AclError::Parts)?;
        let (id, letters) = rest.rsplit_once(':').ok_or(AclError::Parts)?;
        let perms = letters.chars().try_fold(Perms::default(), |perms, letter| {
            Ok(perms
                | match letter {
                    'r' => Perms::READ,
                    'w' => Perms::WRITE,
                    'c' => Perms::CREATE,
                    'd' => Perms::DELETE,
                    'a' => Perms::ADMIN,
                    other => return Err(AclError::Permission(other)),
                })
        })?;
        Ok(Self { perms, id: Id::new(scheme, id) })
    }
}

impl Acl {
    /// Everything for everybody who can reach the server.
    #[must_use]
    pub fn open_unsafe() -> Vec<Self> {
        vec![Self { perms: Perms::ALL, id: Id::new("world", "anyone") }]
    }

    /// Reading for everybody who can reach the server, and nothing else for anybody.
    #[must_use]
    pub fn read_unsafe() -> Vec<Self> {
        vec![Self { perms: Perms::READ, id: Id::new("world", "anyone") }]
    }

    /// Everything for the identities of the connection that sends it. The server answers
    /// [`Code::InvalidAcl`](crate::Code::InvalidAcl) if the connection has none by digest, SASL or X.509.
    #[must_use]
    pub fn creator_all() -> Vec<Self> {
        vec![Self { perms: Perms::ALL, id: Id::new("auth", "") }]
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;
    use crate::record::proof;

    #[test]
    fn an_acl_survives_the_wire() {
        proof::holds(&Acl { perms: Perms::new(-1), id: Id::new("digest", "bob:x") });
        proof::holds(&Acl::creator_all());
        proof::holds(&Id { scheme: None, id: Some("".into()) });
        proof::holds(&Id { scheme: Some("ip".into()), id: None });
    }

    #[test]
    fn permissions_are_a_set_that_keeps_unknown_bits() {
        let perms = Perms::READ | Perms::ADMIN | Perms::new(0x40);
        assert_eq!((perms.raw(), (perms | Perms::READ).raw()), (0x51, 0x51));
        assert!(perms.contains(Perms::READ) && !perms.contains(Perms::READ | Perms::WRITE));
        assert!(perms.contains(Perms::default()) && Perms::ALL.contains(Perms::DELETE | Perms::CREATE));
        assert_eq!(format!("{perms:?} {:?}", Perms::ALL), "Perms(ra+0x40) Perms(rwcda)");
    }

    #[test]
    fn the_hash_of_a_digest_is_not_shown() {
        for (scheme, id, shown) in [
            ("digest", "bob:WGAwC+XYxdw8bJ5K6KcPh8oL58U=", "digest:bob:…"),
            ("digest", "WGAwC", "digest:…"),
            ("sasl", "bob", "sasl:bob"),
            ("world", "any\none", "world:any\\none"),
        ] {
            assert_eq!(format!("{:?}", Id::new(scheme, id)), shown);
        }
        let null = |scheme, id| format!("{:?}", Id { scheme, id });
        assert_eq!(null(None, Some("bob:hash".into())), "null:bob:hash");
        assert_eq!(null(Some("digest".into()), None), "digest:null");
    }

    #[test]
    fn an_entry_is_read_as_the_shell_writes_it() {
        let acl = |perms, scheme, id| Ok(Acl { perms: Perms::new(perms), id: Id::new(scheme, id) });
        assert_eq!("world:anyone:cdrwa".parse(), acl(31, "world", "anyone"));
        assert_eq!("digest:bob:hash:rw".parse(), acl(3, "digest", "bob:hash"));
        assert_eq!("auth::".parse(), acl(0, "auth", ""));
        assert_eq!("ip:::1:cd".parse(), acl(12, "ip", "::1"));
        assert_eq!("world".parse::<Acl>(), Err(AclError::Parts));
        assert_eq!("world:anyone".parse::<Acl>(), Err(AclError::Parts));
        assert_eq!("world:anyone:rx".parse::<Acl>(), Err(AclError::Permission('x')));
    }

    #[test]
    fn the_usual_lists_are_what_they_say() {
        assert_eq!(format!("{:?}", Acl::open_unsafe()), "[Acl { perms: Perms(rwcda), id: world:anyone }]");
        assert_eq!(format!("{:?}", Acl::read_unsafe()), "[Acl { perms: Perms(r), id: world:anyone }]");
        assert_eq!(format!("{:?}", Acl::creator_all()), "[Acl { perms: Perms(rwcda), id: auth: }]");
    }
}
