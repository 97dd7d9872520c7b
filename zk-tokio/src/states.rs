//! The stream of session states.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures::Stream;
use zk_session::SessionState;

/// States kept for a reader that does not read. States change with the fate of connections, a few times a second at worst.
const UNREAD_MAX: usize = 1024;

/// Every state that the session enters, in order, from the one it is in when the stream is made. It ends after
/// [`SessionState::Ended`] unless the client goes on with a new session.
///
/// A reader that falls 1,024 states behind loses the oldest. Dropping the stream is all there is to unsubscribe.
#[derive(Debug)]
pub struct States(Arc<Mutex<Unread>>);

/// The writing end of a [`States`].
#[derive(Debug)]
pub(crate) struct Feed(Weak<Mutex<Unread>>);

#[derive(Debug, Default)]
struct Unread {
    states: VecDeque<SessionState>,
    reader: Option<Waker>,
    closed: bool,
}

impl States {
    pub(crate) fn new(present: SessionState) -> (Self, Feed) {
        let unread = Arc::new(Mutex::new(Unread { states: VecDeque::from([present]), ..Unread::default() }));
        let feed = Feed(Arc::downgrade(&unread));
        (Self(unread), feed)
    }
}

impl Stream for States {
    type Item = SessionState;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SessionState>> {
        let mut unread = lock(&self.0);
        if let Some(state) = unread.states.pop_front() {
            return Poll::Ready(Some(state));
        }
        if unread.closed {
            return Poll::Ready(None);
        }
        unread.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Feed {
    /// Adds a state; false if the reader is gone.
    pub(crate) fn tell(&self, state: SessionState) -> bool {
        let Some(unread) = self.0.upgrade() else { return false };
        let mut unread = lock(&unread);
        if unread.states.len() == UNREAD_MAX {
            unread.states.pop_front();
        }
        unread.states.push_back(state);
        if let Some(reader) = unread.reader.take() {
            reader.wake();
        }
        true
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let Some(unread) = self.0.upgrade() else { return };
        let mut unread = lock(&unread);
        unread.closed = true;
        if let Some(reader) = unread.reader.take() {
            reader.wake();
        }
    }
}

fn lock(unread: &Mutex<Unread>) -> MutexGuard<'_, Unread> {
    unread.lock().unwrap_or_else(PoisonError::into_inner)
}
