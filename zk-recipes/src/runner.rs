//! Runs one recipe over the calls of a client.
//!
//! It decides nothing about the recipe's matter: it makes calls, knows which answers and watches are still the recipe's,
//! and goes on with deletes that were handed to it. Its watch and its call are one thing, the slot:
//!
//! ```text
//! Free --call--> Asked --answer--> Watching (if the call set a watch) --event--> Free
//!                  |                                                              ^
//!                  +------- refused --> Refused --one pause--> (failed) ----------+
//! ```

use core::time::Duration;

use zk_session::{Answer, CallId, CallOptions, Calls, Code, Error, Instant, Notice, Request, SessionState};

use crate::janitor::Janitor;
use crate::outbox::{Errand, Outbox};
use crate::recipe::{Input, Recipe};

/// A call that the engine has no room for fails after this pause. By then room may have come, and a recipe that asks again
/// at once cannot spin.
const REFUSAL_PAUSE: Duration = Duration::from_millis(1);

/// Runs one [`Recipe`] over the [`Calls`] of a client. To run many, see [`Host`](crate::Host).
///
/// The runner hears of everything that concerns the client's session, in the order in which the session tells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Runner<R: Recipe> {
    recipe: R,
    outbox: Outbox<R::Event>,
    slot: Slot,
    janitor: Janitor,
    timer: Option<Instant>,
    holding: bool,
}

/// The call under way, or the watch that it left.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Slot {
    Free,
    Asked { call: CallId, watch: Watch },
    Watching(CallId),
    Refused { error: Error, until: Instant },
}

/// When a request leaves a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Watch {
    Never,
    IfFound,
    /// An `exists` watches for the creation of a missing node as well.
    FoundOrNot,
}

impl<R: Recipe> Runner<R> {
    /// A runner of `recipe`, whose tokens and jitter are drawn from `seed`. Give each runner of each client a seed of its
    /// own: tokens must not meet.
    #[must_use]
    pub fn new(recipe: R, seed: u64) -> Self {
        Self {
            recipe,
            outbox: Outbox::new(seed),
            slot: Slot::Free,
            janitor: Janitor::default(),
            timer: None,
            holding: false,
        }
    }

    /// The user wishes this.
    pub fn command(&mut self, command: R::Command, now: Instant, calls: &mut dyn Calls) {
        self.step(Input::Do(command), now, calls);
    }

    /// A call has ended. Calls that are not, or not any more, of this runner are ignored.
    pub fn completed(
        &mut self,
        call: CallId,
        result: Result<Answer, Error>,
        now: Instant,
        calls: &mut dyn Calls,
    ) {
        if let Slot::Asked { call: asked, watch } = &self.slot
            && *asked == call
        {
            self.slot = if watch.is_left(&result) { Slot::Watching(call) } else { Slot::Free };
            let input = match result {
                Ok(answer) => Input::Got(answer.reply),
                Err(error) => Input::Failed(error),
            };
            return self.step(input, now, calls);
        }
        self.janitor.completed(call, result, now, self.outbox.errands().rng());
    }

    /// A watch has news. Watches that are not, or not any more, of this runner are ignored.
    pub fn notified(&mut self, call: CallId, notice: Notice, now: Instant, calls: &mut dyn Calls) {
        if self.slot != Slot::Watching(call) {
            return;
        }
        self.slot = Slot::Free;
        match notice {
            Notice::Fired(event) => self.step(Input::Watch(event), now, calls),
            // The state that follows says the same to the recipe.
            Notice::Ended(_) => {}
        }
    }

    /// The session entered this state. A new runner must first hear the last `Connected` and what followed it.
    pub fn state(&mut self, state: SessionState, now: Instant, calls: &mut dyn Calls) {
        if let SessionState::Ended(_) = state {
            self.slot = Slot::Free;
            self.janitor.clear();
        }
        self.step(Input::Session(state), now, calls);
    }

