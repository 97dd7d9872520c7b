//! The session states, to iterate over.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use zk_session::SessionState;

/// States kept for a reader that does not read. States change with the fate of connections, a few times a second at worst.
const UNREAD_MAX: usize = 1024;

/// Every state that the session enters, in order, from the one it is in when the iterator is made. `next` blocks; the
/// iterator ends after [`SessionState::Ended`] unless the client goes on with a new session.
///
/// A reader that falls 1,024 states behind is cut off: its iterator ends early. Dropping the iterator is all there is to
/// unsubscribe.
#[derive(Debug)]
pub struct States(Receiver<SessionState>);

/// The writing end of a [`States`]; dropping it ends the iterator.
#[derive(Debug)]
pub(crate) struct Feed(SyncSender<SessionState>);

impl States {
    pub(crate) fn new(present: SessionState) -> (Self, Feed) {
        let (sender, receiver) = sync_channel(UNREAD_MAX);
        let feed = Feed(sender);
        feed.tell(present);
        (Self(receiver), feed)
    }

    /// The next state, if it comes within `limit`.
    ///
    /// # Errors
    /// [`RecvTimeoutError::Timeout`], or [`RecvTimeoutError::Disconnected`] when there will be no further state.
    pub fn next_within(&mut self, limit: Duration) -> Result<SessionState, RecvTimeoutError> {
        self.0.recv_timeout(limit)
    }
}

impl Iterator for States {
    type Item = SessionState;

    fn next(&mut self) -> Option<SessionState> {
        self.0.recv().ok()
    }
}

impl Feed {
    /// Adds a state; false if the reader is gone or does not read.
    pub(crate) fn tell(&self, state: SessionState) -> bool {
        match self.0.try_send(state) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}
