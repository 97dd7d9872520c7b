//! The scenarios of `clients`, on ZooKeeper 3.4.13.

#[path = "../clients/calls.rs"]
mod calls;
#[path = "../clients/credentials.rs"]
mod credentials;
#[path = "../clients/cuts.rs"]
mod cuts;
#[path = "../clients/face/mod.rs"]
mod face;
#[path = "../clients/lasting_watches.rs"]
mod lasting_watches;
#[path = "../clients/locks.rs"]
mod locks;
#[path = "../clients/moves.rs"]
mod moves;
#[path = "../clients/orders.rs"]
mod orders;
#[path = "../clients/sessions.rs"]
mod sessions;
#[path = "../clients/watches.rs"]
mod watches;

use std::sync::OnceLock;

use zk_tests::{Installation, Options, Release, Server};

/// What scenarios run on.
pub(crate) fn installation() -> Installation {
    Installation::find_release(Release::V3_4).expect("the build script has found it")
}

/// The one server of this test process, for scenarios that leave it alone.
pub(crate) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start(&installation(), Options::new()))
}

/// A test of one scenario.
macro_rules! scenario {
    ($scenario:ident, $client:ty, $lack:literal) => {
        #[test]
        #[ignore = $lack]
        fn $scenario() {
            super::$scenario::<$client>();
        }
    };
    ($scenario:ident, $client:ty) => {
        #[test]
        #[cfg_attr(
            not(zookeeper_3_4),
            ignore = "no ZooKeeper 3.4.13: cargo run -p zk-tests --bin zookeeper -- install"
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
