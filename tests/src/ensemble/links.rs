//! The links between nodes: two proxies for each ordered pair, and what a node is told of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use super::member::Ports;
use crate::Proxy;

/// All links of an ensemble.
#[derive(Debug)]
pub(super) struct Links {
    nodes: Vec<Ports>,
    /// By who dials and who is dialled.
    links: BTreeMap<(usize, usize), Link>,
}

/// How one node dials another.
#[derive(Debug)]
struct Link {
    quorum: Proxy,
    election: Proxy,
}

impl Links {
    pub(super) fn between(nodes: &[Ports]) -> Self {
        let pairs = (0..nodes.len()).flat_map(|from| (0..nodes.len()).map(move |to| (from, to)));
        let links = pairs
            .filter(|(from, to)| from != to)
            .map(|(from, to)| {
                let [quorum, election] =
                    [nodes[to].quorum, nodes[to].election].map(|port| Proxy::start(at(port)));
                ((from, to), Link { quorum, election })
            })
            .collect();
        let links = Self { nodes: nodes.to_vec(), links };
        links.keep_on_the_way();
        links
    }

    /// A node that dials another for an election says where it listens itself. If its number is the lower one it is hung
    /// up and dialled back there, and not where the other's configuration says: it has to name the proxy.
    fn keep_on_the_way(&self) {
        for ((from, to), link) in &self.links {
            let back = self.links[&(*to, *from)].election.address();
            link.election.rewrite_opening(&at(self.nodes[*from].election).to_string(), &back.to_string());
        }
    }

    /// The lines of `zoo.cfg` about the ensemble, as one node is to see it.
    pub(super) fn config(&self, node: usize) -> String {
        let mut text = String::from(LIMITS);
        for (other, ports) in self.nodes.iter().enumerate() {
            let (quorum, election) = match self.links.get(&(node, other)) {
                Some(link) => (link.quorum.address().port(), link.election.address().port()),
                None => (ports.quorum, ports.election),
            };
            writeln!(text, "server.{}={}:{quorum}:{election}", other + 1, Ipv4Addr::LOCALHOST)
                .expect("a String takes every write");
        }
        text
    }

    pub(super) fn connections(&self) -> usize {
        self.links.values().map(|link| link.quorum.connections() + link.election.connections()).sum()
    }

    /// Parts these nodes from all others, and no more.
    pub(super) fn part(&self, isolated: &BTreeSet<usize>) {
        for ((from, to), link) in &self.links {
            let parted = isolated.contains(from) || isolated.contains(to);
            link.quorum.part(parted);
            link.election.part(parted);
        }
    }
}

fn at(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// With ticks of 200 ms: a follower has 2 s to catch up with a leader, and gives up on a silent one after 2 s.
const LIMITS: &str = "initLimit=10\nsyncLimit=10\n";
