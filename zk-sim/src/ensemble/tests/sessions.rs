//! Where a session is, how long it lives, and what a server says that does not know it has ended.

use super::*;

#[test]
fn a_follower_that_is_cut_off_answers_pings_after_the_session_has_expired() {
    let mut town = Town::new();
    let client = town.open(A);
    assert_eq!(town.create(client, "/e", 1), Some(0));
    town.cut_off.insert(A);
    let mut answered_after_its_end = 0;
    while !town.is_closed(client) {
        let is_over = town.ensemble.tree(C).unwrap().node("/e").is_none();
        if town.ping(client) == Some(0) && is_over {
            answered_after_its_end += 1;
        }
        if town.ping(client).is_some() {
            assert_eq!(town.exists(client, "/e"), Some(0), "and shows the node that is gone");
        }
        town.pass(10);
    }
    assert!(answered_after_its_end > 10, "{answered_after_its_end}");
    town.heal();
    town.pass(500);
    assert_eq!(town.move_to(A, client).unwrap().timeout_ms, 0);
}

#[test]
fn a_follower_that_is_cut_off_cannot_sync() {
    let mut town = Town::new();
    let client = town.open(A);
    town.cut_off.insert(A);
    assert_eq!(town.sync(client), None);
}

#[test]
fn pings_at_a_follower_keep_a_session() {
    let mut town = Town::new();
    let client = town.open(A);
    for _ in 0..20 {
        town.pass(200);
        assert_eq!(town.ping(client), Some(0));
    }
    town.pass(1000);
    assert!(town.is_closed(client));
    assert_eq!(town.move_to(B, client).unwrap().timeout_ms, 0);
}

#[test]
fn touches_reach_the_leader_with_the_next_pong_only() {
    let mut town = Town::new();
    let client = town.open(A);
    town.pass(300);
    assert_eq!(town.ping(client), Some(0));
    town.crash(A, true);
    let opened = town.now;
    while town.ensemble.tree(C).unwrap().sessions().count() > 0 {
        town.pass(10);
    }
    assert!(town.now.since(opened) <= 500, "the ping died with the server: {}", town.now.since(opened));
}

#[test]
fn a_session_that_moves_leaves_its_old_connection_open_until_it_writes() {
    let mut town = Town::new();
    let old = town.open(A);
    let new = town.move_to(B, old).unwrap();
    assert_eq!((new.id, town.is_closed(old)), (old.id, false));
    assert_eq!((town.exists(old, "/"), town.sync(old)), (Some(0), Some(0)));
    assert_eq!(town.create(old, "/old", 0), None, "no answer");
    assert!(town.is_closed(old) && !town.is_closed(new));
    assert_eq!((town.exists(new, "/old"), town.create(new, "/new", 0)), (Some(-101), Some(0)));
}

#[test]
fn a_session_that_leaves_the_leader_is_closed_there_by_any_request() {
    let mut town = Town::new();
    let old = town.open(C);
    let new = town.move_to(A, old).unwrap();
    assert!(!town.is_closed(old));
    assert_eq!(town.exists(old, "/"), None);
    assert!(town.is_closed(old) && !town.is_closed(new));
}

#[test]
fn a_session_that_ends_is_closed_wherever_it_is() {
    let mut town = Town::new();
    let old = town.open(A);
    let new = town.move_to(B, old).unwrap();
    assert_eq!(town.ask(new, -11, Body::default()), Some(0));
    assert!(town.is_closed(new) && town.is_closed(old));
}

#[test]
fn credentials_overtake_a_write_that_is_under_way() {
    let mut town = Town::new();
    let client = town.open(A);
    town.ensemble.lag(A, town.now.plus(100));
    assert_eq!(town.create(client, "/a", 0), None);
    assert_eq!(town.exists(client, "/a"), None);
    let auth = Body::default().int(0).text("digest").buffer(Some(b"user:secret"));
    assert_eq!(town.ask(client, 100, auth), Some(0));
    town.pass(200);
    assert_eq!(town.take(client.conn).len(), 2, "the create and the exists");
}

#[test]
fn who_asks_too_much_is_told_so_and_nothing_happens() {
    let mut town = Town::new();
    let client = town.open(A);
    town.ensemble.throttle(A, 2);
    assert_eq!(town.create(client, "/a", 0), Some(-127));
    assert_eq!(town.ping(client), Some(0), "pings are let through");
    assert_eq!(town.exists(client, "/a"), Some(-127));
    assert_eq!(town.exists(client, "/a"), Some(-101));
}
