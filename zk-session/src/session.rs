//! The surface of the engine: facts come in by `handle`, wishes by `submit` and its like, work goes out by `poll`.
//!
//! It routes: what a state of the link knows stands in `link`, what the wire says is read in `replies`, what time brings
//! stands in `timers`.

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use zk_proto::ops::{Batch, Check, CloseSession, Multi, MultiOp, Request};
use zk_proto::{Path, Server};

use crate::access::Access;
use crate::calls::{CallTable, How, Owner, Removed};
use crate::chroot::Chroot;
use crate::config::Config;
use crate::error::{Ended, Error, Fault, Misuse, Refused, Why};
use crate::identity::Identity;
use crate::inbox::Inbox;
use crate::lease::Lease;
use crate::link::Link;
use crate::outgoing::Outgoing;
use crate::probe::Probe;
use crate::rng::Rng;
use crate::servers::Servers;
use crate::statistics::{Counters, Oddities, Recorder};
use crate::time::Instant;
use crate::watches::Watches;
use crate::words::{
    CallId, CallOptions, Calls, ConnId, Input, Order, Output, PipelineId, SessionId, SessionState,
};
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
    pub(crate) access: Access,
    pub(crate) probe: Probe,
    /// Pipelines of which a call was lost.
    pub(crate) broken: BTreeSet<PipelineId>,
    /// The engine's own watch of the ensemble's configuration.
    pub(crate) follows: Option<CallId>,
    /// The link is to be given up for another server when all is answered, or at this instant.
    pub(crate) moving: Option<Instant>,
    /// Servers do not know how to take a watch away; or they have shown that they do.
    pub(crate) removal: Removal,
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
    pub(crate) counters: Counters,
    pub(crate) recorder: Recorder,
    /// When the session began.
    pub(crate) began: Instant,
    pub(crate) next_conn: u64,
    pub(crate) next_pipeline: u64,
}

