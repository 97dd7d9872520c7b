//! What the two adapters have in common, as one blocking trait, so that a scenario is written once.

use std::future::Future;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::join_all;
use tokio::runtime::Runtime;
use zk_recipes::hold::{Cause, Freed};
use zk_recipes::{Denial, Layout};
use zk_session::ops::{CreatedNode, NodeChildren, NodeData, Operation};
use zk_session::{
    Acl, Config, CreateMode, Ended, Error, Path, SessionId, SessionState, Stat, Version, WatchEvent, Zxid,
};

pub(crate) mod wide;

/// What is enough for anything that is going to happen at all.
pub(crate) const SOON: Duration = Duration::from_secs(15);

pub(crate) trait Face: Clone + Send + Sync + Sized + 'static {
    type Watch: WatchFace;
    type Guard: GuardFace;

    fn open(config: Config) -> Self;
    fn connected(&self, within: Duration) -> Result<SessionId, String>;
    fn within(&self, limit: Duration) -> Self;
    fn state(&self) -> SessionState;
    /// The first state from now on that is such, within [`SOON`].
    fn await_state(&self, such: impl Fn(&SessionState) -> bool) -> SessionState;
    /// All states from now on, gathered in the background; joined when the client has ended.
    fn record_states(&self) -> thread::JoinHandle<Vec<SessionState>>;
    fn close(&self);

    fn create(&self, path: &str, data: &str, mode: CreateMode) -> Result<Path, Error>;
    fn create2(&self, path: &str, data: &str, mode: CreateMode) -> Result<CreatedNode, Error>;
    /// Creates all these nodes at once and returns the results in the same order.
    fn create_all(&self, nodes: Vec<(String, Bytes)>) -> Vec<Result<Path, Error>>;
    fn delete(&self, path: &str, version: Version) -> Result<(), Error>;
    fn exists(&self, path: &str) -> Result<Option<Stat>, Error>;
    fn exists_watched(&self, path: &str) -> Result<(Option<Stat>, Self::Watch), Error>;
    fn get_data(&self, path: &str) -> Result<NodeData, Error>;
    fn get_data_watched(&self, path: &str) -> Result<(NodeData, Self::Watch), Error>;
    fn set_data(&self, path: &str, data: &str, version: Version) -> Result<Stat, Error>;
    fn children(&self, path: &str) -> Result<NodeChildren, Error>;
    fn children_watched(&self, path: &str) -> Result<(NodeChildren, Self::Watch), Error>;
    fn sync(&self, path: &str) -> Result<(), Error>;
    fn call<O: Operation>(&self, operation: O) -> Result<O::Reply, Error>;

    fn acquire(&self, path: &str, layout: Layout) -> Result<Self::Guard, Denial>;
    fn try_acquire(&self, path: &str) -> Result<Self::Guard, Denial>;
}

pub(crate) trait WatchFace: Send + 'static {
    fn wait(self, limit: Duration) -> Option<Result<WatchEvent, Ended>>;
}

pub(crate) trait GuardFace: Send + 'static {
    fn fence(&self) -> Zxid;
    fn path(&self) -> Path;
    fn is_valid(&self) -> bool;
    fn lost_within(&self, limit: Duration) -> Option<Cause>;
    fn release(self) -> Result<Freed, Cause>;
    fn reclaim(self) -> Result<Self, Cause>
    where
        Self: Sized;
}

/// A client with its own root for the test, on the shared server or behind a proxy, connected.
pub(crate) fn client<C: Face>(server: impl std::fmt::Display, root: &str) -> C {
    client_with(config(server, root))
}

pub(crate) fn client_with<C: Face>(config: Config) -> C {
    let client = C::open(config);
    client.connected(SOON).expect("connected");
    client
}

pub(crate) fn config(server: impl std::fmt::Display, root: &str) -> Config {
    zk_std::Client::config(&format!("{server}{root}")).expect("a connect string of the test")
}

/// A root of its own on the shared server.
pub(crate) fn fresh_root<C: Face>() -> String {
    let root = zk_tests::fresh_path();
    let client: C = client(crate::shared().address(), "");
    client.create(&root, "", CreateMode::Persistent).expect("created");
    client.close();
    root
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

fn in_time<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    RUNTIME.block_on(async { tokio::time::timeout(limit, future).await.ok() })
}

