//! A hundred thousand watches of one client on a real server, across a lost link.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use zk_session::{Acl, CreateMode, EventKind, SessionState};
use zk_tests::{Options, Proxy, Server, fresh_path};
use zk_tokio::{Client, Error, Watch};

const COUNT: usize = 100_000;
/// Calls under way at once.
const WINDOW: usize = 5_000;
/// Every so many nodes, one comes into being.
const EVERY: usize = 997;

async fn watch(client: &Client, root: &str) -> Result<Vec<Watch>, Error> {
    let mut watches = Vec::with_capacity(COUNT);
    let paths: Vec<String> = (0..COUNT).map(|number| format!("{root}-{number}")).collect();
    for window in paths.chunks(WINDOW) {
        let calls: Vec<_> = window.iter().map(|path| client.exists_watched(path)).collect();
        for call in futures::future::join_all(calls).await {
            let (stat, watch) = call?;
            assert_eq!(stat, None);
            watches.push(watch);
        }
    }
    Ok(watches)
}

async fn story(server: &Server) -> Result<(), Box<dyn std::error::Error>> {
    let proxy = Proxy::start(server.address());
    let client = Client::connect(&proxy.address().to_string()).await?;
    let other = Client::connect(&server.address().to_string()).await?;
    let root = fresh_path();
    let watches = watch(&client, &root).await?;

    // While the client is away, some of what it waits for happens.
    proxy.refuse(true);
    proxy.cut();
    for number in (0..COUNT).step_by(2 * EVERY) {
        other
            .create(format!("{root}-{number}").as_str(), "", Acl::open_unsafe(), CreateMode::Ephemeral)
            .await?;
    }
    proxy.refuse(false);
    let mut states = client.states();
    while !states.next().await.is_some_and(|state| matches!(state, SessionState::Connected { .. })) {}
    // The rest when it is back.
    for number in (EVERY..COUNT).step_by(2 * EVERY) {
        other
            .create(format!("{root}-{number}").as_str(), "", Acl::open_unsafe(), CreateMode::Ephemeral)
            .await?;
    }
    let numbered = |(number, watch): (usize, Watch)| async move { (number, watch.await) };
    let mut pending: FuturesUnordered<_> = watches.into_iter().enumerate().map(numbered).collect();
    let mut fired = Vec::new();
    while fired.len() < COUNT.div_ceil(EVERY) {
        let (number, event) = pending.next().await.ok_or("all have fired")?;
        let event = event?;
        assert_eq!(event.kind, EventKind::NodeCreated);
        assert_eq!(event.path.as_str(), format!("{root}-{number}"));
        fired.push(number);
    }
    fired.sort_unstable();
    assert!(fired.into_iter().eq((0..COUNT).step_by(EVERY)));
    drop(pending);
    client.close().await;
    other.close().await;
    Ok(())
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn a_hundred_thousand_watches_survive_a_reconnection() {
    let installation = zk_tests::Installation::find().expect("the build script has seen it");
    let server = Server::start(&installation, Options::new().tick(Duration::from_secs(2)));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(story(&server)).expect("the story");
}
