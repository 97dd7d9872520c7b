//! Who takes part in a scenario: clients, what they are told, and a witness that no fault of links concerns.

use std::future::Future;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use zk_session::{Acl, CreateMode, OnExpiry, SessionId, SessionState};
use zk_tests::{Ensemble, fresh_path};
use zk_tokio::Client;

use crate::SOON;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Runs a scenario to its end. Its own thread may block; the clients live on others.
pub(crate) fn play<T>(scenario: impl Future<Output = T>) -> T {
    RUNTIME.block_on(scenario)
}

/// The result, if it comes in time.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(SOON, future).await {
        Ok(result) => result,
        Err(_) => panic!("waited {SOON:?} in vain for {what}"),
    }
}

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    soon(what, async {
        while !condition().await {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    })
    .await;
}

/// A connected client of these servers, which is also to see the root.
pub(crate) async fn client(servers: &str, root: &str, timeout: Duration) -> Client {
    client_that(servers, root, timeout, OnExpiry::Renew).await
}

pub(crate) async fn client_that(servers: &str, root: &str, timeout: Duration, then: OnExpiry) -> Client {
    let mut config = Client::config(&format!("{servers}{root}")).expect("a connect string of the test");
    config.session_timeout = timeout;
    config.on_expiry = then;
    let client = Client::open(config);
    client.connected(SOON).await.expect("connected");
    client
}

/// A client that goes to the servers past the proxies, and a fresh root, which it has created and sees as its own.
pub(crate) async fn witness(ensemble: &Ensemble) -> (Client, String) {
    let root = fresh_path();
    let servers: Vec<_> = (0..ensemble.size()).map(|node| ensemble.address(node).to_string()).collect();
    let servers = servers.join(",");
    let creator = client(&servers, "", LONG).await;
    create(&creator, &root, CreateMode::Persistent).await;
    creator.close().await;
    (client(&servers, &root, LONG).await, root)
}

pub(crate) async fn create(client: &Client, path: &str, mode: CreateMode) {
    client.create(path, "", Acl::open_unsafe(), mode).await.expect("created");
}

/// The present session of a connected client.
pub(crate) async fn session(client: &Client) -> SessionId {
    client.connected(SOON).await.expect("connected")
}

/// Waits until the client is in such a state.
pub(crate) async fn comes(client: &Client, such: impl Fn(&SessionState) -> bool) -> SessionState {
    let (begun, mut states, mut seen) = (Instant::now(), client.states(), Vec::new());
    loop {
        match tokio::time::timeout(SOON.saturating_sub(begun.elapsed()), states.next()).await {
            Ok(Some(state)) if such(&state) => return state,
            Ok(Some(state)) => seen.push((begun.elapsed(), state)),
            Ok(None) | Err(_) => panic!("waited {SOON:?} in vain for a state; these came: {seen:?}"),
        }
    }
}

/// The node that the only client behind the proxies is connected to.
pub(crate) fn node_of_the_client(ensemble: &Ensemble) -> usize {
    let on = |node: &usize| ensemble.proxy(*node).connections() > 0;
    let mut nodes = (0..ensemble.size()).filter(on);
    let node = nodes.next().expect("a client is connected");
    assert_eq!(nodes.next(), None, "one client is connected");
    node
}

/// All states of a client and when they were told.
pub(crate) struct Told(JoinHandle<Vec<(Instant, SessionState)>>);

impl Told {
    /// Listens from now on; the present state is the first.
    pub(crate) fn to(client: &Client) -> Self {
        let states = client.states().map(|state| (Instant::now(), state));
        Self(tokio::spawn(states.collect()))
    }

    /// Everything, once the client is closed.
    pub(crate) async fn all(self) -> Vec<(Instant, SessionState)> {
        soon("the end of the states", self.0).await.expect("no panic")
    }

    /// As [`Told::all`], without the times.
    pub(crate) async fn states(self) -> Vec<SessionState> {
        self.all().await.into_iter().map(|(_, state)| state).collect()
    }
}

/// Longer than the death of a leader takes to be got over.
pub(crate) const LONG: Duration = Duration::from_secs(12);

/// How often a condition is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(3);
