//! The surface of the engine: facts come in by `handle`, wishes by `submit` and its like, work goes out by `poll`.
//!
//! It routes: what a state of the link knows stands in `link`, what the wire says is read in `replies`, what time brings
//! stands in `timers`.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use zk_proto::ConnectString;
use zk_proto::ops::{CloseSession, Request};

use crate::calls::{CallTable, Owner, Removed};
use crate::chroot::Chroot;
use crate::config::{Config, OnExpiry};
use crate::error::{Ended, Error, Fault, Refused, Why};
use crate::identity::Identity;
use crate::inbox::Inbox;
use crate::lease::Lease;
use crate::link::Link;
use crate::outgoing::Outgoing;
use crate::rng::Rng;
use crate::servers::Servers;
use crate::time::Instant;
use crate::watches::Watches;
use crate::words::{CallId, CallOptions, Calls, ConnId, Input, Output, SessionId, SessionState, Zxid};
use crate::wrong::wrong;

/// One ZooKeeper session, from its first try to connect to its end. See the crate documentation for how to drive it.
///
/// No method blocks, and any order of calls is legal.
#[derive(Debug)]
pub struct Session {
    pub(crate) config: Config,
    pub(crate) chroot: Chroot,
    pub(crate) rng: Rng,
    pub(crate) servers: Servers,
    pub(crate) link: Link,
    pub(crate) calls: CallTable,
    pub(crate) watches: Watches,
    pub(crate) outgoing: Outgoing,
    pub(crate) inbox: Inbox,
    pub(crate) outputs: VecDeque<Output>,
    /// The first call that was lost with a link, until its end has been taken by [`Session::poll`].
    pub(crate) untold: Option<CallId>,
    pub(crate) state: SessionState,
    pub(crate) identity: Identity,
    pub(crate) lease: Lease,
    /// How many rely on the session's life.
    pub(crate) holders: usize,
    /// Set by `close`: the session ends at this instant at the latest.
    pub(crate) close_by: Option<Instant>,
    /// The latest instant that was heard of.
    pub(crate) now: Instant,
    /// When the last byte of this session was heard.
    pub(crate) heard: Instant,
    pub(crate) fault: Option<Fault>,
    pub(crate) oddities: Oddities,
    pub(crate) next_conn: u64,
}

/// What servers did that is odd but harmless. For bug reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Oddities {
    /// Watch events for which there was no watch. Some are normal: a watch that was dropped still fires on the server.
    pub unmatched_events: u64,
    /// Watch events of an unknown kind, or with a path that is none.
    pub unknown_events: u64,
    /// Replies whose zxid was lower than one seen before.
    pub zxid_regressions: u64,
    /// Reply paths outside the chroot.
    pub foreign_paths: u64,
    /// Ping replies without a ping.
    pub unexpected_pings: u64,
}

/// What became of a call that was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// Nothing of it was sent, and nothing will be.
    NotSent,
    /// It was on its way. It may be applied; its reply is consumed, and a watch that it sets is dropped.
    MaybeApplied,
}

