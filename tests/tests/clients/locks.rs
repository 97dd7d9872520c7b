//! Locks between clients, between processes, and through the failures of both.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use zk_recipes::hold::{Cause, Freed};
use zk_recipes::{Denial, Layout};
use zk_session::{CreateMode, SessionState, Version};
use zk_tests::{Direction, Proxy, wait_until};

use crate::face::{Face, GuardFace, SOON, client, client_with, config, fresh_root};
use crate::{both, shared};

both!(
    the_lock_passes_in_order_and_fences_grow,
    a_lock_that_is_held_is_refused_at_once_or_in_time: "on 3.4 a try takes the missing create2 for a refusal",
    dropping_a_guard_releases_and_dropping_a_wait_leaves_nothing,
    a_killed_holder_loses_the_lock_within_its_timeout,
    a_stopped_holder_is_told_of_its_loss,
    a_guard_dies_when_its_node_is_deleted,
    a_guard_dies_when_its_session_cannot_be_proven_and_can_be_reclaimed,
    a_guard_survives_a_short_outage,
    every_layout_excludes,
);

fn the_lock_passes_in_order_and_fences_grow<C: Face>() {
    let root = fresh_root::<C>();
    let clients: Vec<C> = (0..4).map(|_| client(shared().address(), &root)).collect();
    let first = clients[0].acquire("/deep/down/lock", Layout::default()).expect("granted");
    assert!(first.is_valid());
    let mut waiting = Vec::new();
    for (number, client) in clients.iter().enumerate().skip(1) {
        let contender = client.clone();
        waiting.push(thread::spawn(move || contender.acquire("/deep/down/lock", Layout::default())));
        // Each queues before the next comes.
        wait_until("the contender has queued", SOON, || {
            contenders(&clients[0], "/deep/down/lock") == number + 1
        });
    }
    let mut fence = first.fence();
    assert_eq!(first.release(), Ok(Freed::Deleted));
    for waiter in waiting {
        let next = waiter.join().expect("no panic").expect("granted");
        assert!(next.fence() > fence, "{} after {fence}", next.fence());
        fence = next.fence();
        assert_eq!(next.release(), Ok(Freed::Deleted));
    }
    assert_eq!(contenders(&clients[0], "/deep/down/lock"), 0);
}

fn a_lock_that_is_held_is_refused_at_once_or_in_time<C: Face>() {
    let root = fresh_root::<C>();
    let (holder, other): (C, C) = (client(shared().address(), &root), client(shared().address(), &root));
    let guard = holder.try_acquire("/lock").expect("granted: it is free");
    assert_eq!(other.try_acquire("/lock").map(drop), Err(Denial::NotAcquired));
    let hasty = other.within(Duration::from_millis(200));
    assert_eq!(hasty.acquire("/lock", Layout::default()).map(drop), Err(Denial::TimedOut));
    wait_until("the attempt has left", SOON, || contenders(&other, "/lock") == 1);
    guard.release().expect("released");
    other.try_acquire("/lock").expect("granted").release().expect("released");
}

fn dropping_a_guard_releases_and_dropping_a_wait_leaves_nothing<C: Face>() {
    let root = fresh_root::<C>();
    let (holder, other): (C, C) = (client(shared().address(), &root), client(shared().address(), &root));
    drop(holder.acquire("/lock", Layout::default()).expect("granted"));
    let next = other.acquire("/lock", Layout::default()).expect("granted after the drop");
    drop(next);
    wait_until("nothing is left", SOON, || contenders(&other, "/lock") == 0);
}

fn a_killed_holder_loses_the_lock_within_its_timeout<C: Face>() {
    let root = fresh_root::<C>();
    let timeout = Duration::from_millis(1000);
    let mut holder = Holder::start(&root, timeout);
    let fence = holder.held();
    let other: C = client(shared().address(), &root);
    let waiter = thread::spawn({
        let other = other.clone();
        move || other.acquire("/lock", Layout::default())
    });
    wait_until("the other waits", SOON, || contenders(&other, "/lock") == 2);
    holder.child.kill().expect("killed");
    let killed = Instant::now();
    let guard = waiter.join().expect("no panic").expect("granted");
    // The server counts in ticks of 200 ms; the rest is for a busy machine.
    assert!(killed.elapsed() < timeout + Duration::from_secs(2), "{:?}", killed.elapsed());
    assert!(guard.fence().raw() > fence);
    guard.release().expect("released");
}

