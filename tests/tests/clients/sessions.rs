//! The life of a session over real sockets: no server, restarts, silence, expiry, close.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use zk_recipes::Layout;
use zk_session::{CreateMode, Ended, Error, OnExpiry, SessionState, Why};
use zk_tests::{Direction, Options, Proxy, Server, wait_until};

use crate::face::{Face, GuardFace, SOON, client, client_with, config, fresh_root};
use crate::{both, shared};

both!(
    without_a_server_the_error_is_clear_and_the_client_goes_on,
    a_session_survives_the_restart_of_its_server,
    a_silent_server_is_left,
    a_silent_server_does_not_eat_the_session,
    an_expired_session_is_told_and_followed_by_a_new_one,
    an_expired_session_may_be_the_last,
    closing_deletes_what_the_session_owned,
    dropping_the_last_client_closes_the_session,
    calls_end_by_their_deadline,
    servers_may_be_named,
);

fn without_a_server_the_error_is_clear_and_the_client_goes_on<C: Face>() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let client = C::open(config(address, ""));
    let error = client.connected(Duration::from_millis(300)).expect_err("nobody is there");
    assert!(error.contains(&address.to_string()) && error.contains("refused"), "{error}");
    let result = client.within(Duration::from_millis(100)).exists("/");
    assert_eq!(result, Err(Error::NotSent(Why::Deadline)));

    let installation = crate::installation();
    let _server = Server::start(&installation, Options::new().port(address.port()));
    client.connected(SOON).expect("connected when a server is there");
    assert!(client.exists("/").expect("asked").is_some());
    client.close();
}

fn a_session_survives_the_restart_of_its_server<C: Face>() {
    let installation = crate::installation();
    // A busy machine may take its time to start a server: the session must be able to wait for it.
    let mut server = Server::start(&installation, Options::new().tick(Duration::from_secs(3)));
    let mut patient = config(server.address(), "");
    patient.session_timeout = Duration::from_secs(60);
    let client: C = client_with(patient);
    client.create("/mine", "", CreateMode::Ephemeral).expect("created");
    let session = client.connected(SOON).expect("connected");
    let states = client.record_states();
    server.kill();
    client.await_state(|state| matches!(state, SessionState::Suspended { .. }));
    server.restart();
    assert_eq!(client.connected(SOON).expect("connected"), session);
    assert!(client.exists("/mine").expect("asked").is_some(), "the session lives, and with it its node");
    client.close();
    let states = states.join().expect("recorded");
    assert!(
        matches!(
            *states,
            [
                SessionState::Connected { resumed: false, .. },
                SessionState::Suspended { .. },
                SessionState::Connected { resumed: true, .. },
                SessionState::Ended(Ended::Closed),
            ]
        ),
        "{states:?}"
    );
}

fn a_silent_server_is_left<C: Face>() {
    let proxy = Proxy::start(shared().address());
    let mut impatient = config(proxy.address(), "");
    impatient.session_timeout = Duration::from_millis(1200);
    let client: C = client_with(impatient);
    let start = Instant::now();
    proxy.stall(Direction::ToClient, true);
    let result = client.exists("/");
    assert_eq!(result, Err(Error::MaybeApplied(Why::ConnectionLost)));
    assert!(start.elapsed() >= Duration::from_millis(700), "not before two thirds of the timeout");
    proxy.heal();
    client.connected(SOON).expect("connected again");
    client.close();
}

/// A client whose session is expired by a black hole, and a witness of it.
fn expire<C: Face>(policy: OnExpiry) -> (C, Vec<SessionState>, Proxy) {
    let proxy = Proxy::start(shared().address());
    let mut short = config(proxy.address(), "");
    short.session_timeout = Duration::from_millis(600);
    short.on_expiry = policy;
    let client: C = client_with(short);
    let path = zk_tests::fresh_path();
    client.create(&path, "", CreateMode::Ephemeral).expect("created");
    let states = client.record_states();
    proxy.refuse(true);
    proxy.cut();
    let witness: C = crate::face::client(shared().address(), "");
    wait_until("the server has expired the session", SOON, || {
        witness.exists(&path).expect("asked").is_none()
    });
    proxy.heal();
    if policy == OnExpiry::Renew {
        client.await_state(SessionState::is_connected);
        client.close();
    }
    witness.close();
    let states = states.join().expect("recorded");
    (client, states, proxy)
}

fn an_expired_session_is_told_and_followed_by_a_new_one<C: Face>() {
    let (_, states, _proxy) = expire::<C>(OnExpiry::Renew);
    assert!(
        matches!(
            *states,
            [
                SessionState::Connected { session: first, .. },
                SessionState::Suspended { .. },
                SessionState::Ended(Ended::Expired),
                SessionState::Connecting,
                SessionState::Connected { session: second, resumed: false, .. },
                SessionState::Ended(Ended::Closed),
            ] if first != second
        ),
        "{states:?}"
    );
}

