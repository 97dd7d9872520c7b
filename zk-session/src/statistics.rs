//! What a session can tell about itself, for dashboards and bug reports.

use alloc::collections::VecDeque;
use core::time::Duration;

use zk_proto::{ConnectString, SessionId, Xid, Zxid};

use crate::error::Fault;
use crate::session::Session;
use crate::time::Instant;
use crate::words::{ConnId, SessionState};

/// Figures of a session, from its start. See [`crate::Session::statistics`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Calls that wait to be sent.
    pub queued: usize,
    /// Bytes of the requests that wait.
    pub queued_bytes: usize,
    /// Calls whose frames are on their way, unanswered.
    pub in_flight: usize,
    /// Bytes that wait for the transport.
    pub staged_bytes: usize,
    /// Watches that stand, by their owners.
    pub watches: usize,
    /// Holders that rely on the session's life.
    pub holders: usize,
    /// Tries to connect.
    pub tries: u64,
    /// Links on which the session stood.
    pub links: u64,
    /// Of these, links that were lost.
    pub losses: u64,
    /// Frames taken from servers.
    pub frames: u64,
    /// How long an answer takes: the mean of the last ones, newer ones counting more. `None` before the first.
    pub round_trip: Option<Duration>,
    /// Times that the driver came much later than it was asked to: the process or the machine stood still, or was starved.
    pub pauses: u64,
    /// The longest of them.
    pub pause_longest: Duration,
}

/// What servers did that is odd but harmless. For bug reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Oddities {
    /// Watch events for which there was no watch. Some are normal: a watch that was dropped may still fire on the server.
    pub unmatched_events: u64,
    /// Watch events of an unknown kind, or with a path that is none.
    pub unknown_events: u64,
    /// Replies whose zxid was lower than one seen before; the link is dropped over each.
    pub zxid_regressions: u64,
    /// Reply paths outside the chroot.
    pub foreign_paths: u64,
    /// Ping replies without a ping.
    pub unexpected_pings: u64,
}

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To the server.
    Out,
    /// From the server.
    In,
}

/// The head of a frame, for the question what happened just before something went wrong. Nothing of what it carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameNote {
    /// When it was staged, or taken.
    pub at: Instant,
    /// On which connection.
    pub conn: ConnId,
    /// Which way it went.
    pub direction: Direction,
    /// Its number.
    pub xid: Xid,
    /// Of a request, the operation; of a reply, the error (0: none).
    pub code: i32,
    /// Of a reply, the transaction that it shows.
    pub zxid: Zxid,
    /// Bytes behind its length prefix.
    pub length: usize,
}

/// As many as make a picture of the last moments and cost little to keep.
const NOTES_MAX: usize = 256;

/// The last frames.
#[derive(Debug, Default)]
pub(crate) struct Recorder(VecDeque<FrameNote>);

impl Recorder {
    pub(crate) fn note(&mut self, note: FrameNote) {
        if self.0.len() >= NOTES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(note);
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &FrameNote> + DoubleEndedIterator {
        self.0.iter()
    }
}

/// What is counted as it happens; the rest is looked up when it is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) tries: u64,
    pub(crate) links: u64,
    pub(crate) losses: u64,
    pub(crate) frames: u64,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) pauses: u64,
    pub(crate) pause_longest: Duration,
}

impl Counters {
    /// An answer took so long.
    pub(crate) fn answered_within(&mut self, time: Duration) {
        /// Of the mean: the share of a new value.
        const NEWEST: u32 = 8;
        self.round_trip = Some(match self.round_trip {
            Some(mean) => mean - mean / NEWEST + time / NEWEST,
            None => time,
        });
    }

    /// The driver came so much later than it was asked to.
    pub(crate) fn came_late_by(&mut self, late: Duration) {
        self.pauses += 1;
        self.pause_longest = self.pause_longest.max(late);
    }
}

impl Session {
    /// What the session is.
    #[must_use]
    pub const fn state(&self) -> &SessionState {
        &self.state
    }

    /// The session's id, [`SessionId::NONE`] before a server has granted one.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.identity.session
    }

    /// The newest transaction that any reply has shown.
    #[must_use]
    pub const fn last_zxid(&self) -> Zxid {
        self.identity.last_zxid
    }

    /// Until when the servers surely keep the session: a guard that looks at its own clock compares with this.
    #[must_use]
    pub const fn lease_end(&self) -> Instant {
        self.lease.end()
    }

    /// Until when the session surely lives as the last transaction of its own proves, whatever the server that the client
    /// is linked to knows. It holds for ticks of at most half the session timeout and clocks within the drift of
    /// [`crate::Margins`]. `None` before the first transaction on this session.
    #[must_use]
    pub fn proven_until(&self) -> Option<Instant> {
        self.lease.proven_until()
    }

    /// Why the last link or try was given up.
    #[must_use]
    pub const fn last_fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// The servers and the chroot.
    #[must_use]
    pub const fn servers(&self) -> &ConnectString {
        &self.config.servers
    }

    /// How many watches stand.
    #[must_use]
    pub fn watch_count(&self) -> usize {
        self.watches.len()
    }

    /// How many calls are queued or under way.
    #[must_use]
    pub fn call_count(&self) -> usize {
        self.calls.len()
    }

    /// What servers did that is odd but harmless.
    #[must_use]
    pub const fn oddities(&self) -> Oddities {
        self.oddities
    }

    /// Figures of the session.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let counters = self.counters;
        Statistics {
            queued: self.calls.queued_len(),
            queued_bytes: self.calls.queued_bytes(),
            in_flight: self.calls.len() - self.calls.queued_len(),
            staged_bytes: self.outgoing.pending(),
            watches: self.watches.len(),
            holders: self.holders,
            tries: counters.tries,
            links: counters.links,
            losses: counters.losses,
            frames: counters.frames,
            round_trip: counters.round_trip,
            pauses: counters.pauses,
            pause_longest: counters.pause_longest,
        }
    }

    /// The heads of the last 256 frames, the oldest first. They tell nothing of what the frames carried, nor of paths.
    pub fn recent_frames(&self) -> impl ExactSizeIterator<Item = &FrameNote> + DoubleEndedIterator {
        self.recorder.iter()
    }

    /// A driver that comes much later than it was asked to stood still, or was starved.
    pub(crate) fn notice_pause(&mut self, now: Instant) {
        let Some((due, _)) = self.poll_timeout() else { return };
        let late = now.since(due);
        if late >= PAUSE_MIN.max(self.identity.timeout / 10) {
            self.counters.came_late_by(late);
        }
    }
}

/// Below this, lateness is everyday life.
const PAUSE_MIN: Duration = Duration::from_millis(100);
