//! Servers that share one log: leaders and followers, elections, what a cut-off server still says.
//!
//! There is one log, so no vote can go wrong: what is modelled is what clients can see of an ensemble, not its protocol
//! (Zab). A write is committed when a majority of the voters has heard of it; a new leader takes over what any of its
//! electors has heard of; every server applies the log at its own pace. Messages between servers are handed out like
//! bytes to clients, and a network of the driver's choice carries them: in order between two servers, or not at all.

use std::collections::{BTreeMap, VecDeque};

use crate::config::Config;
use crate::log::Log;
use crate::peer::{self, Role};
use crate::tree::Tree;
use crate::txn::Txn;
use crate::watches::Watches;
use crate::{ConnId, Millis, ServerId, SessionId, Write, Zxid, server};

pub use message::Message;
use replica::{Common, Replica};

mod following;
mod leading;
mod looking;
mod message;
mod replica;

/// How an ensemble is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// How each of its servers is set up. The servers' own ids and how much the log keeps are overruled.
    pub server: Config,
    /// How many servers have a vote: an odd number.
    pub voters: u8,
    /// How many servers follow without a vote.
    pub observers: u8,
    /// For how many ticks a silent leader or follower is waited for.
    pub sync_limit: u32,
    /// For how many ticks a new leader waits for its followers.
    pub init_limit: u32,
    /// How often a server that knows no leader asks for one, and how long it listens at least before it leads itself.
    pub election_ms: u64,
    /// After how long without a leader a server serves reads to those who ask for no more; `None`: never.
    pub read_only_after_ms: Option<u64>,
}

impl Default for Setup {
    /// Three servers with the limits of the configuration that ZooKeeper comes with, and no read-only mode.
    fn default() -> Self {
        Self {
            server: Config::default(),
            voters: 3,
            observers: 0,
            sync_limit: 5,
            init_limit: 10,
            election_ms: 200,
            read_only_after_ms: None,
        }
    }
}

/// An ensemble of servers, which are numbered from 1. Voters come first.
///
/// The same inputs give the same outputs.
#[derive(Clone, Debug)]
pub struct Ensemble {
    common: Common,
    replicas: Vec<Replica>,
}

/// What can happen to one server of an ensemble.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// Something that can happen to a server by itself.
    Client(server::Input<'a>),
    /// Another server has sent this.
    Message(ServerId, Message),
}

/// What one server of an ensemble wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Something for one of its clients.
    Client(ServerId, peer::Output),
    /// Carry this to another server, after what was sent to it before.
    Message {
        /// Who sends it.
        from: ServerId,
        /// To whom.
        to: ServerId,
        /// What.
        message: Message,
    },
}

impl Ensemble {
    /// An ensemble whose servers have just been started, and know no leader.
    #[must_use]
    pub fn new(setup: Setup, now: Millis) -> Self {
        let servers = setup.voters.saturating_add(setup.observers);
        let log = Log::new(usize::MAX);
        let common = Common { setup, log, outputs: VecDeque::new(), origins: BTreeMap::new(), term: 0 };
        let replicas = (1..=servers).map(|id| Replica::new(ServerId(id), &common, now)).collect();
        Self { common, replicas }
    }

    /// Its servers.
    pub fn servers(&self) -> impl Iterator<Item = ServerId> {
        self.replicas.iter().map(Replica::id)
    }

    /// Takes in what has happened to a server. What is due there by `now` happens before it. A server that has crashed hears
    /// nothing.
    pub fn handle(&mut self, at: ServerId, input: Input<'_>, now: Millis) {
        if let Some(replica) = self.replicas.get_mut(index(at)) {
            replica.handle(&mut self.common, input, now);
        }
        self.elect(now);
    }

    /// The next thing to be done, in the order in which it is to be done.
    pub fn poll(&mut self) -> Option<Output> {
        self.common.outputs.pop_front()
    }

    /// When a server wants to hear of the time again at the latest, if it runs.
    #[must_use]
    pub fn poll_timeout(&self, at: ServerId) -> Option<Millis> {
        self.replicas.get(index(at))?.poll_timeout(&self.common)
    }