fn an_expired_session_may_be_the_last<C: Face>() {
    let (client, states, _proxy) = expire::<C>(OnExpiry::Stop);
    assert_eq!(states.last(), Some(&SessionState::Ended(Ended::Expired)));
    assert_eq!(client.exists("/"), Err(Error::NotSent(Why::Ended(Ended::Expired))));
    assert!(client.connected(SOON).expect_err("it has ended").contains("expired"));
}

fn closing_deletes_what_the_session_owned<C: Face>() {
    let root = fresh_root::<C>();
    let owner: C = client(shared().address(), &root);
    let witness: C = client(shared().address(), &root);
    owner.create("/mine", "", CreateMode::Ephemeral).expect("created");
    owner.close();
    owner.close();
    assert_eq!(witness.exists("/mine").expect("asked"), None);
    assert_eq!(owner.exists("/mine"), Err(Error::NotSent(Why::Ended(Ended::Closed))));
    witness.close();
}

fn dropping_the_last_client_closes_the_session<C: Face>() {
    let root = fresh_root::<C>();
    let witness: C = client(shared().address(), &root);
    let owner: C = client(shared().address(), &root);
    let clone = owner.clone();
    owner.create("/mine", "", CreateMode::Ephemeral).expect("created");
    let states = owner.record_states();
    drop(owner);
    assert!(clone.exists("/mine").expect("the clone keeps the session").is_some());
    drop(clone);
    assert_eq!(states.join().expect("recorded").last(), Some(&SessionState::Ended(Ended::Closed)));
    assert_eq!(witness.exists("/mine").expect("asked"), None);
    witness.close();
}

fn calls_end_by_their_deadline<C: Face>() {
    let proxy = Proxy::start(shared().address());
    let client: C = client(proxy.address(), "");
    proxy.stall(Direction::ToClient, true);
    let hasty = client.within(Duration::from_millis(50));
    assert_eq!(hasty.exists("/"), Err(Error::MaybeApplied(Why::Deadline)));
    proxy.heal();
    assert!(client.exists("/").expect("the late reply disturbs nobody").is_some());
    let patient = client.within(Duration::MAX);
    patient.connected(Duration::MAX).expect("any limit may be given");
    assert!(patient.exists("/").expect("asked").is_some());
    let guard = patient.acquire(&zk_tests::fresh_path(), Layout::default()).expect("granted");
    guard.release().expect("released");
    client.close();
}

fn servers_may_be_named<C: Face>() {
    let servers = format!("no-such-host.invalid:1,localhost:{}", shared().port());
    let client = C::open(config(servers, ""));
    client.connected(SOON).expect("the name that there is resolves");
    client.close();

    let client = C::open(config("no-such-host.invalid", ""));
    let error = client.connected(Duration::from_secs(1)).expect_err("no such host");
    assert!(error.contains("does not resolve") || error.contains("no server of"), "{error}");
    client.close();
}

/// One server accepts connections and says nothing; the others refuse for a while. There is time enough for them.
fn a_silent_server_does_not_eat_the_session<C: Face>() {
    let proxies: Vec<Proxy> = (0..3).map(|_| Proxy::start(shared().address())).collect();
    let servers: Vec<String> = proxies.iter().map(|proxy| proxy.address().to_string()).collect();
    let mut config = config(servers.join(","), "");
    config.session_timeout = Duration::from_secs(4);
    let client: C = client_with(config);
    let session = client.connected(SOON).expect("connected");
    let states = client.record_states();
    let silent = proxies.iter().position(|proxy| proxy.connections() == 1).expect("connected to one of them");
    proxies[silent].stall(Direction::ToClient, true);
    for (number, proxy) in proxies.iter().enumerate() {
        proxy.refuse(number != silent);
    }
    // Two rounds or more: 2.7 s of silence end the link, and after 2.7 s more the session is over.
    client.await_state(|state| matches!(state, SessionState::Suspended { .. }));
    let before: u64 = proxies.iter().map(Proxy::accepted).sum();
    wait_until("all have been tried twice", SOON, || {
        proxies.iter().map(Proxy::accepted).sum::<u64>() >= before + 6
    });
    for (number, proxy) in proxies.iter().enumerate() {
        proxy.refuse(number == silent);
    }
    assert_eq!(client.connected(SOON).expect("connected"), session);
    client.close();
    let states = states.join().expect("recorded");
    assert!(!states.contains(&SessionState::Ended(Ended::Expired)), "{states:?}");
}
