//! The life of a grant, from its first guard until its node is given up or gone.
//!
//! It watches its own node, so that an operator's delete is told. It does not get the grant, and it does not delete the
//! node: see [`Turn`](super::turn::Turn) and [`Leave`].
//!
//! ```text
//! Held (guard of term n) --LeaseExpired--> Doubtful --reclaim--> Asked --Connected{resumed}--> Verifying
//!   ^                                                   (at once if linked)                      |
//!   +----------------------------- node stands: guard of term n + 1 -----------------------------+
//! Held --node gone, session over--> (lost)            Doubtful, Asked, Verifying --the same--> (ended)
//! Verifying --too many setbacks--> Resting --Tick--> Verifying
//! ```

use zk_session::{Code, Error, EventKind, Instant, Reply, SessionState, WatchEvent, Zxid};

use crate::hold::{Cause, Event, Failure, Grant};
use crate::outbox::Slot;
use crate::parts::leave::Leave;
use crate::parts::member::Seat;
use crate::parts::scene::Scene;
use crate::parts::trouble::Trouble;
use crate::recipe::Input;
use crate::rules;
use crate::wrong::wrong;

/// A grant and the guard on it, if one is valid.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    Held { seat: Seat, term: u32, watch: Watch },
    Doubtful { seat: Seat, term: u32 },
    Asked { seat: Seat, term: u32 },
    Verifying { seat: Seat, term: u32, on: On },
    Resting { seat: Seat, term: u32, on: On, until: Instant },
}

/// The watch on our own node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Watch {
    Arming(On),
    Armed(On),
    Resting(On, Instant),
    /// The server allows none.
    Refused,
}

/// Where our own node is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum On {
    Node,
    /// In the directory: the servers do not let us read the node itself.
    Directory,
}

/// What has become of it.
pub(crate) enum Kept {
    Still(Holder),
    Told(Holder, Event),
    /// The grant is over; something of ours may be left.
    Over(Event, Option<Leave>),
}

impl Holder {
    /// The first guard of a grant, and the event to tell.
    pub(crate) fn grant(seat: Seat, scene: &mut Scene<'_>) -> Kept {
        scene.pace.progress();
        let event = Event::Acquired(seat.grant(1, scene));
        Kept::Told(Self::arming(seat, 1, On::Node, scene), event)
    }

    /// Whether this is to be overlooked, by a machine that is to be wrong.
    fn overlooks<C>(&self, input: &Input<C>, scene: &Scene<'_>) -> bool {
        match (self, input) {
            (Self::Held { .. }, Input::Watch(..)) => wrong!(scene.site, IgnoresItsEnd),
            (Self::Held { .. }, Input::Session(SessionState::LeaseExpired)) => {
                wrong!(scene.site, OutlivesItsLease)
            }
            (_, Input::Session(SessionState::Ended(_))) => wrong!(scene.site, OutlivesItsSession),
            _ => false,
        }
    }

