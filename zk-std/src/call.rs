//! One call under way, and how a client makes it: within which time, and in order with which others.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use zk_session::ops::{self, Operation};
use zk_session::{
    Answer, CallId, CallOptions, Ended, Error, Instant, Order, PipelineId, Refusal, Request, Why,
};

use crate::client::Client;
use crate::core::{Core, Listener, Shared};
use crate::watch::Watch;

/// Which other calls those of a client are in order with, across a loss of the link.
#[derive(Clone, Debug)]
pub(crate) enum Lane {
    /// All others with this lane.
    Client,
    /// None.
    Free,
    /// Those of the same pipeline.
    Pipeline(Arc<Pipeline>),
}

/// A pipeline, which ends when the last client with it is dropped.
#[derive(Debug)]
pub(crate) struct Pipeline {
    shared: Arc<Shared>,
    id: PipelineId,
    /// The session that it belongs to, see [`Core::generation`].
    generation: u64,
}

impl Pipeline {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let mut core = shared.lock();
        Self { shared: Arc::clone(shared), id: core.session.pipeline(), generation: core.generation }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.shared.lock().session.end_pipeline(self.id);
    }
}

impl Lane {
    fn order(&self, core: &Core) -> Result<Order, Error> {
        match self {
            Self::Client => Ok(Order::Client),
            Self::Free => Ok(Order::Free),
            Self::Pipeline(pipeline) if pipeline.generation == core.generation => {
                Ok(Order::Pipeline(pipeline.id))
            }
            // What came before it may have been lost with that session.
            Self::Pipeline(_) => Err(Error::NotSent(Why::Ended(Ended::Expired))),
        }
    }
}

impl Client {
    pub(crate) fn typed<O: Operation>(&self, operation: O) -> Result<O::Reply, Error> {
        let request = operation.into();
        let watches = sets_watch(&request);
        let call = self.submit(request, None)?;
        let result = call.wait();
        if watches {
            self.shared().with(|core, _| core.session.unwatch(call.id));
        }
        typed::<O>(result)
    }

    pub(crate) fn watched<O: Operation>(
        &self,
        operation: O,
    ) -> Result<(Result<O::Reply, Error>, Watch), Error> {
        let (slot, news) = sync_channel(1);
        let call = self.submit(operation.into(), Some(Listener::Once(slot)))?;
        let result = typed::<O>(call.wait());
        Ok((result, Watch { shared: Arc::clone(self.shared()), call: call.id, news }))
    }

    pub(crate) fn submit(&self, request: Request, listener: Option<Listener>) -> Result<Call, Error> {
        self.start(|core, options, now| {
            let call = core.session.submit(request, options, now).map_err(|refused| refused.why)?;
            if let Some(listener) = listener {
                core.listen(call, listener);
            }
            Ok(call)
        })
    }

    /// Makes a call by what `submit` does with the session.
    pub(crate) fn start(
        &self,
        submit: impl FnOnce(&mut Core, CallOptions, Instant) -> Result<CallId, Refusal>,
    ) -> Result<Call, Error> {
        let (slot, reply) = sync_channel(1);
        let id = self.shared().with(|core, now| {
            let deadline = self.limit().map(|limit| now + limit);
            let options = CallOptions { deadline, order: self.lane().order(core)?, ..CallOptions::default() };
            let call = submit(core, options, now)?;
            core.await_call(call, slot);
            Ok::<_, Error>(call)
        })?;
        Ok(Call { id, reply })
    }
}

/// A call under way.
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) reply: Receiver<Result<Answer, Error>>,
}

impl Call {
    /// Blocks until it has ended.
    pub(crate) fn wait(&self) -> Result<Answer, Error> {
        // Without a driver nobody knows what became of the frame.
        self.reply.recv().unwrap_or(Err(Error::MaybeApplied(Why::Ended(Ended::Closed))))
    }
}

pub(crate) fn typed<O: Operation>(result: Result<Answer, Error>) -> Result<O::Reply, Error> {
    // The engine decodes a reply by the operation it answers, so the types agree; if they did not, the reply is unknown.
    O::reply(result?.reply).ok_or(Error::MaybeApplied(Why::ConnectionLost))
}

/// Whether the request asks for a watch.
pub(crate) const fn sets_watch(request: &Request) -> bool {
    matches!(
        request,
        Request::Exists(ops::Exists { watch: true, .. })
            | Request::GetData(ops::GetData { watch: true, .. })
            | Request::GetChildren(ops::GetChildren { watch: true, .. })
            | Request::GetChildren2(ops::GetChildren2 { watch: true, .. })
            | Request::AddWatch(_)
    )
}
