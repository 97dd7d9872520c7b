//! How a session begins and who goes on with it: a new one, one from elsewhere, the next one of the same client.

use alloc::collections::{BTreeSet, VecDeque};

use zk_proto::SessionId;

use crate::access::Access;
use crate::calls::CallTable;
use crate::chroot::Chroot;
use crate::config::{Config, OnExpiry};
use crate::error::Ended;
use crate::handover::Handover;
use crate::identity::Identity;
use crate::inbox::Inbox;
use crate::lease::Lease;
use crate::link::Link;
use crate::outgoing::Outgoing;
use crate::probe::Probe;
use crate::rng::Rng;
use crate::servers::Servers;
use crate::session::{Removal, Session};
use crate::statistics::{Counters, Oddities, Recorder};
use crate::time::Instant;
use crate::watches::Watches;
use crate::words::SessionState;

impl Session {
    /// A session that starts to connect at once: the first outputs are ready for [`Session::poll`].
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let identity = Identity::unknown(config.session_timeout, config.seen);
        let mut session = Self::start(config, identity, now);
        session.try_next_server(now);
        session
    }

    /// Goes on with a session that was handed over. It is [`SessionState::Connected`] with `resumed`, or has expired.
    /// Watches are not handed over: set them again, by reads that tell what has changed.
    ///
    /// The time to live is counted from now, since nobody knows what has passed on the way.
    #[must_use]
    pub fn resume(config: Config, handover: Handover, now: Instant) -> Self {
        let mut identity = Identity::unknown(handover.timeout, handover.last_zxid.max(config.seen));
        identity.session = handover.session;
        identity.password = handover.password;
        (identity.is_real, identity.is_told) = (true, true);
        let mut session = Self::start(config, identity, now);
        session.try_next_server(now);
        session
    }

    /// The session that goes on in place of this one, if this one has expired and the configuration says
    /// [`OnExpiry::Renew`]. A driver asks when [`Session::poll`] has nothing more, and continues with the new value.
    ///
    /// The new session never reads a state older than this one has seen, and its calls and connections have other numbers.
    #[must_use]
    pub fn successor(&self, now: Instant) -> Option<Self> {
        if !matches!(self.link, Link::Ended(Ended::Expired)) || self.config.on_expiry != OnExpiry::Renew {
            return None;
        }
        let identity = Identity::unknown(self.config.session_timeout, self.identity.last_zxid);
        let mut next = Self::start(self.config.clone(), identity, now);
        next.rng = self.rng.clone();
        next.servers = Servers::new(self.servers.all().into(), &mut next.rng);
        next.calls = CallTable::new(self.calls.next_id());
        next.access = self.access.inherit();
        if self.removal != Removal::Asked {
            next.removal = self.removal;
        }
        next.next_conn = self.next_conn;
        next.next_pipeline = self.next_pipeline;
        next.broken = self.broken.clone();
        next.holders = self.holders;
        // Expiries can come in a loop; each new session pauses like a failed try.
        let pause = next.pause();
        next.link = Link::Resting { until: next.now + pause };
        next.enter(SessionState::Connecting);
        Some(next)
    }

    fn start(config: Config, identity: Identity, now: Instant) -> Self {
        let mut rng = Rng::new(config.seed);
        Self {
            chroot: Chroot::new(config.servers.chroot.clone()),
            servers: Servers::new(config.servers.servers.clone(), &mut rng),
            rng,
            link: Link::Resting { until: now },
            calls: CallTable::new(1),
            watches: Watches::default(),
            outgoing: Outgoing::default(),
            inbox: Inbox::new(),
            outputs: VecDeque::new(),
            access: Access::new(&config),
            probe: Probe::new(),
            broken: BTreeSet::new(),
            follows: None,
            moving: None,
            removal: Removal::by(&config),
            untold: None,
            state: SessionState::Connecting,
            identity,
            lease: Lease::new(config.margins),
            holders: 0,
            close_by: None,
            now,
            heard: now,
            fault: None,
            oddities: Oddities::default(),
            counters: Counters::default(),
            recorder: Recorder::default(),
            began: now,
            next_conn: 1,
            next_pipeline: 1,
            config,
        }
    }

    /// Ends this value and hands the session over, so that [`Session::resume`] can go on with it elsewhere: nothing is told
    /// to a server. Calls under way end with [`Ended::Detached`], watches too; await what matters first.
    ///
    /// `None`: there is no session, or it has ended or is being closed.
    pub fn detach(&mut self) -> Option<Handover> {
        if self.identity.session == SessionId::NONE || !self.identity.is_real {
            return None;
        }
        if matches!(self.link, Link::Ended(_)) || self.close_by.is_some() {
            return None;
        }
        let identity = &self.identity;
        let handover = Handover {
            session: identity.session,
            password: identity.password.clone(),
            timeout: identity.timeout,
            last_zxid: identity.last_zxid,
        };
        self.end(Ended::Detached);
        Some(handover)
    }
}

impl Removal {
    pub(crate) fn by(config: &Config) -> Self {
        let since = zk_proto::ops::Opcode::RemoveWatches.since();
        match config.release {
            Some(release) if release < since => Self::Unknown,
            Some(_) => Self::Known,
            None => Self::Untried,
        }
    }
}
