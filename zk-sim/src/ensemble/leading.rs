//! A server that orders the writes, decides on the life of sessions, and pings its followers.

use std::collections::{BTreeMap, BTreeSet};

use super::message::Kind;
use super::replica::{Common, Due, Proposed, Replica, State};
use crate::peer::{Errand, Origin, Proposal, Role};
use crate::server::of_the_server;
use crate::sessions::Sessions;
use crate::txn::Write;
use crate::{ConnId, Millis, ServerId, SessionId};

#[derive(Clone, Debug)]
pub(super) struct Leading {
    pub(super) term: u64,
    since: Millis,
    /// When each was heard last.
    followers: BTreeMap<ServerId, Millis>,
    /// From the moment when a majority follows.
    established: Option<Office>,
    next_ping: Millis,
    next_number: u64,
}

/// What a leader does once it has a majority.
#[derive(Clone, Debug)]
struct Office {
    sessions: Sessions,
    next_reap: Millis,
}

impl Leading {
    pub(super) const fn is_established(&self) -> bool {
        self.established.is_some()
    }

    pub(super) fn followers(&self) -> impl Iterator<Item = ServerId> {
        self.followers.keys().copied()
    }

    pub(super) fn next(&self, common: &Common) -> Millis {
        let Some(office) = &self.established else {
            return self.since.plus(ticks(common, common.setup.init_limit)).min(self.next_ping);
        };
        let expiry = office.sessions.next_deadline().unwrap_or(office.next_reap);
        expiry.min(office.next_reap).min(self.next_ping)
    }

    /// Whether those voters are a majority together with the leader.
    fn is_majority(common: &Common, others: impl Iterator<Item = ServerId>) -> bool {
        let voters = others.filter(|id| id.0 <= common.setup.voters).count();
        voters + 1 > usize::from(common.setup.voters / 2)
    }
}

pub(super) fn ticks(common: &Common, count: u32) -> u64 {
    u64::from(common.setup.server.tick_ms) * u64::from(count)
}

/// Half a tick.
fn half_tick(common: &Common) -> u64 {
    u64::from(common.setup.server.tick_ms / 2).max(1)
}

impl Replica {
    /// Calls for followers.
    pub(super) fn lead(&mut self, common: &mut Common, now: Millis) {
        let term = common.term;
        self.state = State::Leading(Leading {
            term,
            since: now,
            followers: BTreeMap::new(),
            established: None,
            next_ping: now,
            next_number: 1,
        });
        self.peer.become_role(Role::Looking);
        for to in self.others(common) {
            self.say(common, to, term, Kind::Lead);
        }
    }

    /// Those who follow it, itself included, if they are a majority and it is not in office.
    pub(super) fn electors(&self, common: &Common) -> Option<BTreeSet<ServerId>> {
        let State::Leading(leading) = &self.state else { return None };
        let is_ready = !leading.is_established() && Leading::is_majority(common, leading.followers());
        is_ready.then(|| leading.followers().chain([self.id]).collect())
    }

    pub(super) fn keep_leading(&mut self, common: &mut Common, now: Millis) {
        let State::Leading(leading) = &mut self.state else { return };
        let patience = ticks(common, common.setup.sync_limit);
        let heard = leading.followers.iter().filter(|(_, heard)| now.since(**heard) < patience);
        let has_majority = Leading::is_majority(common, heard.map(|(id, _)| *id));
        let is_late = now.since(leading.since) >= ticks(common, common.setup.init_limit);
        if !has_majority && (leading.is_established() || is_late) {
            return self.look(common, now);
        }
        if now >= leading.next_ping {
            leading.next_ping = now.plus(half_tick(common));
            self.tell_followers(common, &Kind::Ping);
        }
        self.end_what_is_over(common, now);
    }

