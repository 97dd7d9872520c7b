//! A session that goes to other servers and to other clients.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use zk_session::{CreateMode, Ended, Error, Misuse, Server, SessionState, Version, Why};
use zk_tests::{Proxy, wait_until};

use crate::face::wide::Wide;
use crate::face::{SOON, WatchFace, client, config, fresh_root};
use crate::{both, shared};

both!(
    a_session_goes_on_in_another_client,
    a_client_moves_to_other_servers_and_loses_nothing,
    a_session_is_proven_by_a_server_only,
);

fn a_session_goes_on_in_another_client<C: Wide>() {
    let root = fresh_root::<C>();
    let old: C = client(shared().address(), &root);
    old.create("/mine", "", CreateMode::Ephemeral).expect("created");
    let (_, watch) = old.get_data_watched("/mine").expect("read");
    let session = old.connected(SOON).expect("connected");
    let states = old.record_states();

    let handover = old.detach().expect("a session");
    assert_eq!(watch.wait(SOON).expect("it ends"), Err(Ended::Detached));
    assert_eq!(old.exists("/mine"), Err(Error::NotSent(Why::Ended(Ended::Detached))));
    assert_eq!(old.detach(), None);
    assert_eq!(states.join().expect("recorded").last(), Some(&SessionState::Ended(Ended::Detached)));
    drop(old);

    let new = C::resume(config(shared().address(), &root), handover.clone());
    assert_eq!(new.connected(SOON).expect("connected"), session);
    assert!(new.exists("/mine").expect("asked").is_some(), "the session lives, and with it its node");
    new.close();

    let late = C::resume(config(shared().address(), &root), handover);
    late.await_state(|state| matches!(state, SessionState::Ended(Ended::Expired)));
    assert_ne!(late.connected(SOON).expect("another session"), session);
    assert_eq!(late.exists("/mine").expect("asked"), None);
    late.close();
}

fn a_client_moves_to_other_servers_and_loses_nothing<C: Wide>() {
    let root = fresh_root::<C>();
    let (here, there) = (Proxy::start(shared().address()), Proxy::start(shared().address()));
    let mover: C = client(here.address(), &root);
    let session = mover.connected(SOON).expect("connected");
    mover.create("/a", "", CreateMode::Persistent).expect("created");
    assert_eq!(mover.update_servers(vec![]), Err(Misuse::NoServers));

    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let caller = scope.spawn(|| {
            let mut calls = 0;
            while !is_over.load(Ordering::Relaxed) {
                mover.set_data("/a", "", Version::ANY).expect("nothing is lost");
                calls += 1;
            }
            calls
        });
        let address = there.address();
        let server = Server { host: address.ip().to_string(), port: address.port() };
        mover.update_servers(vec![server]).expect("one server");
        wait_until("the client is there", SOON, || here.connections() == 0 && there.connections() == 1);
        mover.await_state(SessionState::is_connected);
        let before = mover.statistics().frames;
        wait_until("calls go on", SOON, || mover.statistics().frames > before + 10);
        is_over.store(true, Ordering::Relaxed);
        assert!(caller.join().expect("no panic") > 10);
    });
    assert_eq!(mover.connected(SOON).expect("connected"), session);
    mover.close();
}

fn a_session_is_proven_by_a_server_only<C: Wide>() {
    let root = fresh_root::<C>();
    let proxy = Proxy::start(shared().address());
    let client: C = client(proxy.address(), &root);
    let good_for = client.confirm().expect("confirmed");
    assert!(good_for > Duration::ZERO, "{good_for:?}");
    proxy.refuse(true);
    proxy.cut();
    client.await_state(|state| !state.is_connected());
    assert_eq!(client.within(Duration::from_millis(100)).confirm(), Err(Error::NotSent(Why::Deadline)));
    proxy.heal();
    client.confirm().expect("confirmed again");
    client.close();
}
