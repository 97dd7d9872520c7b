//! Orders, pauses, shares and moves.

use super::*;

#[test]
fn pauses_grow_by_rounds_and_stay_below_their_limits() {
    let server = |port| Server { host: "a".into(), port };
    let mut rng = Rng::new(1);
    let mut servers = Servers::new([server(1), server(2)].into(), &mut rng);
    let backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_secs(5) };
    for try_ in 0..200 {
        let pause = servers.pause(backoff, Duration::from_secs(8), &mut rng);
        let most =
            Duration::from_millis(100).saturating_mul(1 << (try_ / 2).min(20)).min(Duration::from_secs(2));
        assert!((PAUSE_MIN..=most).contains(&pause), "try {try_}: {pause:?}");
    }
}

#[test]
fn a_failed_try_always_costs_time() {
    let mut rng = Rng::new(1);
    let mut servers = Servers::new(Vec::new(), &mut rng);
    let none = Backoff { first: Duration::ZERO, most: Duration::ZERO };
    assert_eq!(servers.pause(none, Duration::from_secs(8), &mut rng), PAUSE_MIN);
}

#[test]
fn every_server_gets_its_turn() {
    let all: Vec<_> = (1..=5).map(|port| Server { host: "a".into(), port }).collect();
    let mut servers = Servers::new(all.clone(), &mut Rng::new(7));
    let mut tried: Vec<_> = (0..5).filter_map(|_| servers.advance()).collect();
    assert_ne!(tried, all, "this seed shuffles");
    tried.sort_by_key(|server| server.port);
    assert_eq!(tried, all);
}

const T: Duration = Duration::from_secs(12);

fn servers(ports: impl IntoIterator<Item = u16>) -> Vec<Server> {
    ports.into_iter().map(|port| Server { host: "a".into(), port }).collect()
}

#[test]
fn a_try_gets_its_share_of_what_is_left() {
    let mut rng = Rng::new(1);
    let mut three = Servers::new(servers(1..=3), &mut rng);
    let left = Some(T * 2 / 3);
    assert_eq!(three.try_time(T, left), T * 2 / 9);
    three.pause(Backoff::default(), T, &mut rng);
    assert_eq!(three.try_time(T, left), T / 3, "a server that failed at once leaves its time to the others");
    three.pause(Backoff::default(), T, &mut rng);
    assert_eq!(three.try_time(T, left), T / 3, "no server may eat up the session");
    three.pause(Backoff::default(), T, &mut rng);
    assert_eq!(three.try_time(T, None), T * 2 / 3, "all were too slow");
    assert_eq!(three.try_time(T, left), T * 2 / 9, "but a session must not be lost to the first of them");
    three.proven();
    assert_eq!(three.try_time(T, Some(Duration::ZERO)), TRY_TIME_MIN);
    assert_eq!(Servers::new(servers([1]), &mut rng).try_time(T, None), T);
    assert_eq!(Servers::new(Vec::new(), &mut rng).try_time(T, None), T);
}

/// Of so many clients of `before`, how many are on which server once all know of `after`.
fn balance(before: core::ops::RangeInclusive<u16>, after: core::ops::RangeInclusive<u16>) -> Vec<usize> {
    let mut clients = alloc::vec![0; 10];
    for seed in 0..6000 {
        let mut rng = Rng::new(seed);
        let mut client = Servers::new(servers(before.clone()), &mut rng);
        let first = client.advance().expect("a server");
        let moves = client.update(servers(after.clone()), true, &mut rng);
        let at = if moves { client.advance().expect("a server") } else { first };
        clients[usize::from(at.port)] += 1;
    }
    clients
}

#[test]
fn a_changed_list_leaves_every_server_with_its_share() {
    let cases =
        [(1..=3, 1..=5), (1..=5, 1..=3), (1..=3, 3..=4), (1..=2, 3..=6), (1..=4, 3..=6), (1..=3, 1..=3)];
    for (before, after) in cases {
        let clients = balance(before.clone(), after.clone());
        let share = 6000 / after.clone().count();
        for port in after.clone() {
            let own = clients[usize::from(port)];
            assert!(own.abs_diff(share) < share / 8, "{before:?} to {after:?}: {clients:?}");
        }
    }
}

#[test]
fn a_client_whose_server_stays_moves_only_to_make_room() {
    let mut rng = Rng::new(5);
    let mut client = Servers::new(servers(1..=3), &mut rng);
    let own = client.advance().expect("a server").port;
    assert!(!client.update(servers([own]), true, &mut rng));
    assert!(client.update(servers([own + 10]), true, &mut rng), "its server is gone");
    assert_eq!(client.advance().map(|server| server.port), Some(own + 10));
    assert!(!client.update(servers(1..=3), false, &mut rng), "who is nowhere need not leave");
}
