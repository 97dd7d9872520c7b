//! Runs all recipes of one client: knows whose a call is, and goes on for users who have left.
//!
//! It makes no calls of its own and knows no recipe by name. User code does not run here: news go into boxes that the
//! driver's adapter provides.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;

use zk_session::{Answer, CallId, Calls, Error, Instant, Notice, Output, Rng, SessionState};

use crate::recipe::Recipe;
use crate::runner::Runner;
use resident::{Resident, Route, Stage, Switchboard, Tenant};

mod resident;

/// Names one runner of a [`Host`]; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunnerId(u64);

/// Where the news of a recipe go: a queue, as a rule, that wakes its reader.
pub trait Sink<E> {
    /// Takes one event. It is called while the host is being changed, and must not call back.
    fn tell(&mut self, event: E);
}

/// Runs all recipes of one client.
///
/// Its driver owns it beside the session and does four things:
///
/// 1. each [`Output`] of the session goes through [`Host::handle`], and only what comes back is for others;
/// 2. when the instant of [`Host::timeout`] has come, it says [`Host::tick`];
/// 3. users add recipes ([`Host::add`]), command them ([`Host::command`]) and leave them ([`Host::discard`]);
/// 4. before the session is closed, it says [`Host::discard_all`] and gives the recipes some time until
///    [`Host::is_empty`].
pub struct Host {
    residents: BTreeMap<RunnerId, Lodging>,
    routes: BTreeMap<CallId, Route>,
    timers: BTreeSet<(Instant, RunnerId)>,
    /// The last `Connected` and what followed it.
    states: Vec<SessionState>,
    seeds: Rng,
    next: u64,
}

struct Lodging {
    resident: Box<dyn Resident>,
    stay: Stay,
    timer: Option<Instant>,
}

/// Whether a recipe's user is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    Staying,
    /// The recipe goes as soon as nothing of it is left.
    Leaving,
}

