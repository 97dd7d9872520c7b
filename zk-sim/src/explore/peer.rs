//! One client: its machine, its user, its link, and what is on the way.
//!
//! It does what a session does for a recipe, with queues in place of bytes: it names calls, remembers watches and tells of
//! the end of links. It decides nothing about when something happens.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::time::Duration;

use zk_recipes::{Recipe, Runner};
use zk_session::{
    CallId, CallOptions, Calls, Code, EventKind, Instant, Path, Refused, Reply, Request, SessionId,
    SessionState, WatchEvent,
};

use super::spec::Spec;
use crate::Tree;
use crate::Zxid;

/// One client of a [`World`](super::World).
#[derive(Debug)]
pub struct Peer<S: Spec + ?Sized> {
    pub(super) runner: Runner<S::Recipe>,
    pub(super) user: S::User,
    pub(super) session: SessionId,
    pub(super) link: Link,
    /// Whether the lease has run out.
    pub(super) lapsed: bool,
    pub(super) sent: VecDeque<Sent>,
    /// What the server has written, in the order of the wire.
    pub(super) wire: VecDeque<Letter>,
    pub(super) watches: BTreeMap<CallId, Watch>,
    /// How many rely on the session's life.
    pub(super) holders: u32,
    /// Sessions that it has given up and the servers have not ended.
    pub(super) ghosts: Vec<SessionId>,
}

/// How a peer is linked to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Link {
    Live,
    /// The process stood still, and the proof that its session lives is on the way.
    Doubtful,
    Cut,
    /// Linked again; that the session is resumed is on the wire.
    Proving,
    /// The servers have ended the session; what was written before is still on the wire.
    Doomed,
    /// The session is over, and no other has begun.
    Gone,
}

/// A request that no server has seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sent {
    Call(CallId, Request),
    /// Asks for a sign that the session lives.
    Proof,
}

/// Something that a server has written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Letter {
    /// An answer, and the watch that the server has set by it.
    Reply(CallId, Result<Reply, Code>, Option<Watch>),
    Event(WatchEvent),
    Resumed,
    Expired,
}

/// A watch as the client knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Watch {
    pub(super) watching: Watching,
    pub(super) path: Path,
    /// Without a link: the last transaction of which it would have told.
    pub(super) seen: Option<Zxid>,
}

/// What a watch waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Watching {
    /// A node that was there.
    Data,
    /// A node that was not there.
    Exist,
    /// The children of a node.
    Children,
}

impl<S: Spec + ?Sized> Clone for Peer<S> {
    fn clone(&self) -> Self {
        Self {
            runner: self.runner.clone(),
            user: self.user.clone(),
            sent: self.sent.clone(),
            wire: self.wire.clone(),
            watches: self.watches.clone(),
            ghosts: self.ghosts.clone(),
            ..*self
        }
    }
}

impl<S: Spec + ?Sized> Hash for Peer<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.runner, &self.user, self.session, self.link, self.lapsed).hash(state);
        (&self.sent, &self.wire, &self.watches, self.holders, &self.ghosts).hash(state);
    }
}

impl<S: Spec + ?Sized> Peer<S> {
    pub(super) fn new(spec: &S, peer: usize) -> Self {
        Self {
            runner: Runner::new(spec.recipe(peer), peer as u64 + 1),
            user: spec.user(peer),
            session: SessionId::new((peer as i64 + 1) << SESSION_SHIFT),
            link: Link::Live,
            lapsed: false,
            sent: VecDeque::new(),
            wire: VecDeque::new(),
            watches: BTreeMap::new(),
            holders: 0,
            ghosts: Vec::new(),
        }
    }

    /// Its machine in its runner.
    #[must_use]
    pub const fn runner(&self) -> &Runner<S::Recipe> {
        &self.runner
    }

    /// Its user.
    #[must_use]
    pub const fn user(&self) -> &S::User {
        &self.user
    }

    /// Its session; the last one if none is open.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Whether it may rely on its session: it has one, and the lease has not run out.
    #[must_use]
    pub const fn has_lease(&self) -> bool {
        !self.lapsed && !matches!(self.link, Link::Gone)
    }

    /// What it watches.
    pub fn watches(&self) -> impl ExactSizeIterator<Item = (Watching, &Path)> {
        self.watches.values().map(|watch| (watch.watching, &watch.path))
    }

    /// The requests under way that no server has seen.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.sent.iter().filter_map(|sent| match sent {
            Sent::Call(_, request) => Some(request),
            Sent::Proof => None,
        })
    }

    pub(super) const fn connected(&self, resumed: bool) -> SessionState {
        SessionState::Connected { session: self.session, timeout: TIMEOUT, resumed }
    }

    /// Takes the name of the next session.
    pub(super) fn renew(&mut self) {
        self.session = SessionId::new(self.session.raw() + 1);
        self.link = Link::Live;
        self.lapsed = false;
    }

    /// Lets the machine take a step; the requests it makes are queued.
    pub(super) fn run(&mut self, act: impl FnOnce(&mut Runner<S::Recipe>, &mut dyn Calls)) {
        let Self { runner, sent, wire, watches, holders, .. } = self;
        act(runner, &mut Port { sent, wire, watches, holders });
    }

    /// Its oldest news that was not told.
    pub(super) fn poll_event(&mut self) -> Option<<S::Recipe as Recipe>::Event> {
        self.runner.poll_event()
    }

    /// An event comes from the server. One that would find nobody is not worth a letter.
    pub(super) fn post(&mut self, event: WatchEvent) {
        let coming = self.wire.iter().filter_map(|letter| match letter {
            Letter::Reply(_, _, watch) => watch.as_ref(),
            Letter::Event(_) | Letter::Resumed | Letter::Expired => None,
        });
        if self.watches.values().chain(coming).any(|watch| watch.hears(&event)) {
            self.wire.push_back(Letter::Event(event));
        }
    }

    /// Takes out the calls whose watches the event fires.
    pub(super) fn fire(&mut self, event: &WatchEvent) -> Vec<CallId> {
        let heard = self.watches.iter().filter(|(_, watch)| watch.hears(event));
        let calls: Vec<CallId> = heard.map(|(call, _)| *call).collect();
        for call in &calls {
            self.watches.remove(call);
        }
        calls
    }

    /// The watches lose their connection: from `applied` on they must catch up, and with the events that are lost.
    pub(super) fn suspend_watches(&mut self, lost: &[WatchEvent], applied: Zxid) {
        for watch in self.watches.values_mut() {
            let missed = lost.iter().any(|event| watch.hears(event));
            watch.seen.get_or_insert(if missed { Zxid(0) } else { applied });
        }
    }
}

