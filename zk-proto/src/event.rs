//! What a server says about a node that is watched.
//!
//! Which watches an event concerns is for the session to know.

use alloc::string::String;

record! {
    /// A change of a watched node. It comes before any reply that could show the change.
    pub struct WatcherEvent {
        /// What happened.
        pub kind as type: EventKind,
        /// The state of the session; servers always send [`KeeperState::SyncConnected`].
        pub state: KeeperState,
        /// The path of the node on the server. It may hold what no [`Path`](crate::Path) does, because a server before
        /// 3.5 takes a few characters more.
        pub path: String,
    }
}

wire_enum! {
    /// What happened to the node.
    pub enum EventKind {
        /// The node was created.
        NodeCreated = 1,
        /// The node was deleted.
        NodeDeleted = 2,
        /// The data was set, perhaps to what it was.
        NodeDataChanged = 3,
        /// A child was created or deleted.
        NodeChildrenChanged = 4,
    }
}

wire_enum! {
    /// The state of a session as clients name it. On the wire only [`KeeperState::SyncConnected`] was ever seen, on
    /// read-only servers too.
    pub enum KeeperState {
        /// There is no connection.
        Disconnected = 0,
        /// Connected to a server that is part of the quorum.
        SyncConnected = 3,
        /// A credential was refused.
        AuthFailed = 4,
        /// Connected to a server that serves reads only.
        ConnectedReadOnly = 5,
        /// Authenticated by SASL.
        SaslAuthenticated = 6,
        /// The client was closed.
        Closed = 7,
        /// The session has expired.
        Expired = -112,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::proof;

    #[test]
    fn an_event_survives_the_wire() {
        let kind = EventKind::NodeDeleted;
        proof::holds(&WatcherEvent { kind, state: KeeperState::SyncConnected, path: "/a".into() });
        proof::holds(&WatcherEvent {
            kind: EventKind::Unknown(9),
            state: KeeperState::Unknown(9),
            path: "".into(),
        });
    }

    #[test]
    fn every_number_is_kept() {
        for raw in (-200..=200).chain([i32::MIN, i32::MAX]) {
            assert_eq!(EventKind::new(raw).raw(), raw);
            assert_eq!(KeeperState::new(raw).raw(), raw);
        }
        assert_eq!(EventKind::new(4), EventKind::NodeChildrenChanged);
        assert_eq!(EventKind::new(5), EventKind::Unknown(5));
        assert_eq!(KeeperState::new(-112), KeeperState::Expired);
    }
}
