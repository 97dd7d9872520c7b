//! The errors that only a client over real sockets can have.

use std::io;
use std::time::Duration;

use zk_session::{ConnectString, Ended, Fault, Session};

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
    /// The client could not prove who it is, or a server could not, and further tries would end the same way: look at the
    /// fault, mend the credentials, and open another client.
    #[error("authentication failed{}", because(fault))]
    AuthFailed {
        /// What went wrong.
        fault: Option<Fault>,
    },
    /// No server granted a session within [`Config::establish_timeout`](zk_session::Config::establish_timeout). The client
    /// has given up; open another one.
    #[error("no server of {servers} granted a session in time{}", last(fault))]
    NotEstablished {
        /// The servers that were tried.
        servers: ConnectString,
        /// How the last try failed, if one has.
        fault: Option<Fault>,
    },
    /// The session has ended meanwhile, in another way.
    #[error("{0}")]
    Ended(Ended),
}

impl ConnectError {
    /// Why this session, which has ended, is none.
    pub(crate) fn ended(ended: Ended, session: &Session) -> Self {
        let fault = session.last_fault().cloned();
        match ended {
            Ended::AuthFailed => Self::AuthFailed { fault },
            Ended::NotEstablished => Self::NotEstablished { servers: session.servers().clone(), fault },
            Ended::Expired | Ended::Closed | Ended::Detached | _ => Self::Ended(ended),
        }
    }
}

fn because(fault: &Option<Fault>) -> String {
    fault.as_ref().map_or_else(String::new, |fault| format!(": {fault}"))
}

fn last(fault: &Option<Fault>) -> String {
    fault.as_ref().map_or_else(String::new, |fault| format!("; the last try: {fault}"))
}