    pub(crate) fn step<C>(self, input: Input<C>, scene: &mut Scene<'_>) -> Kept {
        if self.overlooks(&input, scene) {
            return Kept::Still(self);
        }
        match (self, input) {
            (Self::Held { seat, term, watch: Watch::Arming(on) }, Input::Got(_, reply)) => {
                if seat.stands(&reply, scene) {
                    Kept::Still(Self::Held { seat, term, watch: Watch::Armed(on) })
                } else {
                    lost(seat, Cause::NodeGone, scene)
                }
            }
            (Self::Held { seat, watch: Watch::Armed(On::Node), .. }, Input::Watch(_, event))
                if seat.ends(&event) =>
            {
                lost(seat, Cause::NodeGone, scene)
            }
            (Self::Held { seat, term, watch: Watch::Armed(on) }, Input::Watch(_, _)) => {
                Kept::Still(Self::arming(seat, term, on, scene))
            }
            (Self::Held { seat, term, watch: Watch::Resting(on, until) }, Input::Tick)
                if until <= scene.now =>
            {
                Kept::Still(Self::arming(seat, term, on, scene))
            }
            (held @ Self::Held { .. }, Input::Session(SessionState::Suspended { valid_until })) => {
                Kept::Told(held, Event::Suspended { valid_until })
            }
            (held @ Self::Held { .. }, Input::Session(SessionState::Connected { .. })) => {
                Kept::Told(held, Event::Resumed)
            }
            (Self::Held { seat, term, .. }, Input::Session(SessionState::LeaseExpired)) => {
                let event = Event::Lost { fence: seat.fence, cause: Cause::LeaseExpired };
                Kept::Told(Self::Doubtful { seat, term }, event)
            }
            (Self::Asked { seat, term }, Input::Session(SessionState::Connected { .. })) => {
                Kept::Still(Self::verifying(seat, term, On::Node, scene))
            }
            (Self::Verifying { seat, term, on }, Input::Got(_, reply)) => {
                verified(seat, term, on, &reply, scene)
            }
            (Self::Resting { seat, term, on, until }, Input::Tick) if until <= scene.now => {
                Kept::Still(Self::verifying(seat, term, on, scene))
            }
            (Self::Doubtful { seat, .. } | Self::Asked { seat, .. }, Input::Watch(_, event))
                if seat.ends(&event) =>
            {
                ended(seat, Cause::NodeGone, scene)
            }
            (Self::Held { seat, term, watch: Watch::Arming(on) }, Input::Failed(_, error)) => {
                unarmed(seat, term, on, error, scene)
            }
            (
                Self::Doubtful { seat, .. } | Self::Asked { seat, .. },
                Input::Failed(_, Error::Server(Code::NoNode)),
            ) => ended(seat, Cause::NodeGone, scene),
            (Self::Verifying { seat, term, on }, Input::Failed(_, error)) => {
                unverified(seat, term, on, error, scene)
            }
            (Self::Held { seat, .. }, Input::Session(SessionState::Ended(end))) => {
                Kept::Over(Event::Lost { fence: seat.fence, cause: Cause::Ended(end) }, None)
            }
            (holder, Input::Session(SessionState::Ended(end))) => {
                Kept::Over(Event::Ended { fence: holder.fence(), cause: Cause::Ended(end) }, None)
            }
            (holder, _) => Kept::Still(holder),
        }
    }

    /// The user asks whether the grant still stands. `Err`: there is nothing to ask.
    pub(crate) fn reclaim(self, scene: &mut Scene<'_>) -> Result<Self, Self> {
        match self {
            Self::Doubtful { seat, term } if scene.bond.is_live() => {
                Ok(Self::verifying(seat, term, On::Node, scene))
            }
            Self::Doubtful { seat, term } => Ok(Self::Asked { seat, term }),
            Self::Held { .. } | Self::Asked { .. } | Self::Verifying { .. } | Self::Resting { .. } => {
                Err(self)
            }
        }
    }

    /// Gives the grant up. The delete takes the place of any read and of the watch.
    pub(crate) fn leave(self, scene: &mut Scene<'_>) -> Leave {
        match self {
            Self::Held { seat, .. }
            | Self::Doubtful { seat, .. }
            | Self::Asked { seat, .. }
            | Self::Verifying { seat, .. }
            | Self::Resting { seat, .. } => seat.leave(scene),
        }
    }

    /// When a tick is needed.
    pub(crate) const fn timer(&self) -> Option<Instant> {
        match self {
            Self::Held { watch: Watch::Resting(_, until), .. } | Self::Resting { until, .. } => Some(*until),
            Self::Held { .. } | Self::Doubtful { .. } | Self::Asked { .. } | Self::Verifying { .. } => None,
        }
    }

    const fn fence(&self) -> Zxid {
        match self {
            Self::Held { seat, .. }
            | Self::Doubtful { seat, .. }
            | Self::Asked { seat, .. }
            | Self::Verifying { seat, .. }
            | Self::Resting { seat, .. } => seat.fence,
        }
    }

    fn arming(seat: Seat, term: u32, on: On, scene: &mut Scene<'_>) -> Self {
        seat.look(on, scene);
        Self::Held { seat, term, watch: Watch::Arming(on) }
    }

    fn verifying(seat: Seat, term: u32, on: On, scene: &mut Scene<'_>) -> Self {
        seat.look(on, scene);
        Self::Verifying { seat, term, on }
    }
}

impl Seat {
    fn grant(&self, term: u32, scene: &Scene<'_>) -> Grant {
        let numbered = wrong!(scene.site, NumbersItsFence);
        let fence = if numbered { Zxid::new(self.sequence) } else { self.fence };
        Grant { fence, term, path: self.path.clone() }
    }

