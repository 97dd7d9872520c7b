//! Who queues for a lock, for people who look.
//!
//! It takes no part in the queue, and what it tells is old when it is told: never decide by it who may do something.
//!
//! ```text
//! Idle --List--> Listing --listed--> Reading each --read, or gone--> Idle
//!                   ^                   |
//!                   +--- expired -------+   either --too many setbacks--> Resting --Tick--> Listing
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use zk_session::ops::{GetChildren2, GetData};
use zk_session::{Children, Ended, Error, Instant, Misuse, Path, Reply, SessionState, Zxid};

use crate::hold::Failure;
use crate::layout::{Kind, Layout, Seen};
use crate::outbox::{Outbox, Slot};
use crate::parts::pace::Pace;
use crate::parts::trouble::Trouble;
use crate::recipe::{Input, Recipe};

/// Lists the contenders for the lock on a directory: one call for the directory and one for each contender.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contenders {
    directory: Path,
    layout: Layout,
    pace: Pace,
    state: State,
}

/// What the user of [`Contenders`] may wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// List them. Ends in exactly one of `Listed`, `Failed` and `Misuse`.
    List,
    /// The user is gone.
    Abandon,
}

/// What the user of [`Contenders`] is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sight {
    /// The contenders, the holder first.
    Listed(Vec<Contender>),
    /// They cannot be listed.
    Failed(Failure),
    /// A listing is under way.
    Misuse(Misuse),
}

/// One contender in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contender {
    /// Its node.
    pub path: Path,
    /// What it wants.
    pub kind: Kind,
    /// What the node tells, if we may read it.
    pub details: Option<Details>,
}

/// What the node of a contender tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Details {
    /// The fence of its grant, once it is granted.
    pub fence: Zxid,
    /// What it calls itself, or whatever else its client stores there; bytes that are no text are replaced.
    pub identifier: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Idle,
    /// The session has expired; the listing starts over in the next one.
    Adrift,
    Listing,
    /// `next` is being read; `rest` is to be read, the last in the queue first.
    Reading {
        seen: Vec<Contender>,
        next: Contender,
        rest: Vec<Contender>,
    },
    Resting {
        until: Instant,
    },
}

impl Contenders {
    /// The contenders for the lock on `directory`.
    #[must_use]
    pub fn new(directory: Path, layout: Layout) -> Self {
        Self { directory, layout, pace: Pace::default(), state: State::Idle }
    }

    fn list(&self, out: &mut Outbox<Sight>) -> State {
        out.call(Slot::ONLY, GetChildren2 { path: self.directory.clone(), watch: false });
        State::Listing
    }

    /// The contenders among the children, in reverse order.
    fn queue(&self, children: &Children) -> Vec<Contender> {
        let mut queue: Vec<(i64, Contender)> = Vec::new();
        for name in children.iter() {
            if let (Seen::Contender { kind, sequence }, Ok(path)) =
                (self.layout.see(name), self.directory.join(name))
            {
                queue.push((sequence, Contender { path, kind, details: None }));
            }
        }
        queue.sort_unstable_by(|(one, left), (other, right)| {
            (other, right.kind, &right.path).cmp(&(one, left.kind, &left.path))
        });
        queue.into_iter().map(|(_, contender)| contender).collect()
    }

    fn fail(&mut self, state: State, error: Error, now: Instant, out: &mut Outbox<Sight>) -> State {
        match (state, Trouble::of(error)) {
            (State::Reading { seen, rest, .. }, Trouble::NoNode) => go_on(seen, rest, out),
            (State::Reading { mut seen, next, rest }, Trouble::NoAuth) => {
                seen.push(next);
                go_on(seen, rest, out)
            }
            (_, Trouble::NoNode) => go_on(Vec::new(), Vec::new(), out),
            (state, Trouble::Over) => state,
            (_, Trouble::Unsent | Trouble::Maybe) if self.pace.may_repeat() => self.list(out),
            (_, trouble) => match trouble.failure() {
                Some(failure) => {
                    out.tell(Sight::Failed(failure));
                    State::Idle
                }
                None => State::Resting { until: self.pace.rest(now, out.errands()) },
            },
        }
    }
}

impl Recipe for Contenders {
    type Command = Look;
    type Event = Sight;

    fn step(&mut self, input: Input<Look>, now: Instant, out: &mut Outbox<Sight>) {
        if !matches!(input, Input::Got(_, _) | Input::Failed(_, _)) {
            self.pace.refresh();
        }
        let state = core::mem::replace(&mut self.state, State::Idle);
        self.state = match (state, input) {
            (State::Idle, Input::Do(Look::List)) => {
                self.pace = Pace::default();
                self.list(out)
            }
            (State::Adrift, Input::Session(SessionState::Connected { .. })) => self.list(out),
            (State::Listing, Input::Got(_, Reply::GetChildren2(found))) => {
                go_on(Vec::new(), self.queue(&found.children), out)
            }
            (State::Reading { mut seen, mut next, rest }, Input::Got(_, Reply::GetData(node))) => {
                let identifier =
                    String::from_utf8_lossy(node.data.as_deref().unwrap_or_default()).into_owned();
                next.details = Some(Details { fence: node.stat.czxid, identifier });
                seen.push(next);
                go_on(seen, rest, out)
            }
            (State::Resting { until }, Input::Tick) if until <= now => self.list(out),
            (_, Input::Do(Look::Abandon)) | (State::Idle, _) => State::Idle,
            (state, Input::Do(Look::List)) => {
                out.tell(Sight::Misuse(Misuse::Recipe("a listing is under way")));
                state
            }
            (state, Input::Failed(_, error)) => self.fail(state, error, now, out),
            (_, Input::Session(SessionState::Ended(Ended::Expired))) => State::Adrift,
            (_, Input::Session(SessionState::Ended(ended))) => {
                out.tell(Sight::Failed(Failure::Ended(ended)));
                State::Idle
            }
            (state, _) => state,
        };
        if let State::Resting { until } = self.state {
            out.timer(until);
        }
    }

    fn abandon() -> Look {
        Look::Abandon
    }

    fn holds(&self) -> bool {
        false
    }

    fn is_idle(&self) -> bool {
        self.state == State::Idle
    }
}

/// Reads the next contender, or tells what was seen.
fn go_on(seen: Vec<Contender>, mut rest: Vec<Contender>, out: &mut Outbox<Sight>) -> State {
    match rest.pop() {
        Some(next) => {
            out.call(Slot::ONLY, GetData { path: next.path.clone(), watch: false });
            State::Reading { seen, next, rest }
        }
        None => {
            out.tell(Sight::Listed(seen));
            State::Idle
        }
    }
}
