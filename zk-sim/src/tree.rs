//! The tree of nodes and the sessions that own some of them: what a server keeps, and what all servers agree on.
//!
//! It checks no permission and no version: what may happen is decided in `apply`, which alone changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::acl::{self, Acl, Id};
use crate::node::{Family, Node};
use crate::path::{self, CONFIG, ROOT, canonical, is_within};
use crate::{Kind, Millis, Quirks, SessionId, Zxid};

/// Everything that is replicated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
    sessions: BTreeMap<SessionId, Owner>,
    applied: Zxid,
}

/// What belongs to a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Owner {
    timeout_ms: u32,
    ephemerals: BTreeSet<String>,
}

/// How to take back one change.
#[derive(Debug)]
pub(crate) enum Undo {
    Create { path: String, parent: Family },
    Delete { path: String, node: Box<Node>, parent: Family },
    SetData { path: String, data: Option<Arc<[u8]>>, modified: Zxid, at: Millis, version: i32 },
    Replace { path: String, data: Option<Arc<[u8]>> },
}

impl Tree {
    /// The tree of a server that was never used: its root and its own nodes.
    #[must_use]
    pub fn new(quirks: &Quirks) -> Self {
        let mut tree = Self { nodes: BTreeMap::new(), sessions: BTreeMap::new(), applied: Zxid(0) };
        tree.nodes.insert(ROOT.into(), Node::system(Acl::open()));
        for path in path::SYSTEM {
            if path == CONFIG && !quirks.has_config_node {
                continue;
            }
            let readable = vec![Acl { perms: acl::READ, id: Id::new("world", "anyone") }];
            let mut node = Node::system(if path == CONFIG { readable } else { Acl::open() });
            node.acl_version = if path == CONFIG { CONFIG_ACL_VERSION } else { 0 };
            tree.link(path).insert(name_of(path));
            tree.nodes.insert(path.into(), node);
        }
        tree
    }

    /// The node at `path`; an empty path is the root.
    #[must_use]
    pub fn node(&self, path: &str) -> Option<&Node> {
        self.nodes.get(canonical(path))
    }

    /// The nodes below `path` with their paths, ordered by path. The root is below nothing.
    pub(crate) fn below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a Node)> {
        let from = self.nodes.range::<str, _>((Bound::Excluded(path), Bound::Unbounded));
        from.map(|(below, node)| (&**below, node))
            .take_while(move |(below, _)| below.starts_with(path))
            .filter(move |(below, _)| is_within(below, path))
    }

    /// All nodes with their paths, ordered by path.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (&**path, node))
    }

    /// How many nodes there are, the root and the server's own among them.
    #[must_use]
    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    /// How many nodes are below `path`. The empty path counts the root, too, as servers do.
    #[must_use]
    pub fn descendants(&self, path: &str) -> usize {
        let below = |other: &&String| match path {
            ROOT => *other != ROOT,
            "" => true,
            _ => *other != path && is_within(other, path),
        };
        self.nodes.keys().filter(below).count()
    }

    /// The sessions that live, with their timeouts in milliseconds.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, u32)> {
        self.sessions.iter().map(|(session, owner)| (*session, owner.timeout_ms))
    }

    /// The negotiated timeout of a session, if there is such a session.
    #[must_use]
    pub fn session_timeout_ms(&self, session: SessionId) -> Option<u32> {
        self.sessions.get(&session).map(|owner| owner.timeout_ms)
    }

    /// The ephemeral nodes of a session, ordered by path.
    pub fn ephemerals(&self, session: SessionId) -> impl Iterator<Item = &str> {
        self.sessions.get(&session).into_iter().flat_map(|owner| owner.ephemerals.iter().map(String::as_str))
    }

    /// The last transaction that was applied.
    #[must_use]
    pub const fn applied(&self) -> Zxid {
        self.applied
    }

    /// The nodes that the server's own job is to delete, ordered by path.
    #[must_use]
    pub fn reapable(&self, now: Millis) -> Vec<String> {
        let due = self.nodes.iter().filter(|(_, node)| node.is_reapable(now));
        due.map(|(path, _)| path.clone()).collect()
    }

    pub(crate) const fn reached(&mut self, zxid: Zxid) {
        self.applied = zxid;
    }

    pub(crate) fn open_session(&mut self, session: SessionId, timeout_ms: u32) {
        self.sessions.entry(session).or_default().timeout_ms = timeout_ms;
    }

    /// Forgets the session and returns the paths of its nodes, which are still there.
    pub(crate) fn close_session(&mut self, session: SessionId) -> BTreeSet<String> {
        self.sessions.remove(&session).map(|owner| owner.ephemerals).unwrap_or_default()
    }

    /// Puts a node under a parent that is there.
    pub(crate) fn create(&mut self, path: &str, node: Node) -> Undo {
        let zxid = node.created;
        if let Kind::Ephemeral(session) = node.kind {
            self.sessions.entry(session).or_default().ephemerals.insert(path.into());
        }
        self.nodes.insert(path.into(), node);
        self.link(path).insert(name_of(path));
        let creates = self.family(path).creates.wrapping_add(1);
        let parent = std::mem::replace(self.family(path), Family { creates, changed: zxid });
        Undo::Create { path: path.into(), parent }
    }

    /// Takes a node without children away.
    pub(crate) fn delete(&mut self, path: &str, zxid: Zxid) -> Option<Undo> {
        let node = self.unlink(path)?;
        let family = self.family(path);
        let parent = std::mem::replace(family, Family { changed: zxid, ..*family });
        Some(Undo::Delete { path: path.into(), node: Box::new(node), parent })
    }

    pub(crate) fn set_data(
        &mut self,
        path: &str,
        data: Option<Arc<[u8]>>,
        zxid: Zxid,
        at: Millis,
    ) -> Option<Undo> {
        let node = self.nodes.get_mut(canonical(path))?;
        let undo = Undo::SetData {
            path: path.into(),
            data: std::mem::replace(&mut node.data, data),
            modified: std::mem::replace(&mut node.modified, zxid),
            at: std::mem::replace(&mut node.modified_at, at),
            version: node.version,
        };
        node.version = node.version.wrapping_add(1);
        Some(undo)
    }

    /// Puts other data in the place of a node's, as if it had always been there.
    pub(crate) fn replace_data(&mut self, path: &str, data: Vec<u8>) -> Option<Undo> {
        let node = self.nodes.get_mut(path)?;
        let data = node.data.replace(data.into());
        Some(Undo::Replace { path: path.into(), data })
    }

    pub(crate) fn set_acl(&mut self, path: &str, acl: Vec<Acl>) {
        if let Some(node) = self.nodes.get_mut(canonical(path)) {
            node.acl = acl.into();
            node.acl_version = node.acl_version.wrapping_add(1);
        }
    }

    /// Takes a change back. The changes after it have been taken back before.
    pub(crate) fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Create { path, parent } => {
                self.unlink(&path);
                *self.family(&path) = parent;
            }
            Undo::Delete { path, node, parent } => {
                self.create(&path, *node);
                *self.family(&path) = parent;
            }
            Undo::Replace { path, data } => {
                if let Some(node) = self.nodes.get_mut(&path) {
                    node.data = data;
                }
            }
            Undo::SetData { path, data, modified, at, version } => {
                if let Some(node) = self.nodes.get_mut(canonical(&path)) {
                    (node.data, node.modified, node.modified_at, node.version) =
                        (data, modified, at, version);
                }
            }
        }
    }

    fn unlink(&mut self, path: &str) -> Option<Node> {
        let node = self.nodes.remove(path)?;
        if let Kind::Ephemeral(session) = node.kind
            && let Some(owner) = self.sessions.get_mut(&session)
        {
            owner.ephemerals.remove(path);
        }
        self.link(path).remove(&name_of(path));
        Some(node)
    }

    fn link(&mut self, path: &str) -> &mut BTreeSet<String> {
        &mut self.parent(path).children
    }

    fn family(&mut self, path: &str) -> &mut Family {
        &mut self.parent(path).family
    }

    fn parent(&mut self, path: &str) -> &mut Node {
        let (parent, _) = path::split(path).expect("a node's path has a `/`");
        self.nodes.get_mut(parent).expect("a node's parent is there")
    }
}

