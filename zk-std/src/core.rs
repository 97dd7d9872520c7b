//! What the driver and the callers share: the session, its recipes, its socket, and who waits for what.
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
use zk_session::{
    Answer, CallId, CallOptions, Config, ConnId, Error, Instant, Notice, Output, Request, Server, Session,
};

use crate::clock;
use crate::states::Feed;

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
    /// The established connection.
    pub(crate) stream: Option<(ConnId, TcpStream)>,
    /// Until when the driver sleeps.
    pub(crate) asleep_until: Option<Instant>,
    calls: HashMap<CallId, SyncSender<Result<Answer, Error>>>,
    watches: HashMap<CallId, SyncSender<Notice>>,
    pub(crate) feeds: Vec<Feed>,
}

/// What the driver is to do with its sockets.
#[derive(Debug)]
pub(crate) enum Order {
    Connect(ConnId, Server),
    Disconnect(ConnId),
}

impl Shared {
    pub(crate) fn new(config: Config, waker: Waker) -> Self {
        // Tokens must differ from client to client, even if their configurations do not.
        let host = Host::new(clock::seed());
        let session = Session::new(config, clock::now());
        let core = Core {
            session,
            host,
            stream: None,
            asleep_until: None,
            calls: HashMap::new(),
            watches: HashMap::new(),
            feeds: Vec::new(),
        };
        Self { core: Mutex::new(core), waker }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        // Nothing under the lock panics; if it did, the engine's state is still the best there is.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `change` on the core, then lets the driver carry out what follows.
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut Core, Instant) -> R) -> R {
        let result = change(&mut self.lock(), clock::now());
        self.wake();
        result
    }

    /// Makes the driver look again. If even that fails, it looks at its next timer.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::warn!(target: "zk_std", %error, "the driver cannot be woken");
        }
    }
}

impl Core {
    /// Submits a request whose result goes to `slot`, and the news of its watch to `watch`, and writes what the socket takes.
    /// Returns also whether the driver must be woken: it sleeps beyond a deadline.
    pub(crate) fn submit(
        &mut self,
        request: Request,
        options: CallOptions,
        slot: SyncSender<Result<Answer, Error>>,
        watch: Option<SyncSender<Notice>>,
    ) -> Result<(CallId, bool), Error> {
        let call = self
            .session
            .submit(request, options, clock::now())
            .map_err(|refused| Error::from(refused.why))?;
        self.calls.insert(call, slot);
        if let Some(watch) = watch {
            self.watches.insert(call, watch);
        }
        self.flush();
        let oversleeps =
            options.deadline.is_some_and(|due| self.asleep_until.is_none_or(|until| due < until));
        Ok((call, oversleeps))
    }

    /// Writes what the socket takes. A broken socket shows in the driver's next read.
    pub(crate) fn flush(&mut self) {
        let Some((conn, stream)) = &mut self.stream else { return };
        loop {
            let mut slices: [&[u8]; SLICES] = [&[]; SLICES];
            let used = self.session.transmit(*conn, &mut slices);
            if used == 0 {
                return;
            }
            match stream.write_vectored(&slices.map(IoSlice::new)[..used]) {
                Ok(n) if n > 0 => self.session.transmitted(*conn, n),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// The owner of this call's watch is gone.
    pub(crate) fn unwatch(&mut self, call: CallId) {
        self.watches.remove(&call);
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
                            let _ = slot.try_send(result);
                        }
                    }
                    Some(Output::Notified(watch, notice)) => {
                        if let Some(slot) = self.watches.remove(&watch) {
                            let _ = slot.try_send(notice);
                        }
                    }
                    Some(Output::State(state)) => self.feeds.retain(|feed| feed.tell(state)),
                    None => {}
                }
            }
            let Some(next) = self.session.successor(now) else { return orders };
            self.session = next;
        }
    }

    /// When the engine or a recipe next wants to be woken.
    pub(crate) fn due(&self) -> Option<Instant> {
        let session = self.session.poll_timeout().map(|(due, _)| due);
        session.into_iter().chain(self.host.timeout()).min()
    }
}
