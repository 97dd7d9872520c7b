//! Lasting watches as streams.
//!
//! The queue between the driver and a reader who does not read is bounded: what is dropped is told as a gap.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use futures::Stream;
use futures::task::AtomicWaker;
use zk_session::ops::{AddWatch, AddWatchMode};
use zk_session::{CallId, Ended, Error, IntoPath, Notice, WatchEvent};

use crate::call;
use crate::client::Client;
use crate::core::{Listener, Shared};

/// What a lasting watch tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// This has happened.
    Event(WatchEvent),
    /// Something may have happened here that is not told: read again what you know by the watch. The link was lost and
    /// there is another (servers do not tell a lasting watch what it has missed), or the reader fell behind.
    Gap,
    /// The session has ended, and the watch with it. It is the last: set another, and read again.
    Ended(Ended),
}

/// A watch that stays when it fires: a stream of all that happens, in order, across reconnections.
///
/// Read what is watched after the watch is set, and after every [`Change::Gap`]: what is read then is not older than the
/// last thing told, and what changes later is told. The stream ends after [`Change::Ended`].
///
/// A reader that falls [`Events::UNREAD_MAX`] changes behind loses the oldest, and is told [`Change::Gap`] in their place.
/// Dropping the stream gives the watch up.
#[derive(Debug)]
#[must_use = "a watch that is dropped is given up"]
pub struct Events {
    shared: Arc<Shared>,
    call: CallId,
    board: Arc<Board>,
}

/// The writing end of an [`Events`].
#[derive(Debug)]
pub(crate) struct Feeder(Weak<Board>);

#[derive(Debug, Default)]
struct Board {
    unread: Mutex<Unread>,
    reader: AtomicWaker,
}

#[derive(Debug, Default)]
struct Unread {
    changes: VecDeque<Change>,
    /// In front of them others were dropped.
    dropped: bool,
    over: bool,
}

impl Client {
    /// Watches a node, or with [`AddWatchMode::PersistentRecursive`] all that is below it as well, until the stream is
    /// dropped. The node need not exist.
    ///
    /// Needs servers of 3.6 or later; earlier ones close the connection, and so the call ends as
    /// [`Error::MaybeApplied`]. Say so by [`Config::release`](zk_session::Config::release), and it is refused.
    ///
    /// # Errors
    /// Those of any call. With an error there is no watch.
    ///
    /// # Cancellation
    /// Dropping the future gives the watch up.
    pub async fn add_watch(&self, path: impl IntoPath, mode: AddWatchMode) -> Result<Events, Error> {
        let board = Arc::new(Board::default());
        let feeder = Feeder(Arc::downgrade(&board));
        let request = AddWatch { path: path.into_path()?, mode }.into();
        let mut call = self.submit(request, Some(Listener::Lasting(feeder)))?;
        // From here on a drop gives the watch up.
        let events = Events { shared: Arc::clone(self.shared()), call: call.id, board };
        call::typed::<AddWatch>((&mut call).await)?;
        Ok(events)
    }
}

impl Events {
    /// How far a reader may fall behind, in changes: more than any burst that he would rather read one by one than
    /// by looking again.
    pub const UNREAD_MAX: usize = 1024;
}

impl Stream for Events {
    type Item = Change;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Change>> {
        // Before the look, so that nothing can come between the two.
        self.board.reader.register(context.waker());
        let mut unread = self.board.lock();
        match unread.take() {
            None if !unread.over => Poll::Pending,
            change => Poll::Ready(change),
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.shared.unwatch(self.call);
    }
}

impl Feeder {
    /// Takes one more notice. The last is [`Notice::Ended`].
    pub(crate) fn tell(&self, notice: Notice) {
        self.put(match notice {
            Notice::Fired(event) => Change::Event(event),
            Notice::Gap { .. } => Change::Gap,
            Notice::Ended(ended) => Change::Ended(ended),
        });
    }

    fn put(&self, change: Change) {
        if let Some(board) = self.0.upgrade() {
            board.lock().put(change);
            board.reader.wake();
        }
    }
}

impl Drop for Feeder {
    /// Without a driver there is no session.
    fn drop(&mut self) {
        self.put(Change::Ended(Ended::Closed));
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unread {
    fn put(&mut self, change: Change) {
        if self.over {
            return;
        }
        self.over = matches!(change, Change::Ended(_));
        let is_known = match self.changes.back() {
            Some(last) => *last == Change::Gap,
            None => self.dropped,
        };
        // Between two gaps nothing was told.
        if change == Change::Gap && is_known {
            return;
        }
        if self.changes.len() == Events::UNREAD_MAX {
            self.changes.pop_front();
            self.dropped = true;
        }
        self.changes.push_back(change);
    }

    fn take(&mut self) -> Option<Change> {
        if self.dropped {
            self.dropped = false;
            if self.changes.front() == Some(&Change::Gap) {
                self.changes.pop_front();
            }
            return Some(Change::Gap);
        }
        self.changes.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use zk_session::EventKind;

    use super::*;

    fn event(number: usize) -> Change {
        let path = format!("/{number}").parse().expect("a path");
        Change::Event(WatchEvent { kind: EventKind::NodeDataChanged, path })
    }

    #[test]
    fn what_a_slow_reader_loses_is_told_as_a_gap_in_its_place() {
        let mut unread = Unread::default();
        for number in 0..=Events::UNREAD_MAX {
            unread.put(event(number));
        }
        assert_eq!(unread.take(), Some(Change::Gap));
        assert_eq!(unread.take(), Some(event(1)));
        unread.put(event(Events::UNREAD_MAX + 1));
        unread.put(Change::Ended(Ended::Closed));
        for number in 2..=Events::UNREAD_MAX + 1 {
            let next = unread.take();
            if number > 2 {
                assert_eq!(next, Some(event(number)));
            } else {
                // The end has taken the place of one more.
                assert_eq!(next, Some(Change::Gap));
            }
        }
        assert_eq!(unread.take(), Some(Change::Ended(Ended::Closed)));
        assert_eq!(unread.take(), None);
    }

    #[test]
    fn gaps_without_anything_between_them_are_one() {
        let mut unread = Unread::default();
        unread.put(Change::Gap);
        unread.put(Change::Gap);
        unread.put(event(1));
        unread.put(Change::Gap);
        assert_eq!(unread.take(), Some(Change::Gap));
        for number in 2..Events::UNREAD_MAX + 1 {
            unread.put(event(number));
        }
        // The first event was dropped, and the gap behind it stands for it.
        assert_eq!(unread.take(), Some(Change::Gap));
        assert_eq!(unread.take(), Some(event(2)));
    }

    #[test]
    fn nothing_follows_the_end() {
        let mut unread = Unread::default();
        unread.put(Change::Ended(Ended::Expired));
        unread.put(event(1));
        unread.put(Change::Ended(Ended::Closed));
        assert_eq!(unread.take(), Some(Change::Ended(Ended::Expired)));
        assert_eq!(unread.take(), None);
    }
}