    pub(super) fn hear_leading(&mut self, common: &mut Common, from: ServerId, kind: Kind, now: Millis) {
        let State::Leading(leading) = &mut self.state else { return };
        if kind != Kind::Follow
            && let Some(heard) = leading.followers.get_mut(&from)
        {
            *heard = now;
        }
        match kind {
            Kind::Follow => {
                leading.followers.insert(from, now);
                if leading.is_established() {
                    let term = leading.term;
                    self.bring_up_to_date(common, from, term);
                }
            }
            Kind::Goodbye => {
                leading.followers.remove(&from);
            }
            Kind::Ack(number) => self.acknowledged(common, from, number, now),
            Kind::Pong(touched) => {
                if let Some(office) = &mut leading.established {
                    for (session, timeout_ms) in touched {
                        office.sessions.touch(session, timeout_ms, now);
                    }
                }
            }
            Kind::Forward(proposal) => self.propose(common, from, proposal, now),
            Kind::Sync(origin) => self.sync(common, from, origin),
            Kind::Renew { conn, session, timeout_ms } => {
                let lives = self.renew(from, session, timeout_ms, now);
                self.say(common, from, self.term(), Kind::Renewed { conn, lives });
            }
            Kind::Vote(..)
            | Kind::Lead
            | Kind::UpToDate(_)
            | Kind::Propose(_)
            | Kind::Commit(..)
            | Kind::Ping
            | Kind::Synced(_)
            | Kind::Renewed { .. } => {}
        }
    }

    pub(super) fn settle_leading(&mut self, common: &mut Common, errand: Errand, now: Millis) {
        match errand {
            Errand::Propose(proposal) => self.propose(common, self.id, proposal, now),
            Errand::Sync(origin) => self.sync(common, self.id, origin),
            Errand::Renew { conn, session, timeout_ms } => self.renew_own(conn, session, timeout_ms, now),
            Errand::Touch(session, timeout_ms) => {
                if let Some(office) = self.office() {
                    office.sessions.touch(session, timeout_ms, now);
                }
            }
        }
    }

    /// Writes for a session without a connection, if it leads.
    pub(super) fn administer(&mut self, common: &mut Common, session: SessionId, write: Write, now: Millis) {
        if self.office().is_some() {
            self.propose(common, self.id, of_the_server(session, write), now);
            self.run(common, now);
        }
    }

    const fn office(&mut self) -> Option<&mut Office> {
        match &mut self.state {
            State::Leading(leading) => leading.established.as_mut(),
            State::Down | State::Looking(_) | State::Following(_) => None,
        }
    }

    fn tell_followers(&self, common: &mut Common, kind: &Kind) {
        let State::Leading(leading) = &self.state else { return };
        for to in leading.followers() {
            self.say(common, to, leading.term, kind.clone());
        }
    }

    fn bring_up_to_date(&self, common: &mut Common, follower: ServerId, term: u64) {
        self.say(common, follower, term, Kind::UpToDate(common.log.last()));
        for proposed in &self.proposed {
            self.say(common, follower, term, Kind::Propose(proposed.number));
        }
    }

    /// With a majority behind it, a leader commits what that has heard of, and begins to serve. Every session has its whole
    /// timeout again.
    pub(super) fn take_office(&mut self, common: &mut Common, legacy: Vec<Proposal>, now: Millis) {
        for proposal in legacy {
            common.commit(proposal, now);
        }
        common.log.begin_epoch();
        self.catch_up(common, common.log.last());
        let mut sessions = Sessions::new(common.setup.server.tick_ms);
        for (session, timeout_ms) in self.peer.tree().sessions() {
            sessions.open(session, timeout_ms, None, now);
        }
        let next_reap = now.plus(common.setup.server.reap_interval_ms);
        let State::Leading(leading) = &mut self.state else { return };
        leading.established = Some(Office { sessions, next_reap });
        let (term, followers) = (leading.term, leading.followers().collect::<Vec<_>>());
        // Whoever has called in vain may still follow another.
        (self.accepted, self.proposed_term) = (term, term);
        self.peer.become_role(Role::Leader);
        for follower in followers {
            self.bring_up_to_date(common, follower, term);
        }
    }

