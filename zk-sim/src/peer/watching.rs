//! Requests about watches themselves. Those that reads set are set there.

use super::Peer;
use crate::reply::{self, Body};
use crate::request::{Restore, Watch};
use crate::txn::Event;
use crate::watches::Mode;
use crate::{Code, ConnId, Zxid};

impl Peer {
    pub(super) fn watch(&mut self, conn: ConnId, watch: Watch) -> Result<Body, Code> {
        let quirks = self.config.quirks;
        match watch {
            Watch::Add { path, recursive } => {
                let mode = if recursive { Mode::Recursive } else { Mode::Persistent };
                self.watches.watch_both(&path, conn, mode, &quirks);
                Ok(Body::NoError)
            }
            Watch::Check { path, wanted } => found(self.watches.has(&path, conn, wanted, &quirks)?),
            Watch::Remove { path, wanted } => found(self.watches.remove(&path, conn, wanted, &quirks)),
            Watch::Restore(restore) => {
                self.restore(conn, restore);
                Ok(Body::Nothing)
            }
        }
    }

    /// Tells what has happened since the client was last here, and sets the watches to which nothing has. Those that
    /// last are set in any case, and what they have missed is not told.
    fn restore(&mut self, conn: ConnId, restore: Restore) {
        let quirks = self.config.quirks;
        for path in restore.data {
            match self.tree.node(&path) {
                None => self.catch_up(conn, Event::Deleted, &path),
                Some(node) if node.modified.0 > restore.seen => {
                    self.catch_up(conn, Event::DataChanged, &path);
                }
                Some(_) => self.watches.watch_data(&path, conn, &quirks),
            }
        }
        for path in restore.exist {
            match self.tree.node(&path) {
                None => self.watches.watch_data(&path, conn, &quirks),
                Some(_) => self.catch_up(conn, Event::Created, &path),
            }
        }
        for path in restore.child {
            match self.tree.node(&path) {
                None => self.catch_up(conn, Event::Deleted, &path),
                Some(node) if node.family.changed.0 > restore.seen => {
                    self.catch_up(conn, Event::ChildrenChanged, &path);
                }
                Some(_) => self.watches.watch_children(&path, conn, &quirks),
            }
        }
        for path in restore.persistent {
            self.watches.watch_both(&path, conn, Mode::Persistent, &quirks);
        }
        for path in restore.recursive {
            self.watches.watch_both(&path, conn, Mode::Recursive, &quirks);
        }
    }

    /// An event that is not that of a transaction: it carries no zxid in any version, and everybody is told.
    fn catch_up(&mut self, conn: ConnId, event: Event, path: &str) {
        self.send(conn, reply::event(Zxid(-1), event, path));
    }
}

fn found(there: bool) -> Result<Body, Code> {
    if there { Ok(Body::Nothing) } else { Err(Code::NoWatcher) }
}
