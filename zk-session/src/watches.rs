//! The one-shot watches of a session: who waits for what, in the server's paths.
//!
//! The server keeps watches per connection; this registry outlives connections and says what to restore on the next one.
//! It does not deliver anything: it answers who is to be told.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

use zk_proto::{Code, EventKind, Path, Wire, Zxid, ops};

use crate::words::{CallId, Request};

/// Most bytes of paths in one frame that restores watches: far below the server's limit of 1 MiB, as in the official
/// client (ZOOKEEPER-706: one frame for all never gets through above the limit).
const RESTORE_LENGTH_MAX: usize = 128 * 1024;

/// What a watch waits for, by the read that set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Set on a node that is there, by `exists` or `getData`.
    Data,
    /// Set by `exists` on a node that is not there.
    Exist,
    /// Set by `getChildren` or `getChildren2`.
    Child,
}

/// The watch that a request asks for, before its reply tells which kind it is.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    kind: Kind,
    /// Whether the watch is set even if the node is missing.
    or_missing: bool,
    path: Path,
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
        } else {
            return None;
        };
        Some(Self { kind, or_missing, path: path.clone() })
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

    /// The watch that the server has set, given its answer.
    pub(crate) fn armed(self, error: Option<Code>) -> Option<(Kind, Path)> {
        match error {
            None => Some((self.kind, self.path)),
            Some(Code::NoNode) if self.or_missing => Some((Kind::Exist, self.path)),
            Some(_) => None,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Watches {
    table: BTreeMap<(Kind, Path), Vec<CallId>>,
    owners: BTreeMap<CallId, (Kind, Path)>,
}

impl Watches {
    pub(crate) fn add(&mut self, owner: CallId, kind: Kind, path: Path) {
        self.table.entry((kind, path.clone())).or_default().push(owner);
        self.owners.insert(owner, (kind, path));
    }

    /// Forgets the watch of `owner`. The server keeps its own until it fires; that event then finds nobody.
    pub(crate) fn remove(&mut self, owner: CallId) {
        let Some(key) = self.owners.remove(&owner) else { return };
        let Some(sharers) = self.table.get_mut(&key) else { return };
        sharers.retain(|sharer| *sharer != owner);
        if sharers.is_empty() {
            self.table.remove(&key);
        }
    }

    /// Takes out the owners of the watches that this event fires, in the order in which they were set within a kind.
    pub(crate) fn fire(&mut self, event: EventKind, path: &Path) -> Vec<CallId> {
        let kinds: &[Kind] = match event {
            EventKind::NodeCreated | EventKind::NodeDataChanged => &[Kind::Exist, Kind::Data],
            EventKind::NodeChildrenChanged => &[Kind::Child],
            EventKind::NodeDeleted => &[Kind::Exist, Kind::Data, Kind::Child],
            _ => &[],
        };
        let mut fired = Vec::new();
        for kind in kinds {
            fired.extend(self.table.remove(&(*kind, path.clone())).into_iter().flatten());
        }
        for owner in &fired {
            self.owners.remove(owner);
        }
        fired
    }

    /// Takes out all owners, in the order of their calls: the session has ended.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = CallId> + use<> {
        self.table.clear();
        mem::take(&mut self.owners).into_keys()
    }

    pub(crate) fn len(&self) -> usize {
        self.owners.len()
    }

    /// The requests that restore all watches on a new connection, each short enough for one frame. What has changed since
    /// `relative_zxid` fires at once.
    pub(crate) fn restore(&self, relative_zxid: Zxid) -> Vec<ops::SetWatches> {
        let empty =
            || ops::SetWatches { relative_zxid, data: Vec::new(), exist: Vec::new(), child: Vec::new() };
        let mut requests = Vec::new();
        let mut current = empty();
        let mut length = 0;
        for (kind, path) in self.table.keys() {
            if length + path.encoded_len() > RESTORE_LENGTH_MAX {
                requests.push(mem::replace(&mut current, empty()));
                length = 0;
            }
            length += path.encoded_len();
            let list = match kind {
                Kind::Data => &mut current.data,
                Kind::Exist => &mut current.exist,
                Kind::Child => &mut current.child,
            };
            list.push(path.clone());
        }
        if length > 0 {
            requests.push(current);
        }
        requests
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use super::*;

    fn path(text: &str) -> Path {
        Path::new(text).expect("a path of the test")
    }

    fn call(number: u64) -> CallId {
        CallId::new(number)
    }

    #[test]
    fn an_event_fires_the_watches_of_its_kinds_once() {
        let rows = [
            (EventKind::NodeCreated, vec![2, 1]),
            (EventKind::NodeDataChanged, vec![2, 1]),
            (EventKind::NodeChildrenChanged, vec![3]),
            (EventKind::NodeDeleted, vec![2, 1, 3]),
            (EventKind::Unknown(99), vec![]),
        ];
        for (event, expected) in rows {
            let mut watches = Watches::default();
            watches.add(call(1), Kind::Data, path("/a"));
            watches.add(call(2), Kind::Exist, path("/a"));
            watches.add(call(3), Kind::Child, path("/a"));
            watches.add(call(4), Kind::Data, path("/b"));
            let fired: Vec<_> = watches.fire(event, &path("/a")).into_iter().map(CallId::number).collect();
            assert_eq!(fired, expected, "{event:?}");
            assert_eq!(watches.fire(event, &path("/a")), [], "{event:?} again");
            assert_eq!(watches.len(), 4 - expected.len());
        }
    }

    #[test]
    fn a_shared_watch_stays_until_its_last_owner_leaves() {
        let mut watches = Watches::default();
        watches.add(call(1), Kind::Data, path("/a"));
        watches.add(call(2), Kind::Data, path("/a"));
        watches.remove(call(1));
        assert_eq!(watches.restore(Zxid::new(5)).len(), 1);
        watches.remove(call(2));
        watches.remove(call(2));
        assert_eq!(watches.restore(Zxid::new(5)), []);
    }

    #[test]
    fn restoring_stays_below_the_frame_limit_and_loses_no_path() {
        let mut watches = Watches::default();
        for number in 0..10_000 {
            watches.add(call(number), Kind::Data, path(&format!("/{number:0>50}")));
            watches.add(call(10_000 + number), Kind::Child, path(&format!("/{number:0>50}")));
        }
        let requests = watches.restore(Zxid::new(9));
        assert!(requests.len() > 5);
        assert!(requests.iter().all(|request| request.encoded_len() <= RESTORE_LENGTH_MAX + 64));
        assert_eq!(requests.iter().map(|request| request.data.len()).sum::<usize>(), 10_000);
        assert_eq!(requests.iter().map(|request| request.child.len()).sum::<usize>(), 10_000);
        assert!(requests.iter().all(|request| request.relative_zxid == Zxid::new(9)));
    }
}
