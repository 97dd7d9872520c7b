//! One try after another to be connected to one of the servers.
//!
//! ```text
//! Resting --Dial--> Dialing --Connected--> Greeting --accepted--> Proving --who and what is known--> Live
//!    ^                 |                      |                      |                                |
//!    +-----------------+------ pause ---------+----------------------+------------- lost -------------+
//! any --the session is over--> Ended
//! ```
//!
//! It holds what each state knows and decides nothing; the session's routes move it.

use alloc::boxed::Box;
use core::time::Duration;

use zk_proto::Xid;

use crate::error::Ended;
use crate::sasl::Exchange;
use crate::time::Instant;
use crate::words::ConnId;

#[derive(Debug)]
pub(crate) enum Link {
    /// Not connected; the next try is at `until`.
    Resting { until: Instant },
    /// The driver connects.
    Dialing { conn: ConnId, until: Instant },
    /// The handshake was sent at `sent`.
    Greeting { conn: ConnId, sent: Instant, until: Instant },
    /// The session stands. First the two sides prove who they are (`login`), then credentials are sent and watches are
    /// restored.
    Proving { conn: ConnId, pulse: Pulse, login: Option<Login> },
    /// Calls flow.
    Live { conn: ConnId, pulse: Pulse },
    /// The session is over.
    Ended(Ended),
}

/// An exchange of SASL tokens.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) exchange: Box<dyn Exchange>,
    /// The xid of the token that is unanswered.
    pub(crate) xid: Xid,
    pub(crate) rounds: u32,
}

/// What is known of an established link, above all its signs of life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pulse {
    pub(crate) since: Instant,
    /// When something was last staged for the server.
    pub(crate) sent: Instant,
    /// When the oldest of the unanswered pings was staged, or one before it.
    pub(crate) ping: Option<Instant>,
    /// How many more are unanswered.
    more_pings: u32,
    /// When the last keep-alive for holders was answered; `None` while one is under way.
    pub(crate) proven: Option<Instant>,
    /// Unanswered requests that restore watches.
    pub(crate) restoring: usize,
    /// The session of before goes on.
    pub(crate) resumed: bool,
    /// The server has no quorum: it answers reads only.
    pub(crate) read_only: bool,
}

impl Pulse {
    pub(crate) const fn new(now: Instant, resumed: bool, read_only: bool) -> Self {
        Self {
            since: now,
            sent: now,
            ping: None,
            more_pings: 0,
            proven: Some(now),
            restoring: 0,
            resumed,
            read_only,
        }
    }

    /// A ping is staged.
    pub(crate) const fn pinged(&mut self, now: Instant) {
        match self.ping {
            None => self.ping = Some(now),
            Some(_) => self.more_pings = self.more_pings.saturating_add(1),
        }
    }

    /// A ping was answered: when was it staged? With several under way the answer may seem older than it is, which is safe.
    pub(crate) fn ponged(&mut self) -> Option<Instant> {
        if self.more_pings == 0 {
            return self.ping.take();
        }
        self.more_pings -= 1;
        self.ping
    }

    /// When holders need the next proof of the session's life, whatever else is sent.
    pub(crate) fn keep_alive_due(&self, timeout: Duration) -> Option<Instant> {
        self.proven.map(|proven| proven + timeout / 6)
    }
}

impl Link {
    /// The connection that this link is about.
    pub(crate) const fn conn(&self) -> Option<ConnId> {
        match self {
            Self::Dialing { conn, .. }
            | Self::Greeting { conn, .. }
            | Self::Proving { conn, .. }
            | Self::Live { conn, .. } => Some(*conn),
            Self::Resting { .. } | Self::Ended(_) => None,
        }
    }

    pub(crate) fn is(&self, conn: ConnId) -> bool {
        self.conn() == Some(conn)
    }

    pub(crate) const fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. })
    }

    /// Whether tokens are being exchanged: nothing else may be sent.
    pub(crate) const fn is_login(&self) -> bool {
        matches!(self, Self::Proving { login: Some(_), .. })
    }

    /// What is known of the link, once the session stands on it.
    pub(crate) const fn pulse(&self) -> Option<&Pulse> {
        match self {
            Self::Proving { pulse, .. } | Self::Live { pulse, .. } => Some(pulse),
            Self::Resting { .. } | Self::Dialing { .. } | Self::Greeting { .. } | Self::Ended(_) => None,
        }
    }

    pub(crate) const fn pulse_mut(&mut self) -> Option<&mut Pulse> {
        match self {
            Self::Proving { pulse, .. } | Self::Live { pulse, .. } => Some(pulse),
            Self::Resting { .. } | Self::Dialing { .. } | Self::Greeting { .. } | Self::Ended(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ping_has_one_pong() {
        let at = |seconds| Instant::default() + Duration::from_secs(seconds);
        let mut pulse = Pulse::new(at(0), false, false);
        for second in 1..=3 {
            pulse.pinged(at(second));
        }
        // With several under way the oldest is meant.
        assert_eq!([(); 3].map(|()| pulse.ponged()), [Some(at(1)); 3]);
        assert_eq!(pulse.ponged(), None);
        pulse.pinged(at(4));
        assert_eq!(pulse.ponged(), Some(at(4)));
    }
}
