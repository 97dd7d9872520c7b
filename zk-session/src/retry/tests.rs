//! The table of what follows what, row by row. What it adds up to is checked in `model`.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use zk_proto::ops::{
    Batch, Create, Create2, CreateContainer, CreateTtl, Created, CreatedNode, Delete, Exists, GetChildren2,
    GetData, Multi, NodeChildren, NodeData, Reply, SetAcl, SetData, Sync, Synced,
};
use zk_proto::{Acl, Code, CreateMode, Path, SessionId, Stat, Ttl, TtlMode, Version};

use super::*;
use crate::error::{Ended, Error, Misuse, Why};
use crate::time::Instant;
use crate::words::Answer;

mod model;

const TOKEN: [u8; 16] = [0xab; 16];
const UUID: &str = "abababab-abab-abab-abab-abababababab";
const SESSION: SessionId = SessionId::new(7);
const LOST: Error = Error::MaybeApplied(Why::ConnectionLost);
const UNSENT: Error = Error::NotSent(Why::ConnectionLost);
const MAYBE_ENDED: Error = Error::MaybeApplied(Why::Ended(Ended::Expired));
const UNSENT_ENDED: Error = Error::NotSent(Why::Ended(Ended::Expired));

const POLICY: RetryPolicy = RetryPolicy {
    tries: 5,
    first: Duration::from_secs(1),
    most: Duration::from_secs(4),
    factor: 2,
    within: None,
    jitter: Jitter::None,
};

fn path(text: &str) -> Path {
    Path::new(text).unwrap()
}

fn version(version: i32) -> Version {
    Version::exactly(version).unwrap()
}

fn set(expected: Version) -> Request {
    SetData { path: path("/d/n"), data: Some("ours".into()), version: expected }.into()
}

fn set_acl() -> Request {
    SetAcl { path: path("/d/n"), acl: Acl::open_unsafe(), version: version(3) }.into()
}

fn delete(expected: Version) -> Request {
    Delete { path: path("/d/n"), version: expected }.into()
}

fn create2(at: &str, mode: CreateMode) -> Request {
    Create2 { path: path(at), data: Some("ours".into()), acl: Acl::open_unsafe(), mode }.into()
}

fn create(at: &str, mode: CreateMode) -> Request {
    Create { path: path(at), data: Some("ours".into()), acl: Acl::open_unsafe(), mode }.into()
}

fn exists(at: &str) -> Request {
    Exists { path: path(at), watch: false }.into()
}

fn settling() -> Request {
    Delete { path: path(&format!("/d/_b_{UUID}")), version: version(i32::MAX) }.into()
}

fn knowing(options: RetryOptions, request: Request) -> Script {
    Script::new(request, options, POLICY)
}

fn answer(reply: Reply) -> Result<Answer, Error> {
    Ok(Answer { zxid: Zxid::new(99), reply })
}

fn node(czxid: i64, version: i32) -> Stat {
    Stat { czxid: Zxid::new(czxid), mzxid: Zxid::new(50), version, aversion: version, ..Stat::default() }
}

fn data(stat: Stat, data: &'static str) -> Result<Answer, Error> {
    answer(Reply::GetData(NodeData { data: Some(data.into()), stat }))
}

const GONE: Result<Answer, Error> = Err(Error::Server(Code::NoNode));

/// A call and its clock.
struct Script {
    retrying: Retrying,
    now: Instant,
}

impl Script {
    fn new(request: Request, options: RetryOptions, policy: RetryPolicy) -> Self {
        let mut retrying = Retrying::new(request, options, policy, TOKEN, Instant::default());
        retrying.session(SESSION);
        Self { retrying, now: Instant::default() }
    }

