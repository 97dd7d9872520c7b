//! What was promised for single calls besides their answers: what they must not overtake, as whom they are made, that a
//! move costs nothing.

use std::collections::{BTreeMap, BTreeSet};

use zk_session::{Answer, CallId, Code, Error, Fault, Order, PipelineId, Why};

use super::World;
use super::laws::is_linked;
use super::marks::Mark;
use super::net::Credential;
use super::violation::Law;

/// The promises to the users of one client that are open.
#[derive(Debug, Default)]
pub(super) struct Promises {
    /// The pipeline in use, and whether its users know that it is broken.
    pub(super) pipeline: Option<(PipelineId, bool)>,
    /// Calls of pipelines, and whether these were known to be broken before.
    piped: BTreeMap<CallId, (PipelineId, bool)>,
    /// Free calls, and how many links had been lost before.
    free: BTreeMap<CallId, u32>,
    /// Credentials on their way.
    pub(super) auths: BTreeMap<CallId, Credential>,
    /// Calls about nodes of somebody whom the servers had accepted the client to be.
    pub(super) entitled: BTreeSet<CallId>,
    /// Calls that prove the session's life.
    pub(super) proofs: BTreeSet<CallId>,
}

impl Promises {
    /// A call was made, when so many links had been lost.
    pub(super) fn made(&mut self, call: CallId, order: Order, cuts: u32) {
        match (order, self.pipeline) {
            (Order::Pipeline(pipeline), Some((_, is_broken))) => {
                self.piped.insert(call, (pipeline, is_broken));
            }
            (Order::Free, _) => {
                self.free.insert(call, cuts);
            }
            (Order::Client | Order::Pipeline(_), _) => {}
        }
    }
}

impl World {
    /// Compares how a call has ended with what was promised for it.
    pub(super) fn keeps_promises(&mut self, client: usize, call: CallId, result: &Result<Answer, Error>) {
        let is_cut = matches!(
            result,
            Err(Error::NotSent(Why::ConnectionLost) | Error::MaybeApplied(Why::ConnectionLost))
        );
        let is_over = matches!(result, Err(error) if error.ended().is_some());
        let own = &mut self.clients[client];
        let promises = &mut own.users.promises;
        let piped = promises.piped.remove(&call);
        if let (Some((pipeline, _)), Some((current, is_broken))) = (piped, &mut promises.pipeline)
            && pipeline == *current
            && (is_cut || is_over)
        {
            *is_broken = true;
            self.marks.sometimes(true, Mark::PipelineBroken);
        }
        let was_broken = piped.is_some_and(|(_, was_broken)| was_broken);
        let survived = promises.free.remove(&call).is_some_and(|cuts| cuts < own.observed.cuts);
        self.marks.sometimes(survived && result.is_ok(), Mark::FreeSurvived);
        self.marks.sometimes(promises.proofs.remove(&call) && result.is_ok(), Mark::Confirmed);
        if let Some(credential) = promises.auths.remove(&call) {
            self.marks.sometimes(matches!(result, Err(Error::Server(_))), Mark::Unshown);
            if result.is_ok() && !own.proven.contains(&credential) {
                own.proven.push(credential);
            }
        }
        let is_entitled = promises.entitled.remove(&call);
        if was_broken && !matches!(result, Err(Error::NotSent(_))) {
            self.broken(Law::PipelineGoesOn, Some(client));
        } else if is_entitled && matches!(result, Err(Error::Server(Code::NoAuth))) {
            self.broken(Law::Unauthorized, Some(client));
        } else if is_cut && !was_broken && self.moves_in_time(client) {
            self.broken(Law::MoveEndsCalls, Some(client));
        }
    }

    /// Whether a client has just left its server for another one, before it had to.
    fn moves_in_time(&self, client: usize) -> bool {
        let own = &self.clients[client];
        let is_move = matches!(own.session.last_fault(), Some(Fault::Rebalanced | Fault::FoundReadWrite));
        let patience = own.observed.timeout / 3;
        is_move
            && is_linked(own.observed.state)
            && own.observed.beckoned.is_some_and(|since| self.local(client) < since + patience)
    }
}
