//! Applies a log to the model's tree, and compares every result and every read with it on the way.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::asked::{Asked, Entry, Origin, session};
use super::normal::normal;
use super::{Call, History, Outcome, Violation};
use crate::acl::Id;
use crate::read::Reader;
use crate::reply::Body;
use crate::txn::{Trigger, Txn, Write};
use crate::{Code, Millis, Quirks, Tree, Zxid, apply, translate};

/// What is known of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// All of it.
    Log,
    /// What follows from the history. Sessions are taken for open from the start.
    Guess,
}

/// Something that does not follow from the log.
#[derive(Clone, Debug)]
pub(super) struct Mismatch {
    /// The number at which it is seen; what is missing is not behind it.
    pub(super) zxid: i64,
    /// How far the comparison got.
    pub(super) compared: usize,
    pub(super) call: usize,
    /// Whether it is only that a guess is of no use.
    pub(super) is_idle: bool,
    pub(super) violation: Violation,
}

impl Mismatch {
    /// A guess that changes nothing explains nothing.
    fn idle(zxid: i64) -> Self {
        let violation = Violation::of(RULE, None, "a guess is of no use");
        Self { zxid, compared: 0, call: 0, is_idle: true, violation }
    }
}

/// The rule that every comparison is about.
const RULE: &str = "what is told follows from the writes before it";

/// Compares a history with a log, again and again if the log changes: what comes before the change is not repeated.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    history: &'a History,
    asked: &'a [Asked],
    given: Given,
    quirks: &'a Quirks,
    /// The reads by their numbers.
    reads: Vec<(i64, usize)>,
    /// The refusals without a number by their first states.
    loose: Vec<Loose>,
    /// Where to go on from, the first one before all.
    points: Vec<Point>,
    /// What watches may have waited for, in order.
    pub(super) triggers: Vec<(Zxid, Trigger)>,
}

/// How far a comparison has got.
#[derive(Clone, Debug)]
struct Point {
    /// The last transaction that was applied.
    zxid: i64,
    tree: Tree,
    reads: usize,
    compared: usize,
    triggers: usize,
    /// How many refusals without a number had their time, or have it.
    loose: usize,
    /// Those that no state so far has explained.
    due: Vec<Loose>,
}

/// Transactions between two points.
const STRIDE: usize = 64;

impl<'a> Judge<'a> {
    pub(super) fn new(history: &'a History, asked: &'a [Asked], given: Given, quirks: &'a Quirks) -> Self {
        let mut reads: Vec<(i64, usize)> = (0..history.calls.len())
            .filter(|at| matches!(asked[*at], Asked::Read(_)))
            .filter_map(|at| Some((history.calls[at].zxid()?, at)))
            .collect();
        reads.sort_unstable();
        let mut tree = Tree::new(quirks);
        if given == Given::Guess {
            history.calls.iter().for_each(|call| tree.open_session(session(call.session), 0));
        }
        let loose = loose(history, asked);
        let start = Point { zxid: 0, tree, reads: 0, compared: 0, triggers: 0, loose: 0, due: Vec::new() };
        Self { history, asked, given, quirks, reads, loose, points: vec![start], triggers: Vec::new() }
    }

    /// The log has changed at this number.
    pub(super) fn forget(&mut self, zxid: i64) {
        self.points.retain(|point| point.zxid < zxid);
    }

    /// How many calls were compared, if all of them follow from the log.
    pub(super) fn judge(&mut self, log: &BTreeMap<i64, Entry>) -> Result<usize, Mismatch> {
        let point = self.points.last().cloned().expect("the first point is before every number");
        self.triggers.truncate(point.triggers);
        let rest = log.range((Bound::Excluded(point.zxid), Bound::Unbounded));
        let mut run = Run { judge: self, at: point };
        for (number, (zxid, entry)) in rest.enumerate() {
            run.catch_up(*zxid)?;
            run.write(entry)?;
            if number % STRIDE == STRIDE - 1 {
                run.judge.points.push(run.at.clone());
            }
        }
        run.catch_up(i64::MAX)?;
        Ok(run.at.compared)
    }
}

/// A refusal whose number is not known: at one of the states between two numbers it must be right.
#[derive(Clone, Copy, Debug)]
struct Loose {
    call: usize,
    first: i64,
    last: i64,
}

struct Run<'j, 'a> {
    judge: &'j mut Judge<'a>,
    at: Point,
}

impl Run<'_, '_> {
    /// What was told before the transaction with this number follows from the state so far.
    fn catch_up(&mut self, next: i64) -> Result<(), Mismatch> {
        while let Some((zxid, at)) = self.judge.reads.get(self.at.reads).copied()
            && zxid < next
        {
            self.at.reads += 1;
            self.read(zxid, at)?;
        }
        self.settle(next)
    }

