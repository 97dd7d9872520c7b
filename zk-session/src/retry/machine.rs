//! One call, repeated as far as that is safe.
//!
//! ```text
//! Asking --answer--> Over
//!   ^  |
//!   |  +--lost--> Settling --answered--> Reading --the node--> Over, or Asking again
//!   |                ^                     |
//!   |                |                     +--a name with the token--> Checking --the node--> Over
//!   |                +--lost, at any step after it
//!   +--not sent, or to be asked again later
//! ```
//!
//! After a failure each step waits for its turn in Resting. A repeated request that is refused is looked after like a
//! lost one: it may have been refused because it was applied.

use alloc::string::String;

use zk_proto::ops::{Delete, Exists, Reply, Request};
use zk_proto::{Code, Path, SessionId, Version};

use super::evidence::{self, Node, Verdict};
use super::{Resolution, RetryOptions, RetryPolicy, token};
use crate::error::{Ended, Error, Why};
use crate::rng::Rng;
use crate::time::Instant;
use crate::words::Answer;

/// One call, repeated as far as that is safe.
///
/// Its driver does what [`next`](Self::next) says, and reports the result of what it submitted by
/// [`answered`](Self::answered). To drop it is to give the call up; what was submitted may still be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Retrying {
    /// As it is submitted: with the token in its name, if it is to have one.
    request: Request,
    options: RetryOptions,
    resolution: Resolution,
    policy: RetryPolicy,
    rng: Rng,
    token: String,
    /// After which nothing is tried again.
    end: Instant,
    session: Option<SessionId>,
    failures: u32,
    state: State,
}

/// What to do next about a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Submit this request, and report its result by [`Retrying::answered`]. A request that was refused when it was
    /// submitted has a result, too: the [`Refusal`](crate::Refusal) as an [`Error`]. The watch of a read that is
    /// repeated is that of its last submission.
    Submit(Request),
    /// Nothing before this instant; [`Instant::NEVER`] as long as a submitted request has no result.
    Wait(Instant),
    /// The call has ended.
    ///
    /// An answer that was lost and could be found out has the node as it was when it was looked at; its zxid is that
    /// of the request, or zero where no node has it any more. An error is the last one, or [`Error::MaybeApplied`] if
    /// an earlier one left a doubt that stays. A creation of an ephemeral node whose session has expired is told as
    /// [`Error::NotSent`]: whatever it did is undone.
    Done(Result<Answer, Error>),
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Ready(Step),
    Resting { until: Instant, then: Step },
    Out(Step),
    Over(Result<Answer, Error>),
}

/// What is submitted.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// The request.
    Asking(Past),
    /// A write that fails, behind all that came before.
    Settling(Doubt),
    /// The node, or its parent.
    Reading(Doubt),
    /// The node that has the token.
    Checking(Doubt, Path),
}

/// Whether the request was in doubt before it is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Past {
    Clear,
    /// It was lost for this reason, and found not to have been applied.
    Doubted(Why),
}

/// A request that may have been applied.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Doubt {
    why: Why,
    /// The session it was sent in.
    session: Option<SessionId>,
    /// How its repetition was refused.
    refusal: Option<Code>,
}

impl Retrying {
    /// Starts the call.
    ///
    /// The `token` is 16 random bytes for this call alone. They are in the names that protect it or find out about it,
    /// and all jitter is drawn from them; they are no secret.
    #[must_use]
    pub fn new(
        mut request: Request,
        options: RetryOptions,
        policy: RetryPolicy,
        token: [u8; 16],
        now: Instant,
    ) -> Self {
        let resolution = Resolution::of(&request, &options);
        let text = token::text(token);
        let state = match resolution {
            Resolution::ByToken => token::protect(&mut request, &text),
            Resolution::Repeat | Resolution::ByVersion | Resolution::ByNode | Resolution::Never => Ok(()),
        }
        .map_or_else(|error| State::Over(Err(error.into())), |()| State::Ready(Step::Asking(Past::Clear)));
        let seed = token.iter().fold(0, |seed: u64, byte| seed.rotate_left(8) ^ u64::from(*byte));
        Self {
            request,
            options,
            resolution,
            policy,
            rng: Rng::new(seed),
            token: text,
            end: policy.within.map_or(Instant::NEVER, |within| now + within),
            session: None,
            failures: 0,
            state,
        }
    }