/// Whether servers know how to take a watch away (since 3.5). A server that does not closes the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Nobody knows: it is asked for only when a closed connection would do no harm.
    Untried,
    /// It was asked for; until it is answered, nothing is sent that would be lost with the connection.
    Asked,
    Known,
    Unknown,
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
    /// Submits a request. It is sent when the session is linked, in the order of submission, at most once.
    ///
    /// A call that is under way when the link is lost ends with [`Error::NotSent`] or [`Error::MaybeApplied`], and with it
    /// those that must not overtake it ([`CallOptions::order`]). A call submitted while there is no link waits for one
    /// ([`Config::unlinked`]), but one that is submitted after a loss and before [`Session::poll`] has told of it ends like
    /// those before it.
    ///
    /// [`zk_proto::ops::Auth`] adds a credential: it is sent on this connection and on every further one, in front of all
    /// else, and the call ends with the first answer to it, be it on another connection. A refused one is not sent again;
    /// one that was accepted and later is refused ends the session as [`Ended::AuthFailed`].
    ///
    /// [`zk_proto::ops::AddWatch`] sets a watch that stays until [`Session::unwatch`], across links.
    ///
    /// # Errors
    /// [`Refused`] hands the request back: too much is under way, the session has ended or is being closed, the request is
    /// too long, or it is one of those that only the engine sends.
    pub fn submit(
        &mut self,
        request: Request,
        options: CallOptions,
        now: Instant,
    ) -> Result<CallId, Refused> {
        self.now = self.now.max(now);
        if let Some(why) = self.refusal(&request, &options) {
            return Err(Refused { request: Box::new(request), why });
        }
        if let Request::Auth(auth) = request {
            return Ok(self.add_credential(auth, options.deadline));
        }
        let is_lost = match options.order {
            // It was made by somebody who did not know that a call before it was lost.
            Order::Client => self.untold.is_some(),
            Order::Pipeline(pipeline) => self.broken.contains(&pipeline),
            Order::Free => false,
        };
        if is_lost {
            let call = self.calls.number();
            self.complete(call, Owner::Caller, Err(Error::NotSent(Why::ConnectionLost)));
            return Ok(call);
        }
        let mut request = request;
        self.chroot.outward(&mut request);
        let rule = options.unlinked.unwrap_or(self.config.unlinked);
        let wait = if self.link.is_live() { None } else { rule.until(self.now) };
        let CallOptions { deadline, order, unlinked } = options;
        let how = How { deadline, order, wait, unlinked };
        let call = self.calls.queue(request, Owner::Caller, how);
        self.pump();
        Ok(call)
    }

    /// Asks for proof that the session lives: a transaction that changes nothing, which no server can answer without a
    /// quorum. When it has been answered, [`Session::proven_until`] says how long the proof is good for; a reply of a failed
    /// multi (the client may not read its root node, or there is none) proves as much as any other.
    ///
    /// # Errors
    /// As [`Session::submit`].
    pub fn confirm(&mut self, options: CallOptions, now: Instant) -> Result<CallId, Refused> {
        self.submit(confirmation(Path::root()), options, now)
    }

    /// A new pipeline, for [`Order::Pipeline`].
    pub const fn pipeline(&mut self) -> PipelineId {
        let pipeline = PipelineId(self.next_pipeline);
        self.next_pipeline += 1;
        pipeline
    }

    /// Nothing more is submitted to this pipeline.
    pub fn end_pipeline(&mut self, pipeline: PipelineId) {
        self.broken.remove(&pipeline);
    }

    /// Ends a call without a completion: nothing more is told about it, nor about the watch it sets.
    ///
    /// `None`: the call has ended already (its completion may still wait in [`Session::poll`]).
    pub fn cancel(&mut self, call: CallId) -> Option<Cancelled> {
        if let Some(was_sent) = self.access.abandon(call) {
            return Some(if was_sent { Cancelled::MaybeApplied } else { Cancelled::NotSent });
        }
        match self.calls.abandon(call)? {
            Removed::Queued => Some(Cancelled::NotSent),
            Removed::Written => Some(Cancelled::MaybeApplied),
        }
    }

    /// Gives up the watch that `call` set or will set; nothing more is told about it. When its last owner has gone, the
    /// server is asked to forget it.
    pub fn unwatch(&mut self, call: CallId) {
        let call = if wrong!(self, GivesUpAnother) { CallId::new(call.number() - 1) } else { call };
        if !wrong!(self, AsksAllTheSame) {
            self.calls.unwatch(call);
        }
        self.watches.remove(call);
        // It may have been about to be told.
        self.outputs.retain(|output| !matches!(output, Output::Notified(told, _) if *told == call));
        self.pump();
    }

    /// The servers are these from now on. If the load is to be balanced anew, or the present server is not among them, the
    /// client moves to another one, by the rule of the official client: it makes no new calls on the old link and lets what
    /// is under way be answered first, for a third of the session timeout at most. What is unanswered then ends as with any
    /// link that is lost.
    ///
    /// # Errors
    /// [`Misuse::NoServers`]: the list is empty; the old one stays.
    pub fn update_servers(
        &mut self,
        servers: impl IntoIterator<Item = Server>,
        now: Instant,
    ) -> Result<(), Misuse> {
        self.now = self.now.max(now);
        let servers: Vec<Server> = servers.into_iter().collect();
        if servers.is_empty() {
            return Err(Misuse::NoServers);
        }
        self.config.servers.servers.clone_from(&servers);
        let is_linked = self.link.pulse().is_some();
        let is_gone = self.servers.current().is_some_and(|current| !servers.contains(current));
        let is_to_move = self.servers.update(servers, is_linked, &mut self.rng);
        // A handshake that is given up may be done all the same, and take the session away from where it goes then: that is
        // risked for a server that is gone, and not for balance.
        let is_to_move = is_to_move || (self.link.conn().is_some() && is_gone);
        if is_to_move && !wrong!(self, StaysWithTheRemoved) {
            self.moving = Some(self.now + self.identity.timeout / 3);
            self.move_on();
        }
        Ok(())
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
        let is_known = self.identity.session != SessionId::NONE || matches!(self.link, Link::Greeting { .. });
        if !is_known || wrong!(self, ClosesAtOnce) {
            return self.end(Ended::Closed);
        }
        self.close_by = Some(self.now + self.identity.timeout.min(self.config.close_timeout));
        if let Link::Live { .. } = self.link {
            self.moving = None;
            if wrong!(self, ClosesOverItsQueue) {
                self.fail_queued(Why::Ended(Ended::Closed), |_| true);
            }
            self.calls.queue(Request::from(CloseSession {}), Owner::Close, How::default());
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
        self.notice_pause(now);
        self.now = self.now.max(now);
        // Before anything else: bytes that waited through a pause of the process cannot prolong a lease that has run out.
        self.check_lease();
        match input {
            Input::Connected(conn) if self.probe.is(conn) => self.probe.connected(),
            Input::Connected(conn) => self.greet(conn),
            Input::Received(conn) if self.probe.is(conn) => self.probed(),
            Input::Received(conn) => self.receive(conn),
            Input::Disconnected(conn, _) if self.probe.is(conn) => self.probe_in_vain(),
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
        if self.probe.is(conn) {
            return self.probe.buffer();
        }
        self.inbox.stale.clear();
        &mut self.inbox.stale
    }

    /// Fills `out` with bytes that may be written to this connection, in order; returns how many slices were filled.
    pub fn transmit<'a>(&'a self, conn: ConnId, out: &mut [&'a [u8]]) -> usize {
        if self.link.is(conn) {
            return self.outgoing.slices(out);
        }
        let question = if self.probe.is(conn) { self.probe.question() } else { &[] };
        match out.first_mut() {
            Some(slot) if !question.is_empty() => {
                *slot = question;
                1
            }
            _ => 0,
        }
    }

    /// The first of the bytes that may be written, owned. For event loops that write owned buffers; they still report what
    /// was taken by [`Session::transmitted`].
    pub fn transmit_owned(&mut self, conn: ConnId) -> Option<Bytes> {
        if self.link.is(conn) {
            return self.outgoing.front();
        }
        let question = if self.probe.is(conn) { self.probe.question() } else { &[] };
        (!question.is_empty()).then(|| Bytes::from_static(question))
    }

    /// The transport took the next `n` bytes: from here on they may have an effect.
    pub fn transmitted(&mut self, conn: ConnId, n: usize) {
        if self.link.is(conn) {
            self.outgoing.taken(n);
            self.pump();
        } else if self.probe.is(conn) {
            self.probe.taken(n);
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
}

/// A transaction that changes nothing.
pub(crate) fn confirmation(path: Path) -> Request {
    let check = MultiOp::Check(Check { path, version: zk_proto::Version::ANY });
    Multi { ops: Batch([check].into()) }.into()
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
