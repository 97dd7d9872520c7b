//! Holding something: an attempt blocks, what it yields is a guard.
//!
//! It serves every recipe with the words of [`zk_recipes::hold`]; the lock is the one at hand.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zk_recipes::hold::{Cause, Command, Deadline, Event, Freed, Grant, Wish};
use zk_recipes::{Denial, Layout, Recipe, RunnerId, Sink, Status};
use zk_session::{Acl, Ended, Error, IntoPath, Path, Zxid};

use crate::client::Client;
use crate::clock;

/// A recipe that holds something.
pub trait Holding: Recipe<Command = Command, Event = Event> + Send + 'static {}

impl<R: Recipe<Command = Command, Event = Event> + Send + 'static> Holding for R {}

/// A fair, exclusive lock. Each attempt is a contender of its own: a second attempt waits for the first, in the same
/// process as well.
#[derive(Clone, Debug)]
pub struct Lock {
    client: Client,
    directory: Path,
    layout: Layout,
    acl: Vec<Acl>,
    identifier: String,
}

impl Client {
    /// The lock whose contenders queue below `path`. The node and its parents are created when somebody tries to acquire.
    ///
    /// Compatible with the locks of Kazoo and of this crate below the same path; for others see [`Lock::layout`].
    ///
    /// # Errors
    /// [`Error::Misuse`] if the path is none.
    pub fn lock(&self, path: impl IntoPath) -> Result<Lock, Error> {
        Ok(Lock {
            client: self.clone(),
            directory: path.into_path()?,
            layout: Layout::default(),
            acl: Acl::open_unsafe(),
            identifier: String::new(),
        })
    }

    /// Runs any recipe that holds something, until it is granted or denied, or as long as [`Client::within`] says. [`Lock`]
    /// is made of this. The identifier marks its node, for people who look.
    ///
    /// # Errors
    /// [`Denial`] says why it was not granted.
    pub fn hold<R: Holding>(&self, recipe: R, identifier: impl Into<String>) -> Result<Guard, Denial> {
        let deadline = self.limit().map_or(Deadline::Never, |limit| Deadline::At(clock::now() + limit));
        self.attempt(recipe, Wish { identifier: identifier.into(), deadline })
    }

    fn attempt<R: Holding>(&self, recipe: R, wish: Wish) -> Result<Guard, Denial> {
        let status = Arc::new(Board { status: Mutex::new(Status::Waiting), changed: Condvar::new() });
        let news = News(Arc::clone(&status));
        let runner = self.shared().with(|core, now| core.host.add(recipe, news, now, &mut core.session));
        let attempt = Attempt { client: self.clone(), runner, status };
        attempt.command(Command::Acquire(wish));
        match attempt.status.wait_for(|status| *status != Status::Waiting) {
            Status::Held(grant) | Status::Lost(grant, _) => Ok(Guard { attempt, grant }),
            Status::Denied(denial) => Err(denial),
            Status::Waiting | Status::Released(_) => Err(Denial::Cancelled),
        }
    }
}

impl Lock {
    /// The same lock with another layout of names: that of Curator, or of the Go client.
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// The same lock whose nodes, parents included, get these permissions instead of open ones. Every contender must be
    /// able to read and delete its own.
    #[must_use]
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.acl = acl;
        self
    }

    /// The same lock whose contenders are marked with this text, for people who look.
    #[must_use]
    pub fn identifier(mut self, identifier: impl Into<String>) -> Self {
        self.identifier = identifier.into();
        self
    }

    /// Waits for the lock, in the order of arrival, as long as it takes, or as long as [`Client::within`] says.
    ///
    /// The attempt goes on through reconnections. If the session expires meanwhile it queues again at the end.
    ///
    /// # Errors
    /// [`Denial`] says why it was not granted.
    pub fn acquire(&self) -> Result<Guard, Denial> {
        self.client.hold(self.recipe(), &*self.identifier)
    }

    /// Takes the lock if it is free. Nothing is written if it is not.
    ///
    /// # Errors
    /// [`Denial::NotAcquired`], and those of [`Lock::acquire`].
    pub fn try_acquire(&self) -> Result<Guard, Denial> {
        let wish = Wish { identifier: self.identifier.clone(), deadline: Deadline::Now };
        self.client.attempt(self.recipe(), wish)
    }

    fn recipe(&self) -> zk_recipes::Lock {
        zk_recipes::Lock::new(self.directory.clone(), self.layout.clone()).with_acl(self.acl.clone())
    }
}

/// The right to act while something is held. Dropping it gives it back in the background.
///
/// A guard dies when its session cannot be proven alive any more, or ends, or its node is deleted; it never becomes valid
/// again. No guard can stop code that has begun: pass [`Guard::fence`] along with whatever is done under it, and let the
/// resource refuse a lower fence than it has seen.
#[derive(Debug)]
#[must_use = "a guard that is dropped is given back"]
pub struct Guard {
    attempt: Attempt,
    grant: Grant,
}