/// The version that servers give the ACL of their configuration when they make it.
const CONFIG_ACL_VERSION: i32 = -1;

fn name_of(path: &str) -> String {
    path::split(path).map(|(_, name)| name.to_owned()).unwrap_or_default()
}

/// The path that a sequential create makes of the one that was asked for.
pub(crate) fn sequential(path: &str, number: i32) -> String {
    format!("{path}{number:010}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(kind: Kind, zxid: i64) -> Node {
        Node::fresh(None, Acl::open().into(), kind, Zxid(zxid), Millis(1))
    }

    #[test]
    fn a_fresh_tree_has_the_nodes_of_the_server() {
        let tree = Tree::new(&Quirks::default());
        assert_eq!(
            tree.nodes().map(|(path, _)| path).collect::<Vec<_>>(),
            ["/", "/zookeeper", CONFIG, "/zookeeper/quota"]
        );
        let root = tree.node("").unwrap().stat();
        assert_eq!((root.cversion, root.num_children, root.pzxid), (-1, 1, Zxid(0)));
        assert_eq!(tree.node("/zookeeper").unwrap().stat().cversion, -2);
        let old = Tree::new(&Quirks::of(crate::Version::V3_4));
        assert!(old.node(CONFIG).is_none());
    }

    #[test]
    fn what_is_undone_was_never_done() {
        let mut tree = Tree::new(&Quirks::default());
        tree.open_session(SessionId(1), 1000);
        tree.create("/a", node(Kind::Persistent, 1));
        tree.create("/a/e", node(Kind::Ephemeral(SessionId(1)), 2));
        let before = tree.clone();
        let undos = [
            tree.create("/a/b", node(Kind::Ephemeral(SessionId(1)), 3)),
            tree.delete("/a/e", Zxid(3)).unwrap(),
            tree.set_data("/a", Some([1].into()), Zxid(3), Millis(9)).unwrap(),
            tree.delete("/a/b", Zxid(3)).unwrap(),
        ];
        assert_ne!(tree, before);
        for undo in undos.into_iter().rev() {
            tree.undo(undo);
        }
        assert_eq!(tree, before);
    }

    #[test]
    fn descendants_are_not_those_that_begin_alike() {
        let mut tree = Tree::new(&Quirks::default());
        for path in ["/a", "/ab", "/a/b", "/a/b/c"] {
            tree.create(path, node(Kind::Persistent, 1));
        }
        assert_eq!(["/a", "/a/b", "/ab", "/", ""].map(|path| tree.descendants(path)), [2, 1, 0, 7, 8]);
    }

    #[test]
    fn suffixes_have_ten_digits_and_wrap() {
        assert_eq!(sequential("/a/n-", 7), "/a/n-0000000007");
        assert_eq!(sequential("/a/", i32::MAX), "/a/2147483647");
        assert_eq!(sequential("/n", i32::MIN), "/n-2147483648");
        assert_eq!(sequential("/n", -1), "/n-000000001");
    }
}
