//! Every interleaving of a few clients that run a recipe, with a few faults: what holds always, and what holds at rest.
//!
//! It proves nothing about longer runs or more faults than it was given, and it knows one server that does not lag. For
//! long random runs over bytes, take a simulation.
//!
//! [`explore`] visits all states that a [`Spec`] can get into within a [`Budget`], breadth first. A state holds the tree and
//! the watches of the server, which are those of this crate, and for each peer its machine in a
//! [`Runner`](zk_recipes::Runner), its link and its user. Two states that differ only in the numbers of their transactions,
//! and not in the order of them, count as one. Three things are looked for:
//!
//! - what the spec says must hold in every state, and what must be so when news is told;
//! - what it says must hold at rest, which is when nothing happens any more by itself;
//! - a state from which rest cannot be reached by what happens by itself.
//!
//! The first breach found is one of those with the fewest steps; it comes as a [`Counterexample`], whose text is the script
//! of how to get there.
//!
//! ```
//! use zk_recipes::Layout;
//! use zk_sim::explore::{Budget, Limits, explore, specs::Locks};
//!
//! let budget = Budget { changes_of_mind: 1, ..Budget::default() };
//! let report = explore(&Locks::new(2, Layout::kazoo()), budget, Limits::default());
//! assert!(report.violations.is_empty());
//! ```

pub use budget::Budget;
pub use peer::{Peer, Watching};
pub use script::Counterexample;
pub use search::{Limits, Report, explore};
pub use spec::{Breach, Nature, News, Spec, Stranger, Wish, WishOf};
pub use world::World;

mod budget;
mod ground;
mod peer;
mod print;
mod script;
mod search;
mod spec;
pub mod specs;
mod steps;
mod words;
mod world;

#[cfg(test)]
mod tests;