impl Guard {
    /// What orders this holder among all: the transaction that created its node.
    #[must_use]
    pub const fn fence(&self) -> Zxid {
        self.grant.fence
    }

    /// The node of the grant.
    #[must_use]
    pub const fn path(&self) -> &Path {
        &self.grant.path
    }

    /// Whether the guard is valid at this moment, by this side's clock: it was not lost, and the lease of its session runs.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let held = *self.attempt.status.lock() == Status::Held(self.grant.clone());
        held && clock::now() < self.attempt.client.shared().lock().session.lease_end()
    }

    /// Blocks until the guard has died, and says why.
    #[must_use]
    pub fn lost(&self) -> Cause {
        match self.attempt.status.wait_for(is_over) {
            Status::Lost(_, cause) => cause,
            Status::Waiting | Status::Held(_) | Status::Released(_) | Status::Denied(_) => {
                Cause::Ended(Ended::Closed)
            }
        }
    }

    /// As [`Guard::lost`], but blocks no longer than `limit`; `None` if the guard lives by then.
    #[must_use]
    pub fn lost_within(&self, limit: Duration) -> Option<Cause> {
        match self.attempt.status.wait_within(limit, is_over) {
            Status::Lost(_, cause) => Some(cause),
            Status::Waiting | Status::Held(_) | Status::Released(_) | Status::Denied(_) => None,
        }
    }

    /// Gives it back, and blocks until the server has confirmed it or the session is over.
    ///
    /// # Errors
    /// [`Cause`]: it had been lost before, and there was nothing to give back.
    pub fn release(self) -> Result<Freed, Cause> {
        if let Status::Lost(_, cause) = *self.attempt.status.lock()
            && cause != Cause::LeaseExpired
        {
            return Err(cause);
        }
        self.attempt.command(Command::Release);
        let done = |status: &Status| match status {
            Status::Released(_) => true,
            Status::Lost(_, cause) => *cause != Cause::LeaseExpired,
            Status::Waiting | Status::Held(_) | Status::Denied(_) => false,
        };
        match self.attempt.status.wait_for(done) {
            Status::Lost(_, cause) => Err(cause),
            Status::Released(by) => Ok(by),
            Status::Waiting | Status::Held(_) | Status::Denied(_) => Ok(Freed::Ended(Ended::Closed)),
        }
    }

    /// After a loss by [`Cause::LeaseExpired`]: waits for the link, and asks whether the grant still stands. If so, nobody
    /// else was granted meanwhile, and the new guard has the same fence.
    ///
    /// # Errors
    /// [`Cause`]: the grant is gone.
    pub fn reclaim(self) -> Result<Self, Cause> {
        let lapsed = |status: &Status| matches!(status, Status::Lost(_, Cause::LeaseExpired));
        let asked = lapsed(&self.attempt.status.lock());
        if asked {
            self.attempt.command(Command::Reclaim);
        }
        match self.attempt.status.wait_for(|status| !lapsed(status)) {
            Status::Held(grant) => Ok(Self { grant, ..self }),
            Status::Lost(_, cause) => Err(cause),
            Status::Waiting | Status::Released(_) | Status::Denied(_) => Err(Cause::Ended(Ended::Closed)),
        }
    }
}

fn is_over(status: &Status) -> bool {
    !matches!(status, Status::Waiting | Status::Held(_))
}

/// A machine in the client's host, whose user is this value.
#[derive(Debug)]
struct Attempt {
    client: Client,
    runner: RunnerId,
    status: Arc<Board>,
}

impl Attempt {
    fn command(&self, command: Command) {
        self.client.shared().with(|core, now| {
            let taken = core.host.command(self.runner, command, now, &mut core.session);
            debug_assert!(taken, "the recipe stays as long as its user, and takes these commands");
        });
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.client.shared().with(|core, now| core.host.discard(self.runner, now, &mut core.session));
    }
}

/// Where an attempt stands, to be waited for.
#[derive(Debug)]
struct Board {
    status: Mutex<Status>,
    changed: Condvar,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until the status is such, and returns it.
    fn wait_for(&self, mut such: impl FnMut(&Status) -> bool) -> Status {
        let waited = self.changed.wait_while(self.lock(), |status| !such(status));
        waited.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As `wait_for`, but returns what there is after `limit`.
    fn wait_within(&self, limit: Duration, mut such: impl FnMut(&Status) -> bool) -> Status {
        let waited = self.changed.wait_timeout_while(self.lock(), limit, |status| !such(status));
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

/// Where a machine's news go.
struct News(Arc<Board>);

impl Sink<Event> for News {
    fn tell(&mut self, event: Event) {
        if self.0.lock().apply(&event) {
            self.0.changed.notify_all();
        }
    }
}
