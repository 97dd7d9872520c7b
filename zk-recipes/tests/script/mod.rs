//! A script of what happens to one lock and what it does then, in virtual time.
//!
//! A node is written `T1:3`: the name made from the first token that the machine used, with the sequence number 3. A call is
//! written as its verb and its node, with `!` if it sets a watch. Answers go to the newest call.
#![allow(dead_code, reason = "each test uses a part of the script")]
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail by panicking")]

use std::collections::VecDeque;
use std::time::Duration;

use zk_recipes::hold::{Command, Deadline, Event, Grant, Wish};
use zk_recipes::{Layout, Lock, Runner};
use zk_session::proto::ops::{Created, CreatedNode, NodeChildren, NodeData, Synced};
use zk_session::{
    Answer, CallId, CallOptions, Calls, Code, Ended, Error, EventKind, Instant, Notice, Path, Refusal,
    Refused, Reply, Request, SessionId, SessionState, Stat, WatchEvent, Why, Zxid,
};

pub(crate) struct Script {
    pub(crate) runner: Runner<Lock>,
    desk: Desk,
    now: Instant,
    session: SessionId,
}

#[derive(Default)]
struct Desk {
    log: VecDeque<String>,
    under_way: Vec<(CallId, String)>,
    watch: Option<CallId>,
    calls: u64,
    tokens: Vec<String>,
    refusal: Option<Refusal>,
}

pub(crate) const fn at(ms: u64) -> Instant {
    Instant::from_nanos(ms * 1_000_000)
}

impl Script {
    pub(crate) fn unconnected() -> Self {
        Self::with(Lock::new(Path::new("/lock").unwrap(), Layout::kazoo()))
    }

    pub(crate) fn with(lock: Lock) -> Self {
        Self {
            runner: Runner::new(lock, 7),
            desk: Desk::default(),
            now: Instant::default(),
            session: SessionId::new(1),
        }
    }

    /// A lock of a client that is linked.
    pub(crate) fn new() -> Self {
        let mut script = Self::unconnected();
        script.connected();
        script
    }

    /// In the queue, with the node `T1:5`, and about to rank it.
    pub(crate) fn ranking() -> Self {
        let mut script = Self::new();
        script.acquire(Deadline::Never);
        script.expect(&["create2 T1", "hold"]);
        script.created("T1:5", 50);
        script.expect(&["list"]);
        script
    }

    /// Behind `other__lock__0000000004`, and watching it.
    pub(crate) fn waiting() -> Self {
        let mut script = Self::ranking();
        script.listed(&["T1:5", "other__lock__0000000004"]);
        script.expect(&["get! other__lock__0000000004", "Queued { ahead: 1 }"]);
        script.got_data();
        script.expect(&[]);
        script
    }

    /// Holding by the node `T1:5`, and watching it.
    pub(crate) fn held() -> Self {
        let mut script = Self::ranking();
        script.listed(&["T1:5"]);
        script.expect(&["exists! T1:5", "acquired T1:5 50/1"]);
        script.exists(1, 50);
        script.expect(&[]);
        script
    }

    /// The guard has died with the lease.
    pub(crate) fn doubtful() -> Self {
        let mut script = Self::held();
        script.suspended();
        script.expect(&["Suspended { valid_until: 9s }"]);
        script.lease_expired();
        script.expect(&["Lost { fence: 0x32, cause: LeaseExpired }"]);
        script
    }

    pub(crate) fn acquire(&mut self, deadline: Deadline) {
        self.command(Command::Acquire(Wish { identifier: "me".into(), deadline }));
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.runner.command(command, self.now, &mut self.desk);
        self.note_events();
    }

    // Answers of the server.

    pub(crate) fn created(&mut self, node: &str, zxid: i64) {
        let stat = Stat { czxid: Zxid::new(zxid), ephemeral_owner: self.session, ..Stat::default() };
        let path = self.path(node);
        self.reply(Reply::Create2(CreatedNode { path, stat }));
    }

    /// The answer of a server that does not know `create2`, or to the create of a parent.
    pub(crate) fn created_plainly(&mut self, node: &str) {
        let path = self.path(node);
        self.reply(Reply::Create(Created { path }));
    }

    pub(crate) fn listed(&mut self, nodes: &[&str]) {
        let children = nodes.iter().map(|node| self.path(node).name().to_owned()).collect();
        self.reply(Reply::GetChildren2(NodeChildren { children, stat: Stat::default() }));
    }

