//! What is held to be true at every step, and at rest.

use zk_session::{
    Answer, CallId, Code, Ended, Error, Fault, Input, KeepAlive, Notice, Output, Reply, SessionState,
    WatchEvent,
};

use super::World;
use super::client::{Note, Observed};
use super::marks::Mark;
use super::truth::{Verdict, is_proof};
use super::users::Aim;
use super::violation::Law;
use crate::{Event, Kind, SessionId, Txn, Write, Zxid, request};

impl World {
    /// Takes note of what a client has asked its engine for.
    pub(super) fn take_notes(&mut self, client: usize, notes: &mut Vec<Note>) {
        let life = self.life(client);
        for note in notes.drain(..) {
            match note {
                Note::Submitted(call, request, order) => {
                    let mut body = Vec::new();
                    request.encode(&mut body);
                    let decoded = request::decode(request.opcode().raw(), &body, &self.quirks);
                    let write = match decoded {
                        Ok(request::Request::Write(write)) if !is_proof(&write) => Some(write),
                        _ => None,
                    };
                    self.trace.line(|| format!("client {client} {call:?} {request:?}"));
                    self.clients[client].watching.asked(call, &request);
                    self.clients[client].lasting.asked(call, &request);
                    self.moments += 1;
                    self.diary.submitted(life, call, request, self.now);
                    self.truth.submitted(life, call, (write, order), self.moments);
                }
                Note::Unwatched(call) => self.forget_watch(client, call),
            }
        }
    }

    /// Compares what an engine says with what has happened.
    pub(super) fn observe(&mut self, client: usize, output: &Output) {
        self.trace.note(&client);
        self.trace.line(|| format!("client {client} -> {output:?}"));
        if let SessionState::Ended(_) = self.clients[client].observed.state
            && !matches!(output, Output::Disconnect(_) | Output::Completed(..) | Output::Notified(..))
        {
            return self.broken(Law::AfterTheEnd, Some(client));
        }
        match output {
            Output::Completed(call, result) => self.completed(client, *call, result),
            Output::Notified(call, Notice::Fired(event)) => self.notified(client, *call, event),
            Output::Notified(call, Notice::Gap { since }) => {
                let since = Zxid(since.raw());
                self.trace.note(&since.0);
                self.marks.sometimes(true, Mark::GapTold);
                let told = self.clients[client].lasting.gap(*call, since);
                self.unless_wiped(client, told);
            }
            Output::Notified(call, Notice::Ended(_)) => {
                let own = &mut self.clients[client];
                own.users.watches.retain(|other| other != call);
                if !own.watching.is_set(*call) && !own.lasting.is_set(*call) {
                    return self.broken(Law::EventTwice, Some(client));
                }
                self.forget_watch(client, *call);
            }
            Output::State(state) => self.entered(client, *state),
            Output::Connect(..) | Output::Disconnect(_) => {}
        }
    }

    fn notified(&mut self, client: usize, call: CallId, event: &WatchEvent) {
        self.trace.note(event);
        let path = event.path.as_str();
        let own = &mut self.clients[client];
        let resuming = !own.session.state().is_connected();
        let kind = Event::of(event.kind.raw());
        let told = if own.lasting.is_set(call) {
            let told = kind.and_then(|kind| own.lasting.told(call, kind, path));
            told.unwrap_or(Err(Law::LastingIsWrong))
        } else {
            self.marks.sometimes(own.lasting.stands(path), Mark::ServedByLasting);
            self.marks.sometimes(resuming, Mark::CaughtUp);
            own.users.watches.retain(|own| *own != call);
            own.watching.fired(call, path, &self.truth)
        };
        self.unless_wiped(client, told);
    }

    /// What the servers have forgotten is no evidence.
    fn unless_wiped(&mut self, client: usize, lawful: Result<(), Law>) {
        if let Err(law) = lawful
            && self.truth.wipes == 0
        {
            self.broken(law, Some(client));
        }
    }

    /// Nobody waits for what this call would watch.
    pub(super) fn forget_watch(&mut self, client: usize, call: CallId) {
        let own = &mut self.clients[client];
        own.watching.forget(call);
        own.lasting.forget(call);
    }

