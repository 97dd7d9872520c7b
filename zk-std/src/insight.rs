//! What a client can tell about itself, for dashboards and bug reports.

use zk_session::{Fault, FrameNote, Oddities, Server, Statistics};

use crate::client::Client;

impl Client {
    /// Figures of the present session.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.shared().lock().session.statistics()
    }

    /// What servers did that is odd but harmless, in the present session.
    #[must_use]
    pub fn oddities(&self) -> Oddities {
        self.shared().lock().session.oddities()
    }

    /// The heads of the last 256 frames of the present session, the oldest first. They tell nothing of what the frames
    /// carried, nor of paths.
    #[must_use]
    pub fn recent_frames(&self) -> Vec<FrameNote> {
        self.shared().lock().session.recent_frames().copied().collect()
    }

    /// Why the last link or try was given up; `None` while the session is linked.
    #[must_use]
    pub fn last_fault(&self) -> Option<Fault> {
        self.shared().lock().session.last_fault().cloned()
    }

    /// The servers that the client tries, as they were configured, updated, or followed.
    #[must_use]
    pub fn servers(&self) -> Vec<Server> {
        self.shared().lock().session.servers().servers.clone()
    }
}
