//! A real ZooKeeper server, one process each, on a loopback port of its own.
//!
//! Standalone servers; [`Ensemble`](crate::Ensemble) makes several into one. A server dies with its [`Server`], and with the test process at the latest,
//! however that ends.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use self::process::Process;
use self::start::Plan;

pub use self::detect::{Installation, JARS_VARIABLE, NotFound, Release};
pub use self::install::InstallError;
pub use self::options::Options;
pub use self::start::StartError;
pub use self::words::ask;

mod client;
mod detect;
mod install;
mod options;
pub(crate) mod process;
mod releases;
pub(crate) mod start;
mod words;

/// A ZooKeeper server of a test's own: it can be killed, restarted and paused.
///
/// Its data lives in a temporary directory, which is removed with it.
#[derive(Debug)]
pub struct Server {
    process: Option<Process>,
    port: u16,
    installation: Installation,
    options: Options,
    directory: TempDir,
}

impl Server {
    /// Starts a server, and returns when it serves.
    ///
    /// # Panics
    ///
    /// With the end of the server's log when it does not come to serve; see [`Server::launch`].
    #[must_use]
    #[track_caller]
    pub fn start(installation: &Installation, options: Options) -> Self {
        Self::launch(installation, options).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts a server, and returns when it serves. A port that turns out to be taken is replaced by another, unless
    /// the options ask for it.
    ///
    /// # Errors
    ///
    /// [`StartError`] has the end of the server's log.
    pub fn launch(installation: &Installation, options: Options) -> Result<Self, StartError> {
        let directory = tempfile::Builder::new().prefix("zookeeper-").tempdir()?;
        let plan = Plan { installation, options: &options, directory: directory.path(), membership: None };
        let (process, port) = plan.carry_out(options.fixed_port())?;
        Ok(Self { process: Some(process), port, installation: installation.clone(), options, directory })
    }

    /// Kills the server at once (SIGKILL). Its clients see their connections reset, its sessions and data stay.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts the server again, on the same port and with the same data, after killing it if it runs.
    ///
    /// # Panics
    ///
    /// With the end of the server's log when it does not come to serve.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        let (installation, options) = (&self.installation, &self.options);
        let plan = Plan { installation, options, directory: self.directory.path(), membership: None };
        let (process, _) = plan.carry_out(Some(self.port)).unwrap_or_else(|error| panic!("{error}"));
        self.process = Some(process);
    }

    /// Stops the process (SIGSTOP): its connections stay open, connections to it are still accepted by the system, and
    /// nothing is answered.
    ///
    /// # Panics
    ///
    /// When the server was killed or has died.
    #[track_caller]
    pub fn pause(&self) {
        self.running().pause().expect("a server that runs can be stopped");
    }

    /// Lets the process go on after a [`Server::pause`].
    ///
    /// # Panics
    ///
    /// When the server was killed or has died.
    #[track_caller]
    pub fn resume(&self) {
        self.running().resume().expect("a stopped server can be continued");
    }

    /// Asks a four-letter word, such as `mntr`. See [`ask`] for one that may fail.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    #[must_use]
    #[track_caller]
    pub fn command(&self, word: &str) -> String {
        match ask(self.address(), word, start::ANSWER_LIMIT) {
            Ok(answer) => answer,
            Err(error) => panic!("no answer to `{word}`: {error}\n{}", self.log_tail()),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        start::log_tail(self.directory.path())
    }

    #[track_caller]
    fn running(&self) -> &Process {
        self.process.as_ref().expect("the server was killed and not restarted")
    }
}

/// The one server of this test process, for tests that leave it alone; each works below a [`fresh_path`].
///
/// # Panics
///
/// When there is no ZooKeeper on this machine, with how to get one, or when it does not start.
#[must_use]
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| {
        let installation = Installation::find().unwrap_or_else(|error| panic!("{error}"));
        Server::start(&installation, Options::new())
    })
}

/// The absolute path of a node below the root which no other call returns, in any test process. The node does not
/// exist; a test creates it, or uses it as its chroot.
#[must_use]
pub fn fresh_path() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("/test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
