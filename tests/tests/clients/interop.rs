//! Locks that are shared with other clients.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;

use zk_recipes::{Denial, Layout};
use zk_tests::{kazoo, wait_until};

use crate::face::{Face, GuardFace, SOON, Tokio, client, fresh_root};
use crate::shared;

/// `hold` says `held` and holds the lock until its input ends; `try` says whether the lock was free.
const SCRIPT: &str = r#"
import sys
from kazoo.client import KazooClient
client = KazooClient(hosts=sys.argv[1])
client.start()
lock = client.Lock(sys.argv[2], "kazoo")
if sys.argv[3] == "hold":
    lock.acquire()
    print("held", flush=True)
    sys.stdin.read()
    lock.release()
else:
    print(lock.acquire(blocking=False), flush=True)
client.stop()
"#;

#[test]
#[cfg_attr(
    not(all(zookeeper, kazoo)),
    ignore = "no ZooKeeper, or no Kazoo: install Debian's zookeeper and python3-kazoo"
)]
fn kazoo_and_we_wait_for_each_other() {
    waits_for_each_other::<Tokio>();
    waits_for_each_other::<zk_std::Client>();
}

fn waits_for_each_other<C: Face>() {
    let root = fresh_root::<C>();
    let ours: C = client(shared().address(), &root);
    let guard = ours.acquire("/lock", Layout::kazoo()).expect("granted");
    assert_eq!(kazoo_tries(&root), "False");
    guard.release().expect("released");
    assert_eq!(kazoo_tries(&root), "True");

    let mut holder =
        kazoo(&root, "hold").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    let mut line = String::new();
    BufReader::new(holder.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    assert_eq!(line, "held\n");
    assert_eq!(ours.try_acquire("/lock").map(drop), Err(Denial::NotAcquired));
    let waiter = thread::spawn({
        let ours = ours.clone();
        move || ours.acquire("/lock", Layout::kazoo())
    });
    wait_until("we have queued behind Kazoo", SOON, || {
        ours.children("/lock").is_ok_and(|node| node.children.len() == 2)
    });
    drop(holder.stdin.take());
    let guard = waiter.join().expect("no panic").expect("granted after Kazoo");
    assert!(guard.is_valid());
    guard.release().expect("released");
    assert!(holder.wait().expect("ended").success());
    ours.close();
}

fn kazoo_tries(root: &str) -> String {
    let mut child = kazoo(root, "try").stdout(Stdio::piped()).spawn().expect("started");
    let mut said = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut said).expect("text");
    assert!(child.wait().expect("ended").success());
    said.trim_end().to_owned()
}

fn kazoo(root: &str, what: &str) -> Command {
    let mut command = Command::new(kazoo::python().expect("a Python with Kazoo"));
    command.args(["-c", SCRIPT, &shared().address().to_string(), &format!("{root}/lock"), what]);
    command
}
