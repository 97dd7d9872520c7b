//! Who leads, what a change of leaders keeps, and what servers do that know no leader.

use super::*;

#[test]
fn three_servers_elect_one_leader() {
    let town = Town::new();
    assert_eq!(town.leader(), C, "the highest number, among equals");
    assert_eq!(town.followers(), [A, B]);
    assert_eq!(town.ensemble.last(), Zxid(1 << 32), "an epoch has begun");
}

#[test]
fn an_ensemble_of_one_leads_itself() {
    let mut town = Town::of(Setup { voters: 1, ..setup() });
    let client = town.open(A);
    assert_eq!(town.create(client, "/a", 0), Some(0));
}

#[test]
fn a_write_at_a_follower_is_seen_everywhere() {
    let mut town = Town::new();
    let (writer, reader) = (town.open(A), town.open(B));
    assert_eq!(town.create(writer, "/a", 0), Some(0));
    assert_eq!(town.exists(reader, "/a"), Some(0));
    let trees: Vec<_> = [A, B, C].map(|id| town.ensemble.tree(id).cloned()).into();
    assert!(trees.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_server_that_lags_answers_from_what_it_has_until_it_is_asked_to_sync() {
    let mut town = Town::new();
    let (writer, reader) = (town.open(A), town.open(B));
    town.ensemble.lag(B, town.now.plus(500));
    assert_eq!(town.create(writer, "/a", 0), Some(0));
    assert_eq!(town.exists(reader, "/a"), Some(-101), "stale");
    assert_eq!(town.sync(reader), None);
    assert_eq!(town.exists(reader, "/a"), None, "behind the sync");
    town.pass(500);
    let frames = town.take(reader.conn);
    let codes: Vec<i32> = frames.iter().map(|frame| Reader::new(&frame[12..]).int().unwrap()).collect();
    assert_eq!(codes, [0, 0]);
}

#[test]
fn a_client_that_has_seen_more_than_the_server_is_sent_away() {
    let mut town = Town::new();
    let writer = town.open(A);
    town.ensemble.lag(B, town.now.plus(500));
    assert_eq!(town.create(writer, "/a", 0), Some(0));
    let seen = town.ensemble.last().0;
    assert!(town.greet(B, Hello { seen, ..Hello::default() }).is_none());
    assert!(town.greet(A, Hello { seen, ..Hello::default() }).is_some());
}

#[test]
fn sessions_outlive_their_leader_and_have_their_whole_timeout_again() {
    let mut town = Town::new();
    let client = town.open(A);
    assert_eq!(town.create(client, "/e", 1), Some(0));
    town.pass(500);
    town.crash(C, false);
    assert!(town.is_closed(client), "without a leader nobody is served");
    town.pass(500);
    assert_eq!(town.leader(), B);
    assert!(town.ensemble.tree(B).unwrap().node("/e").is_some(), "though nothing was heard for 1000 ms");
    let again = town.move_to(B, client).unwrap();
    assert_eq!((again.id, town.exists(again, "/e")), (client.id, Some(0)));
    town.ensemble.start(C, town.now);
    town.pass(300);
    assert_eq!(town.followers(), [A, C]);
    assert_eq!(town.ensemble.tree(C), town.ensemble.tree(B));
}

#[test]
fn a_leader_without_followers_gives_up_and_what_it_proposed_is_forgotten() {
    let mut town = Town::new();
    let client = town.open(C);
    town.cut_off.insert(C);
    assert_eq!(town.create(client, "/lost", 0), None);
    town.pass(900);
    assert!(!town.is_closed(client), "it waits for its followers, and so do they");
    town.pass(1000);
    assert!(town.is_closed(client));
    assert_eq!(town.leader(), B);
    town.heal();
    town.pass(1000);
    assert_eq!(town.followers(), [A, C]);
    let reader = town.open(C);
    assert_eq!(town.exists(reader, "/lost"), Some(-101));
}

#[test]
fn a_write_that_a_follower_has_heard_of_may_be_committed_by_the_next_leader() {
    let mut town = Town::new();
    let client = town.open(C);
    // The followers hear of the write, but the leader does not hear that they did.
    let mut request = Body::default().int(7).int(1);
    request.0.extend(Body::create("/late", 0).0);
    let input = server::Input::Received(client.conn, &request.framed());
    town.ensemble.handle(C, Input::Client(input), town.now);
    while let Some(output) = town.ensemble.poll() {
        let Output::Message { from, to, message } = output else { panic!("nothing is answered: {output:?}") };
        if from == C {
            town.ensemble.handle(to, Input::Message(from, message), town.now);
        }
    }
    town.crash(C, true);
    town.pass(2500);
    assert_eq!(town.leader(), B);
    let reader = town.open(B);
    assert_eq!(town.exists(reader, "/late"), Some(0));
}

#[test]
fn an_observer_serves_and_has_no_vote() {
    let mut town = Town::of(Setup { observers: 1, ..setup() });
    let observer = ServerId(4);
    assert_eq!(town.ensemble.role(observer), Some(Role::Observer));
    let client = town.open(observer);
    assert_eq!(town.create(client, "/a", 0), Some(0));
    town.crash(A, false);
    town.crash(B, false);
    town.pass(2000);
    assert_eq!(town.ensemble.role(C), Some(Role::Looking), "two of three voters are gone");
}

#[test]
fn a_server_without_a_leader_serves_reads_to_those_who_ask_for_no_more() {
    let mut town = Town::of(Setup { read_only_after_ms: Some(400), ..setup() });
    let client = town.open(A);
    assert_eq!(town.create(client, "/a", 0), Some(0));
    town.crash(B, false);
    town.crash(C, false);
    town.pass(500);
    assert_eq!(town.ensemble.role(A), Some(Role::ReadOnly));
    assert!(town.greet(A, Hello::default()).is_none());
    let hello = Hello { read_only: true, ..Hello::default() };
    assert!(town.greet(A, hello).is_none(), "it cannot begin a session");
    assert!(town.greet(A, Hello { id: client.id, password: client.password, ..hello }).is_none());
    let unknown = SessionId(0x42);
    let guest = town.greet(A, Hello { id: unknown, password: crate::password(unknown), ..hello }).unwrap();
    assert_eq!((town.exists(guest, "/a"), town.create(guest, "/b", 0)), (Some(0), Some(-119)));
    assert_eq!((town.sync(guest), town.ping(guest)), (Some(-119), Some(0)));
    town.ensemble.start(B, town.now);
    town.pass(500);
    assert!(town.is_closed(guest));
}

#[test]
fn a_wiped_ensemble_counts_from_the_start() {
    let mut town = Town::new();
    let client = town.open(A);
    assert_eq!(town.create(client, "/a", 0), Some(0));
    let seen = town.ensemble.last().0;
    town.ensemble.wipe();
    for id in [A, B, C] {
        town.ensemble.start(id, town.now);
    }
    town.pass(1000);
    assert!(town.ensemble.last().0 < seen);
    assert!(town.greet(A, Hello { seen, ..Hello::default() }).is_none());
    assert_eq!(town.move_to(A, client).unwrap().timeout_ms, 0, "nobody knows the session");
}
