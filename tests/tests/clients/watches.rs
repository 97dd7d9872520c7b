//! One-shot watches over a real network.

use std::time::Duration;

use zk_session::{CreateMode, Ended, EventKind, Version};
use zk_tests::{Proxy, wait_until};

use crate::face::{Face, SOON, WatchFace, client, fresh_root};
use crate::{both, shared};

both!(watches_fire_once_for_their_kind, watches_fire_for_what_changed_during_an_outage, closing_ends_watches);

fn watches_fire_once_for_their_kind<C: Face>() {
    let root = fresh_root::<C>();
    let (watcher, actor): (C, C) = (client(shared().address(), &root), client(shared().address(), &root));
    let (absent, created) = watcher.exists_watched("/a").expect("asked");
    assert_eq!(absent, None);
    actor.create("/a", "one", CreateMode::Persistent).expect("created");
    let event = created.wait(SOON).expect("fired").expect("an event");
    assert_eq!((event.kind, event.path.as_str()), (EventKind::NodeCreated, "/a"));

    let (node, changed) = watcher.get_data_watched("/a").expect("read");
    assert_eq!(node.data.as_deref(), Some(&b"one"[..]));
    let (_, grown) = watcher.children_watched("/a").expect("listed");
    let (_, gone) = watcher.children_watched("/a").expect("listed");
    actor.set_data("/a", "two", Version::ANY).expect("set");
    assert_eq!(changed.wait(SOON).expect("fired").expect("an event").kind, EventKind::NodeDataChanged);
    actor.create("/a/b", "", CreateMode::Persistent).expect("created");
    assert_eq!(grown.wait(SOON).expect("fired").expect("an event").kind, EventKind::NodeChildrenChanged);
    assert_eq!(
        gone.wait(SOON).expect("the other watch fires as well").expect("an event").kind,
        EventKind::NodeChildrenChanged
    );

    let (stat, deleted) = watcher.exists_watched("/a/b").expect("asked");
    assert!(stat.is_some());
    actor.delete("/a/b", Version::ANY).expect("deleted");
    assert_eq!(deleted.wait(SOON).expect("fired").expect("an event").kind, EventKind::NodeDeleted);
    watcher.close();
    actor.close();
}

fn watches_fire_for_what_changed_during_an_outage<C: Face>() {
    let root = fresh_root::<C>();
    let proxy = Proxy::start(shared().address());
    let watcher: C = client(proxy.address(), &root);
    let actor: C = client(shared().address(), &root);
    for name in ["/changed", "/deleted", "/grown", "/same"] {
        actor.create(name, "", CreateMode::Persistent).expect("created");
    }
    let (_, changed) = watcher.get_data_watched("/changed").expect("read");
    let (_, deleted) = watcher.exists_watched("/deleted").expect("asked");
    let (_, grown) = watcher.children_watched("/grown").expect("listed");
    let (_, created) = watcher.exists_watched("/created").expect("asked");
    let (_, same) = watcher.get_data_watched("/same").expect("read");

    proxy.refuse(true);
    proxy.cut();
    watcher.await_state(|state| !state.is_connected());
    actor.set_data("/changed", "x", Version::ANY).expect("set");
    actor.delete("/deleted", Version::ANY).expect("deleted");
    actor.create("/grown/child", "", CreateMode::Persistent).expect("created");
    actor.create("/created", "", CreateMode::Persistent).expect("created");
    proxy.heal();
    watcher.await_state(zk_session::SessionState::is_connected);

    for (watch, kind) in [
        (changed, EventKind::NodeDataChanged),
        (deleted, EventKind::NodeDeleted),
        (grown, EventKind::NodeChildrenChanged),
        (created, EventKind::NodeCreated),
    ] {
        assert_eq!(watch.wait(SOON).expect("fired").expect("an event").kind, kind);
    }
    // The one whose node did not change stands on the new connection.
    actor.set_data("/same", "x", Version::ANY).expect("set");
    assert_eq!(same.wait(SOON).expect("fired").expect("an event").kind, EventKind::NodeDataChanged);
    watcher.close();
    actor.close();
}

fn closing_ends_watches<C: Face>() {
    let watcher: C = client(shared().address(), &fresh_root::<C>());
    let (_, watch) = watcher.exists_watched("/never").expect("asked");
    watcher.close();
    assert_eq!(watch.wait(Duration::ZERO), Some(Err(Ended::Closed)));
    wait_until("the client has ended", SOON, || {
        matches!(watcher.state(), zk_session::SessionState::Ended(Ended::Closed))
    });
}
