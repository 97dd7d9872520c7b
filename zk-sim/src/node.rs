//! One node and the stat that a client sees of it. It does not know its path.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::acl::Acl;
use crate::{Millis, SessionId, Zxid};

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// The data; null and empty are not the same.
    pub data: Option<Arc<[u8]>>,
    /// Who may do what.
    pub acl: Arc<[Acl]>,
    /// How long it lives.
    pub kind: Kind,
    /// The transaction that created it.
    pub created: Zxid,
    /// The one that last set its data.
    pub modified: Zxid,
    /// When it was created.
    pub created_at: Millis,
    /// When its data was last set.
    pub modified_at: Millis,
    /// How often the data was set.
    pub version: i32,
    /// How often the ACL was set.
    pub acl_version: i32,
    /// The names of its children.
    pub children: BTreeSet<String>,
    /// What was done to the children.
    pub family: Family,
}

/// What a node knows of its children's history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Family {
    /// How many children were ever created, which is the next number of a sequential one. It wraps.
    pub creates: i32,
    /// The transaction that last created or deleted one; at first that of the node.
    pub changed: Zxid,
}

/// How long a node lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Until it is deleted.
    Persistent,
    /// As long as a session.
    Ephemeral(SessionId),
    /// Until its last child is gone.
    Container,
    /// Until it has no children and its data has not been set for so many milliseconds.
    Ttl(u64),
}

/// What a client is told of a node, in the order of the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stat {
    /// The transaction that created the node.
    pub czxid: Zxid,
    /// The one that last set its data.
    pub mzxid: Zxid,
    /// When it was created.
    pub ctime: Millis,
    /// When its data was last set.
    pub mtime: Millis,
    /// How often the data was set.
    pub version: i32,
    /// How many children were created and deleted.
    pub cversion: i32,
    /// How often the ACL was set.
    pub aversion: i32,
    /// The session of an ephemeral node, 0 for all others.
    pub ephemeral_owner: SessionId,
    /// Bytes of the data.
    pub data_length: i32,
    /// How many children there are.
    pub num_children: i32,
    /// The transaction that last created or deleted a child.
    pub pzxid: Zxid,
}

impl Node {
    /// A node of the server's own, made by no transaction.
    pub(crate) fn system(acl: Vec<Acl>) -> Self {
        let acl = acl.into();
        Self { data: Some([].into()), ..Self::fresh(None, acl, Kind::Persistent, Zxid(0), Millis(0)) }
    }

    /// A node as a create makes it.
    pub(crate) fn fresh(
        data: Option<Arc<[u8]>>,
        acl: Arc<[Acl]>,
        kind: Kind,
        zxid: Zxid,
        at: Millis,
    ) -> Self {
        Self {
            data,
            acl,
            kind,
            created: zxid,
            modified: zxid,
            created_at: at,
            modified_at: at,
            version: 0,
            acl_version: 0,
            children: BTreeSet::new(),
            family: Family { creates: 0, changed: zxid },
        }
    }

    /// What a client is told of it.
    #[must_use]
    pub fn stat(&self) -> Stat {
        let count = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
        let num_children = count(self.children.len());
        let owner = if let Kind::Ephemeral(session) = self.kind { session } else { SessionId(0) };
        Stat {
            czxid: self.created,
            mzxid: self.modified,
            ctime: self.created_at,
            mtime: self.modified_at,
            version: self.version,
            cversion: self.family.creates.wrapping_mul(2).wrapping_sub(num_children),
            aversion: self.acl_version,
            ephemeral_owner: owner,
            data_length: count(self.data.as_ref().map_or(0, |data| data.len())),
            num_children,
            pzxid: self.family.changed,
        }
    }

    /// Whether the server's own job may delete it at `now`: an abandoned container, or what has outlived its time.
    pub(crate) fn is_reapable(&self, now: Millis) -> bool {
        self.children.is_empty()
            && match self.kind {
                Kind::Container => self.family.creates > 0,
                Kind::Ttl(ttl) => now.since(self.modified_at) > ttl,
                Kind::Persistent | Kind::Ephemeral(_) => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(kind: Kind) -> Node {
        Node::fresh(None, Acl::open().into(), kind, Zxid(7), Millis(1000))
    }

    #[test]
    fn only_an_ephemeral_shows_its_owner() {
        assert_eq!(node(Kind::Ephemeral(SessionId(5))).stat().ephemeral_owner, SessionId(5));
        for kind in [Kind::Persistent, Kind::Container, Kind::Ttl(9)] {
            assert_eq!(node(kind).stat().ephemeral_owner, SessionId(0));
        }
    }

    #[test]
    fn creates_and_deletes_are_counted_together() {
        let mut parent = node(Kind::Persistent);
        parent.family.creates = 5;
        parent.children = ["a".into(), "b".into()].into();
        assert_eq!((parent.stat().cversion, parent.stat().num_children), (8, 2));
    }

    #[test]
    fn a_container_is_reaped_after_its_last_child_only() {
        let mut container = node(Kind::Container);
        assert!(!container.is_reapable(Millis(9_000_000)), "it never had one");
        container.family.creates = 1;
        assert!(container.is_reapable(Millis(0)));
        container.children.insert("a".into());
        assert!(!container.is_reapable(Millis(0)));
    }

    #[test]
    fn a_time_to_live_is_over_when_more_than_that_has_passed() {
        let mut mortal = node(Kind::Ttl(10));
        assert!(!mortal.is_reapable(Millis(1010)));
        assert!(mortal.is_reapable(Millis(1011)));
        mortal.modified_at = Millis(1005);
        assert!(!mortal.is_reapable(Millis(1011)));
    }
}