    /// The session in which requests are submitted; to be told before the first, and when a new one follows. Without it
    /// nothing can be found out about ephemeral nodes. What was lost in one session is not looked for in the next.
    pub fn session(&mut self, session: SessionId) {
        let changed = self.session.replace(session).is_some_and(|before| before != session);
        if changed && self.is_in_doubt() {
            self.state = self.over(Error::MaybeApplied(EXPIRED));
        }
    }

    /// What to do next.
    pub fn next(&mut self, now: Instant) -> Next {
        let step = match &self.state {
            State::Resting { until, .. } if *until > now => return Next::Wait(*until),
            State::Ready(step) | State::Resting { then: step, .. } => step.clone(),
            State::Out(_) => return Next::Wait(Instant::NEVER),
            State::Over(result) => return Next::Done(result.clone()),
        };
        let request = self.asks(&step);
        self.state = State::Out(step);
        Next::Submit(request)
    }

    /// The request of [`Next::Submit`] has this result. Without one under way it is ignored.
    pub fn answered(&mut self, result: Result<Answer, Error>, now: Instant) {
        let State::Out(step) = &self.state else { return };
        let step = step.clone();
        self.state = match step {
            Step::Asking(past) => self.asked(past, result, now),
            Step::Settling(doubt) => match result {
                Err(error) if !settles(error) => self.unread(doubt, error, now),
                Ok(_) | Err(_) => State::Ready(Step::Reading(doubt)),
            },
            Step::Reading(doubt) => match result {
                Ok(Answer { reply: Reply::GetChildren2(parent), .. }) => {
                    match token::own(&parent.children, &self.token).map(|name| self.beside(name)) {
                        Some(path) => State::Ready(Step::Checking(doubt, path)),
                        None => self.conclude(doubt, Verdict::Unapplied),
                    }
                }
                Err(Error::Server(Code::NoNode)) if self.resolution == Resolution::ByToken => {
                    self.conclude(doubt, Verdict::Unapplied)
                }
                Ok(answer) => self.weigh(doubt, None, answer.reply),
                Err(Error::Server(Code::NoNode)) => self.seen(doubt, None, None),
                Err(error) => self.unread(doubt, error, now),
            },
            Step::Checking(doubt, path) => match result {
                Ok(answer) => self.weigh(doubt, Some(path), answer.reply),
                Err(Error::Server(Code::NoNode)) => self.seen(doubt, Some(path), None),
                Err(error) => self.unread(doubt, error, now),
            },
        };
    }

