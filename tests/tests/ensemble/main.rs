//! Clients of a real ensemble whose nodes and links fail: one behaviour a file, on each release that is there.

mod blackout;
mod cast;
mod deaths;
mod house;
mod load;
mod nodes;
mod partitions;
mod pauses;
mod silence;

use std::time::Duration;

/// What is enough for anything that is going to happen at all.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Makes a test of each scenario for each release, so that those of one release follow each other.
macro_rules! on_releases {
    ($($file:ident: $($scenario:ident),+;)+) => {
        mod installed {$(
            mod $file {$(
                #[test]
                #[cfg_attr(
                    not(zookeeper),
                    ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS"
                )]
                fn $scenario() {
                    crate::$file::$scenario(&mut crate::house::visit(None));
                }
            )+}
        )+}
        mod of_3_9 {$(
            mod $file {$(
                #[test]
                #[cfg_attr(
                    not(zookeeper_3_9),
                    ignore = "no ZooKeeper 3.9.3: cargo run -p zk-tests --bin zookeeper -- install"
                )]
                fn $scenario() {
                    crate::$file::$scenario(&mut crate::house::visit(Some(zk_tests::Release::V3_9)));
                }
            )+}
        )+}
    };
}

on_releases! {
    nodes:
        all_that_nodes_say_to_each_other_goes_through_proxies,
        a_dead_leader_is_replaced_and_comes_back_as_a_follower,
        a_parted_leader_is_replaced_by_one_of_the_others,
        a_paused_leader_is_replaced_and_follows_when_it_goes_on,
        a_parted_follower_stops_serving_and_comes_back;
    deaths:
        a_session_survives_the_death_of_its_follower,
        a_session_survives_the_death_of_its_leader;
    silence:
        a_silent_link_is_left_and_then_the_session;
    load:
        calls_are_told_the_truth_when_their_leader_dies;
    pauses:
        a_session_survives_the_pause_of_its_leader;
    partitions:
        a_guard_dies_with_its_session_while_pings_are_answered;
    blackout:
        a_session_ends_in_a_blackout_and_another_follows;
}
