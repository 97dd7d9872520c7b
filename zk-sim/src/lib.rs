//! A ZooKeeper server as a state machine: inputs and time in, bytes out. To test against, to explore, to embed.
//!
//! Do not keep data in it: it lives in memory and ends with its process. A client of ZooKeeper takes `zk-tokio` or
//! `zk-std`; this is the other side.
//!
//! - [`Tree`] and [`apply()`]: the nodes, and what a transaction does to them. All servers of an ensemble that apply the same
//!   log have the same tree.
//! - [`Server`]: one server by itself, without sockets and clocks. It reads requests and writes answers with a codec of
//!   its own, which shares nothing with `zk-proto`.
//! - `serve` (feature `serve`): that server behind a TCP listener, in real time.
//! - [`Ensemble`]: several of them over one log, with elections, lagging and cut-off followers, sessions that move.
//! - [`world`]: clients of `zk-session` with their recipes, a network, clocks and an ensemble, where anything may go wrong,
//!   under laws. The example `swarm` runs many worlds.
//! - [`explore`](mod@explore): every interleaving of a few clients that run a recipe. [`check`]: whether what clients were told
//!   can be true.
//!
//! The server does what ZooKeeper 3.8.0 does, or by [`Quirks`] what other versions do. It has been compared with real servers
//! by the example `differential`. Of SASL it knows DIGEST-MD5; it does not know TLS.
//!
//! ```
//! use zk_sim::{Config, ConnId, Input, Millis, Output, Server};
//!
//! let mut server = Server::new(Config::default(), Millis(0));
//! let conn = ConnId(1);
//! server.handle(Input::Connected(conn, [127, 0, 0, 1].into()), Millis(0));
//! server.handle(Input::Received(conn, b"ruok"), Millis(0));
//! assert_eq!(server.poll(), Some(Output::Send(conn, b"imok".into())));
//! assert_eq!(server.poll(), Some(Output::Close(conn)));
//! ```
#![forbid(unsafe_code)]

pub use acl::{Acl, AclAsked, Id};
pub use apply::apply;
pub use code::Code;
pub use config::Config;
pub use digest::digest_id;
pub use ensemble::Ensemble;
pub use log::Log;
pub use node::{Family, Kind, Node, Stat};
pub use peer::{Output, REQUEST_LENGTH_MAX, Role};
pub use quirks::{Quirks, Version};
#[cfg(feature = "serve")]
pub use serve::{Served, serve, serve_with};
pub use server::{Input, Server};
pub use sessions::password;
pub use tree::Tree;
pub use txn::{Change, Create, Event, Form, Outcome, Trigger, Txn, Write};
pub use words::{ConnId, Millis, ServerId, SessionId, Zxid};

pub mod acl;
mod apply;
pub mod check;
mod code;
mod config;
mod digest;
pub mod ensemble;
pub mod explore;
mod log;
mod node;
pub mod path;
mod peer;
mod quirks;
mod quota;
mod read;
mod reply;
mod request;
mod sasl;
#[cfg(feature = "serve")]
mod serve;
mod server;
mod sessions;
mod translate;
mod tree;
mod txn;
mod watches;
mod wire;
mod words;
pub mod world;
