//! When sessions expire: deadlines in buckets of a tick, as the leader keeps them. It does not end a session by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Code, Millis, ServerId, SessionId};

/// The sessions that one server watches over.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    tick_ms: u32,
    live: BTreeMap<SessionId, Live>,
    buckets: BTreeMap<Millis, BTreeSet<SessionId>>,
}

#[derive(Clone, Copy, Debug)]
struct Live {
    deadline: Millis,
    owner: Option<ServerId>,
}

impl Sessions {
    pub(crate) const fn new(tick_ms: u32) -> Self {
        Self { tick_ms, live: BTreeMap::new(), buckets: BTreeMap::new() }
    }

    /// A session begins at this server; or it has begun before this leader, who learns later where it is.
    pub(crate) fn open(&mut self, session: SessionId, timeout_ms: u32, owner: Option<ServerId>, now: Millis) {
        self.close(session);
        let deadline = self.deadline(timeout_ms, now);
        self.live.insert(session, Live { deadline, owner });
        self.buckets.entry(deadline).or_default().insert(session);
    }

    /// Something was heard from the session's client, whose timeout is this. A deadline never moves back.
    pub(crate) fn touch(&mut self, session: SessionId, timeout_ms: u32, now: Millis) {
        let Some(live) = self.live.get(&session).copied() else { return };
        let deadline = self.deadline(timeout_ms, now).max(live.deadline);
        if deadline != live.deadline {
            self.leave_bucket(session, live.deadline);
            self.buckets.entry(deadline).or_default().insert(session);
            self.live.insert(session, Live { deadline, ..live });
        }
    }

    pub(crate) fn close(&mut self, session: SessionId) {
        if let Some(live) = self.live.remove(&session) {
            self.leave_bucket(session, live.deadline);
        }
    }

    /// A session goes on at this server, with another timeout. Whether it lives.
    pub(crate) fn renew(
        &mut self,
        session: SessionId,
        timeout_ms: u32,
        owner: ServerId,
        now: Millis,
    ) -> bool {
        self.touch(session, timeout_ms, now);
        let live = self.live.get_mut(&session);
        live.map(|live| live.owner = Some(owner)).is_some()
    }

    /// Whether this server may write for the session.
    ///
    /// # Errors
    ///
    /// [`Code::SessionExpired`], or [`Code::SessionMoved`] if it has gone on elsewhere.
    pub(crate) fn claim(&mut self, session: SessionId, server: ServerId) -> Result<(), Code> {
        let live = self.live.get_mut(&session).ok_or(Code::SessionExpired)?;
        if *live.owner.get_or_insert(server) == server { Ok(()) } else { Err(Code::SessionMoved) }
    }

    /// A session whose time is over.
    pub(crate) fn expired(&self, now: Millis) -> Option<SessionId> {
        let (_, due) = self.buckets.first_key_value().filter(|(deadline, _)| **deadline <= now)?;
        due.first().copied()
    }

    pub(crate) fn next_deadline(&self) -> Option<Millis> {
        self.buckets.keys().next().copied()
    }

    /// The first multiple of the tick that is later than the whole timeout.
    fn deadline(&self, timeout_ms: u32, now: Millis) -> Millis {
        let tick = u64::from(self.tick_ms.max(1));
        Millis((now.plus(timeout_ms.into()).0 / tick).saturating_add(1).saturating_mul(tick))
    }

    fn leave_bucket(&mut self, session: SessionId, deadline: Millis) {
        if let Some(bucket) = self.buckets.get_mut(&deadline) {
            bucket.remove(&session);
            if bucket.is_empty() {
                self.buckets.remove(&deadline);
            }
        }
    }
}

/// The password of a session: what Java's random numbers make of its id. Every server of every version gives the same.
#[must_use]
pub fn password(session: SessionId) -> [u8; 16] {
    const SERVERS_SEED: i64 = 0xB341_5C00;
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const BITS: u64 = (1 << 48) - 1;
    let mut state = ((session.0 ^ SERVERS_SEED).cast_unsigned() ^ MULTIPLIER) & BITS;
    let mut password = [0; 16];
    for word in password.chunks_exact_mut(4) {
        state = state.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & BITS;
        let next = (state >> 16) & u64::from(u32::MAX);
        for (place, byte) in word.iter_mut().zip(next.to_le_bytes()) {
            *place = byte;
        }
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: SessionId = SessionId(1);
    const HERE: ServerId = ServerId(1);
    const THERE: ServerId = ServerId(2);

    #[test]
    fn a_session_expires_at_a_multiple_of_the_tick_after_its_timeout() {
        let mut sessions = Sessions::new(500);
        sessions.open(ONE, 1000, Some(HERE), Millis(10_100));
        assert_eq!(sessions.next_deadline(), Some(Millis(11_500)));
        assert_eq!(sessions.expired(Millis(11_499)), None);
        assert_eq!(sessions.expired(Millis(11_500)), Some(ONE));
        sessions.touch(ONE, 1000, Millis(10_500));
        assert_eq!(sessions.next_deadline(), Some(Millis(12_000)), "a whole tick more at a multiple");
        sessions.touch(ONE, 1000, Millis(10_000));
        assert_eq!(sessions.next_deadline(), Some(Millis(12_000)), "time goes back for nobody");
        sessions.close(ONE);
        assert_eq!(sessions.next_deadline(), None);
        assert_eq!(sessions.claim(ONE, HERE), Err(Code::SessionExpired));
    }

    #[test]
    fn a_session_is_where_it_went_on_last() {
        let mut sessions = Sessions::new(500);
        sessions.open(ONE, 1000, Some(HERE), Millis(0));
        assert_eq!(sessions.claim(ONE, THERE), Err(Code::SessionMoved));
        assert!(sessions.renew(ONE, 2000, THERE, Millis(0)));
        assert_eq!(
            (sessions.claim(ONE, THERE), sessions.claim(ONE, HERE)),
            (Ok(()), Err(Code::SessionMoved))
        );
        assert_eq!(sessions.next_deadline(), Some(Millis(2500)));
        assert!(!sessions.renew(SessionId(2), 1000, HERE, Millis(0)));
    }

    #[test]
    fn a_new_leader_takes_the_first_who_writes_for_the_owner() {
        let mut sessions = Sessions::new(500);
        sessions.open(ONE, 1000, None, Millis(0));
        assert_eq!(
            (sessions.claim(ONE, THERE), sessions.claim(ONE, HERE)),
            (Ok(()), Err(Code::SessionMoved))
        );
    }
}
