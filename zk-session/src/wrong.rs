//! Ways to be wrong, for tests of the tests: each is a mistake that some client of ZooKeeper has made.
//!
//! They exist with the feature `wrong` only, and even then a session does right unless it is told otherwise. A check that
//! does not see them is worth nothing.

/// A mistake.
#[cfg(feature = "wrong")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wrong {
    /// Keeps what was not sent for the next connection, though something before it was lost (ZOOKEEPER-2619).
    KeepsTheQueue,
    /// Takes what was not answered for not sent.
    CallsItUnsent,
    /// Forgets those who wait when the session ends (ZOOKEEPER-794).
    ForgetsTheWaiting,
    /// Does not restore watches after a reconnection (Kazoo #29).
    ForgetsItsWatches,
    /// Restores watches as of now, and not as of when the connection was lost (go-zookeeper #35).
    RestoresFromNow,
    /// Lets calls go before the watches are restored (ZOOKEEPER-204).
    OvertakesItsWatches,
    /// Wakes those who wait for children by any event (go-zookeeper 90e39fa).
    MixesItsWatches,
    /// Sets a watch although the read has failed.
    WatchesAFailure,
    /// Does not say what it has seen, and lets a server show it the past.
    ForgetsWhatItSaw,
    /// Takes what it sends for a sign of the server's life (ZOOKEEPER-542).
    HearsItself,
    /// Waits for ever for a server that says nothing.
    WaitsInSilence,
    /// Waits for ever for an ensemble to tell that the session is over (ZOOKEEPER-4508).
    WaitsForTheEnd,
    /// Gives the session up with the connection (go-zookeeper e37691e).
    DiesWithItsConnection,
    /// Takes every answer for a proof that the session lives (OBS-1).
    TrustsEveryAnswer,
    /// Does not stop waiting when it is closed (ZOOKEEPER-3706).
    NeverCloses,
    /// Asks for the watch of a call whose owner has given it up.
    AsksAllTheSame,
    /// Does not send a sign of life.
    NeverPings,
    /// Puts its ping off by a period when it wakes up before the ping is due (ZOOKEEPER-1751).
    PutsOffItsPing,
    /// Pings at every turn while a ping is unanswered (ZOOKEEPER-562).
    FloodsWithPings,
    /// Takes nothing but the answer to its ping for a sign of life while it waits for one.
    HearsOnlyPongs,
    /// Sends no sign of life while it waits for the answer to another (Kazoo #633).
    WaitsForItsPong,
    /// Takes a ping reply that nobody waits for as the end of the link (ZOOKEEPER-2253).
    FearsStrayPongs,
    /// Gives one server all the time there is to answer the handshake (Kazoo #540).
    SpendsAllOnOneServer,
    /// Sends calls before its handshake is answered (ZOOKEEPER-542).
    SpeaksBeforeItsGreeting,
    /// Counts a login by its beginning, and not by what the server says meanwhile (ZOOKEEPER-4275).
    CountsTheLogin,
    /// Counts time by the timeout it has asked for, and not by the one it got (CURATOR-460).
    CountsByItsWish,
    /// Stays with a server that says that the session has moved (ZOOKEEPER-710).
    IgnoresThatItMoved,
    /// Lets the lease of an old link run out on the new one (CURATOR-525).
    KeepsItsOldLease,
    /// Says that a session was closed when it has expired (kezhuw 280ae6f).
    CallsItClosed,
    /// Ends itself at once when it is closed, and tells no server (ZOOKEEPER-1105).
    ClosesAtOnce,
    /// Drops what is queued when it is closed (ZOOKEEPER-846).
    ClosesOverItsQueue,
    /// Expects the answers to credentials in the order of all others (Kazoo #229).
    ExpectsOneQueue,
    /// Takes any answer for that to the oldest call (ZOOKEEPER-1863).
    TakesWhatComes,
    /// Takes frames of any length (ZOOKEEPER-272).
    KnowsNoLimit,
    /// Sends what the servers are known not to know (kezhuw #18).
    SendsTheUnknown,
    /// Takes its place in time from events, which come before the rest of their transaction (kezhuw #82).
    TakesTimeFromEvents,
    /// Goes on with a server whose state goes back.
    LivesBackwards,
    /// Believes a server without a quorum that the session is over.
    BelievesHearsay,
    /// Offers a session that only a server without a quorum has seen.
    OffersHearsay,
    /// Sends credentials and calls before its login has succeeded (ZOOKEEPER-3937).
    SpeaksBeforeItsLogin,
    /// Ignores that the server refuses its login (ZOOKEEPER-4342).
    IgnoresItsRefusal,
    /// Takes any server for the right one, though it did not prove itself.
    TrustsAnyServer,
    /// Does not send credentials on every connection (ZOOKEEPER-438, go-zookeeper #181).
    ForgetsItsCredentials,
    /// Does not tell persistent watches that they may have missed something (ZOOKEEPER-4698).
    HidesTheGap,
    /// Restores watches by the client's paths instead of the server's (ZOOKEEPER-961).
    RestoresItsOwnPaths,
    /// Takes the stump of a token for none at all, which can mean success (ZOOKEEPER-4342).
    TakesHalfATokenForNone,
    /// Takes the answers of a server without a quorum for a proof that the session lives.
    TrustsTheQuorumless,
    /// Lets a one-shot watch fire again and again (ZOOKEEPER-1412).
    FiresAgain,
    /// Restores watches where there are none (ZOOKEEPER-551).
    RestoresNothing,
    /// Sets a watch when it is asked for, and not when the answer has set it (ZOOKEEPER-137).
    ArmsAtOnce,
    /// Files a watch of children with those of data (Kazoo #514).
    MisfilesChildren,
    /// Asks for a watch on a path that has a lasting one, which older servers then forget (ZOOKEEPER-4466).
    MixesModes,
    /// Tells recursive watches that children have changed (ZOOKEEPER-4475).
    TellsTreesOfChildren,
    /// Takes away watches of all kinds for the sake of one (ZOOKEEPER-4471).
    TakesAllKindsAway,
    /// Gives up another watch than the one it is asked to (ZOOKEEPER-2611).
    GivesUpAnother,
    /// Sends requests of its own without a number of their own (kezhuw #22).
    LeavesOutItsXid,
    /// Takes an event of an unknown kind for the end of the world (kezhuw #83).
    DreadsUnknownEvents,
    /// Takes an event from outside of its chroot for the end of the world (ZOOKEEPER-4565).
    DreadsForeignPaths,
    /// Tells paths as the server knows them (ZOOKEEPER-2282).
    TellsServerPaths,
    /// Writes into the log what must not be told (CVE-2026-24308).
    LogsItsSecrets,
    /// Insists on what it has seen, though no server of a new ensemble knows it (CURATOR-724).
    NeverStartsAnew,
    /// Does not look for a better server than one without a quorum (ZOOKEEPER-4819).
    SettlesForLess,
    /// Stays with a server that was taken off the list (ZOOKEEPER-1683).
    StaysWithTheRemoved,
    /// Gives up when a name does not resolve (ZOOKEEPER-1029).
    GivesUpOnNames,
    /// Connects to an address that means any (CURATOR-638).
    TrustsWildcards,
    /// Ends a session that was never granted (ZOOKEEPER-4921).
    EndsWhatNeverWas,
    /// Tries the next server at once, again and again (go-zookeeper d0e0d8e).
    NeverPauses,
}