    /// A server's process dies. Its system ends the connections to the other servers, unless the whole machine has died;
    /// ending those to clients is the driver's business.
    pub fn crash(&mut self, at: ServerId, machine: bool) {
        if let Some(replica) = self.replicas.get_mut(index(at)) {
            replica.crash(&mut self.common, machine);
        }
    }

    /// A server that has crashed starts again, with what it had applied.
    pub fn start(&mut self, at: ServerId, now: Millis) {
        if let Some(replica) = self.replicas.get_mut(index(at)) {
            replica.start(now);
        }
    }

    /// All servers die and lose their disks: whatever starts next is another ensemble at the same addresses.
    pub fn wipe(&mut self) {
        self.common.log = Log::new(usize::MAX);
        self.common.origins.clear();
        for replica in &mut self.replicas {
            replica.crash(&mut self.common, true);
            replica.wipe();
        }
    }

    /// Until `until`, a server applies nothing; it answers from what it has.
    pub fn lag(&mut self, at: ServerId, until: Millis) {
        if let Some(replica) = self.replicas.get_mut(index(at)) {
            replica.lag(until);
        }
    }

    /// A server refuses the next `count` requests, since it has too much to do.
    pub fn throttle(&mut self, at: ServerId, count: u32) {
        if let Some(replica) = self.replicas.get_mut(index(at)) {
            replica.throttle(count);
        }
    }

    /// Writes for a session that has no connection, as an operator might, if somebody leads. It can begin the session.
    pub fn administer(&mut self, session: SessionId, write: Write, now: Millis) {
        for replica in &mut self.replicas {
            replica.administer(&mut self.common, session, write.clone(), now);
        }
    }

    /// What a server is at the moment, as it sees it itself. Nothing if it does not run.
    #[must_use]
    pub fn role(&self, at: ServerId) -> Option<Role> {
        self.replicas.get(index(at))?.role()
    }

    /// The tree as a server has it.
    #[must_use]
    pub fn tree(&self, at: ServerId) -> Option<&Tree> {
        Some(self.replicas.get(index(at))?.tree())
    }

    /// The watches that a server has.
    pub(crate) fn watches(&self, at: ServerId) -> Option<&Watches> {
        Some(self.replicas.get(index(at))?.peer.watches())
    }

    /// Everything that was committed after `zxid`, in order.
    pub fn committed_after(&self, zxid: Zxid) -> impl Iterator<Item = &Txn> {
        self.common.log.after(zxid)
    }

    /// The request that a transaction comes from: its connection and its xid. Nothing for those of the servers themselves.
    #[must_use]
    pub fn origin(&self, zxid: Zxid) -> Option<(ConnId, i32)> {
        self.common.origins.get(&zxid).map(|origin| (origin.conn, origin.xid))
    }

    /// The last transaction that was committed.
    #[must_use]
    pub const fn last(&self) -> Zxid {
        self.common.log.last()
    }

    /// Makes a leader of a server that has heard enough votes. When a majority follows it, it gets what they have heard of,
    /// and takes office; until then the one before it may still commit.
    fn elect(&mut self, now: Millis) {
        if let Some(chosen) = self.replicas.iter_mut().find(|replica| replica.is_elected(&self.common, now)) {
            self.common.term += 1;
            chosen.lead(&mut self.common, now);
        }
        let ready = self.replicas.iter().position(|replica| replica.electors(&self.common).is_some());
        let Some(ready) = ready else { return };
        let electors = self.replicas.get(ready).and_then(|replica| replica.electors(&self.common));
        let legacy = replica::legacy(&mut self.replicas, &electors.unwrap_or_default());
        if let Some(replica) = self.replicas.get_mut(ready) {
            replica.take_office(&mut self.common, legacy, now);
        }
    }
}

fn index(server: ServerId) -> usize {
    usize::from(server.0).wrapping_sub(1)
}

#[cfg(test)]
mod tests;
