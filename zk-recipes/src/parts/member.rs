//! Gets exactly one node into the directory, whatever becomes of the replies.
//!
//! A create whose fate is unknown is looked for by its token before it is repeated. It does not rank the node, and it does
//! not delete it: see [`Leave`].
//!
//! ```text
//! Adrift --Connected--> Joining --created--> (in)
//!                       |  ^  |
//!              NoNode   |  |  +--maybe--> Syncing --> Finding --none--> Joining
//!                       v  |                             | token found
//!                      Making                            v
//!                                                     Checking --owner is us--> (in)
//!                                                        |  ^
//!                              owner is another: Joining with a new token
//! any --Expired--> Adrift, with a new token
//! any --too many setbacks--> Resting --Tick--> the same
//! ```

use alloc::boxed::Box;

use zk_session::{Ended, Error, Instant, Path, Reply, SessionState, Stat, Zxid};

use crate::hold::Failure;
use crate::layout::{Token, is_exhausted};
use crate::parts::ensure::{Ensure, Ensured};
use crate::parts::leave::Leave;
use crate::parts::scene::{Scene, Sends};
use crate::parts::trouble::Trouble;
use crate::recipe::Input;
use crate::rules;
use crate::wrong::wrong;

/// A node on its way into the directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Member {
    token: Token,
    sends: Sends,
    state: State,
}

/// Our node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seat {
    pub(crate) token: Token,
    pub(crate) sends: Sends,
    pub(crate) path: Path,
    pub(crate) sequence: i64,
    pub(crate) fence: Zxid,
}

/// How far it has got.
pub(crate) enum Joined {
    Not(Member),
    In(Seat),
    /// Nothing of ours is known to be there, but `Leave` may have something to look for.
    Failed(Failure, Option<Leave>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Adrift,
    Joining,
    Making(Ensure),
    Syncing,
    Finding,
    Checking(Path),
    Resting { until: Instant, then: Box<Self> },
}

impl Member {
    /// Starts, at once if there is a session.
    pub(crate) fn join(identifier: &str, scene: &mut Scene<'_>) -> Self {
        let adrift = Self { token: scene.token(), sends: Sends::Once, state: State::Adrift };
        if scene.bond.session().is_none() { adrift } else { adrift.enter(State::Joining, identifier, scene) }
    }

    /// Starts after a rest, because the last node was lost.
    pub(crate) fn rejoin(scene: &mut Scene<'_>) -> Self {
        let until = scene.pace.rest(scene.now, scene.errands);
        let state = State::Resting { until, then: Box::new(State::Joining) };
        Self { token: scene.token(), sends: Sends::Once, state }
    }

    /// Another node with the token of `seat` turned out to be ours; its transaction is still to be read.
    pub(crate) fn check(seat: Seat, path: Path, identifier: &str, scene: &mut Scene<'_>) -> Self {
        let member = Self { token: seat.token, sends: Sends::Again, state: State::Adrift };
        member.enter(State::Checking(path), identifier, scene)
    }