#[cfg(feature = "wrong")]
impl Wrong {
    /// Those that show in worlds of any kind of trouble. The others need what is rare there; tests of their own show them.
    pub const IN_WORLDS: [Self; 25] = [
        Self::KeepsTheQueue,
        Self::CallsItUnsent,
        Self::ForgetsTheWaiting,
        Self::ForgetsItsWatches,
        Self::RestoresFromNow,
        Self::OvertakesItsWatches,
        Self::MixesItsWatches,
        Self::WatchesAFailure,
        Self::ForgetsWhatItSaw,
        Self::HearsItself,
        Self::WaitsInSilence,
        Self::WaitsForTheEnd,
        Self::DiesWithItsConnection,
        Self::TrustsEveryAnswer,
        Self::NeverCloses,
        Self::AsksAllTheSame,
        Self::NeverPings,
        Self::BelievesHearsay,
        Self::OffersHearsay,
        Self::SpeaksBeforeItsLogin,
        Self::IgnoresItsRefusal,
        Self::ForgetsItsCredentials,
        Self::HidesTheGap,
        Self::EndsWhatNeverWas,
        Self::NeverPauses,
    ];
}

/// Whether a session is to make this mistake.
#[cfg(feature = "wrong")]
macro_rules! wrong {
    ($session:expr, $Mistake:ident) => {
        $session.config.wrong == Some($crate::wrong::Wrong::$Mistake)
    };
}

/// No session makes a mistake on purpose.
#[cfg(not(feature = "wrong"))]
macro_rules! wrong {
    ($session:expr, $Mistake:ident) => {{
        let _ = &$session;
        false
    }};
}

pub(crate) use wrong;
