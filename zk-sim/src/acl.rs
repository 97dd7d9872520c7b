//! Who may do what with a node: ACLs, the identities of a connection, and how a server matches them.
//!
//! It knows the schemes world, auth, digest, ip and sasl, and the identity `super`; not x509.

use std::net::IpAddr;

use crate::{Code, Quirks};

/// May read data and children.
pub const READ: i32 = 1;
/// May set data.
pub const WRITE: i32 = 2;
/// May create children.
pub const CREATE: i32 = 4;
/// May delete children.
pub const DELETE: i32 = 8;
/// May set the ACL.
pub const ADMIN: i32 = 16;
/// All of them.
pub const ALL: i32 = 31;

/// Somebody, in the words of a scheme: an identity of a connection, or whom an ACL grants something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// How it is proven.
    pub scheme: String,
    /// Who it is.
    pub id: String,
}

impl Id {
    /// An id from its parts.
    #[must_use]
    pub fn new(scheme: &str, id: &str) -> Self {
        Self { scheme: scheme.into(), id: id.into() }
    }

    fn is_anyone(&self) -> bool {
        self.scheme == "world" && self.id == "anyone"
    }
}

/// An entry of a node's ACL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acl {
    /// The permissions, as the bits [`READ`] to [`ADMIN`].
    pub perms: i32,
    /// To whom they are given.
    pub id: Id,
}

impl Acl {
    /// Everything, to everybody.
    #[must_use]
    pub fn open() -> Vec<Self> {
        vec![Self { perms: ALL, id: Id::new("world", "anyone") }]
    }
}

/// An entry as a client asks for it; nothing in it has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AclAsked {
    /// The permissions.
    pub perms: i32,
    /// The scheme, if it is not null.
    pub scheme: Option<String>,
    /// The id, if it is not null.
    pub id: Option<String>,
}

impl From<Acl> for AclAsked {
    fn from(acl: Acl) -> Self {
        Self { perms: acl.perms, scheme: Some(acl.id.scheme), id: Some(acl.id.id) }
    }
}

/// The ACL that is stored for the one asked for: checked, without repetitions, `auth` replaced by who asks.
///
/// # Errors
///
/// [`Code::InvalidAcl`], and [`Code::MarshallingError`] where a null makes a server stumble.
pub(crate) fn settle(
    asked: Option<&[AclAsked]>,
    identities: &[Id],
    quirks: &Quirks,
) -> Result<Vec<Acl>, Code> {
    let asked = match asked {
        None if quirks.null_acl_is_malformed => return Err(Code::MarshallingError),
        None => &[],
        Some(asked) => asked,
    };
    let mut settled = Vec::new();
    for entry in distinct(asked)? {
        let without = if quirks.null_acl_is_malformed { Code::MarshallingError } else { Code::InvalidAcl };
        let scheme = entry.scheme.as_deref().ok_or(without)?;
        if scheme == "auth" {
            let proven = identities.iter().filter(|id| ["digest", "sasl"].contains(&&*id.scheme));
            let before = settled.len();
            settled.extend(proven.map(|id| Acl { perms: entry.perms, id: id.clone() }));
            if settled.len() == before {
                return Err(Code::InvalidAcl);
            }
            continue;
        }
        let known = ["world", "digest", "ip"].contains(&scheme) || (scheme == "sasl" && quirks.has_logins);
        if !known {
            return Err(Code::InvalidAcl);
        }
        let id = Id::new(scheme, entry.id.as_deref().ok_or(Code::MarshallingError)?);
        if !is_valid(&id, quirks) {
            return Err(Code::InvalidAcl);
        }
        settled.push(Acl { perms: entry.perms, id });
    }
    if settled.is_empty() { Err(Code::InvalidAcl) } else { Ok(settled) }
}

/// The entries without repetitions. The server stumbles over a null that it has to compare with another value.
fn distinct(asked: &[AclAsked]) -> Result<Vec<&AclAsked>, Code> {
    let mut kept: Vec<&AclAsked> = Vec::new();
    'entries: for entry in asked {
        for other in &kept {
            if entry.perms != other.perms {
                continue;
            }
            if entry.scheme.is_none() || (entry.scheme == other.scheme && entry.id.is_none()) {
                return Err(Code::MarshallingError);
            }
            if entry == *other {
                continue 'entries;
            }
        }
        kept.push(entry);
    }
    Ok(kept)
}

