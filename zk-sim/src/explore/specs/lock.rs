//! The lock: users who acquire it once, hold it as long as they like, and give it back.
//!
//! ```text
//! Idle --acquires--> Waiting --Acquired--> Holding --releases--> Leaving --Released--> Over
//!                      | cancels              | lease lost
//!                      v                      v
//!                   Leaving                Doubting --reclaims--> Reclaiming --Regained--> Holding
//! any --abandons--> Gone            (Doubting releases as Holding does; other ends lead to Over)
//! ```

use std::fmt;
use std::sync::Arc;
use zk_recipes::hold::{Cause, Command, Deadline, Event, Wish as Attempt};

use zk_recipes::{Layout, Lock};
use zk_session::{Path, Zxid};

use crate::explore::{Breach, Nature, News, Peer, Spec, Stranger, Watching, Wish, World};
use crate::{Kind, SessionId, Tree};

/// Some locks on one directory.
///
/// It is looked for: at most one valid guard, whose node stands; guards that die with their lease; fences that grow; grants in
/// the order of the queue; one end for each attempt; at most one node for each peer, and none that nobody wants at rest;
/// nobody who waits for what is free.
#[derive(Clone)]
pub struct Locks {
    peers: usize,
    layout: Layout,
    patience: Deadline,
    change: Arc<dyn Fn(Lock) -> Lock>,
}

/// What the user of a lock knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LockUser {
    /// Nothing was wished.
    Idle,
    /// It has been asked for.
    Waiting,
    /// A guard is valid, for all that was told.
    Holding {
        /// The fence of the grant.
        fence: Zxid,
        /// Which guard of it.
        term: u32,
    },
    /// The guard has died with the lease; the grant may stand.
    Doubting {
        /// The fence of the grant.
        fence: Zxid,
        /// Which guard of it has died.
        term: u32,
    },
    /// It was asked whether the grant still stands.
    Reclaiming {
        /// The fence of the grant.
        fence: Zxid,
        /// Which guard of it has died.
        term: u32,
    },
    /// It is being given back, or the attempt was cancelled.
    Leaving,
    /// The end of the attempt was told.
    Over,
    /// The user has gone without waiting for an end.
    Gone,
}

/// The highest fence of all grants that were told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LockLedger {
    fence: Zxid,
}

/// Where the contenders meet.
const DIRECTORY: &str = "/lock";
/// A machine makes one call at a time, and its runner deletes at most one further node.
const CALLS_MAX: usize = 2;

impl Locks {
    /// This many locks with this layout, whose users wait as long as it takes.
    #[must_use]
    pub fn new(peers: usize, layout: Layout) -> Self {
        Self { peers, layout, patience: Deadline::Never, change: Arc::new(|lock| lock) }
    }

    /// The same whose users wait for so long.
    #[must_use]
    pub const fn with_patience(mut self, patience: Deadline) -> Self {
        self.patience = patience;
        self
    }

    /// The same whose locks are changed in this way before they start.
    #[must_use]
    pub fn with_change(mut self, change: impl Fn(Lock) -> Lock + 'static) -> Self {
        self.change = Arc::new(change);
        self
    }

    /// Whether an attempt may end like this.
    fn may_end(&self, event: &Event, user: &LockUser, meddled: bool) -> bool {
        match event {
            Event::Released { .. } | Event::Cancelled => *user == LockUser::Leaving,
            Event::Lost { .. } => matches!(user, LockUser::Holding { .. }),
            Event::Ended { .. } => matches!(user, LockUser::Doubting { .. } | LockUser::Reclaiming { .. }),
            Event::TimedOut | Event::NotAcquired => self.patience != Deadline::Never,
            // An operator may have put a node there that the layout does not share the directory with.
            Event::Failed(_) => meddled && matches!(user, LockUser::Waiting),
            Event::Queued { .. }
            | Event::Requeued
            | Event::Acquired(_)
            | Event::Suspended { .. }
            | Event::Resumed
            | Event::Regained(_)
            | Event::Stuck(_)
            | Event::Misuse(_)
            | _ => false,
        }
    }
}

impl fmt::Debug for Locks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peers, layout, patience, .. } = self;
        let mut locks = out.debug_struct("Locks");
        locks
            .field("peers", peers)
            .field("layout", layout)
            .field("patience", patience)
            .finish_non_exhaustive()
    }
}

impl Spec for Locks {
    type Recipe = Lock;
    type User = LockUser;
    type Ledger = LockLedger;

    fn peers(&self) -> usize {
        self.peers
    }

