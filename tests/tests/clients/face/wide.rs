//! What the two adapters have in common beyond the calls: lasting watches, who the client is, where its session goes.

use std::time::Duration;

use futures::StreamExt;
use zk_session::ops::AddWatchMode;
use zk_session::retry::{RetryOptions, RetryPolicy};
use zk_session::{
    Acl, Config, CreateMode, Ended, Error, EventKind, Handover, Misuse, Path, Server, Statistics,
};

use super::{Face, Tokio, in_time, wait};

pub(crate) trait Wide: Face {
    type Events: EventsFace;

    fn resume(config: Config, handover: Handover) -> Self;
    fn add_watch(&self, path: &str, mode: AddWatchMode) -> Result<Self::Events, Error>;
    fn add_credential(&self, scheme: &str, credential: &str) -> Result<(), Error>;
    fn create_for(&self, path: &str, acl: Acl) -> Result<Path, Error>;
    fn pipeline(&self) -> Self;
    /// A creation that is repeated by the default policy.
    fn create_surely(&self, path: &str, mode: CreateMode, options: RetryOptions) -> Result<Path, Error>;
    fn update_servers(&self, servers: Vec<Server>) -> Result<(), Misuse>;
    fn detach(&self) -> Option<Handover>;
    fn confirm(&self) -> Result<Duration, Error>;
    fn statistics(&self) -> Statistics;
}

/// What a lasting watch tells, of either adapter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Event(EventKind, String),
    Gap,
    Ended(Ended),
}

pub(crate) trait EventsFace: Send + 'static {
    fn next(&mut self, limit: Duration) -> Option<Told>;
}

impl Wide for Tokio {
    type Events = zk_tokio::Events;

    fn resume(config: Config, handover: Handover) -> Self {
        let _inside = super::RUNTIME.enter();
        Self(zk_tokio::Client::resume(config, handover))
    }

    fn add_watch(&self, path: &str, mode: AddWatchMode) -> Result<Self::Events, Error> {
        wait(self.0.add_watch(path, mode))
    }

    fn add_credential(&self, scheme: &str, credential: &str) -> Result<(), Error> {
        wait(self.0.add_credential(scheme, credential.to_owned()))
    }

    fn create_for(&self, path: &str, acl: Acl) -> Result<Path, Error> {
        wait(self.0.create(path, "", vec![acl], CreateMode::Persistent))
    }

    fn pipeline(&self) -> Self {
        Self(self.0.pipeline())
    }

    fn create_surely(&self, path: &str, mode: CreateMode, options: RetryOptions) -> Result<Path, Error> {
        let retrying = self.0.retrying(RetryPolicy::default()).knowing(options);
        wait(retrying.create(path, "", Acl::open_unsafe(), mode))
    }

    fn update_servers(&self, servers: Vec<Server>) -> Result<(), Misuse> {
        self.0.update_servers(servers)
    }

    fn detach(&self) -> Option<Handover> {
        self.0.detach()
    }

    fn confirm(&self) -> Result<Duration, Error> {
        wait(self.0.confirm())
    }

    fn statistics(&self) -> Statistics {
        self.0.statistics()
    }
}

impl EventsFace for zk_tokio::Events {
    fn next(&mut self, limit: Duration) -> Option<Told> {
        in_time(limit, StreamExt::next(self)).map(|change| {
            match change.expect("nothing is read after the end") {
                zk_tokio::Change::Event(event) => Told::Event(event.kind, event.path.as_str().to_owned()),
                zk_tokio::Change::Gap => Told::Gap,
                zk_tokio::Change::Ended(ended) => Told::Ended(ended),
            }
        })
    }
}

impl Wide for zk_std::Client {
    type Events = zk_std::Events;

    fn resume(config: Config, handover: Handover) -> Self {
        Self::resume(config, handover).expect("started")
    }

    fn add_watch(&self, path: &str, mode: AddWatchMode) -> Result<Self::Events, Error> {
        self.add_watch(path, mode)
    }

    fn add_credential(&self, scheme: &str, credential: &str) -> Result<(), Error> {
        self.add_credential(scheme, credential.to_owned())
    }

    fn create_for(&self, path: &str, acl: Acl) -> Result<Path, Error> {
        self.create(path, "", vec![acl], CreateMode::Persistent)
    }

    fn pipeline(&self) -> Self {
        self.pipeline()
    }

    fn create_surely(&self, path: &str, mode: CreateMode, options: RetryOptions) -> Result<Path, Error> {
        let retrying = self.retrying(RetryPolicy::default()).knowing(options);
        retrying.create(path, "", Acl::open_unsafe(), mode)
    }

    fn update_servers(&self, servers: Vec<Server>) -> Result<(), Misuse> {
        self.update_servers(servers)
    }

    fn detach(&self) -> Option<Handover> {
        self.detach()
    }

    fn confirm(&self) -> Result<Duration, Error> {
        self.confirm()
    }

    fn statistics(&self) -> Statistics {
        self.statistics()
    }
}

impl EventsFace for zk_std::Events {
    fn next(&mut self, limit: Duration) -> Option<Told> {
        self.wait_for(limit).map(|change| match change {
            zk_std::Change::Event(event) => Told::Event(event.kind, event.path.as_str().to_owned()),
            zk_std::Change::Gap => Told::Gap,
            zk_std::Change::Ended(ended) => Told::Ended(ended),
        })
    }
}