    /// When the call ends for want of time; to be given to what is submitted, as
    /// [`CallOptions::deadline`](crate::CallOptions::deadline).
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        (self.end != Instant::NEVER).then_some(self.end)
    }

    fn asks(&self, step: &Step) -> Request {
        match step {
            Step::Asking(_) => self.request.clone(),
            Step::Settling(_) => {
                // Where anything was there, it would not have this version.
                let version = Version::exactly(i32::MAX).unwrap_or(Version::ANY);
                Delete { path: self.beside(&alloc::format!("_b_{}", self.token)), version }.into()
            }
            Step::Reading(_) => evidence::look(&self.request, self.resolution, &self.options),
            Step::Checking(_, path) => Exists { path: path.clone(), watch: false }.into(),
        }
    }

    /// The node of this name that has the same parent as the one in question.
    fn beside(&self, name: &str) -> Path {
        let parent = self.request.path().and_then(Path::parent).unwrap_or_else(Path::root);
        parent.join(name).unwrap_or(parent)
    }

    fn asked(&mut self, past: Past, result: Result<Answer, Error>, now: Instant) -> State {
        match (result, past) {
            (Ok(answer), _) => State::Over(Ok(answer)),
            (Err(error), _) if asks_again(error) => self.rest(Step::Asking(past), error, now),
            (Err(Error::MaybeApplied(why)), _) if passes(why) => match self.resolution {
                Resolution::Repeat => self.rest(Step::Asking(past), Error::MaybeApplied(why), now),
                Resolution::ByVersion | Resolution::ByNode | Resolution::ByToken => {
                    let doubt = Doubt { why, session: self.session, refusal: None };
                    self.rest(Step::Settling(doubt), Error::MaybeApplied(why), now)
                }
                Resolution::Never => self.over(Error::MaybeApplied(why)),
            },
            (Err(Error::Server(code)), Past::Doubted(why)) => {
                State::Ready(Step::Settling(Doubt { why, session: self.session, refusal: Some(code) }))
            }
            (Err(error), _) => self.over(error),
        }
    }

    /// What was to be read was not.
    fn unread(&mut self, doubt: Doubt, error: Error, now: Instant) -> State {
        if let Error::NotSent(why) | Error::MaybeApplied(why) = error
            && !passes(why)
        {
            return self.over(Error::MaybeApplied(why));
        }
        let lost = Error::MaybeApplied(doubt.why);
        if error.maybe_applied() || asks_again(error) {
            self.rest(Step::Settling(doubt), lost, now)
        } else {
            self.over(lost)
        }
    }

    /// What a reply about one node says; nothing if it is about something else.
    fn weigh(&self, doubt: Doubt, path: Option<Path>, reply: Reply) -> State {
        let node = Node::new(reply);
        if node.is_some() { self.seen(doubt, path, node) } else { self.conclude(doubt, Verdict::Unknown) }
    }

    /// What a node says, or that there is none; `path` if it was found by its token.
    fn seen(&self, doubt: Doubt, path: Option<Path>, node: Option<Node>) -> State {
        let verdict = match path {
            Some(path) => evidence::found(&self.request, doubt.session, path, node),
            None => evidence::judge(&self.request, &self.options, doubt.session, node),
        };
        self.conclude(doubt, verdict)
    }

    fn conclude(&self, doubt: Doubt, verdict: Verdict) -> State {
        match verdict {
            Verdict::Applied(answer) => State::Over(Ok(answer)),
            Verdict::Unapplied => match doubt.refusal {
                Some(code) => self.over(Error::Server(code)),
                None => State::Ready(Step::Asking(Past::Doubted(doubt.why))),
            },
            Verdict::Refused(code) => self.over(Error::Server(code)),
            Verdict::Unknown => self.over(Error::MaybeApplied(doubt.why)),
        }
    }

    /// Waits before the next step; without a further try the call ends with `error`.
    fn rest(&mut self, then: Step, error: Error, now: Instant) -> State {
        self.failures = self.failures.saturating_add(1);
        let until = self.policy.pause(self.failures, &mut self.rng).map(|pause| now + pause);
        match until.filter(|until| *until < self.end) {
            Some(until) => State::Resting { until, then },
            None => self.over(error),
        }
    }

    fn over(&self, error: Error) -> State {
        let void = error == Error::MaybeApplied(EXPIRED)
            && token::creation(&self.request).is_some_and(|creation| creation.ephemeral);
        State::Over(Err(if void { Error::NotSent(EXPIRED) } else { error }))
    }

    const fn is_in_doubt(&self) -> bool {
        match &self.state {
            State::Ready(step) | State::Resting { then: step, .. } | State::Out(step) => match step {
                Step::Asking(_) => false,
                Step::Settling(_) | Step::Reading(_) | Step::Checking(_, _) => true,
            },
            State::Over(_) => false,
        }
    }
}

/// Whether what kept a reply from coming passes.
const fn passes(why: Why) -> bool {
    matches!(why, Why::ConnectionLost | Why::Full)
}

/// Whether the error says that the request was not applied, and may be at another time.
const fn asks_again(error: Error) -> bool {
    matches!(
        error,
        Error::NotSent(Why::ConnectionLost | Why::Full)
            | Error::Server(Code::Throttled | Code::SessionMoved | Code::NotReadOnly)
    )
}

/// Whether a write with this error took its place in the log, as those do that the leader refuses.
const fn settles(error: Error) -> bool {
    matches!(error, Error::Server(Code::NoNode | Code::NoAuth | Code::BadVersion))
}

const EXPIRED: Why = Why::Ended(Ended::Expired);
