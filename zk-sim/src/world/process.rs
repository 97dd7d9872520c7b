//! The process of a client: how it is set up when it starts, and its end without a word.

use std::sync::Arc;

use zk_session::sasl::{DigestMd5, Mechanism};
use zk_session::{Config, KeepAlive};

use super::World;
use super::client::Client;
use super::clock::{Clock, MILLI};
use super::net::Event;
use super::users::Users;

impl World {
    /// A client's process ends without a word.
    pub(super) fn stop_client(&mut self, client: usize) {
        self.diary.stopped(self.life(client), self.clients[client].session.id(), self.now);
        let own = &mut self.clients[client];
        own.is_up = false;
        own.alarm = None;
        own.users = Users::default();
        for (_, id) in std::mem::take(&mut own.wires) {
            if let Some(wire) = self.net.wires.get_mut(&id) {
                wire.client_open = false;
                let road = self.plan.road;
                self.net.up(self.now, id, road, &mut self.decisions, Event::ServerHangup(id));
            }
            self.net.tidy(id);
        }
    }

    /// A client's process starts anew, with nothing of what it knew.
    pub(super) fn start_client(&mut self, client: usize) {
        let life = self.clients.get(client).map_or(0, |old| old.life + 1);
        let mut config = Config::new(self.connect_string(), self.decisions.below(u64::MAX));
        config.session_timeout = core::time::Duration::from_millis(self.plan.timeout_ms);
        config.read_only = self.plan.read_only && self.decisions.chance(900_000);
        config.plaintext_credentials = true;
        config.keep_alive = self
            .decisions
            .pick(&[KeepAlive::Sync, KeepAlive::Sync, KeepAlive::Commit, KeepAlive::Ping])
            .unwrap_or(KeepAlive::Sync);
        if self.decisions.chance(200_000) {
            config.credentials.push(super::wishes::credential(0));
        }
        if self.plan.logins.is_some() {
            config.sasl = self.draw_login();
        }
        #[cfg(feature = "wrong")]
        {
            config.wrong = self.limits.wrong_session;
        }
        let host_seed = self.decisions.below(u64::MAX);
        let clock = match self.clients.get(client) {
            Some(old) => old.clock,
            None => self.draw_clock(),
        };
        let mut fresh = Client::new(config, host_seed, clock, self.now, life);
        let configured = fresh.config.credentials.iter().map(super::wishes::shown);
        fresh.proven = configured.collect();
        if let Some(old) = self.clients.get_mut(client) {
            *old = fresh;
        } else {
            self.clients.push(fresh);
        }
        self.move_in(client);
        self.drive(client);
    }

    /// How a client proves itself: mostly right, where something may go wrong now and then not, or not at all.
    fn draw_login(&mut self) -> Option<Arc<dyn Mechanism>> {
        let entropy = self.decisions.below(u64::MAX).to_be_bytes();
        let dice = if self.plan.is_calm() { 0 } else { self.decisions.below(10) };
        let (user, password) = super::wishes::login();
        let password = if dice == 8 { "guesses".into() } else { password };
        let mut whole = [0; 16];
        whole[..entropy.len()].copy_from_slice(&entropy);
        (dice != 9).then(|| Arc::new(DigestMd5::new(&user, &password, whole)) as Arc<dyn Mechanism>)
    }

    fn draw_clock(&mut self) -> Clock {
        let drifted = self.decisions.below(2 * self.plan.drift + 1).cast_signed();
        let offset = self.decisions.between(MILLI, 1000 * MILLI);
        Clock { offset, drift: drifted - self.plan.drift.cast_signed() }
    }
}
