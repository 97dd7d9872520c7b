//! Both adapters against real servers: each behaviour is written once and runs for zk-tokio and for zk-std.

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

/// Makes a test for each adapter of a scenario that is generic over [`face::Face`].
macro_rules! both {
    ($($scenario:ident),+ $(,)?) => {
        both!(@ on_tokio crate::face::Tokio, $($scenario),+);
        both!(@ on_std zk_std::Client, $($scenario),+);
    };
    (@ $module:ident $client:ty, $($scenario:ident),+) => {
        mod $module {
            $(
                #[test]
                #[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
                fn $scenario() {
                    super::$scenario::<$client>();
                }
            )+
        }
    };
}
use both;
