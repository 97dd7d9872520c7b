//! One try after another: to the next server, the handshake, and then the calls that wait.

use core::time::Duration;

use zk_proto::{ConnectRequest, encode_connect, encode_request};

use crate::calls::{Owner, Written};
use crate::link::Link;
use crate::session::Session;
use crate::time::Instant;
use crate::watches::Wanted;
use crate::words::{ConnId, Output};
use crate::wrong::wrong;

/// Calls are staged while fewer bytes than this wait for the transport; the others stay queued, where a deadline or a
/// cancellation can still take them out unsent.
const STAGED_LENGTH_MAX: usize = 256 * 1024;

/// A try to connect gets its share of the session timeout, but no less than this.
const HANDSHAKE_TIME_MIN: Duration = Duration::from_millis(100);

impl Session {
    /// Starts the next try to connect.
    pub(crate) fn try_next_server(&mut self, now: Instant) {
        let Some(server) = self.servers.advance() else {
            self.link = Link::Resting { until: Instant::NEVER };
            return;
        };
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        let share = self.identity.timeout / u32::try_from(self.servers.count()).unwrap_or(u32::MAX);
        self.link = Link::Dialing { conn, until: now + share.max(HANDSHAKE_TIME_MIN) };
        self.outputs.push_back(Output::Connect(conn, server));
    }

    /// The connection stands: sends the handshake.
    pub(crate) fn greet(&mut self, conn: ConnId) {
        let Link::Dialing { conn: dialed, until } = self.link else { return };
        if dialed != conn {
            return;
        }
        self.outgoing.clear();
        self.inbox.clear();
        let request = ConnectRequest {
            last_zxid: if wrong!(self, ForgetsWhatItSaw) {
                zk_proto::Zxid::ZERO
            } else {
                self.identity.last_zxid
            },
            timeout_ms: i32::try_from(self.config.session_timeout.as_millis()).unwrap_or(i32::MAX),
            session: self.identity.session,
            password: self.identity.password.clone(),
            read_only: Some(false),
        };
        encode_connect(&request, &mut self.outgoing);
        self.link = Link::Greeting { conn, sent: self.now, until };
    }

    /// Stages queued calls as long as the transport keeps up.
    pub(crate) fn pump(&mut self) {
        if wrong!(self, HearsItself) && self.outgoing.pending() > 0 {
            self.heard = self.now;
        }
        while let Link::Live { pulse, .. } = &mut self.link {
            if self.outgoing.pending() >= STAGED_LENGTH_MAX {
                return;
            }
            let Some((call, xid)) = self.calls.next() else { return };
            encode_request(xid, &call.request, &mut self.outgoing);
            pulse.sent = self.now;
            self.calls.written(Written {
                id: call.id,
                owner: call.owner,
                xid,
                opcode: call.request.opcode(),
                wanted: if call.owner == Owner::Caller { Wanted::by(&call.request) } else { None },
                deadline: call.deadline,
                sent: self.now,
                end: self.outgoing.end(),
            });
        }
    }

    pub(crate) fn pause(&mut self) -> Duration {
        self.servers.pause(self.config.backoff, self.identity.timeout, &mut self.rng)
    }
}
