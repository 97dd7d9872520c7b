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
    /// Does not send a sign of life (ZOOKEEPER-1751).
    NeverPings,
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
    /// Ends a session that was never granted (ZOOKEEPER-4921).
    EndsWhatNeverWas,
    /// Tries the next server at once, again and again (go-zookeeper d0e0d8e).
    NeverPauses,
}

#[cfg(feature = "wrong")]
impl Wrong {
    /// Those that show in worlds of any kind of trouble. The others need what is rare there; tests of their own show them.
    pub const IN_WORLDS: [Self; 26] = [
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
        Self::TakesTimeFromEvents,
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
