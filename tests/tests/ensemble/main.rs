//! Clients of a real ensemble whose nodes and links fail: one behaviour a file, on each release that is there.

mod blackout;
mod cast;
mod chaos;
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

/// Makes tests of scenarios for a release, in a module of their own, so that those of one release follow each other.
macro_rules! scenarios {
    ($module:ident, $available:ident, $remedy:literal, $release:expr; $($file:ident: $($scenario:ident),+;)+) => {
        mod $module {$(
            mod $file {$(
                #[test]
                #[cfg_attr(not($available), ignore = $remedy)]
                fn $scenario() {
                    crate::$file::$scenario(&mut crate::house::visit($release));
                }
            )+}
        )+}
    };
}

scenarios! {
    installed, zookeeper, "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS", None;
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
        a_guard_dies_with_its_session_behind_a_partition;
    blackout:
        a_session_ends_in_a_blackout_and_another_follows;
    chaos:
        whatever_fails_clients_are_told_the_truth;
}

// What depends on the servers more than on the client.
scenarios! {
    of_3_9, zookeeper_3_9, "no ZooKeeper 3.9.3: cargo run -p zk-tests --bin zookeeper -- install",
    Some(zk_tests::Release::V3_9);
    nodes:
        all_that_nodes_say_to_each_other_goes_through_proxies;
    deaths:
        a_session_survives_the_death_of_its_leader;
    load:
        calls_are_told_the_truth_when_their_leader_dies;
    pauses:
        a_session_survives_the_pause_of_its_leader;
    partitions:
        a_guard_dies_with_its_session_behind_a_partition;
    chaos:
        whatever_fails_clients_are_told_the_truth;
}