    /// The next request, after its pause.
    fn asked(&mut self) -> Request {
        match self.retrying.next(self.now) {
            Next::Submit(request) => return request,
            Next::Wait(until) => self.now = until,
            Next::Done(result) => panic!("{result:?}"),
        }
        match self.retrying.next(self.now) {
            Next::Submit(request) => request,
            other @ (Next::Wait(_) | Next::Done(_)) => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn asks(&mut self, request: &Request, result: Result<Answer, Error>) -> &mut Self {
        assert_eq!(&self.asked(), request);
        assert_eq!(self.retrying.next(self.now), Next::Wait(Instant::NEVER));
        self.retrying.answered(result, self.now);
        self
    }

    /// Loses the request and lets the doubt be settled.
    #[track_caller]
    fn loses(&mut self, request: &Request) -> &mut Self {
        self.asks(request, Err(LOST)).asks(&settling(), GONE)
    }

    #[track_caller]
    fn ends(&mut self, result: &Result<Answer, Error>) {
        // A stray answer changes nothing.
        self.retrying.answered(Err(UNSENT), self.now);
        for _ in 0..2 {
            assert_eq!(self.retrying.next(self.now), Next::Done(result.clone()));
        }
    }
}

#[test]
fn pauses_grow_up_to_a_limit_and_end_with_the_tries() {
    let mut rng = Rng::new(1);
    let pauses =
        |policy: RetryPolicy, rng: &mut Rng| (0..6).map(|n| policy.pause(n, rng)).collect::<Vec<_>>();
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(pauses(POLICY, &mut rng), [seconds(0), seconds(1), seconds(2), seconds(4), seconds(4), None]);
    for factor in [0, 1, u32::MAX] {
        let policy = RetryPolicy { factor, tries: u32::MAX, ..POLICY };
        let third = [0, 1, 4][usize::try_from(factor.min(2)).unwrap()];
        assert_eq!(policy.pause(3, &mut rng), seconds(third));
        assert!(policy.pause(u32::MAX - 1, &mut rng).is_some());
        assert_eq!(policy.pause(u32::MAX, &mut rng), None);
    }
    for (jitter, least) in [(Jitter::Full, 0), (Jitter::Equal, 2)] {
        let policy = RetryPolicy { jitter, ..POLICY };
        let drawn: Vec<_> = (0..200).filter_map(|_| policy.pause(4, &mut rng)).collect();
        let (shortest, longest) = (*drawn.iter().min().unwrap(), *drawn.iter().max().unwrap());
        let within = Duration::from_secs(least)..=Duration::from_secs(4);
        assert!(within.contains(&shortest) && within.contains(&longest), "{shortest:?} {longest:?}");
        assert!(longest - shortest > Duration::from_secs(4 - least) / 2, "{shortest:?} {longest:?}");
    }
    assert_eq!(RetryPolicy { tries: 0, ..POLICY }.pause(0, &mut rng), None);
}

#[test]
fn each_request_is_resolved_in_its_own_way() {
    use Resolution::{ByNode, ByToken, ByVersion, Never, Repeat};
    let ttl =
        |mode| CreateTtl { path: path("/d/n"), data: None, acl: Acl::open_unsafe(), mode, ttl: Ttl::MAX };
    let container = CreateContainer { path: path("/d/n"), data: None, acl: Acl::open_unsafe() };
    let multi = Multi { ops: Batch(vec![]) };
    for (request, open, protected) in [
        (exists("/d"), Repeat, Repeat),
        (Sync { path: path("/d") }.into(), Repeat, Repeat),
        (set(version(3)), ByVersion, ByVersion),
        (set_acl(), ByVersion, ByVersion),
        (delete(version(3)), ByVersion, ByVersion),
        (set(Version::ANY), Never, Never),
        (delete(Version::ANY), Never, Never),
        (create("/d/n", CreateMode::Persistent), ByNode, ByToken),
        (create2("/d/n", CreateMode::Ephemeral), ByNode, ByToken),
        (container.into(), ByNode, ByToken),
        (ttl(TtlMode::Persistent).into(), ByNode, ByToken),
        (create("/d/n", CreateMode::PersistentSequential), Never, ByToken),
        (create2("/d", CreateMode::EphemeralNumbered), Never, ByToken),
        (ttl(TtlMode::PersistentSequential).into(), Never, ByToken),
        (multi.into(), Never, Never),
    ] {
        let of = |protected| Resolution::of(&request, &RetryOptions { protected, ..RetryOptions::default() });
        assert_eq!((of(false), of(true)), (open, protected), "{request:?}");
    }
}

#[test]
fn what_was_not_applied_is_asked_again() {
    let request = create("/d/n", CreateMode::PersistentSequential);
    for error in [
        UNSENT,
        Error::NotSent(Why::Full),
        Error::Server(Code::Throttled),
        Error::Server(Code::SessionMoved),
        Error::Server(Code::NotReadOnly),
    ] {
        let mut script = knowing(RetryOptions::default(), request.clone());
        script.asks(&request, Err(error)).asks(&request, Err(error));
        assert_eq!(script.now, Instant::default() + Duration::from_secs(1));
        let made = answer(Reply::Create(Created { path: path("/d/n0000000001") }));
        script.asks(&request, made.clone()).ends(&made);
        assert_eq!(script.now, Instant::default() + Duration::from_secs(3));
    }
}

#[test]
fn what_is_final_is_told_at_once() {
    for error in [
        Error::Server(Code::NoNode),
        Error::Server(Code::BadVersion),
        Error::Server(Code::NoAuth),
        Error::Server(Code::SessionExpired),
        Error::NotSent(Why::Deadline),
        Error::MaybeApplied(Why::Deadline),
        UNSENT_ENDED,
        MAYBE_ENDED,
        Error::Misuse(Misuse::Reserved),
    ] {
        for request in [set(version(3)), exists("/d"), delete(Version::ANY)] {
            let options = RetryOptions { gone_is_done: true, ..RetryOptions::default() };
            knowing(options, request.clone()).asks(&request, Err(error)).ends(&Err(error));
        }
    }
}

#[test]
fn tries_and_time_run_out() {
    let mut script = knowing(RetryOptions::default(), exists("/d"));
    for _ in 0..4 {
        script.asks(&exists("/d"), Err(UNSENT));
    }
    script.asks(&exists("/d"), Err(Error::NotSent(Why::Full))).ends(&Err(Error::NotSent(Why::Full)));

    let policy = RetryPolicy { within: Some(Duration::from_secs(3)), ..POLICY };
    let mut script = Script::new(exists("/d"), RetryOptions::default(), policy);
    assert_eq!(script.retrying.deadline(), Some(Instant::default() + Duration::from_secs(3)));
    script.asks(&exists("/d"), Err(LOST)).asks(&exists("/d"), Err(UNSENT)).ends(&Err(UNSENT));
    assert_eq!(knowing(RetryOptions::default(), exists("/d")).retrying.deadline(), None);

    // What was lost stays so, whatever kept it from being found out.
    let mut script = knowing(RetryOptions::default(), set(version(3)));
    script.asks(&set(version(3)), Err(LOST));
    for _ in 0..4 {
        script.asks(&settling(), Err(UNSENT));
    }
    script.ends(&Err(LOST));

    let mut script =
        Script::new(set(version(3)), RetryOptions::default(), RetryPolicy { tries: 1, ..POLICY });
    script.asks(&set(version(3)), Err(LOST)).ends(&Err(LOST));
}

#[test]
fn a_lost_read_is_repeated() {
    let (read, there) = (exists("/d"), answer(Reply::Exists(node(1, 1))));
    knowing(RetryOptions::default(), read.clone())
        .asks(&read, Err(LOST))
        .asks(&read, Err(LOST))
        .asks(&read, there.clone())
        .ends(&there);
    // What it is refused for is news, not an echo of the first.
    knowing(RetryOptions::default(), read.clone()).asks(&read, Err(LOST)).asks(&read, GONE).ends(&GONE);
    let sync: Request = Sync { path: path("/d") }.into();
    let synced = answer(Reply::Sync(Synced { path: path("/d") }));
    knowing(RetryOptions::default(), sync.clone())
        .asks(&sync, Err(LOST))
        .asks(&sync, synced.clone())
        .ends(&synced);
}

#[test]
fn what_nothing_proves_is_left_to_the_caller() {
    let multi: Request = Multi { ops: Batch(vec![]) }.into();
    let all = RetryOptions { protected: true, unique: true, gone_is_done: true, kept: true, czxid: None };
    for request in [set(Version::ANY), delete(Version::ANY), multi] {
        knowing(all, request.clone()).asks(&request, Err(LOST)).ends(&Err(LOST));
    }
    let sequential = create("/d/n", CreateMode::EphemeralSequential);
    let open = RetryOptions { protected: false, ..all };
    knowing(open, sequential.clone()).asks(&sequential, Err(LOST)).ends(&Err(LOST));
}

/// How a doubt ends.
enum End {
    /// The request is asked again.
    Again,
    /// The call succeeds with this answer.
    Ok(Answer),
    Err(Error),
}

#[track_caller]
fn ends(script: &mut Script, request: &Request, end: End) {
    match end {
        End::Again => {
            script.asks(request, Err(UNSENT));
        }
        End::Ok(answer) => script.ends(&Ok(answer)),
        End::Err(error) => script.ends(&Err(error)),
    }
}

#[test]
fn a_lost_set_is_told_by_version_and_data() {
    let none = RetryOptions::default();
    let known = RetryOptions { czxid: Some(Zxid::new(1)), ..none };
    let kept = RetryOptions { kept: true, ..none };
    let unique = RetryOptions { unique: true, ..none };
    let was_set = |stat| Answer { zxid: Zxid::new(50), reply: Reply::SetData(stat) };
    for (options, read, end) in [
        (known, data(node(1, 3), "old"), End::Again),
        (kept, data(node(2, 3), "old"), End::Again),
        (none, data(node(1, 3), "old"), End::Err(LOST)),
        (unique, data(node(1, 3), "old"), End::Err(LOST)),
        // Another node of the same name and version.
        (known, data(node(2, 3), "old"), End::Err(LOST)),
        (RetryOptions { kept: true, ..known }, data(node(2, 3), "old"), End::Err(LOST)),
        (unique, data(node(1, 4), "ours"), End::Ok(was_set(node(1, 4)))),
        (none, data(node(1, 4), "ours"), End::Err(LOST)),
        (known, data(node(1, 4), "ours"), End::Err(LOST)),
        (unique, data(node(1, 5), "ours"), End::Err(LOST)),
        (known, data(node(1, 4), "theirs"), End::Err(Error::Server(Code::BadVersion))),
        (kept, data(node(1, 4), "theirs"), End::Err(Error::Server(Code::BadVersion))),
        (unique, data(node(1, 4), "theirs"), End::Err(LOST)),
        (known, data(node(1, 5), "theirs"), End::Err(LOST)),
        (known, GONE, End::Err(LOST)),
        (kept, GONE, End::Err(Error::Server(Code::NoNode))),
        (known, Err(Error::Server(Code::NoAuth)), End::Err(LOST)),
        // No answer to what was asked.
        (kept, answer(Reply::Delete(())), End::Err(LOST)),
    ] {
        let request = set(version(3));
        let mut script = knowing(options, request.clone());
        script.loses(&request).asks(&GetData { path: path("/d/n"), watch: false }.into(), read);
        ends(&mut script, &request, end);
    }
}

#[test]
fn a_lost_acl_is_told_by_its_version() {
    let none = RetryOptions::default();
    let known = RetryOptions { czxid: Some(Zxid::new(1)), ..none };
    for (options, read, end) in [
        (known, answer(Reply::Exists(node(1, 3))), End::Again),
        (none, answer(Reply::Exists(node(1, 3))), End::Err(LOST)),
        (known, answer(Reply::Exists(node(2, 3))), End::Err(LOST)),
        (known, answer(Reply::Exists(node(1, 4))), End::Err(LOST)),
        (known, GONE, End::Err(LOST)),
        (RetryOptions { kept: true, ..none }, GONE, End::Err(Error::Server(Code::NoNode))),
    ] {
        let mut script = knowing(options, set_acl());
        script.loses(&set_acl()).asks(&exists("/d/n"), read);
        ends(&mut script, &set_acl(), end);
    }
}

#[test]
fn a_lost_deletion_is_told_by_the_node() {
    let none = RetryOptions::default();
    let known = RetryOptions { czxid: Some(Zxid::new(1)), ..none };
    let kept = RetryOptions { kept: true, ..none };
    let gone = RetryOptions { gone_is_done: true, ..none };
    let deleted = || Answer { zxid: Zxid::ZERO, reply: Reply::Delete(()) };
    for (options, read, end) in [
        (known, answer(Reply::Exists(node(1, 3))), End::Again),
        // Ours may be gone, and this be another.
        (kept, answer(Reply::Exists(node(1, 3))), End::Err(LOST)),
        (kept, answer(Reply::Exists(node(1, 4))), End::Err(LOST)),
        (none, answer(Reply::Exists(node(1, 3))), End::Err(LOST)),
        (known, answer(Reply::Exists(node(2, 3))), End::Err(LOST)),
        (known, answer(Reply::Exists(node(1, 4))), End::Err(Error::Server(Code::BadVersion))),
        (none, answer(Reply::Exists(node(1, 4))), End::Err(LOST)),
        (gone, answer(Reply::Exists(node(1, 4))), End::Err(LOST)),
        (gone, GONE, End::Ok(deleted())),
        (known, GONE, End::Err(LOST)),
        (kept, GONE, End::Err(LOST)),
    ] {
        let request = delete(version(3));
        let mut script = knowing(options, request.clone());
        script.loses(&request).asks(&exists("/d/n"), read);
        ends(&mut script, &request, end);
    }
}

#[test]
fn a_lost_ephemeral_node_is_told_by_its_owner() {
    let none = RetryOptions::default();
    let kept = RetryOptions { kept: true, ..none };
    let owned = |session| Stat { ephemeral_owner: session, ..node(60, 0) };
    let other = || answer(Reply::Exists(owned(SessionId::new(8))));
    let request = create2("/d/n", CreateMode::Ephemeral);
    let made = CreatedNode { path: path("/d/n"), stat: owned(SESSION) };
    let made = Answer { zxid: Zxid::new(60), reply: Reply::Create2(made) };
    for (options, read, end) in [
        (none, answer(Reply::Exists(owned(SESSION))), End::Ok(made)),
        (none, other(), End::Err(LOST)),
        (kept, other(), End::Err(Error::Server(Code::NodeExists))),
        (none, GONE, End::Err(LOST)),
        (kept, GONE, End::Again),
    ] {
        let mut script = knowing(options, request.clone());
        script.loses(&request).asks(&exists("/d/n"), read);
        ends(&mut script, &request, end);
    }
    // Without a session nobody is its owner.
    let mut script = knowing(kept, request.clone());
    script.retrying = Retrying::new(request.clone(), kept, POLICY, TOKEN, script.now);
    script.loses(&request).asks(&exists("/d/n"), other()).ends(&Err(LOST));
}

#[test]
fn a_lost_lasting_node_is_told_by_unique_data() {
    let none = RetryOptions::default();
    let unique = RetryOptions { unique: true, ..none };
    let kept = RetryOptions { kept: true, ..none };
    let both = RetryOptions { kept: true, ..unique };
    let request = create("/d/n", CreateMode::Persistent);
    let made = || Answer { zxid: Zxid::new(60), reply: Reply::Create(Created { path: path("/d/n") }) };
    for (options, read, end) in [
        (unique, data(node(60, 0), "ours"), End::Ok(made())),
        (unique, data(node(60, 1), "ours"), End::Err(LOST)),
        (unique, data(node(60, 0), "theirs"), End::Err(LOST)),
        (both, data(node(60, 0), "theirs"), End::Err(Error::Server(Code::NodeExists))),
        (both, data(node(60, 1), "theirs"), End::Err(LOST)),
        (unique, GONE, End::Err(LOST)),
        (both, GONE, End::Again),
        (none, answer(Reply::Exists(node(60, 0))), End::Err(LOST)),
        (none, data(node(60, 0), "ours"), End::Err(LOST)),
        (kept, answer(Reply::Exists(node(60, 0))), End::Err(LOST)),
        (none, GONE, End::Err(LOST)),
        (kept, GONE, End::Again),
    ] {
        let get: Request = GetData { path: path("/d/n"), watch: false }.into();
        let mut script = knowing(options, request.clone());
        let read_by = if options.unique { get } else { exists("/d/n") };
        script.loses(&request).asks(&read_by, read);
        ends(&mut script, &request, end);
    }
}

const PROTECTED: RetryOptions =
    RetryOptions { protected: true, unique: false, gone_is_done: false, kept: false, czxid: None };

fn listed(names: &[&str]) -> Result<Answer, Error> {
    let names: Vec<_> = names.iter().map(|name| name.replace("OWN", &format!("_c_{UUID}"))).collect();
    answer(Reply::GetChildren2(NodeChildren { children: names.iter().collect(), stat: node(1, 0) }))
}

#[test]
fn a_protected_name_has_the_token_in_it() {
    let acl = Acl::open_unsafe;
    let named = |at: &str| path(&at.replace("OWN", &format!("_c_{UUID}")));
    let ttl = |path, mode| CreateTtl { path, data: None, acl: acl(), mode, ttl: Ttl::MAX };
    let container = |path| CreateContainer { path, data: None, acl: acl() };
    for (request, protected) in [
        (create("/d/n", CreateMode::Persistent), create(named("/d/OWN-n").as_str(), CreateMode::Persistent)),
        (
            create2("/n", CreateMode::EphemeralSequential),
            create2(named("/OWN-n").as_str(), CreateMode::EphemeralSequential),
        ),
        (
            create2("/d", CreateMode::EphemeralNumbered),
            create2(named("/d/OWN-").as_str(), CreateMode::EphemeralSequential),
        ),
        (
            create("/", CreateMode::PersistentNumbered),
            create(named("/OWN-").as_str(), CreateMode::PersistentSequential),
        ),
        (container(path("/d/n")).into(), container(named("/d/OWN-n")).into()),
        (
            ttl(path("/d"), TtlMode::PersistentNumbered).into(),
            ttl(named("/d/OWN-"), TtlMode::PersistentSequential).into(),
        ),
        (ttl(path("/d/n"), TtlMode::Persistent).into(), ttl(named("/d/OWN-n"), TtlMode::Persistent).into()),
        (exists("/d"), exists("/d")),
    ] {
        assert_eq!(knowing(PROTECTED, request).asked(), protected);
    }
}

#[test]
fn a_lost_protected_node_is_found_by_its_token() {
    let own = |tail: &str| format!("/d/_c_{UUID}-{tail}");
    let list: Request = GetChildren2 { path: path("/d"), watch: false }.into();
    let owned = |session| Stat { ephemeral_owner: session, ..node(60, 0) };
    let there = |session| answer(Reply::Exists(owned(session)));
    let ephemeral = create2(&own("n"), CreateMode::EphemeralSequential);
    let begin = || knowing(PROTECTED, create2("/d/n", CreateMode::EphemeralSequential));

    let mut script = begin();
    script.loses(&ephemeral).asks(&list, listed(&["_c_other-n0", "x", "OWN-n0000000009", "OWN-n0000000002"]));
    script.asks(&exists(&own("n0000000002")), there(SESSION));
    let made = CreatedNode { path: path(&own("n0000000002")), stat: owned(SESSION) };
    script.ends(&Ok(Answer { zxid: Zxid::new(60), reply: Reply::Create2(made) }));

    for missing in [listed(&["_c_other-n0", "n0000000001"]), GONE] {
        let mut script = begin();
        script.loses(&ephemeral).asks(&list, missing).asks(&ephemeral, Err(UNSENT));
    }
    // It was there, and is another's or gone.
    for read in [there(SessionId::new(8)), GONE] {
        let mut script = begin();
        script.loses(&ephemeral).asks(&list, listed(&["OWN-n0000000002"]));
        script.asks(&exists(&own("n0000000002")), read).ends(&Err(LOST));
    }

    let lasting = create(&own("n"), CreateMode::PersistentSequential);
    let mut script = knowing(PROTECTED, create("/d/n", CreateMode::PersistentSequential));
    script.loses(&lasting).asks(&list, listed(&["OWN-n0000000002"]));
    script.asks(&exists(&own("n0000000002")), there(SessionId::NONE));
    let made = Reply::Create(Created { path: path(&own("n0000000002")) });
    script.ends(&Ok(Answer { zxid: Zxid::new(60), reply: made }));
}

#[test]
fn a_refused_repetition_may_have_been_refused_by_its_own_success() {
    let options = RetryOptions { unique: true, czxid: Some(Zxid::new(1)), ..RetryOptions::default() };
    let (request, get) = (set(version(3)), GetData { path: path("/d/n"), watch: false }.into());
    let again = |code| {
        let mut script = knowing(options, request.clone());
        script.loses(&request).asks(&get, data(node(1, 3), "old"));
        script.asks(&request, Err(Error::Server(code))).asks(&settling(), GONE);
        script
    };
    let applied = Answer { zxid: Zxid::new(50), reply: Reply::SetData(node(1, 4)) };
    again(Code::BadVersion).asks(&get, data(node(1, 4), "ours")).ends(&Ok(applied));
    again(Code::BadVersion).asks(&get, data(node(1, 5), "x")).ends(&Err(LOST));
    let refused = |code| Err(Error::Server(code));
    again(Code::QuotaExceeded).asks(&get, data(node(1, 3), "old")).ends(&refused(Code::QuotaExceeded));
    again(Code::BadVersion).asks(&get, data(node(1, 4), "x")).ends(&refused(Code::BadVersion));
}

#[test]
fn finding_out_starts_over_when_it_is_cut_short() {
    let request = set(version(3));
    let options = RetryOptions { kept: true, ..RetryOptions::default() };
    let get: Request = GetData { path: path("/d/n"), watch: false }.into();
    knowing(options, request.clone())
        .asks(&request, Err(LOST))
        .asks(&settling(), Err(Error::Server(Code::Throttled)))
        .asks(&settling(), Err(Error::Server(Code::NoAuth)))
        .asks(&get, Err(LOST))
        .asks(&settling(), GONE)
        .asks(&get, data(node(1, 3), "old"))
        .asks(&request, Err(LOST))
        .asks(&settling(), Err(UNSENT))
        .ends(&Err(LOST));
    // Refusals that are not in the log say nothing about what came before.
    for error in [Error::Server(Code::MarshallingError), Error::Misuse(Misuse::Reserved)] {
        knowing(options, request.clone())
            .asks(&request, Err(LOST))
            .asks(&settling(), Err(error))
            .ends(&Err(LOST));
    }
    let late = Error::NotSent(Why::Deadline);
    knowing(options, request.clone())
        .loses(&request)
        .asks(&get, Err(late))
        .ends(&Err(Error::MaybeApplied(Why::Deadline)));
}

#[test]
fn the_end_of_the_session_undoes_ephemeral_nodes_only() {
    for (mode, end) in [(CreateMode::Ephemeral, UNSENT_ENDED), (CreateMode::Persistent, MAYBE_ENDED)] {
        let request = create("/d/n", mode);
        let begin = || knowing(RetryOptions { kept: true, ..RetryOptions::default() }, request.clone());
        begin().asks(&request, Err(MAYBE_ENDED)).ends(&Err(end));
        begin().loses(&request).asks(&exists("/d/n"), Err(UNSENT_ENDED)).ends(&Err(end));
        // A session that is closed may leave its nodes for a while.
        let closed = Error::MaybeApplied(Why::Ended(Ended::Closed));
        begin().asks(&request, Err(closed)).ends(&Err(closed));

        let mut script = begin();
        script.loses(&request);
        script.retrying.session(SESSION);
        assert_eq!(script.asked(), exists("/d/n"));
        script.retrying.session(SessionId::new(8));
        script.ends(&Err(end));
    }
    // What is in no doubt goes on in the next session.
    let request = create("/d/n", CreateMode::Persistent);
    let mut script = knowing(RetryOptions::default(), request.clone());
    script.asks(&request, Err(UNSENT));
    script.retrying.session(SessionId::new(8));
    let made = answer(Reply::Create(Created { path: path("/d/n") }));
    script.asks(&request, made.clone()).ends(&made);
}

#[test]
fn data_is_not_shown() {
    let canary: Request =
        SetData { path: path("/d"), data: Some(Bytes::from_static(b"canary")), version: Version::ANY }.into();
    let mut script = knowing(RetryOptions::default(), canary);
    let next = script.retrying.next(script.now);
    let shown = format!("{:?} {next:?}", script.retrying);
    assert!(!shown.contains("canary"), "{shown}");
}
