//! Which connection waits for what: a server's own table, lost with the server, and a connection's part with it.
//!
//! It does not know who may be told; that is looked at when an event is sent.

use std::collections::{BTreeMap, BTreeSet};

use crate::path::ROOT;
use crate::quirks::Quirks;
use crate::request::Wanted;
use crate::txn::{Event, Trigger};
use crate::{Code, ConnId};

/// The watches of all connections of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Watches {
    data: Table,
    child: Table,
}

/// How long a watch lasts and how far it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Once,
    Persistent,
    Recursive,
}

/// What a connection has on a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) data: bool,
    pub(crate) children: bool,
    pub(crate) lasts: bool,
}

/// The modes that one connection has on one path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Modes {
    once: bool,
    persistent: bool,
    recursive: bool,
}

/// The watches of one kind, by path and connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Table {
    paths: BTreeMap<String, BTreeMap<ConnId, Modes>>,
    /// The same by connection, for its end.
    conns: BTreeMap<ConnId, BTreeSet<String>>,
}

impl Watches {
    pub(crate) fn watch_data(&mut self, path: &str, conn: ConnId, quirks: &Quirks) {
        self.data.add(path, conn, Mode::Once, quirks);
    }

    pub(crate) fn watch_children(&mut self, path: &str, conn: ConnId, quirks: &Quirks) {
        self.child.add(path, conn, Mode::Once, quirks);
    }

    pub(crate) fn watch_both(&mut self, path: &str, conn: ConnId, mode: Mode, quirks: &Quirks) {
        self.data.add(path, conn, mode, quirks);
        self.child.add(path, conn, mode, quirks);
    }

    /// Whether there is such a watch on exactly this path.
    ///
    /// # Errors
    ///
    /// [`Code::MarshallingError`] for a path on which some servers stumble.
    pub(crate) fn has(
        &self,
        path: &str,
        conn: ConnId,
        wanted: Wanted,
        quirks: &Quirks,
    ) -> Result<bool, Code> {
        let mut found = false;
        for table in self.tables(wanted).into_iter().flatten() {
            found |= if quirks.check_sees_others {
                table.is_watched(path)?
            } else {
                let modes = table.paths.get(path).and_then(|conns| conns.get(&conn));
                modes.is_some_and(|modes| modes.include(wanted))
            };
        }
        Ok(found)
    }

    /// Removes the watches that are meant, and tells whether there were any.
    pub(crate) fn remove(&mut self, path: &str, conn: ConnId, wanted: Wanted, quirks: &Quirks) -> bool {
        let [data, child] = self.tables(wanted).map(|table| table.is_some());
        let from_data = data && self.data.remove(path, conn, wanted, quirks);
        let from_child = child && self.child.remove(path, conn, wanted, quirks);
        from_data || from_child
    }

    /// The connections that are to hear of it, each once, in the order of their numbers. Watches that last only once are
    /// used up.
    pub(crate) fn fire(&mut self, trigger: &Trigger) -> BTreeSet<ConnId> {
        match trigger.event {
            Event::Created | Event::DataChanged => self.data.fire(trigger),
            Event::ChildrenChanged => self.child.fire(trigger),
            Event::Deleted => {
                let mut woken = self.data.fire(trigger);
                woken.append(&mut self.child.fire(trigger));
                woken
            }
        }
    }

    pub(crate) fn forget(&mut self, conn: ConnId) {
        self.data.forget(conn);
        self.child.forget(conn);
    }

    /// How many paths are watched by how many connections, a connection on two paths counted twice.
    pub(crate) fn count(&self) -> usize {
        [&self.data, &self.child].iter().flat_map(|table| table.conns.values()).map(BTreeSet::len).sum()
    }

    /// What a connection has, by path.
    pub(crate) fn of(&self, conn: ConnId) -> BTreeMap<&str, Held> {
        let mut held: BTreeMap<&str, Held> = BTreeMap::new();
        for (table, is_data) in [(&self.data, true), (&self.child, false)] {
            for path in table.conns.get(&conn).into_iter().flatten() {
                let modes =
                    table.paths.get(path).and_then(|conns| conns.get(&conn)).copied().unwrap_or_default();
                let held = held.entry(path).or_default();
                held.data |= is_data && modes.once;
                held.children |= !is_data && modes.once;
                held.lasts |= modes.persistent || modes.recursive;
            }
        }
        held
    }

