//! The log of a history, as far as it can be known: writes with numbers, and guesses where those are not enough.
//!
//! A guess is made only where a comparison fails without it: a write of unknown fate, or the end of a session, takes a number
//! that is free and not behind the failure. Numbers that stats mention come first.

use std::collections::{BTreeMap, BTreeSet};

use super::asked::{Asked, Entry, Log, Origin, paths, session};
use super::normal::stat;
use super::verify::{self, Given, Judge, Mismatch};
use super::{History, Outcome, Violation, order};
use crate::txn::{Txn, Write};
use crate::{Millis, Quirks, Zxid, path};

/// How many logs are tried at most. Each takes as long as the history.
const TRIES_MAX: usize = 5_000;
/// Of a longer run of free numbers only the first, the last and one between are tried.
const RUN_MAX: i64 = 4;

/// The log that explains the history, and who has judged by it.
pub(super) fn explain<'a>(
    history: &'a History,
    asked: &'a [Asked],
    quirks: &'a Quirks,
) -> Result<(Log, Judge<'a>, usize), Violation> {
    let mut search = Search {
        asked,
        judge: Judge::new(history, asked, Given::Guess, quirks),
        known: known(history, asked)?,
        open: open(history, asked),
        mentioned: mentioned(history),
        tries: 0,
        patience: Patience::Short,
    };
    let compared = match search.verify() {
        Ok(compared) => compared,
        Err(mismatch) => match search.explain(&mismatch) {
            Ok(compared) => compared,
            Err(_) => {
                (search.patience, search.tries) = (Patience::Long, 0);
                search.explain(&mismatch).map_err(|deepest| deepest.violation)?
            }
        },
    };
    Ok((search.known, search.judge, compared))
}

/// How many entries of a log were guessed or found for calls without an answer.
pub(super) fn guesses(log: &Log) -> usize {
    let guessed = |entry: &&Entry| {
        entry.origin == Origin::Unanswered
            || entry.origin == Origin::Server && entry.txn.write == Write::CloseSession
    };
    log.values().filter(guessed).count()
}

struct Search<'a> {
    asked: &'a [Asked],
    judge: Judge<'a>,
    /// Guesses are among them.
    known: Log,
    /// What may have happened, without the guesses.
    open: Vec<Open>,
    /// The numbers that stats of a node mention, by its path.
    mentioned: BTreeMap<String, BTreeSet<i64>>,
    tries: usize,
    patience: Patience,
}

/// Which guesses are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// Those that change something by themselves.
    Short,
    /// Those, too, that do so only after others.
    Long,
}

/// Something that may have happened after a number.
#[derive(Clone, Debug)]
struct Open {
    entry: Entry,
    after: i64,
}

impl Search<'_> {
    fn verify(&mut self) -> Result<usize, Mismatch> {
        self.tries += 1;
        self.judge.judge(&self.known)
    }

    /// Makes guesses until the mismatch is gone and no other is left; else the one that was reached last is told.
    fn explain(&mut self, mismatch: &Mismatch) -> Result<usize, Mismatch> {
        let mut deepest = mismatch.clone();
        let (mut later, mut idle) = (Vec::new(), Vec::new());
        for (nth, zxid) in self.guesses_for(mismatch) {
            if self.tries >= TRIES_MAX {
                break;
            }
            let guess = self.put(nth, zxid);
            let next = match self.verify() {
                Ok(compared) => return Ok(compared),
                Err(next) if next.compared > mismatch.compared => match self.explain(&next) {
                    Ok(compared) => return Ok(compared),
                    Err(next) => next,
                },
                // It may take two guesses to get further, or to be of any use.
                Err(next) if next.is_idle => {
                    idle.extend((self.patience == Patience::Long).then_some((nth, zxid)));
                    next
                }
                Err(next) if next.compared == mismatch.compared => {
                    later.push((nth, zxid));
                    next
                }
                Err(next) => next,
            };
            self.take_back(nth, zxid, guess);
            if next.compared > deepest.compared {
                deepest = next;
            }
        }
        for (nth, zxid) in later.into_iter().chain(idle) {
            if self.tries >= TRIES_MAX {
                break;
            }
            let guess = self.put(nth, zxid);
            match self.explain(mismatch) {
                Ok(compared) => return Ok(compared),
                Err(next) if next.compared > deepest.compared => deepest = next,
                Err(_) => {}
            }
            self.take_back(nth, zxid, guess);
        }
        Err(deepest)
    }

    fn put(&mut self, nth: usize, zxid: i64) -> Open {
        let guess = self.open.remove(nth);
        let txn = Txn { zxid: Zxid(zxid), ..guess.entry.txn.clone() };
        self.known.insert(zxid, Entry { txn, origin: guess.entry.origin });
        self.judge.forget(zxid);
        guess
    }

    fn take_back(&mut self, nth: usize, zxid: i64, guess: Open) {
        self.known.remove(&zxid);
        self.judge.forget(zxid);
        self.open.insert(nth, guess);
    }

    /// What may be missing, and where: those things first whose number is mentioned.
    fn guesses_for(&self, mismatch: &Mismatch) -> Vec<(usize, i64)> {
        let about = self.asked[mismatch.call].paths();
        let mut guesses = Vec::new();
        for (nth, open) in self.open.iter().enumerate() {
            let own = paths(&open.entry.txn.write);
            let ends = open.entry.txn.write == Write::CloseSession;
            if !ends && !own.iter().any(|own| about.iter().any(|path| is_near(own, path))) {
                continue;
            }
            let near = |path: &str| ends || own.iter().any(|own| is_near(own, path));
            let numbers = self.mentioned.iter().filter(|(path, _)| near(path)).flat_map(|(_, zxids)| zxids);
            let free =
                |zxid: &i64| *zxid > open.after && *zxid <= mismatch.zxid && !self.known.contains_key(zxid);
            let mentioned: BTreeSet<i64> = numbers.copied().filter(free).collect();
            let is_same = own.iter().any(|own| about.contains(own));
            guesses.extend(mentioned.iter().map(|zxid| ((false, !is_same), nth, *zxid)));
            let others =
                self.runs(open.after, mismatch.zxid).into_iter().filter(|zxid| !mentioned.contains(zxid));
            guesses.extend(others.map(|zxid| ((true, !is_same), nth, zxid)));
        }
        guesses.sort_by_key(|(unlikely, ..)| *unlikely);
        guesses.into_iter().map(|(_, nth, zxid)| (nth, zxid)).collect()
    }

    /// Free numbers after one and up to another, a few of each run, the last run first.
    fn runs(&self, after: i64, last: i64) -> Vec<i64> {
        let highest = self.known.last_key_value().map_or(0, |(zxid, _)| *zxid);
        let last = last.min(highest.saturating_add(RUN_MAX));
        let mut taken: Vec<i64> =
            self.known.keys().copied().filter(|zxid| *zxid > after && *zxid <= last).collect();
        taken.insert(0, after);
        taken.push(last.saturating_add(1));
        let mut free = Vec::new();
        for edges in taken.windows(2).rev() {
            let (first, last) = (edges[0] + 1, edges[1] - 1);
            if last - first < RUN_MAX {
                free.extend(first..=last);
            } else {
                free.extend([first, first + (last - first) / 2, last]);
            }
        }
        free
    }
}

