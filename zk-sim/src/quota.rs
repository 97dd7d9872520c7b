//! Quotas: how much is below a node, which the server keeps account of in nodes of its own, and hard limits on it.
//!
//! The quota of `/a` is `/zookeeper/quota/a/zookeeper_limits`, which a client writes; what is there at present is beside it
//! in `zookeeper_stats`. Its data changes without a transaction of its own: no version, no time and no watch tells of it.
//!
//! Servers die of a quota for the root, and of numbers that cannot be read. The model does not; it keeps no account of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::Code;
use crate::path::{self, QUOTA, ROOT};
use crate::tree::{Tree, Undo};

/// The name of the node with the limits.
const LIMITS: &str = "zookeeper_limits";
/// The name of the node with what is there.
const STATS: &str = "zookeeper_stats";
const COUNT: &str = "count";
const BYTES: &str = "bytes";
const COUNT_MAX: &str = "countHardLimit";
const BYTES_MAX: &str = "byteHardLimit";
/// The value of what is not said: no limit.
const NONE: i64 = -1;

/// Enters a change at `path` into the account of the quota it is under, if there is one.
pub(crate) fn account(tree: &mut Tree, path: &str, bytes: i64, count: i64) -> Option<Undo> {
    let stats_path = place(governing(tree, path)?, STATS);
    let mut track = Track::parse(tree.node(&stats_path)?.data.as_deref()?)?;
    track.set(COUNT, track.get(COUNT).wrapping_add(count));
    track.set(BYTES, track.get(BYTES).wrapping_add(bytes));
    tree.replace_data(&stats_path, track.text())
}

/// Opens the account when its node has just been created, whatever the client has written there.
pub(crate) fn open_account(tree: &mut Tree, created: &str) -> Option<Undo> {
    let (place, name) = created.rsplit_once('/')?;
    let path = place.strip_prefix(QUOTA).filter(|_| name == STATS)?;
    let size = |data: Option<&Arc<[u8]>>| data.map_or(0, |data| data.len());
    let own = tree.node(path).map(|node| size(node.data.as_ref()));
    let sizes =
        own.into_iter().chain(tree.below(path::canonical(path)).map(|(_, node)| size(node.data.as_ref())));
    let (count, bytes) = sizes.fold((0_i64, 0_usize), |(count, bytes), size| (count + 1, bytes + size));
    let mut track = Track::default();
    track.set(COUNT, count);
    track.set(BYTES, i64::try_from(bytes).unwrap_or(i64::MAX));
    tree.replace_data(created, track.text())
}

/// The longest path with a quota that `path` is within.
fn governing<'a>(tree: &Tree, path: &'a str) -> Option<&'a str> {
    if tree.node(QUOTA)?.children.is_empty() {
        return None;
    }
    let mut prefix = path;
    while prefix != ROOT {
        if tree.node(&place(prefix, LIMITS)).is_some() {
            return Some(prefix);
        }
        prefix = path::split(prefix)?.0;
    }
    None
}

fn place(path: &str, name: &str) -> String {
    format!("{QUOTA}{path}/{name}")
}

/// The limits, and what was there before a transaction: servers do not look at what a multi has done so far.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    quotas: BTreeMap<String, Quota>,
}

#[derive(Debug, Default)]
struct Quota {
    limits: Option<Track>,
    stats: Option<Track>,
}

impl Limits {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut quotas = BTreeMap::<_, Quota>::new();
        for (path, node) in tree.below(QUOTA) {
            let Some((place, name)) = path[QUOTA.len()..].rsplit_once('/') else { continue };
            let track = node.data.as_deref().and_then(Track::parse);
            match name {
                LIMITS => quotas.entry(place.to_owned()).or_default().limits = track,
                STATS => quotas.entry(place.to_owned()).or_default().stats = track,
                _ => {}
            }
        }
        Self { quotas }
    }

    /// Whether a change may be made at `path`.
    ///
    /// # Errors
    ///
    /// [`Code::QuotaExceeded`] when it would exceed a hard limit.
    pub(crate) fn check(&self, path: &str, bytes: i64, count: i64) -> Result<(), Code> {
        let Some((limits, Some(stats))) = self.governing(path) else { return Ok(()) };
        let exceeds = |change: i64, name: &str, hard: &str| {
            let limit = limits.get(hard);
            change != 0 && limit > NONE && stats.get(name).wrapping_add(change) > limit
        };
        if exceeds(count, COUNT, COUNT_MAX) || exceeds(bytes, BYTES, BYTES_MAX) {
            Err(Code::QuotaExceeded)
        } else {
            Ok(())
        }
    }

    fn governing(&self, path: &str) -> Option<(&Track, Option<&Track>)> {
        let mut prefix = path;
        while prefix != ROOT {
            if let Some(Quota { limits: Some(limits), stats }) = self.quotas.get(prefix) {
                return Some((limits, stats.as_ref()));
            }
            prefix = path::split(prefix)?.0;
        }
        None
    }
}

/// Numbers with names, as text like `count=4,bytes=5=;countHardLimit=10`. The strange `=` makes servers before 3.7 stop
/// reading there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Track {
    numbers: BTreeMap<String, i64>,
}

impl Track {
    /// Nothing for what a server would stumble over, for good: no client that means well writes it.
    fn parse(data: &[u8]) -> Option<Self> {
        let mut numbers = BTreeMap::new();
        for pair in String::from_utf8_lossy(data).split([',', ';']).filter(|pair| !pair.is_empty()) {
            let mut parts = pair.split('=');
            let (name, value) = (parts.next()?, parts.next()?);
            numbers.insert(name.to_owned(), if value.is_empty() { NONE } else { value.parse().ok()? });
        }
        Some(Self { numbers })
    }

    fn get(&self, name: &str) -> i64 {
        self.numbers.get(name).copied().unwrap_or(NONE)
    }

    fn set(&mut self, name: &str, value: i64) {
        self.numbers.insert(name.to_owned(), value);
    }

    fn text(&self) -> Vec<u8> {
        let mut text = format!("{COUNT}={},{BYTES}={}", self.get(COUNT), self.get(BYTES));
        let others = self.numbers.iter().filter(|(name, _)| ![COUNT, BYTES].contains(&&***name));
        for (at, (name, value)) in others.enumerate() {
            let separator = if at == 0 { "=;" } else { ";" };
            let _ = write!(text, "{separator}{name}={value}");
        }
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(data: &str) -> Option<String> {
        Some(String::from_utf8(Track::parse(data.as_bytes())?.text()).unwrap())
    }

    #[test]
    fn numbers_are_written_as_servers_do() {
        assert_eq!(text("").as_deref(), Some("count=-1,bytes=-1"));
        assert_eq!(text("bytes=7,count=2").as_deref(), Some("count=2,bytes=7"));
        let limits = "count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=2";
        assert_eq!(text(limits).as_deref(), Some(limits));
        assert_eq!(text("count=,bytes=5").as_deref(), Some("count=-1,bytes=5"));
        assert_eq!((text("x"), text("count=many")), (None, None));
    }
}
