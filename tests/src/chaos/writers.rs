//! Creates and deletes: what was answered is there, what was not sent is not, and nothing was done twice.
//!
//! The names of sequential nodes show a create that was done twice; a multi is done whole or not at all; of calls that were
//! made at once none is done if one before it is not; ephemeral nodes live as long as their session, and no longer.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{join_all, maybe_done};
use zk_session::ops::{Batch, Create, Multi};
use zk_session::{Acl, CreateMode, Error, Path, SessionId, Version};
use zk_tokio::Client;

use super::lane::{Lane, linked};
use super::ledger::Ledger;
use super::player::Played;

/// A create, and what became of it.
#[derive(Debug)]
pub(super) struct Written {
    kind: Kind,
    /// As it was asked for.
    path: String,
    result: Result<Path, Error>,
    /// How its deletion ended, if it was deleted.
    deleted: Option<Result<(), Error>>,
    /// The session that an ephemeral node belongs to.
    owner: Option<SessionId>,
    /// The batch that it was made in, if all of it was made on one link.
    batch: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sequential,
    Plain,
    /// Two nodes, `a` and `b`, made by one multi.
    Pair,
    Ephemeral,
}

pub(super) async fn play(mut lane: Lane) -> Vec<Written> {
    let (mut written, mut born) = (Vec::new(), 0);
    while lane.goes_on().await {
        match lane.below(11) {
            10 => {
                let number = written.len();
                written.extend(batch(&lane, number).await);
            }
            0..=3 => {
                let path = format!("{}/{}-", Lane::sequence(lane.number), written.len());
                let call =
                    lane.client.create(&*path, "", Acl::open_unsafe(), CreateMode::PersistentSequential);
                let result = lane.call("create sequential", &[], call).await;
                written.push(Written {
                    kind: Kind::Sequential,
                    path,
                    result,
                    deleted: None,
                    owner: None,
                    batch: None,
                });
            }
            4..=5 => {
                let path = Lane::born(lane.number, born);
                born += 1;
                let call = lane.client.create(&*path, "", Acl::open_unsafe(), CreateMode::Persistent);
                let result = lane.call("create", &[], call).await;
                written.push(Written {
                    kind: Kind::Plain,
                    path,
                    result,
                    deleted: None,
                    owner: None,
                    batch: None,
                });
            }
            6 => written.push(pair(&lane, written.len()).await),
            7 => written.push(ephemeral(&lane, written.len()).await),
            _ => {
                let from = written.len().saturating_sub(RECENT);
                let candidates = written[from..].iter_mut().filter(|written| written.is_deletable());
                if let Some(node) = candidates.last() {
                    let path = node.result.clone().expect("it is there");
                    node.deleted =
                        Some(lane.call("delete", &[], lane.client.delete(path, Version::ANY)).await);
                }
            }
        }
    }
    written
}

/// Makes calls faster than they can be answered, so that a loss hits some of them.
async fn batch(lane: &Lane, number: usize) -> Vec<Written> {
    let paths: Vec<_> = (0..BATCH).map(|place| format!("/batch/{}-{number}-{place}", lane.number)).collect();
    let create = |path: &String| {
        let path = Path::new(path).expect("it is a path");
        let call = lane.client.create(path, "", Acl::open_unsafe(), CreateMode::Persistent);
        Box::pin(lane.call("create in a batch", &[], call))
    };
    let mut calls: Vec<_> = paths.iter().map(|path| maybe_done(create(path))).collect();
    let before = lane.session();
    for call in &mut calls {
        // A call is made when its future is first looked at.
        let _ = call.now_or_never();
    }
    let batch = before.is_some_and(|before| lane.session() == Some(before)).then_some(number);
    join_all(&mut calls).await;
    let results = calls.iter_mut().map(|call| Pin::new(call).take_output().expect("it has ended"));
    let kind = Kind::Plain;
    let written = |(path, result)| Written { kind, path, result, deleted: None, owner: None, batch };
    paths.into_iter().zip(results).map(written).collect()
}

async fn pair(lane: &Lane, number: usize) -> Written {
    let path = format!("/pair/{}-{number}", lane.number);
    let create = |suffix| Create {
        path: Path::new(&format!("{path}{suffix}")).expect("it is a path"),
        data: None,
        acl: Acl::open_unsafe(),
        mode: CreateMode::Persistent,
    };
    let multi = Multi { ops: Batch(vec![create('a').into(), create('b').into()]) };
    let result = match lane.call("multi", &[], lane.client.call(multi)).await.map(|reply| reply.into_result())
    {
        Ok(Ok(_)) => Ok(Path::new(&path).expect("it is a path")),
        Ok(Err(failed)) => Err(Error::Server(failed.code)),
        Err(error) => Err(error),
    };
    if let Err(Error::Server(code)) = &result {
        lane.stage.ledger.violation(format!("multi: {code:?}"));
    }
    Written { kind: Kind::Pair, path, result, deleted: None, owner: None, batch: None }
}