    fn recipe(&self, _peer: usize) -> Lock {
        let directory = Path::new(DIRECTORY).expect("the directory's path is a path");
        (self.change)(Lock::new(directory, self.layout.clone()))
    }

    fn user(&self, _peer: usize) -> LockUser {
        LockUser::Idle
    }

    fn nodes(&self) -> Vec<String> {
        vec![DIRECTORY.into()]
    }

    /// A child that is no contender, and a contender of another client.
    fn strangers(&self) -> Vec<Stranger> {
        vec![
            Stranger { path: format!("{DIRECTORY}/stranger"), sequential: false },
            Stranger { path: format!("{DIRECTORY}/rival__lock__"), sequential: true },
        ]
    }

    fn wishes(&self, user: &LockUser) -> Vec<Wish<Command, LockUser>> {
        let plan = |what, command, then| Wish { what, command, then, nature: Nature::Plan };
        let whim = |what, command, then| Wish { what, command, then, nature: Nature::Whim };
        let abandon = whim("abandons it", Command::Abandon, LockUser::Gone);
        let attempt = || Attempt { identifier: String::new(), deadline: self.patience };
        match *user {
            LockUser::Idle => vec![plan("acquires", Command::Acquire(attempt()), LockUser::Waiting)],
            LockUser::Waiting => vec![whim("cancels", Command::Cancel, LockUser::Leaving), abandon],
            LockUser::Holding { .. } => vec![plan("releases", Command::Release, LockUser::Leaving), abandon],
            LockUser::Doubting { fence, term } => vec![
                plan("releases", Command::Release, LockUser::Leaving),
                plan("reclaims", Command::Reclaim, LockUser::Reclaiming { fence, term }),
                abandon,
            ],
            LockUser::Reclaiming { .. } | LockUser::Leaving | LockUser::Over | LockUser::Gone => vec![],
        }
    }

    fn told(
        &self,
        news: News<'_, Event>,
        user: &mut LockUser,
        ledger: &mut LockLedger,
    ) -> Result<(), Breach> {
        let event = news.event;
        let next = match (event, &*user) {
            (Event::Queued { .. } | Event::Requeued, LockUser::Waiting) => return Ok(()),
            (Event::Suspended { .. } | Event::Resumed, LockUser::Holding { .. }) => return Ok(()),
            (Event::Acquired(grant), LockUser::Waiting) => {
                // What an operator has deleted may be granted before its end is known.
                let may_be_late = news.meddled && owner(news.tree, grant.fence).is_none();
                if grant.fence <= ledger.fence && !may_be_late {
                    return Err(Breach::of("fences grow", format!("{event:?} after {ledger:?}")));
                }
                ledger.fence = ledger.fence.max(grant.fence);
                in_order(news.tree, grant.path.name())?;
                LockUser::Holding { fence: grant.fence, term: grant.term }
            }
            (Event::Lost { cause: Cause::LeaseExpired, .. }, LockUser::Holding { fence, term }) => {
                LockUser::Doubting { fence: *fence, term: *term }
            }
            (Event::Regained(grant), LockUser::Reclaiming { fence, term })
                if grant.fence == *fence && grant.term > *term =>
            {
                LockUser::Holding { fence: grant.fence, term: grant.term }
            }
            (event, user) if self.may_end(event, user, news.meddled) => LockUser::Over,
            (event, user) => {
                return Err(Breach::of("news are true, and told once", format!("{event:?} to {user:?}")));
            }
        };
        *user = next;
        Ok(())
    }

    fn always(&self, world: &World<Self>) -> Result<(), Breach> {
        let mut valid = Vec::new();
        for (number, peer) in world.peers().enumerate() {
            let nodes = nodes(world, peer);
            if nodes > 1 {
                return Err(Breach::of("one node for each peer", format!("{nodes} of peer {number}")));
            }
            let calls = peer.requests().count();
            if calls > CALLS_MAX {
                return Err(Breach::of("few calls at once", format!("{calls} of peer {number}")));
            }
            let LockUser::Holding { fence, .. } = *peer.user() else { continue };
            if !peer.has_lease() {
                let seen = format!("user {number} holds without a lease");
                return Err(Breach::of("guards die with their lease", seen));
            }
            if owner(world.tree(), fence).is_some_and(|owner| owner.0 == peer.session().raw()) {
                valid.push(number);
            } else if !world.meddled() {
                return Err(Breach::of("a valid guard has a node", format!("user {number} has none")));
            }
        }
        if valid.len() > 1 {
            return Err(Breach::of("at most one valid guard", format!("users {valid:?} hold")));
        }
        Ok(())
    }