    pub(crate) fn step<C>(mut self, input: Input<C>, identifier: &str, scene: &mut Scene<'_>) -> Joined {
        let state = core::mem::replace(&mut self.state, State::Adrift);
        match (state, input) {
            (State::Adrift, Input::Session(SessionState::Connected { .. })) => {
                self.go(State::Joining, identifier, scene)
            }
            (State::Joining, Input::Got(_, Reply::Create2(made))) => {
                self.seated(made.path, made.stat.czxid, scene)
            }
            (State::Joining, Input::Got(_, Reply::Create(made))) => {
                self.go(State::Checking(made.path), identifier, scene)
            }
            (State::Joining, Input::Failed(_, error)) => self.refused(error, identifier, scene),
            (State::Making(ensure), input @ (Input::Got(_, _) | Input::Failed(_, _))) => {
                self.made(ensure.step(input, scene), identifier, scene)
            }
            (State::Syncing, Input::Got(_, Reply::Sync(_))) => self.go(State::Finding, identifier, scene),
            (State::Finding, Input::Got(_, Reply::GetChildren2(found))) => {
                let mut own = rules::own(&found.children, scene.site, &self.token).into_iter();
                match own.next() {
                    None => self.resend(identifier, scene),
                    Some(path) => {
                        self.sends = if own.len() == 0 { self.sends } else { Sends::Again };
                        scene.discard(own);
                        self.go(State::Checking(path), identifier, scene)
                    }
                }
            }
            (State::Checking(path), Input::Got(_, Reply::Exists(stat))) => {
                self.checked(path, &stat, identifier, scene)
            }
            (State::Resting { until, then }, Input::Tick) if until <= scene.now => {
                self.go(*then, identifier, scene)
            }
            (state @ (State::Syncing | State::Finding | State::Checking(_)), Input::Failed(_, error)) => {
                self.unread(state, error, identifier, scene)
            }
            (_, Input::Session(SessionState::Ended(Ended::Expired))) => {
                let keeps = wrong!(scene.site, AdoptsTheDead);
                let token = if keeps { self.token } else { scene.token() };
                Joined::Not(Self { token, sends: Sends::Once, state: State::Adrift })
            }
            (_, Input::Session(SessionState::Ended(ended))) => Joined::Failed(Failure::Ended(ended), None),
            (state, _) => Joined::Not(Self { state, ..self }),
        }
    }

    /// Gives up; what is left of it, if anything can be.
    pub(crate) fn leave(self, scene: &mut Scene<'_>) -> Option<Leave> {
        let Self { token, sends, state } = self;
        match state {
            State::Adrift => None,
            State::Joining if wrong!(scene.site, LeavesItsCreate) => None,
            State::Joining => Some(Leave::landing(token, sends)),
            State::Making(_) => Some(Leave::finishing(token, sends)),
            State::Syncing | State::Finding if wrong!(scene.site, StopsLooking) => None,
            State::Syncing => Some(Leave::syncing(token, sends)),
            State::Finding => Some(Leave::finding(token, sends)),
            State::Checking(path) => Some(Leave::deleting(token, sends, path, scene)),
            State::Resting { then, .. } => match *then {
                State::Joining | State::Making(_) | State::Adrift | State::Resting { .. } => {
                    Leave::sweeping(token, sends, scene)
                }
                State::Syncing | State::Finding => Some(Leave::seeking(token, sends, scene)),
                State::Checking(path) => Some(Leave::deleting(token, sends, path, scene)),
            },
        }
    }

    /// When a tick is needed.
    pub(crate) const fn timer(&self) -> Option<Instant> {
        match self.state {
            State::Resting { until, .. } => Some(until),
            State::Adrift
            | State::Joining
            | State::Making(_)
            | State::Syncing
            | State::Finding
            | State::Checking(_) => None,
        }
    }

    /// Whether time must pass, rather than answers come, before anything goes on.
    pub(crate) const fn is_stalled(&self) -> bool {
        matches!(self.state, State::Adrift | State::Resting { .. })
    }

    fn seated(self, path: Path, fence: Zxid, scene: &mut Scene<'_>) -> Joined {
        let Self { token, sends, .. } = self;
        match scene.site.layout.own(path.name(), &token) {
            Some(sequence) if !is_exhausted(sequence) => {
                Joined::In(Seat { token, sends, path, sequence, fence })
            }
            _ => Joined::Failed(Failure::Exhausted, Some(Leave::deleting(token, sends, path, scene))),
        }
    }

    fn refused(mut self, error: Error, identifier: &str, scene: &mut Scene<'_>) -> Joined {
        match Trouble::of(error) {
            Trouble::Unsent => self.again(State::Joining, identifier, scene),
            Trouble::Later => self.rest(State::Joining, scene),
            Trouble::Maybe if wrong!(scene.site, CreatesAgain) => self.go(State::Joining, identifier, scene),
            Trouble::Maybe => self.go(State::Syncing, identifier, scene),
            Trouble::NoNode => {
                let ensure = Ensure::new(scene.site.directory.clone());
                self.again(State::Making(ensure), identifier, scene)
            }
            Trouble::Unknown if scene.bond.forgo_create2() => self.go(State::Joining, identifier, scene),
            Trouble::Over => {
                self.state = State::Joining;
                Joined::Not(self)
            }
            trouble @ (Trouble::NodeExists | Trouble::Unknown | Trouble::NoAuth | Trouble::Never(_)) => {
                let leave = Leave::sweeping(self.token, self.sends, scene);
                Joined::failed(trouble, leave, self)
            }
        }
    }

