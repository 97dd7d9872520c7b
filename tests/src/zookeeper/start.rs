//! From an installation to a server that serves: its port, its files, its command line, and the wait.

use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use super::process::Process;
use super::{Installation, Options, ask};

/// What a server is started from.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) installation: &'a Installation,
    pub(crate) options: &'a Options,
    pub(crate) directory: &'a Path,
    /// What makes it a member of an ensemble; without, it stands alone.
    pub(crate) membership: Option<Membership<'a>>,
}

/// A server's place in an ensemble.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Membership<'a> {
    /// Its number, from 1.
    pub(crate) id: usize,
    /// The lines of `zoo.cfg` about the ensemble.
    pub(crate) lines: &'a str,
}

impl Plan<'_> {
    /// Starts the process and waits until it serves; tries other ports when `port` is none.
    pub(super) fn carry_out(&self, port: Option<u16>) -> Result<(Process, u16), StartError> {
        if let Some(port) = port {
            return Ok((self.start_at(port)?, port));
        }
        for _ in 0..PORT_TRIES {
            let port = free_port()?;
            match self.start_at(port) {
                Err(StartError::Died { log, .. }) if log.contains(PORT_TAKEN) => {}
                done => return Ok((done?, port)),
            }
        }
        Err(StartError::Io(io::ErrorKind::AddrInUse.into()))
    }

    fn start_at(&self, port: u16) -> Result<Process, StartError> {
        let mut process = self.launch(port)?;
        self.await_serving(&mut process, port)?;
        Ok(process)
    }

    /// Starts the process, and does not wait for it.
    pub(crate) fn launch(&self, port: u16) -> io::Result<Process> {
        let config = self.directory.join("zoo.cfg");
        let mut text = self.options.config(port, self.directory);
        if let Some(Membership { id, lines }) = self.membership {
            text.push_str(lines);
            fs::write(self.directory.join("myid"), id.to_string())?;
        }
        fs::write(&config, text)?;
        let logging = LOG_CONFIGS.into_iter().map(|(name, text)| (name, text.to_owned()));
        for (name, text) in logging.chain(self.options.files()) {
            fs::write(self.directory.join(name), text)?;
        }
        let log = File::create(self.directory.join(LOG_FILE))?;
        Process::start(&self.java(&config), self.directory, log)
    }

    /// The command line; the directory itself comes first on the class path, for the loggers' files.
    fn java(&self, config: &Path) -> Command {
        let class_path = class_path(Some(self.directory), self.installation);
        let class = if self.membership.is_some() { MEMBER_CLASS } else { SERVER_CLASS };
        let mut command = Command::new(self.installation.java());
        command
            .args(self.options.java_flags(self.directory))
            .arg("-cp")
            .arg(class_path)
            .arg(class)
            .arg(config);
        command
    }

    /// Asks until the answer names our directory: another server may have taken the port before ours could.
    pub(crate) fn await_serving(&self, process: &mut Process, port: u16) -> Result<(), StartError> {
        let ours = format!("dataDir={}", self.directory.display());
        let start = Instant::now();
        loop {
            let answer = ask((Ipv4Addr::LOCALHOST, port).into(), "conf", ANSWER_LIMIT);
            if answer.is_ok_and(|config| config.contains(&ours)) {
                return Ok(());
            }
            if let Some(status) = process.ended()? {
                return Err(StartError::Died { port, status, log: log_tail(self.directory) });
            }
            if start.elapsed() > START_LIMIT {
                return Err(StartError::Late { port, log: log_tail(self.directory) });
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

/// Why a server did not come to serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A file, a port or a process could not be had.
    #[error("cannot start a ZooKeeper: {0}")]
    Io(#[from] io::Error),
    /// The process ended by itself. The log tells why.
    #[error("the ZooKeeper for port {port} died ({status}); its log ends with\n{log}")]
    Died {
        /// Where it was to listen.
        port: u16,
        /// How it ended.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// The process runs but does not serve: look into the log, else the machine is overloaded.
    #[error("the ZooKeeper at port {port} does not serve after {START_LIMIT:?}; its log ends with\n{log}")]
    Late {
        /// Where it was to listen.
        port: u16,
        /// The end of its log.
        log: String,
    },
}

/// The jars in the form Java takes them, after the directory `first`.
pub(super) fn class_path(first: Option<&Path>, installation: &Installation) -> OsString {
    let entries: Vec<_> = first.into_iter().chain(installation.class_path()).map(Path::as_os_str).collect();
    entries.join(":".as_ref())
}

/// The last lines of the log of the server in `directory`.
pub(crate) fn log_tail(directory: &Path) -> String {
    let log = fs::read(directory.join(LOG_FILE)).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}

/// A port nobody listens on, below the range the system takes for outgoing connections: a client that dials a port of
/// that range while its server is down may be given the very port and so be connected to itself.
pub(crate) fn free_port() -> io::Result<u16> {
    let seed = RandomState::new().hash_one(PORTS.start);
    let count = u64::from(PORTS.end - PORTS.start);
    (0..count)
        .map(|step| {
            PORTS.start + u16::try_from(seed.wrapping_add(step) % count).expect("the range is of u16")
        })
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| io::ErrorKind::AddrInUse.into())
}

/// Standalone, without the code for ensembles.
const SERVER_CLASS: &str = "org.apache.zookeeper.server.ZooKeeperServerMain";

/// With the code for ensembles.
const MEMBER_CLASS: &str = "org.apache.zookeeper.server.quorum.QuorumPeerMain";

/// Below the outgoing ports of Linux (32768) and macOS (49152), above those of common services.
const PORTS: std::ops::Range<u16> = 12_000..31_000;

/// Ports tried before giving up; one collision is rare already.
pub(crate) const PORT_TRIES: u32 = 5;

/// What Java's exception says when somebody listens on the port.
pub(crate) const PORT_TAKEN: &str = "Address already in use";

/// Some 60 times what a start takes on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A server that serves answers a four-letter word within milliseconds.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How often a starting server is asked.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

const LOG_FILE: &str = "server.log";
const LOG_TAIL_LINES: usize = 30;

/// The loggers that Apache's releases bring say everything, or nothing, unless told.
const LOG_CONFIGS: [(&str, &str); 2] = [
    (
        "logback.xml",
        "<configuration><appender name=\"OUT\" class=\"ch.qos.logback.core.ConsoleAppender\"><encoder>\
         <pattern>%d %-5level %logger{0} %msg%n</pattern></encoder></appender>\
         <root level=\"INFO\"><appender-ref ref=\"OUT\"/></root></configuration>",
    ),
    (
        "log4j.properties",
        "log4j.rootLogger=INFO, OUT\nlog4j.appender.OUT=org.apache.log4j.ConsoleAppender\n\
         log4j.appender.OUT.layout=org.apache.log4j.PatternLayout\n\
         log4j.appender.OUT.layout.ConversionPattern=%d %-5p %c{1} %m%n\n",
    ),
];
