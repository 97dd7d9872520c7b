//! A blocking ZooKeeper client for std.
//!
//! Take `zk-tokio` if your program is asynchronous, and `zk-session` to embed a session in an event loop of your own.
//!
//! ```no_run
//! use zk_std::{Acl, Client, CreateMode};
//!
//! # fn story() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("localhost:2181/app")?;
//! client.create("/motd", "hello", Acl::open_unsafe(), CreateMode::Ephemeral)?;
//! let (node, changed) = client.get_data_watched("/motd")?;
//! println!("{:?}", node.data);
//! println!("{:?}", changed.wait()?);
//!
//! let guard = client.lock("/locks/report")?.acquire()?;
//! println!("held with fence {}", guard.fence());
//! guard.release()?;
//! client.close();
//! # Ok(())
//! # }
//! ```
//!
//! One thread per client drives the socket; calls, watches and locks are values without threads of their own. Callers write
//! their own bytes. Every call ends exactly once; one that ends without a reply says whether it may have been applied
//! ([`Error`]).
#![forbid(unsafe_code)]

pub use zk_recipes::hold::{Cause, Failure, Freed, Grant};
pub use zk_recipes::{Denial, Layout, Recipe};
pub use zk_session::ops::AddWatchMode;
pub use zk_session::retry::{Jitter, RetryOptions, RetryPolicy};
pub use zk_session::{
    Acl, Backoff, Children, Code, Config, ConnectString, CreateMode, Cut, Direction, Ended, Error, EventKind,
    Fault, FrameNote, Handover, IntoPath, KeepAlive, Margins, Misuse, Oddities, OnExpiry, Path, PathError,
    Server, SessionId, SessionState, Stat, Statistics, Unlinked, Version, WatchEvent, Why, Zxid, ops, sasl,
};

pub use client::Client;
pub use entropy::entropy;
pub use error::ConnectError;
pub use events::{Change, Events};
pub use hold::{Guard, Holding, Lock};
pub use retrying::Retrying;
pub use states::States;
pub use watch::Watch;

mod call;
mod client;
mod clock;
mod core;
mod dial;
mod driver;
mod entropy;
mod error;
mod events;
mod hold;
mod insight;
mod moves;
mod retrying;
mod states;
mod watch;

#[cfg(test)]
mod tests;
