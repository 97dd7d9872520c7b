//! Many users of one client at once, over a network that breaks all the time: whatever they ask for and give up, every
//! call ends, and so does the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use zk_session::ops::AddWatchMode;
use zk_session::retry::RetryOptions;
use zk_session::{CreateMode, Error, Rng, SessionState, Version};
use zk_tests::{Proxy, shared, wait_until};

use crate::both;
use crate::face::wide::{EventsFace, Wide};
use crate::face::{SOON, WatchFace, client, fresh_root};

both!(no_user_of_a_client_hangs);

const USERS: u64 = 8;
const CUTS: usize = 10;

#[derive(Default)]
struct Crowd {
    is_over: AtomicBool,
    acts: AtomicUsize,
}

fn no_user_of_a_client_hangs<C: Wide>() {
    let root = fresh_root::<C>();
    let proxy = Proxy::start(shared().address());
    let client: C = client(proxy.address(), &root);
    client.create("/a", "", CreateMode::Persistent).expect("created");
    let crowd = Arc::new(Crowd::default());
    // Not scoped: a user who hangs must not keep the test from failing.
    let users: Vec<_> = (0..USERS)
        .map(|user| {
            let (client, crowd) = (client.clone(), Arc::clone(&crowd));
            thread::spawn(move || {
                let mut rng = Rng::new(user);
                while !crowd.is_over.load(Ordering::Relaxed) {
                    act(&client, &mut rng);
                    crowd.acts.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for cut in 0..CUTS {
        client.await_state(SessionState::is_connected);
        let before = crowd.acts.load(Ordering::Relaxed);
        wait_until("the users act", SOON, || crowd.acts.load(Ordering::Relaxed) > before + 20);
        proxy.refuse(cut % 3 == 0);
        proxy.cut();
        proxy.refuse(false);
    }
    crowd.is_over.store(true, Ordering::Relaxed);
    wait_until("every user ends", SOON, || users.iter().all(thread::JoinHandle::is_finished));
    for user in users {
        user.join().expect("no panic");
    }
    client.await_state(SessionState::is_connected);
    assert_eq!(client.statistics().watches, 0, "all were given up");
    client.close();
}

/// One thing that a user may do; how it ends is tested elsewhere.
fn act<C: Wide>(client: &C, rng: &mut Rng) {
    let brief = Duration::from_micros(below(rng, 3000));
    match below(rng, 9) {
        0 => drop(client.set_data("/a", "", Version::ANY)),
        1 => drop(client.within(brief).get_data("/a")),
        2 => {
            if let Ok((_, watch)) = client.get_data_watched("/a") {
                watch.wait(brief);
            }
        }
        3 => drop(client.exists_watched("/b")),
        4 => {
            let mode =
                if below(rng, 2) == 0 { AddWatchMode::Persistent } else { AddWatchMode::PersistentRecursive };
            if let Ok(mut events) = client.add_watch("/", mode) {
                events.next(brief);
            }
        }
        5 => {
            let pipeline = client.pipeline();
            for _ in 0..3 {
                let _ = pipeline.exists("/a");
            }
        }
        6 => {
            let result = client.add_credential("digest", "bob:secret");
            assert!(!matches!(result, Err(Error::Server(_) | Error::Misuse(_))), "{result:?}");
        }
        7 => drop(client.confirm()),
        _ => {
            let options = RetryOptions { protected: true, ..RetryOptions::default() };
            drop(client.create_surely("/c-", CreateMode::EphemeralSequential, options));
        }
    }
}

fn below(rng: &mut Rng, limit: u64) -> u64 {
    rng.bits() % limit
}
