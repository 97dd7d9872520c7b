//! Who uses the clients: callers of single operations, and contenders for locks. They wish at random.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use zk_recipes::hold::{Cause, Command, Deadline, Event as News, Wish};
use zk_recipes::{Layout, Lock, RunnerId, Sink};
use zk_session::{CallId, Path, Zxid};

use super::World;
use super::marks::Mark;
use super::net::Event;
use super::promises::Promises;
use super::violation::Law;

/// The users of one client.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// Calls under way.
    pub(super) calls: Vec<CallId>,
    /// Calls that may have left a watch.
    pub(super) watches: Vec<CallId>,
    pub(super) lockers: Vec<Locker>,
    pub(super) promises: Promises,
}

/// Somebody who wants a lock now and then.
#[derive(Debug)]
pub(super) struct Locker {
    runner: RunnerId,
    news: Feed,
    pub(super) directory: u64,
    pub(super) aim: Aim,
}

/// Where a contender stands, by what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    Idle,
    /// It waits; whether it had to.
    Waiting(bool),
    Holding(Zxid),
    /// Its guard has died, the grant may stand.
    Doubting(Zxid),
    Reclaiming(Zxid),
    Leaving,
}

/// What a contender was told and has not looked at.
#[derive(Clone, Debug, Default)]
struct Feed(Arc<Mutex<VecDeque<News>>>);

impl Sink<News> for Feed {
    fn tell(&mut self, event: News) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(event);
    }
}

/// The directory of a lock.
pub(super) fn directory(number: u64) -> String {
    format!("/locks/{number}")
}

impl World {
    /// The contenders of a client that has just started, and the first turn of its users.
    pub(super) fn move_in(&mut self, client: usize) {
        for _ in 0..self.plan.lockers {
            let directory = self.decisions.below(self.plan.locks);
            let locker = self.new_locker(client, directory);
            self.clients[client].users.lockers.push(locker);
        }
        self.plan_turn(client);
    }

    fn new_locker(&mut self, client: usize, number: u64) -> Locker {
        let directory = Path::new(&directory(number)).unwrap_or_else(|_| Path::root());
        let lock = Lock::new(directory, Layout::default());
        #[cfg(feature = "wrong")]
        let lock = match self.limits.wrong_lock {
            Some(mistake) => lock.wrongly(mistake),
            None => lock,
        };
        let news = Feed::default();
        let sink = news.clone();
        let runner = self.ask(client, |host, calls, _, now| host.add(lock, sink, now, calls));
        Locker { runner, news, directory: number, aim: Aim::Idle }
    }

    fn plan_turn(&mut self, client: usize) {
        let pause = self.decisions.pause(2 * self.plan.think);
        self.net.schedule(self.now + pause, Event::Turn(client));
    }

    /// The users of a client think of something.
    pub(super) fn turn(&mut self, client: usize) {
        if self.is_healing || !self.clients[client].is_up {
            return;
        }
        self.plan_turn(client);
        match self.decisions.below(100) {
            0..55 => self.call(client),
            55..87 => self.contend(client),
            87..90 => self.manage(client),
            90..94 => self.cancel(client),
            94..98 => self.unwatch(client),
            98 => self.close(client),
            _ => self.abandon(client),
        }
        self.drive(client);
    }

    fn close(&mut self, client: usize) {
        let now = self.local(client);
        self.marks.sometimes(!self.clients[client].session.state().is_connected(), Mark::ClosedInTrouble);
        self.ask(client, |host, calls, _, now| host.discard_all(now, calls));
        let own = &mut self.clients[client];
        own.users.lockers.clear();
        own.session.close(now);
        own.observed.closing.get_or_insert(now);
    }

    /// The user of a contender leaves without a word; another comes.
    fn abandon(&mut self, client: usize) {
        let count = self.clients[client].users.lockers.len() as u64;
        if count == 0 {
            return;
        }
        let at = usize::try_from(self.decisions.below(count)).unwrap_or_default();
        let Locker { runner, directory, .. } = self.clients[client].users.lockers.swap_remove(at);
        self.ask(client, |host, calls, _, now| host.discard(runner, now, calls));
        self.marks.sometimes(true, Mark::Abandoned);
        let locker = self.new_locker(client, directory);
        self.clients[client].users.lockers.push(locker);
    }

    fn contend(&mut self, client: usize) {
        let count = self.clients[client].users.lockers.len() as u64;
        if count == 0 {
            return;
        }
        let at = usize::try_from(self.decisions.below(count)).unwrap_or_default();
        let aim = self.clients[client].users.lockers[at].aim;
        let Some((command, aim)) = self.wish(client, aim) else { return };
        self.clients[client].users.lockers[at].aim = aim;
        let runner = self.clients[client].users.lockers[at].runner;
        self.ask(client, |host, calls, _, now| host.command(runner, command, now, calls));
    }

