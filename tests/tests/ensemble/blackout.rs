//! All servers are gone for longer than a session lasts, and come back.

use std::time::Duration;

use zk_session::{CreateMode, Ended, Error, SessionState, Why};
use zk_tests::Ensemble;
use zk_tokio::Cause;

use crate::cast::{LONG, Told, client, comes, create, play, session, soon, until, witness};

const TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn a_session_ends_in_a_blackout_and_another_follows(ensemble: &mut Ensemble) {
    play(async {
        let (witness, root) = witness(ensemble).await;
        let client = client(&ensemble.connect_string(), &root, TIMEOUT).await;
        let first = session(&client).await;
        create(&client, "/mine", CreateMode::Ephemeral).await;
        let (_, watch) = client.exists_watched("/never").await.expect("asked");
        let guard = client.lock("/lock").expect("a path").acquire().await.expect("granted");
        let fence = guard.fence();
        let told = Told::to(&client);

        for node in 0..ensemble.size() {
            ensemble.kill(node);
        }
        let waits = tokio::spawn({
            let client = client.clone();
            async move {
                comes(&client, |state| matches!(state, SessionState::Suspended { .. })).await;
                client.exists("/mine").await
            }
        });
        comes(&client, |state| *state == SessionState::Connecting).await;
        let over = Err(Error::NotSent(Why::Ended(Ended::Expired)));
        assert_eq!(waits.await.expect("no panic"), over, "a call of the session ends with it");
        assert_eq!(soon("the watch", watch).await, Err(Ended::Expired));
        assert!(!guard.is_valid());
        let cause = soon("the loss", guard.lost()).await;
        assert!(matches!(cause, Cause::LeaseExpired | Cause::Ended(Ended::Expired)), "{cause}");
        drop(guard);

        for node in 0..ensemble.size() {
            ensemble.start(node);
        }
        ensemble.await_quorum();
        let second = session(&client).await;
        assert_ne!(first, second);
        // The new leader gives the sessions it knows a whole timeout.
        until("the first session's nodes are gone", async || client.exists("/mine").await == Ok(None)).await;
        let guard = soon("the lock", client.lock("/lock").expect("a path").acquire()).await.expect("granted");
        assert!(guard.fence() > fence, "{} after {fence}", guard.fence());
        guard.release().await.expect("released");
        client.close().await;
        let states = told.states().await;
        expect(&states, first, second);
        // The witness went through the same.
        soon("the witness", witness.connected(LONG)).await.expect("connected");
        witness.close().await;
    });
}

fn expect(states: &[SessionState], first: zk_session::SessionId, second: zk_session::SessionId) {
    let [SessionState::Connected { session: one, .. }, lost @ .., SessionState::Ended(Ended::Closed)] =
        states
    else {
        panic!("{states:?}");
    };
    assert_eq!(*one, first);
    let end = lost.iter().position(|state| *state == SessionState::Ended(Ended::Expired));
    let (before, after) = lost.split_at(end.expect("the session expires"));
    // A server that has not missed the others so far may take the client once more.
    assert!(
        before.iter().all(|state| matches!(
            state,
            SessionState::Connected { session, resumed: true, .. } if *session == first
        ) || matches!(
            state,
            SessionState::Suspended { .. } | SessionState::LeaseExpired
        )),
        "{states:?}"
    );
    assert!(
        matches!(
            after,
            [
                SessionState::Ended(Ended::Expired),
                SessionState::Connecting,
                SessionState::Connected { session, resumed: false, .. },
            ] if *session == second
        ),
        "{states:?}"
    );
}
