//! Who the client is and where its session is: credentials, other servers, other processes, and proof that it lives.

use std::time::Duration;

use bytes::Bytes;
use zk_session::ops::Auth;
use zk_session::proto::Secret;
use zk_session::{Config, Ended, Error, Handover, Misuse, Server, Session, SessionState};

use crate::client::Client;
use crate::clock;
use crate::error::ConnectError;

impl Client {
    /// Adds a credential to the session, on this connection and on every further one, in front of all else; also after an
    /// expiry. For the scheme `digest` it is `user:password`.
    ///
    /// Calls that are made after it have its rights. There is no way to take it back. [`Config::credentials`] are there
    /// from the start.
    ///
    /// # Errors
    /// [`Error::Server`] with [`Code::AuthFailed`](zk_session::Code::AuthFailed): the server refuses it and closes the
    /// connection; it is not sent again, and the session goes on without it. [`Misuse::InsecureAuth`]: it would be sent in
    /// clear over a network, see [`Config::plaintext_credentials`].
    pub fn add_credential(
        &self,
        scheme: impl Into<String>,
        credential: impl Into<Bytes>,
    ) -> Result<(), Error> {
        self.call(Auth { scheme: scheme.into(), credential: Some(Secret::new(credential.into())) })
    }

    /// The servers are these from now on. If the load is to be balanced anew, the client moves to another one: it lets
    /// what is under way be answered first, and loses nothing.
    ///
    /// # Errors
    /// [`Misuse::NoServers`]: the list is empty; the old one stays.
    pub fn update_servers(&self, servers: impl IntoIterator<Item = Server>) -> Result<(), Misuse> {
        let servers: Vec<Server> = servers.into_iter().collect();
        self.shared().with(|core, now| core.session.update_servers(servers, now))
    }

    /// Ends this client and all its clones, and hands the session over, so that [`Client::resume`] can go on with it in
    /// another process. No server is told: ephemeral nodes stay, as long as the session is resumed within its timeout.
    ///
    /// Calls under way end with [`Ended::Detached`], and so do watches and guards; await what
    /// matters first. A node that stood for a guard stays with the session.
    ///
    /// `None`: there is no session, or it has ended or is being closed.
    #[must_use]
    pub fn detach(&self) -> Option<Handover> {
        self.shared().with(|core, _| {
            let handover = core.session.detach()?;
            // A server may have been told already to close it.
            let is_whole = *core.session.state() == SessionState::Ended(Ended::Detached);
            is_whole.then_some(handover)
        })
    }

    /// Opens a client that goes on with a session that was handed over, and returns at once: as [`Client::open`].
    /// [`Client::connected`] tells whether it has come about; if the session has expired meanwhile, it is told as such, and
    /// what follows is up to [`Config::on_expiry`].
    ///
    /// # Errors
    /// [`ConnectError::Start`].
    pub fn resume(config: Config, handover: Handover) -> Result<Self, ConnectError> {
        Self::drive(Session::resume(config, handover, clock::now()))
    }

    /// Asks for proof that the session lives, by a transaction that changes nothing, which no server can answer without a
    /// quorum. Returns how long from now on the proof is good for, by this side's clock.
    ///
    /// # Errors
    /// Those of any call.
    pub fn confirm(&self) -> Result<Duration, Error> {
        let call = self
            .start(|core, options, now| core.session.confirm(options, now).map_err(|refused| refused.why))?;
        // Whether the node could be read does not matter: a transaction that fails proves as much.
        call.wait()?;
        let until = self.shared().lock().session.proven_until();
        Ok(until.map_or(Duration::ZERO, |until| until.since(clock::now())))
    }
}
