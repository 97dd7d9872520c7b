//! What is this adapter's own: connections, wake-ups, drops. What both adapters promise is tested on real servers.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use zk_session::ops::{Auth, Exists, Opcode};
use zk_session::proto::Secret;
use zk_session::{Instant, Output, Session};
use zk_sim::Served;

use self::servers::{listen, read_only_server, serve};
use crate::{
    Acl, AddWatchMode, Backoff, Change, Client, Code, Config, ConnectError, CreateMode, Direction, Ended,
    Error, EventKind, Fault, Jitter, Misuse, RetryPolicy, Server, SessionState, Why,
};

mod servers;

/// What is enough for anything that is going to happen at all, and less than it takes a client of these tests to be
/// woken by a ping: what comes late was forgotten.
const SOON: Duration = Duration::from_secs(5);
/// The longest that a server grants: a ping comes after a third of it.
const TIMEOUT: Duration = Duration::from_secs(40);

fn server() -> Served {
    zk_sim::serve("127.0.0.1:0").expect("a port")
}

fn config(address: impl std::fmt::Display) -> Config {
    let mut config = Client::config(&address.to_string()).expect("a configuration");
    config.session_timeout = TIMEOUT;
    config
}

async fn client(server: &Served) -> Client {
    let client = Client::open(config(server.address()));
    client.connected(SOON).await.expect("connected");
    client
}

