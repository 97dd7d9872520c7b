//! The errors that only a client over real sockets can have.

use std::io;
use std::time::Duration;

use zk_session::{ConnectString, Ended, Fault};

/// Why a client has no session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The connect string is malformed.
    #[error("the connect string is malformed: {0}")]
    ConnectString(#[from] zk_session::proto::ConnectStringError),
    /// The operating system does not give the client what it needs: a thread and a means to wait for sockets.
    #[error("the client cannot start: {0}")]
    Start(#[from] io::Error),
    /// No server granted a session within the time. The client goes on trying; wait again, or close it.
    #[error("no server of {servers} granted a session within {within:?}{}", last(fault))]
    NoServer {
        /// The servers that were tried.
        servers: ConnectString,
        /// The time that was given.
        within: Duration,
        /// How the last try failed, if one has.
        fault: Option<Fault>,
    },
    /// The session has ended meanwhile.
    #[error("{0}")]
    Ended(Ended),
}

fn last(fault: &Option<Fault>) -> String {
    fault.as_ref().map_or_else(String::new, |fault| format!("; the last try: {fault}"))
}
