//! What is answered from the tree as it is. Reads change nothing but the watches.
//!
//! Paths are not checked: no node has a malformed one.

use super::Peer;
use crate::acl::{self, ADMIN, READ};
use crate::node::Node;
use crate::reply::Body;
use crate::request::Read;
use crate::{Code, ConnId, SessionId};

impl Peer {
    pub(super) fn read(&mut self, conn: ConnId, session: SessionId, read: Read) -> Result<Body, Code> {
        match read {
            Read::Exists { path, watch } => self.exists(conn, &path, watch),
            Read::Data { path, watch } => {
                let node = self.readable(conn, &path, READ)?;
                let body = Body::Data(node.data.clone(), node.stat());
                if watch {
                    self.watches.watch_data(&path, conn, &self.config.quirks);
                }
                Ok(body)
            }
            Read::Children { path, watch, stat } => {
                let node = self.readable(conn, &path, READ)?;
                let names = node.children.iter().cloned().collect();
                let body = Body::Children(names, stat.then(|| node.stat()));
                if watch {
                    self.watches.watch_children(&path, conn, &self.config.quirks);
                }
                Ok(body)
            }
            Read::Acl { path } => self.acl(conn, &path),
            Read::Ephemerals { prefix } => Ok(self.ephemerals(session, prefix.as_deref())),
            Read::AllChildrenNumber { path } => {
                self.readable(conn, &path, READ)?;
                Ok(Body::Number(self.tree.descendants(&path)))
            }
            Read::WhoAmI => Ok(self.who_am_i(conn)),
            Read::Multi(reads) => {
                let results = reads.into_iter().map(|read| self.read(conn, session, read));
                Ok(Body::Reads(results.collect()))
            }
        }
    }

    fn exists(&mut self, conn: ConnId, path: &str, watch: bool) -> Result<Body, Code> {
        if path.contains('\0') {
            return Err(Code::BadArguments);
        }
        if self.config.quirks.exists_needs_read
            && let Some(node) = self.tree.node(path)
        {
            acl::check(&node.acl, READ, self.identities(conn))?;
        }
        if watch {
            self.watches.watch_data(path, conn, &self.config.quirks);
        }
        self.tree.node(path).map(|node| Body::Stat(node.stat())).ok_or(Code::NoNode)
    }

    fn acl(&self, conn: ConnId, path: &str) -> Result<Body, Code> {
        let node = self.readable(conn, path, READ | ADMIN)?;
        let may_set = acl::check(&node.acl, ADMIN, self.identities(conn)).is_ok();
        let shown = if may_set || !self.config.quirks.digests_are_masked {
            node.acl.to_vec()
        } else {
            acl::masked(&node.acl)
        };
        Ok(Body::Acl(shown, node.stat()))
    }

    /// The prefix is one of text, not of names: `/a` finds `/ab`.
    fn ephemerals(&self, session: SessionId, prefix: Option<&str>) -> Body {
        let prefix = prefix.filter(|prefix| !["", "/"].contains(&prefix.trim())).unwrap_or_default();
        let paths = self.tree.ephemerals(session).filter(|path| path.starts_with(prefix));
        Body::Paths(paths.map(str::to_owned).collect())
    }

    fn who_am_i(&self, conn: ConnId) -> Body {
        let mut shown = self.identities(conn).to_vec();
        for id in shown.iter_mut().filter(|id| id.scheme == "digest") {
            id.id.truncate(id.id.find(':').unwrap_or(id.id.len()));
        }
        Body::Identities(shown)
    }

    fn readable(&self, conn: ConnId, path: &str, perms: i32) -> Result<&Node, Code> {
        let node = self.tree.node(path).ok_or(Code::NoNode)?;
        acl::check(&node.acl, perms, self.identities(conn))?;
        Ok(node)
    }
}
