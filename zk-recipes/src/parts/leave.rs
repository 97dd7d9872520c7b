//! Leaves nothing behind: the guaranteed delete.
//!
//! A create under way is let land, or is found, before its node is deleted; a delete is repeated until it is confirmed or
//! the session is over. Nobody can stop it.
//!
//! ```text
//! Landing --created--> Deleting --gone, token sent once--> (gone)
//!    |                    ^  |
//!    | maybe        found |  +--gone, token sent twice--> Sweeping --listed--> (gone; the rest to the janitor)
//!    v                    |
//! Syncing --> Finding ----+--none--> (gone)
//! Finishing --a parent's create has ended--> (gone)
//! any --too many setbacks, or refused--> Resting --Tick--> the same
//! any --session over--> (gone)
//! ```

use alloc::boxed::Box;

use zk_session::{Code, Error, Instant, Path, Reply, SessionState};

use crate::hold::{Failure, Freed};
use crate::layout::Token;
use crate::parts::scene::{Scene, Sends};
use crate::parts::trouble::Trouble;
use crate::recipe::Input;
use crate::rules;
use crate::wrong::wrong;

/// A node on its way out of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Leave {
    token: Token,
    sends: Sends,
    complaint: Complaint,
    state: State,
}

/// How far it has got.
pub(crate) enum Left {
    Not(Leave),
    /// The server refuses the delete; told once.
    Stuck(Leave, Code),
    Gone(Freed),
}

/// Whether the user was told that the server refuses the delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Complaint {
    Unmade,
    Made,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Landing,
    Finishing,
    Syncing,
    Finding,
    Deleting(Path),
    Sweeping,
    Resting { until: Instant, then: Box<Self> },
}

impl Leave {
    /// Our create is under way.
    pub(crate) const fn landing(token: Token, sends: Sends) -> Self {
        Self::new(token, sends, State::Landing)
    }

    /// The create of a parent is under way.
    pub(crate) const fn finishing(token: Token, sends: Sends) -> Self {
        Self::new(token, sends, State::Finishing)
    }

    /// The fate of our create is unknown, and a sync is under way.
    pub(crate) const fn syncing(token: Token, sends: Sends) -> Self {
        Self::new(token, sends, State::Syncing)
    }

    /// The fate of our create is unknown, and a listing after a sync is under way.
    pub(crate) const fn finding(token: Token, sends: Sends) -> Self {
        Self::new(token, sends, State::Finding)
    }

    /// The fate of our create is unknown, and nothing is under way.
    pub(crate) fn seeking(token: Token, sends: Sends, scene: &mut Scene<'_>) -> Self {
        Self::new(token, sends, State::Syncing).enter(State::Syncing, scene)
    }

    /// Our node is there.
    pub(crate) fn deleting(token: Token, sends: Sends, path: Path, scene: &mut Scene<'_>) -> Self {
        Self::new(token, sends, State::Landing).enter(State::Deleting(path), scene)
    }

    /// Our node is not there. If the token was sent twice, another one may be.
    pub(crate) fn sweeping(token: Token, sends: Sends, scene: &mut Scene<'_>) -> Option<Self> {
        match sends {
            Sends::Once => None,
            Sends::Again => Some(Self::new(token, sends, State::Sweeping).enter(State::Sweeping, scene)),
        }
    }

    const fn new(token: Token, sends: Sends, state: State) -> Self {
        Self { token, sends, complaint: Complaint::Unmade, state }
    }

