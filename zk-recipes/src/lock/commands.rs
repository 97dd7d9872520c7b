//! What the user of a lock wishes, and what follows from it in each state.
//!
//! Facts are another file's matter; so is what becomes of a wish later.

use zk_session::{Instant, Misuse};

use super::{Farewell, Lock, State, leaving};
use crate::hold::{Command, Deadline, Event, Failure, Wish};
use crate::outbox::Outbox;
use crate::parts::pace::Pace;
use crate::parts::scene::Bond;
use crate::parts::turn::Turn;

impl Lock {
    pub(super) fn begin(&mut self, command: Command, now: Instant, out: &mut Outbox<Event>) -> State {
        let wish = match command {
            Command::Acquire(wish) => wish,
            Command::Abandon => return State::Idle,
            Command::Release | Command::Reclaim | Command::Cancel => {
                out.tell(misuse("the lock is neither held nor being acquired"));
                return State::Idle;
            }
        };
        self.pace = Pace::default();
        match (self.bond, wish.deadline) {
            (Bond::Ended(ended), _) => out.tell(Event::Failed(Failure::Ended(ended))),
            (_, Deadline::At(at)) if at <= now => out.tell(Event::TimedOut),
            (Bond::Live(..), Deadline::Now) => {
                self.scene(now, out).list(false);
                return State::Probing(wish);
            }
            (Bond::None | Bond::Shaky(..), Deadline::Now) => out.tell(Event::NotAcquired),
            (_, Deadline::At(_) | Deadline::Never) => return self.start(wish, now, out),
        }
        State::Idle
    }

    pub(super) fn start(&mut self, wish: Wish, now: Instant, out: &mut Outbox<Event>) -> State {
        let turn = Turn::start(&wish, &mut self.scene(now, out));
        State::Turning { wish, turn }
    }

    pub(super) fn release(&mut self, state: State, now: Instant, out: &mut Outbox<Event>) -> State {
        if let State::Holding(holder) = state {
            let leave = holder.leave(&mut self.scene(now, out));
            return leaving(Some(leave), Farewell::Released, out);
        }
        out.tell(misuse("the lock is not held"));
        state
    }

    pub(super) fn reclaim(&mut self, state: State, now: Instant, out: &mut Outbox<Event>) -> State {
        let State::Holding(holder) = state else {
            out.tell(misuse("there is no grant to reclaim"));
            return state;
        };
        State::Holding(holder.reclaim(&mut self.scene(now, out)).unwrap_or_else(|holder| {
            out.tell(misuse("only a grant whose guard has died can be reclaimed, and once at a time"));
            holder
        }))
    }

    pub(super) fn cancel(&mut self, state: State, now: Instant, out: &mut Outbox<Event>) -> State {
        match state {
            State::Probing(_) => {
                out.tell(Event::Cancelled);
                State::Idle
            }
            State::Turning { turn, .. } => {
                let leave = turn.leave(&mut self.scene(now, out));
                leaving(leave, Farewell::Cancelled, out)
            }
            State::Leaving { leave, farewell, next: Some(_) } => {
                out.tell(Event::Cancelled);
                State::Leaving { leave, farewell, next: None }
            }
            State::Idle | State::Holding(_) | State::Leaving { .. } => {
                out.tell(misuse("the attempt is over, there is nothing to cancel"));
                state
            }
        }
    }

    pub(super) fn give_up(&mut self, state: State, now: Instant, out: &mut Outbox<Event>) -> State {
        let leave = match state {
            State::Idle | State::Probing(_) => None,
            State::Turning { turn, .. } => turn.leave(&mut self.scene(now, out)),
            State::Holding(holder) => Some(holder.leave(&mut self.scene(now, out))),
            State::Leaving { leave, .. } => Some(leave),
        };
        leaving(leave, Farewell::Nothing, out)
    }
}

/// Another attempt: it can wait until the last one has left, if it is one that waits.
pub(super) fn remember(state: State, wish: Wish, out: &mut Outbox<Event>) -> State {
    match state {
        State::Leaving { leave, farewell, next: None } if wish.deadline != Deadline::Now => {
            State::Leaving { leave, farewell, next: Some(wish) }
        }
        State::Leaving { next: None, .. } => {
            out.tell(Event::NotAcquired);
            state
        }
        State::Idle
        | State::Probing(_)
        | State::Turning { .. }
        | State::Holding(_)
        | State::Leaving { .. } => {
            out.tell(misuse(
                "the lock is held or being acquired by this machine; another contender takes another",
            ));
            state
        }
    }
}

const fn misuse(what: &'static str) -> Event {
    Event::Misuse(Misuse::Recipe(what))
}
