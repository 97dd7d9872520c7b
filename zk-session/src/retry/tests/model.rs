//! Calls against a small tree that loses, delays and refuses what it is asked, beside others who write to it.
//!
//! It keeps the one promise of servers on which everything rests: what was sent earlier in the session takes effect
//! before the answer to a later write, or never. Reads and `sync` are answered without regard to it.

use alloc::collections::BTreeMap;
use alloc::string::String;

use proptest::prelude::*;

use super::*;
use crate::rng::Rng;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_applied_twice_and_no_answer_lies(case in cases(), choices in choices()) {
        play(&case, choices);
    }
}

#[test]
fn calls_end_in_every_way() {
    let mut rng = Rng::new(1);
    let mut seen = BTreeMap::<&str, u32>::new();
    for _ in 0..4000 {
        let facts = rng.bits();
        let bit = |at: u32| facts >> at & 1 == 1;
        let case = Case {
            kind: u8::try_from(rng.bits() % 10).unwrap(),
            there: bit(0),
            matches: bit(1) || bit(2),
            options: [bit(3), bit(4), bit(5), bit(6), bit(7)],
        };
        let choices: Vec<u8> = (0..40).map(|_| (rng.bits() % 251) as u8).collect();
        *seen.entry(play(&case, choices)).or_default() += 1;
    }
    let common = seen.iter().filter(|(_, count)| **count > 40).map(|(end, _)| *end).collect::<Vec<_>>();
    assert_eq!(common, ["answered", "found", "maybe", "refused", "repeated", "unsent"], "{seen:?}");
}

/// What is called, and what is known about it.
#[derive(Clone, Debug)]
struct Case {
    kind: u8,
    /// Whether the node is there at first.
    there: bool,
    /// Whether the version is that of the node.
    matches: bool,
    /// `protected`, `unique`, `gone_is_done`, `kept`, and whether the czxid is known.
    options: [bool; 5],
}

fn cases() -> impl Strategy<Value = Case> {
    (0..10_u8, any::<bool>(), any::<bool>(), any::<[bool; 5]>())
        .prop_map(|(kind, there, matches, options)| Case { kind, there, matches, options })
}

fn choices() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..40)
}

const NODE: &str = "/d/n";

/// Where the call ends, for the count of what happens at all. Panics where a promise is broken.
fn play(case: &Case, choices: Vec<u8>) -> &'static str {
    let [protected, unique, gone_is_done, kept, known] = case.options;
    let mut world = World::new(choices);
    if case.there {
        world.put(NODE, "old", SessionId::NONE);
        world.apply(&set(Version::ANY).with("old"), false).unwrap();
    }
    let before = world.nodes.get(NODE).cloned();
    let expected = version(if case.matches { 1 } else { 0 });
    let request = match case.kind {
        0 => set(expected),
        1 => set(Version::ANY),
        2 => SetAcl { path: path(NODE), acl: Acl::open_unsafe(), version: expected }.into(),
        3 => delete(expected),
        4 => delete(Version::ANY),
        5 => create(NODE, CreateMode::Persistent),
        6 => create2(NODE, CreateMode::Ephemeral),
        7 => create(NODE, CreateMode::PersistentSequential),
        8 => create2(NODE, CreateMode::EphemeralSequential),
        _ => create2("/d", CreateMode::EphemeralNumbered),
    };
    let czxid = before.filter(|_| known).map(|node| node.stat.czxid);
    let options = RetryOptions { protected, unique, gone_is_done, kept, czxid };
    (world.kept, world.unique) = (kept, unique);

    let policy = RetryPolicy { tries: 8, first: Duration::ZERO, ..POLICY };
    let now = Instant::default();
    let mut retrying = Retrying::new(request.clone(), options, policy, TOKEN, now);
    retrying.session(SESSION);
    let mut calls = 0;
    let result = loop {
        match retrying.next(now) {
            Next::Submit(request) => {
                world.call.get_or_insert_with(|| request.clone());
                calls += u32::from(world.call.as_ref() == Some(&request));
                world.meddle();
                let result = world.submit(&request);
                retrying.answered(result, now);
            }
            Next::Wait(until) => assert_eq!(until, now),
            Next::Done(result) => break result,
        }
    };
    world.flush();
    world.judge(&request, &options, &result);
    match result {
        Ok(_) if world.answered && calls == 1 => "answered",
        Ok(_) if world.answered => "repeated",
        Ok(_) => "found",
        Err(Error::MaybeApplied(_)) => "maybe",
        Err(Error::Server(_)) => "refused",
        Err(_) => "unsent",
    }
}

