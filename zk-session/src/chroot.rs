//! The one boundary between the client's paths and the server's.
//!
//! On the way out every path of a request gets the chroot in front; on the way in it is stripped, at a component border.
//! A path that does not lie below the chroot (the server's own nodes) comes through as it is.

use zk_proto::Path;
use zk_proto::ops::{Delete, MultiOp};

use crate::words::{Reply, Request};

#[derive(Clone, Debug)]
pub(crate) struct Chroot(Path);

impl Chroot {
    pub(crate) const fn new(root: Path) -> Self {
        Self(root)
    }

    /// The client's root as the server knows it.
    pub(crate) const fn root(&self) -> &Path {
        &self.0
    }

    /// The request in the server's paths.
    pub(crate) fn outward(&self, request: &mut Request) {
        if self.0.is_root() {
            return;
        }
        request.each_path(&mut |path| {
            if path.as_str() != ENSEMBLE_CONFIG {
                *path = path.below(&self.0);
            }
        });
        if let Request::Delete(delete) = request {
            self.spare(delete);
        }
        if let Request::Multi(multi) = request {
            for op in &mut multi.ops.0 {
                if let MultiOp::Delete(delete) = op {
                    self.spare(delete);
                }
            }
        }
    }

    /// By how many bytes the request grows on the way out.
    pub(crate) fn added_len(&self, request: &Request) -> usize {
        let root = self.0.as_str().len();
        let added = |path: &Path| match path.as_str() {
            _ if self.0.is_root() => 0,
            ENSEMBLE_CONFIG => 0,
            "/" => root - 1,
            _ => root,
        };
        if let Request::Multi(multi) = request {
            return multi.ops.0.iter().map(|op| added(op.path())).sum();
        }
        if let Request::MultiRead(multi) = request {
            return multi.ops.0.iter().map(|op| added(op.path())).sum();
        }
        request.path().map_or(0, added)
    }

    /// The server refuses to delete "/"; with the chroot in front it would delete the chroot node.
    fn spare(&self, delete: &mut Delete) {
        if delete.path == self.0 {
            delete.path = Path::root();
        }
    }

    /// The reply in the client's paths; false if one of its paths lies outside.
    pub(crate) fn reply_inward(&self, reply: &mut Reply) -> bool {
        if self.0.is_root() {
            return true;
        }
        if let Reply::GetEphemerals(ephemerals) = reply {
            // The server compares texts: asked for what is below "/app" it also tells of "/apple".
            ephemerals.paths.retain(|path| path.starts_with(&self.0));
        }
        let mut inside = true;
        reply.each_path(&mut |path| match path.strip(&self.0) {
            Some(stripped) => *path = stripped,
            None => inside = false,
        });
        inside
    }

    /// A path of the server in the client's paths.
    pub(crate) fn inward(&self, path: Path) -> Path {
        path.strip(&self.0).unwrap_or(path)
    }
}

/// The node of the ensemble's configuration is outside of every chroot, as in the official client.
const ENSEMBLE_CONFIG: &str = "/zookeeper/config";
