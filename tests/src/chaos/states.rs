//! The states that a client is told: what may follow what.

use zk_session::{Ended, SessionId, SessionState};

use super::ledger::Ledger;

/// Checks all states of a client, and counts what happened to it.
pub(super) fn check(states: &[SessionState], ledger: &Ledger) {
    for pair in states.windows(2) {
        ledger.expect(follows(&pair[0], &pair[1]), || format!("{:?} came after {:?}", pair[1], pair[0]));
    }
    let mut present: Option<SessionId> = None;
    for state in states {
        match *state {
            SessionState::Connected { session, resumed, .. } => {
                ledger.count(if resumed { "sessions resumed" } else { "sessions begun" });
                ledger
                    .expect(resumed == (present == Some(session)) && (resumed || present.is_none()), || {
                        format!("{state:?}, and the session was {present:?}")
                    });
                present = Some(session);
            }
            SessionState::Suspended { .. } => ledger.count("links lost"),
            SessionState::LeaseExpired => ledger.count("leases expired"),
            SessionState::Ended(ended) => {
                ledger.count(if ended == Ended::Expired { "sessions expired" } else { "sessions closed" });
                present = None;
            }
            SessionState::Connecting => {}
            SessionState::ReadOnly { .. } | _ => ledger.violation(format!("an unknown state: {state:?}")),
        }
    }
    let last = states.last();
    ledger
        .expect(last == Some(&SessionState::Ended(Ended::Closed)), || format!("the last state is {last:?}"));
}

fn follows(one: &SessionState, other: &SessionState) -> bool {
    use SessionState::{Connected, Connecting, LeaseExpired, Suspended};
    match (one, other) {
        (Connecting, Connected { resumed, .. }) => !resumed,
        (Connected { .. }, Suspended { .. } | LeaseExpired) | (Suspended { .. }, LeaseExpired) => true,
        (Suspended { .. } | LeaseExpired, Connected { resumed, .. }) => *resumed,
        (LeaseExpired, Suspended { .. }) => true,
        (SessionState::Ended(Ended::Expired), Connecting) => true,
        (SessionState::Ended(_), _) => false,
        (_, SessionState::Ended(_)) => true,
        _ => false,
    }
}
