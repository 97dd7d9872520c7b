//! One-shot watches as handles to wait on.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use zk_session::{CallId, Ended, Notice, WatchEvent};

use crate::core::Shared;

/// A one-shot watch: the first change after the read that set it.
///
/// It survives reconnections: what changed during an outage fires it when the session is resumed. (By the protocol a node
/// that was created *and* deleted during an outage does not fire a watch for its creation.) It ends with
/// [`Ended`] if the session does. Dropping it gives the watch up.
#[derive(Debug)]
#[must_use = "a watch that is dropped is given up"]
pub struct Watch {
    pub(crate) shared: Arc<Shared>,
    pub(crate) call: CallId,
    pub(crate) news: Receiver<Notice>,
}

impl Watch {
    /// Blocks until the watch fires.
    ///
    /// # Errors
    /// [`Ended`]: the session ended before anything happened.
    pub fn wait(self) -> Result<WatchEvent, Ended> {
        // Without a driver there is no session.
        self.news.recv().map_or(Err(Ended::Closed), outcome)
    }

    /// Blocks until the watch fires, but no longer than `limit`; `None` if nothing has happened by then. A watch that has
    /// fired says [`Ended::Closed`] from then on.
    ///
    /// # Errors
    /// As [`Watch::wait`].
    pub fn wait_for(&self, limit: Duration) -> Option<Result<WatchEvent, Ended>> {
        match self.news.recv_timeout(limit) {
            Ok(notice) => Some(outcome(notice)),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(Ended::Closed)),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.unwatch(self.call);
    }
}

fn outcome(notice: Notice) -> Result<WatchEvent, Ended> {
    match notice {
        Notice::Fired(event) => Ok(event),
        Notice::Ended(ended) => Err(ended),
        // Only persistent watches have gaps.
        Notice::Gap { .. } => Err(Ended::Closed),
    }
}

#[cfg(test)]
mod tests {
    use crate::Client;

    #[test]
    fn a_watch_that_is_dropped_is_forgotten() {
        let server = zk_sim::serve("127.0.0.1:0").expect("a port");
        let client = Client::connect(&server.address().to_string()).expect("connected");
        let (_, kept) = client.exists_watched("/a").expect("asked");
        let (_, dropped) = client.exists_watched("/b").expect("asked");
        let standing = || client.shared().lock().session.watch_count();
        assert_eq!(standing(), 2);
        drop(dropped);
        assert_eq!(standing(), 1);
        drop(kept);
        assert_eq!(standing(), 0);
        client.close();
    }
}
