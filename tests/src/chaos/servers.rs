//! The servers among themselves: when all is quiet they show the same tree.

use std::net::SocketAddr;
use std::time::Duration;

use zk_session::ops::NodeData;
use zk_tokio::Client;

use super::ledger::Ledger;

/// Asks each server for these nodes, and compares.
pub(super) async fn check(servers: &[SocketAddr], root: &str, paths: &[String], ledger: &Ledger) {
    let mut first: Option<Vec<Seen>> = None;
    for server in servers {
        let seen = look(&Client::config(&format!("{server}{root}")).expect("a connect string"), paths).await;
        let Some(first) = &first else {
            first = Some(seen);
            continue;
        };
        for ((path, one), other) in paths.iter().zip(first).zip(&seen) {
            if one != other {
                ledger
                    .contradiction(format!("{path} is {one:?} at {}, and {other:?} at {server}", servers[0]));
            }
        }
    }
}

/// A node and its children.
#[derive(Debug, PartialEq)]
struct Seen(NodeData, Vec<String>);

async fn look(config: &zk_session::Config, paths: &[String]) -> Vec<Seen> {
    let client = Client::open(config.clone());
    client.connected(LIMIT).await.expect("the ensemble has recovered");
    client.sync("/").await.expect("the ensemble has recovered");
    let mut seen = Vec::new();
    for path in paths {
        let node = client.get_data(path).await.expect("the ensemble has recovered");
        let mut children = client.children(path).await.expect("the ensemble has recovered").children.to_vec();
        children.sort();
        seen.push(Seen(node, children));
    }
    client.close().await;
    seen
}

const LIMIT: Duration = Duration::from_secs(20);