impl Session {
    /// A session that starts to connect at once: the first outputs are ready for [`Session::poll`].
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let identity = Identity::unknown(config.session_timeout, Zxid::ZERO);
        let rng = Rng::new(config.seed);
        let mut session = Self::start(config, rng, identity, CallTable::new(1), 1, now);
        session.try_next_server(now);
        session
    }

    /// The session that goes on in place of this one, if this one has expired and the configuration says
    /// [`OnExpiry::Renew`]. A driver asks when [`Session::poll`] has nothing more, and continues with the new value.
    ///
    /// The new session never reads a state older than this one has seen, and its calls and connections have other numbers.
    #[must_use]
    pub fn successor(&self, now: Instant) -> Option<Self> {
        if !matches!(self.link, Link::Ended(Ended::Expired)) || self.config.on_expiry != OnExpiry::Renew {
            return None;
        }
        let identity = Identity::unknown(self.config.session_timeout, self.identity.last_zxid);
        let calls = CallTable::new(self.calls.next_id());
        let mut next =
            Self::start(self.config.clone(), self.rng.clone(), identity, calls, self.next_conn, now);
        next.holders = self.holders;
        // Expiries can come in a loop; each new session pauses like a failed try.
        let pause = next.pause();
        next.link = Link::Resting { until: next.now + pause };
        next.enter(SessionState::Connecting);
        Some(next)
    }

    fn start(
        config: Config,
        mut rng: Rng,
        identity: Identity,
        calls: CallTable,
        next_conn: u64,
        now: Instant,
    ) -> Self {
        let servers = Servers::new(config.servers.servers.clone(), &mut rng);
        Self {
            chroot: Chroot::new(config.servers.chroot.clone()),
            rng,
            servers,
            link: Link::Resting { until: now },
            calls,
            watches: Watches::default(),
            outgoing: Outgoing::default(),
            inbox: Inbox::new(),
            outputs: VecDeque::new(),
            untold: None,
            state: SessionState::Connecting,
            identity,
            lease: Lease::default(),
            holders: 0,
            close_by: None,
            now,
            heard: now,
            fault: None,
            oddities: Oddities::default(),
            next_conn,
            config,
        }
    }

    /// Submits a request. It is sent when the session is linked, in the order of submission, at most once.
    ///
    /// A call that is under way when the link is lost ends with [`Error::NotSent`] or
    /// [`Error::MaybeApplied`]; so no later call overtakes one whose fate the
    /// caller does not know. A call submitted while there is no link waits for one, but
    /// one that is submitted after a loss and before [`Session::poll`] has told of it ends like those before it.
    ///
    /// # Errors
    /// [`Refused`] hands the request back: too many calls are under way, the session has ended or is being closed, the
    /// request is too long, or it is one of those that only the engine sends.
    pub fn submit(
        &mut self,
        request: Request,
        options: CallOptions,
        now: Instant,
    ) -> Result<CallId, Refused> {
        self.now = self.now.max(now);
        if let Some(why) = self.refusal(&request) {
            return Err(Refused { request: Box::new(request), why });
        }
        if self.untold.is_some() {
            // It was made by somebody who did not know that a call before it was lost.
            let call = self.calls.number();
            self.complete(call, Owner::Caller, Err(Error::NotSent(Why::ConnectionLost)));
            return Ok(call);
        }
        let mut request = request;
        self.chroot.outward(&mut request);
        let call = self.calls.queue(request, Owner::Caller, options.deadline);
        self.pump();
        Ok(call)
    }

    /// Ends a call without a completion: nothing more is told about it, nor about the watch it sets.
    ///
    /// `None`: the call has ended already (its completion may still wait in [`Session::poll`]).
    pub fn cancel(&mut self, call: CallId) -> Option<Cancelled> {
        match self.calls.abandon(call)? {
            Removed::Queued => Some(Cancelled::NotSent),
            Removed::Written => Some(Cancelled::MaybeApplied),
        }
    }

    /// Gives up the watch that `call` set or will set; nothing more is told about it.
    pub fn unwatch(&mut self, call: CallId) {
        if !wrong!(self, AsksAllTheSame) {
            self.calls.unwatch(call);
        }
        self.watches.remove(call);
        // It may have been about to be told.
        self.outputs.retain(|output| !matches!(output, Output::Notified(told, _) if *told == call));
    }

    /// Counts one more holder, or one less; see [`Calls::hold`].
    pub fn hold(&mut self, more: bool, now: Instant) {
        self.now = self.now.max(now);
        if more {
            self.holders += 1;
            if self.holders == 1 {
                self.keep_alive();
                self.pump();
            }
        } else {
            self.holders = self.holders.saturating_sub(1);
        }
    }

    /// Closes the session: calls submitted before are sent first, then the server is told, so that it deletes the session's
    /// ephemeral nodes. Ends in [`Ended::Closed`] within the shorter of the session timeout and
    /// [`Config::close_timeout`], with or without an answer. Closing twice is closing once.
    pub fn close(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if self.close_by.is_some() || matches!(self.link, Link::Ended(_)) {
            return;
        }
        // A handshake under way may be granting a session at this moment: that one is to be closed as well.
        if self.identity.session == SessionId::NONE && !matches!(self.link, Link::Greeting { .. }) {
            return self.end(Ended::Closed);
        }
        self.close_by = Some(self.now + self.identity.timeout.min(self.config.close_timeout));
        if let Link::Live { .. } = self.link {
            self.calls.queue(Request::from(CloseSession {}), Owner::Close, None);
            self.pump();
        }
    }

    /// Ends the session on this side at once, without telling a server, which keeps it until it expires there. For drivers
    /// that are torn down: everything under way still ends, with [`Ended::Closed`].
    pub fn abort(&mut self) {
        self.end(Ended::Closed);
    }

    /// Takes a fact.
    pub fn handle(&mut self, input: Input, now: Instant) {
        self.now = self.now.max(now);
        // Before anything else: bytes that waited through a pause of the process cannot prolong a lease that has run out.
        self.check_lease();
        match input {
            Input::Connected(conn) => self.greet(conn),
            Input::Received(conn) => self.receive(conn),
            Input::Disconnected(conn, cut) => {
                if self.link.is(conn) {
                    self.lose(Fault::Cut(cut), false);
                }
            }
            Input::Timeout => self.fire_timers(),
        }
        self.pump();
    }

    /// Where the driver reads to; it appends, and then says [`Input::Received`].
    pub fn receive_buffer(&mut self, conn: ConnId) -> &mut BytesMut {
        if self.link.is(conn) {
            return self.inbox.deframer.buffer();
        }
        self.inbox.stale.clear();
        &mut self.inbox.stale
    }

    /// Fills `out` with bytes that may be written to this connection, in order; returns how many slices were filled.
    pub fn transmit<'a>(&'a self, conn: ConnId, out: &mut [&'a [u8]]) -> usize {
        if self.link.is(conn) { self.outgoing.slices(out) } else { 0 }
    }

    /// The first of the bytes that may be written, owned. For event loops that write owned buffers; they still report what
    /// was taken by [`Session::transmitted`].
    pub fn transmit_owned(&mut self, conn: ConnId) -> Option<Bytes> {
        if self.link.is(conn) { self.outgoing.front() } else { None }
    }

    /// The transport took the next `n` bytes: from here on they may have an effect.
    pub fn transmitted(&mut self, conn: ConnId, n: usize) {
        if self.link.is(conn) {
            self.outgoing.taken(n);
            self.pump();
        }
    }

    /// What is to be done or told next; `None` for now.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if let Some(Output::Completed(call, _)) = &output
            && self.untold == Some(*call)
        {
            self.untold = None;
        }
        output
    }

    /// When to say [`Input::Timeout`] next. It changes only by the other methods, and is later after each timeout.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, crate::Timer)> {
        self.timers().min()
    }

    /// What the session is.
    #[must_use]
    pub const fn state(&self) -> &SessionState {
        &self.state
    }

    /// The session's id, [`SessionId::NONE`] before a server has granted one.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.identity.session
    }

    /// The newest transaction that any reply has shown.
    #[must_use]
    pub const fn last_zxid(&self) -> Zxid {
        self.identity.last_zxid
    }

    /// Until when the servers surely keep the session: a guard that looks at its own clock compares with this.
    #[must_use]
    pub const fn lease_end(&self) -> Instant {
        self.lease.end()
    }

    /// Why the last link or try was given up.
    #[must_use]
    pub const fn last_fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// The servers and the chroot of the configuration.
    #[must_use]
    pub const fn servers(&self) -> &ConnectString {
        &self.config.servers
    }

    /// How many watches stand.
    #[must_use]
    pub fn watch_count(&self) -> usize {
        self.watches.len()
    }

    /// How many calls are queued or under way.
    #[must_use]
    pub fn call_count(&self) -> usize {
        self.calls.len()
    }

    /// What servers did that is odd but harmless.
    #[must_use]
    pub const fn oddities(&self) -> Oddities {
        self.oddities
    }
}

impl Calls for Session {
    fn submit(&mut self, request: Request, options: CallOptions, now: Instant) -> Result<CallId, Refused> {
        Self::submit(self, request, options, now)
    }

    fn unwatch(&mut self, call: CallId) {
        Self::unwatch(self, call);
    }

    fn hold(&mut self, more: bool, now: Instant) {
        Self::hold(self, more, now);
    }
}
