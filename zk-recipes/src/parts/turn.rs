//! Gets our node into the directory and waits until it comes first.
//!
//! Each wait is for one other node, so a hand-over wakes one client. That a node has gone is never taken for the grant: the
//! directory is listed again. Holding what was granted is another part's matter: see [`Holder`](super::holder::Holder).
//!
//! ```text
//! Entering --in--> Ranking --first, linked--> (first)
//!    ^               |  ^ |
//!    |        behind |  | +--first, not linked--> Unproven --Connected{resumed}--> Ranking
//!    |               v  |
//!    |            Arming --gone already--> Ranking
//!    |               | watching
//!    |               v
//!    |            Waiting --gone--> Ranking (or, watching the directory, --changed--> Arming)
//!    +-- own node missing, or session expired: requeued
//! any --too many setbacks--> Resting --Tick--> Ranking
//! ```

use zk_session::ops::GetData;
use zk_session::{Children, Ended, Error, EventKind, Instant, Path, Reply, SessionState, WatchEvent};

use crate::hold::{Deadline, Failure, Wish};
use crate::outbox::Slot;
use crate::parts::leave::Leave;
use crate::parts::member::{Joined, Member, Seat};
use crate::parts::scene::{Scene, Sends};
use crate::parts::trouble::Trouble;
use crate::recipe::Input;
use crate::rules::{self, Verdict};
use crate::wrong::wrong;

/// A place in a queue, from the first try to get one until it is the first place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Turn {
    Entering(Member),
    Ranking(Seat),
    Unproven(Seat),
    Arming { seat: Seat, on: On },
    Waiting { seat: Seat, on: On },
    Resting { seat: Seat, until: Instant },
}

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum On {
    /// The contender just ahead.
    Node(Path),
    /// The directory, since we may not read the contender just ahead.
    Directory,
}

/// How far it has got.
pub(crate) enum Turned {
    Not(Turn),
    Queued(Turn, usize),
    Requeued(Turn),
    First(Seat),
    /// Others come first, and the wish was not to wait.
    Behind(Seat),
    Failed(Failure, Option<Leave>),
}

impl Turn {
    pub(crate) fn start(wish: &Wish, scene: &mut Scene<'_>) -> Self {
        Self::Entering(Member::join(&wish.identifier, scene))
    }

    pub(crate) fn step<C>(self, input: Input<C>, wish: &Wish, scene: &mut Scene<'_>) -> Turned {
        match (self, input) {
            (Self::Entering(member), input) => {
                Self::joined(member.step(input, &wish.identifier, scene), scene)
            }
            (Self::Ranking(seat), Input::Got(_, Reply::GetChildren2(found))) => {
                Self::rank(seat, &found.children, Self::ranked, wish, scene)
            }
            (Self::Unproven(seat), Input::Session(SessionState::Connected { .. })) => {
                Turned::Not(Self::ranking(seat, scene))
            }
            (Self::Arming { seat, on: on @ On::Node(_) }, Input::Got(_, Reply::GetData(_))) => {
                scene.pace.progress();
                Turned::Not(Self::Waiting { seat, on })
            }
            (Self::Arming { seat, on: On::Directory }, Input::Got(_, Reply::GetChildren2(found))) => {
                Self::rank(seat, &found.children, Self::crowded, wish, scene)
            }
            (Self::Waiting { seat, .. }, Input::Watch(_, _)) if wrong!(scene.site, TrustsTheEvent) => {
                Turned::First(seat)
            }
            (Self::Waiting { seat, on }, Input::Watch(_, event)) => {
                Turned::Not(Self::woken(seat, on, &event, scene))
            }
            (Self::Resting { seat, until }, Input::Tick) if until <= scene.now => {
                Turned::Not(Self::ranking(seat, scene))
            }
            (Self::Ranking(seat), Input::Failed(_, error)) => Self::unranked(seat, error, scene),
            (Self::Arming { seat, on }, Input::Failed(_, error)) => Self::unarmed(seat, &on, error, scene),
            (_, Input::Session(SessionState::Ended(Ended::Expired))) => {
                Turned::Requeued(Self::Entering(Member::join(&wish.identifier, scene)))
            }
            (_, Input::Session(SessionState::Ended(ended))) => Turned::Failed(Failure::Ended(ended), None),
            (turn, _) => Turned::Not(turn),
        }
    }

    /// Gives up; what is left of it, if anything can be. The delete takes the place of any read and any watch.
    pub(crate) fn leave(self, scene: &mut Scene<'_>) -> Option<Leave> {
        match self {
            Self::Entering(member) => member.leave(scene),
            Self::Ranking(seat)
            | Self::Unproven(seat)
            | Self::Arming { seat, .. }
            | Self::Waiting { seat, .. }
            | Self::Resting { seat, .. } => Some(seat.leave(scene)),
        }
    }

    /// When a tick is needed.
    pub(crate) const fn timer(&self) -> Option<Instant> {
        match self {
            Self::Entering(member) => member.timer(),
            Self::Resting { until, .. } => Some(*until),
            Self::Ranking(_) | Self::Unproven(_) | Self::Arming { .. } | Self::Waiting { .. } => None,
        }
    }

    /// Whether something else than an answer must come before anything goes on.
    pub(crate) const fn is_stalled(&self) -> bool {
        match self {
            Self::Entering(member) => member.is_stalled(),
            Self::Unproven(_) | Self::Waiting { .. } | Self::Resting { .. } => true,
            Self::Ranking(_) | Self::Arming { .. } => false,
        }
    }

    fn joined(joined: Joined, scene: &mut Scene<'_>) -> Turned {
        match joined {
            Joined::Not(member) => Turned::Not(Self::Entering(member)),
            Joined::In(seat) => Turned::Not(Self::ranking(seat, scene)),
            Joined::Failed(failure, leave) => Turned::Failed(failure, leave),
        }
    }

