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
