//! Both adapters against real servers: each behaviour is written once and runs for zk-tokio and for zk-std.
//!
//! `clients_3_4` and `clients_3_9` run the same scenarios, or most of them, on other releases.

mod bad_input;
mod calls;
mod credentials;
mod crowd;
mod cuts;
mod face;
mod interop;
mod lasting_watches;
mod locks;
mod moves;
mod orders;
mod sessions;
mod watches;

use zk_tests::{Installation, shared};

/// What scenarios run on.
pub(crate) fn installation() -> Installation {
    Installation::find().expect("the build script has found it")
}

/// A test of one scenario.
macro_rules! scenario {
    ($scenario:ident, $client:ty $(, $lack:literal)?) => {
        #[test]
        #[cfg_attr(
            not(zookeeper),
            ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS"
        )]
        fn $scenario() {
            super::$scenario::<$client>();
        }
    };
}
use scenario;

/// Makes a test for each adapter of each scenario that is generic over [`face::Face`]. What keeps one from old servers is said
/// after it.
macro_rules! both {
    ($($scenario:ident $(: $lack:literal)?),+ $(,)?) => {
        mod on_tokio { $(crate::scenario!($scenario, crate::face::Tokio $(, $lack)?);)+ }
        mod on_std { $(crate::scenario!($scenario, zk_std::Client $(, $lack)?);)+ }
    };
}
use both;