    fn completed(&mut self, client: usize, call: CallId, result: &Result<Answer, Error>) {
        let verdict = match result {
            Ok(answer) => Verdict::Ok(Zxid(answer.zxid.raw())),
            Err(error) => Verdict::of(*error),
        };
        self.trace.note(&(call, result.as_ref().err()));
        self.keeps_promises(client, call, result);
        self.tell_truth(client, call, verdict);
        let session = self.clients[client].session.id();
        self.diary.completed(self.life(client), call, session, result, self.now);
        let seen = Zxid(self.clients[client].observed.zxid);
        // The answer to a credential shows no state.
        let shows = |answer: &&Answer| !matches!(answer.reply, Reply::Auth(()));
        if let Some(answer) = result.as_ref().ok().filter(shows) {
            let zxid = answer.zxid.raw();
            self.trace.note(&zxid);
            if zxid < seen.0 {
                return self.broken(Law::TimeGoesBack, Some(client));
            }
            self.clients[client].observed.zxid = zxid;
            self.marks.sometimes(Zxid(zxid) < self.truth.head.applied(), Mark::StaleRead);
            let own = &self.clients[client];
            let is_late = own.watching.is_late(Zxid(zxid)) || own.lasting.is_late(Zxid(zxid));
            if self.truth.wipes == 0 && is_late {
                return self.broken(Law::EventBeforeData, Some(client));
            }
        }
        let until = Zxid(self.clients[client].session.last_zxid().raw());
        let own = &mut self.clients[client];
        let at = result.as_ref().ok().map(|it| Zxid(it.zxid.raw()));
        if let Some(path) = own.lasting.answered(call, at, &self.truth.feed) {
            own.watching.refused(path);
        }
        match result {
            Ok(answer) => {
                let at = Zxid(answer.zxid.raw());
                own.watching.set(call, true, (at, at), &self.truth);
            }
            Err(Error::Server(Code::NoNode)) => own.watching.set(call, false, (seen, until), &self.truth),
            Err(_) => own.watching.not_set(call),
        }
    }

    /// Books what a caller was told.
    pub(super) fn tell_truth(&mut self, client: usize, call: CallId, verdict: Verdict) {
        let life = self.life(client);
        self.marks.sometimes(verdict == Verdict::NotSent, Mark::NotSent);
        let moment = self.moment_of(client, verdict);
        match self.truth.told(life, call, verdict, moment) {
            Ok(applied) => {
                self.marks.sometimes(applied == Some(true), Mark::MaybeApplied);
                self.marks.sometimes(applied == Some(false), Mark::MaybeLost);
            }
            Err(law) => self.broken(law, Some(client)),
        }
    }

    /// When the caller knew. The first call that a lost connection ends tells of the others that end with it.
    fn moment_of(&mut self, client: usize, verdict: Verdict) -> u64 {
        self.moments += 1;
        if !matches!(verdict, Verdict::NotSent | Verdict::Unknown) {
            return self.moments;
        }
        let lost = &mut self.clients[client].observed.lost;
        if lost.0 != self.steps {
            *lost = (self.steps, self.moments);
        }
        lost.1
    }

