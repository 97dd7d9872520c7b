//! What happens at either end of a road.

use std::net::Ipv4Addr;

use zk_session::{Cut, Input};

use super::World;
use super::clock::Nanos;
use super::marks::Mark;
use super::net::Event;
use crate::{ConnId, ServerId, ensemble, server};

impl World {
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Dialed(id) => self.dialed(id),
            Event::Connected(id) => {
                if let Some((client, conn)) = self.client_end(id) {
                    self.input(client, Input::Connected(conn));
                }
            }
            Event::Refused(id) => self.client_loses(id, Cut::Refused),
            Event::ToServer(id, bytes) => {
                if let Some(server) = self.server_end(id) {
                    self.serve(server, ensemble::Input::Client(server::Input::Received(id, &bytes)));
                }
            }
            Event::ToClient(id, bytes) => {
                if let Some((client, conn)) = self.client_end(id) {
                    self.deliver(client, conn, &bytes);
                }
            }
            Event::ServerHangup(id) => self.server_loses(id),
            Event::ClientHangup(id, orderly) => {
                let cut = if orderly { Cut::Closed } else { Cut::Broken("reset".into()) };
                self.client_loses(id, cut);
            }
            Event::Message(from, to, message) => self.serve(to, ensemble::Input::Message(from, message)),
            Event::Turn(client) => self.turn(client),
            Event::Writable(client) => self.widen(client),
            Event::Fault => self.fault(),
            Event::ServerStarts(server) => {
                self.ensemble.start(server, self.millis());
                self.serve(server, ensemble::Input::Client(server::Input::Timeout));
            }
            Event::ClientStarts(client) => {
                if !self.clients[client].is_up {
                    self.start_client(client);
                }
            }
        }
    }

    /// Until when whoever the event is for does not run.
    pub(super) fn is_paused(&self, event: &Event) -> Option<Nanos> {
        let until = match event {
            Event::Connected(id)
            | Event::Refused(id)
            | Event::ToClient(id, _)
            | Event::ClientHangup(id, _) => self.clients.get(self.net.wires.get(id)?.client)?.paused_until,
            Event::Turn(client) | Event::Writable(client) => self.clients.get(*client)?.paused_until,
            Event::ToServer(id, _) | Event::ServerHangup(id) => {
                self.servers.get(&self.net.wires.get(id)?.server)?.paused_until
            }
            Event::Message(_, to, _) => self.servers.get(to)?.paused_until,
            Event::Dialed(_) | Event::Fault | Event::ServerStarts(_) | Event::ClientStarts(_) => 0,
        };
        Some(until).filter(|until| *until > self.now)
    }

    /// A client that still has this connection, and its name for it.
    pub(super) fn client_end(&self, id: ConnId) -> Option<(usize, zk_session::ConnId)> {
        let wire = self.net.wires.get(&id)?;
        (wire.client_open && self.clients.get(wire.client)?.is_up).then_some((wire.client, wire.conn))
    }

    pub(super) fn server_end(&self, id: ConnId) -> Option<ServerId> {
        self.net.wires.get(&id).filter(|wire| wire.server_open).map(|wire| wire.server)
    }

    pub(super) fn dialed(&mut self, id: ConnId) {
        let Some(wire) = self.net.wires.get_mut(&id) else { return };
        let server = wire.server;
        let (until, is_silent) = self.servers.get(&server).map(|host| host.closed).unwrap_or_default();
        let is_closed = self.now < until;
        let road = self.plan.road;
        if is_closed && is_silent {
            return;
        }
        if is_closed || self.ensemble.role(server).is_none() {
            return self.net.down(self.now, id, road, &mut self.decisions, Event::Refused(id));
        }
        wire.server_open = true;
        self.net.down(self.now, id, road, &mut self.decisions, Event::Connected(id));
        let connected = server::Input::Connected(id, Ipv4Addr::LOCALHOST.into());
        self.serve(server, ensemble::Input::Client(connected));
    }

    pub(super) fn client_loses(&mut self, id: ConnId, cut: Cut) {
        let Some((client, conn)) = self.client_end(id) else { return };
        self.clients[client].wires.retain(|(known, _)| *known != conn);
        self.cut_off_from(client, id);
        if let Some(wire) = self.net.wires.get_mut(&id) {
            wire.client_open = false;
            let (server, seen) = (wire.server, self.clients[client].session.last_zxid().raw());
            let applied = self.ensemble.tree(server).map_or(seen, |tree| tree.applied().0);
            let was_linked = self.clients[client].session.state().is_connected();
            self.marks.sometimes(!was_linked && !wire.is_probe && applied < seen, Mark::SentAway);
        }
        self.net.tidy(id);
        self.input(client, Input::Disconnected(conn, cut));
    }

    pub(super) fn server_loses(&mut self, id: ConnId) {
        let Some(server) = self.server_end(id) else { return };
        if let Some(wire) = self.net.wires.get_mut(&id) {
            wire.server_open = false;
        }
        self.net.tidy(id);
        self.serve(server, ensemble::Input::Client(server::Input::Disconnected(id)));
    }

    pub(super) fn widen(&mut self, client: usize) {
        for wire in self.net.wires.values_mut().filter(|wire| wire.client == client) {
            wire.window = None;
        }
        if self.clients[client].is_up {
            self.transmit(client);
        }
    }
}