impl Host {
    /// A host without recipes. All tokens are drawn from `seed`: no other client may have the same, ever.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            residents: BTreeMap::new(),
            routes: BTreeMap::new(),
            timers: BTreeSet::new(),
            states: Vec::new(),
            seeds: Rng::new(seed),
            next: 0,
        }
    }

    /// Adds a recipe, whose news go to `sink`. It hears at once what the session has gone through since its last link.
    pub fn add<R>(
        &mut self,
        recipe: R,
        sink: impl Sink<R::Event> + Send + 'static,
        now: Instant,
        calls: &mut dyn Calls,
    ) -> RunnerId
    where
        R: Recipe + Send + 'static,
        R::Event: Send,
        R::Command: 'static,
    {
        let id = RunnerId(self.next);
        self.next += 1;
        let tenant = Tenant { runner: Runner::new(recipe, self.seeds.bits()), sink };
        let lodging = Lodging { resident: Box::new(tenant), stay: Stay::Staying, timer: None };
        self.residents.insert(id, lodging);
        for state in self.states.clone() {
            self.visit(id, calls, |resident, calls| resident.state(state, now, calls));
        }
        id
    }

    /// The user of a recipe wishes this. Whether there was such a recipe, and it takes such commands.
    pub fn command<C: 'static>(
        &mut self,
        id: RunnerId,
        command: C,
        now: Instant,
        calls: &mut dyn Calls,
    ) -> bool {
        let mut command = Some(command);
        self.visit(id, calls, |resident, calls| resident.command(&mut command, now, calls));
        command.is_none()
    }

    /// The user of a recipe is gone: the recipe leaves without a trace, and without further news.
    pub fn discard(&mut self, id: RunnerId, now: Instant, calls: &mut dyn Calls) {
        if let Some(lodging) = self.residents.get_mut(&id)
            && lodging.stay == Stay::Staying
        {
            lodging.stay = Stay::Leaving;
            self.visit(id, calls, |resident, calls| resident.abandon(now, calls));
        }
    }

    /// All users are gone: the client is being closed.
    pub fn discard_all(&mut self, now: Instant, calls: &mut dyn Calls) {
        for id in self.ids() {
            self.discard(id, now, calls);
        }
    }

    /// Takes what the session says, and gives back what is for others, too: calls and watches that are not a recipe's, what
    /// concerns connections, and all states. Recipes hear of a state before anybody else, since they may have a guard to end.
    #[must_use = "what comes back is for the users of the session"]
    pub fn handle(&mut self, output: Output, now: Instant, calls: &mut dyn Calls) -> Option<Output> {
        match output {
            Output::Completed(call, result) => {
                let result = self.completed(call, result, now, calls)?;
                Some(Output::Completed(call, result))
            }
            Output::Notified(call, notice) => {
                let Some(route) = self.routes.get(&call) else {
                    return Some(Output::Notified(call, notice));
                };
                let id = route.id;
                if !matches!(notice, Notice::Gap { .. }) {
                    self.routes.remove(&call);
                }
                self.visit(id, calls, |resident, calls| resident.notified(call, notice, now, calls));
                None
            }
            Output::State(state) => {
                self.state(state, now, calls);
                Some(output)
            }
            Output::Connect(..) | Output::Disconnect(_) => Some(output),
        }
    }

    /// Time has passed: does what is due.
    pub fn tick(&mut self, now: Instant, calls: &mut dyn Calls) {
        let due: Vec<RunnerId> =
            self.timers.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect();
        for id in due {
            self.visit(id, calls, |resident, calls| resident.timeout(now, calls));
        }
    }

    /// When [`Host::tick`] is due.
    #[must_use]
    pub fn timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// How many recipes there are, those whose users have left included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.residents.len()
    }

    /// Whether no recipe is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.residents.is_empty()
    }

    /// Gives back the result of a call that no recipe has made.
    fn completed(
        &mut self,
        call: CallId,
        result: Result<Answer, Error>,
        now: Instant,
        calls: &mut dyn Calls,
    ) -> Option<Result<Answer, Error>> {
        let Some(route) = self.routes.get_mut(&call) else { return Some(result) };
        // Set first: the recipe may give the watch up at once, which ends the route.
        route.stage = Stage::Watching;
        let id = route.id;
        self.visit(id, calls, |resident, calls| resident.completed(call, result, now, calls));
        if !self.residents.get(&id).is_some_and(|lodging| lodging.resident.awaits(call)) {
            self.routes.remove(&call);
        }
        None
    }

    fn state(&mut self, state: SessionState, now: Instant, calls: &mut dyn Calls) {
        if matches!(
            state,
            SessionState::Connected { .. } | SessionState::ReadOnly { .. } | SessionState::Ended(_)
        ) {
            self.states.clear();
        }
        self.states.push(state);
        for id in self.ids() {
            self.visit(id, calls, |resident, calls| resident.state(state, now, calls));
        }
    }

    fn ids(&self) -> Vec<RunnerId> {
        self.residents.keys().copied().collect()
    }

    /// Lets a recipe do something, and books what has changed by it.
    fn visit(
        &mut self,
        id: RunnerId,
        calls: &mut dyn Calls,
        act: impl FnOnce(&mut dyn Resident, &mut dyn Calls),
    ) {
        let Some(lodging) = self.residents.get_mut(&id) else { return };
        act(lodging.resident.as_mut(), &mut Switchboard { calls, routes: &mut self.routes, id });
        let timer = lodging.resident.poll_timeout();
        let before = core::mem::replace(&mut lodging.timer, timer);
        let leaves = lodging.stay == Stay::Leaving && lodging.resident.is_idle();
        if before != timer || leaves {
            if let Some(at) = before {
                self.timers.remove(&(at, id));
            }
            if let Some(at) = timer {
                self.timers.insert((at, id));
            }
        }
        if leaves {
            self.residents.remove(&id);
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Host")
            .field("recipes", &self.residents.len())
            .field("calls", &self.routes.len())
            .finish_non_exhaustive()
    }
}