    fn end_what_is_over(&mut self, common: &mut Common, now: Millis) {
        while let Some(session) = self.office().and_then(|office| office.sessions.expired(now)) {
            self.propose(common, self.id, of_the_server(session, Write::CloseSession), now);
        }
        let interval = common.setup.server.reap_interval_ms;
        if let Some(office) = self.office().filter(|office| now >= office.next_reap) {
            office.next_reap = now.plus(interval);
            for path in self.peer.tree().reapable(now) {
                self.propose(common, self.id, of_the_server(SessionId(0), Write::Reap { path }), now);
            }
        }
    }

    /// A session goes on at a server. Whether it lives.
    fn renew(&mut self, at: ServerId, session: SessionId, timeout_ms: u32, now: Millis) -> bool {
        let Some(office) = self.office() else { return false };
        let lives = office.sessions.renew(session, timeout_ms, at, now);
        if lives && at != self.id {
            self.peer.moved(session);
        }
        lives
    }

    fn renew_own(&mut self, conn: ConnId, session: SessionId, timeout_ms: u32, now: Millis) {
        let lives = self.renew(self.id, session, timeout_ms, now);
        self.peer.renewed(conn, lives);
    }

    /// Gives a write its number, unless its session has no right to it; that is written down as well.
    fn propose(&mut self, common: &mut Common, from: ServerId, proposal: Proposal, now: Millis) {
        let mut proposal = proposal;
        let Some(office) = self.office() else { return };
        let session = proposal.session;
        if let Write::OpenSession { timeout_ms } = proposal.write {
            office.sessions.open(session, timeout_ms, Some(from), now);
        } else if proposal.origin.is_some()
            && let Err(code) = office.sessions.claim(session, from)
        {
            proposal.write = Write::Refused(code);
        }
        if proposal.write == Write::CloseSession {
            office.sessions.close(session);
        }
        let State::Leading(leading) = &mut self.state else { return };
        let number = leading.next_number;
        leading.next_number += 1;
        let acks = BTreeSet::from([self.id]);
        self.proposed.push_back(Proposed { number, from, proposal, acks, syncs: vec![] });
        self.tell_followers(common, &Kind::Propose(number));
        self.commit_what_can_be(common, now);
    }

    fn acknowledged(&mut self, common: &mut Common, from: ServerId, number: u64, now: Millis) {
        for proposed in self.proposed.iter_mut().filter(|proposed| proposed.number == number) {
            proposed.acks.insert(from);
        }
        self.commit_what_can_be(common, now);
    }

    fn commit_what_can_be(&mut self, common: &mut Common, now: Millis) {
        let own = self.id;
        while let Some(first) = self.proposed.front()
            && Leading::is_majority(common, first.acks.iter().copied().filter(|id| *id != own))
            && let Some(Proposed { from, proposal, syncs, .. }) = self.proposed.pop_front()
        {
            let origin = proposal.origin;
            let zxid = common.commit(proposal, now);
            let State::Leading(leading) = &self.state else { return };
            for to in leading.followers() {
                self.say(common, to, leading.term, Kind::Commit(zxid, origin.filter(|_| to == from)));
            }
            self.due.push_back(Due::Apply(zxid, origin.filter(|_| from == own)));
            for (at, origin) in syncs {
                self.synced(common, at, origin);
            }
        }
    }

    fn sync(&mut self, common: &mut Common, from: ServerId, origin: Origin) {
        match self.proposed.back_mut() {
            Some(last) => last.syncs.push((from, origin)),
            None => self.synced(common, from, origin),
        }
    }

    fn synced(&mut self, common: &mut Common, at: ServerId, origin: Origin) {
        if at == self.id {
            self.due.push_back(Due::Synced(origin));
        } else {
            self.say(common, at, self.term(), Kind::Synced(origin));
        }
    }
}
