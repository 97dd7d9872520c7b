//! The client: typed calls on one session.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use zk_session::ops::{self, CreatedNode, NodeChildren, NodeData, Operation};
use zk_session::{
    Acl, Code, Config, CreateMode, Ended, Error, IntoPath, Path, Session, SessionId, SessionState, Stat,
    Version,
};

use crate::call::{Lane, Pipeline};
use crate::clock;
use crate::core::Shared;
use crate::driver::Driver;
use crate::error::ConnectError;
use crate::states::States;
use crate::watch::Watch;

/// How long [`Client::connect`] waits for a session.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// A client of a ZooKeeper ensemble. Clones share one session.
///
/// Dropping the last clone (guards hold one) closes the session in the background; [`Client::close`] also tells when it
/// is closed.
///
/// # Calls
/// A call is sent when the session is linked to a server, in the order in which the calls were made, at most once. While
/// there is no link it waits for one; [`Client::within`] bounds the wait. If the link is lost before the reply, the call
/// ends with [`Error::NotSent`] or [`Error::MaybeApplied`].
///
/// # Cancellation
/// Dropping the future of a call that was not sent takes it back. If it was sent, it may be applied; the reply is
/// discarded and a watch it sets is given up. No other call is affected.
#[derive(Clone, Debug)]
pub struct Client {
    closer: Arc<Closer>,
    limit: Option<Duration>,
    lane: Lane,
}

impl Client {
    /// Opens a client with the defaults and waits up to 10 s for its session.
    ///
    /// The connect string is `host:port,host:port/chroot`; the port defaults to 2181.
    ///
    /// # Errors
    /// [`ConnectError`]: the connect string is malformed, or no server granted a session in time.
    ///
    /// # Panics
    /// Outside a tokio runtime with IO and time enabled.
    pub async fn connect(servers: &str) -> Result<Self, ConnectError> {
        let client = Self::open(Config::new(servers.parse()?, clock::seed()));
        client.connected(CONNECT_TIME).await?;
        Ok(client)
    }

    /// Opens a client and returns at once; it connects in the background, and goes on trying until it is closed.
    ///
    /// # Panics
    /// Outside a tokio runtime with IO and time enabled.
    #[must_use]
    pub fn open(config: Config) -> Self {
        Self::drive(Session::new(config, clock::now()))
    }

    /// A client with this session.
    pub(crate) fn drive(session: Session) -> Self {
        let shared = Arc::new(Shared::new(session));
        tokio::spawn(Driver::new(Arc::clone(&shared)).drive());
        Self { closer: Arc::new(Closer(shared)), limit: None, lane: Lane::Client }
    }

    /// A configuration with the defaults and a random seed, for [`Client::open`].
    ///
    /// # Errors
    /// [`ConnectError::ConnectString`].
    pub fn config(servers: &str) -> Result<Config, ConnectError> {
        Ok(Config::new(servers.parse()?, clock::seed()))
    }

