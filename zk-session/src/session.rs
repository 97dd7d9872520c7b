//! The surface of the engine: facts come in by `handle`, wishes by `submit` and its like, work goes out by `poll`.
//!
//! It routes: what a state of the link knows stands in `link`, what the wire says is read in `replies`, what time brings
//! stands in `timers`.

use alloc::collections::VecDeque;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use zk_proto::ops::{CloseSession, Request};
use zk_proto::{
    ConnectRequest, ConnectString, Deframer, HANDSHAKE_LENGTH_MAX, Password, encode_connect, encode_request,
};

use crate::calls::{CallTable, Owner, Removed, Written};
use crate::chroot::Chroot;
use crate::config::{Config, OnExpiry};
use crate::error::{Ended, Error, Fault, Misuse, Refusal, Refused, Why};
use crate::lease::Lease;
use crate::link::Link;
use crate::outgoing::Outgoing;
use crate::rng::Rng;
use crate::servers::Servers;
use crate::time::Instant;
use crate::watches::{Wanted, Watches};
use crate::words::{
    Answer, CallId, CallOptions, Calls, ConnId, Input, Notice, Output, SessionId, SessionState, Zxid,
};

/// Calls are staged while fewer bytes than this wait for the transport; the others stay queued, where a deadline or a
/// cancellation can still take them out unsent.
const STAGED_LENGTH_MAX: usize = 256 * 1024;

/// A try to connect gets its share of the session timeout, but no less than this.
const HANDSHAKE_TIME_MIN: Duration = Duration::from_millis(100);

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
    next_conn: u64,
}

/// What a server knows the session by.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) session: SessionId,
    pub(crate) password: Password,
    /// The negotiated timeout; before that, the one to ask for.
    pub(crate) timeout: Duration,
    /// The newest transaction that any reply has shown.
    pub(crate) last_zxid: Zxid,
    /// Tries in a row that a server ended without an answer to the handshake of a new session.
    pub(crate) unanswered: usize,
}

/// What has been read and not been understood.
#[derive(Debug)]
pub(crate) struct Inbox {
    pub(crate) deframer: Deframer,
    /// Bytes of an incomplete frame at the last look.
    pub(crate) incomplete: usize,
    /// Where bytes of a connection that is gone are read to.
    stale: BytesMut,
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
        let identity = Identity {
            session: SessionId::NONE,
            password: Password::zero(),
            timeout: config.session_timeout,
            last_zxid: Zxid::ZERO,
            unanswered: 0,
        };
        let rng = Rng::new(config.seed);
        let mut session = Self::start(config, rng, identity, CallTable::new(1), 1, now);
        session.dial(now);
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
        let identity = Identity {
            session: SessionId::NONE,
            password: Password::zero(),
            timeout: self.config.session_timeout,
            last_zxid: self.identity.last_zxid,
            unanswered: 0,
        };
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
            inbox: Inbox {
                deframer: Deframer::new(HANDSHAKE_LENGTH_MAX),
                incomplete: 0,
                stale: BytesMut::new(),
            },
            outputs: VecDeque::new(),
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
    /// A call that is under way when the link is lost ends with [`Error::NotSent`] or [`Error::MaybeApplied`]; so no later
    /// call overtakes one whose fate the caller does not know. A call submitted while there is no link waits for one.
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
            return Err(Refused { request, why });
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
        self.calls.unwatch(call);
        self.watches.remove(call);
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
        self.outputs.pop_front()
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

    fn refusal(&self, request: &Request) -> Option<Refusal> {
        if let Link::Ended(ended) = self.link {
            return Some(Refusal::Ended(ended));
        }
        if self.close_by.is_some() {
            return Some(Refusal::Ended(Ended::Closed));
        }
        if self.calls.len() >= self.config.calls_max {
            return Some(Refusal::Full);
        }
        if matches!(request, Request::Ping(_) | Request::SetWatches(_) | Request::CloseSession(_)) {
            return Some(Refusal::Misuse(Misuse::Reserved));
        }
        let chroot = if self.chroot.root().is_root() { 0 } else { self.chroot.root().as_str().len() };
        let length = request.frame_len() - LENGTH_PREFIX + chroot;
        let limit = self.config.request_length_max;
        (length > limit).then_some(Refusal::Misuse(Misuse::TooLong { length, limit }))
    }

    /// Starts the next try to connect.
    pub(crate) fn dial(&mut self, now: Instant) {
        let Some(server) = self.servers.advance() else {
            self.link = Link::Resting { until: Instant::NEVER };
            return;
        };
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        let share = self.identity.timeout / u32::try_from(self.servers.count()).unwrap_or(u32::MAX);
        self.link = Link::Dialing { conn, until: now + share.max(HANDSHAKE_TIME_MIN) };
        self.outputs.push_back(Output::Connect(conn, server));
    }

