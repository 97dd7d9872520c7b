//! Random lives of watches before a small model of a server, as it was before 3.9 and as it is since: who is told of what must
//! not depend on the release, nor on what else is watched, and nothing may be left on the server in the end.

mod model;
#[macro_use]
mod script;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::{Fact, Kind, Server, Watch};
use script::links::{add_watch, added, children, exists, no_children, path};
use script::{Script, data, reply_bytes};
use zk_session::ops::{AddWatchMode, GetData, Release, RemoveWatches, Reply, Request};
use zk_session::{CallId, Code, Config, Notice, Output, Rng, Stat};

const PATHS: [&str; 6] = ["/", "/a", "/a/b", "/a/b/c", "/ab", "/d"];

/// What is on its way to the client.
enum Coming {
    /// The events of one change, and who must be told of what.
    Change(Vec<Fact>, Vec<(CallId, Fact)>),
    Answer(Vec<u8>, i64),
}

struct Life {
    script: Script,
    server: Server,
    rng: Rng,
    /// Calls on their way to the server, and what they want.
    asked: VecDeque<(CallId, Kind, String)>,
    /// Requests that the server has not looked at.
    pending: VecDeque<(i32, Request)>,
    coming: VecDeque<Coming>,
    /// The watches that stand, as whoever set them sees it.
    watches: Vec<Watch>,
    /// Calls that were answered well, or may be.
    answered: BTreeSet<CallId>,
    given_up: BTreeSet<CallId>,
    /// What the client told last.
    told: Vec<(CallId, Fact)>,
    gaps: BTreeSet<CallId>,
    /// The newest transaction of any answer.
    seen: i64,
}