/// The asynchronous client, waited for.
#[derive(Clone)]
pub(crate) struct Tokio(zk_tokio::Client);

impl Face for Tokio {
    type Watch = zk_tokio::Watch;
    type Guard = zk_tokio::Guard;

    fn open(config: Config) -> Self {
        let _inside = RUNTIME.enter();
        Self(zk_tokio::Client::open(config))
    }

    fn connected(&self, within: Duration) -> Result<SessionId, String> {
        wait(self.0.connected(within)).map_err(|error| error.to_string())
    }

    fn within(&self, limit: Duration) -> Self {
        Self(self.0.within(limit))
    }

    fn state(&self) -> SessionState {
        self.0.state()
    }

    fn await_state(&self, such: impl Fn(&SessionState) -> bool) -> SessionState {
        let states = self.0.states().filter(|state| std::future::ready(such(state)));
        in_time(SOON, std::pin::pin!(states).next()).flatten().expect("such a state")
    }

    fn record_states(&self) -> thread::JoinHandle<Vec<SessionState>> {
        let states = self.0.states();
        thread::spawn(|| wait(states.collect()))
    }

    fn close(&self) {
        wait(self.0.close());
    }

    fn create(&self, path: &str, data: &str, mode: CreateMode) -> Result<Path, Error> {
        wait(self.0.create(path, data.to_owned(), Acl::open_unsafe(), mode))
    }

    fn create2(&self, path: &str, data: &str, mode: CreateMode) -> Result<CreatedNode, Error> {
        wait(self.0.create2(path, data.to_owned(), Acl::open_unsafe(), mode))
    }

    fn create_all(&self, nodes: Vec<(String, Bytes)>) -> Vec<Result<Path, Error>> {
        let create = |(path, data): (String, Bytes)| async move {
            self.0.create(&path, data, Acl::open_unsafe(), CreateMode::Persistent).await
        };
        wait(join_all(nodes.into_iter().map(create)))
    }

    fn delete(&self, path: &str, version: Version) -> Result<(), Error> {
        wait(self.0.delete(path, version))
    }

    fn exists(&self, path: &str) -> Result<Option<Stat>, Error> {
        wait(self.0.exists(path))
    }

    fn exists_watched(&self, path: &str) -> Result<(Option<Stat>, Self::Watch), Error> {
        wait(self.0.exists_watched(path))
    }

    fn get_data(&self, path: &str) -> Result<NodeData, Error> {
        wait(self.0.get_data(path))
    }

    fn get_data_watched(&self, path: &str) -> Result<(NodeData, Self::Watch), Error> {
        wait(self.0.get_data_watched(path))
    }

    fn set_data(&self, path: &str, data: &str, version: Version) -> Result<Stat, Error> {
        wait(self.0.set_data(path, data.to_owned(), version))
    }

    fn children(&self, path: &str) -> Result<NodeChildren, Error> {
        wait(self.0.children(path))
    }

    fn children_watched(&self, path: &str) -> Result<(NodeChildren, Self::Watch), Error> {
        wait(self.0.children_watched(path))
    }

    fn sync(&self, path: &str) -> Result<(), Error> {
        wait(self.0.sync(path))
    }

    fn call<O: Operation>(&self, operation: O) -> Result<O::Reply, Error> {
        wait(self.0.call(operation))
    }

    fn acquire(&self, path: &str, layout: Layout) -> Result<Self::Guard, Denial> {
        wait(self.0.lock(path).expect("a path").layout(layout).acquire())
    }

    fn try_acquire(&self, path: &str) -> Result<Self::Guard, Denial> {
        wait(self.0.lock(path).expect("a path").try_acquire())
    }
}

impl WatchFace for zk_tokio::Watch {
    fn wait(self, limit: Duration) -> Option<Result<WatchEvent, Ended>> {
        in_time(limit, self)
    }
}

impl GuardFace for zk_tokio::Guard {
    fn fence(&self) -> Zxid {
        self.fence()
    }

    fn path(&self) -> Path {
        self.path().clone()
    }

    fn is_valid(&self) -> bool {
        self.is_valid()
    }

    fn lost_within(&self, limit: Duration) -> Option<Cause> {
        in_time(limit, self.lost())
    }

    fn release(self) -> Result<Freed, Cause> {
        wait(self.release())
    }

