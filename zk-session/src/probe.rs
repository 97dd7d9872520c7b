//! The search for a server with a quorum, on a second connection, while the session makes do with one that has none.
//!
//! It asks one server after another the four-letter word `isro`, with pauses that grow, and says when one answers `rw`.

use core::time::Duration;

use bytes::BytesMut;
use zk_proto::Server;

use crate::time::Instant;
use crate::words::ConnId;

/// The first pause; each further one is twice as long, up to the last.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_secs(60);
/// A server that does not answer within this time is passed over.
const ANSWER_TIME: Duration = Duration::from_secs(1);
const QUESTION: &[u8] = b"isro";
const YES: &[u8] = b"rw";

#[derive(Debug)]
pub(crate) struct Probe {
    pause: Duration,
    step: Step,
    /// What the server has said so far.
    heard: BytesMut,
}

#[derive(Debug)]
enum Step {
    /// There is nothing to look for.
    Off,
    Resting {
        until: Instant,
    },
    Dialing {
        conn: ConnId,
        server: Server,
        until: Instant,
    },
    /// So much of the question was taken.
    Asking {
        conn: ConnId,
        server: Server,
        until: Instant,
        asked: usize,
    },
}

/// What a server's words mean.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It may say more.
    Undecided,
    /// It has a quorum.
    ReadWrite(Server),
    /// It has none, or does not say.
    No,
}

impl Probe {
    pub(crate) fn new() -> Self {
        Self { pause: PAUSE_FIRST, step: Step::Off, heard: BytesMut::new() }
    }

    /// The search begins.
    pub(crate) fn start(&mut self, now: Instant) {
        self.pause = PAUSE_FIRST;
        self.step = Step::Resting { until: now + self.pause };
    }

    /// The search is over; the connection that it had is to be closed.
    pub(crate) fn stop(&mut self) -> Option<ConnId> {
        let conn = self.conn();
        self.step = Step::Off;
        self.heard.clear();
        conn
    }

    /// Nothing was found this time; the connection is to be closed.
    pub(crate) fn rest(&mut self, now: Instant) -> Option<ConnId> {
        let conn = self.stop();
        self.pause = (self.pause * 2).min(PAUSE_MOST);
        self.step = Step::Resting { until: now + self.pause };
        conn
    }

    pub(crate) fn turn_to(&mut self, conn: ConnId, server: Server, now: Instant) {
        self.step = Step::Dialing { conn, server, until: now + ANSWER_TIME };
    }

    pub(crate) fn connected(&mut self) {
        if let Step::Dialing { conn, server, until } = core::mem::replace(&mut self.step, Step::Off) {
            self.heard.clear();
            self.step = Step::Asking { conn, server, until, asked: 0 };
        }
    }

    /// Where the answer is read to.
    pub(crate) const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.heard
    }

    /// What the server has said.
    pub(crate) fn heard(&self) -> Found {
        let Step::Asking { server, .. } = &self.step else { return Found::Undecided };
        match self.heard.get(..YES.len()) {
            Some(YES) => Found::ReadWrite(server.clone()),
            Some(_) => Found::No,
            None => Found::Undecided,
        }
    }

    /// What is still to be written.
    pub(crate) fn question(&self) -> &'static [u8] {
        match self.step {
            Step::Asking { asked, .. } => QUESTION.get(asked..).unwrap_or_default(),
            Step::Off | Step::Resting { .. } | Step::Dialing { .. } => &[],
        }
    }

    pub(crate) const fn taken(&mut self, n: usize) {
        if let Step::Asking { asked, .. } = &mut self.step {
            *asked = asked.saturating_add(n);
        }
    }

    pub(crate) const fn conn(&self) -> Option<ConnId> {
        match &self.step {
            Step::Dialing { conn, .. } | Step::Asking { conn, .. } => Some(*conn),
            Step::Off | Step::Resting { .. } => None,
        }
    }

    pub(crate) fn is(&self, conn: ConnId) -> bool {
        self.conn() == Some(conn)
    }

    pub(crate) const fn is_resting(&self) -> bool {
        matches!(self.step, Step::Resting { .. })
    }

    pub(crate) const fn due(&self) -> Option<Instant> {
        match &self.step {
            Step::Off => None,
            Step::Resting { until } | Step::Dialing { until, .. } | Step::Asking { until, .. } => {
                Some(*until)
            }
        }
    }
}
