//! What a session shows to prove who it is: credentials, which every connection must be sent anew, and logins.
//!
//! It sends nothing by itself; it knows what is to be sent, what is unanswered, and who waits for it. Replies to
//! credentials overtake others, hence they have a queue of their own.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use core::mem;

use zk_proto::Server;
use zk_proto::ops::Auth;

use crate::config::Config;
use crate::time::Instant;
use crate::words::CallId;

/// So many times in a row, and for each server, a connection may be closed instead of a login answered.
const LOGINS_PER_SERVER: usize = 3;

#[derive(Debug, Default)]
pub(crate) struct Access {
    credentials: Vec<Credential>,
    /// What this connection was sent and has not answered.
    under_way: VecDeque<Auth>,
    /// Logins in a row that servers answered by closing the connection.
    unanswered_logins: usize,
}

#[derive(Debug)]
struct Credential {
    auth: Auth,
    /// Who added it and waits for the first answer.
    callers: Vec<Waiting>,
    /// A server has accepted it, or the configuration demands it: then there is no life without it.
    is_required: bool,
    was_sent: bool,
}

/// Who waits for the answer to a credential, and how long.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    call: CallId,
    deadline: Option<Instant>,
}

/// How a credential fared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Accepted; these callers have waited for it.
    Accepted(Vec<CallId>),
    /// A server refuses what was just added: the callers are told, and it is not sent again.
    Dropped(Vec<CallId>),
    /// A server refuses what the session cannot do without.
    Refused,
    /// No credential was under way.
    Unasked,
}

impl Access {
    pub(crate) fn new(config: &Config) -> Self {
        let required = |auth: &Auth| Credential {
            auth: auth.clone(),
            callers: vec![],
            is_required: true,
            was_sent: false,
        };
        let credentials = config.credentials.iter().map(required).collect();
        Self { credentials, ..Self::default() }
    }

    /// What the next session of the same client shows.
    pub(crate) fn inherit(&self) -> Self {
        let accepted = self.credentials.iter().filter(|credential| credential.is_required);
        let again = |credential: &Credential| Credential {
            auth: credential.auth.clone(),
            callers: vec![],
            is_required: true,
            was_sent: false,
        };
        Self { credentials: accepted.map(again).collect(), ..Self::default() }
    }

    /// Whether it was accepted before.
    pub(crate) fn has(&self, auth: &Auth) -> bool {
        self.credentials.iter().any(|known| known.is_required && known.auth == *auth)
    }

    /// A caller adds a credential. Whether it is new: one that others have added waits for their answer.
    pub(crate) fn add(&mut self, auth: Auth, call: CallId, deadline: Option<Instant>) -> bool {
        let caller = Waiting { call, deadline };
        if let Some(known) = self.credentials.iter_mut().find(|known| known.auth == auth) {
            known.callers.push(caller);
            return false;
        }
        self.credentials.push(Credential {
            auth,
            callers: vec![caller],
            is_required: false,
            was_sent: false,
        });
        true
    }

    /// Whether any credential is a secret.
    pub(crate) fn has_secrets(&self) -> bool {
        self.credentials.iter().any(|credential| is_secret(&credential.auth))
    }

    /// How many callers wait.
    pub(crate) fn waiting(&self) -> usize {
        self.callers().count()
    }

