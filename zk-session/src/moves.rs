//! How a session gets from one server to a better one: the search for a quorum, a changed list, the ensemble's own word.

use alloc::vec::Vec;

use zk_proto::ops::{GetData, Reply};
use zk_proto::{EnsembleConfig, Member, Path, Server};

use crate::calls::{How, Owner};
use crate::error::{Error, Fault};
use crate::link::Link;
use crate::probe::Found;
use crate::session::Session;
use crate::words::{Answer, CallId, ConnId, Order, Output};
use crate::wrong::wrong;

impl Session {
    /// Asks the next server whether it has a quorum.
    pub(crate) fn probe_next(&mut self) {
        let Some(server) = self.servers.following() else { return };
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        self.probe.turn_to(conn, server.clone(), self.now);
        self.outputs.push_back(Output::Connect(conn, server));
    }

    /// The server that was asked has said something.
    pub(crate) fn probed(&mut self) {
        match self.probe.heard() {
            Found::Undecided => {}
            Found::No => self.probe_in_vain(),
            Found::ReadWrite(server) => {
                self.servers.prefer(server);
                self.moving = Some(self.now + self.identity.timeout / 3);
                self.stop_probe();
                self.move_on();
            }
        }
    }

    /// The server that was asked has no quorum, or does not say.
    pub(crate) fn probe_in_vain(&mut self) {
        if let Some(conn) = self.probe.rest(self.now) {
            self.outputs.push_back(Output::Disconnect(conn));
        }
    }

    pub(crate) fn stop_probe(&mut self) {
        if let Some(conn) = self.probe.stop() {
            self.outputs.push_back(Output::Disconnect(conn));
        }
    }

    /// Leaves the present server for another one as soon as nothing is unanswered, or its time is over.
    pub(crate) fn move_on(&mut self) {
        let Some(latest) = self.moving else { return };
        if self.calls.has_written() && self.now < latest {
            return;
        }
        let is_read_only = self.link.pulse().is_some_and(|pulse| pulse.read_only);
        let fault = if is_read_only { Fault::FoundReadWrite } else { Fault::Rebalanced };
        self.lose(fault, true);
        // It was no failure: there is nothing to wait for.
        self.servers.moved();
        if let Link::Resting { until } = &mut self.link {
            *until = self.now;
        }
        self.fire_timers();
    }

    /// Reads the ensemble's configuration, with a watch.
    pub(crate) fn read_config(&mut self) {
        if let Some(before) = self.follows.take() {
            self.calls.unwatch(before);
            self.watches.remove(before);
        }
        let request = GetData { path: Path::config(), watch: true };
        let how = How { order: Order::Free, ..How::default() };
        self.follows = Some(self.calls.queue(request.into(), Owner::Follow, how));
    }

    /// The configuration was read. Where it says nothing usable, the servers stay as they are.
    pub(crate) fn followed(&mut self, call: CallId, result: Result<Answer, Error>) {
        if self.follows != Some(call) {
            return;
        }
        let Ok(Answer { reply: Reply::GetData(node), .. }) = result else { return };
        let text = node.data.as_deref().and_then(|data| core::str::from_utf8(data).ok()).unwrap_or_default();
        let members = EnsembleConfig::new(text).members;
        let mut servers: Vec<Server> = members.iter().filter_map(address).collect();
        if wrong!(self, TrustsWildcards) {
            servers = members.into_iter().filter_map(|member| member.client).collect();
        }
        if !servers.is_empty() && self.differs(&servers) {
            tracing::info!(target: "zk_session", ?servers, "the ensemble has other servers now");
            // It is not empty.
            let _ = self.update_servers(servers, self.now);
        }
    }

    fn differs(&self, servers: &[Server]) -> bool {
        let known = self.servers.all();
        known.len() != servers.len() || !servers.iter().all(|server| known.contains(server))
    }
}

/// Where clients reach a server. One that listens everywhere is reached where its peers reach it.
fn address(member: &Member) -> Option<Server> {
    let client = member.client.as_ref().filter(|client| client.port != 0)?;
    if !is_anywhere(&client.host) {
        return Some(client.clone());
    }
    // Several addresses are separated by `|`, ports by `:`, and an IPv6 address stands in brackets.
    let first = member.quorum.split('|').next()?;
    let host = match first.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => first.split(':').next()?,
    };
    (!is_anywhere(host)).then(|| Server { host: host.into(), port: client.port })
}

/// Whether a server can listen there and nobody can connect to it.
fn is_anywhere(host: &str) -> bool {
    host.is_empty() || host.parse::<core::net::IpAddr>().is_ok_and(|address| address.is_unspecified())
}
