//! The ensemble itself: nodes die, stand still and are parted, and it does what an ensemble does.

use zk_tests::ensemble::Mode;
use zk_tests::{Ensemble, wait_until};

use crate::SOON;

/// Servers tell each other where they listen: without care they get around the proxies, which then part nobody.
pub(crate) fn all_that_nodes_say_to_each_other_goes_through_proxies(ensemble: &mut Ensemble) {
    for restarted in 0..ensemble.size() {
        ensemble.kill(restarted);
        ensemble.start(restarted);
        ensemble.await_quorum();
        wait_until("three pairs can vote, and two nodes follow", SOON, || ensemble.inner_connections() == 5);
    }
}

pub(crate) fn a_dead_leader_is_replaced_and_comes_back_as_a_follower(ensemble: &mut Ensemble) {
    let first = ensemble.await_leader();
    let before = ensemble.standing(first).expect("it serves").zxid;
    ensemble.kill(first);
    assert_eq!(ensemble.standing(first), None);
    let second = ensemble.await_leader();
    assert_ne!(first, second);
    ensemble.await_quorum();
    let after = ensemble.standing(second).expect("it serves").zxid;
    assert!(after >> 32 > before >> 32, "{after:#x} is of a later epoch than {before:#x}");
    ensemble.start(first);
    ensemble.await_quorum();
    assert_eq!(ensemble.leader(), Some(second));
}

pub(crate) fn a_parted_leader_is_replaced_by_one_of_the_others(ensemble: &mut Ensemble) {
    for node in 0..ensemble.size() {
        ensemble.isolate(node);
        wait_until("another leads", SOON, || ensemble.leader().is_some_and(|leader| leader != node));
        wait_until("it does not serve", SOON, || ensemble.standing(node).is_none());
        ensemble.rejoin(node);
        ensemble.await_quorum();
    }
}

pub(crate) fn a_paused_leader_is_replaced_and_follows_when_it_goes_on(ensemble: &mut Ensemble) {
    let first = ensemble.await_leader();
    ensemble.pause(first);
    assert_eq!(ensemble.leader(), None, "nobody knows so far");
    let second = ensemble.await_leader();
    assert_ne!(first, second);
    ensemble.resume(first);
    ensemble.await_quorum();
    assert_eq!(ensemble.leader(), Some(second));
}

pub(crate) fn a_parted_follower_stops_serving_and_comes_back(ensemble: &mut Ensemble) {
    let leader = ensemble.await_leader();
    let follower = (leader + 1) % ensemble.size();
    ensemble.isolate(follower);
    wait_until("the follower has given its leader up", SOON, || ensemble.standing(follower).is_none());
    assert_eq!(ensemble.leader(), Some(leader));
    ensemble.rejoin(follower);
    ensemble.await_quorum();
    assert_eq!(ensemble.standing(follower).map(|standing| standing.mode), Some(Mode::Follower));
}
