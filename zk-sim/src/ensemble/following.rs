//! A server that has a leader: it hands on what its clients write, and applies what it is told.

use std::collections::BTreeMap;

use super::leading::ticks;
use super::message::Kind;
use super::replica::{Common, Due, Replica, State};
use crate::peer::{Errand, Role};
use crate::{Millis, ServerId, SessionId};

#[derive(Clone, Debug)]
pub(super) struct Following {
    pub(super) leader: ServerId,
    pub(super) term: u64,
    /// When the leader was heard last.
    heard: Millis,
    /// Whether it is up to date, and so has clients.
    pub(super) serves: bool,
    /// The sessions that were heard since the leader asked last. Until it asks again it knows nothing of them.
    touched: BTreeMap<SessionId, u32>,
}

impl Following {
    pub(super) const fn new(leader: ServerId, term: u64, now: Millis) -> Self {
        Self { leader, term, heard: now, serves: false, touched: BTreeMap::new() }
    }

    pub(super) fn next(&self, common: &Common) -> Millis {
        self.heard.plus(self.patience(common))
    }

    fn patience(&self, common: &Common) -> u64 {
        ticks(common, if self.serves { common.setup.sync_limit } else { common.setup.init_limit })
    }
}

impl Replica {
    pub(super) fn keep_following(&mut self, common: &mut Common, now: Millis) {
        if let State::Following(following) = &self.state
            && now >= following.next(common)
        {
            self.look(common, now);
        }
    }

    pub(super) fn hear_following(&mut self, common: &mut Common, kind: Kind, now: Millis) {
        let State::Following(following) = &mut self.state else { return };
        following.heard = now;
        let (leader, term) = (following.leader, following.term);
        match kind {
            Kind::UpToDate(zxid) => {
                following.serves = true;
                self.catch_up(common, zxid);
                let votes = self.votes(common);
                self.peer.become_role(if votes { Role::Follower } else { Role::Observer });
            }
            Kind::Propose(number) => {
                self.remembered = (term, number);
                self.say(common, leader, term, Kind::Ack(number));
            }
            Kind::Commit(zxid, origin) => self.due.push_back(Due::Apply(zxid, origin)),
            Kind::Ping => {
                let touched = std::mem::take(&mut following.touched).into_iter().collect();
                self.say(common, leader, term, Kind::Pong(touched));
            }
            Kind::Synced(origin) => self.due.push_back(Due::Synced(origin)),
            Kind::Renewed { conn, lives } => self.peer.renewed(conn, lives),
            Kind::Goodbye => self.look(common, now),
            Kind::Vote(..)
            | Kind::Lead
            | Kind::Follow
            | Kind::Ack(_)
            | Kind::Pong(_)
            | Kind::Forward(_)
            | Kind::Sync(_)
            | Kind::Renew { .. } => {}
        }
    }

    pub(super) fn settle_following(&mut self, common: &mut Common, errand: Errand) {
        let State::Following(following) = &mut self.state else { return };
        let (leader, term) = (following.leader, following.term);
        let kind = match errand {
            Errand::Touch(session, timeout_ms) => {
                following.touched.insert(session, timeout_ms);
                return;
            }
            Errand::Propose(proposal) => Kind::Forward(proposal),
            Errand::Sync(origin) => Kind::Sync(origin),
            Errand::Renew { conn, session, timeout_ms } => Kind::Renew { conn, session, timeout_ms },
        };
        self.say(common, leader, term, kind);
    }
}
