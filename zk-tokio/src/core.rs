//! What the driver and the callers share: the session, its recipes, and who waits for what.
//!
//! It routes the engine's outputs and does no IO. It is locked for short moments only, and no user code runs under the
//! lock.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use zk_recipes::Host;
use zk_session::{Answer, CallId, ConnId, Error, Instant, Notice, Output, Server, Session};

use crate::clock;
use crate::events::Feeder;
use crate::states::Feed;

/// The shared half of a client, without the handle whose last drop closes the session.
#[derive(Debug)]
pub(crate) struct Shared {
    core: Mutex<Core>,
    /// Told whenever the driver has something to do.
    pub(crate) wake: Notify,
}

/// The guarded state of a client.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) session: Session,
    pub(crate) host: Host,
    calls: HashMap<CallId, oneshot::Sender<Result<Answer, Error>>>,
    listeners: HashMap<CallId, Listener>,
    pub(crate) feeds: Vec<Feed>,
    /// How many sessions there were before this one.
    pub(crate) generation: u64,
}

/// Who hears of a watch.
#[derive(Debug)]
pub(crate) enum Listener {
    Once(oneshot::Sender<Notice>),
    Lasting(Feeder),
}

/// What the driver is to do with its sockets.
#[derive(Debug)]
pub(crate) enum Order {
    Connect(ConnId, Server),
    Disconnect(ConnId),
}

impl Shared {
    pub(crate) fn new(session: Session) -> Self {
        // Tokens must differ from client to client, even if their configurations do not.
        let host = Host::new(clock::seed());
        let core = Core {
            session,
            host,
            calls: HashMap::new(),
            listeners: HashMap::new(),
            feeds: Vec::new(),
            generation: 0,
        };
        Self { core: Mutex::new(core), wake: Notify::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        // Nothing under the lock panics; if it did, the engine's state is still the best there is.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `change` on the core, then lets the driver carry out what follows.
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut Core, Instant) -> R) -> R {
        let result = change(&mut self.lock(), clock::now());
        self.wake.notify_one();
        result
    }

    /// The owner of this call's watch is gone. The driver may have to tell the server.
    pub(crate) fn unwatch(&self, call: CallId) {
        let mut core = self.lock();
        // Without a listener it has been told, and the engine has forgotten it.
        if core.listeners.remove(&call).is_some() {
            core.session.unwatch(call);
            drop(core);
            self.wake.notify_one();
        }
    }
}

impl Core {
    /// The result of this call goes to `slot`.
    pub(crate) fn await_call(&mut self, call: CallId, slot: oneshot::Sender<Result<Answer, Error>>) {
        self.calls.insert(call, slot);
    }

    /// The news of the watch that this call sets go to `listener`.
    pub(crate) fn listen(&mut self, call: CallId, listener: Listener) {
        self.listeners.insert(call, listener);
    }

    /// The caller waits no longer.
    pub(crate) fn cancel(&mut self, call: CallId) {
        self.calls.remove(&call);
        self.listeners.remove(&call);
        // First, while it may still be unsent.
        self.session.cancel(call);
        self.session.unwatch(call);
    }

    /// Closes the session, after what is held has been given back.
    pub(crate) fn close(&mut self, now: Instant) {
        self.host.discard_all(now, &mut self.session);
        self.session.close(now);
    }

    /// Routes everything the engine has to say; returns what concerns sockets. Callers that have left are no error.
    pub(crate) fn turn(&mut self, now: Instant) -> VecDeque<Order> {
        let mut orders = VecDeque::new();
        self.host.tick(now, &mut self.session);
        loop {
            while let Some(output) = self.session.poll() {
                match self.host.handle(output, now, &mut self.session) {
                    Some(Output::Connect(conn, server)) => orders.push_back(Order::Connect(conn, server)),
                    Some(Output::Disconnect(conn)) => orders.push_back(Order::Disconnect(conn)),
                    Some(Output::Completed(call, result)) => {
                        if let Some(slot) = self.calls.remove(&call) {
                            let _ = slot.send(result);
                        }
                    }
                    Some(Output::Notified(watch, notice)) => {
                        self.notify(watch, notice);
                    }
                    Some(Output::State(state)) => self.feeds.retain(|feed| feed.tell(state)),
                    None => {}
                }
            }
            let Some(next) = self.session.successor(now) else { return orders };
            self.session = next;
            self.generation += 1;
        }
    }

    fn notify(&mut self, watch: CallId, notice: Notice) {
        match self.listeners.get(&watch) {
            Some(Listener::Lasting(feeder)) if !matches!(notice, Notice::Ended(_)) => feeder.tell(notice),
            Some(Listener::Lasting(_) | Listener::Once(_)) => match self.listeners.remove(&watch) {
                Some(Listener::Lasting(feeder)) => feeder.tell(notice),
                Some(Listener::Once(slot)) => drop(slot.send(notice)),
                None => {}
            },
            None => {}
        }
    }

    /// When the engine or a recipe next wants to be woken.
    pub(crate) fn due(&self) -> Option<Instant> {
        let session = self.session.poll_timeout().map(|(due, _)| due);
        session.into_iter().chain(self.host.timeout()).min()
    }
}