    fn at_rest(&self, world: &World<Self>) -> Result<(), Breach> {
        for (number, peer) in world.peers().enumerate() {
            let (nodes, watches) = (nodes(world, peer), peer.watches().len());
            let may_be = match peer.user() {
                // The end of the own node is learnt when the turn might have come.
                LockUser::Waiting => (nodes == 1 || world.meddled() && nodes == 0) && watches == 1,
                LockUser::Holding { .. } => nodes == 1 && watches == 1,
                LockUser::Doubting { .. } => nodes <= 1 && watches <= 1,
                LockUser::Idle | LockUser::Over | LockUser::Gone => {
                    nodes == 0 && watches == 0 && peer.runner().is_idle()
                }
                LockUser::Reclaiming { .. } | LockUser::Leaving => false,
            };
            if !may_be || peer.runner().leftovers() > 0 {
                let seen =
                    format!("peer {number}, {:?}, has {nodes} nodes and {watches} watches", peer.user());
                return Err(Breach::of("at rest everybody has what they want and nothing else", seen));
            }
        }
        for peer in world.peers() {
            in_turn(world, peer)?;
        }
        let waits = world.peers().any(|peer| *peer.user() == LockUser::Waiting);
        let has =
            |peer: &Peer<Self>| matches!(peer.user(), LockUser::Holding { .. } | LockUser::Doubting { .. });
        let is_taken = world.peers().any(has) || rivals(world.tree()) > 0;
        if waits && !is_taken {
            return Err(Breach::of("nobody waits for what is free", "it is free"));
        }
        Ok(())
    }
}

/// The contenders of an operator, who never leave by themselves.
fn rivals(tree: &Tree) -> usize {
    contenders(tree).filter(|(name, _)| name.starts_with("rival")).count()
}

/// The names of the contenders and their numbers: the last digits.
fn contenders(tree: &Tree) -> impl Iterator<Item = (&str, i64)> {
    let names = tree.node(DIRECTORY).into_iter().flat_map(|node| &node.children);
    names.filter_map(|name| Some((name.as_str(), number(name)?)))
}

fn number(name: &str) -> Option<i64> {
    name.get(name.len().checked_sub(SEQUENCE_LENGTH)?..)?.parse().ok()
}

/// Nobody who came earlier is still there.
fn in_order(tree: &Tree, granted: &str) -> Result<(), Breach> {
    let Some(own) = number(granted) else { return Ok(()) };
    match contenders(tree).find(|(_, other)| *other < own) {
        Some((ahead, _)) => Err(Breach::of(
            "who comes first is granted first",
            format!("{ahead} waits, {granted} is granted"),
        )),
        None => Ok(()),
    }
}

/// Who waits has its eyes on the contender just ahead, so that one end wakes one.
fn in_turn(world: &World<Locks>, peer: &Peer<Locks>) -> Result<(), Breach> {
    let own = |kind| matches!(kind, Kind::Ephemeral(owner) if owner.0 == peer.session().raw());
    let tree = world.tree();
    let path = tree.nodes().find(|(_, node)| own(node.kind)).map(|(path, _)| path);
    let place = path.and_then(number).filter(|_| *peer.user() == LockUser::Waiting);
    let Some(place) = place else { return Ok(()) };
    let ahead = contenders(tree).filter(|(_, other)| *other < place).max_by_key(|(_, other)| *other);
    let watched = peer.watches().find(|(watching, _)| *watching == Watching::Data);
    match (ahead, watched) {
        (Some((ahead, _)), Some((_, path))) if path.name() != ahead => {
            let seen = format!("{path} is watched, and {ahead} is just ahead");
            Err(Breach::of("who waits is woken by the one just ahead", seen))
        }
        _ => Ok(()),
    }
}

/// Whose the node of a grant is, if it stands.
fn owner(tree: &Tree, fence: Zxid) -> Option<SessionId> {
    let (_, node) = tree.nodes().find(|(_, node)| node.created.0 == fence.raw())?;
    matches!(node.kind, Kind::Ephemeral(_)).then(|| node.stat().ephemeral_owner)
}

/// How many nodes a peer's session has.
fn nodes(world: &World<Locks>, peer: &Peer<Locks>) -> usize {
    let own = |kind| matches!(kind, Kind::Ephemeral(owner) if owner.0 == peer.session().raw());
    world.tree().nodes().filter(|(_, node)| own(node.kind)).count()
}

/// Digits of a number in a name.
const SEQUENCE_LENGTH: usize = 10;
