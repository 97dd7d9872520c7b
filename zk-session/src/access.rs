//! What a session shows to prove who it is: credentials, which every connection must be sent anew, and logins.
//!
//! It sends nothing by itself; it knows what is to be sent, what is unanswered, and who waits for it. Replies to
//! credentials overtake others, hence they have a queue of their own.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

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
    caller: Option<CallId>,
    /// How long the caller waits.
    deadline: Option<Instant>,
    /// A server has accepted it, or the configuration demands it: then there is no life without it.
    is_required: bool,
    was_sent: bool,
}

/// How a credential fared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Accepted; this caller has waited for it.
    Accepted(Option<CallId>),
    /// A server refuses what no server has accepted so far: the caller is told, if he waits, and it is not sent again.
    Dropped(Option<CallId>),
    /// A server refuses what the session cannot do without.
    Refused,
    /// No credential was under way.
    Unasked,
}

impl Access {
    pub(crate) fn new(config: &Config) -> Self {
        let required = |auth: &Auth| Credential {
            auth: auth.clone(),
            caller: None,
            deadline: None,
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
            caller: None,
            deadline: None,
            is_required: true,
            was_sent: false,
        };
        Self { credentials: accepted.map(again).collect(), ..Self::default() }
    }

    /// Whether it was accepted before.
    pub(crate) fn has(&self, auth: &Auth) -> bool {
        self.credentials.iter().any(|known| known.is_required && known.auth == *auth)
    }

    pub(crate) fn add(&mut self, auth: Auth, caller: CallId, deadline: Option<Instant>) {
        let credential =
            Credential { auth, caller: Some(caller), deadline, is_required: false, was_sent: false };
        self.credentials.push(credential);
    }

    /// Whether any credential is a secret.
    pub(crate) fn has_secrets(&self) -> bool {
        self.credentials.iter().any(|credential| is_secret(&credential.auth))
    }

    /// How many callers wait.
    pub(crate) fn waiting(&self) -> usize {
        self.credentials.iter().filter(|credential| credential.caller.is_some()).count()
    }

    /// When the first of them waits no longer.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let waiting = self.credentials.iter().filter(|credential| credential.caller.is_some());
        waiting.filter_map(|credential| credential.deadline).min()
    }

    /// A caller who has waited long enough.
    pub(crate) fn overdue(&self, now: Instant) -> Option<CallId> {
        let is_late = |credential: &&Credential| credential.deadline.is_some_and(|deadline| deadline <= now);
        self.credentials.iter().filter(is_late).find_map(|credential| credential.caller)
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
        // Of several that added the same, one is told by each answer.
        let waits = |known: &Credential| known.auth == auth && known.caller.is_some();
        let known = || self.credentials.iter().position(|known| known.auth == auth);
        let at = self.credentials.iter().position(waits).or_else(known);
        let Some((at, credential)) = at.and_then(|at| Some((at, self.credentials.get_mut(at)?))) else {
            // It was added twice, and refused once.
            return if is_accepted { Verdict::Accepted(None) } else { Verdict::Dropped(None) };
        };
        if is_accepted {
            credential.is_required = true;
            return Verdict::Accepted(credential.caller.take());
        }
        if credential.is_required {
            return Verdict::Refused;
        }
        let caller = credential.caller;
        self.credentials.remove(at);
        Verdict::Dropped(caller)
    }

    /// The caller waits no longer: what was not sent is forgotten; what was stays. Whether it had been sent.
    pub(crate) fn abandon(&mut self, caller: CallId) -> Option<bool> {
        let at = self.credentials.iter().position(|credential| credential.caller == Some(caller))?;
        let credential = self.credentials.get_mut(at)?;
        credential.caller = None;
        let was_sent = credential.was_sent;
        if !was_sent {
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
        let waiting = |credential: &mut Credential| Some((credential.caller.take()?, credential.was_sent));
        self.credentials.iter_mut().filter_map(waiting).collect()
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
        assert_eq!(access.answered(true), Verdict::Accepted(None));
        assert_eq!(access.answered(true), Verdict::Accepted(Some(CallId::new(1))));
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
        assert_eq!(access.answered(true), Verdict::Accepted(None));
        assert_eq!(access.answered(false), Verdict::Dropped(Some(CallId::new(1))));
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
        assert_eq!(access.answered(true), Verdict::Accepted(None));
        assert!(access.has(&auth("late")));
    }

    #[test]
    fn only_this_machine_is_local() {
        let local = |host: &str| is_local(&Server { host: host.into(), port: 2181 });
        assert!(["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1"].into_iter().all(local));
        assert!(!["localhost.example", "10.0.0.1", "::2", "", "0.0.0.0"].into_iter().any(local));
    }
}
