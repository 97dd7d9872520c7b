//! Watches that are set, asked about and taken away on their own.

use alloc::vec::Vec;

use crate::id::Zxid;
use crate::path::Path;

record! {
    /// Sets a watch that stays when it fires. The node need not exist, and no permission is needed.
    ///
    /// On a server before 3.9 the watch is lost when a read of the same connection sets another on the path.
    ///
    /// # Errors
    ///
    /// [MarshallingError](crate::Code::MarshallingError) for an unknown mode.
    pub struct AddWatch as AddWatchRequest {
        /// The path of the node.
        pub path: Path,
        /// What the watch is to cover.
        pub mode: AddWatchMode,
    }
}

wire_enum! {
    /// What a watch that stays covers.
    pub enum AddWatchMode {
        /// The node and the list of its children.
        Persistent = 0,
        /// The node and everything below it; it tells of children by their own paths.
        PersistentRecursive = 1,
    }
}

record! {
    /// Asks whether the connection has such a watch on exactly this path.
    ///
    /// # Errors
    ///
    /// - [NoWatcher](crate::Code::NoWatcher): it has none.
    /// - [MarshallingError](crate::Code::MarshallingError): the server does not know the kind.
    pub struct CheckWatches as CheckWatchesRequest {
        /// The path of the node.
        pub path: Path,
        /// The kind of watch.
        pub kind as type: WatchKind,
    }
}

record! {
    /// Takes away the connection's watches of a kind on exactly this path.
    ///
    /// # Errors
    ///
    /// As [`CheckWatches`].
    pub struct RemoveWatches as RemoveWatchesRequest {
        /// The path of the node.
        pub path: Path,
        /// The kind of watch.
        pub kind as type: WatchKind,
    }
}

wire_enum! {
    /// The kinds of watches as their removal names them. Before 3.9 the first two are also those parts of a watch that
    /// stays.
    pub enum WatchKind {
        /// Of the list of children.
        Children = 1,
        /// Of the data, the deletion or the creation.
        Data = 2,
        /// Of any kind.
        Any = 3,
        /// [`AddWatchMode::Persistent`]; since 3.9.
        Persistent = 4,
        /// [`AddWatchMode::PersistentRecursive`]; since 3.9.
        PersistentRecursive = 5,
    }
}

record! {
    /// Sets watches anew after a reconnect. For a node that has changed since `relative_zxid` the server sends the event
    /// before the reply, and sets no watch.
    ///
    /// Split long lists over several requests: a server does not take one longer than
    /// [`REQUEST_LENGTH_MAX`](crate::REQUEST_LENGTH_MAX), and closes the connection.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub struct SetWatches {
        /// The last transaction that a reply showed. Events do not count: a transaction can fire several.
        pub relative_zxid as relativeZxid: Zxid,
        /// Watches of data on nodes that were there.
        pub data as dataWatches: Vec<Path>,
        /// Watches for the creation of nodes that were not there.
        pub exist as existWatches: Vec<Path>,
        /// Watches of children.
        pub child as childWatches: Vec<Path>,
    }
}

record! {
    /// Sets watches anew after a reconnect, those that stay among them. Those are always set, and nothing tells what they
    /// have missed.
    ///
    /// Where there are none that stay, [`SetWatches`] does on any server.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub struct SetWatches2 {
        /// As in [`SetWatches`].
        pub relative_zxid as relativeZxid: Zxid,
        /// Watches of data on nodes that were there.
        pub data as dataWatches: Vec<Path>,
        /// Watches for the creation of nodes that were not there.
        pub exist as existWatches: Vec<Path>,
        /// Watches of children.
        pub child as childWatches: Vec<Path>,
        /// Watches with [`AddWatchMode::Persistent`].
        pub persistent as persistentWatches: Vec<Path>,
        /// Watches with [`AddWatchMode::PersistentRecursive`].
        pub recursive as persistentRecursiveWatches: Vec<Path>,
    }
}