    pub(crate) fn step<C>(mut self, input: Input<C>, scene: &mut Scene<'_>) -> Left {
        let state = core::mem::replace(&mut self.state, State::Finishing);
        match (state, input) {
            (State::Landing, Input::Got(_, Reply::Create2(made))) => {
                self.go(State::Deleting(made.path), scene)
            }
            (State::Landing, Input::Got(_, Reply::Create(made))) => {
                self.go(State::Deleting(made.path), scene)
            }
            (State::Finishing, Input::Got(_, _) | Input::Failed(_, _)) => self.sweep(scene),
            (State::Syncing, Input::Got(_, Reply::Sync(_))) => self.go(State::Finding, scene),
            (State::Finding, Input::Got(_, Reply::GetChildren2(found))) => {
                let mut own = rules::own(&found.children, scene.site, &self.token).into_iter();
                let first = own.next();
                scene.discard(own);
                match first {
                    Some(path) => self.go(State::Deleting(path), scene),
                    None => Left::Gone(Freed::Deleted),
                }
            }
            (State::Deleting(_), Input::Got(_, Reply::Delete(()))) => self.sweep(scene),
            (State::Sweeping, Input::Got(_, Reply::GetChildren2(found))) => {
                scene.discard(rules::own(&found.children, scene.site, &self.token));
                Left::Gone(Freed::Deleted)
            }
            (State::Resting { until, then }, Input::Tick) if until <= scene.now => self.go(*then, scene),
            (state, Input::Failed(_, error)) => self.fail(state, error, scene),
            (_, Input::Session(SessionState::Ended(ended))) => Left::Gone(Freed::Ended(ended)),
            (state, _) => Left::Not(Self { state, ..self }),
        }
    }

    /// When a tick is needed.
    pub(crate) const fn timer(&self) -> Option<Instant> {
        match self.state {
            State::Resting { until, .. } => Some(until),
            State::Landing
            | State::Finishing
            | State::Syncing
            | State::Finding
            | State::Deleting(_)
            | State::Sweeping => None,
        }
    }

    fn fail(mut self, state: State, error: Error, scene: &mut Scene<'_>) -> Left {
        match (state, Trouble::of(error)) {
            (state, Trouble::Over) => Left::Not(Self { state, ..self }),
            (State::Landing, Trouble::Maybe) => self.go(State::Syncing, scene),
            // Refused or never sent: this create made no node.
            (State::Landing, _) => self.sweep(scene),
            (State::Deleting(_), Trouble::NoNode) => self.sweep(scene),
            (State::Deleting(_), Trouble::Unsent) if wrong!(scene.site, LeavesItsNode) => {
                Left::Gone(Freed::Deleted)
            }
            (State::Finding | State::Sweeping, Trouble::NoNode) => Left::Gone(Freed::Deleted),
            (state, Trouble::Unsent | Trouble::Maybe) if scene.pace.may_repeat() => self.go(state, scene),
            (state, Trouble::Unsent | Trouble::Maybe | Trouble::Later) => Left::Not(self.rest(state, scene)),
            (State::Sweeping, _) => Left::Gone(Freed::Deleted),
            (state, trouble) => {
                let complaint = core::mem::replace(&mut self.complaint, Complaint::Made);
                let resting = self.rest(state, scene);
                match (complaint, trouble.failure()) {
                    (Complaint::Unmade, Some(Failure::Server(code))) => Left::Stuck(resting, code),
                    _ => Left::Not(resting),
                }
            }
        }
    }

    fn sweep(self, scene: &mut Scene<'_>) -> Left {
        Self::sweeping(self.token, self.sends, scene).map_or(Left::Gone(Freed::Deleted), Left::Not)
    }

    fn rest(mut self, state: State, scene: &mut Scene<'_>) -> Self {
        let until = scene.pace.rest(scene.now, scene.errands);
        self.state = State::Resting { until, then: Box::new(state) };
        self
    }

    fn go(self, state: State, scene: &mut Scene<'_>) -> Left {
        Left::Not(self.enter(state, scene))
    }

    /// Enters a state by making its call.
    fn enter(mut self, state: State, scene: &mut Scene<'_>) -> Self {
        match &state {
            State::Syncing => scene.sync(),
            State::Finding | State::Sweeping => scene.list(false),
            State::Deleting(path) => scene.delete(path),
            State::Landing | State::Finishing | State::Resting { .. } => {}
        }
        self.state = state;
        self
    }
}
