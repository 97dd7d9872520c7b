//! What must never be, and what is said when it is.

use std::fmt;

macro_rules! laws {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Something that holds in every run. What it says is what was found broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Law {
            $($(#[$doc])* #[doc = $text] $name,)*
        }

        impl fmt::Display for Law {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(match self { $(Self::$name => $text,)* })
            }
        }
    };
}

laws! {
    ToldTwice = "a caller was told twice",
    ToldOfNothing = "somebody was told of a call that was not made",
    ToldNever = "a session has ended, and a caller was not told",
    OkIsInTheLog = "a write was answered, and the log does not have it there",
    NotSentIsNot = "a call that was not sent is in the log",
    NobodysWrite = "the log has a write that nobody asked for, or has it twice",
    OutOfOrder = "the log has the writes of a session in another order than that in which they were made",
    Fifo = "a call was lost, and a later one, made before that was known, was applied",
    TimeGoesBack = "a later answer of a session shows an earlier state",
    ReadsAreTrue = "an answer does not show the state that it claims to",
    EventBeforeData = "an answer shows a change before the watch that waits for it has fired",
    EventWithoutCause = "a watch fired for nothing",
    EventTwice = "a watch fired twice, or was never set",
    WatchIsLost = "a watch has not fired for a change that is long over",
    LastingIsWrong = "a watch that lasts was not told what happened, as it happened, once",
    GapIsHidden = "a watch that lasts was not told that it may have missed something",
    GapIsWrong = "a gap was told that does not hold all that was missed, or for no reason",
    WatchStays = "all is well, and a server has a watch that nobody wants",
    CredentialIsMissing = "a request was sent before a credential that was accepted earlier",
    SpeaksBeforeLogin = "a client that has to log in said something else first",
    CredentialTwice = "a credential was sent twice on a connection",
    Unauthorized = "a request was refused for want of a credential that had been accepted",
    AuthFailedUnasked = "a session ended for want of a proof, and no server had said so",
    PipelineGoesOn = "a pipeline went on after one of its calls was lost",
    MoveEndsCalls = "a call was lost because the client moved to another server",
    ProbesUnasked = "a client asked a server for its quorum without a reason",
    ProbeSaysMore = "a client said more to a server than to ask for its quorum",
    ReadOnlyUnasked = "a client that does not allow it makes do with a server without a quorum",
    HearsayOffered = "a client offered a session that only a server without a quorum has seen",
    ProofOutlivesSession = "a session had expired while it was proven to live",
    StateOrder = "a state follows another that it cannot follow",
    AfterTheEnd = "something was told of a session after its end",
    SilenceIsTold = "a connection was silent for two thirds of the timeout, and still counts as one",
    ExpiryIsTold = "nothing was heard for four thirds of the timeout, and the session is not given up",
    ExpiryTooSoon = "a session was given up early, and no server had said so",
    TimerStandsStill = "after a timeout the next one is not later",
    NoRest = "an engine never runs out of things to do",
    CloseTakesTooLong = "a session that was closed does not end",
    LeaseOutlivesSession = "a guard was valid when its session had expired",
    LapseIsTold = "a lease has run out, and a guard is still said to be valid",
    TwoHolders = "two guards of a lock were valid at once",
    FenceFalls = "a lock was granted with a fence that is not higher than one before",
    GrantWithoutNode = "a lock was granted to a contender without a node",
    Ghost = "a node of a lock belongs to nobody who waits or holds",
    GuardWithoutNode = "a node of a lock is gone for long, and its guard is still said to be valid",
    FirstWaits = "somebody waits for a lock that nobody holds",
    NotConnected = "all is well, and a client has no connection",
    CallIsStuck = "all is well, and a call is not answered",
    Disturbed = "nothing went wrong, and a client has lost its connection",
}

/// A law that was broken, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What was broken.
    pub law: Law,
    /// In which step of the run.
    pub step: u64,
    /// By which client, if it concerns one.
    pub client: Option<usize>,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "step {}: {:?}: {}", self.step, self.law, self.law)?;
        self.client.map_or(Ok(()), |client| write!(out, " (client {client})"))
    }
}
