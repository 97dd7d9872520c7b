//! What ZooKeeper's operations mean, as a pure function from a transaction to what comes of it.
//!
//! A client of ZooKeeper takes `zk-tokio` or `zk-std`; this is the other side.
//!
//! [`Tree`] and [`apply()`]: the nodes, and what a transaction does to them. All servers of an ensemble that apply the same
//! [`Log`] have the same tree. It does what ZooKeeper 3.8.0 does, or by [`Quirks`] what other versions do; it does not
//! know quotas.
#![forbid(unsafe_code)]

pub use acl::{Acl, AclAsked, Id};
pub use apply::apply;
pub use code::Code;
pub use digest::digest_id;
pub use log::Log;
pub use node::{Family, Kind, Node, Stat};
pub use quirks::{Quirks, Version};
pub use tree::Tree;
pub use txn::{Change, Create, Event, Form, Outcome, Trigger, Txn, Write};
pub use words::{ConnId, Millis, SessionId, Zxid};

pub mod acl;
mod apply;
mod code;
mod digest;
mod log;
mod node;
pub mod path;
mod quirks;
mod tree;
mod txn;
mod words;