    pub(crate) fn got_data(&mut self) {
        self.reply(Reply::GetData(NodeData { data: None, stat: Stat::default() }));
    }

    pub(crate) fn exists(&mut self, owner: i64, czxid: i64) {
        let (ephemeral_owner, czxid) = (SessionId::new(owner), Zxid::new(czxid));
        self.reply(Reply::Exists(Stat { ephemeral_owner, czxid, ..Stat::default() }));
    }

    pub(crate) fn synced(&mut self) {
        let path = Path::new("/lock").unwrap();
        self.reply(Reply::Sync(Synced { path }));
    }

    pub(crate) fn deleted(&mut self) {
        self.reply(Reply::Delete(()));
    }

    pub(crate) fn refused(&mut self, code: Code) {
        self.complete(Err(Error::Server(code)));
    }

    pub(crate) fn unsent(&mut self) {
        self.complete(Err(Error::NotSent(Why::ConnectionLost)));
    }

    pub(crate) fn unknown(&mut self) {
        self.complete(Err(Error::MaybeApplied(Why::ConnectionLost)));
    }

    /// The call ends with its session.
    pub(crate) fn over(&mut self) {
        self.complete(Err(Error::MaybeApplied(Why::Ended(Ended::Expired))));
    }

    /// The next answer is for this call, not for the newest.
    pub(crate) fn for_call(&mut self, line: &str) -> &mut Self {
        let found = self.desk.under_way.iter().position(|(_, text)| text == line);
        let call = self.desk.under_way.remove(found.unwrap_or_else(|| panic!("{line} is not under way")));
        self.desk.under_way.push(call);
        self
    }

    pub(crate) fn fires(&mut self, kind: EventKind, node: &str) {
        let call = self.desk.watch.take().expect("no watch is set");
        let event = WatchEvent { kind, path: self.path(node) };
        self.runner.notified(call, Notice::Fired(event), self.now, &mut self.desk);
        self.note_events();
    }

    // States of the session.

    pub(crate) fn connected(&mut self) {
        self.state(SessionState::Connected {
            session: self.session,
            timeout: Duration::from_secs(10),
            resumed: false,
        });
    }

    pub(crate) fn renewed(&mut self) {
        self.session = SessionId::new(self.session.raw() + 1);
        self.connected();
    }

    pub(crate) fn resumed(&mut self) {
        let session = self.session;
        self.state(SessionState::Connected { session, timeout: Duration::from_secs(10), resumed: true });
    }

    pub(crate) fn suspended(&mut self) {
        self.state(SessionState::Suspended { valid_until: at(9_000) });
    }

    pub(crate) fn lease_expired(&mut self) {
        self.state(SessionState::LeaseExpired);
    }

    pub(crate) fn expired(&mut self) {
        self.state(SessionState::Ended(Ended::Expired));
    }

    pub(crate) fn closed(&mut self) {
        self.state(SessionState::Ended(Ended::Closed));
    }

    fn state(&mut self, state: SessionState) {
        if let SessionState::Ended(_) = state {
            self.desk.under_way.clear();
            self.desk.watch = None;
        }
        self.runner.state(state, self.now, &mut self.desk);
        self.note_events();
    }

    /// Time passes until the runner's timer; returns how long it took, in ms.
    pub(crate) fn until_timer(&mut self) -> u128 {
        let due = self.runner.poll_timeout().expect("no timer is set");
        let passed = due.since(self.now).as_millis();
        self.now = due;
        self.runner.timeout(self.now, &mut self.desk);
        self.note_events();
        passed
    }

    /// Time passes until then.
    pub(crate) fn until(&mut self, ms: u64) {
        self.now = at(ms);
        self.runner.timeout(self.now, &mut self.desk);
        self.note_events();
    }

    /// Whether the engine takes calls.
    pub(crate) fn engine(&mut self, refusal: Option<Refusal>) {
        self.desk.refusal = refusal;
    }

    /// Exactly this was done and told since the last look.
    #[track_caller]
    pub(crate) fn expect(&mut self, lines: &[&str]) {
        assert_eq!(self.take(), lines);
    }

    /// What was done and told since the last look.
    pub(crate) fn take(&mut self) -> Vec<String> {
        self.desk.log.drain(..).collect()
    }

