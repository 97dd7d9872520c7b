//! What must be when nothing has gone wrong for long, and whether all that was answered was true.

use zk_session::{Ended, SessionState};

use super::World;
use super::faults::Kind;
use super::users::{Aim, directory};
use super::violation::Law;
use crate::{Version, Zxid, check};

impl World {
    /// What must be when nothing has gone wrong for long.
    pub(super) fn check_rest(&mut self) {
        for server in self.ensemble.servers().collect::<Vec<_>>() {
            let role = self.ensemble.role(server);
            self.trace.line(|| format!("{server:?} is {role:?}"));
        }
        for client in 0..self.clients.len() {
            let own = &self.clients[client];
            let refused = matches!(own.observed.state, SessionState::Ended(Ended::AuthFailed));
            if !own.is_up || own.observed.closing.is_some() || refused {
                continue;
            }
            let law = if !own.session.state().is_connected() {
                Law::NotConnected
            } else if !self.truth.is_settled(self.life(client)) {
                Law::CallIsStuck
            } else if (own.watching.is_owed() || own.lasting.is_owed()) && self.truth.wipes == 0 {
                Law::WatchIsLost
            } else if self.has_unwanted_watch(client) {
                Law::WatchStays
            } else {
                continue;
            };
            return self.broken(law, Some(client));
        }
        for number in 0..self.plan.locks {
            if let Some(law) = self.lock_at_rest(number) {
                return self.broken(law, None);
            }
        }
    }

    /// Whether the server of a client has a watch that the client could have taken away. Before 3.5 none can be, and one
    /// that lasts stays as long as it may serve others at its path. A server that has too much to do may not listen.
    fn has_unwanted_watch(&mut self, client: usize) -> bool {
        let is_promised = self.plan.version >= Version::V3_5 && !self.plan.faults.contains(&Kind::Throttle);
        let wire = self.main_wire(client).filter(|_| is_promised && self.truth.wipes == 0);
        let Some((id, server)) = wire.map(|(id, wire)| (id, wire.server)) else { return false };
        let own = &self.clients[client];
        let held = self.ensemble.watches(server).map(|watches| watches.of(id)).unwrap_or_default();
        let unwanted = held.iter().find(|(path, held)| {
            let (data, children) = (own.watching.waits(path, false), own.watching.waits(path, true));
            if held.lasts {
                !data && !children && !own.lasting.stands(path)
            } else {
                (held.data && !data) || (held.children && !children)
            }
        });
        self.trace.line(|| format!("client {client} does not want {unwanted:?}"));
        unwanted.is_some()
    }

    /// Compares every answer of the run with the state that it claims to show.
    pub(super) fn judge(&mut self) {
        if self.violation.is_some() || self.truth.wipes > 0 {
            return;
        }
        for client in 0..self.clients.len() {
            self.diary.stopped(self.life(client), self.clients[client].session.id(), self.now);
        }
        let log = self.ensemble.committed_after(Zxid(0));
        if let Err(broken) = check::replay_with_log(self.diary.history(), log, &self.quirks) {
            self.trace.line(|| broken.to_string());
            self.broken(Law::ReadsAreTrue, None);
        }
    }

    fn lock_at_rest(&self, number: u64) -> Option<Law> {
        let lockers = self.clients.iter().filter(|client| client.is_up && client.observed.closing.is_none());
        let lockers: Vec<(i64, Aim)> = lockers
            .flat_map(|client| {
                client.users.lockers.iter().map(move |locker| (client.session.id().raw(), locker))
            })
            .filter(|(_, locker)| locker.directory == number)
            .map(|(session, locker)| (session, locker.aim))
            .collect();
        let holds = |aim: &Aim| matches!(aim, Aim::Holding(_) | Aim::Doubting(_));
        let waits = |aim: &Aim| matches!(aim, Aim::Waiting(_));
        let directory = directory(number);
        let nodes = self.truth.head.nodes().filter(|(path, _)| crate::path::is_within(path, &directory));
        let owners: Vec<i64> = nodes
            .filter_map(
                |(_, node)| if let crate::Kind::Ephemeral(owner) = node.kind { Some(owner.0) } else { None },
            )
            .collect();
        for owner in &owners {
            let nodes = owners.iter().filter(|other| *other == owner).count();
            let entitled =
                lockers.iter().filter(|(session, aim)| session == owner && (holds(aim) || waits(aim)));
            if nodes > entitled.count() {
                return Some(Law::Ghost);
            }
        }
        let stands = |fence: zk_session::Zxid| {
            self.truth
                .head
                .nodes()
                .any(|(path, node)| node.created.0 == fence.raw() && crate::path::is_within(path, &directory))
        };
        let is_hollow = |(_, aim): &(i64, Aim)| matches!(aim, Aim::Holding(fence) if !stands(*fence));
        if self.truth.wipes == 0 && lockers.iter().any(is_hollow) {
            return Some(Law::GuardWithoutNode);
        }
        let somebody_waits = lockers.iter().any(|(_, aim)| waits(aim));
        let somebody_holds = lockers.iter().any(|(_, aim)| holds(aim));
        (somebody_waits && !somebody_holds).then_some(Law::FirstWaits)
    }
}