    fn reclaim(self) -> Result<Self, Cause> {
        wait(self.reclaim())
    }
}

impl Face for zk_std::Client {
    type Watch = zk_std::Watch;
    type Guard = zk_std::Guard;

    fn open(config: Config) -> Self {
        Self::open(config).expect("started")
    }

    fn connected(&self, within: Duration) -> Result<SessionId, String> {
        self.connected(within).map_err(|error| error.to_string())
    }

    fn within(&self, limit: Duration) -> Self {
        self.within(limit)
    }

    fn state(&self) -> SessionState {
        self.state()
    }

    fn await_state(&self, such: impl Fn(&SessionState) -> bool) -> SessionState {
        let mut states = self.states();
        loop {
            let state = states.next_within(SOON).expect("such a state");
            if such(&state) {
                return state;
            }
        }
    }

    fn record_states(&self) -> thread::JoinHandle<Vec<SessionState>> {
        let states = self.states();
        thread::spawn(|| states.collect())
    }

    fn close(&self) {
        self.close();
    }

    fn create(&self, path: &str, data: &str, mode: CreateMode) -> Result<Path, Error> {
        self.create(path, data.to_owned(), Acl::open_unsafe(), mode)
    }

    fn create2(&self, path: &str, data: &str, mode: CreateMode) -> Result<CreatedNode, Error> {
        self.create2(path, data.to_owned(), Acl::open_unsafe(), mode)
    }

    fn create_all(&self, nodes: Vec<(String, Bytes)>) -> Vec<Result<Path, Error>> {
        thread::scope(|scope| {
            let create = |(path, data): (String, Bytes)| {
                scope.spawn(move || self.create(&path, data, Acl::open_unsafe(), CreateMode::Persistent))
            };
            let callers: Vec<_> = nodes.into_iter().map(create).collect();
            callers.into_iter().map(|caller| caller.join().expect("no panic")).collect()
        })
    }

    fn delete(&self, path: &str, version: Version) -> Result<(), Error> {
        self.delete(path, version)
    }

    fn exists(&self, path: &str) -> Result<Option<Stat>, Error> {
        self.exists(path)
    }

    fn exists_watched(&self, path: &str) -> Result<(Option<Stat>, Self::Watch), Error> {
        self.exists_watched(path)
    }

    fn get_data(&self, path: &str) -> Result<NodeData, Error> {
        self.get_data(path)
    }

    fn get_data_watched(&self, path: &str) -> Result<(NodeData, Self::Watch), Error> {
        self.get_data_watched(path)
    }

    fn set_data(&self, path: &str, data: &str, version: Version) -> Result<Stat, Error> {
        self.set_data(path, data.to_owned(), version)
    }

    fn children(&self, path: &str) -> Result<NodeChildren, Error> {
        self.children(path)
    }

    fn children_watched(&self, path: &str) -> Result<(NodeChildren, Self::Watch), Error> {
        self.children_watched(path)
    }

    fn sync(&self, path: &str) -> Result<(), Error> {
        self.sync(path)
    }

    fn call<O: Operation>(&self, operation: O) -> Result<O::Reply, Error> {
        self.call(operation)
    }

    fn acquire(&self, path: &str, layout: Layout) -> Result<Self::Guard, Denial> {
        match self.lock(path) {
            Ok(lock) => lock.layout(layout).acquire(),
            Err(error) => panic!("{error}"),
        }
    }

    fn try_acquire(&self, path: &str) -> Result<Self::Guard, Denial> {
        match self.lock(path) {
            Ok(lock) => lock.try_acquire(),
            Err(error) => panic!("{error}"),
        }
    }
}

impl WatchFace for zk_std::Watch {
    fn wait(self, limit: Duration) -> Option<Result<WatchEvent, Ended>> {
        self.wait_for(limit)
    }
}

impl GuardFace for zk_std::Guard {
    fn fence(&self) -> Zxid {
        self.fence()
    }

    fn path(&self) -> Path {
        self.path().clone()
    }

    fn is_valid(&self) -> bool {
        self.is_valid()
    }

    fn lost_within(&self, limit: Duration) -> Option<Cause> {
        self.lost_within(limit)
    }

    fn release(self) -> Result<Freed, Cause> {
        self.release()
    }

    fn reclaim(self) -> Result<Self, Cause> {
        self.reclaim()
    }
}
