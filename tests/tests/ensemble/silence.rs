//! A link that has gone silent: when it is given up, and when the session.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use zk_session::{CreateMode, Ended, OnExpiry, SessionState};
use zk_tests::Ensemble;

use crate::SOON;
use crate::cast::{Told, client_that, create, play, until, witness};

const TIMEOUT: Duration = Duration::from_secs(3);
/// For a machine that is busy with something else.
const LATE: Duration = Duration::from_millis(700);

/// The last byte was heard up to a third of the timeout before the silence, as pings go.
pub(crate) fn a_silent_link_is_left_and_then_the_session(ensemble: &Ensemble) {
    play(async {
        let (witness, root) = witness(ensemble).await;
        let node = (ensemble.await_leader() + 1) % 3;
        let servers = ensemble.connect_string_of(&[node]);
        let client = client_that(&servers, &root, TIMEOUT, OnExpiry::Stop).await;
        create(&client, "/mine", CreateMode::Ephemeral).await;
        let told = Told::to(&client);
        let told_by_the_other = other_adapter(&servers);
        ensemble.proxy(node).part(true);
        let silent = Instant::now();
        check(silent, &told.all().await);
        check(silent, &told_by_the_other.join().expect("no panic"));
        // The servers count in ticks, and from what the leader has heard.
        until("the servers have expired it, too", async || witness.exists("/mine").await == Ok(None)).await;
        witness.close().await;
    });
}

/// The states of a client of zk-std, from its first link to its end.
fn other_adapter(servers: &str) -> JoinHandle<Vec<(Instant, SessionState)>> {
    let mut config = zk_std::Client::config(servers).expect("a connect string of the test");
    (config.session_timeout, config.on_expiry) = (TIMEOUT, OnExpiry::Stop);
    let client = zk_std::Client::open(config).expect("opened");
    client.connected(SOON).expect("connected");
    let states = client.states();
    // The client stays until its states have ended.
    thread::spawn(move || states.map(|state| (Instant::now(), state)).inspect(|_| _ = &client).collect())
}

fn check(silent: Instant, told: &[(Instant, SessionState)]) {
    let [
        (_, SessionState::Connected { .. }),
        (suspended, SessionState::Suspended { .. }),
        (ended, SessionState::Ended(Ended::Expired)),
    ] = *told
    else {
        panic!("{told:?}");
    };
    for (name, after, from, to) in [
        ("suspended", suspended - silent, TIMEOUT / 3, TIMEOUT * 2 / 3),
        ("expired", ended - silent, TIMEOUT, TIMEOUT * 4 / 3),
    ] {
        assert!(from <= after && after < to + LATE, "{name} after {after:?}, not within {from:?} to {to:?}");
    }
}
