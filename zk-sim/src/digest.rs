//! The ids of the scheme `digest`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// The id that `user:password` proves: the user, and the digest of the whole.
#[must_use]
pub fn digest_id(credentials: &str) -> String {
    let user = credentials.split(':').next().unwrap_or_default();
    format!("{user}:{}", STANDARD.encode(Sha1::digest(credentials)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_a_server_makes_of_it() {
        assert_eq!(digest_id("bob:bobsecret"), "bob:WGAwC+XYxdw8bJ5K6KcPh8oL58U=");
        assert_eq!(digest_id("super:test"), "super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
    }
}
