//! The watches of a session: who waits for what, in the server's paths.
//!
//! The server keeps watches per connection; this registry outlives connections, says what to restore on the next one, and
//! what the present server may forget. It does not deliver anything: it answers who is to be told.
//!
//! Two rules make it right on every release. A path with a persistent watch has no other on the server, since before 3.9 a
//! one-shot watch would take the persistent one's place (ZOOKEEPER-4466); the persistent one sees all that a one-shot
//! watch waits for. And a recursive watch stands in for a persistent one, because before 3.9 they cannot be side by side.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::mem;

use zk_proto::ops::AddWatchMode;
use zk_proto::{Code, EventKind, Path, ops};

use crate::words::{CallId, Request, WatchEvent};

mod restore;

/// What a watch waits for, by the request that set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Set on a node that is there, by `exists` or `getData`.
    Data,
    /// Set by `exists` on a node that is not there.
    Exist,
    /// Set by `getChildren` or `getChildren2`.
    Child,
    /// Set by `addWatch`.
    Persistent,
    /// Set by `addWatch`, for all that is below as well.
    Recursive,
}

impl Kind {
    const ONE_SHOT: [Self; 3] = [Self::Data, Self::Exist, Self::Child];
    const LASTING: [Self; 2] = [Self::Persistent, Self::Recursive];

    const fn lasts(self) -> bool {
        matches!(self, Self::Persistent | Self::Recursive)
    }
}

/// The watch that a request asks for, before its reply tells which kind it is.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) kind: Kind,
    /// Whether the watch is set even if the node is missing.
    or_missing: bool,
    pub(crate) path: Path,
    /// The kind that the server was asked for; `None` if another watch there serves this one.
    pub(crate) asked: Option<Kind>,
}

impl Wanted {
    /// The watch that `request` asks for.
    pub(crate) fn by(request: &Request) -> Option<Self> {
        let (kind, or_missing, path) = if let Request::Exists(ops::Exists { path, watch: true }) = request {
            (Kind::Data, true, path)
        } else if let Request::GetData(ops::GetData { path, watch: true }) = request {
            (Kind::Data, false, path)
        } else if let Request::GetChildren2(ops::GetChildren2 { path, watch: true }) = request {
            (Kind::Child, false, path)
        } else if let Request::GetChildren(ops::GetChildren { path, watch: true }) = request {
            (Kind::Child, false, path)
        } else if let Request::AddWatch(ops::AddWatch { path, mode }) = request {
            let kind = match mode {
                AddWatchMode::Persistent => Kind::Persistent,
                AddWatchMode::PersistentRecursive => Kind::Recursive,
                AddWatchMode::Unknown(_) => return None,
            };
            (kind, false, path)
        } else {
            return None;
        };
        Some(Self { kind, or_missing, path: path.clone(), asked: Some(kind) })
    }

    /// Asks for the same without a watch.
    pub(crate) const fn decline(request: &mut Request) {
        if let Request::Exists(ops::Exists { watch, .. })
        | Request::GetData(ops::GetData { watch, .. })
        | Request::GetChildren(ops::GetChildren { watch, .. })
        | Request::GetChildren2(ops::GetChildren2 { watch, .. }) = request
        {
            *watch = false;
        }
    }

    /// The kind of watch that the answer has set.
    pub(crate) const fn armed(&self, error: Option<Code>) -> Option<Kind> {
        match error {
            None => Some(self.kind),
            Some(Code::NoNode) if self.or_missing => Some(Kind::Exist),
            Some(_) => None,
        }
    }
}

/// What an answer to a call that wanted a watch has left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    /// The watch stands on the server, or another one there serves it.
    Served,
    /// Nothing on the server would fire it: it must be set on its own.
    Bare,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Watches {
    /// A watch without owners stands on the present server for nobody.
    table: BTreeMap<(Kind, Path), Vec<CallId>>,
    owners: BTreeMap<CallId, (Kind, Path)>,
    /// Paths for which calls are on their way that set watches, and how many.
    arming: BTreeMap<Path, Arming>,
    /// Paths on which the server has watches for nobody.
    idle: BTreeSet<Path>,
}

/// Watches that calls under way will set on one path.
#[derive(Clone, Debug, Default)]
struct Arming {
    one_shot: usize,
    persistent: usize,
    recursive: usize,
}

