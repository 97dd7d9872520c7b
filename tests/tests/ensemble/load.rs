//! The leader dies while many calls are under way: every call ends once, and what it is told of its fate is true.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use zk_session::{Acl, CreateMode, Error, Path};
use zk_tests::{Ensemble, wait_until};
use zk_tokio::Client;

use crate::SOON;
use crate::cast::{LONG, client, play, soon, until, witness};

const CLIENTS: usize = 4;
/// Calls that each client has under way at once.
const WIDTH: usize = 16;
/// Answered calls before the leader dies, and again after it has.
const ENOUGH: usize = 500;

/// Tells the writers when to stop, and how much is done.
#[derive(Default)]
struct Load {
    answered: AtomicUsize,
    over: AtomicBool,
}

/// A sequential node's name shows whether its create was done twice.
struct Write {
    prefix: String,
    result: Result<Path, Error>,
}

pub(crate) fn calls_are_told_the_truth_when_their_leader_dies(ensemble: &mut Ensemble) {
    play(async {
        let (witness, root) = witness(ensemble).await;
        let load = Arc::new(Load::default());
        let mut clients = Vec::new();
        let mut writers = Vec::new();
        for number in 0..CLIENTS {
            let client = client(&ensemble.connect_string(), &root, LONG).await;
            for lane in 0..WIDTH {
                writers.push(tokio::spawn(write(
                    client.clone(),
                    format!("/{number}-{lane}"),
                    Arc::clone(&load),
                )));
            }
            clients.push(client);
        }
        let progress = |load: &Load| {
            let before = load.answered.load(Ordering::Relaxed);
            wait_until("many calls are answered", SOON, || {
                load.answered.load(Ordering::Relaxed) > before + ENOUGH
            });
        };
        progress(&load);
        let leader = ensemble.await_leader();
        ensemble.kill(leader);
        ensemble.await_quorum();
        progress(&load);
        ensemble.start(leader);
        ensemble.await_quorum();
        load.over.store(true, Ordering::Relaxed);
        let mut writes = Vec::new();
        for writer in writers {
            writes.extend(soon("the calls' ends", writer).await.expect("no panic"));
        }
        for client in clients {
            client.close().await;
        }
        until("the witness is back", async || witness.sync("/").await.is_ok()).await;
        compare(&writes, &names(&witness).await);
        witness.close().await;
    });
}

async fn write(client: Client, lane: String, load: Arc<Load>) -> Vec<Write> {
    let mut writes = Vec::new();
    while !load.over.load(Ordering::Relaxed) {
        let prefix = format!("{lane}-{}-", writes.len());
        let result = client.create(&prefix, "", Acl::open_unsafe(), CreateMode::PersistentSequential).await;
        if result.is_ok() {
            load.answered.fetch_add(1, Ordering::Relaxed);
        }
        writes.push(Write { prefix, result });
    }
    writes
}

async fn names(client: &Client) -> BTreeSet<String> {
    let children = client.children("/").await.expect("listed").children;
    children.iter().map(|name| format!("/{name}")).collect()
}

fn compare(writes: &[Write], tree: &BTreeSet<String>) {
    let (mut answered, mut maybe, mut unsent, mut explained) = (0, 0, 0, 0);
    for Write { prefix, result } in writes {
        let there: Vec<_> =
            tree.range(prefix.clone()..).take_while(|name| name.starts_with(prefix)).collect();
        explained += there.len();
        match result {
            Ok(path) => {
                answered += 1;
                assert_eq!(there, [path.as_str()], "{prefix}");
            }
            Err(Error::MaybeApplied(_)) => {
                maybe += 1;
                assert!(there.len() <= 1, "{prefix} was done twice: {there:?}");
            }
            Err(Error::NotSent(_)) => {
                unsent += 1;
                assert!(there.is_empty(), "{prefix} was not sent, yet {there:?}");
            }
            Err(error) => panic!("{prefix}: {error}"),
        }
    }
    assert_eq!(explained, tree.len(), "every node has a call");
    assert!(answered > 2 * ENOUGH && maybe > 0, "{answered} answered, {maybe} maybe, {unsent} not sent");
}
