//! Clients of a real ensemble that has lost its quorum and serves reads.

use std::time::Duration;

use zk_session::{Acl, Code, CreateMode, Error, EventKind, Fault, SessionState};
use zk_std::{Client, ConnectError};
use zk_tests::{Ensemble, Installation, Options, Release, fresh_path, wait_until};

const SOON: Duration = Duration::from_secs(40);

fn ensemble(release: Option<Release>) -> Ensemble {
    let installation = match release {
        Some(release) => Installation::find_release(release),
        None => Installation::find(),
    };
    let options = Options::new().heap_mb(128).read_only().local_sessions();
    Ensemble::launch(&installation.expect("the build script has seen it"), 3, options).expect("launched")
}

fn open(ensemble: &Ensemble, read_only: bool) -> Client {
    let mut config = Client::config(&ensemble.connect_string()).expect("a connect string");
    config.read_only = read_only;
    config.session_timeout = Duration::from_secs(4);
    Client::open(config).expect("opened")
}

fn await_state(client: &Client, what: impl Fn(&SessionState) -> bool) -> SessionState {
    let mut states = client.states();
    loop {
        let state = states.next_within(SOON).expect("it comes to that");
        if what(&state) {
            return state;
        }
    }
}

fn reads_go_on_without_a_quorum_and_writes_when_it_is_back(release: Option<Release>) {
    let mut ensemble = ensemble(release);
    let path = fresh_path();
    let coming = fresh_path();
    let writer = open(&ensemble, false);
    writer.connected(SOON).expect("connected");
    writer.create(&*path, "kept", Acl::open_unsafe(), CreateMode::Persistent).expect("created");
    writer.sync(&*path).expect("synced");
    // Node 0 must have it before the others go.
    let reader = open(&ensemble, true);
    reader.connected(SOON).expect("connected");
    wait_until("the node is everywhere", SOON, || {
        let near = Client::connect(&ensemble.connect_string_of(&[0])).expect("connected");
        let found = near.exists(&*path).ok().flatten().is_some();
        near.close();
        found
    });
    reader.close();
    for node in [1, 2] {
        ensemble.kill(node);
    }
    let strict = open(&ensemble, false);
    let reader = open(&ensemble, true);
    let SessionState::ReadOnly { session: provisional, .. } =
        await_state(&reader, |state| matches!(state, SessionState::ReadOnly { .. }))
    else {
        unreachable!()
    };
    assert_eq!(reader.get_data(&*path).expect("read").data.as_deref(), Some(&b"kept"[..]));
    let refused = reader.create(&*coming, "", Acl::open_unsafe(), CreateMode::Persistent);
    assert_eq!(refused, Err(Error::Server(Code::NotReadOnly)));
    let (stat, watch) = reader.exists_watched(&*coming).expect("read");
    assert_eq!(stat, None);
    assert!(
        matches!(strict.connected(Duration::from_secs(1)), Err(ConnectError::NoServer { .. })),
        "who has not allowed it is not served by half an ensemble"
    );

    ensemble.start(1);
    let SessionState::Connected { session, resumed, .. } = await_state(&reader, SessionState::is_connected)
    else {
        unreachable!()
    };
    assert!(
        session != provisional && !resumed,
        "what half an ensemble has granted is worth nothing to the whole"
    );
    reader.create(&*coming, "", Acl::open_unsafe(), CreateMode::Persistent).expect("created");
    let event = watch.wait_for(SOON).expect("it fires").expect("the session lives");
    assert_eq!(event.kind, EventKind::NodeCreated);
    strict.connected(SOON).expect("connected");
    let fault: Option<Fault> = reader.last_fault();
    assert_eq!(fault, None, "all is well");
}

/// Makes a test of each scenario for each release.
macro_rules! on_releases {
    ($($scenario:ident),+ $(,)?) => {
        mod installed {$(
            #[test]
            #[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
            fn $scenario() {
                super::$scenario(None);
            }
        )+}
        mod of_3_9 {$(
            #[test]
            #[cfg_attr(not(zookeeper_3_9), ignore = "no ZooKeeper 3.9.3: cargo run -p zk-tests --bin zookeeper -- install")]
            fn $scenario() {
                super::$scenario(Some(super::Release::V3_9));
            }
        )+}
    };
}

on_releases!(reads_go_on_without_a_quorum_and_writes_when_it_is_back);
