//! A model of a server with one directory, and of two or more clients with a lock each.
//!
//! Everything that is under way is a queue, so a test decides what happens next. The whole is one value that can be cloned,
//! compared and hashed. It does not model lagging servers: each client sees what was committed.
#![allow(dead_code, reason = "each test uses a part of the model")]
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail by panicking")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use zk_recipes::hold::{Cause, Command, Deadline, Event, Wish};
use zk_recipes::{Layout, Lock, Runner};
use zk_session::ops::{Create2, GetChildren2};
use zk_session::proto::ops::{Created, CreatedNode, NodeChildren, NodeData, Synced};
use zk_session::{
    Answer, CallId, CallOptions, Calls, Children, Code, Ended, Error, EventKind, Instant, Notice, Path,
    Refused, Reply, Request, SessionId, SessionState, Stat, WatchEvent, Why, Zxid,
};

pub(crate) const DIRECTORY: &str = "/lock";

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) clients: Vec<Client>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Server {
    pub(crate) nodes: BTreeMap<Path, Node>,
    sequence: i32,
    zxid: i64,
    watches: BTreeSet<(Kind, Path, usize, CallId)>,
    pub(crate) quirks: Quirks,
}

/// What is special about a server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Quirks {
    /// It is too old for `create2`.
    pub(crate) no_create2: bool,
    /// Nobody may read the nodes of contenders.
    pub(crate) no_reading: bool,
    /// It applies the first sequential create twice.
    pub(crate) creates_twice: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Node {
    pub(crate) czxid: Zxid,
    pub(crate) owner: SessionId,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Kind {
    /// Set by `exists` and `getData`.
    Node,
    Child,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Client {
    pub(crate) runner: Runner<Lock>,
    pub(crate) session: SessionId,
    pub(crate) link: Link,
    pub(crate) user: User,
    /// Requests that no server has seen.
    pub(crate) sent: VecDeque<(CallId, Request)>,
    /// What the server has written, in the order of the wire.
    pub(crate) wire: VecDeque<Letter>,
    unwatched: Vec<CallId>,
    renewals: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Link {
    Linked,
    /// Linked, and the proof of life is on the wire; whether the lease has run out.
    Proving {
        lapsed: bool,
    },
    Cut,
    /// Cut, and the lease has run out.
    CutAndLapsed,
    /// The servers have ended the session; what was written before is still on the wire.
    Doomed,
    /// The session is over, and no other has begun.
    Gone,
}

/// What the user knows.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum User {
    Idle,
    Waiting,
    Holding { fence: Zxid, term: u32 },
    Doubting { fence: Zxid },
    Reclaiming { fence: Zxid },
    Leaving,
    Done(Vec<Event>),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Letter {
    Reply(CallId, Result<(i64, Reply), Code>),
    Event(CallId, WatchEvent),
    Resumed,
    Expired,
}

/// The calls of one client while its machine steps.
struct Port<'a> {
    sent: &'a mut VecDeque<(CallId, Request)>,
    unwatched: &'a mut Vec<CallId>,
    taken: BTreeSet<CallId>,
}

impl Calls for Port<'_> {
    fn submit(&mut self, request: Request, _: CallOptions, _: Instant) -> Result<CallId, Refused> {
        // The lowest free number, so that histories that come to the same make the same state.
        let call =
            (0..).map(CallId::new).find(|call| !self.taken.contains(call)).expect("numbers do not end");
        self.taken.insert(call);
        self.sent.push_back((call, request));
        Ok(call)
    }

    fn unwatch(&mut self, call: CallId) {
        self.unwatched.push(call);
    }

    fn hold(&mut self, _: bool, _: Instant) {}
}

impl World {
    pub(crate) fn new(clients: usize) -> Self {
        let mut server = Server::default();
        server.insert(Path::new(DIRECTORY).unwrap(), SessionId::NONE);
        let mut world = Self { server, clients: (0..clients).map(Client::new).collect() };
        for client in 0..clients {
            let state = world.clients[client].connected(false);
            world.state(client, state);
        }
        world
    }

    pub(crate) fn acquire(&mut self, client: usize) {
        self.clients[client].user = User::Waiting;
        let wish = Wish { identifier: String::new(), deadline: Deadline::Never };
        self.command(client, Command::Acquire(wish));
    }

    pub(crate) fn command(&mut self, client: usize, command: Command) {
        self.run(client, |runner, port| runner.command(command, Instant::default(), port));
    }

    pub(crate) fn tick(&mut self, client: usize) {
        if let Some(at) = self.clients[client].runner.poll_timeout() {
            self.run(client, |runner, port| runner.timeout(at, port));
        }
    }

    pub(crate) fn state(&mut self, client: usize, state: SessionState) {
        self.run(client, |runner, port| runner.state(state, Instant::default(), port));
    }

    /// The server takes the oldest request of a client.
    pub(crate) fn serve(&mut self, client: usize) -> Option<Request> {
        let (call, request) = self.clients[client].sent.pop_front()?;
        let session = self.clients[client].session;
        let mut events = Vec::new();
        let result = self.server.apply(client, session, call, &request, &mut events);
        self.post(events);
        self.clients[client].wire.push_back(Letter::Reply(call, result));
        Some(request)
    }

    /// A client reads the oldest letter on its wire.
    pub(crate) fn deliver(&mut self, client: usize) {
        let now = Instant::default();
        match self.clients[client].wire.pop_front() {
            Some(Letter::Reply(call, result)) => {
                let result = match result {
                    Ok((zxid, reply)) => Ok(Answer { zxid: Zxid::new(zxid), reply }),
                    Err(code) => Err(Error::Server(code)),
                };
                self.run(client, |runner, port| runner.completed(call, result, now, port));
            }
            Some(Letter::Event(call, event)) => {
                self.run(client, |runner, port| runner.notified(call, Notice::Fired(event), now, port));
            }
            Some(Letter::Resumed) => {
                self.clients[client].link = Link::Linked;
                let state = self.clients[client].connected(true);
                self.state(client, state);
            }
            Some(Letter::Expired) => self.expire(client),
            None => {}
        }
    }

    /// The link is lost. Requests that no server has taken fail as `fate` says; replies on the wire are lost; watches stand,
    /// and their events come at the resumption, unless the reply that would have told of the watch is lost.
    pub(crate) fn cut(&mut self, client: usize, fate: fn(Why) -> Error) {
        let wire = std::mem::take(&mut self.clients[client].wire);
        let sent = std::mem::take(&mut self.clients[client].sent);
        let mut failed = Vec::new();
        for letter in wire {
            match letter {
                Letter::Reply(call, _) => failed.push((call, Error::MaybeApplied(Why::ConnectionLost))),
                Letter::Event(..) => self.clients[client].wire.push_back(letter),
                Letter::Resumed | Letter::Expired => {}
            }
        }
        for (call, _) in &failed {
            self.server.forget(client, *call);
            let lost = |letter: &Letter| matches!(letter, Letter::Event(own, _) if own == call);
            self.clients[client].wire.retain(|letter| !lost(letter));
        }
        failed.extend(sent.into_iter().map(|(call, _)| (call, fate(Why::ConnectionLost))));
        let before = self.clients[client].link;
        let lapsed = before == Link::Proving { lapsed: true };
        self.clients[client].link = if lapsed { Link::CutAndLapsed } else { Link::Cut };
        for (call, error) in failed {
            self.run(client, |runner, port| runner.completed(call, Err(error), Instant::default(), port));
        }
        if before == Link::Linked {
            self.state(client, SessionState::Suspended { valid_until: Instant::from_nanos(1) });
        }
    }

    /// The lease runs out: without a link, or because the process was paused.
    pub(crate) fn lapse(&mut self, client: usize) {
        match self.clients[client].link {
            Link::Linked => {
                self.clients[client].link = Link::Proving { lapsed: true };
                self.state(client, SessionState::LeaseExpired);
                self.clients[client].wire.push_back(Letter::Resumed);
            }
            Link::Cut => {
                self.clients[client].link = Link::CutAndLapsed;
                self.state(client, SessionState::LeaseExpired);
            }
            Link::Proving { .. } | Link::CutAndLapsed | Link::Doomed | Link::Gone => {}
        }
    }

    /// A link is found again: what was missed comes first.
    pub(crate) fn resume(&mut self, client: usize) {
        self.clients[client].wire.push_back(Letter::Resumed);
        let lapsed = self.clients[client].link == Link::CutAndLapsed;
        self.clients[client].link = Link::Proving { lapsed };
    }

    /// The servers end the session of a paused process, which goes on reading what was written before.
    pub(crate) fn doom(&mut self, client: usize) {
        self.reap(client);
        let state = &mut self.clients[client];
        state.link = Link::Doomed;
        state.wire.retain(|letter| *letter != Letter::Resumed);
        state.wire.push_back(Letter::Expired);
    }

    /// The session expires, and the client hears of it.
    pub(crate) fn expire(&mut self, client: usize) {
        self.reap(client);
        let state = &mut self.clients[client];
        state.link = Link::Gone;
        state.wire.clear();
        let failed = std::mem::take(&mut state.sent);
        for (call, _) in failed {
            let error = Error::NotSent(Why::Ended(Ended::Expired));
            self.run(client, |runner, port| runner.completed(call, Err(error), Instant::default(), port));
        }
        self.state(client, SessionState::Ended(Ended::Expired));
    }

    fn reap(&mut self, client: usize) {
        self.server.watches.retain(|(_, _, owner, _)| *owner != client);
        let session = self.clients[client].session;
        let nodes = self.server.nodes.iter();
        let gone: Vec<Path> =
            nodes.filter(|(_, node)| node.owner == session).map(|(path, _)| path.clone()).collect();
        for path in gone {
            self.delete(&path);
        }
    }

    /// A new session begins.
    pub(crate) fn renew(&mut self, client: usize) {
        let state = &mut self.clients[client];
        state.renewals += 1;
        state.session = SessionId::new((client as i64 + 1) * 256 + state.renewals);
        state.link = Link::Linked;
        let state = state.connected(false);
        self.state(client, state);
    }

    /// A node is deleted by somebody else.
    pub(crate) fn delete(&mut self, path: &Path) {
        let mut events = Vec::new();
        self.server.zxid += 1;
        self.server.remove(path, &mut events);
        self.post(events);
    }

    /// The nodes of a client's session.
    pub(crate) fn nodes(&self, client: usize) -> Vec<&Path> {
        let session = self.clients[client].session;
        self.server.nodes.iter().filter(|(_, node)| node.owner == session).map(|(path, _)| path).collect()
    }

    pub(crate) fn watches(&self, client: usize) -> usize {
        self.server.watches.iter().filter(|(_, _, owner, _)| *owner == client).count()
    }

    pub(crate) fn stands(&self, fence: Zxid) -> bool {
        self.server.nodes.values().any(|node| node.czxid == fence)
    }

    /// Lets everything that is under way arrive, the clients in order, until nothing more is; counts the requests.
    pub(crate) fn settle(&mut self) -> Vec<(usize, Request)> {
        let mut served = Vec::new();
        loop {
            let Some(client) = (0..self.clients.len()).find(|client| {
                let client = &self.clients[*client];
                client.is_linked() && !(client.sent.is_empty() && client.wire.is_empty())
            }) else {
                return served;
            };
            if self.clients[client].wire.is_empty() {
                served.extend(self.serve(client).map(|request| (client, request)));
            } else {
                self.deliver(client);
            }
        }
    }

    /// The next thing happens to a client, if there is any.
    pub(crate) fn step(&mut self, client: usize) -> bool {
        if !self.clients[client].wire.is_empty() {
            self.deliver(client);
        } else if self.serve(client).is_none() {
            return false;
        }
        true
    }

    fn post(&mut self, events: Vec<(usize, CallId, WatchEvent)>) {
        for (client, call, event) in events {
            self.clients[client].wire.push_back(Letter::Event(call, event));
        }
    }

    fn run(&mut self, client: usize, act: impl FnOnce(&mut Runner<Lock>, &mut dyn Calls)) {
        let taken =
            self.server.watches.iter().filter(|(_, _, owner, _)| *owner == client).map(|watch| watch.3);
        let mut taken: BTreeSet<CallId> = taken.collect();
        let state = &mut self.clients[client];
        taken.extend(state.sent.iter().map(|(call, _)| *call));
        taken.extend(state.wire.iter().filter_map(Letter::call));
        let mut port = Port { sent: &mut state.sent, unwatched: &mut state.unwatched, taken };
        act(&mut state.runner, &mut port);
        for call in std::mem::take(&mut state.unwatched) {
            self.server.forget(client, call);
            state.wire.retain(|letter| !matches!(letter, Letter::Event(own, _) if *own == call));
            // A request that was not served yet must not set its watch.
            for (own, request) in &mut state.sent {
                if *own == call {
                    unwatched(request);
                }
            }
        }
        while let Some(event) = state.runner.poll_event() {
            state.user.hear(event);
        }
    }
}

impl Client {
    fn new(number: usize) -> Self {
        let lock = Lock::new(Path::new(DIRECTORY).unwrap(), Layout::kazoo());
        Self {
            runner: Runner::new(lock, number as u64 + 1),
            session: SessionId::new((number as i64 + 1) * 256),
            link: Link::Linked,
            user: User::Idle,
            sent: VecDeque::new(),
            wire: VecDeque::new(),
            unwatched: Vec::new(),
            renewals: 0,
        }
    }

    pub(crate) const fn is_linked(&self) -> bool {
        matches!(self.link, Link::Linked | Link::Proving { .. } | Link::Doomed)
    }

    fn connected(&self, resumed: bool) -> SessionState {
        SessionState::Connected { session: self.session, timeout: Duration::from_secs(10), resumed }
    }
}

impl User {
    fn hear(&mut self, event: Event) {
        let next = match &event {
            Event::Queued { .. } | Event::Requeued | Event::Suspended { .. } | Event::Resumed => return,
            Event::Acquired(grant) | Event::Regained(grant) => {
                Self::Holding { fence: grant.fence, term: grant.term }
            }
            Event::Lost { fence, cause: Cause::LeaseExpired } => Self::Doubting { fence: *fence },
            other => {
                if let Self::Done(events) = self {
                    events.push(other.clone());
                    return;
                }
                Self::Done(vec![event])
            }
        };
        *self = next;
    }

    /// The fence of a guard that the user takes for valid.
    pub(crate) const fn guard(&self) -> Option<Zxid> {
        match self {
            Self::Holding { fence, .. } => Some(*fence),
            _ => None,
        }
    }
}

impl Letter {
    const fn call(&self) -> Option<CallId> {
        match self {
            Self::Reply(call, _) | Self::Event(call, _) => Some(*call),
            Self::Resumed | Self::Expired => None,
        }
    }
}

type Answered = Result<(i64, Reply), Code>;
type Events = Vec<(usize, CallId, WatchEvent)>;

impl Server {
    fn apply(
        &mut self,
        client: usize,
        session: SessionId,
        call: CallId,
        request: &Request,
        events: &mut Events,
    ) -> Answered {
        let reply = match request {
            Request::Create2(_) if self.quirks.no_create2 => return Err(Code::Unimplemented),
            Request::Exists(_) | Request::GetData(_) if self.quirks.no_reading => {
                return Err(if self.stat(request.path().unwrap()).is_ok() {
                    Code::NoAuth
                } else {
                    Code::NoNode
                });
            }
            Request::Create2(Create2 { path, mode, .. }) => {
                let path = self.create(path, mode.is_sequential(), session, events)?;
                Reply::Create2(CreatedNode { stat: self.stat(&path)?, path })
            }
            Request::Create(create) => {
                let owner = if create.mode.is_ephemeral() { session } else { SessionId::NONE };
                let path = self.create(&create.path, create.mode.is_sequential(), owner, events)?;
                Reply::Create(Created { path })
            }
            Request::Delete(delete) => {
                self.stat(&delete.path)?;
                self.zxid += 1;
                self.remove(&delete.path, events);
                Reply::Delete(())
            }
            Request::Exists(exists) => {
                if exists.watch {
                    self.watches.insert((Kind::Node, exists.path.clone(), client, call));
                }
                Reply::Exists(self.stat(&exists.path)?)
            }
            Request::GetData(get) => {
                let stat = self.stat(&get.path)?;
                if get.watch {
                    self.watches.insert((Kind::Node, get.path.clone(), client, call));
                }
                Reply::GetData(NodeData { data: None, stat })
            }
            Request::GetChildren2(GetChildren2 { path, watch }) => {
                let stat = self.stat(path)?;
                if *watch {
                    self.watches.insert((Kind::Child, path.clone(), client, call));
                }
                let names = self.nodes.keys().filter(|child| child.parent().as_ref() == Some(path));
                let children: Children = names.map(Path::name).collect();
                Reply::GetChildren2(NodeChildren { children, stat })
            }
            Request::Sync(sync) => Reply::Sync(Synced { path: sync.path.clone() }),
            other => panic!("a lock does not send {other:?}"),
        };
        Ok((self.zxid, reply))
    }

    fn create(
        &mut self,
        path: &Path,
        sequential: bool,
        owner: SessionId,
        events: &mut Events,
    ) -> Result<Path, Code> {
        let parent = path.parent().ok_or(Code::NodeExists)?;
        if !parent.is_root() {
            self.stat(&parent)?;
        }
        let path = if sequential {
            let name = format!("{}{:010}", path.name(), self.sequence);
            self.sequence += 1;
            parent.join(&name).unwrap()
        } else {
            path.clone()
        };
        if self.nodes.contains_key(&path) {
            return Err(Code::NodeExists);
        }
        self.insert(path.clone(), owner);
        if sequential && std::mem::take(&mut self.quirks.creates_twice) {
            let name = path.name().trim_end_matches(|digit: char| digit.is_ascii_digit());
            self.create(&parent.join(name).unwrap(), true, owner, events)?;
        }
        self.fire(Kind::Node, &path, EventKind::NodeCreated, events);
        self.fire(Kind::Child, &parent, EventKind::NodeChildrenChanged, events);
        Ok(path)
    }

    pub(crate) fn insert(&mut self, path: Path, owner: SessionId) {
        self.zxid += 1;
        self.nodes.insert(path, Node { czxid: Zxid::new(self.zxid), owner });
    }

    fn remove(&mut self, path: &Path, events: &mut Events) {
        if self.nodes.remove(path).is_none() {
            return;
        }
        self.fire(Kind::Node, path, EventKind::NodeDeleted, events);
        self.fire(Kind::Child, path, EventKind::NodeDeleted, events);
        if let Some(parent) = path.parent() {
            self.fire(Kind::Child, &parent, EventKind::NodeChildrenChanged, events);
        }
    }

    fn fire(&mut self, kind: Kind, path: &Path, event: EventKind, events: &mut Events) {
        let fired: Vec<_> =
            self.watches.iter().filter(|(own, at, ..)| *own == kind && at == path).cloned().collect();
        for watch in fired {
            self.watches.remove(&watch);
            events.push((watch.2, watch.3, WatchEvent { kind: event, path: path.clone() }));
        }
    }

    fn forget(&mut self, client: usize, call: CallId) {
        self.watches.retain(|(_, _, owner, own)| (*owner, *own) != (client, call));
    }

    fn stat(&self, path: &Path) -> Result<Stat, Code> {
        let node = self.nodes.get(path).ok_or(Code::NoNode)?;
        Ok(Stat { czxid: node.czxid, ephemeral_owner: node.owner, ..Stat::default() })
    }
}

fn unwatched(request: &mut Request) {
    if let Request::Exists(exists) = request {
        exists.watch = false;
    }
    if let Request::GetData(get) = request {
        get.watch = false;
    }
    if let Request::GetChildren2(list) = request {
        list.watch = false;
    }
}
