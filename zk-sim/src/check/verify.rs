//! Applies a log to the model's tree, and compares every result and every read with it on the way.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::asked::{Asked, Entry, Origin, session};
use super::normal::normal;
use super::{Call, History, Outcome, Violation};
use crate::acl::Id;
use crate::read::Reader;
use crate::reply::Body;
use crate::txn::{Trigger, Txn, Write};
use crate::{Code, Millis, Quirks, SessionId, Tree, Zxid, apply, translate};

/// What is known of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// All of it.
    Log,
    /// What follows from the history. Sessions are taken for open from the start.
    Guess,
}

/// What has come of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    pub(super) checked: usize,
    /// What watches may have waited for, in order.
    pub(super) triggers: Vec<(Zxid, Trigger)>,
}

/// Something that does not follow from the log.
#[derive(Clone, Debug)]
pub(super) struct Mismatch {
    /// The number at which it is seen; what is missing is not behind it.
    pub(super) zxid: i64,
    /// How far the comparison got.
    pub(super) compared: usize,
    pub(super) call: usize,
    pub(super) violation: Violation,
}

/// The rule that every comparison is about.
const RULE: &str = "what is told follows from the writes before it";

/// Compares a history with a log in the order of its numbers.
pub(super) fn verify(
    history: &History,
    asked: &[Asked],
    log: &[Entry],
    given: Given,
    quirks: &Quirks,
) -> Result<Trail, Mismatch> {
    let mut run = Run {
        history,
        asked,
        given,
        quirks,
        tree: Tree::new(quirks),
        trail: Trail::default(),
        loose: loose(history, asked),
        compared: 0,
    };
    if given == Given::Guess {
        let sessions: BTreeSet<SessionId> = history.calls.iter().map(|call| session(call.session)).collect();
        sessions.into_iter().for_each(|session| run.tree.open_session(session, 0));
    }
    let mut reads: Vec<(i64, usize)> = (0..history.calls.len())
        .filter(|at| matches!(asked[*at], Asked::Read(_)))
        .filter_map(|at| Some((history.calls[at].zxid()?, at)))
        .collect();
    reads.sort_unstable();
    let mut reads = reads.into_iter().peekable();
    for entry in log {
        while let Some((zxid, at)) = reads.next_if(|(zxid, _)| *zxid < entry.txn.zxid.0) {
            run.read(zxid, at)?;
        }
        run.settle(entry.txn.zxid.0);
        run.write(entry)?;
    }
    for (zxid, at) in reads {
        run.read(zxid, at)?;
    }
    run.settle(i64::MAX);
    match run.loose.first() {
        Some(loose) => Err(run.mismatch(loose.last, loose.call, "it was refused for no reason".into())),
        None => Ok(run.trail),
    }
}

/// A refusal whose number is not known: at one of the states between two numbers it must be right.
#[derive(Clone, Copy, Debug)]
struct Loose {
    call: usize,
    first: i64,
    last: i64,
}

struct Run<'a> {
    history: &'a History,
    asked: &'a [Asked],
    given: Given,
    quirks: &'a Quirks,
    tree: Tree,
    trail: Trail,
    /// What no state so far has explained.
    loose: Vec<Loose>,
    compared: usize,
}