    /// The connection stands: sends the handshake.
    fn greet(&mut self, conn: ConnId) {
        let Link::Dialing { conn: dialed, until } = self.link else { return };
        if dialed != conn {
            return;
        }
        self.outgoing.clear();
        self.inbox.clear();
        let request = ConnectRequest {
            last_zxid: self.identity.last_zxid,
            timeout_ms: i32::try_from(self.config.session_timeout.as_millis()).unwrap_or(i32::MAX),
            session: self.identity.session,
            password: self.identity.password.clone(),
            read_only: Some(false),
        };
        encode_connect(&request, &mut self.outgoing);
        self.link = Link::Greeting { conn, sent: self.now, until };
    }

    /// Stages queued calls as long as the transport keeps up.
    pub(crate) fn pump(&mut self) {
        while let Link::Live { pulse, .. } = &mut self.link {
            if self.outgoing.pending() >= STAGED_LENGTH_MAX {
                return;
            }
            let Some((call, xid)) = self.calls.next() else { return };
            encode_request(xid, &call.request, &mut self.outgoing);
            pulse.sent = self.now;
            self.calls.written(Written {
                id: call.id,
                owner: call.owner,
                xid,
                opcode: call.request.opcode(),
                wanted: if call.owner == Owner::Caller { Wanted::by(&call.request) } else { None },
                deadline: call.deadline,
                sent: self.now,
                end: self.outgoing.end(),
            });
        }
    }

    /// The present link or try is over; the session goes on.
    pub(crate) fn lose(&mut self, fault: Fault, disconnect: bool) {
        let Some(conn) = self.link.conn() else { return };
        tracing::debug!(target: "zk_session", %fault, "link lost");
        if disconnect {
            self.outputs.push_back(Output::Disconnect(conn));
        }
        let was_live = matches!(self.link, Link::Live { .. });
        self.forget_future_after(&fault);
        self.fault = Some(fault);
        if self.link.pulse().is_some_and(|pulse| self.now.since(pulse.since) >= self.config.backoff.most) {
            self.servers.proven();
        }
        self.link = Link::Resting { until: self.now + self.pause() };
        if was_live {
            self.fail_written(Why::ConnectionLost);
            self.fail_queued(Why::ConnectionLost);
        }
        self.outgoing.clear();
        self.inbox.clear();
        if let SessionState::Connected { .. } = self.state {
            self.enter(SessionState::Suspended { valid_until: self.lease.end() });
        }
    }

    /// A new session may know of transactions that the servers do not: another ensemble, or one restored from a backup,
    /// refuses such clients without a word. After a full round of that the new session starts from nothing.
    fn forget_future_after(&mut self, fault: &Fault) {
        let greeting = matches!(self.link, Link::Greeting { .. });
        if !greeting || !matches!(fault, Fault::Cut(_)) || self.identity.session != SessionId::NONE {
            return;
        }
        self.identity.unanswered += 1;
        if self.identity.unanswered >= self.servers.count() && self.identity.last_zxid != Zxid::ZERO {
            tracing::warn!(target: "zk_session", "no server knows the transactions seen before; starting from nothing");
            self.identity.last_zxid = Zxid::ZERO;
        }
    }

    /// The session is over: everything under way ends, and then the state says so.
    pub(crate) fn end(&mut self, ended: Ended) {
        if let Link::Ended(_) = self.link {
            return;
        }
        let ended = if self.close_by.is_some() { Ended::Closed } else { ended };
        if let Some(conn) = self.link.conn() {
            self.outputs.push_back(Output::Disconnect(conn));
        }
        self.link = Link::Ended(ended);
        self.fail_written(Why::Ended(ended));
        self.fail_queued(Why::Ended(ended));
        self.outgoing.clear();
        self.inbox.clear();
        for watch in self.watches.drain() {
            self.outputs.push_back(Output::Notified(watch, Notice::Ended(ended)));
        }
        self.enter(SessionState::Ended(ended));
    }

    pub(crate) fn enter(&mut self, state: SessionState) {
        tracing::debug!(target: "zk_session", ?state, session = %self.identity.session, "state");
        self.state = state;
        self.outputs.push_back(Output::State(state));
    }

    pub(crate) fn complete(&mut self, call: CallId, owner: Owner, result: Result<Answer, Error>) {
        match owner {
            Owner::Caller => self.outputs.push_back(Output::Completed(call, result)),
            Owner::Nobody | Owner::KeepAlive | Owner::Close => {}
        }
    }

    fn fail_written(&mut self, why: Why) {
        for call in self.calls.take_written() {
            let error =
                if self.outgoing.took(call.end) { Error::MaybeApplied(why) } else { Error::NotSent(why) };
            self.complete(call.id, call.owner, Err(error));
        }
    }

    fn fail_queued(&mut self, why: Why) {
        for call in self.calls.take_queued() {
            self.complete(call.id, call.owner, Err(Error::NotSent(why)));
        }
    }

    fn pause(&mut self) -> Duration {
        self.servers.pause(self.config.backoff, self.identity.timeout, &mut self.rng)
    }
}

/// Bytes of a frame's length prefix, which the server's limit does not count.
const LENGTH_PREFIX: usize = 4;

impl Inbox {
    fn clear(&mut self) {
        self.deframer.clear();
        self.deframer.set_limit(HANDSHAKE_LENGTH_MAX);
        self.incomplete = 0;
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