#[derive(Clone, Debug)]
struct Stored {
    stat: Stat,
    data: Option<Bytes>,
}

struct World {
    choices: vec::IntoIter<u8>,
    nodes: BTreeMap<String, Stored>,
    zxid: i64,
    counter: i32,
    /// Under way to the leader.
    pending: Vec<Request>,
    kept: bool,
    unique: bool,
    /// The request of the call, as it is submitted.
    call: Option<Request>,
    /// The paths to which it was applied.
    applied: Vec<String>,
    /// Whether it was answered.
    answered: bool,
    /// Whether the session is over.
    ended: bool,
}

impl World {
    fn new(choices: Vec<u8>) -> Self {
        Self {
            choices: choices.into_iter(),
            nodes: BTreeMap::new(),
            zxid: 100,
            counter: 0,
            pending: Vec::new(),
            kept: false,
            unique: false,
            call: None,
            applied: Vec::new(),
            answered: false,
            ended: false,
        }
    }

    /// A choice; the harmless one when none is left.
    fn choose(&mut self, among: u8) -> u8 {
        self.choices.next().map_or(0, |choice| choice % among)
    }

    /// What others do between two of our requests. They keep to what our caller knows.
    fn meddle(&mut self) {
        for _ in 0..self.choose(3) {
            let data = if !self.unique && self.choose(2) == 1 { "ours" } else { "theirs" };
            match self.choose(8) {
                1 | 2 => drop(self.apply(&set(Version::ANY).with(data), false)),
                3 => drop(self.apply(&acl_of_others(), false)),
                4 | 5 if !self.kept => drop(self.apply(&delete(Version::ANY), false)),
                6 if !self.nodes.contains_key(NODE) => {
                    let owner = SessionId::new(i64::from(self.choose(2)) * 8);
                    self.put(NODE, data, owner);
                }
                7 => self.flush(),
                _ => {}
            }
        }
    }

    fn submit(&mut self, request: &Request) -> Result<Answer, Error> {
        let lost = self.choose(12);
        match lost {
            1 => return Err(UNSENT),
            2 => return Err(Error::NotSent(Why::Full)),
            3 => return Err(Error::Server(Code::Throttled)),
            4 => return Err(LOST),
            5 | 6 => {
                self.flush();
                let _ = self.apply(request, true);
                return Err(LOST);
            }
            7 | 8 => {
                self.pending.push(request.clone());
                return Err(LOST);
            }
            9 if self.choose(4) == 1 => {
                self.pending.push(request.clone());
                if self.choose(2) == 1 {
                    self.flush();
                }
                self.pending.clear();
                self.nodes.retain(|_, node| node.stat.ephemeral_owner != SESSION);
                self.ended = true;
                return Err(MAYBE_ENDED);
            }
            _ => {}
        }
        if request.opcode().repeat() != ops::Repeat::Safe {
            self.flush();
        }
        self.answered = self.call.as_ref() == Some(request);
        let reply = self.apply(request, true).map_err(Error::Server)?;
        Ok(Answer { zxid: Zxid::new(self.zxid), reply })
    }

    fn flush(&mut self) {
        for request in core::mem::take(&mut self.pending) {
            let _ = self.apply(&request, true);
        }
    }

