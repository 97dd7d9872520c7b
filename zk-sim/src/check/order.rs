//! What the numbers of replies promise by themselves: they follow real time, and a session's never go back.

use std::collections::BTreeMap;

use zk_session::{Instant, SessionId};

use super::asked::Asked;
use super::{History, Violation};
use crate::Zxid;

/// Checks the numbers of a history.
pub(super) fn check(history: &History, asked: &[Asked]) -> Result<(), Violation> {
    in_sessions(history)?;
    in_time(history, asked)
}

/// In the order in which a session was told, numbers do not go back.
fn in_sessions(history: &History) -> Result<(), Violation> {
    let mut order: Vec<usize> = (0..history.calls.len()).collect();
    order.sort_unstable_by_key(|at| history.calls[*at].position);
    let mut seen: BTreeMap<SessionId, i64> = BTreeMap::new();
    for at in order {
        let call = &history.calls[at];
        let Some(zxid) = call.zxid() else { continue };
        let highest = seen.entry(call.session).or_insert(zxid);
        if zxid < *highest {
            let seen = format!("{} after {}", Zxid(zxid), Zxid(*highest));
            return Err(Violation::of("a session does not go back in time", at, seen));
        }
        *highest = zxid;
    }
    Ok(())
}

/// A write that was made after something was told has a higher number than that.
fn in_time(history: &History, asked: &[Asked]) -> Result<(), Violation> {
    let mut told: Vec<(Instant, i64)> =
        history.calls.iter().filter_map(|call| Some((call.returned?, call.zxid()?))).collect();
    told.sort_unstable();
    let mut made: Vec<usize> = (0..asked.len()).filter(|at| asked[*at].write().is_some()).collect();
    made.sort_unstable_by_key(|at| history.calls[*at].invoked);
    let (mut told, mut highest) = (told.into_iter().peekable(), 0);
    for at in made {
        let call = &history.calls[at];
        while let Some((_, zxid)) = told.next_if(|(returned, _)| *returned < call.invoked) {
            highest = highest.max(zxid);
        }
        if let Some(zxid) = asked[at].number(call).filter(|zxid| *zxid <= highest) {
            let seen = format!("{}, although {} was told before it was made", Zxid(zxid), Zxid(highest));
            return Err(Violation::of("a write comes after what was told before it", at, seen));
        }
    }
    Ok(())
}

/// The highest number that was told before a call was made: the call's own is higher.
pub(super) fn told_before(history: &History, made: Instant) -> i64 {
    let before = history.calls.iter().filter(|call| call.returned.is_some_and(|returned| returned < made));
    before.filter_map(super::Call::zxid).max().unwrap_or(0)
}
