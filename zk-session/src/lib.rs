//! One ZooKeeper session as a state machine: bytes and time in, bytes and news out.
//!
//! Take another crate if you want to talk to ZooKeeper from an application: `zk-tokio` and `zk-std` drive this engine
//! over real sockets. Take this one to embed a session in an event loop of your own, to simulate it, or to test it.
//!
//! A [`Session`] knows no socket, no clock and no thread. Its driver does four things, in any order and as often as it
//! likes:
//!
//! 1. carry out what [`Session::poll`] says: connect, disconnect, hand results to their callers;
//! 2. write the bytes of [`Session::transmit`] and report how many were taken, by [`Session::transmitted`];
//! 3. read into [`Session::receive_buffer`] and report it, by [`Input::Received`];
//! 4. report [`Input::Timeout`] when the instant of [`Session::poll_timeout`] has come.
//!
//! The example `bare_engine` is such a driver in full. The same seed and the same inputs give the same outputs.
//!
//! What may be known about a call without a reply is told, not guessed: a frame whose last byte no transport took cannot
//! have been applied ([`Error::NotSent`]); any other may have been ([`Error::MaybeApplied`]). The engine never sends a
//! request twice.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub use zk_proto as proto;
pub use zk_proto::{Acl, Children, Code, ConnectString, CreateMode, Stat, Version, Xid, ops};

pub use config::{Backoff, Config, KeepAlive, Margins, OnExpiry, Unlinked};
pub use error::{Cut, Ended, Error, Fault, Misuse, Refusal, Refused, Why};
pub use handover::Handover;
pub use rng::Rng;
pub use session::{Cancelled, Session};
pub use statistics::{Direction, FrameNote, Oddities, Statistics};
pub use time::Instant;
pub use words::{
    Answer, CallId, CallOptions, Calls, ConnId, EventKind, Input, IntoPath, Notice, Order, Output, Path,
    PathError, PipelineId, Reply, Request, Server, SessionId, SessionState, Timer, WatchEvent, Zxid,
};

mod access;
mod admission;
mod calls;
mod chroot;
mod config;
mod endings;
mod entry;
mod error;
mod handover;
mod identity;
mod inbox;
mod lease;
mod link;
mod lives;
mod moves;
mod outgoing;
mod probe;
mod replies;
pub mod retry;
mod rng;
pub mod sasl;
mod servers;
mod session;
mod statistics;
mod time;
mod timers;
mod tries;
mod watches;
mod words;
#[doc(hidden)]
pub mod wrong;
