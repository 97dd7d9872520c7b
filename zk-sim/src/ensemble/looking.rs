//! A server without a leader. It asks around; who has heard a majority, and is the furthest of them, leads.

use std::collections::BTreeMap;

use super::following::Following;
use super::message::Kind;
use super::replica::{Common, Replica, State};
use crate::peer::Role;
use crate::{Millis, ServerId, Zxid};

#[derive(Clone, Debug)]
pub(super) struct Looking {
    since: Millis,
    next_vote: Millis,
    /// How far others without a leader are, and when they said so.
    votes: BTreeMap<ServerId, (Zxid, Millis)>,
}

impl Looking {
    pub(super) const fn new(now: Millis) -> Self {
        Self { since: now, next_vote: now, votes: BTreeMap::new() }
    }

    pub(super) fn next(&self, common: &Common, role: Role) -> Millis {
        let read_only = common.setup.read_only_after_ms.filter(|_| role == Role::Looking);
        read_only.map_or(self.next_vote, |after| self.next_vote.min(self.since.plus(after)))
    }
}

impl Replica {
    pub(super) fn keep_looking(&mut self, common: &mut Common, now: Millis) {
        let State::Looking(looking) = &mut self.state else { return };
        let is_long = common.setup.read_only_after_ms.is_some_and(|after| now.since(looking.since) >= after);
        let votes = now >= looking.next_vote;
        if votes {
            looking.next_vote = now.plus(common.setup.election_ms);
        }
        if is_long && self.peer.role() == Role::Looking {
            self.peer.become_role(Role::ReadOnly);
        }
        if votes {
            let applied = self.peer.tree().applied();
            for to in self.others(common) {
                self.say(common, to, 0, Kind::Vote(applied, now));
            }
        }
    }

    pub(super) fn hear_looking(
        &mut self,
        common: &mut Common,
        from: ServerId,
        term: u64,
        kind: &Kind,
        now: Millis,
    ) {
        let State::Looking(looking) = &mut self.state else { return };
        if let Kind::Vote(zxid, said) = kind {
            looking.votes.insert(from, (*zxid, *said));
        }
        if *kind == Kind::Lead && term >= self.accepted {
            self.accepted = term;
            self.state = State::Following(Following::new(from, term, now));
            self.peer.become_role(Role::Looking);
            self.say(common, from, term, Kind::Follow);
        }
    }

    /// Whether it has heard a majority for long enough, and nobody of it is further than itself.
    pub(super) fn is_elected(&self, common: &Common, now: Millis) -> bool {
        let State::Looking(looking) = &self.state else { return false };
        if !self.votes(common) || now.since(looking.since) < common.setup.election_ms {
            return false;
        }
        let is_recent = |said: &Millis| now.since(*said) <= 2 * common.setup.election_ms;
        let others =
            looking.votes.iter().filter(|(id, (_, said))| id.0 <= common.setup.voters && is_recent(said));
        let others: Vec<(Zxid, ServerId)> = others.map(|(id, (zxid, _))| (*zxid, *id)).collect();
        let own = (self.peer.tree().applied(), self.id);
        others.len() + 1 > usize::from(common.setup.voters / 2) && others.iter().all(|other| *other < own)
    }
}