impl Sent {
    /// The call, if it is one.
    pub(super) fn call(self) -> Option<CallId> {
        match self {
            Self::Call(call, _) => Some(call),
            Self::Proof => None,
        }
    }
}

impl Watch {
    /// The watch that a request leaves on the server, answered in this way.
    pub(super) fn left(request: &Request, result: &Result<Reply, Code>) -> Option<Self> {
        let (mut watching, path) = if let Request::Exists(exists) = request {
            (exists.watch.then_some(Watching::Data), &exists.path)
        } else if let Request::GetData(get) = request {
            (get.watch.then_some(Watching::Data), &get.path)
        } else if let Request::GetChildren2(list) = request {
            (list.watch.then_some(Watching::Children), &list.path)
        } else if let Request::GetChildren(list) = request {
            (list.watch.then_some(Watching::Children), &list.path)
        } else {
            return None;
        };
        if result.is_err() {
            let missing = *result == Err(Code::NoNode) && matches!(request, Request::Exists(_));
            watching = watching.filter(|_| missing).map(|_| Watching::Exist);
        }
        Some(Self { watching: watching?, path: path.clone(), seen: None })
    }

    fn hears(&self, event: &WatchEvent) -> bool {
        let kinds: &[EventKind] = match self.watching {
            Watching::Data | Watching::Exist => {
                &[EventKind::NodeCreated, EventKind::NodeDataChanged, EventKind::NodeDeleted]
            }
            Watching::Children => &[EventKind::NodeChildrenChanged, EventKind::NodeDeleted],
        };
        kinds.contains(&event.kind) && event.path == self.path
    }

    /// What a server tells at once when the watch is restored; if nothing, it is set again.
    pub(super) fn catch_up(&self, tree: &Tree) -> Option<EventKind> {
        let node = tree.node(self.path.as_str());
        let seen = self.seen.unwrap_or_default();
        match (self.watching, node) {
            (Watching::Exist, None) => None,
            (Watching::Exist, Some(_)) => Some(EventKind::NodeCreated),
            (Watching::Data | Watching::Children, None) => Some(EventKind::NodeDeleted),
            (Watching::Data, Some(node)) => (node.modified > seen).then_some(EventKind::NodeDataChanged),
            (Watching::Children, Some(node)) => {
                (node.family.changed > seen).then_some(EventKind::NodeChildrenChanged)
            }
        }
    }
}

/// The calls of one peer while its machine steps.
struct Port<'a> {
    sent: &'a mut VecDeque<Sent>,
    wire: &'a mut VecDeque<Letter>,
    watches: &'a mut BTreeMap<CallId, Watch>,
    holders: &'a mut u32,
}

impl Port<'_> {
    fn is_taken(&self, call: CallId) -> bool {
        self.watches.contains_key(&call)
            || self.sent.iter().any(|sent| matches!(sent, Sent::Call(own, _) if *own == call))
            || self.wire.iter().any(|letter| matches!(letter, Letter::Reply(own, ..) if *own == call))
    }
}

impl Calls for Port<'_> {
    /// The call gets the lowest number that is free, so that histories that come to the same make the same state.
    fn submit(&mut self, request: Request, _: CallOptions, _: Instant) -> Result<CallId, Refused> {
        let free = (0..).map(CallId::new).find(|call| !self.is_taken(*call));
        let call = free.expect("numbers do not end");
        self.sent.push_back(Sent::Call(call, request));
        Ok(call)
    }

    /// A server keeps a watch that was set; its event finds nobody.
    fn unwatch(&mut self, call: CallId) {
        self.watches.remove(&call);
        for sent in &mut *self.sent {
            if let Sent::Call(own, request) = sent
                && *own == call
            {
                clear_watch(request);
            }
        }
        for letter in &mut *self.wire {
            if let Letter::Reply(own, _, watch) = letter
                && *own == call
            {
                *watch = None;
            }
        }
    }

    fn hold(&mut self, more: bool, _: Instant) {
        *self.holders = if more { *self.holders + 1 } else { self.holders.saturating_sub(1) };
    }
}

/// A watch that was given up before its request was served might as well not be asked for.
fn clear_watch(request: &mut Request) {
    if let Request::Exists(exists) = request {
        exists.watch = false;
    } else if let Request::GetData(get) = request {
        get.watch = false;
    } else if let Request::GetChildren2(list) = request {
        list.watch = false;
    } else if let Request::GetChildren(list) = request {
        list.watch = false;
    }
}

/// The sessions of a peer are numbered within this many bits.
const SESSION_SHIFT: u32 = 8;
/// As negotiated; no time passes, so that it does not matter.
const TIMEOUT: Duration = Duration::from_secs(10);