async fn ephemeral(lane: &Lane, number: usize) -> Written {
    let path = format!("/eph/{}-{number}", lane.number);
    let call = lane.client.create2(&*path, "", Acl::open_unsafe(), CreateMode::Ephemeral);
    let result = lane.call("create ephemeral", &[], call).await;
    let owner = result.as_ref().ok().map(|node| node.stat.ephemeral_owner);
    let result = result.map(|node| node.path);
    Written { kind: Kind::Ephemeral, path, result, deleted: None, owner, batch: None }
}

impl Written {
    fn is_deletable(&self) -> bool {
        let is_single = matches!(self.kind, Kind::Sequential | Kind::Plain) && self.batch.is_none();
        is_single && self.result.is_ok() && self.deleted.is_none()
    }

    /// The nodes there that this create has made.
    fn found<'a>(&self, tree: &'a BTreeSet<String>) -> Vec<&'a str> {
        let starts = tree.range(self.path.clone()..).take_while(|path| path.starts_with(&self.path));
        let appended = match self.kind {
            Kind::Sequential => SUFFIX_LEN,
            Kind::Pair => 1,
            Kind::Plain | Kind::Ephemeral => 0,
        };
        starts.filter(|path| path.len() == self.path.len() + appended).map(String::as_str).collect()
    }

    /// Which numbers of nodes may be there.
    fn expected(&self, session: Option<SessionId>) -> &'static [usize] {
        let whole: &[usize] = if self.kind == Kind::Pair { &[2] } else { &[1] };
        let either: &[usize] = if self.kind == Kind::Pair { &[0, 2] } else { &[0, 1] };
        match (&self.result, &self.deleted) {
            // The servers may not be rid of an ended session so far.
            (Ok(_), None) if self.kind == Kind::Ephemeral && self.owner != session => either,
            (Ok(_), None | Some(Err(Error::NotSent(_)))) => whole,
            (Ok(_), Some(Ok(()))) => &[0],
            (Ok(_), Some(Err(_))) | (Err(Error::MaybeApplied(_)), _) => either,
            (Err(_), _) => &[0],
        }
    }
}

/// Compares what each client was told with the tree, while the sessions live.
pub(super) async fn check(played: &[Played], witness: &Client, ledger: &Ledger) {
    let mut parents = vec!["/born".to_owned(), "/pair".into(), "/batch".into(), "/eph".into()];
    parents.extend((0..played.len()).map(Lane::sequence));
    let mut tree = BTreeSet::new();
    for parent in &parents {
        let names = witness.children(&**parent).await.expect("the ensemble has recovered").children;
        tree.extend(names.iter().map(|name| format!("{parent}/{name}")));
    }
    let mut explained = 0;
    for player in played {
        let session = linked(&player.client);
        for written in &player.written {
            let found = written.found(&tree);
            explained += found.len();
            ledger.expect(written.expected(session).contains(&found.len()), || {
                format!("{written:?}, and there are {found:?} (its session now: {session:?})")
            });
            if let (Ok(path), Kind::Sequential, [found]) = (&written.result, written.kind, &*found) {
                ledger
                    .expect(path.as_str() == *found, || format!("{path} was created, and {found} is there"));
            }
        }
    }
    for player in played {
        in_order(&player.written, &tree, ledger);
    }
    ledger.expect(explained == tree.len(), || {
        format!("{} nodes are there, of which creates explain {explained}", tree.len())
    });
}

/// Of calls that were made at once, none is done if one before it is not.
fn in_order(written: &[Written], tree: &BTreeSet<String>, ledger: &Ledger) {
    for pair in written.windows(2) {
        let [one, next] = pair else { continue };
        if one.batch.is_some() && one.batch == next.batch {
            let overtaken = tree.contains(&next.path) && !tree.contains(&one.path);
            ledger.expect(!overtaken, || format!("{next:?} was done although {one:?} was not"));
        }
    }
}

/// When all sessions have ended, so have their nodes.
pub(super) async fn check_departed(witness: &Client, ledger: &Ledger) {
    let gone = async {
        while !witness.children("/eph").await.expect("the ensemble has recovered").children.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(DEPARTURE_LIMIT, gone).await.is_err() {
        let left = witness.children("/eph").await.map(|node| node.children.to_vec());
        ledger.violation(format!("ephemeral nodes are left when all sessions have ended: {left:?}"));
    }
}

/// Calls of a batch.
const BATCH: usize = 6;

/// What the server appends to the name of a sequential node.
const SUFFIX_LEN: usize = 10;

/// Deleted is one of the last so many: some last, some do not.
const RECENT: usize = 3;

/// The longest session timeout of a player, and what a busy machine needs.
const DEPARTURE_LIMIT: Duration = Duration::from_secs(20);
