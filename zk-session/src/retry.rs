//! Repeating calls as far as that is safe: when, how often, and how to find out what became of a lost one.
//!
//! The engine never sends a request twice. What is here does, on behalf of a caller who wants it: it repeats what cannot
//! do harm, looks for evidence where it might, and hands the doubt back where there is none. It makes no calls; its
//! driver submits what [`Retrying::next`] says.
//!
//! A lost request may still be under way. [`Retrying`] therefore looks only after a write of its own was answered: the
//! deletion of a node that nobody has, `_b_` and its token beside the node in question. It fails, changes nothing, and
//! is in line behind all that came before it. `sync` is less: it does not wait for what another server
//! has handed to the leader, if the leader is the one that is asked, and a deposed leader may answer it.
//!
//! What the caller knows and servers do not say is in [`RetryOptions`]. None of it is assumed.
//!
//! ```
//! use core::time::Duration;
//! use zk_session::ops::{Request, SetData};
//! use zk_session::retry::{Next, RetryOptions, RetryPolicy, Retrying};
//! use zk_session::{Answer, Error, Instant, Path, Stat, Version, Why};
//!
//! # fn call(_: Request) -> Result<Answer, Error> { Err(Error::NotSent(Why::Full)) }
//! # let stat = Stat::default();
//! // The node as it was read: it is to be set if nobody has set it since.
//! let set = SetData {
//!     path: Path::new("/config")?,
//!     data: Some("new".into()),
//!     version: Version::exactly(stat.version)?,
//! };
//! // The caller's clock and random bytes.
//! let (mut now, token) = (Instant::default(), [7; 16]);
//! let options = RetryOptions { czxid: Some(stat.czxid), ..RetryOptions::default() };
//! let mut retrying = Retrying::new(set.into(), options, RetryPolicy::default(), token, now);
//! let result = loop {
//!     match retrying.next(now) {
//!         Next::Submit(request) => retrying.answered(call(request), now),
//!         // A driver would await the instant.
//!         Next::Wait(until) => now = until,
//!         Next::Done(result) => break result,
//!     }
//! };
//! assert_eq!(result, Err(Error::NotSent(Why::Full)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::time::Duration;

use zk_proto::Zxid;
use zk_proto::ops::{self, Request};

pub use machine::{Next, Retrying};

use crate::rng::Rng;

mod evidence;
mod machine;
mod token;

/// When to try again, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryPolicy {
    /// How many failures there may be, those of finding out included; the last of them ends the call. With 1 nothing is
    /// repeated.
    pub tries: u32,
    /// The pause after the first failure, before jitter.
    pub first: Duration,
    /// The longest pause.
    pub most: Duration,
    /// By how much a pause is longer than the one before.
    pub factor: u32,
    /// How long after its start a call may be tried again. What is then under way is not ended; for that give
    /// [`Retrying::deadline`] to the call.
    pub within: Option<Duration>,
    /// How much of a pause is left to chance.
    pub jitter: Jitter,
}

/// How much of a pause is left to chance, so that clients that failed together do not come back together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Jitter {
    /// Nothing.
    None,
    /// All of it: from nothing to the whole pause.
    #[default]
    Full,
    /// Half of it: from half of the pause to the whole.
    Equal,
}

impl RetryPolicy {
    /// The pause after so many failures; `None` when no further try is left. Before the first failure it is zero.
    pub fn pause(&self, failures: u32, rng: &mut Rng) -> Option<Duration> {
        if failures >= self.tries {
            return None;
        }
        let Some(doublings) = failures.checked_sub(1) else { return Some(Duration::ZERO) };
        let growth = self.factor.saturating_pow(doublings);
        let whole = self.first.saturating_mul(growth).min(self.most);
        Some(match self.jitter {
            Jitter::None => whole,
            Jitter::Full => rng.up_to(whole),
            Jitter::Equal => whole / 2 + rng.up_to(whole - whole / 2),
        })
    }
}

impl Default for RetryPolicy {
    /// Six tries, with pauses that double from at most 100 ms to at most 5 s.
    fn default() -> Self {
        Self {
            tries: 6,
            first: Duration::from_millis(100),
            most: Duration::from_secs(5),
            factor: 2,
            within: None,
            jitter: Jitter::Full,
        }
    }
}

/// What the caller knows about the request and its node. Each widens what can be found out about a lost request, and what
/// is not so makes a wrong answer of it. The default is to know nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RetryOptions {
    /// Puts a token in front of the name that is to be created, `_c_<token>-<name>` as Curator does, by which a lost
    /// creation is found again. The caller knows that nobody else deletes the node while the call is under way, nor do
    /// servers for its age: when it is not there, it is created again. Only for creations.
    pub protected: bool,
    /// The data of the request is the caller's own: nobody else writes the same to the node.
    pub unique: bool,
    /// It is as good as a deletion of one's own if somebody else has deleted the node. Only for deletions.
    pub gone_is_done: bool,
    /// Nobody else deletes the node while the call is under way, nor does it go with the session of another or for
    /// its age. It says nothing about a deletion, after which others may create the node again.
    pub kept: bool,
    /// The transaction that created the node, from the [`Stat`](zk_proto::Stat) that the version is from. Versions
    /// begin anew when a node is deleted and created again, so that a version alone says little about what happened to
    /// it: without this (or, but for deletions, [`kept`](Self::kept)) a versioned request is not repeated after a loss.
    pub czxid: Option<Zxid>,
}

/// What is done about a request that may have been applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// It is repeated: doing it twice does not differ from doing it once.
    Repeat,
    /// The version of the node tells: if it is the expected one of the same node, the request was not applied, and is
    /// repeated. If it is the next and the data is [`unique`](RetryOptions::unique), it was.
    ByVersion,
    /// The node tells: it was created if its data is [`unique`](RetryOptions::unique), or if the session owns it, which
    /// must not create it in another call at the same time. If it is not there, creation is repeated where the node
    /// would have been [`kept`](RetryOptions::kept).
    ByNode,
    /// The token in the name tells.
    ByToken,
    /// Nothing tells: the doubt is the caller's.
    Never,
}

impl Resolution {
    /// What is done about this request, with what its caller knows.
    #[must_use]
    pub fn of(request: &Request, options: &RetryOptions) -> Self {
        if let Some(version) = evidence::version(request) {
            return if version.is_any() { Self::Never } else { Self::ByVersion };
        }
        match token::creation(request) {
            Some(_) if options.protected => Self::ByToken,
            Some(creation) if creation.sequential => Self::Never,
            Some(_) => Self::ByNode,
            None if request.opcode().repeat() == ops::Repeat::Safe => Self::Repeat,
            None => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests;
