//! Holding something: an attempt is a future, what it yields is a guard.
//!
//! It serves every recipe with the words of [`zk_recipes::hold`]; the lock is the one at hand.

use std::future::Future;

use tokio::sync::watch;
use zk_recipes::hold::{Cause, Command, Deadline, Event, Failure, Freed, Grant, Wish};
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

    /// Runs any recipe that holds something, until it is granted or denied. [`Lock`] is made of this.
    ///
    /// # Errors
    /// [`Denial`] says why it was not granted.
    ///
    /// # Cancellation
    /// Dropping the future gives the attempt up: a node that it created is deleted in the background.
    pub fn hold<R: Holding>(
        &self,
        recipe: R,
        wish: Wish,
    ) -> impl Future<Output = Result<Guard, Denial>> + Send + use<R> {
        let (sender, status) = watch::channel(Status::Waiting);
        let news = StatusSink(sender);
        let runner = self.shared().with(|core, now| core.host.add(recipe, news, now, &mut core.session));
        let mut attempt = Attempt { client: self.clone(), runner, status };
        attempt.command(Command::Acquire(wish));
        async move {
            match attempt.settled().await {
                Status::Held(grant) => Ok(Guard { attempt, grant }),
                // Granted and lost at once.
                Status::Lost(Cause::Ended(ended)) => Err(Denial::Failed(Failure::Ended(ended))),
                Status::Denied(denial) => Err(denial),
                Status::Waiting | Status::Lost(_) | Status::Released(_) => Err(Denial::Cancelled),
            }
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
    ///
    /// # Cancellation
    /// Dropping the future gives the attempt up: a node that it created is deleted in the background.
    pub async fn acquire(&self) -> Result<Guard, Denial> {
        let deadline =
            self.client.limit().map_or(Deadline::Never, |limit| Deadline::At(clock::now() + limit));
        self.attempt(deadline).await
    }

    /// Takes the lock if it is free. Nothing is written if it is not.
    ///
    /// # Errors
    /// [`Denial::NotAcquired`], and those of [`Lock::acquire`].
    ///
    /// # Cancellation
    /// As [`Lock::acquire`].
    pub async fn try_acquire(&self) -> Result<Guard, Denial> {
        self.attempt(Deadline::Now).await
    }

    async fn attempt(&self, deadline: Deadline) -> Result<Guard, Denial> {
        let wish = Wish { identifier: self.identifier.clone(), deadline };
        let recipe =
            zk_recipes::Lock::new(self.directory.clone(), self.layout.clone()).with_acl(self.acl.clone());
        self.client.hold(recipe, wish).await
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
        let held = *self.attempt.status.borrow() == Status::Held(self.grant.clone());
        held && clock::now() < self.attempt.client.shared().lock().session.lease_end()
    }

    /// Waits until the guard has died, and says why.
    ///
    /// Cancel safe.
    pub async fn lost(&self) -> Cause {
        let mut status = self.attempt.status.clone();
        let lost = status.wait_for(|status| !matches!(status, Status::Waiting | Status::Held(_))).await;
        match lost.as_deref() {
            Ok(Status::Lost(cause)) => *cause,
            Ok(_) | Err(_) => Cause::Ended(Ended::Closed),
        }
    }

    /// Gives it back, and waits until the server has confirmed it or the session is over.
    ///
    /// # Errors
    /// [`Cause`]: it had been lost before, and there was nothing to give back.
    ///
    /// # Cancellation
    /// It is given back even if the future is dropped.
    pub async fn release(mut self) -> Result<Freed, Cause> {
        if let Status::Lost(cause @ (Cause::NodeGone | Cause::Ended(_) | Cause::Refused(_))) =
            *self.attempt.status.borrow()
        {
            return Err(cause);
        }
        self.attempt.command(Command::Release);
        let done = |status: &Status| {
            matches!(status, Status::Released(_) | Status::Lost(Cause::NodeGone | Cause::Ended(_)))
        };
        match self.attempt.status.wait_for(done).await.as_deref() {
            Ok(Status::Released(by)) => Ok(*by),
            Ok(Status::Lost(cause)) => Err(*cause),
            Ok(_) | Err(_) => Ok(Freed::Ended(Ended::Closed)),
        }
    }

    /// After a loss by [`Cause::LeaseExpired`]: waits for the link, and asks whether the grant still stands. If so, nobody
    /// else was granted meanwhile, and the new guard has the same fence.
    ///
    /// # Errors
    /// [`Cause`]: the grant is gone.
    ///
    /// # Cancellation
    /// Dropping the future gives the grant back.
    pub async fn reclaim(mut self) -> Result<Self, Cause> {
        let lapsed = Status::Lost(Cause::LeaseExpired);
        if *self.attempt.status.borrow() == lapsed {
            self.attempt.command(Command::Reclaim);
        }
        let status = self.attempt.status.wait_for(|status| *status != lapsed).await;
        match status.as_deref() {
            Ok(Status::Held(grant)) => self.grant = grant.clone(),
            Ok(Status::Lost(cause)) => return Err(*cause),
            Ok(_) | Err(_) => return Err(Cause::Ended(Ended::Closed)),
        }
        drop(status);
        Ok(self)
    }
}

/// A machine in the client's host, whose user is this value.
#[derive(Debug)]
struct Attempt {
    client: Client,
    runner: RunnerId,
    status: watch::Receiver<Status>,
}

impl Attempt {
    async fn settled(&mut self) -> Status {
        match self.status.wait_for(|status| *status != Status::Waiting).await {
            Ok(status) => status.clone(),
            Err(_) => Status::Lost(Cause::Ended(Ended::Closed)),
        }
    }

    fn command(&self, command: Command) {
        self.client.shared().with(|core, now| {
            let taken = core.host.command::<zk_recipes::Lock>(self.runner, command, now, &mut core.session);
            debug_assert!(taken, "the recipe stays as long as its user, and takes these commands");
        });
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.client.shared().with(|core, now| core.host.discard(self.runner, now, &mut core.session));
    }
}

/// Where a machine's news go.
struct StatusSink(watch::Sender<Status>);

impl Sink<Event> for StatusSink {
    fn tell(&mut self, event: Event) {
        self.0.send_if_modified(|status| status.apply(&event));
    }
}
