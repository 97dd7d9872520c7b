//! What ought to happen in some run or other. A mark that is never hit tells that the runs have lost their teeth.

use std::fmt;

macro_rules! marks {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Something that is rare, and must not be impossible.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Mark {
            $($(#[$doc])* #[doc = $text] $name,)*
        }

        impl Mark {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What it says.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

marks! {
    Resumed = "a session was resumed on another connection",
    Expired = "a session expired, and the client was told so by a server",
    Outlasted = "a client gave its session up by its own clock",
    MaybeApplied = "a call of unknown fate was applied",
    MaybeLost = "a call of unknown fate was not applied",
    NotSent = "a call was not sent",
    LateCommit = "a write was committed after its client was told that its fate is unknown",
    Throttled = "a server had too much to do",
    SentAway = "a server that lags behind sent a client away",
    StaleRead = "a read did not show the newest state",
    AckedAfterExpiry = "a server answered for a session that had expired",
    CaughtUp = "a watch fired for something that had happened while the client was away",
    MissedCreation = "a node was created and deleted while nobody could see it",
    EventsParted = "a connection was lost between two events of a transaction",
    GapTold = "a watch that lasts was told of a gap",
    ServedByLasting = "a one-shot watch was served by one that lasts",
    WatchTakenAway = "a server was asked to forget a watch",
    ShownAgain = "a credential was shown on a further connection",
    Unshown = "a server refused a credential, and the session went on",
    LoggedIn = "a client has logged in",
    AuthFailed = "a session ended for want of a proof",
    PipelineBroken = "a pipeline was broken",
    FreeSurvived = "a free call survived the loss of its link",
    ReadOnlyEntered = "a client made do with a server without a quorum",
    ReadWriteFound = "a search found a server with a quorum",
    Rejected = "a server without a quorum did not know a session",
    MovedByList = "a client moved because its list of servers had changed",
    Confirmed = "a session was proven to live",
    LeaderChanged = "another server leads",
    Moved = "a session moved to another server",
    Granted = "a lock was granted",
    GrantedAfterWait = "a lock was granted to a contender that had waited",
    GuardLapsed = "a guard died because its lease ran out",
    GuardLost = "a grant was lost because its session expired",
    GuardDeleted = "a grant was lost because an operator deleted its node",
    Regained = "a grant whose guard had died was reclaimed",
    Abandoned = "a contender left without a word",
    Cancelled = "a call was cancelled",
    ClosedInTrouble = "a client was closed while it had no connection",
    Wiped = "an ensemble lost all it knew",
}

impl fmt::Display for Mark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text())
    }
}

/// How often each mark was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks(Vec<u64>);

impl Default for Marks {
    fn default() -> Self {
        Self(vec![0; Mark::ALL.len()])
    }
}

impl Marks {
    /// How often this one was hit.
    #[must_use]
    pub fn count(&self, mark: Mark) -> u64 {
        self.0.get(mark as usize).copied().unwrap_or_default()
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        for (own, more) in self.0.iter_mut().zip(&other.0) {
            *own += more;
        }
    }

    /// Those that were never hit.
    pub fn missed(&self) -> impl Iterator<Item = Mark> {
        Mark::ALL.iter().copied().filter(|mark| self.count(*mark) == 0)
    }

    /// Counts the mark if the condition holds.
    pub(super) fn sometimes(&mut self, condition: bool, mark: Mark) {
        if let Some(count) = self.0.get_mut(mark as usize) {
            *count += u64::from(condition);
        }
    }
}
