//! One-shot watches as futures.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use zk_session::{CallId, Ended, Notice, WatchEvent};

use crate::core::Shared;

/// A one-shot watch: a future of the first change after the read that set it.
///
/// It survives reconnections: what changed during an outage fires it when the session is resumed. (By the protocol a node
/// that was created *and* deleted during an outage does not fire a watch for its creation.) It ends with
/// [`Ended`] if the session does. Dropping it gives the watch up.
#[derive(Debug)]
#[must_use = "a watch that is dropped is given up"]
pub struct Watch {
    pub(crate) shared: Arc<Shared>,
    pub(crate) call: CallId,
    pub(crate) news: oneshot::Receiver<Notice>,
}

impl Future for Watch {
    type Output = Result<WatchEvent, Ended>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.news).poll(context).map(|notice| match notice {
            Ok(Notice::Fired(event)) => Ok(event),
            Ok(Notice::Ended(ended)) => Err(ended),
            // Only persistent watches have gaps.
            Ok(Notice::Gap { .. }) => Err(Ended::Closed),
            // The driver is gone, and with it the session.
            Err(_) => Err(Ended::Closed),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.unwatch(self.call);
    }
}

#[cfg(test)]
mod tests {
    use crate::Client;

    #[tokio::test]
    async fn a_watch_that_is_dropped_is_forgotten() {
        let server = zk_sim::serve("127.0.0.1:0").expect("a port");
        let client = Client::connect(&server.address().to_string()).await.expect("connected");
        let (_, kept) = client.exists_watched("/a").await.expect("asked");
        let (_, dropped) = client.exists_watched("/b").await.expect("asked");
        let standing = || client.shared().lock().session.watch_count();
        assert_eq!(standing(), 2);
        drop(dropped);
        assert_eq!(standing(), 1);
        drop(kept);
        assert_eq!(standing(), 0);
        client.close().await;
    }
}
