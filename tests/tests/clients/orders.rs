//! Which calls follow a call that was lost.

use std::thread;

use zk_session::retry::RetryOptions;
use zk_session::{CreateMode, Error, SessionState, Why};
use zk_tests::{Direction, Proxy, wait_until};

use crate::face::wide::Wide;
use crate::face::{SOON, client, fresh_root};
use crate::{both, shared};

both!(nothing_follows_in_a_broken_pipeline, a_creation_is_repeated_and_done_once);

fn nothing_follows_in_a_broken_pipeline<C: Wide>() {
    let root = fresh_root::<C>();
    let proxy = Proxy::start(shared().address());
    let caller: C = client(proxy.address(), &root);
    let witness: C = client(shared().address(), &root);
    let pipeline = caller.pipeline();
    pipeline.create("/a", "", CreateMode::Persistent).expect("created");

    proxy.stall(Direction::ToClient, true);
    let lost = thread::spawn({
        let pipeline = pipeline.clone();
        move || pipeline.create("/b", "", CreateMode::Persistent)
    });
    wait_until("the call is applied", SOON, || witness.exists("/b").expect("asked").is_some());
    proxy.refuse(true);
    proxy.cut();
    assert_eq!(lost.join().expect("no panic"), Err(Error::MaybeApplied(Why::ConnectionLost)));
    let unsent = Err(Error::NotSent(Why::ConnectionLost));
    assert_eq!(pipeline.create("/c", "", CreateMode::Persistent), unsent, "without a link");
    proxy.heal();
    caller.await_state(SessionState::is_connected);
    assert_eq!(pipeline.create("/c", "", CreateMode::Persistent), unsent, "nor with another");

    caller.create("/d", "", CreateMode::Persistent).expect("other calls go on");
    caller.pipeline().create("/e", "", CreateMode::Persistent).expect("and so does another pipeline");
    assert_eq!(witness.exists("/c").expect("asked"), None);
    caller.close();
    witness.close();
}

fn a_creation_is_repeated_and_done_once<C: Wide>() {
    let root = fresh_root::<C>();
    let proxy = Proxy::start(shared().address());
    let caller: C = client(proxy.address(), &root);
    let options = RetryOptions { protected: true, ..RetryOptions::default() };
    for way in [Direction::ToServer, Direction::ToClient] {
        // The request is lost, or its answer.
        proxy.drop_after(way, 0);
        let path = caller
            .create_surely("/mine-", CreateMode::PersistentSequential, options)
            .expect("created in the end");
        let children = caller.children("/").expect("listed").children;
        let names: Vec<&str> = children.iter().collect();
        assert_eq!(names, [path.name()], "{way:?}");
        caller.delete(path.as_str(), zk_session::Version::ANY).expect("deleted");
    }
    let plain = caller.create("/plain", "", CreateMode::Persistent);
    assert!(plain.is_ok(), "{plain:?}");
    caller.close();
}
