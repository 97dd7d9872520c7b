//! What the parts of a lock report, and what follows from it for the lock and its user.
//!
//! The parts make the calls; here it is decided what is told, and which part is next.

use zk_session::{Code, Error, Instant, Reply, SessionState};

use super::{Farewell, Lock, State};
use crate::hold::{Command, Deadline, Event, Failure, Freed, Wish};
use crate::outbox::Outbox;
use crate::parts::holder::{Holder, Kept};
use crate::parts::leave::{Leave, Left};
use crate::parts::trouble::Trouble;
use crate::parts::turn::Turned;
use crate::recipe::Input;
use crate::rules::{self, Verdict};
use crate::wrong::wrong;

impl Lock {
    pub(super) fn probed(
        &mut self,
        wish: Wish,
        input: Input<Command>,
        now: Instant,
        out: &mut Outbox<Event>,
    ) -> State {
        let refusal = match input {
            Input::Got(_, Reply::GetChildren2(found)) => {
                match rules::first(&found.children, &self.site, None) {
                    Verdict::First => return self.start(wish, now, out),
                    Verdict::Behind { .. } => Event::NotAcquired,
                    Verdict::Foreign(name) => Event::Failed(Failure::Foreign(name)),
                    Verdict::Exhausted => Event::Failed(Failure::Exhausted),
                }
            }
            // Where there is no directory, there is no holder.
            Input::Failed(_, Error::Server(Code::NoNode)) => return self.start(wish, now, out),
            Input::Failed(_, error) => Trouble::of(error).failure().map_or(Event::NotAcquired, Event::Failed),
            Input::Session(SessionState::Ended(ended)) => Event::Failed(Failure::Ended(ended)),
            Input::Session(_) if !self.bond.is_live() => Event::NotAcquired,
            Input::Do(_) | Input::Got(_, _) | Input::Watch(_, _) | Input::Session(_) | Input::Tick => {
                return State::Probing(wish);
            }
        };
        out.tell(refusal);
        State::Idle
    }

    pub(super) fn turned(
        &mut self,
        turned: Turned,
        wish: Wish,
        now: Instant,
        out: &mut Outbox<Event>,
    ) -> State {
        let (turn, news) = match turned {
            Turned::First(seat) => return kept(Holder::grant(seat, &mut self.scene(now, out)), out),
            Turned::Behind(seat) => {
                out.tell(Event::NotAcquired);
                if wrong!(self.site, LeavesItsTry) {
                    return State::Idle;
                }
                let leave = seat.leave(&mut self.scene(now, out));
                return leaving(Some(leave), Farewell::Nothing, out);
            }
            Turned::Failed(failure, leave) => {
                out.tell(Event::Failed(failure));
                return leaving(leave, Farewell::Nothing, out);
            }
            Turned::Not(turn) => (turn, None),
            Turned::Queued(turn, ahead) => (turn, Some(Event::Queued { ahead })),
            Turned::Requeued(turn) => (turn, Some(Event::Requeued)),
        };
        if wish.deadline == Deadline::Now && (turn.is_stalled() || !self.bond.is_live()) {
            out.tell(Event::NotAcquired);
            let leave = turn.leave(&mut self.scene(now, out));
            return leaving(leave, Farewell::Nothing, out);
        }
        if let Some(news) = news {
            out.tell(news);
        }
        State::Turning { wish, turn }
    }

    pub(super) fn left(
        &mut self,
        left: Left,
        farewell: Farewell,
        next: Option<Wish>,
        now: Instant,
        out: &mut Outbox<Event>,
    ) -> State {
        match left {
            Left::Not(leave) => State::Leaving { leave, farewell, next },
            Left::Stuck(leave, code) => {
                if farewell != Farewell::Nothing {
                    out.tell(Event::Stuck(code));
                }
                State::Leaving { leave, farewell, next }
            }
            Left::Gone(freed) => {
                farewell.tell(freed, out);
                match next {
                    Some(wish) => self.begin(Command::Acquire(wish), now, out),
                    None => State::Idle,
                }
            }
        }
    }
}

impl Farewell {
    fn tell(self, freed: Freed, out: &mut Outbox<Event>) {
        match self {
            Self::Released => out.tell(Event::Released { by: freed }),
            Self::Cancelled => out.tell(Event::Cancelled),
            Self::Nothing => {}
        }
    }
}

pub(super) fn kept(kept: Kept, out: &mut Outbox<Event>) -> State {
    match kept {
        Kept::Still(holder) => State::Holding(holder),
        Kept::Told(holder, event) => {
            out.tell(event);
            State::Holding(holder)
        }
        Kept::Over(event, leave) => {
            out.tell(event);
            leaving(leave, Farewell::Nothing, out)
        }
    }
}

/// Leaves, if there is anything to leave.
pub(super) fn leaving(leave: Option<Leave>, farewell: Farewell, out: &mut Outbox<Event>) -> State {
    match leave {
        Some(leave) => State::Leaving { leave, farewell, next: None },
        None => {
            farewell.tell(Freed::Deleted, out);
            State::Idle
        }
    }
}
