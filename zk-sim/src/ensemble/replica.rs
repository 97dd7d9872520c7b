//! One server of an ensemble: what it does in any role. What belongs to one role stands in the file of that role.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::following::Following;
use super::leading::Leading;
use super::looking::Looking;
use super::message::{Kind, Message};
use super::{Input, Output, Setup};
use crate::config::Config;
use crate::log::Log;
use crate::peer::{Errand, Origin, Peer, Proposal, Role};
use crate::tree::Tree;
use crate::{Millis, ServerId, Zxid, server};

/// What all servers share.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) setup: Setup,
    pub(super) log: Log,
    pub(super) outputs: VecDeque<Output>,
    /// Which request each transaction comes from.
    pub(super) origins: BTreeMap<Zxid, Origin>,
    /// Counts leaderships.
    pub(super) term: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub(super) id: ServerId,
    pub(super) peer: Peer,
    pub(super) state: State,
    /// Committed, to be applied or answered in this order.
    pub(super) due: VecDeque<Due>,
    lag_until: Millis,
    /// The last leadership that it was part of: it does not go back to an earlier one.
    pub(super) accepted: u64,
    /// The last write it was told to remember, and under which leadership.
    pub(super) remembered: (u64, u64),
    /// What it has proposed in its last leadership, of the term, and is not committed.
    pub(super) proposed: VecDeque<Proposed>,
    pub(super) proposed_term: u64,
}

#[derive(Clone, Debug)]
pub(super) enum State {
    Down,
    Looking(Looking),
    Leading(Leading),
    Following(Following),
}

#[derive(Clone, Debug)]
pub(super) enum Due {
    Apply(Zxid, Option<Origin>),
    Synced(Origin),
}

/// A write that is not committed.
#[derive(Clone, Debug)]
pub(super) struct Proposed {
    pub(super) number: u64,
    /// Whose client has asked.
    pub(super) from: ServerId,
    pub(super) proposal: Proposal,
    pub(super) acks: BTreeSet<ServerId>,
    /// The syncs that were asked for after it.
    pub(super) syncs: Vec<(ServerId, Origin)>,
}

/// What the electors of a new leader have heard of, of what the last one had proposed.
pub(super) fn legacy(replicas: &mut [Replica], electors: &BTreeSet<ServerId>) -> Vec<Proposal> {
    let term = replicas.iter().map(|replica| replica.proposed_term).max().unwrap_or_default();
    let is_elector = |replica: &&Replica| electors.contains(&replica.id);
    let heard = |replica: &Replica| match replica.remembered {
        _ if replica.proposed_term == term => u64::MAX,
        (under, number) if under == term => number,
        _ => 0,
    };
    let heard = replicas.iter().filter(is_elector).map(heard).max().unwrap_or_default();
    let mut legacy = Vec::new();
    for replica in replicas {
        let proposed = std::mem::take(&mut replica.proposed);
        if replica.proposed_term == term {
            legacy.extend(proposed.into_iter().filter(|it| it.number <= heard).map(|it| it.proposal));
        }
    }
    legacy
}

impl Common {
    /// Gives a write its place in the log.
    pub(super) fn commit(&mut self, proposal: Proposal, now: Millis) -> Zxid {
        let Proposal { origin, session, identities, write } = proposal;
        let zxid = self.log.append(now, session, identities.into(), write).zxid;
        self.origins.extend(origin.map(|origin| (zxid, origin)));
        zxid
    }
}

impl Replica {
    pub(super) fn new(id: ServerId, common: &Common, now: Millis) -> Self {
        let config = Config { server_id: id.0, ..common.setup.server.clone() };
        Self {
            id,
            peer: Peer::new(config, Role::Looking, now),
            state: State::Looking(Looking::new(now)),
            due: VecDeque::new(),
            lag_until: Millis(0),
            accepted: 0,
            remembered: (0, 0),
            proposed: VecDeque::new(),
            proposed_term: 0,
        }
    }

    pub(super) const fn id(&self) -> ServerId {
        self.id
    }

    pub(super) const fn tree(&self) -> &Tree {
        self.peer.tree()
    }

    pub(super) const fn role(&self) -> Option<Role> {
        match self.state {
            State::Down => None,
            State::Looking(_) | State::Leading(_) | State::Following(_) => Some(self.peer.role()),
        }
    }

    pub(super) const fn lag(&mut self, until: Millis) {
        self.lag_until = until;
    }

    pub(super) const fn throttle(&mut self, count: u32) {
        self.peer.throttle(count);
    }

    pub(super) const fn votes(&self, common: &Common) -> bool {
        self.id.0 <= common.setup.voters
    }

    pub(super) fn handle(&mut self, common: &mut Common, input: Input<'_>, now: Millis) {
        if matches!(self.state, State::Down) {
            return;
        }
        self.advance(common, now);
        match input {
            Input::Client(server::Input::Connected(conn, address)) => self.peer.connected(conn, address),
            Input::Client(server::Input::Received(conn, bytes)) => self.peer.receive(conn, bytes),
            Input::Client(server::Input::Disconnected(conn)) => self.peer.forget(conn),
            Input::Client(server::Input::Timeout) => {}
            Input::Message(from, message) => self.hear(common, from, message, now),
        }
        self.run(common, now);
    }

