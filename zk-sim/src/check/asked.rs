//! What each call of a history asks of the model, and which entry of a log is whose.

use std::collections::{BTreeMap, BTreeSet};

use super::verify::is_of_nodes;
use super::{Call, History, Outcome, Violation};
use crate::request::{Read, Request};
use crate::txn::{Change, Txn, Write};
use crate::{Quirks, SessionId, Zxid, translate};

/// What a call asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Write(Write),
    Read(Read),
    /// Nothing about nodes.
    Other,
}

/// Transactions by number.
pub(super) type Log = BTreeMap<i64, Entry>;

/// A transaction, and the call that is answered by its result.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) txn: Txn,
    pub(super) origin: Origin,
}

/// Where a transaction comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A call with a result.
    Answered(usize),
    /// A call of unknown fate, or refused at an unknown place.
    Unanswered,
    /// Nobody's call: a session began or ended, or the servers cleaned up.
    Server,
}

impl Asked {
    pub(super) fn of(history: &History, quirks: &Quirks) -> Vec<Self> {
        let asked = history.calls.iter().map(|call| match translate::asked(&call.request, quirks) {
            Ok(Request::Write(write)) => Self::Write(write),
            Ok(Request::CloseSession) => Self::Write(Write::CloseSession),
            // Who a connection is, is not to be seen in a history.
            Ok(Request::Read(Read::WhoAmI)) => Self::Other,
            Ok(Request::Read(read)) => Self::Read(read),
            Ok(
                Request::Watch(_)
                | Request::Sync { .. }
                | Request::Ping
                | Request::Auth { .. }
                | Request::Sasl { .. }
                | Request::Reconfig,
            )
            | Err(_) => Self::Other,
        });
        asked.collect()
    }

    pub(super) const fn write(&self) -> Option<&Write> {
        match self {
            Self::Write(write) => Some(write),
            Self::Read(_) | Self::Other => None,
        }
    }

    /// The number of the transaction that the call has made; refused ones have one, too, if the nodes are why.
    pub(super) fn number(&self, call: &Call) -> Option<i64> {
        let is_logged = match &call.outcome {
            Outcome::Ok { .. } => true,
            Outcome::Refused { code, .. } => is_of_nodes(*code),
            Outcome::MaybeApplied | Outcome::NotSent => false,
        };
        call.zxid().filter(|_| is_logged && self.write().is_some())
    }

    /// The paths it is about.
    pub(super) fn paths(&self) -> Vec<&str> {
        match self {
            Self::Write(write) => paths(write),
            Self::Read(read) => read_paths(read),
            Self::Other => vec![],
        }
    }
}

/// Whether a write is of no consequence. Engines make such ones by themselves, to prove that their session lives.
fn changes_nothing(write: &Write) -> bool {
    match write {
        Write::Multi(changes) => changes.iter().all(|change| matches!(change, Change::Check { .. })),
        Write::Change(_)
        | Write::SetAcl { .. }
        | Write::Reap { .. }
        | Write::OpenSession { .. }
        | Write::Refused(_)
        | Write::CloseSession => paths(write).is_empty(),
    }
}

/// The paths that a write is about.
pub(super) fn paths(write: &Write) -> Vec<&str> {
    match write {
        Write::Change(change) => vec![path(change)],
        Write::SetAcl { path, .. } | Write::Reap { path } => vec![path],
        Write::Multi(changes) => changes.iter().map(path).collect(),
        Write::OpenSession { .. } | Write::Refused(_) | Write::CloseSession => vec![],
    }
}

fn path(change: &Change) -> &str {
    match change {
        Change::Create(create) => &create.path,
        Change::Delete { path, .. } | Change::SetData { path, .. } | Change::Check { path, .. } => path,
    }
}

fn read_paths(read: &Read) -> Vec<&str> {
    match read {
        Read::Exists { path, .. }
        | Read::Data { path, .. }
        | Read::Acl { path }
        | Read::Children { path, .. }
        | Read::AllChildrenNumber { path } => vec![path],
        Read::Multi(reads) => reads.iter().flat_map(read_paths).collect(),
        Read::Ephemerals { .. } | Read::WhoAmI => vec![],
    }
}

/// The model's name for a session.
pub(super) const fn session(session: zk_session::SessionId) -> SessionId {
    SessionId(session.raw())
}

/// Gives each entry of a log to its call: those with a number by that, the others by what they ask.
pub(super) fn matched<'a>(
    history: &History,
    asked: &[Asked],
    log: impl IntoIterator<Item = &'a Txn>,
) -> Result<Log, Violation> {
    let mut numbered: BTreeMap<i64, usize> = BTreeMap::new();
    let mut open: Vec<usize> = Vec::new();
    for (at, call) in history.calls.iter().enumerate() {
        match (&asked[at], &call.outcome, asked[at].number(call)) {
            (_, _, Some(zxid)) => {
                if let Some(other) = numbered.insert(zxid, at) {
                    let seen = format!("call {other} has the number {}, too", Zxid(zxid));
                    return Err(Violation::of("each write has a number of its own", at, seen));
                }
            }
            (Asked::Write(_), Outcome::MaybeApplied | Outcome::Refused { .. }, _) => open.push(at),
            _ => {}
        }
    }
    let sessions: BTreeSet<SessionId> = history.calls.iter().map(|call| session(call.session)).collect();
    let mut entries = Log::new();
    for txn in log {
        let is_asked = |at: usize| {
            let call = &history.calls[at];
            session(call.session) == txn.session && asked[at].write() == Some(&txn.write)
        };
        let origin = if let Some(at) = numbered.remove(&txn.zxid.0) {
            if !is_asked(at) {
                let seen = format!("the log has {:?} of session {:?}", txn.write, txn.session);
                return Err(Violation::of("a write is logged under the number of its answer", at, seen));
            }
            Origin::Answered(at)
        } else if let Some(place) = open.iter().position(|at| is_asked(*at)) {
            open.remove(place);
            Origin::Unanswered
        } else if changes_nothing(&txn.write) || !sessions.contains(&txn.session) {
            Origin::Server
        } else {
            let unsent =
                (0..asked.len()).find(|at| is_asked(*at) && history.calls[*at].outcome == Outcome::NotSent);
            let rule = if unsent.is_some() {
                "what was not sent is not applied"
            } else {
                "what is logged was asked for, and once"
            };
            return Err(Violation::of(rule, unsent, format!("{}: {:?}", txn.zxid, txn.write)));
        };
        entries.insert(txn.zxid.0, Entry { txn: txn.clone(), origin });
    }
    match numbered.first_key_value() {
        Some((zxid, at)) => {
            let seen = format!("there is no {} in the log", Zxid(*zxid));
            Err(Violation::of("what was answered is logged", *at, seen))
        }
        None => Ok(entries),
    }
}
