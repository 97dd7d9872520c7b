//! Ways to be wrong, for tests of the tests: each is a mistake that some client of ZooKeeper has made.
//!
//! They exist with the feature `wrong` only, and even then a machine does right unless it is told otherwise. A check that
//! does not see them is worth nothing.

/// A mistake.
#[cfg(feature = "wrong")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wrong {
    /// Keeps its token from one session to the next, and takes a node with it for its own without looking whose it is
    /// (CURATOR-604).
    AdoptsTheDead,
    /// Creates a second node when the reply to the first create was lost.
    CreatesAgain,
    /// Compares names, tokens included, and not the numbers at their ends (ZOOKEEPER-2931).
    ComparesNames,
    /// Watches the first contender and not the one just ahead, so that all are woken at once (Kazoo, 7dd4c4c).
    WatchesTheFirst,
    /// Takes the end of the node just ahead for the grant, although others may be ahead of that.
    TrustsTheEvent,
    /// Takes a listing for the grant that was answered before its lease ran out.
    TrustsAnOldListing,
    /// Takes a listing without its own node for the grant.
    MissesItself,
    /// Does not mind the end of its own node (CURATOR-171).
    IgnoresItsEnd,
    /// Keeps its guard when the lease runs out (CURATOR-206).
    OutlivesItsLease,
    /// Keeps its grant when the session expires, and reclaims it in the next one (Kazoo #282).
    OutlivesItsSession,
    /// Takes its grant for standing when it is to be reclaimed.
    ReclaimsUnseen,
    /// Tells the number at the end of its name as its fence.
    NumbersItsFence,
    /// Does not wait for its create when it is cancelled (CURATOR-79).
    LeavesItsCreate,
    /// Takes a delete that was never sent for done (Kazoo #732).
    LeavesItsNode,
    /// Stops looking for its node when it is cancelled meanwhile.
    StopsLooking,
    /// Leaves its node behind when others came first and it was not to wait (Kazoo #429).
    LeavesItsTry,
}

#[cfg(feature = "wrong")]
impl Wrong {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::AdoptsTheDead,
        Self::CreatesAgain,
        Self::ComparesNames,
        Self::WatchesTheFirst,
        Self::TrustsTheEvent,
        Self::TrustsAnOldListing,
        Self::MissesItself,
        Self::IgnoresItsEnd,
        Self::OutlivesItsLease,
        Self::OutlivesItsSession,
        Self::ReclaimsUnseen,
        Self::NumbersItsFence,
        Self::LeavesItsCreate,
        Self::LeavesItsNode,
        Self::StopsLooking,
        Self::LeavesItsTry,
    ];
}

/// Whether a machine is to make this mistake.
#[cfg(feature = "wrong")]
macro_rules! wrong {
    ($site:expr, $Mistake:ident) => {
        $site.wrong == Some($crate::wrong::Wrong::$Mistake)
    };
}

/// No machine makes a mistake on purpose.
#[cfg(not(feature = "wrong"))]
macro_rules! wrong {
    ($site:expr, $Mistake:ident) => {{
        let _ = $site;
        false
    }};
}

pub(crate) use wrong;
