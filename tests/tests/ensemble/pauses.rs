//! A leader stands still, is replaced, and comes back believing that it leads.

use std::time::Duration;

use zk_session::{Acl, CreateMode, Error, SessionState, Why};
use zk_tests::Ensemble;

use crate::cast::{client, comes, create, node_of_the_client, play, session, witness};

/// The others need 4.5 s to 7 s to do without their leader. The client gives it up after two thirds of this, and the session
/// after four thirds.
const TIMEOUT: Duration = Duration::from_secs(12);

/// What the paused leader was asked, its followers may or may not have been told by it.
pub(crate) fn a_session_survives_the_pause_of_its_leader(ensemble: &mut Ensemble) {
    play(async {
        let (witness, root) = witness(ensemble).await;
        let leader = ensemble.await_leader();
        for other in (0..ensemble.size()).filter(|node| *node != leader) {
            ensemble.proxy(other).refuse(true);
        }
        let client = client(&ensemble.connect_string(), &root, TIMEOUT).await;
        assert_eq!(node_of_the_client(ensemble), leader);
        ensemble.heal();
        let id = session(&client).await;
        create(&client, "/mine", CreateMode::Ephemeral).await;

        ensemble.pause(leader);
        let lost = client.create("/lost", "", Acl::open_unsafe(), CreateMode::Persistent).await;
        assert_eq!(lost, Err(Error::MaybeApplied(Why::ConnectionLost)));
        let next = ensemble.await_leader();
        assert_ne!(next, leader);
        comes(&client, |state| matches!(state, SessionState::Connected { resumed: true, .. })).await;
        assert_eq!(session(&client).await, id);
        let mine =
            client.exists("/mine").await.expect("asked").expect("the session lives, and with it its node");
        assert_eq!(mine.ephemeral_owner, id);
        client.sync("/").await.expect("synced");
        let before = client.exists("/lost").await.expect("asked");

        ensemble.resume(leader);
        ensemble.await_quorum();
        client.sync("/").await.expect("synced");
        let after = client.exists("/lost").await.expect("asked");
        assert_eq!(before, after, "what the old leader believes is not so");
        assert_eq!(session(&client).await, id);
        client.close().await;
        witness.close().await;
    });
}
