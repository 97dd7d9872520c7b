//! The link breaks in the middle of a stream of calls.

use std::thread;
use std::time::Duration;

use bytes::Bytes;
use zk_session::{CreateMode, Error, SessionState, Why};
use zk_tests::{Direction, Proxy, wait_until};

use crate::face::{Face, SOON, WatchFace, client, fresh_root};
use crate::{both, shared};

both!(a_cut_in_a_stream_of_calls_is_told_truthfully, a_cut_in_the_middle_of_a_reply_loses_no_call);

/// 30 MB of calls fill every buffer on the way, since nothing moves at first. Then 5 MB move, and the link is cut: the
/// transport has taken some calls whole, one in part, and most not at all.
fn a_cut_in_a_stream_of_calls_is_told_truthfully<C: Face>() {
    const CALLS: usize = 100;
    const CUT_AFTER: u64 = 5_000_000;
    let root = fresh_root::<C>();
    let proxy = Proxy::start(shared().address());
    let caller: C = client(proxy.address(), &root);
    let witness: C = client(shared().address(), &root);
    witness.create("/watched", "", CreateMode::Persistent).expect("created");
    let (_, watch) = caller.get_data_watched("/watched").expect("read");

    proxy.stall(Direction::ToServer, true);
    let before = proxy.forwarded(Direction::ToServer);
    let payload = Bytes::from(vec![b'x'; 300_000]);
    let nodes = (0..CALLS).map(|number| (format!("/node-{number}"), payload.clone())).collect();
    let stream = thread::spawn({
        let caller = caller.clone();
        move || caller.create_all(nodes)
    });
    // By the time this call ends, the others have long been made.
    let hasty = caller.within(Duration::from_millis(500)).exists("/");
    assert!(
        matches!(hasty, Err(Error::MaybeApplied(Why::Deadline) | Error::NotSent(Why::Deadline))),
        "{hasty:?}"
    );
    proxy.drop_after(Direction::ToServer, CUT_AFTER);
    proxy.stall(Direction::ToServer, false);
    let results = stream.join().expect("no panic");
    assert!(proxy.forwarded(Direction::ToServer) - before >= CUT_AFTER);
    assert_eq!(results.len(), CALLS, "every call ends");

    caller.await_state(SessionState::is_connected);
    witness.set_data("/watched", "changed", zk_session::Version::ANY).expect("set");
    watch.wait(SOON).expect("the watch fires after the cut").expect("an event");
    witness.sync("/").expect("synced");
    let mut counts = [0; 3];
    for (number, result) in results.into_iter().enumerate() {
        let there = witness.exists(&format!("/node-{number}")).expect("asked").is_some();
        match result {
            Ok(path) => {
                counts[0] += 1;
                assert_eq!((path.as_str(), there), (&*format!("/node-{number}"), true));
            }
            Err(Error::MaybeApplied(Why::ConnectionLost)) => counts[1] += 1,
            Err(Error::NotSent(Why::ConnectionLost)) => {
                counts[2] += 1;
                assert!(!there, "call {number} was not sent, yet its node is there");
            }
            Err(error) => panic!("call {number}: {error}"),
        }
    }
    let [ok, maybe, not_sent] = counts;
    assert!(ok + maybe > 0 && not_sent > 0, "{ok} ok, {maybe} maybe, {not_sent} not sent");
    caller.close();
    witness.close();
}

/// The requests arrive; the replies are cut at each of several bytes.
fn a_cut_in_the_middle_of_a_reply_loses_no_call<C: Face>() {
    let root = fresh_root::<C>();
    let proxy = Proxy::start(shared().address());
    let caller: C = client(proxy.address(), &root);
    let witness: C = client(shared().address(), &root);
    for bytes in [0, 3, 4, 10, 19, 20, 25] {
        let path = format!("/cut-at-{bytes}");
        proxy.drop_after(Direction::ToClient, bytes);
        let result = caller.create(&path, "", CreateMode::Persistent);
        assert_eq!(result, Err(Error::MaybeApplied(Why::ConnectionLost)), "cut at byte {bytes}");
        wait_until("the node is there: the reply was lost, not the request", SOON, || {
            witness.exists(&path).expect("asked").is_some()
        });
        caller.await_state(SessionState::is_connected);
        assert!(caller.exists(&path).expect("the client goes on").is_some());
    }
    caller.close();
    witness.close();
}
