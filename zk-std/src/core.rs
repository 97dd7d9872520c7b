//! What the driver and the callers share: the session, its recipes, its sockets, and who waits for what.
//!
//! It routes the engine's outputs and writes without blocking. It is locked for short moments only, and no user code runs
//! under the lock.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, IoSlice, Write};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mio::Waker;
use mio::net::TcpStream;
use zk_recipes::Host;
use zk_session::{Answer, CallId, ConnId, Error, Instant, Notice, Output, Server, Session, SessionState};

use crate::clock;
use crate::events::Feeder;
use crate::states::Feed;

/// The link, and the search for a better server while it stands.
pub(crate) const CONNECTIONS: usize = 2;
/// Slices handed to one write.
const SLICES: usize = 16;

/// The shared half of a client, without the handle whose last drop closes the session.
#[derive(Debug)]
pub(crate) struct Shared {
    core: Mutex<Core>,
    waker: Waker,
}

/// The guarded state of a client.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) session: Session,
    pub(crate) host: Host,
    /// The established connections.
    pub(crate) streams: [Option<(ConnId, TcpStream)>; CONNECTIONS],
    /// What the driver has to do.
    pub(crate) orders: VecDeque<Order>,
    pub(crate) rest: Rest,
    calls: HashMap<CallId, SyncSender<Result<Answer, Error>>>,
    listeners: HashMap<CallId, Listener>,
    pub(crate) feeds: Vec<Feed>,
    /// How many sessions there were before this one.
    pub(crate) generation: u64,
}

/// Who hears of a watch.
#[derive(Debug)]
pub(crate) enum Listener {
    Once(SyncSender<Notice>),
    Lasting(Feeder),
}

/// Whether the driver looks at the core by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rest {
    /// It is about to.
    Awake,
    /// Only at this instant, or when a socket is ready: for anything else it must be woken.
    Asleep { until: Option<Instant> },
}

/// What the driver is to do with its sockets.
#[derive(Debug)]
pub(crate) enum Order {
    Connect(ConnId, Server),
    Disconnect(ConnId),
}

impl Shared {
    pub(crate) fn new(session: Session, waker: Waker) -> Self {
        // Tokens must differ from client to client, even if their configurations do not.
        let host = Host::new(clock::seed());
        let core = Core {
            session,
            host,
            streams: [None, None],
            orders: VecDeque::new(),
            rest: Rest::Awake,
            calls: HashMap::new(),
            listeners: HashMap::new(),
            feeds: Vec::new(),
            generation: 0,
        };
        Self { core: Mutex::new(core), waker }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        // Nothing under the lock panics; if it did, the engine's state is still the best there is.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `change` on the core and carries out what follows; for what is left, the driver is woken.
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut Core, Instant) -> R) -> R {
        let mut core = self.lock();
        let now = clock::now();
        let result = change(&mut core, now);
        let is_done = core.settle(now);
        drop(core);
        if !is_done {
            self.wake();
        }
        result
    }

    /// The owner of this call's watch is gone. The server may have to be told.
    pub(crate) fn unwatch(&self, call: CallId) {
        self.with(|core, _| {
            // Without a listener it has been told, and the engine has forgotten it.
            if core.listeners.remove(&call).is_some() {
                core.session.unwatch(call);
            }
        });
    }

    /// Makes the driver look again. If even that fails, it looks at its next timer.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::warn!(target: "zk_std", %error, "the driver cannot be woken");
        }
    }
}

impl Core {
    /// The result of this call goes to `slot`.
    pub(crate) fn await_call(&mut self, call: CallId, slot: SyncSender<Result<Answer, Error>>) {
        self.calls.insert(call, slot);
    }

    /// The news of the watch that this call sets go to `listener`.
    pub(crate) fn listen(&mut self, call: CallId, listener: Listener) {
        self.listeners.insert(call, listener);
    }

    /// Tells and writes what there is. Whether nothing is left for the driver before it looks by itself.
    fn settle(&mut self, now: Instant) -> bool {
        self.turn(now);
        self.flush();
        let Rest::Asleep { until } = self.rest else { return true };
        let oversleeps = self.due().is_some_and(|due| until.is_none_or(|until| due < until));
        let is_over = matches!(self.session.state(), SessionState::Ended(_));
        self.orders.is_empty() && !oversleeps && !is_over
    }

    /// Writes what the sockets take. One that takes no more wakes the driver when it does; a broken one shows in the
    /// driver's next read.
    pub(crate) fn flush(&mut self) {
        for (conn, stream) in self.streams.iter_mut().flatten() {
            write(&mut self.session, *conn, stream);
        }
    }

    /// Closes the session, after what is held has been given back.
    pub(crate) fn close(&mut self, now: Instant) {
        self.host.discard_all(now, &mut self.session);
        self.session.close(now);
    }

    /// Routes everything the engine has to say. Callers that have left are no error.
    pub(crate) fn turn(&mut self, now: Instant) {
        self.host.tick(now, &mut self.session);
        loop {
            while let Some(output) = self.session.poll() {
                match self.host.handle(output, now, &mut self.session) {
                    Some(Output::Connect(conn, server)) => {
                        self.orders.push_back(Order::Connect(conn, server))
                    }
                    Some(Output::Disconnect(conn)) => self.orders.push_back(Order::Disconnect(conn)),
                    Some(Output::Completed(call, result)) => {
                        if let Some(slot) = self.calls.remove(&call) {
                            let _ = slot.try_send(result);
                        }
                    }
                    Some(Output::Notified(watch, notice)) => {
                        self.notify(watch, notice);
                    }
                    Some(Output::State(state)) => self.feeds.retain(|feed| feed.tell(state)),
                    None => {}
                }
            }
            let Some(next) = self.session.successor(now) else { return };
            self.session = next;
            self.generation += 1;
        }
    }

    fn notify(&mut self, watch: CallId, notice: Notice) {
        match self.listeners.get(&watch) {
            Some(Listener::Lasting(feeder)) if !matches!(notice, Notice::Ended(_)) => feeder.tell(notice),
            Some(Listener::Lasting(_) | Listener::Once(_)) => match self.listeners.remove(&watch) {
                Some(Listener::Lasting(feeder)) => feeder.tell(notice),
                Some(Listener::Once(slot)) => drop(slot.try_send(notice)),
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

fn write(session: &mut Session, conn: ConnId, stream: &mut TcpStream) {
    loop {
        let mut slices: [&[u8]; SLICES] = [&[]; SLICES];
        let used = session.transmit(conn, &mut slices);
        if used == 0 {
            return;
        }
        match stream.write_vectored(&slices.map(IoSlice::new)[..used]) {
            Ok(n) if n > 0 => session.transmitted(conn, n),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return,
        }
    }
}
