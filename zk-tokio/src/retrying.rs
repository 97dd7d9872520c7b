//! Calls that are repeated as far as that is safe.
//!
//! What is repeated, and how a lost request is looked after, is decided by [`zk_session::retry`]; here its wishes are
//! carried out.

use std::future::ready;

use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::oneshot;
use tokio::time::timeout;
use zk_session::ops::{self, NodeChildren, NodeData, Operation};
use zk_session::retry::{Next, RetryOptions, RetryPolicy, Retrying as Machine};
use zk_session::{
    Acl, Answer, CallOptions, CreateMode, Error, Instant, IntoPath, Order, Path, SessionId, SessionState,
    Stat, Version,
};

use crate::call::{self, Call, sets_watch};
use crate::client::{Client, existing};
use crate::clock;

/// A client whose calls are repeated as far as that is safe, see [`Client::retrying`].
#[derive(Clone, Debug)]
pub struct Retrying {
    client: Client,
    policy: RetryPolicy,
    options: RetryOptions,
}

impl Client {
    /// The same client, but a call that fails for want of a connection is made again, as often and as long as the policy
    /// says, and as far as that is safe.
    ///
    /// A request that was not sent is repeated, one that the server puts off for now, and a read in any case. Another one
    /// that may have been applied is looked after first: it is repeated if it turns out that it was not applied, and is done if it was. Where that cannot be
    /// found out, the call ends with [`Error::MaybeApplied`] as any other: a set or deletion without a version, a
    /// sequential creation without a token, a multi. How much can be found out depends on what the caller knows:
    /// [`Retrying::knowing`]. To look takes requests of its own, one of them a write that fails.
    ///
    /// The calls are those of [`Client::relaxed`], since what is repeated comes after what was made meanwhile. With
    /// [`Client::within`] a call ends within that time, all its tries included. An end of the session ends it too.
    #[must_use]
    pub fn retrying(&self, policy: RetryPolicy) -> Retrying {
        Retrying { client: self.relaxed(), policy, options: RetryOptions::default() }
    }
}

/// What comes next of a call.
enum Stage {
    /// A try is under way, in the session of this generation.
    Out(Call, u64),
    /// It was refused.
    Refused,
    Pause(Instant),
    Done(Result<Answer, Error>),
}

impl Retrying {
    /// The same, for calls of which the caller knows this. What is not so makes a wrong answer of it.
    #[must_use]
    pub const fn knowing(mut self, options: RetryOptions) -> Self {
        self.options = options;
        self
    }

    /// As [`Client::create`]. With [`RetryOptions::protected`] the name of the node gets a token in front, which is in the
    /// path that is returned.
    ///
    /// # Errors
    /// As [`Client::create`], as far as repeating does not help.
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

    /// As [`Client::delete`].
    ///
    /// # Errors
    /// As [`Client::delete`], as far as repeating does not help.
    pub async fn delete(&self, path: impl IntoPath, version: Version) -> Result<(), Error> {
        self.call(ops::Delete { path: path.into_path()?, version }).await
    }

    /// As [`Client::exists`].
    ///
    /// # Errors
    /// As [`Client::exists`], as far as repeating does not help.
    pub async fn exists(&self, path: impl IntoPath) -> Result<Option<Stat>, Error> {
        existing(self.call(ops::Exists { path: path.into_path()?, watch: false }).await)
    }

    /// As [`Client::get_data`].
    ///
    /// # Errors
    /// As [`Client::get_data`], as far as repeating does not help.
    pub async fn get_data(&self, path: impl IntoPath) -> Result<NodeData, Error> {
        self.call(ops::GetData { path: path.into_path()?, watch: false }).await
    }

    /// As [`Client::set_data`].
    ///
    /// # Errors
    /// As [`Client::set_data`], as far as repeating does not help.
    pub async fn set_data(
        &self,
        path: impl IntoPath,
        data: impl Into<Bytes>,
        version: Version,
    ) -> Result<Stat, Error> {
        self.call(ops::SetData { path: path.into_path()?, data: Some(data.into()), version }).await
    }

    /// As [`Client::children`].
    ///
    /// # Errors
    /// As [`Client::children`], as far as repeating does not help.
    pub async fn children(&self, path: impl IntoPath) -> Result<NodeChildren, Error> {
        self.call(ops::GetChildren2 { path: path.into_path()?, watch: false }).await
    }

    /// As [`Client::call`].
    ///
    /// # Errors
    /// Those of the operation, as far as repeating does not help.
    ///
    /// # Cancellation
    /// Dropping the future gives up the try under way, and makes no other.
    pub async fn call<O: Operation>(&self, operation: O) -> Result<O::Reply, Error> {
        let limit = self.client.limit();
        let within = self.policy.within.into_iter().chain(limit).min();
        let policy = RetryPolicy { within, ..self.policy };
        let request = operation.into();
        let watches = sets_watch(&request);
        let mut machine = Machine::new(request, self.options, policy, clock::token(), clock::now());
        loop {
            match self.advance(&mut machine) {
                Stage::Out(mut call, generation) => {
                    let result = (&mut call).await;
                    self.heard(&mut machine, result, generation);
                    if watches {
                        call.unwatch();
                    }
                }
                Stage::Refused => {}
                Stage::Pause(until) => self.pause(until).await,
                Stage::Done(result) => return call::typed::<O>(result),
            }
        }
    }

    /// Does what comes next. The session that the machine is told of is the one in which its request is made.
    fn advance(&self, machine: &mut Machine) -> Stage {
        let shared = self.client.shared();
        let (slot, reply) = oneshot::channel();
        shared.with(|core, now| {
            tell(machine, core.session.id());
            let mut next = machine.next(now);
            if let (Next::Wait(until), SessionState::Ended(_)) = (&next, core.session.state()) {
                // There is nothing to wait for: whatever is made is refused.
                next = machine.next(*until);
            }
            match next {
                Next::Submit(request) => {
                    let deadline = machine.deadline();
                    let options = CallOptions { deadline, order: Order::Free, ..CallOptions::default() };
                    match core.session.submit(request, options, now) {
                        Ok(call) => {
                            core.await_call(call, slot);
                            Stage::Out(Call::new(shared, call, reply), core.generation)
                        }
                        Err(refused) => {
                            machine.answered(Err(refused.why.into()), now);
                            Stage::Refused
                        }
                    }
                }
                Next::Wait(until) => Stage::Pause(until),
                Next::Done(result) => Stage::Done(result),
            }
        })
    }

    fn heard(&self, machine: &mut Machine, result: Result<Answer, Error>, generation: u64) {
        let core = self.client.shared().lock();
        // It may have been made before its session had an id.
        if core.generation == generation {
            tell(machine, core.session.id());
        }
        machine.answered(result, clock::now());
    }

    /// Waits until then, or until the last session has ended.
    async fn pause(&self, until: Instant) {
        let over = self.client.states().for_each(|_| ready(()));
        let _ = timeout(until.since(clock::now()), over).await;
    }
}

fn tell(machine: &mut Machine, session: SessionId) {
    if session != SessionId::NONE {
        machine.session(session);
    }
}