impl Life {
    fn new(mut config: Config, seed: u64, modern: bool, is_known: bool) -> Self {
        config.release = is_known.then(|| Release::new(3, 6, 0));
        Self {
            script: Script::linked(config),
            server: Server::new(modern),
            rng: Rng::new(seed),
            asked: VecDeque::new(),
            pending: VecDeque::new(),
            coming: VecDeque::new(),
            watches: Vec::new(),
            answered: BTreeSet::new(),
            given_up: BTreeSet::new(),
            told: Vec::new(),
            gaps: BTreeSet::new(),
            seen: 0,
        }
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.rng.bits() % most as u64).expect("small")
    }

    fn ask(&mut self) {
        let at = PATHS[self.below(PATHS.len())];
        let (kind, request): (Kind, Request) = match self.below(7) {
            0 | 1 => (Kind::Data, GetData { path: path(at), watch: true }.into()),
            2 => (Kind::Exist, exists(at).into()),
            3 | 4 => (Kind::Child, children(at).into()),
            5 => (Kind::Persistent, add_watch(at, AddWatchMode::Persistent).into()),
            _ => (Kind::Recursive, add_watch(at, AddWatchMode::PersistentRecursive).into()),
        };
        let call = self.script.submit(request);
        self.asked.push_back((call, kind, at.into()));
    }

    fn give_up(&mut self) {
        let known: Vec<CallId> =
            self.answered.iter().copied().chain(self.asked.iter().map(|asked| asked.0)).collect();
        if known.is_empty() {
            return;
        }
        let call = known[self.below(known.len())];
        self.given_up.insert(call);
        self.script.session.unwatch(call);
    }

    /// Somebody changes something.
    fn change(&mut self) {
        let at = PATHS[self.below(PATHS.len())];
        let Some((facts, events)) = self.server.change(at, self.rng.bits()) else { return };
        let mut told = Vec::new();
        self.watches.retain(|watch| {
            let concerned: Vec<_> = facts.iter().filter(|fact| watch.concerns(fact)).collect();
            let count = if watch.kind.lasts() { concerned.len() } else { concerned.len().min(1) };
            told.extend(concerned[..count].iter().map(|fact| (watch.call, (*fact).clone())));
            count == 0 || watch.kind.lasts()
        });
        self.coming.push_back(Coming::Change(events, told));
    }

    /// The server looks at one request.
    fn serve(&mut self) {
        self.pending.extend(self.script.sent_requests());
        let Some((xid, request)) = self.pending.pop_front() else { return };
        if let Request::RemoveWatches(RemoveWatches { path, kind }) = &request {
            let answer = if self.server.remove(path.as_str(), *kind) {
                Ok(Reply::RemoveWatches(()))
            } else {
                Err(Code::NoWatcher)
            };
            return self.answer(xid, &answer);
        }
        let (call, kind, at) = self.asked.pop_front().expect("a request of the user");
        let there = self.server.nodes.contains_key(&at);
        let (stands, answer) = match (&request, there) {
            (Request::AddWatch(add), _) => {
                self.server.add_lasting(&at, add.mode == AddWatchMode::PersistentRecursive);
                (Some(kind), Ok(added()))
            }
            (Request::GetData(_), true) => (Some(kind), Ok(data("x"))),
            (Request::Exists(_), true) => (Some(Kind::Data), Ok(Reply::Exists(Stat::default()))),
            (Request::Exists(_), false) => (Some(Kind::Exist), Err(Code::NoNode)),
            (Request::GetChildren2(_), true) => (Some(kind), Ok(no_children())),
            (Request::GetData(_) | Request::GetChildren2(_), false) => (None, Err(Code::NoNode)),
            (other, _) => panic!("{other:?}"),
        };
        if let Some(kind) = stands {
            if model::is_watch(&request) {
                self.server.add_once(&at, kind);
            }
            self.watches.push(Watch { call, kind, path: at });
        }
        self.answer(xid, &answer);
    }

    fn answer(&mut self, xid: i32, answer: &Result<Reply, Code>) {
        let zxid = self.server.zxid;
        self.coming.push_back(Coming::Answer(reply_bytes(xid, zxid, answer), zxid));
    }

    /// What is next on its way arrives.
    fn deliver(&mut self) {
        match self.coming.pop_front() {
            Some(Coming::Change(events, expected)) => {
                for (kind, at) in events {
                    self.script.event(kind, &at);
                }
                self.listen();
                self.compare(expected);
            }
            Some(Coming::Answer(bytes, zxid)) => {
                self.script.receive(&bytes);
                self.seen = self.seen.max(zxid);
                self.listen();
                self.compare(Vec::new());
            }
            None => {}
        }
    }

    fn compare(&mut self, mut expected: Vec<(CallId, Fact)>) {
        expected.retain(|(call, _)| !self.given_up.contains(call));
        let mut told = std::mem::take(&mut self.told);
        for list in [&mut expected, &mut told] {
            list.sort_by_key(|(call, (kind, at))| (*call, format!("{kind:?}"), at.clone()));
        }
        assert_eq!(told, expected);
    }

    fn listen(&mut self) {
        while let Some(output) = self.script.session.poll() {
            match output {
                Output::Completed(call, Ok(_) | Err(zk_session::Error::Server(_))) => {
                    self.answered.insert(call);
                }
                Output::Completed(call, Err(_)) => {
                    self.asked.retain(|(asked, ..)| *asked != call);
                    self.watches.retain(|watch| watch.call != call);
                }
                Output::Notified(call, Notice::Fired(event)) => {
                    assert!(!self.given_up.contains(&call), "{call:?} was given up and is told");
                    self.told.push((call, (event.kind, event.path.as_str().into())));
                }
                Output::Notified(call, Notice::Gap { since }) => {
                    assert_eq!(since.raw(), self.seen);
                    self.gaps.insert(call);
                }
                Output::State(_) => {}
                Output::Connect(..) | Output::Disconnect(_) | Output::Notified(_, Notice::Ended(_)) => {
                    panic!("{output:?}")
                }
            }
        }
    }

    /// The link is lost, with all that is on its way, and there is another.
    fn relink(&mut self) {
        // Who was to be told of what is on its way has not been, and waits on.
        let told: Vec<_> = self.coming.drain(..).collect();
        for coming in told {
            let Coming::Change(_, told) = coming else { continue };
            let waiting: BTreeMap<CallId, Fact> = told.into_iter().collect();
            for (call, _) in waiting {
                if !self.watches.iter().any(|watch| watch.call == call) {
                    let watch = self.server.memory.get(&call).expect("a watch that stood").clone();
                    self.watches.push(watch);
                }
            }
        }
        self.pending.clear();
        self.script.cut();
        self.listen();
        self.script.dialed_later();
        self.script.connected();
        self.script.accept(5);
        self.gaps.clear();
        self.listen();
        self.watches.retain(|watch| !self.given_up.contains(&watch.call));
        let lasting: BTreeSet<_> =
            self.watches.iter().filter(|watch| watch.kind.lasts()).map(|watch| watch.call).collect();
        assert_eq!(self.gaps, lasting, "every lasting watch is told of the gap");
        self.server.unlinked();
        for (xid, request) in self.script.sent_requests() {
            let Some(lists) = script::links::lists(xid, &request) else {
                // A call that was not sent on the link before.
                self.pending.push_back((xid, request));
                continue;
            };
            assert_eq!(lists.relative_zxid.raw(), self.seen);
            for (kind, at) in self.server.restore(&lists) {
                self.script.event(kind, &at);
            }
            self.script.restored(self.server.zxid);
        }
        self.listen();
        self.told.retain(|(call, _)| !lasting.contains(call));
        let mut expected = Vec::new();
        let (server, seen) = (&self.server, self.seen);
        self.watches.retain(|watch| match server.missed(watch, seen) {
            Some(kind) => {
                expected.push((watch.call, (kind, watch.path.clone())));
                false
            }
            None => true,
        });
        self.compare(expected);
        assert!(self.script.session.state().is_connected());
    }

    fn settle(&mut self) {
        loop {
            self.pending.extend(self.script.sent_requests());
            if self.pending.is_empty() && self.coming.is_empty() {
                return;
            }
            self.serve();
            self.deliver();
        }
    }

    fn step(&mut self) {
        for watch in &self.watches {
            self.server.memory.insert(watch.call, watch.clone());
        }
        match self.below(24) {
            0..5 => self.ask(),
            5..7 => self.give_up(),
            7..11 => self.change(),
            11..16 => self.serve(),
            16..23 => self.deliver(),
            _ => self.relink(),
        }
    }
}