/// Waits for what no call tells. It makes no call: the client must do it by itself.
async fn until(such: impl Fn() -> bool) {
    let reached = async {
        while !such() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(SOON, reached).await.expect("it comes about");
}

/// Whether a request of this kind was answered.
fn was_answered(client: &Client, opcode: Opcode) -> bool {
    let frames = client.recent_frames();
    let sent = frames.iter().find(|frame| frame.direction == Direction::Out && frame.code == opcode.raw());
    sent.is_some_and(|sent| {
        frames.iter().any(|frame| frame.direction == Direction::In && frame.xid == sent.xid)
    })
}

/// A configuration of these servers, by which the first is tried first.
fn in_this_order(servers: [SocketAddr; 2]) -> Config {
    let first = Server { host: servers[0].ip().to_string(), port: servers[0].port() };
    let text = format!("{},{}", servers[0], servers[1]);
    let configs = (0..64).map(|seed| Config::new(text.parse().expect("servers"), seed));
    let is_first = |config: &Config| {
        let mut session = Session::new(config.clone(), Instant::default());
        matches!(session.poll(), Some(Output::Connect(_, server)) if server == first)
    };
    configs.into_iter().find(is_first).expect("a seed for each order")
}

#[tokio::test]
async fn a_server_with_a_quorum_is_found_on_a_second_connection() {
    let server = server();
    let mut config = in_this_order([read_only_server(), server.address()]);
    config.read_only = true;
    let client = Client::open(config);
    let mut states = client.states();
    let mut seen = Vec::new();
    while !seen.last().is_some_and(SessionState::is_connected) {
        seen.push(tokio::time::timeout(SOON, states.next()).await.expect("in time").expect("a state"));
    }
    assert!(
        matches!(
            *seen,
            [
                SessionState::Connecting,
                SessionState::ReadOnly { .. },
                SessionState::Suspended { .. },
                SessionState::Connected { resumed: false, .. }
            ]
        ),
        "{seen:?}"
    );
    client.create("/a", "", Acl::open_unsafe(), CreateMode::Persistent).await.expect("created");
    client.close().await;
}

#[tokio::test]
async fn the_link_stands_while_a_better_server_is_looked_for() {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let silent = |mut stream: TcpStream| {
        ASKED.store(stream.read_exact(&mut [0; 4]).is_ok(), Ordering::Relaxed);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    };
    let mut config = in_this_order([read_only_server(), listen(silent)]);
    config.read_only = true;
    let client = Client::open(config);
    client.connected(SOON).await.expect("linked");
    until(|| ASKED.load(Ordering::Relaxed)).await;
    assert_eq!(client.exists("/").await, Ok(None));
    assert_eq!(client.statistics().losses, 0);
    client.close().await;
}

#[tokio::test]
async fn a_deadline_is_kept_where_nothing_else_happens() {
    let config = config(listen(|stream| serve(stream, false)));
    let client = Client::open(config);
    client.connected(SOON).await.expect("linked");
    let start = std::time::Instant::now();
    let hasty = client.within(Duration::from_millis(50));
    assert_eq!(hasty.get_data("/").await, Err(Error::MaybeApplied(Why::Deadline)));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    client.close().await;
}

#[tokio::test]
async fn closing_needs_no_link() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let mut config = config(address);
    config.seed = 1;
    config.backoff = Backoff { first: TIMEOUT, most: TIMEOUT };
    let client = Client::open(config);
    until(|| client.last_fault().is_some()).await;
    let start = std::time::Instant::now();
    client.close().await;
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_server_without_a_quorum_is_enough_to_be_connected_where_that_is_allowed() {
    let mut config = config(read_only_server());
    config.read_only = true;
    let client = Client::open(config.clone());
    client.connected(SOON).await.expect("linked");
    assert!(matches!(client.state(), SessionState::ReadOnly { .. }), "{:?}", client.state());
    client.close().await;

    config.read_only = false;
    let client = Client::open(config);
    let error = client.connected(Duration::from_millis(300)).await.expect_err("not good enough");
    assert!(matches!(error, ConnectError::NoServer { .. }), "{error}");
    client.close().await;
}

#[tokio::test]
async fn the_server_is_told_of_a_dropped_watch_at_once() {
    let server = server();
    let client = client(&server).await;
    let (_, watch) = client.exists_watched("/a").await.expect("asked");
    drop(watch);
    until(|| was_answered(&client, Opcode::RemoveWatches)).await;
    client.close().await;
}

#[tokio::test]
async fn the_watch_of_a_bare_call_is_given_up() {
    let server = server();
    let client = client(&server).await;
    let exists = Exists { path: "/a".parse().expect("a path"), watch: true };
    assert_eq!(client.call(exists).await, Err(Error::Server(Code::NoNode)));
    assert_eq!(client.statistics().watches, 0);
    until(|| was_answered(&client, Opcode::RemoveWatches)).await;
    client.close().await;
}

#[tokio::test]
async fn a_lasting_watch_tells_everything_until_the_end() {
    let server = server();
    let client = client(&server).await;
    let mut events = client.add_watch("/", AddWatchMode::PersistentRecursive).await.expect("watched");
    let given_up = client.add_watch("/", AddWatchMode::Persistent).await.expect("watched");
    assert_eq!(client.statistics().watches, 2);
    drop(given_up);
    assert_eq!(client.statistics().watches, 1);
    for path in ["/a", "/a/b"] {
        client.create(path, "", Acl::open_unsafe(), CreateMode::Persistent).await.expect("created");
        let change = events.next().await;
        let Some(Change::Event(event)) = change else { panic!("{change:?}") };
        assert_eq!((event.kind, event.path.as_str()), (EventKind::NodeCreated, path));
    }
    client.close().await;
    assert_eq!(events.next().await, Some(Change::Ended(Ended::Closed)));
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_refused_credential_fails_the_connection_at_once() {
    let server = server();
    let mut config = config(server.address());
    let credential = Some(Secret::new("bob:secret".into()));
    config.credentials.push(Auth { scheme: "no-such-scheme".into(), credential });
    let client = Client::open(config);
    let error = client.connected(SOON).await.expect_err("refused");
    assert_eq!(error, ConnectError::AuthFailed { fault: Some(Fault::AuthRefused(Code::AuthFailed)) });
    assert!(!error.to_string().contains("secret"));
    assert_eq!(client.exists("/").await, Err(Error::NotSent(Why::Ended(Ended::AuthFailed))));
    client.close().await;
}

#[tokio::test]
async fn a_credential_may_be_added_twice_and_a_refused_one_harms_nobody() {
    let server = server();
    let client = client(&server).await;
    client.add_credential("digest", "bob:secret").await.expect("accepted");
    let start = std::time::Instant::now();
    client.add_credential("digest", "bob:secret").await.expect("known");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    let refused = client.add_credential("no-such-scheme", "x").await;
    assert_eq!(refused, Err(Error::Server(Code::AuthFailed)));
    client.connected(SOON).await.expect("connected again");
    client.close().await;
}

#[tokio::test]
async fn who_tries_for_a_limited_time_is_told_when_it_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let mut config = config(address);
    config.establish_timeout = Some(Duration::from_millis(200));
    let client = Client::open(config);
    let error = client.connected(SOON).await.expect_err("nobody is there");
    assert!(matches!(error, ConnectError::NotEstablished { .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_session_is_handed_over() {
    let server = server();
    let old = client(&server).await;
    let session = old.connected(SOON).await.expect("connected");
    old.create("/mine", "", Acl::open_unsafe(), CreateMode::Ephemeral).await.expect("created");
    let states = old.states();
    let handover = old.detach().expect("a session");
    let states: Vec<_> = tokio::time::timeout(SOON, states.collect()).await.expect("it ends");
    assert_eq!(states.last(), Some(&SessionState::Ended(Ended::Detached)));
    assert_eq!(old.detach(), None);
    assert_eq!(old.exists("/mine").await, Err(Error::NotSent(Why::Ended(Ended::Detached))));
    let config = config(server.address());
    let new = Client::resume(config, handover);
    assert_eq!(new.connected(SOON).await, Ok(session));
    assert!(new.exists("/mine").await.expect("asked").is_some());
    new.close().await;
}

#[tokio::test]
async fn the_life_of_a_session_is_proven() {
    let server = server();
    let client = client(&server).await;
    let good_for = client.confirm().await.expect("confirmed");
    assert!(good_for > Duration::ZERO && good_for < TIMEOUT, "{good_for:?}");
    assert_eq!(client.update_servers([]), Err(Misuse::NoServers));
    assert_eq!(client.last_fault(), None);
    client.close().await;
}

#[tokio::test]
async fn a_pipeline_ends_with_its_session() {
    let server = server();
    let client = client(&server).await;
    let pipeline = client.pipeline();
    assert!(pipeline.exists("/").await.expect("asked").is_some());
    client.shared().lock().generation += 1;
    assert_eq!(pipeline.exists("/").await, Err(Error::NotSent(Why::Ended(Ended::Expired))));
    assert!(client.pipeline().exists("/").await.expect("asked").is_some());
    client.close().await;
}

#[test]
fn calls_end_if_the_runtime_ends_before_the_client_has_begun() {
    let server = server();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let config = config(server.address());
    let first = runtime();
    let client = {
        let _inside = first.enter();
        Client::open(config)
    };
    drop(first);
    runtime().block_on(async {
        let result = tokio::time::timeout(SOON, client.exists("/")).await.expect("it ends");
        assert_eq!(result, Err(Error::NotSent(Why::Ended(Ended::Closed))));
        client.close().await;
    });
}

#[tokio::test]
async fn repeated_calls_end_with_their_time_and_with_the_client() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let mut config = config(address);
    config.establish_timeout = Some(Duration::from_millis(500));
    let client = Client::open(config);
    let hasty = client.within(Duration::from_millis(50)).retrying(RetryPolicy::default());
    assert_eq!(hasty.exists("/").await, Err(Error::NotSent(Why::Deadline)));
    let patient = client.retrying(RetryPolicy::default());
    assert_eq!(patient.exists("/").await, Err(Error::NotSent(Why::Ended(Ended::NotEstablished))));
}

/// A client that takes no calls at all, and a policy with long pauses.
fn refusing(server: &Served) -> (Client, RetryPolicy) {
    let mut config = config(server.address());
    config.calls_max = 0;
    let pause = Duration::from_secs(60);
    let policy = RetryPolicy { first: pause, most: pause, jitter: Jitter::None, ..RetryPolicy::default() };
    (Client::open(config), policy)
}

#[tokio::test]
async fn pauses_between_tries_end_with_the_client() {
    let server = server();
    let (client, policy) = refusing(&server);
    let retrying = client.retrying(policy);
    let close = async {
        until(|| !client.shared().lock().feeds.is_empty()).await;
        client.close().await;
    };
    let (result, ()) = tokio::time::timeout(SOON, futures::future::join(retrying.exists("/"), close))
        .await
        .expect("in time");
    assert_eq!(result, Err(Error::NotSent(Why::Ended(Ended::Closed))));
}

#[tokio::test]
async fn tries_are_counted() {
    let server = server();
    let (client, policy) = refusing(&server);
    let policy = RetryPolicy { first: Duration::from_millis(1), most: Duration::from_millis(1), ..policy };
    let result = tokio::time::timeout(SOON, client.retrying(policy).exists("/").boxed()).await;
    assert_eq!(result, Ok(Err(Error::NotSent(Why::Full))));
    client.close().await;
}
