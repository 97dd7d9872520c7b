//! Several real servers that make one ensemble, every link of which can be broken.
//!
//! Clients reach a node through a proxy of its own; so does each node every other, by an address for the node that only it
//! knows. Nodes count from 0; the server of node 0 is `server.1`.
//!
//! What is asked of a node here is asked past the proxies.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use self::links::Links;
use self::member::{Member, Ports};
use crate::wait::comes_true;
use crate::zookeeper::start::{PORT_TAKEN, PORT_TRIES};
use crate::zookeeper::{Installation, Options, StartError, ask};
use crate::{Proxy, wait_until};

pub use self::standing::{Mode, NotServing, Standing};

mod links;
mod member;
mod standing;

/// Servers of one ensemble, on loopback ports of their own; gone when dropped.
#[derive(Debug)]
pub struct Ensemble {
    installation: Installation,
    options: Options,
    members: Vec<Member>,
    links: Links,
    isolated: BTreeSet<usize>,
}

impl Ensemble {
    /// Starts so many nodes, and returns when all of them serve. The options hold for each; a port among them is not heeded.
    ///
    /// # Errors
    ///
    /// [`StartError`] has the end of the log of a node that does not come to serve.
    pub fn launch(installation: &Installation, nodes: usize, options: Options) -> Result<Self, StartError> {
        Self::launch_at(installation, &vec![0; nodes], options)
    }

    /// As [`Ensemble::launch`], with the ports at which clients are served; 0 is any.
    ///
    /// # Errors
    ///
    /// As [`Ensemble::launch`]; [`StartError::Io`] when somebody listens at a port that was asked for.
    pub fn launch_at(
        installation: &Installation,
        ports: &[u16],
        options: Options,
    ) -> Result<Self, StartError> {
        for _ in 0..PORT_TRIES {
            let mut ensemble = Self::unstarted(installation, ports, options.clone())?;
            match ensemble.start_all() {
                // Somebody was quicker to take a port of a server's.
                Err(StartError::Died { log, .. }) if log.contains(PORT_TAKEN) => {}
                done => return done.map(|()| ensemble),
            }
        }
        Err(StartError::Io(io::ErrorKind::AddrInUse.into()))
    }

    fn unstarted(installation: &Installation, ports: &[u16], options: Options) -> Result<Self, StartError> {
        let members = ports.iter().map(|port| Member::new(*port)).collect::<io::Result<Vec<_>>>()?;
        let servers: Vec<Ports> = members.iter().map(Member::ports).collect();
        let links = Links::between(&servers);
        Ok(Self { installation: installation.clone(), options, members, links, isolated: BTreeSet::new() })
    }

    fn start_all(&mut self) -> Result<(), StartError> {
        for node in 0..self.size() {
            self.launch_node(node)?;
        }
        for node in 0..self.size() {
            self.members[node].await_serving(node, &self.installation, &self.options)?;
        }
        Ok(())
    }

    fn launch_node(&mut self, node: usize) -> io::Result<()> {
        let lines = self.links.config(node);
        self.members[node].start(node, &lines, &self.installation, &self.options)
    }

    /// Kills a node at once (SIGKILL). Its connections are reset, its data stay.
    pub fn kill(&mut self, node: usize) {
        self.members[node].kill();
    }

    /// Starts a node that was killed, with its data, and does not wait for it: see [`Ensemble::await_quorum`].
    ///
    /// # Panics
    ///
    /// When its process cannot be started.
    #[track_caller]
    pub fn start(&mut self, node: usize) {
        self.members[node].kill();
        self.launch_node(node).expect("it could be started before");
    }

    /// Stops the process of a node (SIGSTOP): its connections stay open, and nothing is answered.
    ///
    /// # Panics
    ///
    /// When the node does not run.
    #[track_caller]
    pub fn pause(&mut self, node: usize) {
        self.members[node].pause();
    }

    /// Lets a node go on after [`Ensemble::pause`].
    ///
    /// # Panics
    ///
    /// When the node does not run.
    #[track_caller]
    pub fn resume(&mut self, node: usize) {
        self.members[node].resume();
    }

    /// Parts a node from all others, and from no client: its connections to them stay open and silent, and it gets no new
    /// ones. Others may be parted at the same time.
    pub fn isolate(&mut self, node: usize) {
        self.isolated.insert(node);
        self.links.part(&self.isolated);
    }

    /// Ends [`Ensemble::isolate`]. What was held back on the way arrives.
    pub fn rejoin(&mut self, node: usize) {
        self.isolated.remove(&node);
        self.links.part(&self.isolated);
    }

