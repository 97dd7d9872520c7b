//! Bytes that nobody is to see in a log.

use core::fmt;

use bytes::Bytes;

use crate::error::{Malformed, What};
use crate::read::Reader;
use crate::record::Wire;
use crate::schema::Kind;
use crate::write::Sink;

/// A credential or a token of an authentication. `Debug` does not show it, nor how long it is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Bytes);

impl Secret {
    /// The secret with these bytes.
    #[must_use]
    pub const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, still shared with the frame they came in.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("…")
    }
}

impl Wire for Secret {
    const LEN_MIN: usize = 4;

    const KIND: Kind = Kind::Secret;

    fn encoded_len(&self) -> usize {
        Self::LEN_MIN + self.0.len()
    }

    fn encode(&self, out: &mut impl Sink) {
        crate::write::put_length(out, self.0.len());
        out.put_payload(&self.0);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let at = input.at();
        input.buffer()?.map(Self).ok_or_else(|| input.malformed(at, What::NullBuffer))
    }
}

impl Wire for Option<Secret> {
    const LEN_MIN: usize = 4;

    const KIND: Kind = Kind::Secret;

    fn encoded_len(&self) -> usize {
        Self::LEN_MIN + self.as_ref().map_or(0, |secret| secret.0.len())
    }

    fn encode(&self, out: &mut impl Sink) {
        match self {
            Some(secret) => secret.encode(out),
            None => out.put(&(-1_i32).to_be_bytes()),
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(input.buffer()?.map(Secret))
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;
    use crate::record::proof;

    #[test]
    fn a_secret_survives_the_wire_and_is_not_shown() {
        let secret = Secret::new(Bytes::from_static(b"bob:bobsecret"));
        proof::holds(&secret);
        proof::holds(&Some(secret.clone()));
        proof::holds(&None::<Secret>);
        assert_eq!(proof::decode::<Secret>(&[255; 4]).map_err(|error| error.what), Err(What::NullBuffer));
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "… Some(…)");
        assert_eq!(secret.as_bytes(), b"bob:bobsecret");
        assert_eq!(secret.into_bytes(), &b"bob:bobsecret"[..]);
    }
}