fn is_valid(id: &Id, quirks: &Quirks) -> bool {
    match &*id.scheme {
        "world" => id.id == "anyone",
        "digest" => has_two_parts(&id.id),
        "sasl" => !id.id.is_empty(),
        "ip" => Range::parse(&id.id).is_some() && (quirks.addresses_have_bits || !id.id.contains('/')),
        _ => false,
    }
}

/// Java's `split` drops empty parts at the end, so that `a:b::` has two and `a:` has one.
fn has_two_parts(id: &str) -> bool {
    id.trim_end_matches(':').split(':').count() == 2
}

/// Whether the ACL gives one of the identities at least one of `perms`.
///
/// # Errors
///
/// [`Code::NoAuth`] when it does not.
pub(crate) fn check(acl: &[Acl], perms: i32, identities: &[Id]) -> Result<(), Code> {
    let grants = |acl: &Acl| {
        acl.perms & perms != 0 && (acl.id.is_anyone() || identities.iter().any(|id| matches(id, &acl.id)))
    };
    if identities.iter().any(|id| id.scheme == "super") || acl.iter().any(grants) {
        Ok(())
    } else {
        Err(Code::NoAuth)
    }
}

fn matches(identity: &Id, granted: &Id) -> bool {
    if identity.scheme != granted.scheme {
        return false;
    }
    match &*identity.scheme {
        "ip" => {
            Range::parse(&granted.id).zip(address(&identity.id)).is_some_and(|(range, ip)| range.contains(ip))
        }
        "sasl" => identity.id == granted.id || identity.id == "super",
        _ => identity.id == granted.id,
    }
}

/// The addresses that agree with one in their first bits.
#[derive(Clone, Copy)]
struct Range {
    address: u32,
    bits: u32,
}

impl Range {
    /// Reads `a.b.c.d` or `a.b.c.d/bits`, in whatever spelling Java takes for a number.
    fn parse(text: &str) -> Option<Self> {
        let (host, bits) = text.split_once('/').map_or((text, Some(32)), |(host, bits)| {
            (host, bits.parse::<i32>().ok().and_then(|bits| u32::try_from(bits).ok()))
        });
        Some(Self { address: address(host)?, bits: bits.filter(|bits| *bits <= 32)? })
    }

    fn contains(self, other: u32) -> bool {
        let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
        self.address & mask == other & mask
    }
}

fn address(text: &str) -> Option<u32> {
    let mut parts = text.split('.');
    let mut address = 0;
    for _ in 0..4 {
        let part = parts.next()?.parse::<i32>().ok()?;
        address = address << 8 | u32::from(u8::try_from(part).ok()?);
    }
    parts.next().is_none().then_some(address)
}

/// The identity that every connection has.
pub(crate) fn of_peer(peer: IpAddr) -> Id {
    Id::new("ip", &peer.to_string())
}