    /// What a contender wishes next, and where it stands then.
    fn wish(&mut self, client: usize, aim: Aim) -> Option<(Command, Aim)> {
        let dice = self.decisions.below(100);
        match aim {
            Aim::Idle => {
                let deadline = match dice {
                    0..70 => Deadline::Never,
                    70..85 => Deadline::Now,
                    _ => {
                        let timeout = core::time::Duration::from_millis(self.plan.timeout_ms);
                        Deadline::At(self.local(client) + timeout)
                    }
                };
                let wish = Wish { identifier: String::new(), deadline };
                Some((Command::Acquire(wish), Aim::Waiting(false)))
            }
            Aim::Waiting(_) => (dice >= 90).then_some((Command::Cancel, Aim::Leaving)),
            Aim::Holding(_) => (dice >= 60).then_some((Command::Release, Aim::Leaving)),
            Aim::Doubting(fence) if dice < 50 => Some((Command::Reclaim, Aim::Reclaiming(fence))),
            Aim::Doubting(_) => Some((Command::Release, Aim::Leaving)),
            Aim::Reclaiming(_) | Aim::Leaving => None,
        }
    }

    /// The contenders of a client look at their news.
    pub(super) fn hear_lockers(&mut self, client: usize) {
        for at in 0..self.clients[client].users.lockers.len() {
            loop {
                let locker = &self.clients[client].users.lockers[at];
                let news = locker.news.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(news) = news else { break };
                self.trace.note(&news);
                self.trace.line(|| format!("client {client} locker {at}: {news:?}"));
                self.hear(client, at, &news);
            }
        }
    }

    fn hear(&mut self, client: usize, at: usize, news: &News) {
        let Locker { aim, directory, .. } = self.clients[client].users.lockers[at];
        let next = match (news, aim) {
            (News::Acquired(grant) | News::Regained(grant), _) => {
                self.marks.sometimes(true, Mark::Granted);
                self.marks.sometimes(aim == Aim::Waiting(true), Mark::GrantedAfterWait);
                self.marks.sometimes(matches!(news, News::Regained(_)), Mark::Regained);
                self.check_grant(client, at, directory, grant.fence, matches!(news, News::Regained(_)));
                // A wish that was made before this was heard goes on.
                if aim == Aim::Leaving { aim } else { Aim::Holding(grant.fence) }
            }
            (News::Queued { ahead: 1.. }, Aim::Waiting(_)) => Aim::Waiting(true),
            (News::Lost { fence, cause: Cause::LeaseExpired }, _) => {
                self.marks.sometimes(true, Mark::GuardLapsed);
                if aim == Aim::Leaving { aim } else { Aim::Doubting(*fence) }
            }
            (News::Lost { cause, .. } | News::Ended { cause, .. }, _) => {
                self.marks.sometimes(matches!(cause, Cause::Ended(_)), Mark::GuardLost);
                self.marks.sometimes(matches!(cause, Cause::NodeGone), Mark::GuardDeleted);
                Aim::Idle
            }
            (
                News::Released { .. }
                | News::TimedOut
                | News::NotAcquired
                | News::Cancelled
                | News::Failed(_),
                _,
            ) => Aim::Idle,
            // A command that came too late: what it was about has been told.
            (News::Misuse(_), Aim::Leaving | Aim::Reclaiming(_) | Aim::Waiting(_)) => Aim::Idle,
            _ => aim,
        };
        self.clients[client].users.lockers[at].aim = next;
    }

    /// What is law when a lock is granted.
    fn check_grant(&mut self, client: usize, at: usize, directory: u64, fence: Zxid, again: bool) {
        if self.truth.wipes > 0 {
            return;
        }
        let session = self.clients[client].session.id().raw();
        let is_own = self.contenders.get(&fence.raw()).is_some_and(|owner| owner.0 == session);
        let deleted = self.meddled.contains(&fence.raw());
        if !is_own {
            return self.broken(Law::GrantWithoutNode, Some(client));
        }
        let highest = self.fences.entry(directory).or_default();
        if !again && !deleted && *highest >= fence.raw() {
            return self.broken(Law::FenceFalls, Some(client));
        }
        *highest = (*highest).max(fence.raw());
        let rival = self.rival(client, at, directory);
        if rival && !deleted && self.plan.keeps_the_assumptions() {
            self.broken(Law::TwoHolders, Some(client));
        }
    }

    /// Whether somebody else has a valid guard of the same lock.
    fn rival(&self, client: usize, at: usize, directory: u64) -> bool {
        let mut others = self.clients.iter().enumerate().flat_map(|(number, other)| {
            other.users.lockers.iter().enumerate().map(move |(place, locker)| (number, other, place, locker))
        });
        others.any(|(number, other, place, locker)| {
            let Aim::Holding(fence) = locker.aim else { return false };
            (number, place) != (client, at)
                && locker.directory == directory
                && !self.meddled.contains(&fence.raw())
                && other.is_up
                && self.is_sure(other)
                && other.clock.local(self.now) < other.session.lease_end()
        })
    }

    /// An operator deletes a node of a lock.
    pub(super) fn meddle(&mut self) {
        let number = self.decisions.below(self.plan.locks);
        let directory = directory(number);
        let Some(node) = self.truth.head.node(&directory) else { return };
        let names: Vec<String> = node.children.iter().cloned().collect();
        let at = self.decisions.below(names.len() as u64);
        let Some(name) = names.get(usize::try_from(at).unwrap_or_default()) else { return };
        let path = format!("{directory}/{name}");
        if let Some(node) = self.truth.head.node(&path) {
            self.meddled.insert(node.created.0);
            self.operate(path);
        }
    }
}
