//! A session outlives its server: the same session, its nodes and its watches go on at another one.

use zk_session::{CreateMode, Ended, EventKind, SessionState, Version};
use zk_tests::Ensemble;

use crate::cast::{
    LONG, Told, client, comes, create, node_of_the_client, play, session, soon, until, witness,
};

pub(crate) fn a_session_survives_the_death_of_its_follower(ensemble: &mut Ensemble) {
    let leader = ensemble.await_leader();
    play(survives(ensemble, (leader + 1) % 3));
}

pub(crate) fn a_session_survives_the_death_of_its_leader(ensemble: &mut Ensemble) {
    let leader = ensemble.await_leader();
    play(survives(ensemble, leader));
}

async fn survives(ensemble: &mut Ensemble, victim: usize) {
    let (witness, root) = witness(ensemble).await;
    for name in ["/before", "/meanwhile", "/after", "/parent"] {
        create(&witness, name, CreateMode::Persistent).await;
    }
    // The client can go nowhere but to the victim first.
    for other in (0..ensemble.size()).filter(|node| *node != victim) {
        ensemble.proxy(other).refuse(true);
    }
    let client = client(&ensemble.connect_string(), &root, LONG).await;
    assert_eq!(node_of_the_client(ensemble), victim);
    let told = Told::to(&client);
    let id = session(&client).await;
    create(&client, "/mine", CreateMode::Ephemeral).await;
    let (_, meanwhile) = client.get_data_watched("/meanwhile").await.expect("read");
    let (_, after) = client.get_data_watched("/after").await.expect("read");
    let (_, born) = client.exists_watched("/born").await.expect("asked");
    let (_, grown) = client.children_watched("/parent").await.expect("listed");

    ensemble.kill(victim);
    comes(&client, |state| matches!(state, SessionState::Suspended { .. })).await;
    ensemble.await_quorum();
    // The server of the witness may have been the victim, too.
    until("the change", async || witness.set_data("/meanwhile", "x", Version::ANY).await.is_ok()).await;
    create(&witness, "/parent/child", CreateMode::Persistent).await;
    create(&witness, "/born", CreateMode::Persistent).await;
    ensemble.heal();
    comes(&client, |state| matches!(state, SessionState::Connected { resumed: true, .. })).await;

    let mine = client.exists("/mine").await.expect("asked").expect("the session lives, and with it its node");
    assert_eq!(mine.ephemeral_owner, id);
    for (watch, kind) in [
        (meanwhile, EventKind::NodeDataChanged),
        (born, EventKind::NodeCreated),
        (grown, EventKind::NodeChildrenChanged),
    ] {
        assert_eq!(soon("the missed event", watch).await.expect("an event").kind, kind);
    }
    witness.set_data("/after", "x", Version::ANY).await.expect("set");
    assert_eq!(soon("a later event", after).await.expect("an event").kind, EventKind::NodeDataChanged);
    client.close().await;
    assert_eq!(witness.exists("/mine").await, Ok(None));
    witness.close().await;

    let states = told.states().await;
    let [SessionState::Connected { .. }, between @ .., SessionState::Ended(Ended::Closed)] = &*states else {
        panic!("{states:?}");
    };
    // It may come to a server that is about to lose its leader, and leave again.
    assert!(between.len() >= 2 && between.len().is_multiple_of(2), "{states:?}");
    for pair in between.chunks(2) {
        let [SessionState::Suspended { .. }, SessionState::Connected { session, resumed: true, .. }] = pair
        else {
            panic!("{states:?}");
        };
        assert_eq!(*session, id);
    }
}