    fn entered(&mut self, client: usize, state: SessionState) {
        self.trace.note(&state);
        let before = std::mem::replace(&mut self.clients[client].observed.state, state);
        let known = self.clients[client].observed.known;
        let lawful = match (before, state) {
            // The first word of a session that follows another.
            (SessionState::Connecting, SessionState::Connecting) => self.clients[client].life > 0,
            (
                SessionState::Connecting | SessionState::Suspended { .. } | SessionState::LeaseExpired,
                SessionState::Connected { resumed, session, .. },
            ) => resumed == (known == Some(session)),
            (
                SessionState::Connecting | SessionState::Suspended { .. } | SessionState::LeaseExpired,
                SessionState::ReadOnly { .. },
            )
            | (
                SessionState::Connected { .. } | SessionState::ReadOnly { .. },
                SessionState::Suspended { .. } | SessionState::LeaseExpired,
            )
            | (SessionState::Suspended { .. }, SessionState::LeaseExpired)
            | (_, SessionState::Ended(_)) => true,
            _ => false,
        };
        if !lawful {
            return self.broken(Law::StateOrder, Some(client));
        }
        let was_read_only = matches!(before, SessionState::ReadOnly { .. });
        let was_moved = matches!(
            self.clients[client].session.last_fault(),
            Some(Fault::Rebalanced | Fault::FoundReadWrite)
        );
        self.clients[client].observed.has_moved |= was_moved;
        let has_moved = self.clients[client].observed.has_moved;
        let found = self.clients[client].session.last_fault() == Some(&Fault::FoundReadWrite);
        self.marks.sometimes(was_read_only && found, Mark::ReadWriteFound);
        match state {
            SessionState::Connected { timeout, resumed, session } => {
                self.clients[client].observed.timeout = timeout;
                self.clients[client].observed.known = Some(session);
                self.marks.sometimes(resumed, Mark::Resumed);
                self.linked(client);
            }
            SessionState::ReadOnly { timeout, session } => {
                self.clients[client].observed.timeout = timeout;
                self.marks.sometimes(true, Mark::ReadOnlyEntered);
                if !self.clients[client].config.read_only {
                    return self.broken(Law::ReadOnlyUnasked, Some(client));
                }
                self.clients[client].observed.known = Some(session);
                self.linked(client);
            }
            SessionState::Suspended { .. }
                if self.plan.is_calm() && !self.is_healing && !was_read_only && !has_moved =>
            {
                self.broken(Law::Disturbed, Some(client));
            }
            SessionState::Ended(ended) => self.over(client, ended),
            // What else there is asks for nothing.
            SessionState::Suspended { .. } | SessionState::LeaseExpired | SessionState::Connecting | _ => {}
        }
    }

    fn linked(&mut self, client: usize) {
        let Some((id, wire)) = self.main_wire(client) else { return };
        let (server, restored) = (wire.server, wire.restored);
        self.clients[client].observed.beckoned = None;
        // A lease that is good again needs no other connection.
        let before = self.clients[client].observed.link.replace((id, server));
        let is_other = before.is_some_and(|(before, _)| before != id);
        self.marks.sometimes(before.is_some_and(|(_, before)| before != server), Mark::Moved);
        if is_other && let Some(tree) = self.ensemble.tree(server) {
            let missed = self.clients[client].watching.restored(tree);
            self.marks.sometimes(missed, Mark::MissedCreation);
        }
        let linked = self.clients[client].lasting.linked(restored);
        self.unless_wiped(client, linked);
    }

    fn over(&mut self, client: usize, ended: Ended) {
        let Observed { heard_linked, timeout, .. } = self.clients[client].observed;
        let session = SessionId(self.clients[client].session.id().raw());
        let told = self.clients[client].observed.told_over;
        let is_over = told || self.truth.ended_at(session).is_some() || self.truth.wipes > 0;
        let is_outlasted = self.local(client) >= heard_linked + timeout * 4 / 3;
        let is_expired = ended == Ended::Expired;
        self.marks.sometimes(is_expired && !is_outlasted, Mark::Expired);
        self.marks.sometimes(is_expired && is_outlasted, Mark::Outlasted);
        if is_expired && !is_over && !is_outlasted {
            return self.broken(Law::ExpiryTooSoon, Some(client));
        }
        self.marks.sometimes(ended == Ended::AuthFailed, Mark::AuthFailed);
        if ended == Ended::AuthFailed && !self.clients[client].observed.told_no {
            return self.broken(Law::AuthFailedUnasked, Some(client));
        }
        if !self.truth.is_settled(self.life(client)) {
            self.broken(Law::ToldNever, Some(client));
        }
    }

    /// What must be when a client has done what time asks for.
    pub(super) fn check_timers(&mut self, client: usize) {
        let now = self.local(client);
        let own = &self.clients[client];
        let Observed { heard, timeout, state, closing, .. } = own.observed;
        if timeout.is_zero() || matches!(state, SessionState::Ended(_)) {
            return;
        }
        let holds = |locker: &super::users::Locker| matches!(locker.aim, Aim::Holding(_));
        if own.users.lockers.iter().any(holds) && now > own.session.lease_end() {
            return self.broken(Law::LapseIsTold, Some(client));
        }
        if is_linked(state) && now > heard + timeout * 2 / 3 {
            return self.broken(Law::SilenceIsTold, Some(client));
        }
        if now > heard + timeout * 4 / 3 {
            return self.broken(Law::ExpiryIsTold, Some(client));
        }
        if closing.is_some_and(|closing| now > closing + timeout) {
            self.broken(Law::CloseTakesTooLong, Some(client));
        }
    }

