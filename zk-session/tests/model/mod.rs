//! A small model of how servers watch for one connection, before 3.9 and since, and what a watch is for.
#![allow(unreachable_pub, reason = "it is shared like a library")]

use std::collections::{BTreeMap, BTreeSet};

use zk_session::ops::{Request, SetWatches2, WatchKind};
use zk_session::{CallId, EventKind};

use EventKind::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

/// Something that has happened to a node.
pub type Fact = (EventKind, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Data,
    Exist,
    Child,
    Persistent,
    Recursive,
}

impl Kind {
    pub fn lasts(self) -> bool {
        matches!(self, Self::Persistent | Self::Recursive)
    }
}

/// A watch as whoever set it sees it.
#[derive(Clone, Debug)]
pub struct Watch {
    pub call: CallId,
    pub kind: Kind,
    pub path: String,
}

impl Watch {
    pub fn concerns(&self, (kind, at): &Fact) -> bool {
        let here = *at == self.path;
        match self.kind {
            Kind::Data | Kind::Exist => here && *kind != NodeChildrenChanged,
            Kind::Child => here && matches!(kind, NodeChildrenChanged | NodeDeleted),
            Kind::Persistent => here,
            Kind::Recursive => *kind != NodeChildrenChanged && ancestors(at).any(|above| above == self.path),
        }
    }
}

pub fn is_watch(request: &Request) -> bool {
    if let Request::GetData(read) = request {
        return read.watch;
    }
    if let Request::GetChildren2(list) = request {
        return list.watch;
    }
    matches!(request, Request::Exists(look) if look.watch)
}

/// The node itself and all above it.
fn ancestors(at: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(at), |at| match at.rsplit_once('/') {
        _ if *at == "/" => None,
        Some(("", _)) => Some("/"),
        Some((above, _)) => Some(above),
        None => None,
    })
}

fn parent(at: &str) -> &str {
    ancestors(at).nth(1).unwrap_or("/")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    Once,
    Persistent,
    Recursive,
}

/// One of the two tables of a server. Before 3.9 the last mode on a path replaces the one before.
#[derive(Debug, Default)]
struct Table {
    modern: bool,
    modes: BTreeMap<String, BTreeSet<Mode>>,
}

impl Table {
    fn add(&mut self, at: &str, mode: Mode) {
        let modes = self.modes.entry(at.into()).or_default();
        if !self.modern {
            modes.clear();
        }
        modes.insert(mode);
    }

    fn remove(&mut self, at: &str, once_only: bool) -> bool {
        let Some(modes) = self.modes.get_mut(at) else { return false };
        let before = modes.len();
        modes.retain(|mode| once_only && *mode != Mode::Once);
        let removed = modes.len() < before;
        self.modes.retain(|_, modes| !modes.is_empty());
        removed
    }

    /// Whether the connection is told.
    fn trigger(&mut self, kind: EventKind, at: &str) -> bool {
        let mut told = false;
        for above in ancestors(at) {
            let Some(modes) = self.modes.get_mut(above) else { continue };
            told |= modes.contains(&Mode::Recursive) && kind != NodeChildrenChanged;
            if above == at {
                told |= modes.contains(&Mode::Persistent);
                told |= modes.remove(&Mode::Once);
            }
        }
        self.modes.retain(|_, modes| !modes.is_empty());
        told
    }
}

#[derive(Debug)]
pub struct Server {
    modern: bool,
    data: Table,
    child: Table,
    /// When each node was changed last, and when its children were.
    pub nodes: BTreeMap<String, (i64, i64)>,
    pub zxid: i64,
    /// What each call has watched.
    pub memory: BTreeMap<CallId, Watch>,
}

impl Server {
    pub fn new(modern: bool) -> Self {
        let nodes = BTreeMap::from([("/".to_owned(), (0, 0))]);
        let mut server = Self {
            modern,
            data: Table::default(),
            child: Table::default(),
            nodes,
            zxid: 1,
            memory: BTreeMap::new(),
        };
        server.unlinked();
        server
    }

    pub fn unlinked(&mut self) {
        self.data = Table { modern: self.modern, ..Table::default() };
        self.child = Table { modern: self.modern, ..Table::default() };
    }