    /// Reads whether our node stands, with a watch.
    fn look(&self, on: On, scene: &mut Scene<'_>) {
        match on {
            On::Node => scene.exists(&self.path, true),
            On::Directory => scene.list(true),
        }
    }

    /// Whether our node stands, by the answer to [`Seat::look`].
    fn stands(&self, reply: &Reply, scene: &Scene<'_>) -> bool {
        if let Reply::GetChildren2(found) = reply {
            return rules::own(&found.children, scene.site, &self.token).contains(&self.path);
        }
        matches!(reply, Reply::Exists(stat) if stat.czxid == self.fence)
    }

    fn ends(&self, event: &WatchEvent) -> bool {
        event.kind == EventKind::NodeDeleted && event.path == self.path
    }
}

/// The guard dies, and the grant with it.
fn lost(seat: Seat, cause: Cause, scene: &mut Scene<'_>) -> Kept {
    scene.errands.unwatch(Slot::ONLY);
    Kept::Over(Event::Lost { fence: seat.fence, cause }, Leave::sweeping(seat.token, seat.sends, scene))
}

/// The grant is gone, after its guard.
fn ended(seat: Seat, cause: Cause, scene: &mut Scene<'_>) -> Kept {
    scene.errands.unwatch(Slot::ONLY);
    Kept::Over(Event::Ended { fence: seat.fence, cause }, Leave::sweeping(seat.token, seat.sends, scene))
}

fn verified(seat: Seat, term: u32, on: On, reply: &Reply, scene: &mut Scene<'_>) -> Kept {
    if !seat.stands(reply, scene) {
        return ended(seat, Cause::NodeGone, scene);
    }
    if !scene.bond.is_live() {
        // The answer is older than the doubt.
        return Kept::Still(Holder::Asked { seat, term });
    }
    regained(seat, term, on, scene)
}

/// The grant stands, and gets another guard.
fn regained(seat: Seat, term: u32, on: On, scene: &mut Scene<'_>) -> Kept {
    scene.pace.progress();
    let term = term.saturating_add(1);
    let event = Event::Regained(seat.grant(term, scene));
    Kept::Told(Holder::Held { seat, term, watch: Watch::Armed(on) }, event)
}

fn unarmed(seat: Seat, term: u32, on: On, error: Error, scene: &mut Scene<'_>) -> Kept {
    let watch = match (Trouble::of(error), on) {
        (Trouble::NoNode, _) => return lost(seat, Cause::NodeGone, scene),
        (Trouble::Unsent | Trouble::Maybe, _) if scene.pace.may_repeat() => {
            return Kept::Still(Holder::arming(seat, term, on, scene));
        }
        (Trouble::Unsent | Trouble::Maybe | Trouble::Later, _) => {
            Watch::Resting(on, scene.pace.rest(scene.now, scene.errands))
        }
        (Trouble::Over, on) => Watch::Arming(on),
        (_, On::Node) => return Kept::Still(Holder::arming(seat, term, On::Directory, scene)),
        (_, On::Directory) => Watch::Refused,
    };
    Kept::Still(Holder::Held { seat, term, watch })
}

fn unverified(seat: Seat, term: u32, on: On, error: Error, scene: &mut Scene<'_>) -> Kept {
    if wrong!(scene.site, ReclaimsUnseen) {
        return regained(seat, term, on, scene);
    }
    let trouble = Trouble::of(error);
    match (&trouble, on) {
        (Trouble::NoNode, _) => ended(seat, Cause::NodeGone, scene),
        (Trouble::Unsent | Trouble::Maybe, _) if scene.pace.may_repeat() => {
            Kept::Still(Holder::verifying(seat, term, on, scene))
        }
        (Trouble::Unsent | Trouble::Maybe | Trouble::Later, _) => {
            let until = scene.pace.rest(scene.now, scene.errands);
            Kept::Still(Holder::Resting { seat, term, on, until })
        }
        (Trouble::Over, _) => Kept::Still(Holder::Verifying { seat, term, on }),
        (_, On::Node) => Kept::Still(Holder::verifying(seat, term, On::Directory, scene)),
        (_, On::Directory) => {
            let cause = match trouble.failure() {
                Some(Failure::Server(code)) => Cause::Refused(code),
                _ => Cause::NodeGone,
            };
            let event = Event::Ended { fence: seat.fence, cause };
            Kept::Over(event, Some(seat.leave(scene)))
        }
    }
}