    /// The instant of [`Runner::poll_timeout`] has come.
    pub fn timeout(&mut self, now: Instant, calls: &mut dyn Calls) {
        if let Slot::Refused { error, until } = self.slot
            && until <= now
        {
            self.slot = Slot::Free;
            self.step(Input::Failed(error), now, calls);
        }
        if self.janitor.poll_timeout().is_some_and(|due| due <= now) {
            self.janitor.work(now, calls);
        }
        if self.timer.is_some_and(|due| due <= now) {
            self.step(Input::Tick, now, calls);
        }
    }

    /// When [`Runner::timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let refused = match self.slot {
            Slot::Refused { until, .. } => Some(until),
            Slot::Free | Slot::Asked { .. } | Slot::Watching(_) => None,
        };
        [self.timer, self.janitor.poll_timeout(), refused].into_iter().flatten().min()
    }

    /// The oldest news that was not taken out so far.
    pub fn poll_event(&mut self) -> Option<R::Event> {
        self.outbox.poll_event()
    }

    /// Whether the end of this call, or news of its watch, is still awaited.
    #[must_use]
    pub fn awaits(&self, call: CallId) -> bool {
        match &self.slot {
            Slot::Asked { call: own, .. } | Slot::Watching(own) if *own == call => true,
            Slot::Free | Slot::Asked { .. } | Slot::Watching(_) | Slot::Refused { .. } => {
                self.janitor.awaits(call)
            }
        }
    }

    /// How many nodes are still to be deleted on the recipe's behalf.
    #[must_use]
    pub fn leftovers(&self) -> usize {
        self.janitor.len()
    }

    /// Whether nothing is wanted, owned or under way, so that the runner may be dropped.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.recipe.is_idle() && self.slot == Slot::Free && self.janitor.is_empty()
    }

    /// The recipe, to look at.
    #[must_use]
    pub const fn recipe(&self) -> &R {
        &self.recipe
    }

    fn step(&mut self, input: Input<R::Command>, now: Instant, calls: &mut dyn Calls) {
        self.recipe.step(input, now, &mut self.outbox);
        self.timer = self.outbox.errands().take_timer();
        while let Some(errand) = self.outbox.errands().poll() {
            match errand {
                Errand::Call(request) => self.call(request, now, calls),
                Errand::Unwatch => self.unwatch(calls),
                Errand::Janitor(path) => self.janitor.add(path, now, calls),
            }
        }
        if self.recipe.holds() != self.holding {
            self.holding = !self.holding;
            calls.hold(self.holding, now);
        }
    }

    fn call(&mut self, request: Request, now: Instant, calls: &mut dyn Calls) {
        self.unwatch(calls);
        let watch = Watch::of(&request);
        self.slot = match calls.submit(request, CallOptions::default(), now) {
            Ok(call) => Slot::Asked { call, watch },
            Err(refused) => Slot::Refused { error: Error::from(refused.why), until: now + REFUSAL_PAUSE },
        };
    }

    fn unwatch(&mut self, calls: &mut dyn Calls) {
        match self.slot {
            Slot::Watching(call) => {
                calls.unwatch(call);
                self.slot = Slot::Free;
            }
            Slot::Asked { call, watch: Watch::IfFound | Watch::FoundOrNot } => {
                calls.unwatch(call);
                self.slot = Slot::Asked { call, watch: Watch::Never };
            }
            Slot::Free | Slot::Asked { watch: Watch::Never, .. } | Slot::Refused { .. } => {}
        }
    }
}

impl Watch {
    const fn of(request: &Request) -> Self {
        if matches!(request, Request::Exists(exists) if exists.watch) {
            return Self::FoundOrNot;
        }
        let found = matches!(request, Request::GetData(get) if get.watch)
            || matches!(request, Request::GetChildren2(list) if list.watch);
        if found { Self::IfFound } else { Self::Never }
    }

    const fn is_left(self, result: &Result<Answer, Error>) -> bool {
        match self {
            Self::Never => false,
            Self::IfFound => result.is_ok(),
            Self::FoundOrNot => matches!(result, Ok(_) | Err(Error::Server(Code::NoNode))),
        }
    }
}
