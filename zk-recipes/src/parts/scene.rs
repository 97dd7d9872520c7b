//! What a part sees of its surroundings while it steps.
//!
//! It holds no state of a machine: what it lends is the recipe's.

use alloc::vec::Vec;

use zk_session::ops::{Create, Create2, Delete, Exists, GetChildren2, Sync};
use zk_session::{Acl, CreateMode, Ended, Instant, Path, SessionId, SessionState, Version};

use crate::layout::{Layout, Token};
use crate::outbox::{Errands, Slot};
use crate::parts::pace::Pace;

/// Where contenders meet, and how they are called there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Site {
    pub(crate) directory: Path,
    pub(crate) layout: Layout,
    pub(crate) acl: Vec<Acl>,
    pub(crate) parent_acl: Vec<Acl>,
    #[cfg(feature = "wrong")]
    pub(crate) wrong: Option<crate::wrong::Wrong>,
}

/// The session as the machine was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bond {
    /// None so far, or the last one is over and another may come.
    None,
    /// Linked.
    Live(SessionId, Dialect),
    /// The link is lost or the lease has run out; the session may live on.
    Shaky(SessionId, Dialect),
    /// Over, and no other comes.
    Ended(Ended),
}

/// Whether the servers of a session know `create2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    /// So it is taken.
    Create2,
    /// They do not (before 3.5): a created node's czxid is read by `exists`.
    Create,
}

/// Whether a create with one token was sent once, or again after its effect could not be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sends {
    Once,
    /// More than one node may have the token, even later.
    Again,
}

/// What a part sees while it steps.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) site: &'a Site,
    pub(crate) bond: &'a mut Bond,
    pub(crate) pace: &'a mut Pace,
    pub(crate) now: Instant,
    pub(crate) errands: &'a mut Errands,
}

impl Bond {
    pub(crate) const fn hear(&mut self, state: SessionState) {
        *self = match (*self, state) {
            (
                Self::Shaky(_, dialect) | Self::Live(_, dialect),
                SessionState::Connected { session, resumed: true, .. },
            ) => Self::Live(session, dialect),
            (_, SessionState::Connected { session, .. }) => Self::Live(session, Dialect::Create2),
            (
                Self::Live(session, dialect) | Self::Shaky(session, dialect),
                SessionState::Suspended { .. } | SessionState::LeaseExpired,
            ) => Self::Shaky(session, dialect),
            (_, SessionState::Ended(Ended::Expired)) => Self::None,
            (_, SessionState::Ended(ended)) => Self::Ended(ended),
            (bond, _) => bond,
        };
    }

    /// The session, while it may live.
    pub(crate) const fn session(self) -> Option<SessionId> {
        match self {
            Self::Live(session, _) | Self::Shaky(session, _) => Some(session),
            Self::None | Self::Ended(_) => None,
        }
    }

    pub(crate) const fn is_live(self) -> bool {
        matches!(self, Self::Live(..))
    }

    /// From now on `create` is used, for as long as the session lasts. Whether that makes a difference.
    pub(crate) const fn forgo_create2(&mut self) -> bool {
        match *self {
            Self::Live(session, Dialect::Create2) => *self = Self::Live(session, Dialect::Create),
            Self::Shaky(session, Dialect::Create2) => *self = Self::Shaky(session, Dialect::Create),
            Self::None | Self::Live(..) | Self::Shaky(..) | Self::Ended(_) => return false,
        }
        true
    }
}

impl Scene<'_> {
    /// The path of a child of the directory. Names come from listings and replies; one that makes no path names no node.
    pub(crate) fn child(&self, name: &str) -> Option<Path> {
        self.site.directory.join(name).ok()
    }

    /// A fresh token.
    pub(crate) fn token(&mut self) -> Token {
        self.errands.rng().token()
    }

    pub(crate) fn create(&mut self, token: &Token, identifier: &str) {
        let path =
            self.child(&self.site.layout.name(token)).expect("a layout checks its names when it is made");
        let data = Some(self.site.layout.data(identifier));
        let (acl, mode) = (self.site.acl.clone(), CreateMode::EphemeralSequential);
        match self.bond {
            Bond::Live(_, Dialect::Create) | Bond::Shaky(_, Dialect::Create) => {
                self.errands.call(Slot::ONLY, Create { path, data, acl, mode });
            }
            Bond::None | Bond::Live(..) | Bond::Shaky(..) | Bond::Ended(_) => {
                self.errands.call(Slot::ONLY, Create2 { path, data, acl, mode });
            }
        }
    }

    pub(crate) fn delete(&mut self, path: &Path) {
        self.errands.call(Slot::ONLY, Delete { path: path.clone(), version: Version::ANY });
    }

    pub(crate) fn exists(&mut self, path: &Path, watch: bool) {
        self.errands.call(Slot::ONLY, Exists { path: path.clone(), watch });
    }

    pub(crate) fn sync(&mut self) {
        self.errands.call(Slot::ONLY, Sync { path: self.site.directory.clone() });
    }

    pub(crate) fn list(&mut self, watch: bool) {
        self.errands.call(Slot::ONLY, GetChildren2 { path: self.site.directory.clone(), watch });
    }

    /// Hands further nodes of ours to the janitor.
    pub(crate) fn discard(&mut self, paths: impl IntoIterator<Item = Path>) {
        for path in paths {
            self.errands.janitor(path);
        }
    }
}