impl Watches {
    /// A call that wants a watch is about to be written: changes it to what the server is best asked for.
    pub(crate) fn asking(&mut self, wanted: &mut Wanted, request: &mut Request) {
        let arming = self.arming.entry(wanted.path.clone()).or_default();
        let stands = |kind| self.table.contains_key(&(kind, wanted.path.clone()));
        let recursive = arming.recursive > 0 || stands(Kind::Recursive);
        let persistent = arming.persistent > 0 || stands(Kind::Persistent);
        match wanted.kind {
            Kind::Data | Kind::Exist | Kind::Child if recursive || persistent => {
                Wanted::decline(request);
                wanted.asked = None;
            }
            Kind::Persistent if recursive => {
                if let Request::AddWatch(add) = request {
                    add.mode = AddWatchMode::PersistentRecursive;
                }
                wanted.asked = Some(Kind::Recursive);
            }
            Kind::Data | Kind::Exist | Kind::Child | Kind::Persistent | Kind::Recursive => {}
        }
        match wanted.asked {
            None | Some(Kind::Data | Kind::Exist | Kind::Child) => arming.one_shot += 1,
            Some(Kind::Persistent) => arming.persistent += 1,
            Some(Kind::Recursive) => arming.recursive += 1,
        }
    }

    /// The call is answered, with this error or none, and its owner waits or has left.
    pub(crate) fn answered(
        &mut self,
        wanted: &Wanted,
        error: Option<Code>,
        owner: Option<CallId>,
    ) -> Option<(Kind, Armed)> {
        self.asked_no_more(wanted);
        let kind = wanted.armed(error)?;
        let path = &wanted.path;
        // What the server has now, whoever wants it.
        match wanted.asked {
            Some(asked) if asked.lasts() => {
                self.table.entry((asked, path.clone())).or_default();
            }
            Some(_) => {
                self.table.entry((kind, path.clone())).or_default();
            }
            None => {}
        }
        match owner {
            Some(owner) => {
                self.table.entry((kind, path.clone())).or_default().push(owner);
                self.owners.insert(owner, (kind, path.clone()));
            }
            None => {
                self.idle.insert(path.clone());
            }
        }
        let bare = owner.is_some() && wanted.asked.is_none() && !self.has_lasting(path);
        Some((kind, if bare { Armed::Bare } else { Armed::Served }))
    }

    fn asked_no_more(&mut self, wanted: &Wanted) {
        let Some(arming) = self.arming.get_mut(&wanted.path) else { return };
        let count = match wanted.asked {
            None | Some(Kind::Data | Kind::Exist | Kind::Child) => &mut arming.one_shot,
            Some(Kind::Persistent) => &mut arming.persistent,
            Some(Kind::Recursive) => &mut arming.recursive,
        };
        *count = count.saturating_sub(1);
        if arming.one_shot + arming.persistent + arming.recursive == 0 {
            self.arming.remove(&wanted.path);
        }
    }

    /// The owner of a watch gives it up.
    pub(crate) fn remove(&mut self, owner: CallId) {
        let Some(key) = self.owners.remove(&owner) else { return };
        let Some(sharers) = self.table.get_mut(&key) else { return };
        sharers.retain(|sharer| *sharer != owner);
        if sharers.is_empty() {
            self.idle.insert(key.1);
        }
    }

    /// The next watch that the present server has for nobody, and that it can be asked to forget without taking another
    /// one away. It is forgotten here at once.
    pub(crate) fn forgettable(&mut self) -> Option<(Path, ops::WatchKind)> {
        loop {
            let path = self.idle.iter().find(|path| !self.arming.contains_key(*path))?.clone();
            let Some(kind) = self.forget(&path) else {
                self.idle.remove(&path);
                continue;
            };
            return Some((path, kind));
        }
    }

    fn forget(&mut self, path: &Path) -> Option<ops::WatchKind> {
        let key = |kind| (kind, path.clone());
        if self.has_lasting(path) {
            // To take the lasting watch away would take away the others before 3.9, whom it may serve besides.
            if self.is_wanted(path) {
                return None;
            }
            for kind in Kind::ONE_SHOT.into_iter().chain(Kind::LASTING) {
                self.table.remove(&key(kind));
            }
            return Some(ops::WatchKind::Any);
        }
        let unwanted = |kind: Kind| self.table.get(&key(kind)).is_some_and(Vec::is_empty);
        if unwanted(Kind::Child) {
            self.table.remove(&key(Kind::Child));
            return Some(ops::WatchKind::Children);
        }
        let data = [Kind::Data, Kind::Exist];
        if data.into_iter().any(unwanted) && !data.into_iter().any(|kind| self.is_owned(&key(kind))) {
            for kind in data {
                self.table.remove(&key(kind));
            }
            return Some(ops::WatchKind::Data);
        }
        None
    }