    pub fn is_bare(&self) -> bool {
        self.data.modes.is_empty() && self.child.modes.is_empty()
    }

    /// Creates the node, or sets or deletes it: what has happened, and which events the connection gets.
    pub fn change(&mut self, at: &str, choice: u64) -> Option<(Vec<Fact>, Vec<Fact>)> {
        let above = parent(at).to_owned();
        let is_leaf = !self.nodes.keys().any(|node| node != at && ancestors(node).any(|above| above == at));
        let mut events = Vec::new();
        let facts = if !self.nodes.contains_key(at) {
            if !self.nodes.contains_key(&above) {
                return None;
            }
            self.zxid += 1;
            self.nodes.insert(at.into(), (self.zxid, self.zxid));
            vec![(NodeCreated, at.to_owned()), (NodeChildrenChanged, above)]
        } else if choice.is_multiple_of(2) || at == "/" || !is_leaf {
            self.zxid += 1;
            self.nodes.get_mut(at)?.0 = self.zxid;
            vec![(NodeDataChanged, at.to_owned())]
        } else {
            self.zxid += 1;
            self.nodes.remove(at);
            vec![(NodeDeleted, at.to_owned()), (NodeChildrenChanged, above)]
        };
        for (kind, node) in &facts {
            let told = match kind {
                NodeChildrenChanged => {
                    self.nodes.get_mut(node)?.1 = self.zxid;
                    self.child.trigger(*kind, node)
                }
                NodeDeleted => self.data.trigger(*kind, node) | self.child.trigger(*kind, node),
                NodeCreated | NodeDataChanged | EventKind::Unknown(_) => self.data.trigger(*kind, node),
            };
            events.extend(told.then(|| (*kind, node.clone())));
        }
        Some((facts, events))
    }

    pub fn add_once(&mut self, at: &str, kind: Kind) {
        let table = if kind == Kind::Child { &mut self.child } else { &mut self.data };
        table.add(at, Mode::Once);
    }

    pub fn add_lasting(&mut self, at: &str, is_recursive: bool) {
        let mode = if is_recursive { Mode::Recursive } else { Mode::Persistent };
        self.data.add(at, mode);
        self.child.add(at, mode);
    }

    /// Whether there was such a watch. Before 3.9 a watch that lasts is removed by halves.
    pub fn remove(&mut self, at: &str, kind: WatchKind) -> bool {
        let once_only = self.modern && kind != WatchKind::Any;
        let data = kind != WatchKind::Children && self.data.remove(at, once_only);
        let child = kind != WatchKind::Data && self.child.remove(at, once_only);
        data | child
    }

    /// What a new connection that knows of all up to `since` is told of a one-shot watch; it is not set then.
    pub fn missed(&self, watch: &Watch, since: i64) -> Option<EventKind> {
        let node = self.nodes.get(&watch.path);
        match (watch.kind, node) {
            (Kind::Data | Kind::Child, None) => Some(NodeDeleted),
            (Kind::Data, Some((changed, _))) => (*changed > since).then_some(NodeDataChanged),
            (Kind::Child, Some((_, changed))) => (*changed > since).then_some(NodeChildrenChanged),
            (Kind::Exist, Some(_)) => Some(NodeCreated),
            (Kind::Exist, None) | (Kind::Persistent | Kind::Recursive, _) => None,
        }
    }

    /// Sets watches on a new connection; the events that the client has missed.
    pub fn restore(&mut self, lists: &SetWatches2) -> Vec<Fact> {
        let since = lists.relative_zxid.raw();
        let mut events = Vec::new();
        for (kind, list) in
            [(Kind::Data, &lists.data), (Kind::Exist, &lists.exist), (Kind::Child, &lists.child)]
        {
            for at in list {
                let watch = Watch { call: CallId::new(0), kind, path: at.as_str().into() };
                match self.missed(&watch, since) {
                    Some(event) => events.push((event, watch.path)),
                    None => self.add_once(&watch.path, kind),
                }
            }
        }
        for (is_recursive, list) in [(false, &lists.persistent), (true, &lists.recursive)] {
            for at in list {
                self.add_lasting(at.as_str(), is_recursive);
            }
        }
        events
    }
}
