//! The errors that only a client over real sockets can have.

use std::time::Duration;

use zk_session::{ConnectString, Ended, Fault};

/// Why [`crate::Client::connected`] gave up waiting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The connect string is malformed.
    #[error("the connect string is malformed: {0}")]
    ConnectString(#[from] zk_session::proto::ConnectStringError),
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
