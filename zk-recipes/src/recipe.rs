//! What a recipe is: a machine that is told facts and wishes, and answers with calls and news.
//!
//! It does not run anything: a [`Runner`](crate::Runner) makes the calls and brings their answers.

use core::fmt::Debug;
use core::hash::Hash;

use zk_session::{Error, Instant, Reply, SessionState, WatchEvent};

use crate::outbox::{Outbox, Slot};

/// An intent that takes more than one call, as an explicit machine.
///
/// A machine reads nothing but its inputs: no clock, no randomness of its own, no order that depends on a hash. The same
/// inputs give the same outputs, and a clone goes on like the original; so every interleaving can be tried.
///
/// A machine makes its calls in slots, which it names itself: each has at most one call under way, and at most one watch,
/// that of its last call. A further call in the same slot gives both up, which is right for a read and never for a write: the
/// end of a write must be awaited. Most machines need one slot, [`Slot::ONLY`].
pub trait Recipe: Clone + Eq + Hash + Debug {
    /// What the user may wish. Every command is legal in every state: it is done, remembered, or answered with news of
    /// its misuse.
    type Command;
    /// What the user is told.
    type Event: Clone + Eq + Hash + Debug;

    /// Takes one input and writes what follows from it into `out`.
    fn step(&mut self, input: Input<Self::Command>, now: Instant, out: &mut Outbox<Self::Event>);

    /// The command of a user who is gone: leave without a trace on the servers, and without further news.
    fn abandon() -> Self::Command;

    /// Whether somebody relies on the session's life through this machine: it owns a grant or contends for one.
    fn holds(&self) -> bool;

    /// Whether nothing is wanted, owned or under way, so that the machine may be dropped.
    fn is_idle(&self) -> bool;
}

/// All that can happen to a recipe.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<C> {
    /// The user wishes this.
    Do(C),
    /// The call under way in this slot was answered.
    Got(Slot, Reply),
    /// The call under way in this slot failed.
    Failed(Slot, Error),
    /// The watch of the last call in this slot fired, and is spent.
    Watch(Slot, WatchEvent),
    /// The session entered this state. The end of a session ends the calls under way and the watches without further inputs.
    Session(SessionState),
    /// The instant of [`Outbox::timer`] has come.
    Tick,
}