    /// When the first of them waits no longer.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.callers().filter_map(|caller| caller.deadline).min()
    }

    /// A caller who has waited long enough.
    pub(crate) fn overdue(&self, now: Instant) -> Option<CallId> {
        let is_late = |caller: &Waiting| caller.deadline.is_some_and(|deadline| deadline <= now);
        self.callers().find(is_late).map(|caller| caller.call)
    }

    fn callers(&self) -> impl Iterator<Item = Waiting> {
        self.credentials.iter().flat_map(|credential| credential.callers.iter().copied())
    }

    pub(crate) fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// All that a new connection is to be sent, in order. From here on each is under way.
    pub(crate) fn send_all(&mut self) -> Vec<Auth> {
        self.under_way.clear();
        let mut all = Vec::new();
        for credential in &mut self.credentials {
            credential.was_sent = true;
            self.under_way.push_back(credential.auth.clone());
            all.push(credential.auth.clone());
        }
        all
    }

    /// What was added last is to be sent on the present connection.
    pub(crate) fn send_last(&mut self) -> Option<Auth> {
        let last = self.credentials.last_mut()?;
        last.was_sent = true;
        self.under_way.push_back(last.auth.clone());
        Some(last.auth.clone())
    }

    /// The oldest credential under way was answered.
    pub(crate) fn answered(&mut self, is_accepted: bool) -> Verdict {
        let Some(auth) = self.under_way.pop_front() else { return Verdict::Unasked };
        let at = self.credentials.iter().position(|known| known.auth == auth);
        let Some((at, credential)) = at.and_then(|at| Some((at, self.credentials.get_mut(at)?))) else {
            return Verdict::Unasked;
        };
        if is_accepted {
            credential.is_required = true;
            return Verdict::Accepted(calls(mem::take(&mut credential.callers)));
        }
        if credential.is_required {
            return Verdict::Refused;
        }
        // Nobody may wait for it any more; it was never accepted all the same.
        Verdict::Dropped(calls(self.credentials.remove(at).callers))
    }

    /// The caller waits no longer: what was not sent is forgotten if nobody else waits; what was stays. Whether it had been
    /// sent.
    pub(crate) fn abandon(&mut self, caller: CallId) -> Option<bool> {
        let is_his = |other: &Waiting| other.call == caller;
        let at = self.credentials.iter().position(|credential| credential.callers.iter().any(is_his))?;
        let credential = self.credentials.get_mut(at)?;
        credential.callers.retain(|other| !is_his(other));
        let was_sent = credential.was_sent;
        if !was_sent && credential.callers.is_empty() {
            self.credentials.remove(at);
        }
        Some(was_sent)
    }

    /// The connection is gone.
    pub(crate) fn unlinked(&mut self) {
        self.under_way.clear();
    }

    /// The session is over: who still waits, and whether what he waits for was sent.
    pub(crate) fn end(&mut self) -> Vec<(CallId, bool)> {
        self.under_way.clear();
        let waiting = |credential: &mut Credential| {
            let was_sent = credential.was_sent;
            calls(mem::take(&mut credential.callers)).into_iter().map(move |call| (call, was_sent))
        };
        self.credentials.iter_mut().flat_map(waiting).collect()
    }

    /// A login was answered by the end of the connection. True if that has happened too often to go on.
    pub(crate) const fn login_unanswered(&mut self, servers: usize) -> bool {
        self.unanswered_logins += 1;
        self.unanswered_logins >= servers * LOGINS_PER_SERVER
    }

    pub(crate) const fn logged_in(&mut self) {
        self.unanswered_logins = 0;
    }
}

fn calls(callers: Vec<Waiting>) -> Vec<CallId> {
    callers.into_iter().map(|caller| caller.call).collect()
}

/// Whether this credential tells anything that is not public.
pub(crate) fn is_secret(auth: &Auth) -> bool {
    auth.credential.as_ref().is_some_and(|credential| !credential.as_bytes().is_empty())
}

/// Whether what is sent to this server stays on the machine.
pub(crate) fn is_local(server: &Server) -> bool {
    if server.host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    server.host.parse::<core::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(user: &str) -> Auth {
        Auth {
            scheme: "digest".into(),
            credential: Some(zk_proto::Secret::new(bytes::Bytes::copy_from_slice(user.as_bytes()))),
        }
    }

    fn access() -> Access {
        let mut config = Config::new("a".parse().expect("a connect string"), 1);
        config.credentials.push(auth("configured"));
        Access::new(&config)
    }

    #[test]
    fn each_connection_is_sent_everything_in_order_once() {
        let mut access = access();
        assert_eq!(access.send_all(), [auth("configured")]);
        access.add(auth("added"), CallId::new(1), None);
        assert_eq!(access.send_last(), Some(auth("added")));
        assert_eq!(access.answered(true), Verdict::Accepted(vec![]));
        assert_eq!(access.answered(true), Verdict::Accepted(vec![CallId::new(1)]));
        assert_eq!(access.answered(true), Verdict::Unasked);
        access.unlinked();
        assert_eq!(access.send_all(), [auth("configured"), auth("added")]);
        assert!(access.is_under_way());
        assert_eq!(access.inherit().send_all(), [auth("configured"), auth("added")]);
    }

    #[test]
    fn what_no_server_has_accepted_is_dropped_when_one_refuses_it() {
        let mut access = access();
        access.add(auth("wrong"), CallId::new(1), None);
        assert_eq!(access.waiting(), 1);
        access.send_all();
        assert_eq!(access.answered(true), Verdict::Accepted(vec![]));
        assert_eq!(access.answered(false), Verdict::Dropped(vec![CallId::new(1)]));
        assert_eq!(access.send_all(), [auth("configured")]);
        assert_eq!(access.answered(false), Verdict::Refused, "the session cannot do without it");
    }

    #[test]
    fn a_caller_who_leaves_takes_back_what_was_not_sent() {
        let mut access = access();
        access.add(auth("early"), CallId::new(1), None);
        assert_eq!(access.abandon(CallId::new(1)), Some(false));
        assert_eq!(access.send_all(), [auth("configured")]);
        access.add(auth("late"), CallId::new(2), None);
        access.send_last();
        assert_eq!(access.abandon(CallId::new(2)), Some(true));
        assert_eq!(access.abandon(CallId::new(2)), None);
        access.answered(true);
        assert_eq!(access.answered(true), Verdict::Accepted(vec![]));
        assert!(access.has(&auth("late")));
    }

    #[test]
    fn only_this_machine_is_local() {
        let local = |host: &str| is_local(&Server { host: host.into(), port: 2181 });
        assert!(["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1"].into_iter().all(local));
        assert!(!["localhost.example", "10.0.0.1", "::2", "", "0.0.0.0"].into_iter().any(local));
    }
}
