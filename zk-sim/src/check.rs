//! Whether a server kept its promises, judged by what its clients were told.
//!
//! It makes no calls and decides nothing about a client: a [`History`] is what happened, from a simulation or from real
//! servers, and the verdict is that all of it follows from one log, or what does not.
//!
//! Every reply carries the number of the last transaction that its server had applied, and so the order of the writes is
//! known and need not be searched for. [`replay`] applies them in that order to the model's tree, and each result and each
//! read must be what the tree says at its number. What is not known is guessed from its traces: a write without a reply, and
//! the end of a session without a word, stand where numbers are free and later replies show them, or nowhere.
//! [`replay_with_log`] is given the true log, and guesses nothing.
//!
//! [`linearizable`] knows nothing of numbers: it searches for an order of the calls on one node. It is there to check the
//! other, by another road, on short histories.

use std::collections::BTreeMap;
use std::fmt;

use zk_session::{Code, EventKind, Instant, Path, Reply, Request, SessionId, Zxid};

use crate::Quirks;
use crate::acl::Id;
use crate::txn::Txn;
use asked::{Asked, Log};
pub use linear::{OPERATIONS_MAX, linearizable};
use verify::{Given, Judge};

mod asked;
mod explain;
mod linear;
mod normal;
mod order;
mod verify;
mod watches;

/// What some clients did and were told. All clients that write to the same nodes must be in it, and it begins with a server
/// that was never used, or is about nodes only that were created in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// All calls, in any order.
    pub calls: Vec<Call>,
    /// All watch events, in any order: one for each watch that fired.
    pub events: Vec<Noticed>,
    /// As whom a session was known besides its being anybody, where that matters.
    pub identities: BTreeMap<SessionId, Vec<Id>>,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which client made it; any number that is no other client's.
    pub client: u64,
    /// In which session it was made.
    pub session: SessionId,
    /// When it was made, on a clock that all clients share.
    pub invoked: Instant,
    /// When its end was told, on the same clock; nothing if it was not.
    pub returned: Option<Instant>,
    /// The place of its end among all ends and events that the client was told, in order.
    pub position: u64,
    /// What was asked. A watch that was given up before it fired must not be asked for here.
    pub request: Request,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was answered.
    Ok {
        /// The number in the header of the answer.
        zxid: Zxid,
        /// The answer.
        reply: Reply,
    },
    /// It was refused.
    Refused {
        /// Why.
        code: Code,
        /// The number in the header of the answer, where it is known.
        zxid: Option<Zxid>,
    },
    /// It was sent, and its end is not known.
    MaybeApplied,
    /// It was not sent.
    NotSent,
}

/// A watch event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// Which client was told.
    pub client: u64,
    /// In which session.
    pub session: SessionId,
    /// What had happened.
    pub kind: EventKind,
    /// To which node.
    pub path: Path,
    /// The place among all ends and events that the client was told.
    pub position: u64,
}

/// What was found in good order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Calls whose results were compared with the model's.
    pub checked: usize,
    /// Calls of which there is nothing to compare: without a result, or about other things than nodes.
    pub unchecked: usize,
    /// Transactions that were guessed, or found in the log, for writes of unknown fate and sessions that ended.
    pub placed: usize,
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The promise.
    pub rule: &'static str,
    /// The call by which it is seen, by its place in the history.
    pub call: Option<usize>,
    /// What is seen.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.rule)?;
        self.call.map_or(Ok(()), |call| write!(out, "call {call}: "))?;
        out.write_str(&self.seen)
    }
}

/// Judges a history by itself.
///
/// # Errors
///
/// The first promise that was not kept, as far as that can be known: a history may be explained by writes of unknown fate
/// that were in truth not applied.
pub fn replay(history: &History, quirks: &Quirks) -> Result<Report, Violation> {
    let asked = Asked::of(history, quirks);
    order::check(history, &asked)?;
    let (log, judge, checked) = explain::explain(history, &asked, quirks)?;
    watches::check(history, &judge.triggers)?;
    Ok(report(history, checked, &log))
}

/// Judges a history by the log of the servers, all of it and in order. Times are compared as well.
///
/// # Errors
///
/// The first promise that was not kept.
pub fn replay_with_log<'a>(
    history: &History,
    log: impl IntoIterator<Item = &'a Txn>,
    quirks: &Quirks,
) -> Result<Report, Violation> {
    let asked = Asked::of(history, quirks);
    order::check(history, &asked)?;
    let log = asked::matched(history, &asked, log)?;
    let mut judge = Judge::new(history, &asked, Given::Log, quirks);
    let checked = judge.judge(&log).map_err(|mismatch| mismatch.violation)?;
    watches::check(history, &judge.triggers)?;
    Ok(report(history, checked, &log))
}

fn report(history: &History, checked: usize, log: &Log) -> Report {
    Report { checked, unchecked: history.calls.len() - checked, placed: explain::guesses(log) }
}

impl Violation {
    fn of(rule: &'static str, call: impl Into<Option<usize>>, seen: impl Into<String>) -> Self {
        Self { rule, call: call.into(), seen: seen.into() }
    }
}

impl Call {
    /// The number in the header of the answer, if there was one that says anything.
    fn zxid(&self) -> Option<i64> {
        let zxid = match &self.outcome {
            Outcome::Ok { zxid, .. } => Some(*zxid),
            Outcome::Refused { zxid, .. } => *zxid,
            Outcome::MaybeApplied | Outcome::NotSent => None,
        };
        zxid.map(Zxid::raw).filter(|zxid| *zxid > 0)
    }
}

#[cfg(test)]
mod tests;