/// The ACL as it is shown to who may not set it: digests lose their secret half.
pub(crate) fn masked(acl: &[Acl]) -> Vec<Acl> {
    let hidden = |entry: &Acl| match entry.id.id.split_once(':') {
        Some((user, _)) if entry.id.scheme == "digest" => {
            Acl { perms: entry.perms, id: Id::new("digest", &format!("{user}:x")) }
        }
        _ => entry.clone(),
    };
    acl.iter().map(hidden).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Version;

    fn asked(scheme: &str, id: &str) -> AclAsked {
        AclAsked { perms: ALL, scheme: Some(scheme.into()), id: Some(id.into()) }
    }

    fn settled(scheme: &str, id: &str) -> Result<Vec<Acl>, Code> {
        settle(Some(&[asked(scheme, id)]), &[], &Quirks::default())
    }

    #[test]
    fn ids_are_checked_by_their_scheme() {
        for (scheme, id) in [
            ("world", "anyone"),
            ("digest", "a:b"),
            ("digest", ":b"),
            ("digest", "a:b::"),
            ("ip", "1.2.3.4"),
            ("ip", "10.0.0.0/8"),
            ("ip", "+1.02.3.-0/32"),
        ] {
            assert!(settled(scheme, id).is_ok(), "{scheme}:{id}");
        }
        for (scheme, id) in [
            ("world", "me"),
            ("digest", "a"),
            ("digest", "a:"),
            ("digest", "a:b:c"),
            ("digest", ":"),
            ("ip", "1.2.3"),
            ("ip", "1.2.3.4.5"),
            ("ip", "1.2.3.256"),
            ("ip", "1.2.3.4/33"),
            ("ip", "1.2.3.4/"),
            ("ip", "::1"),
            ("auth", ""),
            ("sasl", "a"),
            ("super", ""),
            ("", ""),
        ] {
            assert_eq!(settled(scheme, id), Err(Code::InvalidAcl), "{scheme}:{id}");
        }
        let old = Quirks::of(Version::V3_4);
        assert_eq!(settle(Some(&[asked("ip", "1.2.3.4/8")]), &[], &old), Err(Code::InvalidAcl));
    }

    #[test]
    fn nulls_are_refused_in_their_way() {
        let quirks = Quirks::default();
        let null_id = AclAsked { id: None, ..asked("world", "") };
        let null_scheme = AclAsked { scheme: None, ..asked("", "") };
        assert_eq!(settle(Some(&[null_id]), &[], &quirks), Err(Code::MarshallingError));
        assert_eq!(settle(Some(&[null_scheme]), &[], &quirks), Err(Code::InvalidAcl));
        assert_eq!(settle(None, &[], &quirks), Err(Code::InvalidAcl));
        assert_eq!(settle(Some(&[]), &[], &quirks), Err(Code::InvalidAcl));
        assert_eq!(settle(None, &[], &Quirks::of(Version::V3_4)), Err(Code::MarshallingError));
    }

    #[test]
    fn auth_becomes_who_has_proven_something() {
        let me = [Id::new("ip", "1.2.3.4"), Id::new("digest", "a:b"), Id::new("digest", "c:d")];
        let stored =
            settle(Some(&[asked("auth", "x"), asked("auth", "x")]), &me, &Quirks::default()).unwrap();
        assert_eq!(stored.iter().map(|acl| &*acl.id.id).collect::<Vec<_>>(), ["a:b", "c:d"]);
        assert_eq!(settle(Some(&[asked("auth", "")]), &me[..1], &Quirks::default()), Err(Code::InvalidAcl));
    }

    #[test]
    fn identities_match_by_their_scheme() {
        let acl = |scheme, id, perms| [Acl { perms, id: Id::new(scheme, id) }];
        let me = [Id::new("ip", "10.1.2.3"), Id::new("digest", "a:b")];
        assert_eq!(check(&acl("ip", "10.1.0.0/16", READ), READ, &me), Ok(()));
        assert_eq!(check(&acl("ip", "10.2.0.0/16", READ), READ, &me), Err(Code::NoAuth));
        assert_eq!(check(&acl("ip", "0.0.0.0/0", READ), READ, &me), Ok(()));
        assert_eq!(check(&acl("digest", "a:b", READ), READ, &me), Ok(()));
        assert_eq!(check(&acl("digest", "a:b", READ), WRITE, &me), Err(Code::NoAuth));
        assert_eq!(check(&acl("digest", "a:b", ADMIN), READ | ADMIN, &me), Ok(()));
        assert_eq!(check(&acl("world", "anyone", READ), READ, &[]), Ok(()));
        assert_eq!(check(&acl("digest", "x:y", 0), READ, &[Id::new("super", "")]), Ok(()));
    }

    #[test]
    fn digests_are_masked() {
        let acl = [Acl { perms: 1, id: Id::new("digest", "u:x:y") }];
        assert_eq!(masked(&acl)[0].id.id, "u:x");
        assert_eq!(masked(&Acl::open()), Acl::open());
    }
}
