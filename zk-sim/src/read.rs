//! What a read is answered from a tree, and which watch it leaves. It changes nothing.

use crate::acl::{self, ADMIN, Id, READ};
use crate::node::Node;
use crate::reply::Body;
use crate::request::Read;
use crate::{Code, Quirks, SessionId, Tree};

/// Who reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) session: SessionId,
    pub(crate) identities: &'a [Id],
}

/// A watch that a server has set by a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched<'a> {
    Data(&'a str),
    Children(&'a str),
}

impl Reader<'_> {
    /// The answer from the tree as it is. Paths are not checked: no node has a malformed one.
    pub(crate) fn read(self, tree: &Tree, read: &Read, quirks: &Quirks) -> Result<Body, Code> {
        match read {
            Read::Exists { path, .. } => {
                if path.contains('\0') {
                    return Err(Code::BadArguments);
                }
                let node = tree.node(path).ok_or(Code::NoNode)?;
                if quirks.exists_needs_read {
                    acl::check(&node.acl, READ, self.identities)?;
                }
                Ok(Body::Stat(node.stat()))
            }
            Read::Data { path, .. } => {
                let node = self.readable(tree, path, READ)?;
                Ok(Body::Data(node.data.clone(), node.stat()))
            }
            Read::Children { path, stat, .. } => {
                let node = self.readable(tree, path, READ)?;
                let names = node.children.iter().cloned().collect();
                Ok(Body::Children(names, stat.then(|| node.stat())))
            }
            Read::Acl { path } => {
                let node = self.readable(tree, path, READ | ADMIN)?;
                let may_set = acl::check(&node.acl, ADMIN, self.identities).is_ok();
                let is_shown = may_set || !quirks.digests_are_masked;
                let shown = if is_shown { node.acl.to_vec() } else { acl::masked(&node.acl) };
                Ok(Body::Acl(shown, node.stat()))
            }
            Read::Ephemerals { prefix } => {
                let prefix = prefix.as_deref().filter(|prefix| !["", "/"].contains(&prefix.trim()));
                let prefix = prefix.unwrap_or_default();
                let paths = tree.ephemerals(self.session).filter(|path| path.starts_with(prefix));
                Ok(Body::Paths(paths.map(str::to_owned).collect()))
            }
            Read::AllChildrenNumber { path } => {
                self.readable(tree, path, READ)?;
                Ok(Body::Number(tree.descendants(path)))
            }
            Read::WhoAmI => Ok(Body::Identities(self.identities.iter().map(shown).collect())),
            Read::Multi(reads) => {
                Ok(Body::Reads(reads.iter().map(|read| self.read(tree, read, quirks)).collect()))
            }
        }
    }

    fn readable<'a>(&self, tree: &'a Tree, path: &str, perms: i32) -> Result<&'a Node, Code> {
        let node = tree.node(path).ok_or(Code::NoNode)?;
        acl::check(&node.acl, perms, self.identities)?;
        Ok(node)
    }
}

impl Read {
    /// The watch that it leaves, answered in this way. Only `exists` waits for a node that is not there.
    pub(crate) fn watch<T>(&self, result: &Result<T, Code>) -> Option<Watched<'_>> {
        match self {
            Self::Exists { path, watch: true } if matches!(result, Ok(_) | Err(Code::NoNode)) => {
                Some(Watched::Data(path))
            }
            Self::Data { path, watch: true } if result.is_ok() => Some(Watched::Data(path)),
            Self::Children { path, watch: true, .. } if result.is_ok() => Some(Watched::Children(path)),
            Self::Exists { .. }
            | Self::Data { .. }
            | Self::Children { .. }
            | Self::Acl { .. }
            | Self::Ephemerals { .. }
            | Self::AllChildrenNumber { .. }
            | Self::WhoAmI
            | Self::Multi(_) => None,
        }
    }
}

/// An identity as it is told: of a digest only the name.
fn shown(id: &Id) -> Id {
    let name = if id.scheme == "digest" { id.id.split(':').next().unwrap_or_default() } else { &id.id };
    Id::new(&id.scheme, name)
}