/// Whether what happens to one node shows at the other: it is the same, its parent, its child, or a child of its parent.
fn is_near(one: &str, other: &str) -> bool {
    let parent = |path| path::split(path).map(|(parent, _)| parent);
    one == other
        || parent(one) == Some(other)
        || parent(other) == Some(one)
        || parent(one).is_some() && parent(one) == parent(other)
}

/// The writes with numbers.
fn known(history: &History, asked: &[Asked]) -> Result<Log, Violation> {
    let mut known = Log::new();
    for (at, call) in history.calls.iter().enumerate() {
        let (Asked::Write(write), Some(zxid)) = (&asked[at], asked[at].number(call)) else { continue };
        let txn = verify::txn(history, call, zxid, write.clone());
        if known.insert(zxid, Entry { txn, origin: Origin::Answered(at) }).is_some() {
            let seen = format!("{} is another one's, too", Zxid(zxid));
            return Err(Violation::of("each write has a number of its own", at, seen));
        }
    }
    Ok(known)
}

/// What may have happened: writes of unknown fate, and the ends of sessions.
fn open(history: &History, asked: &[Asked]) -> Vec<Open> {
    let mut open = Vec::new();
    for (at, call) in history.calls.iter().enumerate() {
        if let (Asked::Write(write), Outcome::MaybeApplied) = (&asked[at], &call.outcome) {
            let txn = verify::txn(history, call, 0, write.clone());
            let after = order::told_before(history, call.invoked);
            open.push(Open { entry: Entry { txn, origin: Origin::Unanswered }, after });
        }
    }
    let mut last: BTreeMap<zk_session::SessionId, i64> = BTreeMap::new();
    for call in &history.calls {
        let seen = last.entry(call.session).or_default();
        *seen = call.zxid().unwrap_or(0).max(*seen);
    }
    open.extend(last.into_iter().map(|(ended, after)| {
        let (session, write) = (session(ended), Write::CloseSession);
        let txn = Txn { zxid: Zxid(0), time: Millis(0), session, identities: [].into(), write };
        Open { entry: Entry { txn, origin: Origin::Server }, after }
    }));
    open
}

/// The numbers in all stats, by the paths of their nodes.
fn mentioned(history: &History) -> BTreeMap<String, BTreeSet<i64>> {
    let mut mentioned: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for call in &history.calls {
        let Outcome::Ok { reply, .. } = &call.outcome else { continue };
        let (Some(path), Some(stat)) = (call.request.path(), stat(reply)) else { continue };
        let zxids = [stat.czxid, stat.mzxid, stat.pzxid].map(zk_session::Zxid::raw);
        mentioned.entry(path.as_str().into()).or_default().extend(zxids);
    }
    mentioned
}
