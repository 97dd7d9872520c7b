//! Where a step writes its calls and its news.
//!
//! It carries nothing out: the runner does, in the order of writing.

use alloc::collections::VecDeque;

use zk_session::{Instant, Path, Request, Rng};

/// Where a step writes its calls and its news.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outbox<E> {
    errands: Errands,
    news: VecDeque<E>,
}

/// What a recipe, or a part of one, asks of its runner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Errands {
    list: VecDeque<Errand>,
    timer: Option<Instant>,
    rng: Rng,
}

/// One thing to do for a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Errand {
    /// Make this call. It takes the place of the call under way in the slot and of the watch of the last call there.
    Call(Slot, Request),
    /// Give up the watch of the last call in the slot, set or to be set.
    Unwatch(Slot),
    /// Delete this node until it is gone or the session ends. Its name must be one that nobody else can give to a node.
    Janitor(Path),
}

/// Names one of the calls that a machine may have under way, and the watch that the call leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

impl Slot {
    /// The slot of a machine that makes one call at a time.
    pub const ONLY: Self = Self(0);
}

impl<E> Outbox<E> {
    /// An empty outbox, whose tokens and jitter are drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            errands: Errands { list: VecDeque::new(), timer: None, rng: Rng::new(seed) },
            news: VecDeque::new(),
        }
    }

    /// Tells the user.
    pub fn tell(&mut self, event: E) {
        self.news.push_back(event);
    }

    /// Makes a call; see [`Errands::call`].
    pub fn call(&mut self, slot: Slot, request: impl Into<Request>) {
        self.errands.call(slot, request);
    }

    /// Asks for a tick; see [`Errands::timer`].
    pub fn timer(&mut self, at: Instant) {
        self.errands.timer(at);
    }

    /// The part that knows no news, to be handed on to the parts of a recipe.
    pub const fn errands(&mut self) -> &mut Errands {
        &mut self.errands
    }

    /// The oldest news that was not taken out so far.
    pub fn poll_event(&mut self) -> Option<E> {
        self.news.pop_front()
    }
}

impl Errands {
    /// Makes a call, in place of the call under way in the slot and of the watch of the last call there.
    pub fn call(&mut self, slot: Slot, request: impl Into<Request>) {
        self.list.push_back(Errand::Call(slot, request.into()));
    }

    /// Gives up the watch of the last call in the slot.
    pub fn unwatch(&mut self, slot: Slot) {
        self.list.push_back(Errand::Unwatch(slot));
    }

    /// Has this node deleted, now or as soon as it can be, while the session lives. Only for names that nobody else can
    /// give to a node.
    pub fn janitor(&mut self, path: Path) {
        self.list.push_back(Errand::Janitor(path));
    }

    /// Asks for a tick at `at`; of several instants the earliest counts. Each step asks anew: a step that does not ask
    /// leaves no timer.
    pub fn timer(&mut self, at: Instant) {
        self.timer = Some(self.timer.map_or(at, |before| before.min(at)));
    }

    /// The source of tokens and jitter.
    pub const fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// The oldest errand that was not taken out so far.
    pub fn poll(&mut self) -> Option<Errand> {
        self.list.pop_front()
    }

    /// Takes out the timer of the last step.
    pub const fn take_timer(&mut self) -> Option<Instant> {
        self.timer.take()
    }
}
