//! PLAIN (RFC 4616): the user and the password as they are.
//!
//! It proves nothing about the server. The texts are sent as given, without the preparation of RFC 4013.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::{fmt, mem};

use bytes::Bytes;
use zk_proto::{Secret, Server};

use super::{Exchange, Mechanism, SaslError, Step};

/// The mechanism PLAIN, for connections over TLS only.
///
/// Servers as they are released have no PLAIN, only those with a provider for it added. A server without any SASL
/// answers as one that accepts the password does, by a token of null: where it matters, ask
/// [`WhoAmI`](zk_proto::ops::WhoAmI).
#[derive(Clone, Debug)]
pub struct Plain {
    /// `authzid NUL user NUL password`.
    message: Secret,
}

/// Why no message of PLAIN can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PlainUnusable {
    /// A NUL is what ends a field.
    #[error("the {0} has a NUL in it")]
    Nul(&'static str),
    /// The RFC knows no empty user or password.
    #[error("the {0} is empty")]
    Empty(&'static str),
}

impl Plain {
    /// The user with this password.
    ///
    /// # Errors
    /// [`PlainUnusable`] if one of them is empty or has a NUL in it.
    pub fn new(user: &str, password: &str) -> Result<Self, PlainUnusable> {
        Self::acting_as("", user, password)
    }

    /// The user with this password, who asks to act as `authzid`; empty, as the user.
    ///
    /// # Errors
    /// [`PlainUnusable`] if the user or the password is empty, or one of the three has a NUL in it.
    pub fn acting_as(authzid: &str, user: &str, password: &str) -> Result<Self, PlainUnusable> {
        for (name, text) in [("user", user), ("password", password)] {
            if text.is_empty() {
                return Err(PlainUnusable::Empty(name));
            }
        }
        for (name, text) in [("authzid", authzid), ("user", user), ("password", password)] {
            if text.contains('\0') {
                return Err(PlainUnusable::Nul(name));
            }
        }
        let message: Vec<u8> = [authzid, user, password].join("\0").into();
        Ok(Self { message: Secret::new(message.into()) })
    }
}

impl Mechanism for Plain {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn reveals_secret(&self) -> bool {
        true
    }

    fn begin(&self, _server: &Server, _salt: [u8; 16]) -> Box<dyn Exchange> {
        Box::new(Conversation::Fresh(self.message.clone()))
    }
}

/// An exchange on its way.
enum Conversation {
    Fresh(Secret),
    Waiting,
    Over,
}

impl Exchange for Conversation {
    fn initial(&mut self) -> Result<Bytes, SaslError> {
        match mem::replace(self, Self::Over) {
            Self::Fresh(message) => {
                *self = Self::Waiting;
                Ok(message.into_bytes())
            }
            Self::Waiting | Self::Over => Err(SaslError::Unexpected),
        }
    }

    fn step(&mut self, token: Option<&[u8]>) -> Result<Step, SaslError> {
        match (mem::replace(self, Self::Over), token) {
            (Self::Waiting, None | Some([])) => Ok(Step::Done),
            (Self::Fresh(_) | Self::Waiting | Self::Over, _) => Err(SaslError::Unexpected),
        }
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Fresh(_) => "PLAIN Fresh",
            Self::Waiting => "PLAIN Waiting",
            Self::Over => "PLAIN Over",
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn begin(mechanism: &Plain) -> Box<dyn Exchange> {
        mechanism.begin(&Server { host: "a".into(), port: 1 }, [0; 16])
    }

    #[test]
    fn the_message_is_that_of_the_rfc() {
        // RFC 4616, section 4.
        for (mechanism, message) in [
            (Plain::new("tim", "tanstaaftanstaaf"), "\0tim\0tanstaaftanstaaf"),
            (Plain::acting_as("Ursel", "Kurt", "xipj3plmq"), "Ursel\0Kurt\0xipj3plmq"),
        ] {
            let mechanism = mechanism.unwrap();
            assert_eq!((mechanism.name(), mechanism.reveals_secret()), ("PLAIN", true));
            let mut exchange = begin(&mechanism);
            assert_eq!(exchange.initial(), Ok(message.into()));
            assert_eq!(exchange.step(None), Ok(Step::Done));
            assert_eq!(exchange.step(None), Err(SaslError::Unexpected));
        }
    }

    #[test]
    fn what_cannot_be_told_apart_on_the_wire_is_refused() {
        use PlainUnusable::{Empty, Nul};
        for (authzid, user, password, fault) in [
            ("", "a\0b", "c", Nul("user")),
            ("", "a", "b\0c", Nul("password")),
            ("\0", "a", "b", Nul("authzid")),
            ("", "", "b", Empty("user")),
            ("", "a", "", Empty("password")),
        ] {
            assert_eq!(Plain::acting_as(authzid, user, password).err(), Some(fault));
        }
    }

    #[test]
    fn a_server_has_nothing_to_say_but_yes() {
        let mechanism = Plain::new("a", "b").unwrap();
        let mut exchange = begin(&mechanism);
        assert_eq!(exchange.step(None), Err(SaslError::Unexpected));
        let mut exchange = begin(&mechanism);
        assert!(exchange.initial().is_ok());
        assert_eq!(exchange.initial(), Err(SaslError::Unexpected));
        let mut exchange = begin(&mechanism);
        assert!(exchange.initial().is_ok());
        assert_eq!(exchange.step(Some(b"?")), Err(SaslError::Unexpected));
        let mut exchange = begin(&mechanism);
        assert!(exchange.initial().is_ok());
        assert_eq!(exchange.step(Some(b"")), Ok(Step::Done));
    }

    #[test]
    fn the_password_is_not_shown() {
        let mechanism = Plain::new("bob", "canary").unwrap();
        let mut exchange = begin(&mechanism);
        let fresh = format!("{mechanism:?} {exchange:?}");
        assert!(exchange.initial().is_ok());
        assert_eq!(format!("{fresh} {exchange:?}"), "Plain { message: … } PLAIN Fresh PLAIN Waiting");
    }
}
