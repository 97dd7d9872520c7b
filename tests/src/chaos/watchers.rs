//! Watches: a node that has changed since its watch was set has told so; what has told so has changed; each watch ends once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::task::JoinHandle;
use zk_session::{Ended, EventKind, SessionId, Stat, WatchEvent, Zxid};
use zk_tokio::{Client, Watch};

use super::lane::{Lane, linked};
use super::ledger::Ledger;
use super::player::Played;
use super::report::Report;

/// A watch, and what was known of the node when it was set.
#[derive(Debug)]
pub(super) struct Watching {
    path: String,
    base: Base,
    /// The session, if it was the same before and after.
    session: Option<SessionId>,
    notice: JoinHandle<Result<WatchEvent, Ended>>,
}

#[derive(Clone, Copy, Debug)]
enum Base {
    /// Its data were of this transaction.
    Data(Zxid),
    /// Its children were of this transaction.
    Children(Zxid),
    /// There was no node.
    Absent,
}

pub(super) async fn play(mut lane: Lane) -> Vec<Watching> {
    let mut watches = Vec::new();
    let mut births = vec![0; lane.plan.clients];
    while lane.goes_on().await {
        let other = lane.below(lane.plan.clients);
        let before = lane.session();
        let set = match lane.below(3) {
            0 => data(&lane, Lane::register(other)).await,
            1 => children(&lane, Lane::sequence(other)).await,
            _ => {
                // Nodes that come soon, or have come meanwhile.
                births[other] += 1;
                birth(&lane, Lane::born(other, births[other])).await
            }
        };
        let Some((path, base, watch)) = set else { continue };
        let session = before.filter(|before| lane.session() == Some(*before));
        lane.stage.ledger.count("watches set");
        watches.push(Watching { path, base, session, notice: tokio::spawn(watch) });
    }
    watches
}

async fn data(lane: &Lane, path: String) -> Option<(String, Base, Watch)> {
    let (node, watch) = lane.call("get watched", &[], lane.client.get_data_watched(&*path)).await.ok()?;
    Some((path, Base::Data(node.stat.mzxid), watch))
}

async fn children(lane: &Lane, path: String) -> Option<(String, Base, Watch)> {
    let call = lane.client.children_watched(&*path);
    let (node, watch) = lane.call("list watched", &[], call).await.ok()?;
    Some((path, Base::Children(node.stat.pzxid), watch))
}

async fn birth(lane: &Lane, path: String) -> Option<(String, Base, Watch)> {
    let call = lane.client.exists_watched(&*path);
    let (stat, watch) = lane.call("exists watched", &[], call).await.ok()?;
    Some((path, stat.map_or(Base::Absent, |stat| Base::Data(stat.mzxid)), watch))
}

impl Base {
    /// Whether a watch must have fired, now that the node is like this.
    fn has_changed(self, stat: Option<&Stat>) -> bool {
        match (self, stat) {
            (Self::Data(mzxid), Some(stat)) => stat.mzxid > mzxid,
            (Self::Children(pzxid), Some(stat)) => stat.pzxid > pzxid,
            (Self::Data(_) | Self::Children(_), None) | (Self::Absent, Some(_)) => true,
            // One that was created and deleted during an outage does not fire, by the protocol.
            (Self::Absent, None) => false,
        }
    }

    /// Whether what a watch has told can be so, now that the node is like this.
    fn allows(self, kind: EventKind, stat: Option<&Stat>) -> bool {
        match (self, kind) {
            (Self::Absent, EventKind::NodeCreated) => true,
            (Self::Data(_), EventKind::NodeDataChanged)
            | (Self::Children(_), EventKind::NodeChildrenChanged) => self.has_changed(stat),
            (Self::Data(_), EventKind::NodeDeleted) => stat.is_none(),
            _ => false,
        }
    }
}

/// Compares what each watch has told with the tree, in which nothing changes any more.
pub(super) async fn check(played: &mut [Played], witness: &Client, ledger: &Ledger, report: &mut Report) {
    let mut stats = BTreeMap::new();
    for player in played {
        let session = linked(&player.client);
        for watching in std::mem::take(&mut player.watches) {
            let stat = match stats.get(&watching.path) {
                Some(stat) => *stat,
                None => {
                    let stat = witness.exists(&*watching.path).await.expect("the ensemble has recovered");
                    *stats.entry(watching.path.clone()).or_insert(stat)
                }
            };
            if let Some(pending) = judge(watching, stat, session, ledger, report).await {
                player.watches.push(pending);
            }
        }
    }
}

/// Returns a watch that has not fired, and had no reason to.
async fn judge(
    mut watching: Watching,
    stat: Option<Stat>,
    session: Option<SessionId>,
    ledger: &Ledger,
    report: &mut Report,
) -> Option<Watching> {
    let must = watching.base.has_changed(stat.as_ref());
    // The news of a session that has ended has been told, too.
    let must_end = watching.session.is_some() && watching.session != session;
    let limit = if must || must_end { NEWS_LIMIT } else { Duration::ZERO };
    let notice = match (&mut watching.notice).now_or_never() {
        Some(notice) => Some(notice),
        None => tokio::time::timeout(limit, &mut watching.notice).await.ok(),
    };
    match notice {
        Some(Ok(Ok(event))) => {
            report.watches_fired += 1;
            let fits =
                event.path.as_str() == watching.path && watching.base.allows(event.kind, stat.as_ref());
            ledger.expect(fits, || format!("{watching:?} told {event:?}, and the node is {stat:?}"));
        }
        Some(Ok(Err(Ended::Expired))) => {
            report.watches_expired += 1;
            ledger.expect(watching.session != session || session.is_none(), || {
                format!("{watching:?} has ended, and its session lives")
            });
        }
        Some(other) => ledger.violation(format!("{watching:?} told {other:?}")),
        None => {
            ledger.expect(!must && !must_end, || format!("{watching:?} is silent, and the node is {stat:?}"));
            return Some(watching);
        }
    }
    None
}

/// The rest ends with its client.
pub(super) async fn check_closed(watches: Vec<Watching>, ledger: &Ledger, report: &mut Report) {
    for watching in watches {
        report.watches_closed += 1;
        let Watching { path, base, notice, .. } = watching;
        let told = tokio::time::timeout(NEWS_LIMIT, notice).await;
        ledger.expect(matches!(told, Ok(Ok(Err(Ended::Closed)))), || {
            format!("a watch of {path} since {base:?} told {told:?} at the end of its client")
        });
    }
}

/// What a server has to tell of a change that is over.
const NEWS_LIMIT: Duration = Duration::from_secs(10);