    fn made(mut self, ensured: Ensured, identifier: &str, scene: &mut Scene<'_>) -> Joined {
        match ensured {
            Ensured::Done => self.go(State::Joining, identifier, scene),
            Ensured::Setback(ensure) => self.again(State::Making(ensure), identifier, scene),
            Ensured::Failed(failure) => {
                Joined::Failed(failure, Leave::sweeping(self.token, self.sends, scene))
            }
            Ensured::Not(ensure) => {
                self.state = State::Making(ensure);
                Joined::Not(self)
            }
            Ensured::Over => Joined::Not(self),
        }
    }

    fn checked(mut self, path: Path, stat: &Stat, identifier: &str, scene: &mut Scene<'_>) -> Joined {
        let is_ours = scene.bond.session() == Some(stat.ephemeral_owner);
        if is_ours || wrong!(scene.site, AdoptsTheDead) {
            return self.seated(path, stat.czxid, scene);
        }
        scene.discard([path]);
        self.token = scene.token();
        self.sends = Sends::Once;
        self.again(State::Joining, identifier, scene)
    }

    fn unread(mut self, state: State, error: Error, identifier: &str, scene: &mut Scene<'_>) -> Joined {
        match (state, Trouble::of(error)) {
            (state, Trouble::Unsent | Trouble::Maybe) => self.again(state, identifier, scene),
            (state, Trouble::Later) => self.rest(state, scene),
            (state, Trouble::Over) => {
                self.state = state;
                Joined::Not(self)
            }
            // The directory is gone, or the node: with it whatever had been created there.
            (_, Trouble::NoNode) => self.resend(identifier, scene),
            (State::Checking(path), trouble) => {
                let leave = Leave::deleting(self.token, self.sends, path, scene);
                Joined::failed(trouble, Some(leave), self)
            }
            (_, trouble) => {
                let leave = Leave::seeking(self.token, self.sends, scene);
                Joined::failed(trouble, Some(leave), self)
            }
        }
    }

    /// The token is sent once more, since nothing of it is to be seen; the first create may still be late.
    fn resend(mut self, identifier: &str, scene: &mut Scene<'_>) -> Joined {
        self.sends = Sends::Again;
        self.again(State::Joining, identifier, scene)
    }

    fn again(self, state: State, identifier: &str, scene: &mut Scene<'_>) -> Joined {
        if scene.pace.may_repeat() { self.go(state, identifier, scene) } else { self.rest(state, scene) }
    }

    fn rest(mut self, state: State, scene: &mut Scene<'_>) -> Joined {
        let until = scene.pace.rest(scene.now, scene.errands);
        self.state = State::Resting { until, then: Box::new(state) };
        Joined::Not(self)
    }

    fn go(self, state: State, identifier: &str, scene: &mut Scene<'_>) -> Joined {
        Joined::Not(self.enter(state, identifier, scene))
    }

    /// Enters a state by making its call.
    fn enter(mut self, state: State, identifier: &str, scene: &mut Scene<'_>) -> Self {
        match &state {
            State::Joining => scene.create(&self.token, identifier),
            State::Making(ensure) => ensure.ask(scene),
            State::Syncing => scene.sync(),
            State::Finding => scene.list(false),
            State::Checking(path) => scene.exists(path, false),
            State::Adrift | State::Resting { .. } => {}
        }
        self.state = state;
        self
    }
}

impl Joined {
    /// The end of it, if the trouble is one that ends it.
    fn failed(trouble: Trouble, leave: Option<Leave>, member: Member) -> Self {
        match trouble.failure() {
            Some(failure) => Self::Failed(failure, leave),
            None => Self::Not(member),
        }
    }
}
