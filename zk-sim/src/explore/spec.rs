//! What is explored: the machines, what their users do, and what must hold.

use std::fmt::{self, Debug};
use std::hash::Hash;

use zk_recipes::Recipe;

use super::world::World;
use crate::{Quirks, Tree};

/// A recipe, the behaviour of its users, and what must hold.
///
/// A spec has no state of its own: what a user remembers is in its `User`, and what an observer of all of them would note,
/// such as the highest fence so far, in the `Ledger`. What is remembered multiplies the states, so remember little.
pub trait Spec {
    /// The machine of each peer.
    type Recipe: Recipe;
    /// What a user knows and wants.
    type User: Clone + Eq + Hash + Debug;
    /// What an observer of all users notes.
    type Ledger: Clone + Eq + Hash + Debug + Default;

    /// How many clients there are; each runs one machine. Three are many.
    fn peers(&self) -> usize;

    /// The machine of a peer, which counts from 0.
    fn recipe(&self, peer: usize) -> Self::Recipe;

    /// The user of a peer as it starts.
    fn user(&self, peer: usize) -> Self::User;

    /// Persistent nodes that are there from the start, parents first. An operator leaves them alone.
    fn nodes(&self) -> Vec<String>;

    /// Nodes that an operator may create.
    fn strangers(&self) -> Vec<Stranger> {
        Vec::new()
    }

    /// What the server does differently from others.
    fn quirks(&self) -> Quirks {
        Quirks::default()
    }

    /// What a user in this state may do next. The same state has the same wishes in the same order.
    fn wishes(&self, user: &Self::User) -> Vec<WishOf<Self>>;

    /// A user is told something.
    ///
    /// # Errors
    ///
    /// The breach, if this must not be told, or not now.
    fn told(
        &self,
        news: News<'_, <Self::Recipe as Recipe>::Event>,
        user: &mut Self::User,
        ledger: &mut Self::Ledger,
    ) -> Result<(), Breach>;

    /// What holds in every state.
    ///
    /// # Errors
    ///
    /// The breach, if it does not.
    fn always(&self, world: &World<Self>) -> Result<(), Breach>;

    /// What holds when nothing happens any more by itself.
    ///
    /// # Errors
    ///
    /// The breach, if it does not.
    fn at_rest(&self, world: &World<Self>) -> Result<(), Breach>;
}

/// A wish of the users of a spec.
pub type WishOf<S> = Wish<<<S as Spec>::Recipe as Recipe>::Command, <S as Spec>::User>;

/// Something that a user may do.
#[derive(Clone, Debug)]
pub struct Wish<C, U> {
    /// What it is, for the script, in the third person: `releases`.
    pub what: &'static str,
    /// The command.
    pub command: C,
    /// The user from then on; what the command leads to is told after that.
    pub then: U,
    /// How it comes about.
    pub nature: Nature,
}

/// How a wish comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nature {
    /// By itself: nothing is at rest before it was done.
    Calm,
    /// By plan: at any time, or never.
    Plan,
    /// On the spur of the moment; [`Budget::changes_of_mind`](super::Budget::changes_of_mind) pays for it.
    Whim,
}

/// A node that an operator may create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Its path, to which a number is added if it is sequential.
    pub path: String,
    /// Whether it gets a number.
    pub sequential: bool,
}

/// What a user is told, and the world in which it is.
#[derive(Clone, Copy, Debug)]
pub struct News<'a, E> {
    /// Whose user.
    pub peer: usize,
    /// What.
    pub event: &'a E,
    /// The tree at this moment, which the peer need not have seen.
    pub tree: &'a Tree,
    /// Whether an operator has deleted or created something.
    pub meddled: bool,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The name of what must hold and does not.
    pub invariant: &'static str,
    /// What is seen instead.
    pub seen: String,
}

impl Breach {
    /// A breach of `invariant`.
    #[must_use]
    pub fn of(invariant: &'static str, seen: impl Into<String>) -> Self {
        Self { invariant, seen: seen.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.invariant, self.seen)
    }
}
