//! How a client proves to a server who it is, by SASL (RFC 4422): what a mechanism is, and two of them.
//!
//! Nothing here knows frames or connections. The engine starts an exchange on every connection, sends its tokens and
//! hands it those of the server; until the exchange is done, nothing else is sent.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use bytes::Bytes;
use zk_proto::{ChallengeFault, Server};

pub use digest_md5::DigestMd5;
pub use plain::{Plain, PlainUnusable};

mod digest_md5;
mod plain;

/// How a client proves to servers who it is. One value serves all connections of a client.
///
/// A mechanism that is not here, such as GSSAPI with the Kerberos library of one's choice, is an implementation of this
/// trait and of [`Exchange`]. Neither may wait: what takes long is to be fetched before the client starts, or in
/// another thread. `Debug` must not show secrets.
///
/// ```
/// use zk_session::sasl::{DigestMd5, Mechanism, SaslError};
/// use zk_session::Server;
///
/// // From the secure random source of the system.
/// let entropy = [7; 16];
/// let mechanism = DigestMd5::new("bob", "bobsecret", entropy);
/// assert_eq!(mechanism.name(), "DIGEST-MD5");
/// assert!(!mechanism.reveals_secret());
///
/// let server = Server { host: "localhost".into(), port: 2181 };
/// let mut exchange = mechanism.begin(&server, [0; 16]);
/// // The server speaks first.
/// assert_eq!(exchange.initial(), Ok("".into()));
/// // A server without SASL answers with a null token.
/// assert_eq!(exchange.step(None), Err(SaslError::NotConfigured));
/// ```
pub trait Mechanism: fmt::Debug + Send + Sync {
    /// The registered name, such as `DIGEST-MD5`. ZooKeeper does not send it; it is for logs.
    fn name(&self) -> &'static str;

    /// Whether its tokens tell the secret to whoever listens. Such a mechanism is refused on a connection that is not
    /// encrypted, unless the client is told otherwise.
    fn reveals_secret(&self) -> bool;

    /// A new exchange, for one connection to `server`. The `salt` is fresh for each connection, but no secret.
    fn begin(&self, server: &Server, salt: [u8; 16]) -> Box<dyn Exchange>;
}

/// One exchange, on one connection.
///
/// After an error, and after [`Step::Done`], it is over: the next connection starts another.
pub trait Exchange: fmt::Debug + Send {
    /// The first token; empty if the server speaks first. To be asked for once, before the first [`step`](Self::step).
    ///
    /// # Errors
    /// [`SaslError`] says why there is none.
    fn initial(&mut self) -> Result<Bytes, SaslError>;

    /// What follows a server's token; `None` is a token of null, which says that the server has no more to say or has
    /// no SASL.
    ///
    /// # Errors
    /// [`SaslError`] says why the exchange has failed: close the connection.
    fn step(&mut self, token: Option<&[u8]>) -> Result<Step, SaslError>;
}

/// What follows a server's token.
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this token and wait for the next of the server.
    Send(Bytes),
    /// The exchange has succeeded; other requests may follow.
    Done,
}

impl fmt::Debug for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some tokens are the password.
        out.write_str(match self {
            Self::Send(_) => "Send(…)",
            Self::Done => "Done",
        })
    }
}

/// Why an exchange has failed. Nothing may be sent on its connection any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SaslError {
    /// The server has no SASL. Configure it there, or take the mechanism from the client.
    #[error("the server is not configured for SASL")]
    NotConfigured,
    /// The server's challenge must not be answered.
    #[error("{0}")]
    Challenge(#[from] ChallengeFault),
    /// The server does not offer the realm that was asked for. Leave it to the server, or ask for one that it has.
    #[error("the server does not offer the realm")]
    Realm,
    /// The server knows ISO 8859-1 only, in which the user, the realm or the password cannot be written.
    #[error("the server knows ISO 8859-1 only, and the credentials have other characters")]
    Characters,
    /// The server did not prove that it knows the password: somebody else may speak for it. Its word that the client
    /// is accepted means nothing.
    #[error("the server did not prove that it knows the password")]
    Unproven,
    /// The server sent a token where the mechanism has none, or the exchange was over.
    #[error("the server sent a token that the mechanism does not expect")]
    Unexpected,
    /// Another mechanism failed, for this reason. It must not tell the secret.
    #[error("{0}")]
    Mechanism(String),
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;

    /// Shaped like GSSAPI: the client begins, answers twice, and the server ends with a token of null.
    #[derive(Debug)]
    struct Tickets;

    #[derive(Debug)]
    struct Rounds {
        ticket: Vec<u8>,
        round: u8,
    }

    impl Mechanism for Tickets {
        fn name(&self) -> &'static str {
            "GSSAPI"
        }

        fn reveals_secret(&self) -> bool {
            false
        }

        fn begin(&self, server: &Server, salt: [u8; 16]) -> Box<dyn Exchange> {
            Box::new(Rounds { ticket: format!("zookeeper/{}#{}", server.host, salt[0]).into(), round: 0 })
        }
    }

    impl Exchange for Rounds {
        fn initial(&mut self) -> Result<Bytes, SaslError> {
            self.round = 1;
            Ok(self.ticket.clone().into())
        }

        fn step(&mut self, token: Option<&[u8]>) -> Result<Step, SaslError> {
            self.round += 1;
            match (self.round, token) {
                (2, Some(b"context")) => Ok(Step::Send(Bytes::new())),
                (3, Some(b"layers")) => Ok(Step::Send("none".into())),
                (4, None) => Ok(Step::Done),
                (_, Some(_)) => Err(SaslError::Mechanism("the ticket is too old".into())),
                (_, None) => Err(SaslError::NotConfigured),
            }
        }
    }

    #[test]
    fn a_mechanism_of_three_rounds_fits_the_trait() {
        let mechanism: &dyn Mechanism = &Tickets;
        let server = Server { host: "zk1".into(), port: 2181 };
        let mut exchange = mechanism.begin(&server, [9; 16]);
        assert_eq!(exchange.initial(), Ok("zookeeper/zk1#9".into()));
        assert_eq!(exchange.step(Some(b"context")), Ok(Step::Send(Bytes::new())));
        assert_eq!(exchange.step(Some(b"layers")), Ok(Step::Send("none".into())));
        assert_eq!(exchange.step(None), Ok(Step::Done));

        let mut other = mechanism.begin(&server, [9; 16]);
        assert_eq!(other.initial(), Ok("zookeeper/zk1#9".into()));
        let error = other.step(Some(b"no")).unwrap_err();
        assert_eq!(format!("{error}"), "the ticket is too old");
    }

    #[test]
    fn a_step_does_not_show_its_token() {
        let step = Step::Send(Bytes::from_static(b"canary"));
        assert_eq!(format!("{step:?} {:?} {:#?}", Step::Done, step), "Send(…) Done Send(…)");
    }
}