    /// Reads what was committed, and holds the clients to it.
    pub(super) fn read_log(&mut self) {
        let fresh: Vec<Txn> = self.ensemble.committed_after(self.truth.head.applied()).cloned().collect();
        for txn in fresh {
            self.trace.note(&txn.zxid.0);
            self.trace.line(|| format!("log {:#x} {:x} {:?}", txn.zxid.0, txn.session.0, txn.write));
            let frame = self.ensemble.origin(txn.zxid);
            let read = self.truth.read(&txn, frame, self.now);
            match read {
                Ok((from, is_late)) => {
                    self.marks.sometimes(is_late, Mark::LateCommit);
                    self.triggered(from);
                }
                Err(law) => self.broken(law, None),
            }
            if txn.write == Write::CloseSession {
                self.check_leases(txn.session);
            }
        }
    }

    /// What stands in the feed from there on has just happened.
    fn triggered(&mut self, from: usize) {
        for (zxid, trigger) in self.truth.feed.get(from..).unwrap_or_default() {
            if trigger.event == Event::Created
                && trigger.path.starts_with("/locks/")
                && let Some(node) = self.truth.head.node(&trigger.path)
                && let Kind::Ephemeral(session) = node.kind
            {
                self.contenders.insert(node.created.0, session);
            }
            for client in &mut self.clients {
                client.watching.triggered(trigger, *zxid);
                client.lasting.triggered(trigger, *zxid);
            }
        }
    }

    /// A session has ended: no guard of it may be valid.
    fn check_leases(&mut self, session: SessionId) {
        let holds = |aim: Aim| matches!(aim, Aim::Holding(fence) if !self.meddled.contains(&fence.raw()));
        let is_its = |client: &super::Client| {
            client.is_up && client.session.id().raw() == session.0 && client.observed.closing.is_none()
        };
        let is_valid = |client: &super::Client| {
            is_its(client)
                && client.users.lockers.iter().any(|locker| holds(locker.aim))
                && self.is_sure(client)
                && client.clock.local(self.now) < client.session.lease_end()
        };
        let is_proven = |client: &super::Client| {
            is_its(client)
                && client.session.proven_until().is_some_and(|until| client.clock.local(self.now) < until)
        };
        if self.truth.wipes > 0 {
            return;
        }
        let broken = self.clients.iter().position(is_valid);
        if broken.is_some() && self.plan.keeps_the_assumptions() {
            return self.broken(Law::LeaseOutlivesSession, broken);
        }
        let broken = self.clients.iter().position(is_proven);
        if broken.is_some() && self.plan.pings_are_steady() {
            self.broken(Law::ProofOutlivesSession, broken);
        }
    }

    /// Whether the lease of this client is what it says. One that is kept by pings is not, where servers go on answering
    /// them without a leader.
    pub(super) fn is_sure(&self, client: &super::Client) -> bool {
        client.config.keep_alive != KeepAlive::Ping || !self.plan.overrates_pings()
    }

    /// Hands bytes to a client.
    pub(super) fn deliver(&mut self, client: usize, conn: zk_session::ConnId, bytes: &[u8]) {
        let now = self.local(client);
        self.trace.line(|| format!("client {client} <- {} bytes", bytes.len()));
        let is_probe = self.main_wire(client).is_none_or(|(_, wire)| wire.conn != conn);
        let own = &mut self.clients[client];
        let is_linked = is_linked(own.observed.state) && !is_probe;
        if !is_probe {
            own.observed.heard = now;
        } else if bytes.starts_with(b"rw") {
            own.observed.beckoned = Some(now);
        }
        if is_linked {
            own.observed.heard_linked = now;
        }
        let is_over = self.truth.ended_at(SessionId(own.session.id().raw())).is_some();
        self.marks.sometimes(is_linked && is_over, Mark::AckedAfterExpiry);
        own.session.receive_buffer(conn).extend_from_slice(bytes);
        self.input(client, Input::Received(conn));
    }
}

/// Whether a session is linked to a server, whatever that can do.
pub(super) const fn is_linked(state: SessionState) -> bool {
    matches!(state, SessionState::Connected { .. } | SessionState::ReadOnly { .. })
}
