//! Real ZooKeeper servers and a faulty network, for the tests that need them.
//!
//! Not for users of the client, and Unix only. A test of a client over real sockets takes a [`Server`] of its own when
//! it stops, restarts or pauses it, else the [`shared`] one and a [`fresh_path`]; it puts a [`Proxy`] before the server
//! to break the connection at a chosen byte, and awaits effects with [`wait_until`].
//!
//! # Without a ZooKeeper
//!
//! The build script sets `cfg(zookeeper)` when [`Installation::find`] succeeds. A test that needs a server says so, and
//! is reported as ignored where there is none:
//!
//! ```text
//! #[test]
//! #[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
//! fn a_server_answers() {
//!     let server = zk_tests::shared();
//!     assert_eq!(server.command("ruok"), "imok");
//! }
//! ```
//!
//! Other releases are found by [`Installation::find_release`]; `cfg(zookeeper_3_4)` and `cfg(zookeeper_3_9)` say whether
//! they are there. `cargo run -p zk-tests --bin zookeeper -- install` fetches them from the neighbouring releases of
//! Debian into the directory `zk-tests` of the user's cache.
//!
//! The cfg holds for this package alone, so such tests live in its `tests/`.
//!
//! # What never to send
//!
//! ZooKeeper 3.8 takes no more requests from anybody after an opcode 13 (`check`) outside of a multi, and after a
//! `createTTL` whose flags are no TTL mode. A test that sends either breaks the shared server for all others. So does an
//! ordinary `create` of `/zookeeper/quota/zookeeper_limits`, on 3.8.0 and 3.9.3, as nodes of quotas do whose data cannot be
//! read: the server fails over them when it applies a write.

pub use ensemble::Ensemble;
pub use proxy::{Direction, Proxy};
pub use wait::wait_until;
pub use zookeeper::{Installation, Options, Release, Server, fresh_path, shared};

pub mod chaos;
pub mod ensemble;
pub mod kazoo;
pub mod proxy;
mod wait;
pub mod zookeeper;
