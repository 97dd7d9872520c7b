//! The four-letter words: what an operator asks a server over a fresh connection, and what the answers say.
//!
//! The client sends the four bytes without a length, the server answers with text and closes. What a server says varies
//! by release and configuration, so nothing but a refusal is an error: a line that is not understood is left out, and
//! what no line says is `None`.

use alloc::string::String;

mod answers;
mod tables;

pub use answers::{Latency, Mode, ServerConnection, ServerStatus, Service, SessionDump, WatchSummary};
pub use tables::{Metrics, Settings};

/// A four-letter word.
///
/// Since 3.5 a server answers only those that its `4lw.commands.whitelist` names, by default `srvr`, and `isro` where the
/// read-only mode is enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Word {
    /// Whether the process runs; it says nothing of the quorum. [`is_ok`] understands the answer.
    Ruok,
    /// The state of the server, for [`ServerStatus`].
    Srvr,
    /// The same with its clients, for [`ServerStatus`].
    Stat,
    /// The metrics, for [`Metrics`].
    Mntr,
    /// The configuration, for [`Settings`].
    Conf,
    /// The environment of the process, for [`Settings`].
    Envi,
    /// The connections, for [`ServerConnection::all`].
    Cons,
    /// Whether the server takes writes, for [`Service`].
    Isro,
    /// How many watches there are, for [`WatchSummary`].
    Wchs,
    /// The sessions and their ephemeral nodes, for [`SessionDump`]; all of them on the leader.
    Dump,
}

impl Word {
    /// What is to be sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ruok => "ruok",
            Self::Srvr => "srvr",
            Self::Stat => "stat",
            Self::Mntr => "mntr",
            Self::Conf => "conf",
            Self::Envi => "envi",
            Self::Cons => "cons",
            Self::Isro => "isro",
            Self::Wchs => "wchs",
            Self::Dump => "dump",
        }
    }
}

/// Why a server did not answer a word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WordRefused {
    /// The word is not allowed.
    #[error("the server does not allow this four-letter word: add it to 4lw.commands.whitelist")]
    NotAllowed,
    /// The server has no quorum.
    #[error("the server is not serving requests: ask again later, or another server")]
    NotServing,
    /// The server closed the connection without an answer: it does not know the word, or the port is not for clients.
    #[error("the server gave no answer: check the port, and whether its release has the word")]
    Silent,
}

/// Whether the answer to [`Word::Ruok`] is that the process runs.
///
/// # Errors
///
/// [`WordRefused`] if the server did not answer.
pub fn is_ok(answer: &str) -> Result<bool, WordRefused> {
    answered(answer).map(|answer| answer == "imok")
}

/// The answer without the spaces around it, unless it is none.
fn answered(answer: &str) -> Result<&str, WordRefused> {
    let answer = answer.trim();
    if answer.is_empty() {
        Err(WordRefused::Silent)
    } else if answer.ends_with("is not executed because it is not in the whitelist.") {
        Err(WordRefused::NotAllowed)
    } else if answer.starts_with("This ZooKeeper instance is not currently serving requests") {
        Err(WordRefused::NotServing)
    } else {
        Ok(answer)
    }
}

/// A number that is written in hexadecimal digits after `0x`. Sessions and transactions use all 64 bits.
fn hex(text: &str) -> Option<i64> {
    u64::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok().map(u64::cast_signed)
}

fn owned(text: &str) -> String {
    text.trim().into()
}

#[cfg(test)]
mod tests;