    pub(super) fn poll_timeout(&self, common: &Common) -> Option<Millis> {
        let due = (!self.due.is_empty()).then_some(self.lag_until);
        let role = match &self.state {
            State::Down => return None,
            State::Looking(looking) => looking.next(common, self.peer.role()),
            State::Leading(leading) => leading.next(common),
            State::Following(following) => following.next(common),
        };
        Some(due.map_or(role, |due| due.min(role)))
    }

    pub(super) fn crash(&mut self, common: &mut Common, machine: bool) {
        if !machine && !matches!(self.state, State::Down) {
            self.say_goodbye(common);
        }
        self.peer.crash();
        self.due.clear();
        self.state = State::Down;
    }

    pub(super) fn wipe(&mut self) {
        self.peer.wipe();
        self.proposed.clear();
        (self.accepted, self.remembered) = (0, (0, 0));
    }

    pub(super) fn start(&mut self, now: Millis) {
        if matches!(self.state, State::Down) {
            self.state = State::Looking(Looking::new(now));
        }
    }

    /// Serves nobody any more, and looks for a leader.
    pub(super) fn look(&mut self, common: &mut Common, now: Millis) {
        self.say_goodbye(common);
        self.state = State::Looking(Looking::new(now));
        self.peer.become_role(Role::Looking);
        self.due.clear();
    }

    pub(super) fn say(&self, common: &mut Common, to: ServerId, term: u64, kind: Kind) {
        let message = Message { term, kind };
        common.outputs.push_back(Output::Message { from: self.id, to, message });
    }

    pub(super) fn others(&self, common: &Common) -> impl Iterator<Item = ServerId> + use<> {
        let own = self.id;
        let servers = common.setup.voters.saturating_add(common.setup.observers);
        (1..=servers).map(ServerId).filter(move |id| *id != own)
    }

    /// Applies the log up to `zxid` without answering anybody.
    pub(super) fn catch_up(&mut self, common: &Common, zxid: Zxid) {
        for txn in common.log.after(self.peer.tree().applied()).take_while(|txn| txn.zxid <= zxid) {
            self.peer.deliver(txn, None);
        }
    }

    fn say_goodbye(&self, common: &mut Common) {
        let heirs: Vec<ServerId> = match &self.state {
            State::Leading(leading) => leading.followers().collect(),
            State::Following(following) => vec![following.leader],
            State::Down | State::Looking(_) => vec![],
        };
        for to in heirs {
            self.say(common, to, self.term(), Kind::Goodbye);
        }
    }

    /// The leadership it is part of.
    pub(super) const fn term(&self) -> u64 {
        match &self.state {
            State::Down | State::Looking(_) => 0,
            State::Leading(leading) => leading.term,
            State::Following(following) => following.term,
        }
    }

    fn advance(&mut self, common: &mut Common, now: Millis) {
        match &self.state {
            State::Down => {}
            State::Looking(_) => self.keep_looking(common, now),
            State::Leading(_) => self.keep_leading(common, now),
            State::Following(_) => self.keep_following(common, now),
        }
    }

    fn hear(&mut self, common: &mut Common, from: ServerId, message: Message, now: Millis) {
        let Message { term, kind } = message;
        match (&self.state, kind) {
            (State::Looking(_), kind) => self.hear_looking(common, from, term, &kind, now),
            (State::Leading(leading), Kind::Vote(..)) => {
                let term = leading.term;
                self.say(common, from, term, Kind::Lead);
            }
            (State::Leading(leading), kind) if leading.term == term => {
                self.hear_leading(common, from, kind, now);
            }
            (State::Following(following), kind) if following.term == term && following.leader == from => {
                self.hear_following(common, kind, now);
            }
            (State::Down | State::Leading(_) | State::Following(_), _) => {}
        }
    }

    /// Does what is not for the peer to decide, until nothing is left, and hands out what the peer says.
    pub(super) fn run(&mut self, common: &mut Common, now: Millis) {
        loop {
            if let Some(errand) = self.peer.errand() {
                self.settle(common, errand, now);
            } else if now >= self.lag_until
                && let Some(due) = self.due.pop_front()
            {
                self.carry_out(common, due);
            } else {
                break;
            }
        }
        while let Some(output) = self.peer.poll() {
            common.outputs.push_back(Output::Client(self.id, output));
        }
    }

    fn settle(&mut self, common: &mut Common, errand: Errand, now: Millis) {
        match &self.state {
            State::Leading(leading) if leading.is_established() => self.settle_leading(common, errand, now),
            State::Following(following) if following.serves => self.settle_following(common, errand),
            State::Down | State::Looking(_) | State::Leading(_) | State::Following(_) => {}
        }
    }

    fn carry_out(&mut self, common: &Common, due: Due) {
        match due {
            Due::Synced(origin) => self.peer.synced(origin),
            Due::Apply(zxid, origin) => {
                for txn in common.log.after(self.peer.tree().applied()).take_while(|txn| txn.zxid <= zxid) {
                    self.peer.deliver(txn, origin.filter(|_| txn.zxid == zxid));
                }
            }
        }
    }
}