    fn write(&mut self, entry: &Entry) -> Result<(), Mismatch> {
        let (result, triggers) = apply(&mut self.at.tree, &entry.txn, self.judge.quirks);
        let zxid = entry.txn.zxid;
        self.at.zxid = zxid.0;
        let is_guess = self.judge.given == Given::Guess && !matches!(entry.origin, Origin::Answered(_));
        if is_guess && (result.is_err() || triggers.is_empty()) {
            return Err(Mismatch::idle(zxid.0));
        }
        self.judge.triggers.extend(triggers.into_iter().map(|trigger| (zxid, trigger)));
        self.at.triggers = self.judge.triggers.len();
        match entry.origin {
            Origin::Answered(at) => self.compare(zxid.0, at, result.map(Body::Outcome)),
            Origin::Unanswered | Origin::Server => Ok(()),
        }
    }

    fn read(&mut self, zxid: i64, at: usize) -> Result<(), Mismatch> {
        let Asked::Read(read) = &self.judge.asked[at] else { return Ok(()) };
        let call = &self.judge.history.calls[at];
        let identities = identities(self.judge.history, call);
        let reader = Reader { session: session(call.session), identities: &identities };
        let result = reader.read(&self.at.tree, read, self.judge.quirks);
        self.compare(zxid, at, result)
    }

    fn compare(&mut self, zxid: i64, at: usize, model: Result<Body, Code>) -> Result<(), Mismatch> {
        let call = &self.judge.history.calls[at];
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
        self.at.compared += 1;
        Ok(())
    }

    fn normal(&self, reply: zk_session::Reply) -> zk_session::Reply {
        normal(reply, self.judge.given == Given::Log)
    }

    /// Looks which refusals the state explains that lasts until before `next`. One that has no other state is wrong.
    fn settle(&mut self, next: i64) -> Result<(), Mismatch> {
        while let Some(loose) = self.judge.loose.get(self.at.loose)
            && loose.first < next
        {
            self.at.due.push(*loose);
            self.at.loose += 1;
        }
        for loose in std::mem::take(&mut self.at.due) {
            if self.refuses(loose.call) {
                self.at.compared += 1;
            } else if loose.last < next || next == i64::MAX {
                return Err(self.mismatch(loose.last, loose.call, "it was refused for no reason".into()));
            } else {
                self.at.due.push(loose);
            }
        }
        Ok(())
    }

    fn refuses(&self, at: usize) -> bool {
        let Judge { history, asked, quirks, .. } = &*self.judge;
        let (call, tree) = (&history.calls[at], &self.at.tree);
        let identities = identities(history, call);
        let result = match &asked[at] {
            Asked::Write(write) => {
                let txn = txn(history, call, tree.applied().0, write.clone());
                apply(&mut tree.clone(), &txn, quirks).0.map(Body::Outcome)
            }
            Asked::Read(read) => {
                Reader { session: session(call.session), identities: &identities }.read(tree, read, quirks)
            }
            Asked::Other => return true,
        };
        let code = result.err().map(translate::refused);
        matches!(&call.outcome, Outcome::Refused { code: told, .. } if Some(*told) == code)
    }

    fn mismatch(&self, zxid: i64, call: usize, seen: String) -> Mismatch {
        let request = &self.judge.history.calls[call].request;
        let seen = format!("{} {:?}: {seen}", request.opcode().name(), request.path());
        let violation = Violation::of(RULE, call, seen);
        Mismatch { zxid, compared: self.at.compared, call, is_idle: false, violation }
    }
}

/// The refusals about nodes without a number, with the numbers that their sessions saw before and after.
fn loose(history: &History, asked: &[Asked]) -> Vec<Loose> {
    let calls = &history.calls;
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_unstable_by_key(|at| (calls[*at].session, calls[*at].position));
    let mut loose = Vec::new();
    for told in order.chunk_by(|one, other| calls[*one].session == calls[*other].session) {
        let from = loose.len();
        let (mut first, mut last) = (0, i64::MAX);
        for at in told {
            let call = &calls[*at];
            let about_nodes = matches!(&call.outcome, Outcome::Refused { code, .. } if is_of_nodes(*code));
            if call.zxid().is_none() && about_nodes && asked[*at] != Asked::Other {
                loose.push(Loose { call: *at, first, last });
            }
            first = call.zxid().unwrap_or(first);
        }
        let mut rest = loose[from..].iter_mut().rev().peekable();
        for at in told.iter().rev() {
            last = calls[*at].zxid().unwrap_or(last);
            if let Some(loose) = rest.next_if(|loose| loose.call == *at) {
                loose.last = last;
            }
        }
    }
    loose.sort_unstable_by_key(|loose| (loose.first, loose.call));
    loose
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
