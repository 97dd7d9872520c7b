//! Intents that take more than one ZooKeeper call, as machines without IO: to begin with, a [`Lock`].
//!
//! Take another crate if you want a lock in an application: `zk-tokio` and `zk-std` have guards for it. Take this one to
//! write a recipe of your own, or to run recipes over an event loop of your own or in a simulation.
//!
//! A [`Recipe`] is told what has happened and answers with calls and news; a [`Runner`] makes the calls over anything that
//! implements [`Calls`](zk_session::Calls), and a [`Host`] runs all recipes of a client beside its session. A machine is a
//! plain value that can be cloned, compared and hashed, and the same inputs give the same outputs: the explorer of `zk-sim`
//! tries every interleaving of a few of them with lost replies, expired sessions and meddling operators.
//!
//! What is held is told in the words of [`hold`]: a grant has a *fence* that orders it among all grants, and a guard dies
//! when the client cannot prove any more that its session lives.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub use contenders::{Contender, Contenders, Details, Look, Sight};
pub use hold::{Cause, Grant};
pub use host::{Host, RunnerId, Sink};
pub use layout::{Kind, Layout, LayoutError, Strangers, TokenStyle};
pub use lock::Lock;
pub use outbox::{Errand, Errands, Outbox, Slot};
pub use recipe::{Input, Recipe};
pub use runner::Runner;
pub use status::{Denial, Status};

mod contenders;
pub mod hold;
mod host;
mod janitor;
mod layout;
mod lock;
mod outbox;
mod parts;
mod recipe;
mod rules;
mod runner;
mod status;
#[doc(hidden)]
pub mod wrong;