    /// Does what a request says; `ours` counts if it is that of the call.
    fn apply(&mut self, request: &Request, ours: bool) -> Result<Reply, Code> {
        let at = String::from(request.path().unwrap().as_str());
        if request.opcode().repeat() != ops::Repeat::Safe {
            // A write that fails has a number, too.
            self.zxid += 1;
        }
        let zxid = Zxid::new(self.zxid);
        let ours = ours && self.call.as_ref() == Some(request);
        if let Some(creation) = token::creation(request) {
            let at = if creation.sequential { format!("{at}{:010}", self.counter) } else { at };
            if self.nodes.contains_key(&at) {
                return Err(Code::NodeExists);
            }
            self.counter += 1;
            let owner = if creation.ephemeral { SESSION } else { SessionId::NONE };
            let stat = Stat { czxid: zxid, mzxid: zxid, ephemeral_owner: owner, ..Stat::default() };
            self.nodes.insert(at.clone(), Stored { stat, data: creation.data.clone() });
            self.applied.extend(ours.then(|| at.clone()));
            return Ok(token::created(request, path(&at), stat).unwrap());
        }
        if matches!(request, Request::GetChildren2(_)) {
            let children = self.nodes.keys().map(|at| at.rsplit('/').next().unwrap()).collect();
            return Ok(Reply::GetChildren2(NodeChildren { children, stat: Stat::default() }));
        }
        let node = self.nodes.get_mut(&at).ok_or(Code::NoNode)?;
        let reply = if let Request::SetData(set) = request {
            expect(set.version, node.stat.version)?;
            (node.stat.version, node.stat.mzxid) = (node.stat.version + 1, zxid);
            node.data.clone_from(&set.data);
            Reply::SetData(node.stat)
        } else if let Request::SetAcl(set) = request {
            expect(set.version, node.stat.aversion)?;
            node.stat.aversion += 1;
            Reply::SetAcl(node.stat)
        } else if let Request::Delete(delete) = request {
            expect(delete.version, node.stat.version)?;
            self.nodes.remove(&at);
            Reply::Delete(())
        } else if matches!(request, Request::GetData(_)) {
            return Ok(Reply::GetData(NodeData { data: node.data.clone(), stat: node.stat }));
        } else {
            assert!(matches!(request, Request::Exists(_)), "{request:?}");
            return Ok(Reply::Exists(node.stat));
        };
        self.applied.extend(ours.then_some(at));
        Ok(reply)
    }

    fn put(&mut self, at: &str, data: &'static str, owner: SessionId) {
        self.zxid += 1;
        let zxid = Zxid::new(self.zxid);
        let stat = Stat { czxid: zxid, mzxid: zxid, ephemeral_owner: owner, ..Stat::default() };
        self.nodes.insert(at.into(), Stored { stat, data: Some(data.into()) });
    }

    /// The promises.
    fn judge(&self, request: &Request, options: &RetryOptions, result: &Result<Answer, Error>) {
        let times = self.applied.len();
        assert!(times <= 1, "applied {times} times: {:?}", self.applied);
        let ephemeral = token::creation(request).is_some_and(|creation| creation.ephemeral);
        match result {
            Ok(_) if options.gone_is_done && matches!(request, Request::Delete(_)) => {}
            Ok(answer) => {
                assert_eq!(times, 1, "said to be applied");
                let made = if let Reply::Create(made) = &answer.reply {
                    Some(&made.path)
                } else if let Reply::Create2(made) = &answer.reply {
                    Some(&made.path)
                } else {
                    None
                };
                assert_eq!(made.map_or(&*self.applied[0], Path::as_str), self.applied[0]);
            }
            Err(Error::MaybeApplied(_)) => assert!(!(self.ended && ephemeral), "it is undone"),
            Err(UNSENT_ENDED) if ephemeral => assert!(self.ended),
            Err(error) => assert_eq!(times, 0, "said not to be applied: {error}"),
        }
    }
}

fn expect(expected: Version, version: i32) -> Result<(), Code> {
    if expected.is_any() || expected.raw() == version { Ok(()) } else { Err(Code::BadVersion) }
}

fn acl_of_others() -> Request {
    SetAcl { path: path(NODE), acl: Acl::read_unsafe(), version: Version::ANY }.into()
}

trait With {
    fn with(self, data: &'static str) -> Self;
}

impl With for Request {
    fn with(self, data: &'static str) -> Self {
        if let Self::SetData(set) = self { SetData { data: Some(data.into()), ..set }.into() } else { self }
    }
}