impl Run<'_> {
    fn write(&mut self, entry: &Entry) -> Result<(), Mismatch> {
        let (result, triggers) = apply(&mut self.tree, &entry.txn, self.quirks);
        self.trail.triggers.extend(triggers.into_iter().map(|trigger| (entry.txn.zxid, trigger)));
        match entry.origin {
            Origin::Answered(at) => self.compare(entry.txn.zxid.0, at, result.map(Body::Outcome)),
            Origin::Unanswered | Origin::Server => Ok(()),
        }
    }

    fn read(&mut self, zxid: i64, at: usize) -> Result<(), Mismatch> {
        let Asked::Read(read) = &self.asked[at] else { return Ok(()) };
        let identities = identities(self.history, &self.history.calls[at]);
        let reader = Reader { session: session(self.history.calls[at].session), identities: &identities };
        let result = reader.read(&self.tree, read, self.quirks);
        self.compare(zxid, at, result)
    }

    fn compare(&mut self, zxid: i64, at: usize, model: Result<Body, Code>) -> Result<(), Mismatch> {
        let call = &self.history.calls[at];
        let model = match model {
            Ok(body) => Ok(self.normal(translate::answered(call.request.opcode(), body))),
            Err(code) => Err(translate::refused(code)),
        };
        let told = match &call.outcome {
            Outcome::Ok { reply, .. } => Ok(self.normal(reply.clone())),
            Outcome::Refused { code, .. } if is_of_nodes(*code) => Err(*code),
            Outcome::Refused { .. } | Outcome::MaybeApplied | Outcome::NotSent => return Ok(()),
        };
        if model != told {
            return Err(self.mismatch(zxid, at, format!("told {told:?}, and it follows {model:?}")));
        }
        self.trail.checked += 1;
        self.compared += 1;
        Ok(())
    }

    fn normal(&self, reply: zk_session::Reply) -> zk_session::Reply {
        normal(reply, self.given == Given::Log)
    }

    /// Looks which loose refusals the state explains that lasts until before `next`.
    fn settle(&mut self, next: i64) {
        let applied = self.tree.applied().0;
        let loose = std::mem::take(&mut self.loose);
        for loose in loose {
            let is_due = loose.first < next && loose.last >= applied;
            if is_due && self.refuses(loose.call) {
                self.trail.checked += 1;
                self.compared += 1;
            } else {
                self.loose.push(loose);
            }
        }
    }

    fn refuses(&self, at: usize) -> bool {
        let call = &self.history.calls[at];
        let identities = identities(self.history, call);
        let result = match &self.asked[at] {
            Asked::Write(write) => {
                let txn = txn(self.history, call, self.tree.applied().0, write.clone());
                apply(&mut self.tree.clone(), &txn, self.quirks).0.map(Body::Outcome)
            }
            Asked::Read(read) => Reader { session: session(call.session), identities: &identities }.read(
                &self.tree,
                read,
                self.quirks,
            ),
            Asked::Other => return true,
        };
        let code = result.err().map(translate::refused);
        matches!(&call.outcome, Outcome::Refused { code: told, .. } if Some(*told) == code)
    }

    fn mismatch(&self, zxid: i64, call: usize, seen: String) -> Mismatch {
        let request = &self.history.calls[call].request;
        let seen = format!("{} {:?}: {seen}", request.opcode().name(), request.path());
        let violation = Violation::of(RULE, call, seen);
        Mismatch { zxid, compared: self.compared, call, violation }
    }
}

/// The refusals about nodes without a number, with the numbers that the session saw before and after.
fn loose(history: &History, asked: &[Asked]) -> Vec<Loose> {
    let is_loose = |at: &usize| {
        let call = &history.calls[*at];
        let about_nodes = matches!(&call.outcome, Outcome::Refused { code, .. } if is_of_nodes(*code));
        about_nodes && call.zxid().is_none() && asked[*at] != Asked::Other
    };
    let bounds = |call: usize| {
        let own = &history.calls[call];
        let others = history.calls.iter().filter(|other| other.session == own.session);
        let numbered = others.filter_map(|other| Some((other.position, other.zxid()?)));
        let before = numbered.clone().filter(|(position, _)| *position < own.position);
        let after = numbered.filter(|(position, _)| *position > own.position);
        let first = before.map(|(_, zxid)| zxid).max().unwrap_or(0);
        Loose { call, first, last: after.map(|(_, zxid)| zxid).min().unwrap_or(i64::MAX) }
    };
    (0..history.calls.len()).filter(is_loose).map(bounds).collect()
}

/// Whether a refusal follows from the nodes; others come from the session or from how busy the server was.
pub(super) fn is_of_nodes(code: zk_session::Code) -> bool {
    let codes = [
        Code::BadArguments,
        Code::NoNode,
        Code::NoAuth,
        Code::BadVersion,
        Code::NoChildrenForEphemerals,
        Code::NodeExists,
        Code::NotEmpty,
        Code::InvalidAcl,
    ];
    codes.into_iter().any(|known| known.raw() == code.raw())
}

/// A write of a call as an entry of the log.
pub(super) fn txn(history: &History, call: &Call, zxid: i64, write: Write) -> Txn {
    let identities = identities(history, call);
    Txn { zxid: Zxid(zxid), time: Millis(0), session: session(call.session), identities, write }
}

fn identities(history: &History, call: &Call) -> Arc<[Id]> {
    history.identities.get(&call.session).cloned().unwrap_or_default().into()
}