    fn tables(&self, wanted: Wanted) -> [Option<&Table>; 2] {
        let data = wanted != Wanted::Children;
        let child = wanted != Wanted::Data;
        [data.then_some(&self.data), child.then_some(&self.child)]
    }
}

impl Table {
    fn add(&mut self, path: &str, conn: ConnId, mode: Mode, quirks: &Quirks) {
        let modes = self.paths.entry(path.into()).or_default().entry(conn).or_default();
        if !quirks.watches_mix {
            *modes = Modes::default();
        }
        match mode {
            Mode::Once => modes.once = true,
            Mode::Persistent => modes.persistent = true,
            Mode::Recursive => modes.recursive = true,
        }
        self.conns.entry(conn).or_default().insert(path.into());
    }

    /// Whether anybody watches the path. The server takes off one name after the other, up to the root if there is a
    /// recursive watch anywhere, and fails where there is no `/` to cut at (3.6 to 3.8).
    fn is_watched(&self, path: &str) -> Result<bool, Code> {
        let is_rooted = path.is_empty() || path.starts_with('/');
        if !is_rooted && !path.contains('/') {
            return Err(Code::MarshallingError);
        }
        let found = self.paths.contains_key(path) && !path.is_empty();
        let climbs = self.paths.values().flat_map(BTreeMap::values).any(|modes| modes.recursive);
        if !found && climbs && !is_rooted { Err(Code::MarshallingError) } else { Ok(found) }
    }

    fn remove(&mut self, path: &str, conn: ConnId, wanted: Wanted, quirks: &Quirks) -> bool {
        let Some(modes) = self.paths.get_mut(path).and_then(|conns| conns.get_mut(&conn)) else {
            return false;
        };
        let before = *modes;
        match wanted {
            Wanted::Data | Wanted::Children if quirks.watches_mix => modes.once = false,
            Wanted::Data | Wanted::Children | Wanted::Any => *modes = Modes::default(),
            Wanted::Persistent => modes.persistent = false,
            Wanted::Recursive => modes.recursive = false,
        }
        let (gone, changed) = (*modes == Modes::default(), *modes != before);
        if gone {
            self.drop_entry(path, conn);
        }
        changed
    }

    fn fire(&mut self, trigger: &Trigger) -> BTreeSet<ConnId> {
        let path = &*trigger.path;
        let mut woken = BTreeSet::new();
        let mut used_up = Vec::new();
        for (conn, modes) in self.paths.get_mut(path).into_iter().flatten() {
            if modes.hear(trigger.event) {
                woken.insert(*conn);
            }
            modes.once = false;
            if *modes == Modes::default() {
                used_up.push(*conn);
            }
        }
        for conn in used_up {
            self.drop_entry(path, conn);
        }
        if trigger.event != Event::ChildrenChanged {
            let above = ancestors(path).filter_map(|ancestor| self.paths.get(ancestor)).flatten();
            woken.extend(above.filter(|(_, modes)| modes.recursive).map(|(conn, _)| *conn));
        }
        woken
    }

    fn forget(&mut self, conn: ConnId) {
        for path in self.conns.remove(&conn).unwrap_or_default() {
            self.drop_entry(&path, conn);
        }
    }

    fn drop_entry(&mut self, path: &str, conn: ConnId) {
        if let Some(conns) = self.paths.get_mut(path) {
            conns.remove(&conn);
            if conns.is_empty() {
                self.paths.remove(path);
            }
        }
        if let Some(paths) = self.conns.get_mut(&conn) {
            paths.remove(path);
            if paths.is_empty() {
                self.conns.remove(&conn);
            }
        }
    }
}

impl Modes {
    /// Whether a watch on the very path of an event hears of it. A recursive one is told of the child itself instead.
    fn hear(self, event: Event) -> bool {
        self.once || self.persistent || (self.recursive && event != Event::ChildrenChanged)
    }

    const fn include(self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Data | Wanted::Children => self.once,
            Wanted::Any => true,
            Wanted::Persistent => self.persistent,
            Wanted::Recursive => self.recursive,
        }
    }
}

/// The paths above one, the root last; none above the root.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let cut = path.match_indices('/').map(|(at, _)| &path[..at.max(1)]);
    cut.filter(move |ancestor| *ancestor != path && path != ROOT)
}

#[cfg(test)]
mod tests;
