//! One node: its server's process, ports and data, and the proxy before it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tempfile::TempDir;

use crate::Proxy;
use crate::zookeeper::process::Process;
use crate::zookeeper::start::{Membership, Plan, free_port, log_tail};
use crate::zookeeper::{Installation, Options, StartError};

/// Where the server of a node listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) client: u16,
    /// For followers, while it leads.
    pub(super) quorum: u16,
    /// For votes.
    pub(super) election: u16,
}

#[derive(Debug)]
pub(super) struct Member {
    run: Run,
    ports: Ports,
    directory: TempDir,
    proxy: Proxy,
}

#[derive(Debug)]
enum Run {
    Stopped,
    Active(Process),
    Paused(Process),
}

impl Member {
    /// A node that does not run so far, whose clients come to `port`; 0 is any.
    pub(super) fn new(port: u16) -> io::Result<Self> {
        let [client, quorum, election] = distinct_ports()?;
        let ports = Ports { client, quorum, election };
        let directory = tempfile::Builder::new().prefix("zookeeper-").tempdir()?;
        let proxy = Proxy::start_at(port, (Ipv4Addr::LOCALHOST, client).into())?;
        Ok(Self { run: Run::Stopped, ports, directory, proxy })
    }

    pub(super) fn start(
        &mut self,
        node: usize,
        lines: &str,
        installation: &Installation,
        options: &Options,
    ) -> io::Result<()> {
        let membership = Some(Membership { id: node + 1, lines });
        let plan = Plan { installation, options, directory: self.directory.path(), membership };
        self.run = Run::Active(plan.launch(self.ports.client)?);
        Ok(())
    }

    pub(super) fn await_serving(
        &mut self,
        node: usize,
        installation: &Installation,
        options: &Options,
    ) -> Result<(), StartError> {
        let membership = Some(Membership { id: node + 1, lines: "" });
        let plan = Plan { installation, options, directory: self.directory.path(), membership };
        match &mut self.run {
            Run::Active(process) => plan.await_serving(process, self.ports.client),
            Run::Paused(_) | Run::Stopped => Ok(()),
        }
    }

    pub(super) fn kill(&mut self) {
        self.run = Run::Stopped;
    }

    #[track_caller]
    pub(super) fn pause(&mut self) {
        self.run = match std::mem::replace(&mut self.run, Run::Stopped) {
            Run::Stopped => panic!("the node does not run"),
            Run::Paused(process) => Run::Paused(process),
            Run::Active(process) => {
                process.pause().expect("a server that runs can be stopped");
                Run::Paused(process)
            }
        };
    }

    #[track_caller]
    pub(super) fn resume(&mut self) {
        self.run = match std::mem::replace(&mut self.run, Run::Stopped) {
            Run::Stopped => panic!("the node does not run"),
            Run::Active(process) => Run::Active(process),
            Run::Paused(process) => {
                process.resume().expect("a stopped server can be continued");
                Run::Active(process)
            }
        };
    }

    /// Whether it was started and neither killed nor paused.
    pub(super) const fn is_active(&self) -> bool {
        matches!(self.run, Run::Active(_))
    }

    pub(super) const fn is_paused(&self) -> bool {
        matches!(self.run, Run::Paused(_))
    }

    /// Whether it was started and not killed.
    pub(super) const fn runs(&self) -> bool {
        !matches!(self.run, Run::Stopped)
    }

    pub(super) const fn ports(&self) -> Ports {
        self.ports
    }

    pub(super) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.client).into()
    }

    pub(super) const fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    pub(super) fn log_tail(&self) -> String {
        log_tail(self.directory.path())
    }
}

fn distinct_ports() -> io::Result<[u16; 3]> {
    loop {
        let ports = [free_port()?, free_port()?, free_port()?];
        if ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2] {
            return Ok(ports);
        }
    }
}
