//! A fair, exclusive lock: who comes first, holds it.
//!
//! It is not reentrant: a second machine on the same directory is a second contender, even in the same process. It does not
//! bound what a holder does after its guard has died: nothing can, but a store that refuses low fences.
//!
//! ```text
//!            +--free-- Probing <--Acquire{now}--+
//!            v            +-------not free----->|
//! Idle --Acquire--> Turning --first--> Holding --Release--> Leaving --node gone--> Idle
//!  ^                  |                   | lost                ^
//!  |                  |                   +-------> Idle        |
//!  +-- Ended{closed} -+-- deadline, Cancel, failed -------------+
//! ```

use alloc::vec::Vec;

use zk_session::{Acl, Instant, Path};

use crate::hold::{Command, Deadline, Event, Wish};
use crate::layout::Layout;
use crate::outbox::Outbox;
use crate::parts::holder::Holder;
use crate::parts::leave::Leave;
use crate::parts::pace::Pace;
use crate::parts::scene::{Bond, Scene, Site};
use crate::parts::turn::Turn;
use crate::recipe::{Input, Recipe};
use commands::remember;
use facts::{kept, leaving};

mod commands;
mod facts;

/// A fair, exclusive lock on a directory.
///
/// One machine makes one attempt at a time and may be used again and again. Its words are those of [`hold`](crate::hold).
///
/// To get the lock costs a write and a read if it is free, and one more read to watch our own node; a waiter is woken once,
/// by the end of the contender just ahead of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lock {
    site: Site,
    bond: Bond,
    pace: Pace,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Idle,
    /// Looks whether the lock is free, before anything is written.
    Probing(Wish),
    Turning {
        wish: Wish,
        turn: Turn,
    },
    Holding(Holder),
    Leaving {
        leave: Leave,
        farewell: Farewell,
        next: Option<Wish>,
    },
}

/// What the user is told when our node is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Farewell {
    Released,
    Cancelled,
    /// Everything was told before, or nobody is there.
    Nothing,
}

impl Lock {
    /// The lock on `directory`, whose missing parents are made when needed. Everybody may do everything with its nodes; see
    /// [`Lock::with_acl`].
    #[must_use]
    pub fn new(directory: Path, layout: Layout) -> Self {
        let (acl, parent_acl) = (Acl::open_unsafe(), Acl::open_unsafe());
        Self {
            site: Site {
                directory,
                layout,
                acl,
                parent_acl,
                #[cfg(feature = "wrong")]
                wrong: None,
            },
            bond: Bond::None,
            pace: Pace::default(),
            state: State::Idle,
        }
    }

    /// The same lock with other names.
    #[must_use]
    pub fn with_layout(mut self, layout: Layout) -> Self {
        self.site.layout = layout;
        self
    }

    /// The same lock whose nodes, parents included, have these permissions. Contenders must be able to list the directory,
    /// and to create in and delete from it; where they may not read each other's nodes, all of them are woken by every
    /// change of the directory.
    #[must_use]
    pub fn with_acl(mut self, acl: Vec<Acl>) -> Self {
        self.site.parent_acl.clone_from(&acl);
        self.site.acl = acl;
        self
    }

    /// The same lock with a mistake, for tests of tests.
    #[cfg(feature = "wrong")]
    #[doc(hidden)]
    #[must_use]
    pub const fn wrongly(mut self, mistake: crate::wrong::Wrong) -> Self {
        self.site.wrong = Some(mistake);
        self
    }

    /// The same lock that makes missing parents with these permissions.
    #[must_use]
    pub fn with_parent_acl(mut self, acl: Vec<Acl>) -> Self {
        self.site.parent_acl = acl;
        self
    }
}

impl Recipe for Lock {
    type Command = Command;
    type Event = Event;

    fn step(&mut self, input: Input<Command>, now: Instant, out: &mut Outbox<Event>) {
        if let Input::Session(state) = input {
            self.bond.hear(state);
        }
        if !matches!(input, Input::Got(_, _) | Input::Failed(_, _)) {
            self.pace.refresh();
        }
        self.watch_deadline(now, out);
        let state = core::mem::replace(&mut self.state, State::Idle);
        self.state = match (state, input) {
            (State::Idle, Input::Do(command)) => self.begin(command, now, out),
            (state, Input::Do(Command::Acquire(wish))) => remember(state, wish, out),
            (state, Input::Do(Command::Release)) => self.release(state, now, out),
            (state, Input::Do(Command::Reclaim)) => self.reclaim(state, now, out),
            (state, Input::Do(Command::Cancel)) => self.cancel(state, now, out),
            (state, Input::Do(Command::Abandon)) => self.give_up(state, now, out),
            (State::Idle, _) => State::Idle,
            (State::Probing(wish), input) => self.probed(wish, input, now, out),
            (State::Turning { wish, turn }, input) => {
                let turned = turn.step(input, &wish, &mut self.scene(now, out));
                self.turned(turned, wish, now, out)
            }
            (State::Holding(holder), input) => kept(holder.step(input, &mut self.scene(now, out)), out),
            (State::Leaving { leave, farewell, next }, input) => {
                let left = leave.step(input, &mut self.scene(now, out));
                self.left(left, farewell, next, now, out)
            }
        };
        if let Some(at) = self.timer() {
            out.timer(at);
        }
    }

    fn abandon() -> Command {
        Command::Abandon
    }

    fn holds(&self) -> bool {
        matches!(self.state, State::Turning { .. } | State::Holding(_))
    }

    fn is_idle(&self) -> bool {
        self.state == State::Idle
    }
}

impl Lock {
    /// The deadline comes before whatever else has happened.
    fn watch_deadline(&mut self, now: Instant, out: &mut Outbox<Event>) {
        if self.deadline().is_none_or(|at| at > now) {
            return;
        }
        out.tell(Event::TimedOut);
        self.state = match core::mem::replace(&mut self.state, State::Idle) {
            State::Turning { turn, .. } => {
                let leave = turn.leave(&mut self.scene(now, out));
                leaving(leave, Farewell::Nothing, out)
            }
            State::Leaving { leave, farewell, .. } => State::Leaving { leave, farewell, next: None },
            state @ (State::Idle | State::Probing(_) | State::Holding(_)) => state,
        };
    }

    /// The deadline of the attempt under way, or of the one that is to follow.
    const fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Turning { wish, .. } | State::Leaving { next: Some(wish), .. } => match wish.deadline {
                Deadline::At(at) => Some(at),
                Deadline::Now | Deadline::Never => None,
            },
            State::Idle | State::Probing(_) | State::Holding(_) | State::Leaving { .. } => None,
        }
    }

    fn timer(&self) -> Option<Instant> {
        let rest = match &self.state {
            State::Idle | State::Probing(_) => None,
            State::Turning { turn, .. } => turn.timer(),
            State::Holding(holder) => holder.timer(),
            State::Leaving { leave, .. } => leave.timer(),
        };
        [self.deadline(), rest].into_iter().flatten().min()
    }

    const fn scene<'a>(&'a mut self, now: Instant, out: &'a mut Outbox<Event>) -> Scene<'a> {
        Scene { site: &self.site, bond: &mut self.bond, pace: &mut self.pace, now, errands: out.errands() }
    }
}