    /// The same client, but each of its calls ends within `limit` ([`Why::Deadline`](zk_session::Why::Deadline)).
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        Self { limit: Some(limit), ..self.clone() }
    }

    /// The same client, but its calls are a sequence of their own, which a loss breaks for good: when one of them is lost
    /// with its link, all later ones end with [`Error::NotSent`], also those that are made when there is another link. So
    /// none runs although one before it may not have. Other calls are not affected by such a loss, nor is the pipeline by
    /// theirs.
    ///
    /// After a loss find out what was applied, and go on with a new pipeline. Clones share the pipeline; it ends when the
    /// last is dropped, and with its session ([`Why::Ended`](zk_session::Why::Ended)).
    #[must_use]
    pub fn pipeline(&self) -> Self {
        Self { lane: Lane::Pipeline(Arc::new(Pipeline::new(self.shared()))), ..self.clone() }
    }

    /// The same client, but each of its calls stands for itself: when the link is lost, those that were not on their way
    /// wait for the next one, whatever became of those before them. On one link, all calls are in order.
    #[must_use]
    pub fn relaxed(&self) -> Self {
        Self { lane: Lane::Free, ..self.clone() }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.closer.0
    }

    /// What [`Client::within`] has set.
    pub(crate) const fn limit(&self) -> Option<Duration> {
        self.limit
    }

    pub(crate) const fn lane(&self) -> &Lane {
        &self.lane
    }

    /// Waits until the session is linked to a server: [`SessionState::Connected`], or, if [`Config::read_only`] allows it,
    /// [`SessionState::ReadOnly`]. Then the session may get another id when there is a quorum.
    ///
    /// # Errors
    /// [`ConnectError::NoServer`] after `within`, with the way the last try failed. The client goes on trying. At once, and
    /// for good: [`ConnectError::AuthFailed`], [`ConnectError::NotEstablished`], and [`ConnectError::Ended`] if it has been
    /// closed.
    pub async fn connected(&self, within: Duration) -> Result<SessionId, ConnectError> {
        let mut states = self.states();
        let linked = async {
            while let Some(state) = states.next().await {
                if let SessionState::Connected { session, .. } | SessionState::ReadOnly { session, .. } =
                    state
                {
                    return Ok(session);
                }
                if let SessionState::Ended(_) = state
                    && let Some(error) = self.failure()
                {
                    return Err(error);
                }
            }
            Err(self.failure().unwrap_or(ConnectError::Ended(Ended::Closed)))
        };
        tokio::time::timeout(within, linked).await.unwrap_or_else(|_| {
            let core = self.shared().lock();
            let servers = core.session.servers().clone();
            Err(ConnectError::NoServer { servers, within, fault: core.session.last_fault().cloned() })
        })
    }

    /// The state of the session now.
    #[must_use]
    pub fn state(&self) -> SessionState {
        *self.shared().lock().session.state()
    }

    /// Every state of the session from now on, the present one first.
    #[must_use]
    pub fn states(&self) -> States {
        let mut core = self.shared().lock();
        let (states, feed) = States::new(*core.session.state());
        if !matches!(core.session.state(), SessionState::Ended(_)) {
            core.feeds.push(feed);
        }
        states
    }

    /// Closes the session: calls made before are sent first, then the server is told, and deletes the ephemeral nodes.
    /// Returns when the session has ended, within the shorter of its timeout and [`Config::close_timeout`]; without an
    /// answer from a server by then, the server ends the session when it times out. Closing twice is closing once.
    ///
    /// Cancel safe: the session closes even if the future is dropped.
    pub async fn close(&self) {
        let mut states = self.states();
        self.shared().with(|core, now| core.close(now));
        while states.next().await.is_some() {}
    }

    /// Creates a node and returns its path: of a sequential node, with the number that the server appended.
    ///
    /// # Errors
    /// [`Error::Server`] with [`Code::NodeExists`], [`Code::NoNode`] (the parent is missing), [`Code::NoAuth`],
    /// [`Code::NoChildrenForEphemerals`], [`Code::InvalidAcl`] and others. A create is never repeated by the client; after
    /// [`Error::MaybeApplied`] look for the node before creating it again.
    pub async fn create(
        &self,
        path: impl IntoPath,
        data: impl Into<Bytes>,
        acl: Vec<Acl>,
        mode: CreateMode,
    ) -> Result<Path, Error> {
        let path = path.into_path()?;
        Ok(self.call(ops::Create { path, data: Some(data.into()), acl, mode }).await?.path)
    }

    /// Creates a node and returns its path and [`Stat`]. Needs a server of 3.5 or later; earlier ones answer
    /// [`Code::Unimplemented`] and close the connection.
    ///
    /// # Errors
    /// As [`Client::create`].
    pub async fn create2(
        &self,
        path: impl IntoPath,
        data: impl Into<Bytes>,
        acl: Vec<Acl>,
        mode: CreateMode,
    ) -> Result<CreatedNode, Error> {
        let path = path.into_path()?;
        self.call(ops::Create2 { path, data: Some(data.into()), acl, mode }).await
    }

    /// Deletes a node that has no children.
    ///
    /// # Errors
    /// [`Error::Server`] with [`Code::NoNode`], [`Code::BadVersion`], [`Code::NotEmpty`], [`Code::NoAuth`].
    pub async fn delete(&self, path: impl IntoPath, version: Version) -> Result<(), Error> {
        self.call(ops::Delete { path: path.into_path()?, version }).await
    }

    /// The node's [`Stat`], `None` if there is no such node.
    ///
    /// # Errors
    /// [`Error::Server`] with [`Code::NoAuth`] (servers from 3.8.4 and 3.9.2 on).
    pub async fn exists(&self, path: impl IntoPath) -> Result<Option<Stat>, Error> {
        existing(self.call(ops::Exists { path: path.into_path()?, watch: false }).await)
    }

    /// As [`Client::exists`], with a watch for the node's creation, change or deletion.
    ///
    /// # Errors
    /// As [`Client::exists`]. With an error there is no watch.
    pub async fn exists_watched(&self, path: impl IntoPath) -> Result<(Option<Stat>, Watch), Error> {
        let (result, watch) = self.watched(ops::Exists { path: path.into_path()?, watch: true }).await?;
        Ok((existing(result)?, watch))
    }

    /// A node's data and [`Stat`].
    ///
    /// # Errors
    /// [`Error::Server`] with [`Code::NoNode`], [`Code::NoAuth`].
    pub async fn get_data(&self, path: impl IntoPath) -> Result<NodeData, Error> {
        self.call(ops::GetData { path: path.into_path()?, watch: false }).await
    }

    /// As [`Client::get_data`], with a watch for the node's change or deletion.
    ///
    /// # Errors
    /// As [`Client::get_data`]. With an error there is no watch.
    pub async fn get_data_watched(&self, path: impl IntoPath) -> Result<(NodeData, Watch), Error> {
        let (result, watch) = self.watched(ops::GetData { path: path.into_path()?, watch: true }).await?;
        Ok((result?, watch))
    }

    /// Sets a node's data and returns its new [`Stat`].
    ///
    /// # Errors
    /// [`Error::Server`] with [`Code::NoNode`], [`Code::BadVersion`], [`Code::NoAuth`].
    pub async fn set_data(
        &self,
        path: impl IntoPath,
        data: impl Into<Bytes>,
        version: Version,
    ) -> Result<Stat, Error> {
        self.call(ops::SetData { path: path.into_path()?, data: Some(data.into()), version }).await
    }

    /// The names of a node's children, in no particular order, and the node's [`Stat`].
    ///
    /// # Errors
    /// [`Error::Server`] with [`Code::NoNode`], [`Code::NoAuth`].
    pub async fn children(&self, path: impl IntoPath) -> Result<NodeChildren, Error> {
        self.call(ops::GetChildren2 { path: path.into_path()?, watch: false }).await
    }

    /// As [`Client::children`], with a watch for a child's creation or deletion, or the node's deletion.
    ///
    /// # Errors
    /// As [`Client::children`]. With an error there is no watch.
    pub async fn children_watched(&self, path: impl IntoPath) -> Result<(NodeChildren, Watch), Error> {
        let (result, watch) =
            self.watched(ops::GetChildren2 { path: path.into_path()?, watch: true }).await?;
        Ok((result?, watch))
    }

    /// Makes the connected server catch up with the leader, so that later reads see at least the leader's present state.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn sync(&self, path: impl IntoPath) -> Result<(), Error> {
        self.call(ops::Sync { path: path.into_path()? }).await.map(drop)
    }

    /// Any operation of the table ([`ops`]), with its typed reply. A watch that the operation sets is given up.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn call<O: Operation>(&self, operation: O) -> Result<O::Reply, Error> {
        self.typed(operation).await
    }

    /// Why there will be no further session. (One that is followed by another is never seen as the present one.)
    fn failure(&self) -> Option<ConnectError> {
        let core = self.shared().lock();
        let SessionState::Ended(ended) = *core.session.state() else { return None };
        Some(ConnectError::ended(ended, &core.session))
    }
}

/// Closes the session when the last client is dropped.
#[derive(Debug)]
struct Closer(Arc<Shared>);

impl Drop for Closer {
    fn drop(&mut self) {
        self.0.with(|core, now| core.close(now));
    }
}

pub(crate) fn existing(result: Result<Stat, Error>) -> Result<Option<Stat>, Error> {
    match result {
        Ok(stat) => Ok(Some(stat)),
        Err(Error::Server(Code::NoNode)) => Ok(None),
        Err(error) => Err(error),
    }
}
