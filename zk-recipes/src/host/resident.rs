//! A recipe with its runner, whatever its type, and the calls as it makes them.
//!
//! Nothing is decided here: types are forgotten, calls are noted.

use alloc::collections::BTreeMap;
use core::any::Any;

use zk_session::{
    Answer, CallId, CallOptions, Calls, Error, Instant, Notice, Refused, Request, SessionState,
};

use super::{RunnerId, Sink};
use crate::recipe::Recipe;
use crate::runner::Runner;

/// Whose a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) id: RunnerId,
    pub(super) stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Asked,
    Watching,
}

/// A recipe with its runner, whatever its type.
pub(super) trait Resident: Send {
    fn command(&mut self, command: &mut dyn Any, now: Instant, calls: &mut dyn Calls);
    fn abandon(&mut self, now: Instant, calls: &mut dyn Calls);
    fn completed(&mut self, call: CallId, result: Result<Answer, Error>, now: Instant, calls: &mut dyn Calls);
    fn notified(&mut self, call: CallId, notice: Notice, now: Instant, calls: &mut dyn Calls);
    fn state(&mut self, state: SessionState, now: Instant, calls: &mut dyn Calls);
    fn timeout(&mut self, now: Instant, calls: &mut dyn Calls);
    fn poll_timeout(&self) -> Option<Instant>;
    fn awaits(&self, call: CallId) -> bool;
    fn is_idle(&self) -> bool;
}

pub(super) struct Tenant<R: Recipe, S> {
    pub(super) runner: Runner<R>,
    pub(super) sink: S,
}

impl<R, S> Tenant<R, S>
where
    R: Recipe,
    S: Sink<R::Event>,
{
    fn post(&mut self) {
        while let Some(event) = self.runner.poll_event() {
            self.sink.tell(event);
        }
    }
}

impl<R, S> Resident for Tenant<R, S>
where
    R: Recipe + Send,
    R::Event: Send,
    R::Command: 'static,
    S: Sink<R::Event> + Send,
{
    fn command(&mut self, command: &mut dyn Any, now: Instant, calls: &mut dyn Calls) {
        if let Some(command) = command.downcast_mut::<Option<R::Command>>().and_then(Option::take) {
            self.runner.command(command, now, calls);
            self.post();
        }
    }

    fn abandon(&mut self, now: Instant, calls: &mut dyn Calls) {
        self.runner.command(R::abandon(), now, calls);
        self.post();
    }

    fn completed(
        &mut self,
        call: CallId,
        result: Result<Answer, Error>,
        now: Instant,
        calls: &mut dyn Calls,
    ) {
        self.runner.completed(call, result, now, calls);
        self.post();
    }

    fn notified(&mut self, call: CallId, notice: Notice, now: Instant, calls: &mut dyn Calls) {
        self.runner.notified(call, notice, now, calls);
        self.post();
    }

    fn state(&mut self, state: SessionState, now: Instant, calls: &mut dyn Calls) {
        self.runner.state(state, now, calls);
        self.post();
    }

    fn timeout(&mut self, now: Instant, calls: &mut dyn Calls) {
        self.runner.timeout(now, calls);
        self.post();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.runner.poll_timeout()
    }

    fn awaits(&self, call: CallId) -> bool {
        self.runner.awaits(call)
    }

    fn is_idle(&self) -> bool {
        self.runner.is_idle()
    }
}

/// The session's calls, as one recipe makes them: each is noted as that recipe's.
pub(super) struct Switchboard<'a> {
    pub(super) calls: &'a mut dyn Calls,
    pub(super) routes: &'a mut BTreeMap<CallId, Route>,
    pub(super) id: RunnerId,
}

impl Calls for Switchboard<'_> {
    fn submit(&mut self, request: Request, options: CallOptions, now: Instant) -> Result<CallId, Refused> {
        let call = self.calls.submit(request, options, now)?;
        self.routes.insert(call, Route { id: self.id, stage: Stage::Asked });
        Ok(call)
    }

    fn unwatch(&mut self, call: CallId) {
        // A call under way ends all the same, and is known by its route until then.
        if self.routes.get(&call).is_some_and(|route| route.stage == Stage::Watching) {
            self.routes.remove(&call);
        }
        self.calls.unwatch(call);
    }

    fn hold(&mut self, more: bool, now: Instant) {
        self.calls.hold(more, now);
    }
}
