//! What to ask of a new connection's server, so that it has every watch again.

use alloc::vec::Vec;
use core::mem;

use zk_proto::ops::{Request, SetWatches, SetWatches2};
use zk_proto::{Path, Wire, Zxid};

use super::{Kind, Watches};

/// Most bytes of paths in one frame that restores watches: far below the server's limit of 1 MiB, as in the official
/// client (ZOOKEEPER-706: one frame for all never gets through above the limit).
pub(super) const RESTORE_LENGTH_MAX: usize = 128 * 1024;

impl Watches {
    /// The requests that restore all watches on a new connection, each short enough for one frame. What has changed since
    /// `relative_zxid` fires one-shot watches at once. One-shot watches come first: before 3.9 a later one-shot watch would
    /// take the place of a persistent one.
    pub(crate) fn restore(&self, relative_zxid: Zxid) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut chunk = Chunk::default();
        for (kind, path) in self.table.keys() {
            if self.is_served_by_recursive(*kind, path) {
                continue;
            }
            if chunk.length + path.encoded_len() > RESTORE_LENGTH_MAX {
                requests.push(mem::take(&mut chunk).request(relative_zxid));
            }
            chunk.add(*kind, path.clone());
        }
        if chunk.length > 0 {
            requests.push(chunk.request(relative_zxid));
        }
        requests
    }

    fn is_served_by_recursive(&self, kind: Kind, path: &Path) -> bool {
        kind == Kind::Persistent && self.is_owned(&(Kind::Recursive, path.clone()))
    }
}

/// The watches of one frame.
#[derive(Debug, Default)]
struct Chunk {
    lists: [Vec<Path>; 5],
    length: usize,
}

impl Chunk {
    fn add(&mut self, kind: Kind, path: Path) {
        self.length += path.encoded_len();
        let [data, exist, child, persistent, recursive] = &mut self.lists;
        match kind {
            Kind::Data => data.push(path),
            Kind::Exist => exist.push(path),
            Kind::Child => child.push(path),
            Kind::Persistent => persistent.push(path),
            Kind::Recursive => recursive.push(path),
        }
    }

    /// The newer request only where it is needed: servers before 3.6 do not know it.
    fn request(self, relative_zxid: Zxid) -> Request {
        let [data, exist, child, persistent, recursive] = self.lists;
        if persistent.is_empty() && recursive.is_empty() {
            SetWatches { relative_zxid, data, exist, child }.into()
        } else {
            SetWatches2 { relative_zxid, data, exist, child, persistent, recursive }.into()
        }
    }
}