    /// Closes all connections of clients to a node. New ones are taken.
    pub fn cut_clients(&self, node: usize) {
        self.members[node].proxy().cut();
    }

    /// Ends all faults of links, between nodes and with clients.
    pub fn heal(&mut self) {
        self.isolated.clear();
        self.links.part(&self.isolated);
        for member in &self.members {
            member.proxy().heal();
        }
    }

    /// Heals all links, resumes and starts all nodes, and waits until all serve.
    ///
    /// # Panics
    ///
    /// As [`Ensemble::start`] and [`Ensemble::await_quorum`].
    #[track_caller]
    pub fn recover(&mut self) {
        self.heal();
        for node in 0..self.size() {
            if self.members[node].is_paused() {
                self.resume(node);
            } else if !self.members[node].runs() {
                self.start(node);
            }
        }
        self.await_quorum();
    }

    /// Waits until every node that runs and is not paused serves, and one of them leads.
    ///
    /// # Panics
    ///
    /// With the ends of the nodes' logs, when that does not come to be, for instance because a node is isolated.
    #[track_caller]
    pub fn await_quorum(&mut self) {
        let active: Vec<_> = (0..self.size()).filter(|node| self.members[*node].is_active()).collect();
        let serve = || {
            let standings: Vec<_> = active.iter().map(|node| self.standing(*node)).collect();
            let modes = standings.iter().map(|standing| standing.map(|standing| standing.mode));
            modes.clone().all(|mode| matches!(mode, Some(Mode::Leader | Mode::Follower)))
                && modes.filter(|mode| *mode == Some(Mode::Leader)).count() == 1
        };
        let done = comes_true(SERVING_LIMIT, serve);
        assert!(done, "nodes {active:?} have no quorum after {SERVING_LIMIT:?}\n{}", self.logs());
    }

    /// Waits until a node leads, and returns it.
    ///
    /// # Panics
    ///
    /// When none comes to lead.
    #[must_use]
    #[track_caller]
    pub fn await_leader(&self) -> usize {
        let mut leader = None;
        wait_until("a node leads", SERVING_LIMIT, || {
            leader = self.leader();
            leader.is_some()
        });
        leader.expect("it was waited for")
    }

    /// The node that leads, by its own word; if several say so, as they do for a moment after a pause, the one of the
    /// latest epoch. Nodes that are paused are not asked.
    #[must_use]
    pub fn leader(&self) -> Option<usize> {
        let standings = (0..self.size()).filter_map(|node| Some((self.standing(node)?, node)));
        let leaders = standings.filter(|(standing, _)| standing.mode == Mode::Leader);
        leaders.max_by_key(|(standing, _)| standing.zxid).map(|(_, node)| node)
    }

    /// What a node says of itself; nothing if it does not serve, or is paused.
    #[must_use]
    pub fn standing(&self, node: usize) -> Option<Standing> {
        if !self.members[node].is_active() {
            return None;
        }
        ask(self.address(node), "srvr", ANSWER_LIMIT).ok()?.parse().ok()
    }

    /// How many nodes there are, running or not.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.members.len()
    }

    /// Whether a node was started and not killed since.
    #[must_use]
    pub fn runs(&self, node: usize) -> bool {
        self.members[node].runs()
    }

    /// How many connections between nodes are open. At rest each pair has one for votes, and each follower one to its leader.
    #[must_use]
    pub fn inner_connections(&self) -> usize {
        self.links.connections()
    }

    /// Where the server of a node listens, past its proxy.
    #[must_use]
    pub fn address(&self, node: usize) -> SocketAddr {
        self.members[node].address()
    }

    /// What is between the clients and a node.
    #[must_use]
    pub fn proxy(&self, node: usize) -> &Proxy {
        self.members[node].proxy()
    }

    /// All nodes, in the form that clients take.
    #[must_use]
    pub fn connect_string(&self) -> String {
        let nodes: Vec<_> = (0..self.size()).collect();
        self.connect_string_of(&nodes)
    }

    /// These nodes, in the form that clients take.
    #[must_use]
    pub fn connect_string_of(&self, nodes: &[usize]) -> String {
        let addresses = nodes.iter().map(|node| self.proxy(*node).address().to_string());
        addresses.collect::<Vec<_>>().join(",")
    }

    /// The last lines of the log of each node.
    #[must_use]
    pub fn logs(&self) -> String {
        let logs = self.members.iter().enumerate();
        logs.map(|(node, member)| format!("node {node}:\n{}\n", member.log_tail())).collect()
    }
}

/// Some 30 times what an election takes on an idle machine.
const SERVING_LIMIT: Duration = Duration::from_secs(60);

/// A server that serves answers within milliseconds; one that does not get to it is asked again.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
