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

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use zk_session::{
    Answer, CallId, CallOptions, Calls, Code, Error, Instant, Notice, Order, Request, SessionState, Unlinked,
};

use crate::janitor::Janitor;
use crate::outbox::{Errand, Outbox, Slot};
use crate::recipe::{Input, Recipe};

/// A recipe waits for links, whatever its client's other users do.
pub(crate) const PATIENTLY: CallOptions =
    CallOptions { deadline: None, order: Order::Client, unlinked: Some(Unlinked::Wait { most: None }) };

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
    slots: BTreeMap<Slot, Use>,
    janitor: Janitor,
    timer: Option<Instant>,
    holding: bool,
}

/// The call under way in a slot, or the watch that it left.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Use {
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
            slots: BTreeMap::new(),
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
        let asked = |(slot, used): (&Slot, &Use)| match used {
            Use::Asked { call: asked, watch } if *asked == call => Some((*slot, *watch)),
            Use::Asked { .. } | Use::Watching(_) | Use::Refused { .. } => None,
        };
        if let Some((slot, watch)) = self.slots.iter().find_map(asked) {
            if watch.is_left(&result) {
                self.slots.insert(slot, Use::Watching(call));
            } else {
                self.slots.remove(&slot);
            }
            let input = match result {
                Ok(answer) => Input::Got(slot, answer.reply),
                Err(error) => Input::Failed(slot, error),
            };
            return self.step(input, now, calls);
        }
        self.janitor.completed(call, result, now, self.outbox.errands().rng());
    }

    /// A watch has news. Watches that are not, or not any more, of this runner are ignored.
    pub fn notified(&mut self, call: CallId, notice: Notice, now: Instant, calls: &mut dyn Calls) {
        let watching = |(slot, used): (&Slot, &Use)| (*used == Use::Watching(call)).then_some(*slot);
        let Some(slot) = self.slots.iter().find_map(watching) else { return };
        match notice {
            Notice::Fired(event) => {
                self.slots.remove(&slot);
                self.step(Input::Watch(slot, event), now, calls);
            }
            // The state that follows says the same to the recipe.
            Notice::Ended(_) => {
                self.slots.remove(&slot);
            }
            // Recipes set one-shot watches, which miss nothing.
            Notice::Gap { .. } => {}
        }
    }

    /// The session entered this state. A new runner must first hear the last `Connected` and what followed it.
    pub fn state(&mut self, state: SessionState, now: Instant, calls: &mut dyn Calls) {
        if let SessionState::Ended(_) = state {
            self.slots.clear();
            self.janitor.clear();
        }
        self.step(Input::Session(state), now, calls);
    }

    /// The instant of [`Runner::poll_timeout`] has come.
    pub fn timeout(&mut self, now: Instant, calls: &mut dyn Calls) {
        let refused = |(slot, used): (&Slot, &Use)| match used {
            Use::Refused { error, until } if *until <= now => Some((*slot, *error)),
            Use::Asked { .. } | Use::Watching(_) | Use::Refused { .. } => None,
        };
        let refused: Vec<_> = self.slots.iter().filter_map(refused).collect();
        for (slot, error) in refused {
            self.slots.remove(&slot);
            self.step(Input::Failed(slot, error), now, calls);
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
        let refused = self.slots.values().filter_map(|used| match used {
            Use::Refused { until, .. } => Some(*until),
            Use::Asked { .. } | Use::Watching(_) => None,
        });
        let refused = refused.min();
        [self.timer, self.janitor.poll_timeout(), refused].into_iter().flatten().min()
    }

    /// The oldest news that was not taken out so far.
    pub fn poll_event(&mut self) -> Option<R::Event> {
        self.outbox.poll_event()
    }

    /// Whether the end of this call, or news of its watch, is still awaited.
    #[must_use]
    pub fn awaits(&self, call: CallId) -> bool {
        let awaited = |used: &Use| match used {
            Use::Asked { call: own, .. } | Use::Watching(own) => *own == call,
            Use::Refused { .. } => false,
        };
        self.slots.values().any(awaited) || self.janitor.awaits(call)
    }

    /// How many nodes are still to be deleted on the recipe's behalf.
    #[must_use]
    pub fn leftovers(&self) -> usize {
        self.janitor.len()
    }

    /// Whether nothing is wanted, owned or under way, so that the runner may be dropped.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.recipe.is_idle() && self.slots.is_empty() && self.janitor.is_empty()
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
                Errand::Call(slot, request) => self.call(slot, request, now, calls),
                Errand::Unwatch(slot) => self.unwatch(slot, calls),
                Errand::Janitor(path) => self.janitor.add(path, now, calls),
            }
        }
        if self.recipe.holds() != self.holding {
            self.holding = !self.holding;
            calls.hold(self.holding, now);
        }
    }

    fn call(&mut self, slot: Slot, request: Request, now: Instant, calls: &mut dyn Calls) {
        self.unwatch(slot, calls);
        let watch = Watch::of(&request);
        let used = match calls.submit(request, PATIENTLY, now) {
            Ok(call) => Use::Asked { call, watch },
            Err(refused) => Use::Refused { error: Error::from(refused.why), until: now + REFUSAL_PAUSE },
        };
        self.slots.insert(slot, used);
    }

    fn unwatch(&mut self, slot: Slot, calls: &mut dyn Calls) {
        match self.slots.get_mut(&slot) {
            Some(Use::Watching(call)) => {
                calls.unwatch(*call);
                self.slots.remove(&slot);
            }
            Some(Use::Asked { call, watch: watch @ (Watch::IfFound | Watch::FoundOrNot) }) => {
                calls.unwatch(*call);
                *watch = Watch::Never;
            }
            Some(Use::Asked { watch: Watch::Never, .. } | Use::Refused { .. }) | None => {}
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