    fn ranking(seat: Seat, scene: &mut Scene<'_>) -> Self {
        scene.list(false);
        Self::Ranking(seat)
    }

    fn arming(seat: Seat, on: On, scene: &mut Scene<'_>) -> Self {
        match &on {
            On::Node(path) => scene.errands.call(Slot::ONLY, GetData { path: path.clone(), watch: true }),
            On::Directory => scene.list(true),
        }
        Self::Arming { seat, on }
    }

    /// What a listing says; `behind` is where to go if others come first.
    fn rank(
        mut seat: Seat,
        children: &Children,
        behind: fn(Seat, &str, &mut Scene<'_>) -> Self,
        wish: &Wish,
        scene: &mut Scene<'_>,
    ) -> Turned {
        let own = rules::own(children, scene.site, &seat.token);
        let Some((first, further)) = own.split_first() else {
            if wrong!(scene.site, MissesItself) {
                return Turned::First(seat);
            }
            return Self::requeue(scene);
        };
        if !further.is_empty() {
            seat.sends = Sends::Again;
            scene.discard(further.iter().cloned());
        }
        if *first != seat.path {
            let member = Member::check(seat, first.clone(), &wish.identifier, scene);
            return Turned::Not(Self::Entering(member));
        }
        match rules::first(children, scene.site, Some(&seat)) {
            Verdict::First if scene.bond.is_live() || wrong!(scene.site, TrustsAnOldListing) => {
                Turned::First(seat)
            }
            Verdict::First => {
                scene.errands.unwatch(Slot::ONLY);
                Turned::Not(Self::Unproven(seat))
            }
            Verdict::Behind { .. } if wish.deadline == Deadline::Now => Turned::Behind(seat),
            Verdict::Behind { last, ahead } => Turned::Queued(behind(seat, &last, scene), ahead),
            Verdict::Foreign(name) => Turned::Failed(Failure::Foreign(name), Some(seat.leave(scene))),
            Verdict::Exhausted => Turned::Failed(Failure::Exhausted, Some(seat.leave(scene))),
        }
    }

    /// Behind `last`, which can be watched unless its name makes no path.
    fn ranked(seat: Seat, last: &str, scene: &mut Scene<'_>) -> Self {
        let on = scene.child(last).map_or(On::Directory, On::Node);
        Self::arming(seat, on, scene)
    }

    /// Behind somebody, by a listing that has set its watch.
    fn crowded(seat: Seat, _last: &str, scene: &mut Scene<'_>) -> Self {
        scene.pace.progress();
        Self::Waiting { seat, on: On::Directory }
    }

    fn requeue(scene: &mut Scene<'_>) -> Turned {
        scene.errands.unwatch(Slot::ONLY);
        Turned::Requeued(Self::Entering(Member::rejoin(scene)))
    }

    /// A watch is spent by any event; only the end of the node ahead calls for a new ranking.
    fn woken(seat: Seat, on: On, event: &WatchEvent, scene: &mut Scene<'_>) -> Self {
        match on {
            On::Node(_) if event.kind == EventKind::NodeDeleted => Self::ranking(seat, scene),
            On::Node(_) | On::Directory => Self::arming(seat, on, scene),
        }
    }

    fn unranked(seat: Seat, error: Error, scene: &mut Scene<'_>) -> Turned {
        match Trouble::of(error) {
            Trouble::Unsent | Trouble::Maybe => Turned::Not(Self::again(seat, scene)),
            Trouble::Later => Turned::Not(Self::rest(seat, scene)),
            Trouble::Over => Turned::Not(Self::Ranking(seat)),
            // The directory is gone, and our node with it.
            Trouble::NoNode => Self::requeue(scene),
            trouble @ (Trouble::NodeExists | Trouble::Unknown | Trouble::NoAuth | Trouble::Never(_)) => {
                Self::failed(seat, trouble, scene)
            }
        }
    }

    fn unarmed(seat: Seat, on: &On, error: Error, scene: &mut Scene<'_>) -> Turned {
        match (on, Trouble::of(error)) {
            // It went between the listing and this call.
            (On::Node(_), Trouble::NoNode) => Turned::Not(Self::again(seat, scene)),
            (On::Node(_), Trouble::NoAuth) => Turned::Not(Self::arming(seat, On::Directory, scene)),
            (On::Directory, Trouble::NoNode) => Self::requeue(scene),
            (_, Trouble::Unsent | Trouble::Maybe) => Turned::Not(Self::again(seat, scene)),
            (_, Trouble::Later) => Turned::Not(Self::rest(seat, scene)),
            (on, Trouble::Over) => Turned::Not(Self::Arming { seat, on: on.clone() }),
            (_, trouble) => Self::failed(seat, trouble, scene),
        }
    }

    fn again(seat: Seat, scene: &mut Scene<'_>) -> Self {
        if scene.pace.may_repeat() { Self::ranking(seat, scene) } else { Self::rest(seat, scene) }
    }

    fn rest(seat: Seat, scene: &mut Scene<'_>) -> Self {
        let until = scene.pace.rest(scene.now, scene.errands);
        Self::Resting { seat, until }
    }

    fn failed(seat: Seat, trouble: Trouble, scene: &mut Scene<'_>) -> Turned {
        match trouble.failure() {
            Some(failure) => Turned::Failed(failure, Some(seat.leave(scene))),
            None => Turned::Not(Self::again(seat, scene)),
        }
    }
}

impl Seat {
    /// Gives the place up.
    pub(crate) fn leave(self, scene: &mut Scene<'_>) -> Leave {
        Leave::deleting(self.token, self.sends, self.path, scene)
    }
}
