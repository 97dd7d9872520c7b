//! The `digest` scheme: a user and a password.
//!
//! The scheme is weak: the password travels as it is, and what is stored in ACLs is a hash without salt. Use it over TLS
//! only, or X.509 or SASL instead.

use alloc::format;
use alloc::string::String;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::acl::Id;
use crate::ops::Auth;
use crate::secret::Secret;

/// A user's name with a colon in it: the server would take what follows the colon for the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the name of a user must not have a colon in it")]
pub struct ColonInUser;

impl Id {
    /// The user with this password, for an ACL: `user:hash`, where the hash is the Base64 of the SHA-1 of
    /// `user:password`. It is computed here; the password does not travel.
    ///
    /// Servers since 3.6 may be configured to another hash (`digestAlg`), and then do not match this one.
    ///
    /// # Errors
    ///
    /// [`ColonInUser`] if there is one. The password may hold some.
    pub fn digest(user: &str, password: &str) -> Result<Self, ColonInUser> {
        let hash = STANDARD.encode(Sha1::digest(login(user, password)?));
        Ok(Self::new("digest", &format!("{user}:{hash}")))
    }
}

impl Auth {
    /// Adds the identity of a user by the password, which the server receives as it is: use TLS.
    ///
    /// # Errors
    ///
    /// [`ColonInUser`] if there is one. The password may hold some.
    pub fn digest(user: &str, password: &str) -> Result<Self, ColonInUser> {
        let credential = Secret::new(login(user, password)?.into());
        Ok(Self { scheme: "digest".into(), credential: Some(credential) })
    }
}

fn login(user: &str, password: &str) -> Result<String, ColonInUser> {
    if user.contains(':') { Err(ColonInUser) } else { Ok(format!("{user}:{password}")) }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn the_hash_is_that_of_the_server() {
        let id = Id::digest("bob", "bobsecret");
        assert_eq!(id, Ok(Id::new("digest", "bob:WGAwC+XYxdw8bJ5K6KcPh8oL58U=")));
        // From ZooKeeper's documentation of the super user.
        let id = Id::digest("super", "admin");
        assert_eq!(id, Ok(Id::new("digest", "super:xQJmxLMiHGwaqBvst5y6rkB6HQs=")));
    }

    #[test]
    fn the_first_colon_ends_the_user() {
        assert_eq!(Id::digest("a:b", "c"), Err(ColonInUser));
        assert_eq!(Auth::digest("a:b", "c"), Err(ColonInUser));
        let auth = Auth::digest("a", "b:c").unwrap();
        assert_eq!(auth.credential.as_ref().map(Secret::as_bytes), Some(&b"a:b:c"[..]));
        assert_eq!(format!("{auth:?}"), "Auth { scheme: \"digest\", credential: Some(…) }");
        assert_ne!(Id::digest("a", "b:c"), Id::digest("a", "b"));
    }
}