    /// Nothing is left: no node, no watch, no call, no timer, and nothing more comes.
    #[track_caller]
    pub(crate) fn ends(&mut self) {
        self.expect(&[]);
        assert!(self.runner.is_idle(), "not idle: {:?}", self.runner.recipe());
        assert_eq!(self.runner.poll_timeout(), None);
        assert_eq!(self.desk.watch, None, "a watch is left");
        assert_eq!(self.desk.under_way, [], "calls are left");
    }

    /// The calls under way.
    pub(crate) fn under_way(&self) -> Vec<&str> {
        self.desk.under_way.iter().map(|(_, line)| line.as_str()).collect()
    }

    fn reply(&mut self, reply: Reply) {
        self.complete(Ok(Answer { zxid: Zxid::ZERO, reply }));
    }

    fn complete(&mut self, result: Result<Answer, Error>) {
        let (call, line) = self.desk.under_way.pop().expect("no call is under way");
        let missing = matches!(result, Err(Error::Server(Code::NoNode)));
        if line.contains('!') && (result.is_ok() || missing && line.starts_with("exists")) {
            self.desk.watch = Some(call);
        }
        self.runner.completed(call, result, self.now, &mut self.desk);
        self.note_events();
    }

    fn note_events(&mut self) {
        while let Some(event) = self.runner.poll_event() {
            let line = match event {
                Event::Acquired(grant) => self.grant("acquired", &grant),
                Event::Regained(grant) => self.grant("regained", &grant),
                other => format!("{other:?}"),
            };
            self.desk.log.push_back(line);
        }
    }

    fn grant(&self, what: &str, grant: &Grant) -> String {
        format!("{what} {} {}/{}", self.desk.node(&grant.path), grant.fence.raw(), grant.term)
    }

    fn path(&self, node: &str) -> Path {
        let directory = Path::new("/lock").unwrap();
        if node.starts_with('/') {
            return Path::new(node).unwrap();
        }
        let own = node.strip_prefix('T').and_then(|rest| rest.split_once(':'));
        let Some((token, sequence)) = own else { return directory.join(node).unwrap() };
        let token = &self.desk.tokens[token.parse::<usize>().unwrap() - 1];
        let sequence: i64 = sequence.parse().unwrap();
        directory.join(&format!("{token}__lock__{sequence:010}")).unwrap()
    }
}

impl Desk {
    /// A path as scripts write it.
    fn node(&self, path: &Path) -> String {
        let name = path.as_str().strip_prefix("/lock/").unwrap_or(path.as_str());
        for (number, token) in self.tokens.iter().enumerate() {
            if let Some(sequence) = name.strip_prefix(token).and_then(|rest| rest.strip_prefix("__lock__")) {
                return match sequence.parse::<i64>() {
                    Ok(sequence) => format!("T{}:{sequence}", number + 1),
                    Err(_) => format!("T{}", number + 1),
                };
            }
        }
        name.into()
    }

    fn line(&mut self, request: &Request) -> String {
        let (verb, watch) = match request {
            Request::Create(_) => ("create", false),
            Request::Create2(_) => ("create2", false),
            Request::Delete(_) => ("delete", false),
            Request::Exists(exists) => ("exists", exists.watch),
            Request::GetData(get) => ("get", get.watch),
            Request::GetChildren2(list) => ("list", list.watch),
            Request::Sync(_) => ("sync", false),
            other => panic!("a lock does not send {other:?}"),
        };
        let path = request.path().expect("each of them has a path");
        if let Some(token) = path.name().strip_suffix("__lock__")
            && !self.tokens.iter().any(|known| known == token)
        {
            self.tokens.push(token.into());
        }
        let watch = if watch { "!" } else { "" };
        let node = match path.as_str() {
            "/lock" if matches!(verb, "list" | "sync") => String::new(),
            _ => format!(" {}", self.node(path)),
        };
        format!("{verb}{watch}{node}")
    }
}

impl Calls for Desk {
    fn submit(&mut self, request: Request, _: CallOptions, _: Instant) -> Result<CallId, Refused> {
        if let Some(why) = self.refusal {
            return Err(Refused { request: Box::new(request), why });
        }
        let line = self.line(&request);
        let call = CallId::new(self.calls);
        self.calls += 1;
        self.log.push_back(line.clone());
        self.under_way.push((call, line));
        Ok(call)
    }

    fn unwatch(&mut self, call: CallId) {
        if self.watch == Some(call) {
            self.watch = None;
            self.log.push_back("unwatch".into());
        }
    }

    fn hold(&mut self, more: bool, _: Instant) {
        self.log.push_back(if more { "hold" } else { "let go" }.into());
    }
}