fn a_stopped_holder_is_told_of_its_loss<C: Face>() {
    let root = fresh_root::<C>();
    let mut holder = Holder::start(&root, Duration::from_millis(800));
    holder.held();
    signal(&holder.child, "-STOP");
    let other: C = client(shared().address(), &root);
    let guard = other.acquire("/lock", Layout::default()).expect("granted when the session has expired");
    signal(&holder.child, "-CONT");
    let told = holder.line();
    assert!(told.starts_with("lost"), "{told}");
    assert!(guard.is_valid());
    guard.release().expect("released");
}

fn a_guard_dies_when_its_node_is_deleted<C: Face>() {
    let root = fresh_root::<C>();
    let (holder, operator): (C, C) = (client(shared().address(), &root), client(shared().address(), &root));
    let guard = holder.acquire("/lock", Layout::default()).expect("granted");
    assert_eq!(guard.lost_within(Duration::ZERO), None);
    operator.delete(guard.path().as_str(), Version::ANY).expect("deleted");
    assert_eq!(guard.lost_within(SOON), Some(Cause::NodeGone));
    assert!(!guard.is_valid());
    assert_eq!(guard.release(), Err(Cause::NodeGone));
}

fn a_guard_dies_when_its_session_cannot_be_proven_and_can_be_reclaimed<C: Face>() {
    let root = fresh_root::<C>();
    let proxy = Proxy::start(shared().address());
    let mut short = config(proxy.address(), &root);
    short.session_timeout = Duration::from_millis(4000);
    let holder: C = client_with(short);
    let guard = holder.acquire("/lock", Layout::default()).expect("granted");
    let fence = guard.fence();
    // Pings go through to the server, whose answers do not come back: the session lives, but that cannot be known.
    proxy.stall(Direction::ToClient, true);
    assert_eq!(guard.lost_within(SOON), Some(Cause::LeaseExpired));
    assert!(!guard.is_valid());
    proxy.heal();
    let regained = guard.reclaim();
    match regained {
        Ok(guard) => {
            assert_eq!(guard.fence(), fence);
            assert!(guard.is_valid());
            guard.release().expect("released");
        }
        // On a slow machine the session may be over by now.
        Err(cause) => assert!(matches!(cause, Cause::Ended(_) | Cause::NodeGone), "{cause}"),
    }
}

fn a_guard_survives_a_short_outage<C: Face>() {
    let root = fresh_root::<C>();
    let proxy = Proxy::start(shared().address());
    let mut patient = config(proxy.address(), &root);
    patient.session_timeout = Duration::from_secs(4);
    let holder: C = client_with(patient);
    let guard = holder.acquire("/lock", Layout::default()).expect("granted");
    proxy.cut();
    holder.await_state(|state| matches!(state, SessionState::Connected { resumed: true, .. }));
    assert_eq!(guard.lost_within(Duration::ZERO), None);
    assert!(guard.is_valid());
    assert_eq!(guard.release(), Ok(Freed::Deleted));
}

fn every_layout_excludes<C: Face>() {
    let root = fresh_root::<C>();
    let (holder, other): (C, C) = (client(shared().address(), &root), client(shared().address(), &root));
    for (path, layout) in
        [("/kazoo", Layout::kazoo()), ("/curator", Layout::curator()), ("/go", Layout::go())]
    {
        let guard = holder.acquire(path, layout.clone()).expect("granted");
        let hasty = other.within(Duration::from_millis(200));
        assert_eq!(hasty.acquire(path, layout.clone()).map(drop), Err(Denial::TimedOut), "{path}");
        let fence = guard.fence();
        guard.release().expect("released");
        let next = other.acquire(path, layout).expect("granted");
        assert!(next.fence() > fence);
        next.release().expect("released");
    }
    other.create("/kazoo/unrelated", "", CreateMode::Persistent).expect("created");
    let guard =
        holder.within(SOON).acquire("/kazoo", Layout::kazoo()).expect("foreign children do not count");
    guard.release().expect("released");
}

fn contenders<C: Face>(client: &C, path: &str) -> usize {
    client.children(path).map_or(0, |node| node.children.len())
}

/// Another process that holds the lock.
struct Holder {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Holder {
    fn start(root: &str, timeout: Duration) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_holder"))
            .args([&format!("{}{root}", shared().address()), "/lock", &timeout.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    /// The fence of its lock, once it holds it.
    fn held(&mut self) -> i64 {
        self.line().strip_prefix("held ").and_then(|fence| fence.parse().ok()).expect("a fence")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success());
}
