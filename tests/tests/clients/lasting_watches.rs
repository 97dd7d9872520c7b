//! Lasting watches over a real network.

use zk_session::ops::AddWatchMode;
use zk_session::{CreateMode, Ended, EventKind, Version};
use zk_tests::{Proxy, wait_until};

use crate::face::wide::{EventsFace, Told, Wide};
use crate::face::{SOON, client, fresh_root};
use crate::{both, shared};

both!(
    a_lasting_watch_goes_on_behind_a_gap: "3.4 has no lasting watches: they came with 3.6",
    a_lasting_watch_leaves_the_one_shot_watches_alone: "3.4 has no lasting watches: they came with 3.6",
);

fn a_lasting_watch_goes_on_behind_a_gap<C: Wide>() {
    let root = fresh_root::<C>();
    let proxy = Proxy::start(shared().address());
    let watcher: C = client(proxy.address(), &root);
    let actor: C = client(shared().address(), &root);
    let mut events = watcher.add_watch("/", AddWatchMode::PersistentRecursive).expect("watched");
    let created = |path: &str| Some(Told::Event(EventKind::NodeCreated, path.to_owned()));

    for path in ["/a", "/a/b"] {
        actor.create(path, "", CreateMode::Persistent).expect("created");
        assert_eq!(events.next(SOON), created(path));
    }
    proxy.refuse(true);
    proxy.cut();
    actor.create("/missed", "", CreateMode::Persistent).expect("created");
    proxy.heal();
    assert_eq!(events.next(SOON), Some(Told::Gap));
    assert!(watcher.exists("/missed").expect("asked").is_some(), "what is read after a gap is not older");
    actor.create("/later", "", CreateMode::Persistent).expect("created");
    assert_eq!(events.next(SOON), created("/later"));

    watcher.close();
    assert_eq!(events.next(SOON), Some(Told::Ended(Ended::Closed)));
    actor.close();
}

fn a_lasting_watch_leaves_the_one_shot_watches_alone<C: Wide>() {
    use crate::face::WatchFace;

    let root = fresh_root::<C>();
    let (watcher, actor): (C, C) = (client(shared().address(), &root), client(shared().address(), &root));
    actor.create("/a", "", CreateMode::Persistent).expect("created");
    let mut events = watcher.add_watch("/a", AddWatchMode::Persistent).expect("watched");
    let (_, once) = watcher.get_data_watched("/a").expect("read");
    for _ in 0..2 {
        actor.set_data("/a", "", Version::ANY).expect("set");
        assert_eq!(events.next(SOON), Some(Told::Event(EventKind::NodeDataChanged, "/a".to_owned())));
    }
    assert_eq!(once.wait(SOON).expect("fired").expect("an event").kind, EventKind::NodeDataChanged);

    drop(events);
    wait_until("the watch is gone", SOON, || watcher.statistics().watches == 0);
    actor.set_data("/a", "", Version::ANY).expect("set");
    let (_, once) = watcher.get_data_watched("/a").expect("read");
    actor.set_data("/a", "", Version::ANY).expect("set");
    assert_eq!(once.wait(SOON).expect("fired").expect("an event").kind, EventKind::NodeDataChanged);
    watcher.close();
    actor.close();
}