    fn is_owned(&self, key: &(Kind, Path)) -> bool {
        self.table.get(key).is_some_and(|owners| !owners.is_empty())
    }

    fn is_wanted(&self, path: &Path) -> bool {
        Kind::ONE_SHOT.into_iter().chain(Kind::LASTING).any(|kind| self.is_owned(&(kind, path.clone())))
    }

    fn has_lasting(&self, path: &Path) -> bool {
        Kind::LASTING.into_iter().any(|kind| self.table.contains_key(&(kind, path.clone())))
    }

    /// Who is to be told of this event, in this order. One-shot watches are taken out.
    pub(crate) fn fire(&mut self, event: EventKind, path: &Path) -> Fired {
        let mut fired = Fired::default();
        let kinds: &[Kind] = match event {
            EventKind::NodeCreated | EventKind::NodeDataChanged => &[Kind::Exist, Kind::Data],
            EventKind::NodeChildrenChanged => &[Kind::Child],
            EventKind::NodeDeleted => &[Kind::Exist, Kind::Data, Kind::Child],
            _ => return fired,
        };
        for kind in kinds {
            self.spend(*kind, event, path, &mut fired);
        }
        let has_recursive = self.stands(Kind::Recursive, path, &mut fired);
        // A recursive watch tells of children by their own names, see below.
        if !(has_recursive && event == EventKind::NodeChildrenChanged) {
            self.tell(Kind::Persistent, event, path, path, &mut fired);
        }
        if event != EventKind::NodeChildrenChanged {
            self.tell_above(event, path, &mut fired);
        }
        fired
    }

    /// Tells those who watch something above of what happened below.
    fn tell_above(&mut self, event: EventKind, path: &Path, fired: &mut Fired) {
        let parent = path.parent();
        if event != EventKind::NodeDataChanged
            && let Some(parent) = &parent
            && self.stands(Kind::Recursive, parent, fired)
        {
            self.spend(Kind::Child, EventKind::NodeChildrenChanged, parent, fired);
            self.tell(Kind::Persistent, EventKind::NodeChildrenChanged, parent, parent, fired);
        }
        let mut above = Some(path.clone());
        while let Some(ancestor) = above {
            self.tell(Kind::Recursive, event, &ancestor, path, fired);
            above = ancestor.parent();
        }
    }

    fn stands(&self, kind: Kind, path: &Path, fired: &mut Fired) -> bool {
        let stands = self.table.contains_key(&(kind, path.clone()));
        fired.expected |= stands;
        stands
    }

    fn tell(&self, kind: Kind, event: EventKind, at: &Path, path: &Path, fired: &mut Fired) {
        let Some(owners) = self.table.get(&(kind, at.clone())) else { return };
        fired.expected = true;
        let event = WatchEvent { kind: event, path: path.clone() };
        fired.told.extend(owners.iter().map(|owner| (*owner, event.clone())));
    }

    fn spend(&mut self, kind: Kind, event: EventKind, path: &Path, fired: &mut Fired) {
        let Some(owners) = self.table.remove(&(kind, path.clone())) else { return };
        fired.expected = true;
        if self.has_lasting(path) {
            // The lasting watch may have stayed for these alone.
            self.idle.insert(path.clone());
        }
        for owner in owners {
            self.owners.remove(&owner);
            fired.told.push((owner, WatchEvent { kind: event, path: path.clone() }));
        }
        // The lasting watch that served it may be nobody's.
        if self.has_lasting(path) {
            self.idle.insert(path.clone());
        }
    }

    /// The connection is gone, and with it all that its server had.
    pub(crate) fn unlinked(&mut self) {
        self.table.retain(|_, owners| !owners.is_empty());
        self.arming.clear();
        self.idle.clear();
    }

    /// Who has a watch that lasts, in the order of their calls: none of them is told of what happens without a link.
    pub(crate) fn lasting(&self) -> Vec<CallId> {
        self.owners.iter().filter(|(_, (kind, _))| kind.lasts()).map(|(owner, _)| *owner).collect()
    }

    /// Takes out all owners, in the order of their calls: the session has ended.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = CallId> + use<> {
        let owners = mem::take(self).owners;
        owners.into_keys()
    }

    pub(crate) fn len(&self) -> usize {
        self.owners.len()
    }
}

/// What an event comes to.
#[derive(Debug, Default)]
pub(crate) struct Fired {
    pub(crate) told: Vec<(CallId, WatchEvent)>,
    /// Whether there was a watch for it, be it nobody's.
    pub(crate) expected: bool,
}

#[cfg(test)]
mod tests;