fn lives(config: &dyn Fn(&str) -> Config, modern: bool, is_known: bool) {
    for seed in 0..400 {
        let mut life = Life::new(config("a"), seed, modern, is_known);
        for _ in 0..400 {
            life.step();
        }
        life.settle();
        for call in std::mem::take(&mut life.answered) {
            life.given_up.insert(call);
            life.script.session.unwatch(call);
        }
        life.settle();
        assert_eq!(life.script.session.watch_count(), 0);
        assert!(life.server.is_bare(), "seed {seed}: {:?}", life.server);
    }
}

#[test]
fn a_server_before_3_9_tells_what_it_should_and_keeps_nothing() {
    holds_but_not_if_wrong!(
        [MixesModes, MisfilesChildren, TakesAllKindsAway, GivesUpAnother, AsksAllTheSame, HidesTheGap],
        |config| lives(config, false, true)
    );
}

#[test]
fn a_server_since_3_9_tells_what_it_should_and_keeps_nothing() {
    holds_but_not_if_wrong!(
        [MixesItsWatches, TellsTreesOfChildren, FiresAgain, ForgetsItsWatches, RestoresFromNow, ArmsAtOnce],
        |config| lives(config, true, true)
    );
}

#[test]
fn a_server_of_an_unknown_release_tells_what_it_should_and_keeps_nothing() {
    holds_but_not_if_wrong!([WatchesAFailure], |config| {
        lives(config, false, false);
        lives(config, true, false);
    });
}
