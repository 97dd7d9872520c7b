//! What all clients did and were told, for the judge at the end.

use std::collections::BTreeMap;

use zk_session::{Answer, CallId, Error, Instant, Reply, Request, SessionId, ops};

use super::clock::Nanos;
use super::truth::{LifeId, Verdict};
use super::wishes;
use crate::check::{Call, History, Outcome};

/// The calls of a run.
#[derive(Debug, Default)]
pub(super) struct Diary {
    open: BTreeMap<(LifeId, CallId), (Nanos, Request)>,
    history: History,
}

impl Diary {
    /// A call is made. Watches are looked after elsewhere.
    pub(super) fn submitted(&mut self, life: LifeId, call: CallId, mut request: Request, now: Nanos) {
        if let Request::Exists(ops::Exists { watch, .. })
        | Request::GetData(ops::GetData { watch, .. })
        | Request::GetChildren(ops::GetChildren { watch, .. })
        | Request::GetChildren2(ops::GetChildren2 { watch, .. }) = &mut request
        {
            *watch = false;
        }
        self.open.insert((life, call), (now, request));
    }

    /// A call has been answered, in this session.
    pub(super) fn completed(
        &mut self,
        life: LifeId,
        call: CallId,
        session: SessionId,
        result: &Result<Answer, Error>,
        now: Nanos,
    ) {
        let outcome = match result {
            // It shows no state.
            Ok(Answer { reply: reply @ Reply::Auth(()), .. }) => {
                Outcome::Ok { zxid: zk_session::Zxid::ZERO, reply: reply.clone() }
            }
            Ok(answer) => Outcome::Ok { zxid: answer.zxid, reply: answer.reply.clone() },
            Err(Error::Server(code)) => Outcome::Refused { code: *code, zxid: None },
            Err(error) if error.maybe_applied() => Outcome::MaybeApplied,
            Err(_) => Outcome::NotSent,
        };
        self.close(life, call, session, outcome, now);
    }

    /// A call was given up.
    pub(super) fn dropped(
        &mut self,
        life: LifeId,
        call: CallId,
        session: SessionId,
        verdict: Verdict,
        now: Nanos,
    ) {
        let outcome = match verdict {
            Verdict::Dropped { sent: false } | Verdict::NotSent => Outcome::NotSent,
            Verdict::Dropped { sent: true } | Verdict::Unknown | Verdict::Ok(_) | Verdict::Refused => {
                Outcome::MaybeApplied
            }
        };
        self.close(life, call, session, outcome, now);
    }

    /// The process is gone, and nobody will be told anything.
    pub(super) fn stopped(&mut self, life: LifeId, session: SessionId, now: Nanos) {
        let open: Vec<CallId> =
            self.open.keys().filter(|(other, _)| *other == life).map(|(_, call)| *call).collect();
        for call in open {
            self.close(life, call, session, Outcome::MaybeApplied, now);
        }
    }

    pub(super) const fn history(&self) -> &History {
        &self.history
    }

    fn close(&mut self, life: LifeId, call: CallId, session: SessionId, outcome: Outcome, now: Nanos) {
        let Some((invoked, request)) = self.open.remove(&(life, call)) else { return };
        // What a call may do there depends on credentials, of which the judge does not know.
        let is_secret = request.path().is_some_and(|path| wishes::is_secret(path.as_str()));
        let is_told = matches!(outcome, Outcome::Ok { .. } | Outcome::Refused { .. });
        let outcome = if is_secret && is_told { Outcome::MaybeApplied } else { outcome };
        let is_answered = matches!(outcome, Outcome::Ok { .. } | Outcome::Refused { .. });
        self.history.calls.push(Call {
            client: life.0 as u64,
            session,
            invoked: Instant::from_nanos(invoked),
            returned: is_answered.then_some(Instant::from_nanos(now)),
            position: self.history.calls.len() as u64,
            request,
            outcome,
        });
    }
}
